//! Which API is asked for which exchange, and how callers with one refresh token share a refresh.
//!
//! In: an issuer by its place in the configuration, or an OpenID client by its name, what to
//! exchange, and a time limit. Out: what was granted, or why nothing was. A request that uses up a
//! refresh token or a code has a time limit of its own: it goes on when its callers have left.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{
    capabilities::{CodeFlow, IssuerApi},
    error::{ApiError, ExchangeError},
    grants::{
        AppAndKey, Authorization, AuthorizationRequest, CodeGrant, GuestLevel, OpenIdClientProof,
        OpenIdRefresh, ThirdPartyToken,
    },
    refreshes::{RefreshAnswer, RefreshFault, RefreshKey, Refreshes, keep},
    shared_refreshes::{RefreshTimes, SharedRefreshes},
    token_control::TokenControl,
    tokens::Granted,
};
use crate::{
    config::{Config, OidcClient, Secret},
    model::IssuerIndex,
    single_flight::Landed,
};

/// An OpenID client of the configuration, and its provider.
#[derive(Debug)]
pub struct OpenIdClient {
    settings: OidcClient,
    provider: Arc<dyn CodeFlow>,
    control: Arc<dyn TokenControl>,
}

/// The choices of a caller in an authorization request; the client's settings say the rest.
#[derive(Debug, Clone, Copy)]
pub struct AuthorizationChoices<'a> {
    /// The URL that the browser comes back to.
    pub redirect_uri: &'a str,
    /// The scopes to ask for; empty means those of the client's settings.
    pub scopes: &'a [String],
    /// More query parameters, by name.
    pub parameters: &'a [(&'static str, &'a str)],
}

/// The exchanges that one configuration allows.
#[derive(Debug)]
pub struct Exchange {
    apis: Vec<Option<IssuerApi>>,
    names: Vec<String>,
    clients: HashMap<String, OpenIdClient>,
    refreshes: Arc<Refreshes>,
    /// The refreshes of all replicas, where they share their state.
    shared: Option<Arc<SharedRefreshes>>,
    /// The time limit of a refresh, which is none of its callers'.
    refresh_timeout: Duration,
    /// For how long later callers get the answer of a refresh.
    grace: Duration,
}

/// The later callers who get the answer of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KeptFor {
    /// All: a refresh token may be sent by several.
    Everybody,
    /// Those whose first call has ended without an answer. A code is sent once, and a second use of
    /// it is refused.
    Absent,
}

impl Exchange {
    /// With the APIs of the issuers, in the order of the configuration.
    #[must_use]
    pub fn build(config: &Config, apis: &[Option<IssuerApi>], refreshes: &Arc<Refreshes>) -> Self {
        let names: Vec<String> = config.issuers.iter().map(|issuer| issuer.name.clone()).collect();
        let client = |settings: &OidcClient| {
            let index = IssuerIndex::new(names.iter().position(|name| *name == settings.issuer)?);
            let api = index.of(apis)?.as_ref()?;
            let (provider, control) = (api.code_flow.clone()?, api.token_control.clone()?);
            let settings = settings.clone();
            Some((settings.name.clone(), OpenIdClient { settings, provider, control }))
        };
        Self {
            apis: apis.to_vec(),
            clients: config.rownd_auth.oidc_clients.iter().filter_map(client).collect(),
            names,
            refreshes: refreshes.clone(),
            shared: None,
            refresh_timeout: config.rownd_auth.timeout.get(),
            grace: config.rownd_auth.refresh_grace.get(),
        }
    }

    /// The API of an issuer; `None`: issuers of its kind have none.
    #[must_use]
    pub fn api_of(&self, issuer: IssuerIndex) -> Option<&IssuerApi> {
        issuer.of(&self.apis)?.as_ref()
    }

    /// The same, where one refresh token is sent once by all replicas.
    #[must_use]
    pub fn with_shared(self, shared: Option<Arc<SharedRefreshes>>) -> Self {
        Self { shared, ..self }
    }

    /// The OpenID client of this name.
    #[must_use]
    pub fn client(&self, name: &str) -> Option<&OpenIdClient> {
        self.clients.get(name)
    }

    /// All OpenID clients, in no order.
    pub fn clients(&self) -> impl Iterator<Item = &OpenIdClient> {
        self.clients.values()
    }

    /// Tokens for the token of another issuer.
    ///
    /// # Errors
    ///
    /// [`ExchangeError`], if the issuer cannot do that, refuses it or gives no usable answer.
    pub async fn third_party(
        &self,
        issuer: IssuerIndex,
        app: AppAndKey<'_>,
        token: &ThirdPartyToken,
        timeout: Duration,
    ) -> Result<Granted, ExchangeError> {
        let api = self.api(issuer, |api| api.third_party_tokens.as_ref())?;
        api.exchange(app, token, timeout).await
    }

    /// Tokens for a refresh token of Rownd or of a SuperTokens session. Callers with one token share
    /// one answer.
    ///
    /// # Errors
    ///
    /// [`ExchangeError`], if the issuer cannot do that, refuses it, or gives no usable answer in time.
    pub async fn refresh(
        &self,
        issuer: IssuerIndex,
        token: &Secret,
        deadline: Instant,
    ) -> Result<Granted, ExchangeError> {
        let api = self.api(issuer, |api| api.refresh_tokens.as_ref())?.clone();
        let name = issuer.of(&self.names).map_or("", String::as_str);
        let key = RefreshKey::of(&["issuer", name, token.expose()]);
        let (token, timeout) = (token.clone(), self.refresh_timeout);
        let work = async move { api.refresh(&token, timeout).await };
        self.once((key, KeptFor::Everybody), work, deadline).await
    }

    /// A session for a Rownd token.
    ///
    /// # Errors
    ///
    /// [`ExchangeError`], if the issuer cannot do that, refuses it or gives no usable answer.
    pub async fn migrate(
        &self,
        issuer: IssuerIndex,
        token: &Secret,
        timeout: Duration,
    ) -> Result<Granted, ExchangeError> {
        let api = self.api(issuer, |api| api.migration.as_ref())?;
        Ok(api.migrate(token, timeout).await?)
    }

    /// Tokens for a magic link. The exchange goes on if its caller leaves, and the answer is then for
    /// the one who asks again.
    ///
    /// # Errors
    ///
    /// [`ExchangeError`], if the issuer cannot do that, refuses it or gives no usable answer in time.
    pub async fn magic_link(
        &self,
        issuer: IssuerIndex,
        id: &Secret,
        deadline: Instant,
    ) -> Result<Granted, ExchangeError> {
        let api = self.api(issuer, |api| api.magic_links.as_ref())?.clone();
        let name = issuer.of(&self.names).map_or("", String::as_str);
        let key = RefreshKey::of(&["magic", name, id.expose()]);
        let (id, timeout) = (id.clone(), self.refresh_timeout);
        let work = async move { api.redeem(&id, timeout).await };
        self.once((key, KeptFor::Absent), work, deadline).await
    }

    /// A new guest or instant user.
    ///
    /// # Errors
    ///
    /// [`ExchangeError`], if the issuer cannot do that, refuses it or gives no usable answer, or if
    /// there is no app key and one is needed.
    pub async fn guest(
        &self,
        issuer: IssuerIndex,
        app: Option<AppAndKey<'_>>,
        level: GuestLevel,
        timeout: Duration,
    ) -> Result<Granted, ExchangeError> {
        let api = self.api(issuer, |api| api.guests.as_ref())?;
        api.guest(app, level, timeout).await
    }

    /// Tokens for an authorization code. The exchange goes on if its caller leaves, and the answer is
    /// then for the one who asks again, with everything that belongs to the code.
    ///
    /// # Errors
    ///
    /// [`ExchangeError`], if the issuer cannot do that, refuses it or gives no usable answer in time.
    pub async fn code(
        &self,
        client: &OpenIdClient,
        grant: CodeGrant,
        deadline: Instant,
    ) -> Result<Granted, ExchangeError> {
        let CodeGrant { code, redirect_uri, verifier, nonce } = &grant;
        let key = RefreshKey::of(&[
            "code",
            &client.settings.issuer,
            &client.settings.name,
            code.expose(),
            redirect_uri,
            verifier.as_ref().map_or("", Secret::expose),
            nonce,
        ]);
        let (provider, auth) = (client.provider.clone(), client.settings.auth.clone());
        let (id, timeout) = (client.settings.client_id.clone(), self.refresh_timeout);
        let work = async move {
            provider.code(OpenIdClientProof { id: &id, auth: &auth }, &grant, timeout).await
        };
        self.once((key, KeptFor::Absent), work, deadline).await
    }

    /// Tokens for an OpenID refresh token. Callers with one token share one answer.
    ///
    /// # Errors
    ///
    /// [`ExchangeError`], if the issuer refuses it, or gives no usable answer in time.
    pub async fn refresh_openid(
        &self,
        client: &OpenIdClient,
        refresh: OpenIdRefresh<'_>,
        deadline: Instant,
    ) -> Result<Granted, ExchangeError> {
        let (settings, scope) = (&client.settings, refresh.scopes.join(" "));
        let token = refresh.token.expose();
        let key = RefreshKey::of(&["openid", &settings.issuer, &settings.name, &scope, token]);
        let (provider, auth) = (client.provider.clone(), client.settings.auth.clone());
        let (id, token) = (settings.client_id.clone(), refresh.token.clone());
        let (scopes, timeout) = (refresh.scopes.to_vec(), self.refresh_timeout);
        let work = async move {
            let client = OpenIdClientProof { id: &id, auth: &auth };
            let refresh = OpenIdRefresh { token: &token, scopes: &scopes };
            provider.refresh(client, refresh, timeout).await
        };
        self.once((key, KeptFor::Everybody), work, deadline).await
    }

    /// The URL to send a browser to.
    ///
    /// # Errors
    ///
    /// [`ExchangeError`], if the issuer cannot do that, refuses it or gives no usable answer.
    pub async fn authorization(
        &self,
        client: &OpenIdClient,
        choices: AuthorizationChoices<'_>,
        timeout: Duration,
    ) -> Result<Authorization, ExchangeError> {
        let (settings, scopes) = (&client.settings, choices.scopes);
        let request = AuthorizationRequest {
            client_id: &settings.client_id,
            redirect_uri: choices.redirect_uri,
            scopes: if scopes.is_empty() { &settings.scopes } else { scopes },
            pkce: settings.pkce,
            parameters: choices.parameters,
        };
        Ok(client.provider.authorization(request, timeout).await?)
    }

    /// The answer of this request, or of the one with the same key that is under way or was made
    /// shortly before.
    async fn once(
        &self,
        (key, kept_for): (RefreshKey, KeptFor),
        request: impl Future<Output = Result<Granted, ApiError>> + Send + 'static,
        deadline: Instant,
    ) -> Result<Granted, ExchangeError> {
        let times = RefreshTimes { timeout: self.refresh_timeout, grace: self.grace };
        let only_unheard = kept_for == KeptFor::Absent;
        // A code is refused by its issuer when it is used again, so replicas need not know of it.
        let shared = self.shared.clone().filter(|_| !only_unheard);
        let work = Box::pin(async move {
            let (answer, keep) = match shared {
                Some(shared) => shared.once(&key, times, request).await,
                None => {
                    let answer = request.await.map_err(RefreshFault::Api);
                    let keep = keep(&answer, times.grace);
                    (answer, keep)
                }
            };
            Landed { answer, keep, only_unheard }
        });
        let answer: RefreshAnswer = self.refreshes.join(key, work, deadline).await?;
        Ok(answer?)
    }

    /// The row of this issuer's table.
    fn api<'a, T: ?Sized>(
        &'a self,
        issuer: IssuerIndex,
        row: impl FnOnce(&'a IssuerApi) -> Option<&'a Arc<T>>,
    ) -> Result<&'a Arc<T>, ExchangeError> {
        let api = issuer.of(&self.apis).and_then(Option::as_ref);
        api.and_then(row).ok_or(ExchangeError::Unsupported)
    }
}

impl OpenIdClient {
    /// The configured name of its issuer.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.settings.issuer
    }

    /// The redirect URI that is asked for, if it is one of the client's; else its first.
    #[must_use]
    pub fn redirect_uri<'a>(&'a self, asked: Option<&str>) -> Option<&'a str> {
        let mut known = self.settings.redirect_uris.iter().map(String::as_str);
        match asked {
            Some(asked) => known.find(|known| *known == asked),
            None => known.next(),
        }
    }

    /// Its name in the configuration.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// The URL that a browser comes back to after a logout: the one that is asked for, if it is one of
    /// the client's; else its first.
    #[must_use]
    pub fn post_logout_redirect_uri<'a>(&'a self, asked: Option<&str>) -> Option<&'a str> {
        let mut known = self.settings.post_logout_redirect_uris.iter().map(String::as_str);
        match asked {
            Some(asked) => known.find(|known| *known == asked),
            None => known.next(),
        }
    }

    /// Its id at the provider.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.settings.client_id
    }

    /// Its id and its proof.
    #[must_use]
    pub const fn proof(&self) -> OpenIdClientProof<'_> {
        OpenIdClientProof { id: self.settings.client_id.as_str(), auth: &self.settings.auth }
    }

    /// The part of its provider that looks after tokens.
    #[must_use]
    pub fn control(&self) -> &Arc<dyn TokenControl> {
        &self.control
    }

    /// Whether its codes are bound to a verifier (RFC 7636).
    #[must_use]
    pub const fn pkce(&self) -> bool {
        self.settings.pkce
    }
}
