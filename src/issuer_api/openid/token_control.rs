//! An OpenID provider after a sign-in: claims of a user, introspection, revocation, logout.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Map, Value};

use super::{
    provider::{OpenIdProvider, random, token_error},
    token_endpoint::ProvenForm,
};
use crate::{
    config::Secret,
    issuer_api::{
        api::{ApiCall, Target, bearer, from_json},
        error::ApiError,
        grants::OpenIdClientProof,
        operation::Operation,
        token_control::{
            IssuedToken, Logout, LogoutRequest, TokenControl, TokenHint, TokenReply, UserClaims,
            UserInfo,
        },
    },
    upstream::{HttpAnswer, discovery::DiscoveredUrl},
};

impl UserInfo for OpenIdProvider {
    fn user_info<'a>(
        &'a self,
        user: Option<&'a str>,
        token: &'a Secret,
        timeout: Duration,
    ) -> TokenReply<'a, UserClaims> {
        Box::pin(async move {
            let url = self.endpoints(timeout).await?.user_info?;
            let bearer = bearer(token);
            let call = ApiCall {
                operation: Operation::OpenIdUserInfo,
                app: None,
                target: Target::Learned(&url),
                headers: &[("accept", "application/json"), ("authorization", bearer.expose())],
                body: Bytes::new(),
                timeout,
            };
            let members: Map<String, Value> = self.api().call(call, from_json).await?;
            // OpenID Connect Core section 5.3.2: `sub` is always there, and that of the token.
            let subject = match members.get("sub") {
                Some(Value::String(subject)) if !subject.is_empty() => subject.clone(),
                _ => return Err(ApiError::Shape),
            };
            if user.is_some_and(|user| user != subject) {
                return Err(ApiError::OtherUser);
            }
            Ok(UserClaims { subject, members, profile: None })
        })
    }
}

impl TokenControl for OpenIdProvider {
    fn introspect<'a>(
        &'a self,
        client: OpenIdClientProof<'a>,
        token: IssuedToken<'a>,
        timeout: Duration,
    ) -> TokenReply<'a, Map<String, Value>> {
        Box::pin(async move {
            let url = self.endpoints(timeout).await?.introspection?;
            let operation = Operation::OpenIdIntrospection;
            self.post(operation, client, (&url, token), timeout, from_json).await
        })
    }

    fn revoke<'a>(
        &'a self,
        client: OpenIdClientProof<'a>,
        token: IssuedToken<'a>,
        timeout: Duration,
    ) -> TokenReply<'a, ()> {
        Box::pin(async move {
            let url = self.endpoints(timeout).await?.revocation?;
            let operation = Operation::OpenIdRevocation;
            self.post(operation, client, (&url, token), timeout, |_| Ok(())).await
        })
    }

    fn logout<'a>(
        &'a self,
        request: LogoutRequest<'a>,
        timeout: Duration,
    ) -> TokenReply<'a, Logout> {
        Box::pin(async move {
            let mut url = self.endpoints(timeout).await?.end_session?.url;
            let state = match (request.state, request.redirect_uri) {
                (Some(state), _) => Some(state.to_owned()),
                (None, Some(_)) => Some(random()?),
                (None, None) => None,
            };
            let parameters = [
                ("id_token_hint", request.id_token.map(Secret::expose)),
                ("post_logout_redirect_uri", request.redirect_uri),
                ("state", state.as_deref()),
            ];
            let mut query = url.query_pairs_mut();
            query.append_pair("client_id", request.client_id);
            for (name, value) in parameters {
                if let Some(value) = value {
                    query.append_pair(name, value);
                }
            }
            query.extend_pairs(request.parameters);
            drop(query);
            Ok(Logout { url: Secret::new(url.as_str()), state })
        })
    }
}

impl OpenIdProvider {
    /// Sends a token to an endpoint that wants to know the client.
    async fn post<T>(
        &self,
        operation: Operation,
        client: OpenIdClientProof<'_>,
        (url, token): (&DiscoveredUrl, IssuedToken<'_>),
        timeout: Duration,
        read: impl Fn(&HttpAnswer) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let mut form = vec![("token", token.token.expose())];
        form.extend(token.hint.map(|hint| {
            let word = match hint {
                TokenHint::AccessToken => "access_token",
                TokenHint::RefreshToken => "refresh_token",
            };
            ("token_type_hint", word)
        }));
        let ProvenForm { body, authorization } = ProvenForm::new(client, &form);
        let mut headers = vec![("accept", "application/json")];
        headers.extend(authorization.as_ref().map(|value| ("authorization", value.expose())));
        let call = ApiCall {
            operation,
            app: None,
            target: Target::Learned(url),
            headers: &headers,
            body: body.into(),
            timeout,
        };
        self.api().call(call, read).await.map_err(token_error)
    }
}
