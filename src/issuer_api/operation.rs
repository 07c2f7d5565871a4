//! The table of requests: for each kind, what it is counted as, how it is sent, whether it may be sent
//! again, and the form of its errors. No other file decides that.

use strum::{IntoStaticStr, VariantArray};

use super::error_form::ErrorForm;
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

/// A request that puts something in the place of another.
const PUT: CallSpec = CallSpec { method: HttpMethod::Put, ..WRITE };

const PATCH: CallSpec = CallSpec { method: HttpMethod::Patch, ..WRITE };

const DELETE: CallSpec = CallSpec { method: HttpMethod::Delete, body: BodyKind::None, ..WRITE };

/// The most bytes of an answer about many users or groups, or about one user with a file in the
/// profile: 8 MiB.
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
    /// The claims about the user of a token of Rownd.
    UserInfo,
    /// Tokens for a magic link.
    MagicLink,
    /// OpenID clients of an app.
    OidcClients,
    /// A logo of an OpenID client.
    OidcClientLogo,
    /// A read of groups, their members or their invites.
    GroupRead,
    /// A change of groups, their members or their invites.
    GroupWrite,
    /// The configuration of an app, read by its key.
    AppRead,
    /// The configuration of an app, by the token of an operator.
    AppOperation,
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
    /// SuperTokens' core: a user and the metadata, the end of their sessions, their deletion.
    #[strum(serialize = "supertokens_core")]
    Core,
    /// An OpenID provider's metadata.
    #[strum(serialize = "oidc_discovery")]
    Discovery,
    /// An OpenID provider's token endpoint.
    #[strum(serialize = "oidc_token")]
    CodeToken,
    /// An OpenID provider's claims about a user.
    #[strum(serialize = "oidc_userinfo")]
    OidcUserInfo,
    /// An OpenID provider's introspection.
    #[strum(serialize = "oidc_introspection")]
    Introspection,
    /// An OpenID provider's revocation.
    #[strum(serialize = "oidc_revocation")]
    Revocation,
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
    /// Rownd: the user of a token.
    RowndUserInfo,
    /// Rownd: tokens for a magic link.
    RowndMagicLink,
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
    /// Rownd: a part of a list of groups, members or invites.
    RowndGroupList,
    /// Rownd: a group, a member or an invite.
    RowndGroupRead,
    /// Rownd: a new group, member or invite.
    RowndGroupCreate,
    /// Rownd: a change of a group, a member or an invite.
    RowndGroupUpdate,
    /// Rownd: the deletion of a group, a member or an invite.
    RowndGroupDelete,
    /// Rownd: the acceptance of an invite, by the token of the invited user.
    RowndInviteAccept,
    /// Rownd: the configuration of an app, by its key.
    RowndAppDocument,
    /// Rownd: an app as its operator sees it.
    RowndOperatedApp,
    /// Rownd: a change of an app by its operator.
    RowndAppPatch,
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
    /// SuperTokens' core: a user, their ids and metadata.
    CoreUser,
    /// SuperTokens' core: a write of metadata.
    CoreMetadataWrite,
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
    /// An OpenID provider: claims about the user of a token.
    OpenIdUserInfo,
    /// An OpenID provider: whether a token is active.
    OpenIdIntrospection,
    /// An OpenID provider: the end of a token.
    OpenIdRevocation,
}

impl Operation {
    /// How the request is sent, and whether it may be sent again.
    pub(super) const fn spec(self) -> CallSpec {
        match self {
            // A task asks for it, at a pace of its own.
            Self::RowndAppConfig => CallSpec { repeat: Repeat::ByCaller, ..READ },
            Self::RowndUser
            | Self::RowndOwnUser
            | Self::RowndGroupRead
            | Self::RowndAppDocument
            | Self::RowndOperatedApp
            | Self::RowndOidcClientRead
            | Self::RowndUserInfo
            | Self::SuperTokensUser
            | Self::CoreUser
            | Self::OpenIdUserInfo
            | Self::OpenIdMetadata => READ,
            Self::RowndUserList
            | Self::RowndFileRead
            | Self::RowndOidcClientList
            | Self::RowndGroupList => CallSpec { max_answer_bytes: MAX_LARGE_ANSWER_BYTES, ..READ },
            Self::RowndExchange
            | Self::RowndInstantUser
            | Self::RowndGuest
            | Self::SuperTokensGuest
            | Self::CoreSignOut
            | Self::CoreUserDelete
            | Self::RowndUserState
            | Self::RowndSignOut
            | Self::RowndSignInLink
            | Self::RowndOidcClientCreate
            | Self::RowndGroupCreate => WRITE,
            Self::RowndUserPut
            | Self::RowndOidcClientUpdate
            | Self::RowndGroupUpdate
            | Self::CoreMetadataWrite => PUT,
            Self::RowndUserPatch | Self::RowndAppPatch => PATCH,
            Self::RowndUserDelete | Self::RowndOidcClientDelete | Self::RowndGroupDelete => DELETE,
            Self::RowndUsersPut | Self::RowndFileWrite => {
                CallSpec { max_answer_bytes: MAX_LARGE_ANSWER_BYTES, ..PUT }
            }
            Self::RowndUserActions => {
                CallSpec { max_answer_bytes: MAX_LARGE_ANSWER_BYTES, ..WRITE }
            }
            // The link may be used up by the request.
            Self::RowndMagicLink => {
                CallSpec { repeat: Repeat::Never, connection: Connection::New, ..READ }
            }
            // A question that is asked by POST.
            Self::OpenIdIntrospection => {
                CallSpec { method: HttpMethod::Post, body: BodyKind::Form, ..READ }
            }
            Self::OpenIdRevocation => CallSpec { body: BodyKind::Form, ..WRITE },
            Self::RowndPngLogo => CallSpec { body: BodyKind::Png, ..PUT },
            Self::RowndSvgLogo => CallSpec { body: BodyKind::Svg, ..PUT },
            Self::SuperTokensMigration | Self::RowndInviteAccept => {
                CallSpec { body: BodyKind::None, ..WRITE }
            }
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

    /// The form in which the API refuses the request.
    pub(super) const fn errors(self) -> ErrorForm {
        match self {
            Self::SuperTokensMigration
            | Self::SuperTokensGuest
            | Self::SuperTokensRefresh
            | Self::SuperTokensUser => ErrorForm::Plugin,
            Self::CoreUser | Self::CoreMetadataWrite | Self::CoreSignOut | Self::CoreUserDelete => {
                ErrorForm::Core
            }
            Self::OpenIdCode
            | Self::OpenIdRefresh
            | Self::OpenIdUserInfo
            | Self::OpenIdIntrospection
            | Self::OpenIdRevocation => ErrorForm::OAuth,
            Self::OpenIdMetadata => ErrorForm::Any,
            Self::RowndAppConfig
            | Self::RowndUser
            | Self::RowndOwnUser
            | Self::RowndUserList
            | Self::RowndUserPut
            | Self::RowndUserPatch
            | Self::RowndUserDelete
            | Self::RowndUserState
            | Self::RowndSignOut
            | Self::RowndUsersPut
            | Self::RowndUserActions
            | Self::RowndFileRead
            | Self::RowndFileWrite
            | Self::RowndSignInLink
            | Self::RowndUserInfo
            | Self::RowndMagicLink
            | Self::RowndOidcClientList
            | Self::RowndOidcClientRead
            | Self::RowndOidcClientCreate
            | Self::RowndOidcClientUpdate
            | Self::RowndOidcClientDelete
            | Self::RowndPngLogo
            | Self::RowndSvgLogo
            | Self::RowndGroupList
            | Self::RowndGroupRead
            | Self::RowndGroupCreate
            | Self::RowndGroupUpdate
            | Self::RowndGroupDelete
            | Self::RowndInviteAccept
            | Self::RowndAppDocument
            | Self::RowndOperatedApp
            | Self::RowndAppPatch
            | Self::RowndExchange
            | Self::RowndRefresh
            | Self::RowndInstantUser
            | Self::RowndGuest => ErrorForm::Rownd,
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
            Self::RowndGroupList | Self::RowndGroupRead => ApiEndpoint::GroupRead,
            Self::RowndGroupCreate
            | Self::RowndGroupUpdate
            | Self::RowndGroupDelete
            | Self::RowndInviteAccept => ApiEndpoint::GroupWrite,
            Self::RowndAppDocument => ApiEndpoint::AppRead,
            Self::RowndOperatedApp | Self::RowndAppPatch => ApiEndpoint::AppOperation,
            Self::RowndExchange | Self::RowndGuest => ApiEndpoint::TokenExchange,
            Self::RowndRefresh => ApiEndpoint::TokenRefresh,
            Self::RowndInstantUser => ApiEndpoint::Instant,
            Self::SuperTokensMigration => ApiEndpoint::Migrate,
            Self::SuperTokensGuest => ApiEndpoint::Guest,
            Self::SuperTokensRefresh => ApiEndpoint::SessionRefresh,
            Self::SuperTokensUser => ApiEndpoint::SessionUser,
            Self::CoreUser | Self::CoreMetadataWrite | Self::CoreSignOut | Self::CoreUserDelete => {
                ApiEndpoint::Core
            }
            Self::OpenIdMetadata => ApiEndpoint::Discovery,
            Self::OpenIdCode | Self::OpenIdRefresh => ApiEndpoint::CodeToken,
            Self::RowndUserInfo => ApiEndpoint::UserInfo,
            Self::RowndMagicLink => ApiEndpoint::MagicLink,
            Self::OpenIdUserInfo => ApiEndpoint::OidcUserInfo,
            Self::OpenIdIntrospection => ApiEndpoint::Introspection,
            Self::OpenIdRevocation => ApiEndpoint::Revocation,
        }
    }
}
