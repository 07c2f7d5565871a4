//! Magic links: `GET /hub/auth/magic/{id}`, and the user of a token of Rownd: `GET /me`.
//!
//! In: the id of a link, or a token. Out: tokens; or claims. Of a link only the id is used: the
//! request goes to the issuer's own address, wherever the link leads, and follows nothing.

use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use url::Url;

use super::{
    client::RowndClient,
    exchange::read_tokens,
    user::{read_profile, read_profile_of},
};
use crate::{
    config::Secret,
    issuer_api::{
        api::{ApiCall, Target, bearer, from_json},
        error::ApiError,
        operation::Operation,
        rejection::{RefusedPart, Rejection},
        token_control::{MagicLinks, TokenReply, UserClaims, UserInfo},
        tokens::Granted,
    },
    upstream::UpstreamError,
};

const MAGIC: &str = "/hub/auth/magic/";
const ME: &str = "/me";
/// The longest id of a link.
const MAX_ID: usize = 256;
/// Rownd gives tokens to its own libraries, which it knows by this word, or to everybody who asks for
/// JSON. Its documents say both.
const HEADERS: [(&str, &str); 2] =
    [("accept", "application/json"), ("user-agent", "rownd-authz (rownd sdk)")];

impl MagicLinks for RowndClient {
    fn redeem<'a>(&'a self, id: &'a Secret, timeout: Duration) -> TokenReply<'a, Granted> {
        Box::pin(async move {
            let path = Secret::new(&format!("{MAGIC}{}", id.expose()));
            let call = ApiCall {
                operation: Operation::RowndMagicLink,
                app: None,
                target: Target::Path(path.expose()),
                headers: &HEADERS,
                body: Bytes::new(),
                timeout,
            };
            match self.api.call(call, read_tokens).await {
                // A link always has a user, so tokens are always part of the answer.
                Ok(Granted::Nothing(_)) => Err(ApiError::Shape),
                // A link that only shortens an address. Other redirects are of a server in between.
                Err(ApiError::Redirected(status @ (302 | 303))) => {
                    Err(ApiError::Rejected(Rejection::new(status, None)))
                }
                Err(ApiError::Rejected(rejection)) => Err(refused(rejection)),
                other => other,
            }
        })
    }

    fn id_of(&self, link: &str) -> Option<Secret> {
        id_of(link, &self.api.base_url)
    }
}

/// The meaning of a refusal: of the link, or of something on the way.
fn refused(rejection: Rejection) -> ApiError {
    match rejection.status {
        403 if rejection.mentions.disabled => {
            ApiError::Rejected(rejection.of(RefusedPart::DisabledUser))
        }
        400 | 403 | 404 | 410 => ApiError::Rejected(rejection),
        // It may be of a proxy in between: taking it for a refusal would cost the user the link.
        status => UpstreamError::Status(status).into(),
    }
}

/// The id in a link, if the link is of the API at this address. The query goes to the page that a
/// browser is sent to, and does not matter here.
fn id_of(link: &str, base_url: &Url) -> Option<Secret> {
    let is_odd = |c: char| c.is_whitespace() || c.is_control() || c == '\\';
    if link.contains(is_odd) {
        return None;
    }
    let link = Url::parse(link).ok()?;
    let is_ours = link.origin() == base_url.origin()
        && link.origin().is_tuple()
        && link.username().is_empty()
        && link.password().is_none();
    let below = link.path().strip_prefix(base_url.path().trim_end_matches('/'))?;
    let id = below.strip_prefix(MAGIC)?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let good = is_ours && !id.is_empty() && id.len() <= MAX_ID && id.bytes().all(is_plain);
    good.then(|| Secret::new(id))
}

impl UserInfo for RowndClient {
    /// Rownd's metadata name this address as that of the user info; its answer is the profile.
    fn user_info<'a>(
        &'a self,
        user: Option<&'a str>,
        token: &'a Secret,
        timeout: Duration,
    ) -> TokenReply<'a, UserClaims> {
        Box::pin(async move {
            let bearer = bearer(token);
            let call = ApiCall {
                operation: Operation::RowndUserInfo,
                app: None,
                target: Target::Path(ME),
                headers: &[("accept", "application/json"), ("authorization", bearer.expose())],
                body: Bytes::new(),
                timeout,
            };
            self.api
                .call(call, |answer| {
                    let profile = match user {
                        Some(user) => read_profile_of(user, &answer.body)?,
                        None => read_profile(&answer.body)?,
                    };
                    let Value::Object(members) = from_json(answer)? else {
                        return Err(ApiError::Shape);
                    };
                    let subject = user.map(str::to_owned).or_else(|| profile.user_id.clone());
                    let subject = subject.ok_or(ApiError::Shape)?;
                    Ok(UserClaims { subject, members, profile: Some(profile) })
                })
                .await
        })
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::id_of;
    use crate::config::Secret;

    /// Nothing but an id is taken from a link.
    #[test]
    fn a_link_is_one_of_the_issuer_or_it_is_none() {
        let base = Url::parse("https://api.rownd.io").unwrap();
        let below = Url::parse("http://127.0.0.1:8787/rownd/").unwrap();
        for (link, base, id) in [
            ("https://api.rownd.io/hub/auth/magic/a1-B_2", &base, Some("a1-B_2")),
            ("https://api.rownd.io:443/hub/auth/magic/a?x=https://evil.test", &base, Some("a")),
            ("https://API.rownd.io/hub/auth/magic/a#b", &base, Some("a")),
            ("http://127.0.0.1:8787/rownd/hub/auth/magic/a", &below, Some("a")),
            ("http://127.0.0.1:8787/hub/auth/magic/a", &below, None),
            ("http://api.rownd.io/hub/auth/magic/a", &base, None),
            ("https://api.rownd.io:8443/hub/auth/magic/a", &base, None),
            ("https://evil.test/hub/auth/magic/a", &base, None),
            ("https://api.rownd.io.evil.test/hub/auth/magic/a", &base, None),
            ("https://api.rownd.io@evil.test/hub/auth/magic/a", &base, None),
            ("https://ann@api.rownd.io/hub/auth/magic/a", &base, None),
            ("https://api.rownd.io\\@evil.test/hub/auth/magic/a", &base, None),
            ("https://api.rownd.io/hub/auth/magic/", &base, None),
            ("https://api.rownd.io/hub/auth/magic/a/b", &base, None),
            ("https://api.rownd.io/hub/auth/magic/a%2fb", &base, None),
            ("https://api.rownd.io/hub/auth/magic/%2e%2e", &base, None),
            ("https://api.rownd.io/hub/auth/magic/../token", &base, None),
            ("https://api.rownd.io/hub/auth/magic/a;b", &base, None),
            ("https://api.rownd.io//hub/auth/magic/a", &base, None),
            ("https://api.rownd.io/HUB/auth/magic/a", &base, None),
            ("https://api.rownd.io/hub/auth/magic/a b", &base, None),
            ("https://api.rownd.io/hub/auth/magic/a\n", &base, None),
            ("//api.rownd.io/hub/auth/magic/a", &base, None),
            ("/hub/auth/magic/a", &base, None),
            ("file:///hub/auth/magic/a", &base, None),
            ("javascript:alert(1)", &base, None),
            ("a1", &base, None),
            ("", &base, None),
        ] {
            let found = id_of(link, base);
            assert_eq!(found.as_ref().map(Secret::expose), id, "{link:?}");
        }
        let long = format!("https://api.rownd.io/hub/auth/magic/{}", "a".repeat(257));
        assert!(id_of(&long, &base).is_none());
    }
}
