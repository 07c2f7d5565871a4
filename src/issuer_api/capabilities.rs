//! The capabilities of the API of an issuer. Each kind of issuer has one table of it, and a row
//! that is `None` is something that its API cannot do.
//!
//! The table is built in the kind's own file. It has no default: a new row does not compile until
//! each kind has said whether it can do that.

use std::{fmt, sync::Arc, time::Duration};

pub use super::asked::Asked;
use super::{
    administration::{
        accounts::AccountAdministration, apps::AppAdministration, groups::GroupAdministration,
        oidc_clients::OidcClientAdministration, users::UserAdministration,
    },
    error::ExchangeError,
    grants::{
        AppAndKey, AppCredentials, Authorization, AuthorizationRequest, CodeGrant, GuestLevel,
        OpenIdClientProof, OpenIdRefresh, ThirdPartyToken,
    },
    token_control::{MagicLinks, TokenControl, UserInfo},
    tokens::Granted,
};
use crate::{
    config::Secret,
    model::{AppOfKey, Profile},
};

/// The table of one issuer.
#[derive(Debug, Clone)]
pub struct IssuerApi {
    /// The id of the app that a key belongs to.
    pub app_ids: Option<Arc<dyn AppIds>>,
    /// Tokens for the token of another issuer.
    pub third_party_tokens: Option<Arc<dyn ThirdPartyTokens>>,
    /// Tokens for a refresh token: of Rownd, or of a session.
    pub refresh_tokens: Option<Arc<dyn RefreshTokens>>,
    /// A session for a Rownd token.
    pub migration: Option<Arc<dyn Migration>>,
    /// A guest, or an instant user.
    pub guests: Option<Arc<dyn Guests>>,
    /// The profile of any user of an app.
    pub user_profiles: Option<Arc<dyn UserProfiles>>,
    /// The profile of a token's own user.
    pub own_profiles: Option<Arc<dyn OwnProfiles>>,
    /// The code flow of OpenID Connect.
    pub code_flow: Option<Arc<dyn CodeFlow>>,
    /// The claims about the user of an access token.
    pub user_info: Option<Arc<dyn UserInfo>>,
    /// Introspection, revocation and logout of OpenID Connect.
    pub token_control: Option<Arc<dyn TokenControl>>,
    /// Tokens for a magic link.
    pub magic_links: Option<Arc<dyn MagicLinks>>,
    /// The OpenID clients of an app.
    pub oidc_clients: Option<Arc<dyn OidcClientAdministration>>,
    /// The administration of the users of an app.
    pub users: Option<Arc<dyn UserAdministration>>,
    /// The administration of the groups of an app.
    pub groups: Option<Arc<dyn GroupAdministration>>,
    /// The configuration of apps.
    pub apps: Option<Arc<dyn AppAdministration>>,
    /// The accounts of an issuer without apps.
    pub accounts: Option<Arc<dyn AccountAdministration>>,
}

/// Knows which app a key belongs to.
pub trait AppIds: fmt::Debug + Send + Sync {
    /// The app that this key belongs to, and the variant if it is a variant's.
    fn app_of_key<'a>(&'a self, key: &'a Secret, timeout: Duration) -> Asked<'a, AppOfKey>;
}

/// Gives tokens for the token of another issuer, which the app's token validator judges.
pub trait ThirdPartyTokens: fmt::Debug + Send + Sync {
    /// Tokens for this one.
    fn exchange<'a>(
        &'a self,
        app: AppAndKey<'a>,
        token: &'a ThirdPartyToken,
        timeout: Duration,
    ) -> Asked<'a, Granted, ExchangeError>;
}

/// Gives tokens for a refresh token.
pub trait RefreshTokens: fmt::Debug + Send + Sync {
    /// Tokens for this refresh token, which is used up by that.
    fn refresh<'a>(&'a self, token: &'a Secret, timeout: Duration) -> Asked<'a, Granted>;
}

/// Gives a session of this issuer for a token of Rownd.
pub trait Migration: fmt::Debug + Send + Sync {
    /// A session for this access or refresh token, which stays valid.
    fn migrate<'a>(&'a self, token: &'a Secret, timeout: Duration) -> Asked<'a, Granted>;
}

/// Makes users of whom nothing is known.
pub trait Guests: fmt::Debug + Send + Sync {
    /// A new guest or instant user of this app. An issuer whose sessions are for one app takes
    /// no app.
    fn guest<'a>(
        &'a self,
        app: Option<AppAndKey<'a>>,
        level: GuestLevel,
        timeout: Duration,
    ) -> Asked<'a, Granted, ExchangeError>;
}

/// Knows the users of an app.
pub trait UserProfiles: fmt::Debug + Send + Sync {
    /// The profile of this user.
    fn user<'a>(
        &'a self,
        app: AppCredentials<'a>,
        user: &'a str,
        timeout: Duration,
    ) -> Asked<'a, Profile>;
}

/// The user of a verified token.
#[derive(Debug, Clone, Copy)]
pub struct OwnUser<'a> {
    /// The id of the app that the token is for, if it says so.
    pub app: Option<&'a str>,
    /// The id of the user, which the answer has to repeat if it names one.
    pub id: &'a str,
}

/// Knows the user of a token.
pub trait OwnProfiles: fmt::Debug + Send + Sync {
    /// The profile of this token's user, with what the user may see of it. `None`: the API needs
    /// to know the app, and there is none.
    fn own_user<'a>(
        &'a self,
        who: OwnUser<'a>,
        token: &'a Secret,
        timeout: Duration,
    ) -> Option<Asked<'a, Profile>>;
}

/// An OpenID provider as its client sees it (OpenID Connect Core section 3.1).
pub trait CodeFlow: fmt::Debug + Send + Sync {
    /// The URL to send a browser to, and what to keep until it is back.
    fn authorization<'a>(
        &'a self,
        request: AuthorizationRequest<'a>,
        timeout: Duration,
    ) -> Asked<'a, Authorization>;

    /// Tokens for a code, which is used up by that.
    fn code<'a>(
        &'a self,
        client: OpenIdClientProof<'a>,
        grant: &'a CodeGrant,
        timeout: Duration,
    ) -> Asked<'a, Granted>;

    /// Tokens for a refresh token, which may be used up by that.
    fn refresh<'a>(
        &'a self,
        client: OpenIdClientProof<'a>,
        refresh: OpenIdRefresh<'a>,
        timeout: Duration,
    ) -> Asked<'a, Granted>;
}
