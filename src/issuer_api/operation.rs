//! The table of requests: for each kind, what it is counted as, how it is sent, and whether it may
//! be sent again. No other file decides that.

use strum::{IntoStaticStr, VariantArray};

use crate::upstream::{BodyKind, CallSpec, Connection, HttpMethod, Repeat};

/// The most bytes of an answer: 1 MiB. A profile, the largest of them, is far below.
const MAX_ANSWER_BYTES: usize = 1 << 20;

/// A request that changes nothing.
const READ: CallSpec = CallSpec {
    method: HttpMethod::Get,
    body: BodyKind::None,
    repeat: Repeat::WithinBudget,
    connection: Connection::Shared,
    max_answer_bytes: MAX_ANSWER_BYTES,
};

/// A request that may change something at the issuer.
const WRITE: CallSpec = CallSpec {
    method: HttpMethod::Post,
    body: BodyKind::Json,
    repeat: Repeat::Never,
    connection: Connection::Shared,
    max_answer_bytes: MAX_ANSWER_BYTES,
};

/// The most bytes of an answer about many users, or about one with a file in the profile: 8 MiB.
const MAX_LARGE_ANSWER_BYTES: usize = 8 << 20;

/// An endpoint of an issuer's API, by its purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub(super) enum ApiEndpoint {
    /// The app that a key belongs to.
    AppConfig,
    /// A user's profile, by the app's key and secret.
    User,
    /// The profile of a token's own user, by that token.
    OwnUser,
    /// A page of an app's users.
    UserList,
    /// A write of a user's profile.
    UserWrite,
    /// The deletion of a user.
    UserDelete,
    /// The state of an account.
    UserState,
    /// The end of all sessions of a user.
    UserSignOut,
    /// Writes or deletions of several users.
    UserBatch,
    /// A field of a profile that is a file.
    UserFile,
    /// A link that signs a user in.
    SignInLink,
    /// OpenID clients of an app.
    OidcClients,
    /// A logo of an OpenID client.
    OidcClientLogo,
    /// Rownd tokens for the token of another issuer.
    TokenExchange,
    /// Rownd tokens for a refresh token.
    TokenRefresh,
    /// An instant user.
    Instant,
    /// A SuperTokens session for a Rownd token.
    #[strum(serialize = "supertokens_migrate")]
    Migrate,
    /// A SuperTokens session for a guest.
    #[strum(serialize = "supertokens_guest")]
    Guest,
    /// New tokens of a SuperTokens session.
    #[strum(serialize = "supertokens_refresh")]
    SessionRefresh,
    /// The user of a SuperTokens session.
    #[strum(serialize = "supertokens_user")]
    SessionUser,
    /// SuperTokens' core: a user, the end of their sessions, their deletion.
    #[strum(serialize = "supertokens_core")]
    Core,
    /// An OpenID provider's metadata.
    #[strum(serialize = "oidc_discovery")]
    Discovery,
    /// An OpenID provider's token endpoint.
    #[strum(serialize = "oidc_token")]
    CodeToken,
}

/// A kind of request to the API of an issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Operation {
    /// Rownd: the app that a key belongs to.
    RowndAppConfig,
    /// Rownd: a user's profile, read with the app's key and secret.
    RowndUser,
    /// Rownd: the profile of a token's own user.
    RowndOwnUser,
    /// Rownd: a page of an app's users.
    RowndUserList,
    /// Rownd: a write of a user that creates or overwrites.
    RowndUserPut,
    /// Rownd: a write of some fields of a user.
    RowndUserPatch,
    /// Rownd: the deletion of a user.
    RowndUserDelete,
    /// Rownd: the state of an account.
    RowndUserState,
    /// Rownd: the end of all sessions of a user.
    RowndSignOut,
    /// Rownd: writes of several users.
    RowndUsersPut,
    /// Rownd: deletions of several users.
    RowndUserActions,
    /// Rownd: a field that is a file.
    RowndFileRead,
    /// Rownd: a write of a file.
    RowndFileWrite,
    /// Rownd: a link that signs a user in.
    RowndSignInLink,
    /// Rownd: a page of an app's OpenID clients.
    RowndOidcClientList,
    /// Rownd: an OpenID client.
    RowndOidcClientRead,
    /// Rownd: a new OpenID client.
    RowndOidcClientCreate,
    /// Rownd: a change of an OpenID client.
    RowndOidcClientUpdate,
    /// Rownd: the deletion of an OpenID client.
    RowndOidcClientDelete,
    /// Rownd: a logo of an OpenID client, in PNG.
    RowndPngLogo,
    /// Rownd: a logo of an OpenID client, in SVG.
    RowndSvgLogo,
    /// Rownd: tokens for the token of another issuer.
    RowndExchange,
    /// Rownd: tokens for a refresh token.
    RowndRefresh,
    /// Rownd: an instant user.
    RowndInstantUser,
    /// Rownd: a guest.
    RowndGuest,
    /// SuperTokens: a session for a Rownd token.
    SuperTokensMigration,
    /// SuperTokens: a session for a guest.
    SuperTokensGuest,
    /// SuperTokens: new tokens of a session, for its refresh token.
    SuperTokensRefresh,
    /// SuperTokens: the user of a session.
    SuperTokensUser,
    /// SuperTokens' core: whether there is such a user.
    CoreUser,
    /// SuperTokens' core: the end of all sessions of a user.
    CoreSignOut,
    /// SuperTokens' core: the deletion of a user.
    CoreUserDelete,
    /// An OpenID provider: its metadata.
    OpenIdMetadata,
    /// An OpenID provider: tokens for a code.
    OpenIdCode,
    /// An OpenID provider: tokens for a refresh token.
    OpenIdRefresh,
}

impl Operation {
    /// How the request is sent, and whether it may be sent again.
    pub(super) const fn spec(self) -> CallSpec {
        match self {
            // A task asks for it, at a pace of its own.
            Self::RowndAppConfig => CallSpec { repeat: Repeat::ByCaller, ..READ },
            Self::RowndUser
            | Self::RowndOwnUser
            | Self::SuperTokensUser
            | Self::CoreUser
            | Self::OpenIdMetadata => READ,
            Self::RowndExchange
            | Self::RowndInstantUser
            | Self::RowndGuest
            | Self::SuperTokensGuest
            | Self::CoreSignOut
            | Self::CoreUserDelete
            | Self::RowndUserState
            | Self::RowndSignOut
            | Self::RowndSignInLink => WRITE,
            Self::RowndUserPut => CallSpec { method: HttpMethod::Put, ..WRITE },
            Self::RowndUserPatch => CallSpec { method: HttpMethod::Patch, ..WRITE },
            Self::RowndUserDelete => {
                CallSpec { method: HttpMethod::Delete, body: BodyKind::None, ..WRITE }
            }
            Self::RowndUserList | Self::RowndFileRead => {
                CallSpec { max_answer_bytes: MAX_LARGE_ANSWER_BYTES, ..READ }
            }
            Self::RowndUsersPut | Self::RowndFileWrite => CallSpec {
                method: HttpMethod::Put,
                max_answer_bytes: MAX_LARGE_ANSWER_BYTES,
                ..WRITE
            },
            Self::RowndUserActions => {
                CallSpec { max_answer_bytes: MAX_LARGE_ANSWER_BYTES, ..WRITE }
            }
            Self::RowndOidcClientRead => READ,
            Self::RowndOidcClientList => {
                CallSpec { max_answer_bytes: MAX_LARGE_ANSWER_BYTES, ..READ }
            }
            Self::RowndOidcClientCreate => WRITE,
            Self::RowndOidcClientUpdate => CallSpec { method: HttpMethod::Put, ..WRITE },
            Self::RowndOidcClientDelete => {
                CallSpec { method: HttpMethod::Delete, body: BodyKind::None, ..WRITE }
            }
            Self::RowndPngLogo => {
                CallSpec { method: HttpMethod::Put, body: BodyKind::Png, ..WRITE }
            }
            Self::RowndSvgLogo => {
                CallSpec { method: HttpMethod::Put, body: BodyKind::Svg, ..WRITE }
            }
            Self::SuperTokensMigration => CallSpec { body: BodyKind::None, ..WRITE },
            // The token is used up once it is sent: it must not be lost with a connection that the
            // server was about to close.
            Self::SuperTokensRefresh => {
                CallSpec { body: BodyKind::None, connection: Connection::New, ..WRITE }
            }
            Self::RowndRefresh => CallSpec { connection: Connection::New, ..WRITE },
            Self::OpenIdCode | Self::OpenIdRefresh => {
                CallSpec { body: BodyKind::Form, connection: Connection::New, ..WRITE }
            }
        }
    }

    /// The label of its metric. Two kinds may share one label and still have a breaker each.
    pub(super) const fn endpoint(self) -> ApiEndpoint {
        match self {
            Self::RowndAppConfig => ApiEndpoint::AppConfig,
            Self::RowndUser => ApiEndpoint::User,
            Self::RowndOwnUser => ApiEndpoint::OwnUser,
            Self::RowndUserList => ApiEndpoint::UserList,
            Self::RowndUserPut | Self::RowndUserPatch => ApiEndpoint::UserWrite,
            Self::RowndUserDelete => ApiEndpoint::UserDelete,
            Self::RowndUserState => ApiEndpoint::UserState,
            Self::RowndSignOut => ApiEndpoint::UserSignOut,
            Self::RowndUsersPut | Self::RowndUserActions => ApiEndpoint::UserBatch,
            Self::RowndFileRead | Self::RowndFileWrite => ApiEndpoint::UserFile,
            Self::RowndSignInLink => ApiEndpoint::SignInLink,
            Self::RowndOidcClientList
            | Self::RowndOidcClientRead
            | Self::RowndOidcClientCreate
            | Self::RowndOidcClientUpdate
            | Self::RowndOidcClientDelete => ApiEndpoint::OidcClients,
            Self::RowndPngLogo | Self::RowndSvgLogo => ApiEndpoint::OidcClientLogo,
            Self::RowndExchange | Self::RowndGuest => ApiEndpoint::TokenExchange,
            Self::RowndRefresh => ApiEndpoint::TokenRefresh,
            Self::RowndInstantUser => ApiEndpoint::Instant,
            Self::SuperTokensMigration => ApiEndpoint::Migrate,
            Self::SuperTokensGuest => ApiEndpoint::Guest,
            Self::SuperTokensRefresh => ApiEndpoint::SessionRefresh,
            Self::SuperTokensUser => ApiEndpoint::SessionUser,
            Self::CoreUser | Self::CoreSignOut | Self::CoreUserDelete => ApiEndpoint::Core,
            Self::OpenIdMetadata => ApiEndpoint::Discovery,
            Self::OpenIdCode | Self::OpenIdRefresh => ApiEndpoint::CodeToken,
        }
    }
}
