//! Something for tokens: which API is asked for which grant, and each refresh once.
//!
//! In: an issuer by its index, or an OpenID client by its name, a grant, and how long it may take.
//! Out: what was granted, or why nothing was. A refresh has a time of its own: it goes on when
//! whoever asked has left.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{
    Authorization, AuthorizationRequest, ClientAuth, CodeGrant, Error, Granted, GuestLevel,
    Provider, Remote, ThirdParty,
    refreshes::{RefreshAnswer, RefreshKey, Refreshes, keep},
};
use crate::{
    config::{ClientAuthMethod, Config, OidcClient, Secret},
    single_flight::{Landed, Missed},
};

/// An app, and its key where it is known.
pub type AppKey<'a> = (&'a str, Option<&'a Secret>);

/// Why nothing was granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExchangeError {
    /// The API said no, or nothing.
    Api(Error),
    /// A refresh that callers share gave no answer.
    Missed(Missed),
    /// The issuer has no such exchange.
    Unsupported,
    /// There is no app key, and this exchange needs one.
    NoKey,
}

impl From<Error> for ExchangeError {
    fn from(error: Error) -> Self {
        Self::Api(error)
    }
}

/// An OpenID client with its provider.
#[derive(Debug)]
pub struct Registered {
    settings: OidcClient,
    auth: ClientAuth,
    provider: Provider,
}

/// What can be traded under one configuration.
#[derive(Debug)]
pub struct Exchange {
    remotes: Vec<Option<Remote>>,
    names: Vec<String>,
    clients: HashMap<String, Registered>,
    refreshes: Arc<Refreshes>,
    /// For a refresh.
    timeout: Duration,
    grace: Duration,
}

impl Exchange {
    /// With the clients of the issuers' APIs, in the order of the configuration.
    #[must_use]
    pub fn build(config: &Config, remotes: &[Option<Remote>], refreshes: &Arc<Refreshes>) -> Self {
        let names: Vec<String> = config.issuers.iter().map(|issuer| issuer.name.clone()).collect();
        let client = |settings: &OidcClient| {
            let index = names.iter().position(|name| *name == settings.issuer)?;
            let Some(Remote::OpenId(provider)) = remotes.get(index)?.as_ref() else { return None };
            let auth = match (settings.auth_method, &settings.client_secret) {
                (Some(ClientAuthMethod::Basic), Some(secret)) => ClientAuth::Basic(secret.clone()),
                (Some(ClientAuthMethod::Post), Some(secret)) => ClientAuth::Post(secret.clone()),
                _ => ClientAuth::None,
            };
            let (settings, provider) = (settings.clone(), provider.clone());
            Some((settings.name.clone(), Registered { settings, auth, provider }))
        };
        Self {
            remotes: remotes.to_vec(),
            clients: config.rownd_auth.oidc_clients.iter().filter_map(client).collect(),
            names,
            refreshes: refreshes.clone(),
            timeout: config.rownd_auth.timeout.get(),
            grace: config.rownd_auth.refresh_grace.get(),
        }
    }

    /// The OpenID client of this name.
    #[must_use]
    pub fn client(&self, name: &str) -> Option<&Registered> {
        self.clients.get(name)
    }

    /// Rownd tokens for somebody else's token.
    pub async fn third_party(
        &self,
        issuer: usize,
        app: AppKey<'_>,
        asked: &ThirdParty,
        timeout: Duration,
    ) -> Result<Granted, ExchangeError> {
        match self.remote(issuer) {
            Some(Remote::Rownd(client)) => Ok(client.exchange(app, asked, timeout).await?),
            _ => Err(ExchangeError::Unsupported),
        }
    }

    /// Rownd tokens for a refresh token. Callers with one token share one answer.
    pub async fn refresh(
        &self,
        issuer: usize,
        token: &Secret,
        deadline: Instant,
    ) -> Result<Granted, ExchangeError> {
        let Some(Remote::Rownd(client)) = self.remote(issuer) else {
            return Err(ExchangeError::Unsupported);
        };
        let name = self.names.get(issuer).map_or("", String::as_str);
        let key = RefreshKey::of(&["rownd", name, token.expose()]);
        let (client, token, timeout) = (client.clone(), token.clone(), self.timeout);
        self.shared(key, async move { client.refresh(&token, timeout).await }, deadline).await
    }

    /// A SuperTokens session for a Rownd token.
    pub async fn migrate(
        &self,
        issuer: usize,
        token: &Secret,
        timeout: Duration,
    ) -> Result<Granted, ExchangeError> {
        match self.remote(issuer) {
            Some(Remote::SuperTokens(client)) => Ok(client.migrate(token, timeout).await?),
            _ => Err(ExchangeError::Unsupported),
        }
    }

    /// A user nobody knows yet.
    pub async fn guest(
        &self,
        issuer: usize,
        app: Option<AppKey<'_>>,
        level: GuestLevel,
        timeout: Duration,
    ) -> Result<Granted, ExchangeError> {
        match (self.remote(issuer), app, level) {
            (Some(Remote::SuperTokens(client)), _, level) => {
                Ok(client.guest(level, timeout).await?)
            }
            (Some(Remote::Rownd(client)), Some((app, key)), GuestLevel::Instant) => {
                let key = key.ok_or(ExchangeError::NoKey)?;
                Ok(client.instant((app, key), timeout).await?)
            }
            (Some(Remote::Rownd(client)), Some(app), GuestLevel::Guest) => {
                Ok(client.guest(app, timeout).await?)
            }
            _ => Err(ExchangeError::Unsupported),
        }
    }

    /// Tokens for an authorization code.
    pub async fn code(
        &self,
        client: &Registered,
        grant: &CodeGrant,
        timeout: Duration,
    ) -> Result<Granted, ExchangeError> {
        Ok(client.provider.code(client.proof(), grant, timeout).await?)
    }

    /// Tokens for an OpenID refresh token. Callers with one token share one answer.
    pub async fn refresh_openid(
        &self,
        client: &Registered,
        (token, scopes): (&Secret, &[String]),
        deadline: Instant,
    ) -> Result<Granted, ExchangeError> {
        let (settings, scope) = (&client.settings, scopes.join(" "));
        let key =
            RefreshKey::of(&["openid", &settings.issuer, &settings.name, &scope, token.expose()]);
        let (provider, auth) = (client.provider.clone(), client.auth.clone());
        let (id, token) = (settings.client_id.clone(), token.clone());
        let (scopes, timeout) = (scopes.to_vec(), self.timeout);
        let work = async move { provider.refresh((&id, &auth), (&token, &scopes), timeout).await };
        self.shared(key, work, deadline).await
    }

    /// Where to send a browser.
    pub async fn authorization(
        &self,
        client: &Registered,
        (redirect_uri, scopes): (&str, &[String]),
        more: &[(&'static str, &str)],
        timeout: Duration,
    ) -> Result<Authorization, ExchangeError> {
        let settings = &client.settings;
        let asked = AuthorizationRequest {
            client_id: &settings.client_id,
            redirect_uri,
            scopes: if scopes.is_empty() { &settings.scopes } else { scopes },
            pkce: settings.pkce,
            more,
        };
        Ok(client.provider.authorization(&asked, timeout).await?)
    }

    /// The answer of this refresh, or of the one with the same key that is under way or was made
    /// shortly before.
    async fn shared(
        &self,
        key: RefreshKey,
        refresh: impl Future<Output = RefreshAnswer> + Send + 'static,
        deadline: Instant,
    ) -> Result<Granted, ExchangeError> {
        let grace = self.grace;
        let work = Box::pin(async move {
            let answer = refresh.await;
            Landed { keep: keep(&answer, grace), answer }
        });
        let answer = self.refreshes.join(key, work, deadline).await;
        answer.map_err(ExchangeError::Missed)?.map_err(ExchangeError::Api)
    }

    fn remote(&self, issuer: usize) -> Option<&Remote> {
        self.remotes.get(issuer)?.as_ref()
    }
}

impl Registered {
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

    /// Whether its codes are bound to a verifier.
    #[must_use]
    pub const fn pkce(&self) -> bool {
        self.settings.pkce
    }

    fn proof(&self) -> (&str, &ClientAuth) {
        (&self.settings.client_id, &self.auth)
    }
}
