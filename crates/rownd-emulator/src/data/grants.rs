//! The grants of the OpenID provider, and the codes and tokens that were issued for them.

use std::time::SystemTime;

use super::bounded::BoundedMap;

/// The most entries of each kind; the oldest one is evicted for a new one.
const MAX_ENTRIES: usize = 2_000;

/// The permission that a user gave to a client.
#[derive(Clone)]
pub(crate) struct Grant {
    /// The id of the app.
    pub(crate) app: String,
    /// The id of the client.
    pub(crate) client: String,
    /// The `client_id` by which the client asked: one of its two names.
    pub(crate) client_name: String,
    /// The id of the user.
    pub(crate) user: String,
    /// The scopes that the user allowed.
    pub(crate) scopes: Vec<String>,
    /// The client's `nonce`, which goes into the ID token.
    pub(crate) nonce: Option<String>,
    /// The client's `resource` (RFC 8707).
    pub(crate) resource: Option<String>,
    /// The time of the sign-in, in seconds since 1970.
    pub(crate) auth_time: u64,
    /// The grant was revoked, or its code or refresh token was used twice.
    pub(crate) revoked: bool,
}

impl Grant {
    /// Whether the user allowed this scope.
    pub(crate) fn has(&self, scope: &str) -> bool {
        self.scopes.iter().any(|granted| granted == scope)
    }

    /// The scopes as the parameter `scope`.
    pub(crate) fn scope(&self) -> String {
        self.scopes.join(" ")
    }
}

/// The decision of a user on the page of the app.
#[derive(Clone)]
pub(crate) enum Decision {
    /// The user allows the request.
    Allowed {
        /// The id of the user.
        user: String,
    },
    /// The user does not allow it.
    Denied,
}

/// A request of a client that waits for the user's decision.
#[derive(Clone)]
pub(crate) struct PendingRequest {
    /// The id of the app.
    pub(crate) app: String,
    /// The id of the client.
    pub(crate) client: String,
    /// The `client_id` by which the client asked: one of its two names.
    pub(crate) client_name: String,
    /// The registered address of the client to which the browser returns.
    pub(crate) redirect_uri: String,
    /// The scopes that the client asked for and may have.
    pub(crate) scopes: Vec<String>,
    /// The client's `state`.
    pub(crate) state: Option<String>,
    /// The client's `nonce`.
    pub(crate) nonce: Option<String>,
    /// The client's `code_challenge` (RFC 7636).
    pub(crate) challenge: Option<String>,
    /// The client's `resource` (RFC 8707).
    pub(crate) resource: Option<String>,
    /// The value of the browser's cookie: a form from another site does not have it.
    pub(crate) secret: String,
    /// The decision on the page of the app, until the browser comes back from there.
    pub(crate) decision: Option<Decision>,
}

/// An authorization code.
#[derive(Clone)]
pub(crate) struct Code {
    /// The id of the grant.
    pub(crate) grant: String,
    /// The address to which the code was sent.
    pub(crate) redirect_uri: String,
    /// The client's `code_challenge` (RFC 7636).
    pub(crate) challenge: Option<String>,
    /// The code does not work from this time on.
    pub(crate) expires: SystemTime,
    /// Whether the code was redeemed.
    pub(crate) used: bool,
}

/// An access token.
#[derive(Clone)]
pub(crate) struct AccessToken {
    /// The id of the grant.
    pub(crate) grant: String,
    /// The scopes of this token: those of the grant or fewer.
    pub(crate) scopes: Vec<String>,
    /// The end of its life, in seconds since 1970.
    pub(crate) expires: u64,
}

/// A refresh token.
#[derive(Clone)]
pub(crate) struct RefreshToken {
    /// The id of the grant.
    pub(crate) grant: String,
    /// Whether the token was replaced by its successor.
    pub(crate) used: bool,
}

/// Everything that the OpenID provider keeps. Each map is bounded.
pub(crate) struct GrantRecords {
    /// By id.
    pub(crate) pending: BoundedMap<PendingRequest>,
    /// By id.
    pub(crate) grants: BoundedMap<Grant>,
    /// By the text of the code.
    pub(crate) codes: BoundedMap<Code>,
    /// By the text of the token.
    pub(crate) access: BoundedMap<AccessToken>,
    /// By the text of the token.
    pub(crate) refresh: BoundedMap<RefreshToken>,
}

impl GrantRecords {
    /// No grants.
    pub(crate) fn new() -> Self {
        Self {
            pending: BoundedMap::new(MAX_ENTRIES),
            grants: BoundedMap::new(MAX_ENTRIES),
            codes: BoundedMap::new(MAX_ENTRIES),
            access: BoundedMap::new(MAX_ENTRIES),
            refresh: BoundedMap::new(MAX_ENTRIES),
        }
    }

    /// A valid access token and its grant. `now` is in seconds since 1970.
    pub(crate) fn find_valid(&self, token: &str, now: u64) -> Option<(&AccessToken, &Grant)> {
        let access = self.access.get(token).filter(|access| access.expires > now)?;
        let grant = self.grants.get(&access.grant).filter(|grant| !grant.revoked)?;
        Some((access, grant))
    }

    /// Revokes all grants of a client.
    pub(crate) fn revoke_client(&mut self, app: &str, client: &str) {
        for grant in self.grants.values_mut() {
            if grant.app == app && grant.client == client {
                grant.revoked = true;
            }
        }
    }

    /// Revokes a grant: none of its codes and tokens works any more.
    pub(crate) fn revoke(&mut self, grant: &str) {
        if let Some(grant) = self.grants.get_mut(grant) {
            grant.revoked = true;
        }
    }
}
