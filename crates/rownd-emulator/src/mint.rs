//! Mints tokens: those of Rownd, and wrong ones for tests.
//!
//! In: a [`TokenOrder`]. Out: a signed token. By default, header and claims are those that Rownd
//! writes for a user of the auth level: no `typ`, an array `aud` with `app:ID` first,
//! `is_verified_user: true` for guests, and the audience, the custom claims and the lifetimes of the
//! app. Every member can be set to any JSON or removed.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use thiserror::Error;

use crate::{
    data::{
        ids::uuid_v4,
        time::unix_now,
        users::{AuthLevel, User},
    },
    keys::{
        ed25519::{KeyRing, compact},
        rotation::{KeyError, SignedBy},
    },
    state::State,
};

const CLAIM_USER_ID: &str = "https://auth.rownd.io/app_user_id";
const CLAIM_VERIFIED: &str = "https://auth.rownd.io/is_verified_user";
const CLAIM_ANONYMOUS: &str = "https://auth.rownd.io/is_anonymous";
const CLAIM_LEVEL: &str = "https://auth.rownd.io/auth_level";
const CLAIM_TYPE: &str = "https://auth.rownd.io/jwt_type";

/// The lifetimes of Rownd's own tokens, in seconds; that of refresh tokens is for an app that the
/// emulator does not have.
const ACCESS_TTL: i64 = 3_600;
const REFRESH_TTL: i64 = 30 * 24 * 3_600;
/// The time for which a token of an order with `expired` is expired, in seconds: more than any
/// sensible leeway.
const EXPIRED_SINCE: i64 = 3_600;

/// The word for the demo app's variant.
const DEMO_VARIANT: &str = "demo";

/// A token to mint. The default is an access token of the user `verified`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct TokenOrder {
    /// A seeded user's name (`verified`, `guest`...), or any user id; `verified` when
    /// empty.
    pub user: String,
    /// The auth level to claim; a seeded user's own, or `verified`, when `None`.
    pub auth_level: Option<AuthLevel>,
    /// The app id in `aud`; the emulator's when `None`.
    pub app: Option<String>,
    /// A variant id to add to `aud`; `demo` is the emulator's own.
    pub variant: Option<String>,
    /// Seconds from `iat` to `exp`. When `None`: 1 hour, or none for a user whose tokens do not
    /// expire; refresh tokens as long as the app says, 30 days by default.
    pub ttl_seconds: Option<i64>,
    /// Move `iat` and `exp` so far back that the token expired an hour ago, whatever its lifetime.
    pub expired: bool,
    /// Moves `iat`, and `exp` with it; negative is the past.
    pub iat_offset_seconds: i64,
    /// Mint a refresh token.
    pub refresh: bool,
    /// The key that signs.
    pub signed_by: SignedBy,
    /// The `kid` to name instead of the signing key's own.
    pub kid: Option<String>,
    /// Claims to set, over whatever would be there.
    pub claims: Map<String, Value>,
    /// Claims to leave out.
    pub remove_claims: Vec<String>,
    /// Header members to set, over whatever would be there.
    pub headers: Map<String, Value>,
    /// Header members to leave out.
    pub remove_headers: Vec<String>,
}

impl TokenOrder {
    /// An access token of a seeded user, or of any user id.
    #[must_use]
    pub fn of(user: &str) -> Self {
        Self { user: user.to_owned(), ..Self::default() }
    }

    /// Sets a claim.
    #[must_use]
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(name.to_owned(), value.into());
        self
    }

    /// Leaves a claim out.
    #[must_use]
    pub fn without_claim(mut self, name: &str) -> Self {
        self.remove_claims.push(name.to_owned());
        self
    }

    /// Sets a header member, `typ` for one.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.headers.insert(name.to_owned(), value.into());
        self
    }

    /// Leaves a header member out, `kid` for one.
    #[must_use]
    pub fn without_header(mut self, name: &str) -> Self {
        self.remove_headers.push(name.to_owned());
        self
    }

    /// Sets the lifetime in seconds.
    #[must_use]
    pub fn ttl(mut self, seconds: i64) -> Self {
        self.ttl_seconds = Some(seconds);
        self
    }

    /// Moves `iat` and `exp` by so many seconds.
    #[must_use]
    pub fn issued(mut self, offset_seconds: i64) -> Self {
        self.iat_offset_seconds = offset_seconds;
        self
    }

    /// Chooses the signing key.
    #[must_use]
    pub fn signed_by(mut self, key: SignedBy) -> Self {
        self.signed_by = key;
        self
    }

    /// Makes it a token that expired an hour ago.
    #[must_use]
    pub fn expired(mut self) -> Self {
        self.expired = true;
        self
    }

    /// Makes it a refresh token.
    #[must_use]
    pub fn refresh(mut self) -> Self {
        self.refresh = true;
        self
    }
}

/// Why a token could not be minted, or a key not be rotated.
#[derive(Debug, Error)]
#[error(transparent)]
pub struct MintError(#[from] KeyError);

/// Mints tokens with one emulator's keys, also after the server has ended. Clones are cheap.
#[derive(Clone)]
pub struct Minter {
    state: Arc<State>,
}

impl std::fmt::Debug for Minter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Minter").finish_non_exhaustive()
    }
}

impl Minter {
    pub(crate) fn new(state: Arc<State>) -> Self {
        Self { state }
    }

    /// Mints a token.
    ///
    /// # Errors
    /// The key that is to sign does not exist yet.
    pub fn mint(&self, order: &TokenOrder) -> Result<String, MintError> {
        // One guard for `kid` and signature: a rotation between the two would combine the `kid` of
        // one key with the signature of another.
        let ring = self.state.ring();
        let header = Value::Object(header(order, &ring)?).to_string();
        let claims = Value::Object(self.claims(order)).to_string();
        let key = ring.find(order.signed_by)?;
        Ok(compact(header.as_bytes(), claims.as_bytes(), key)?)
    }

    /// Signs a header and a payload given as bytes, for tokens that no JSON value can
    /// express: repeated members, broken text, a payload that is no object.
    ///
    /// # Errors
    /// The key that is to sign does not exist yet.
    pub fn sign(&self, header: &[u8], payload: &[u8], key: SignedBy) -> Result<String, MintError> {
        Ok(compact(header, payload, self.state.ring().find(key)?)?)
    }

    fn claims(&self, order: &TokenOrder) -> Map<String, Value> {
        let named = if order.user.is_empty() { "verified" } else { order.user.as_str() };
        let subject = self.subject(order, named);
        let level = order.auth_level.unwrap_or(subject.level);
        // A claim of the app's configuration never stands in the place of one of Rownd's.
        let mut claims = subject.custom_claims.clone();
        claims.extend(self.registered_claims(order, &subject));
        claims.insert(CLAIM_USER_ID.to_owned(), json!(subject.id));
        claims.insert(CLAIM_VERIFIED.to_owned(), json!(level.is_verified_user()));
        if order.refresh {
            // Rownd's refresh tokens have neither an auth level nor `is_anonymous`.
            claims.insert(CLAIM_TYPE.to_owned(), json!("refresh_token"));
        } else {
            claims.insert(CLAIM_LEVEL.to_owned(), json!(level.as_str()));
            if level.is_anonymous() {
                claims.insert(CLAIM_ANONYMOUS.to_owned(), json!(true));
            }
        }
        apply(&mut claims, &order.claims, &order.remove_claims);
        claims
    }

    /// The user, and what their app says about its tokens. An app or a user that the emulator does
    /// not have gets a plain token.
    fn subject(&self, order: &TokenOrder, named: &str) -> Subject {
        let id = order.app.as_ref().unwrap_or(&self.state.settings.app_id);
        let records = self.state.records();
        let app_records = records.apps.get(id);
        let user = app_records.and_then(|records| records.find_user(named));
        let app = app_records.map(|records| &records.app);
        let custom_claims = match app {
            Some(app) if !order.refresh => app.claims_of(user),
            _ => Map::new(),
        };
        let ttl = match (order.refresh, app) {
            (true, app) => Some(app.map_or(REFRESH_TTL, |app| app.refresh_tokens.seconds())),
            (false, _) if user.is_some_and(User::has_tokens_without_end) => None,
            (false, _) => Some(ACCESS_TTL),
        };
        Subject {
            app: id.clone(),
            id: user.map_or_else(|| named.to_owned(), |user| user.id.clone()),
            subject: user.and_then(|user| user.subject.clone()),
            level: user.map_or(AuthLevel::Verified, |user| user.auth_level),
            audience: app.map(|app| app.audience.clone()).unwrap_or_default(),
            has_demo_variant: app.is_some_and(|app| app.has_variant(DEMO_VARIANT)),
            custom_claims,
            ttl: order.ttl_seconds.or(ttl),
        }
    }

    fn registered_claims(&self, order: &TokenOrder, subject: &Subject) -> Map<String, Value> {
        let settings = &self.state.settings;
        let mut audience = vec![format!("app:{}", subject.app)];
        if let Some(variant) = order.variant.as_deref() {
            let demo = variant == DEMO_VARIANT && !subject.has_demo_variant;
            let id = if demo { settings.variant.id.as_str() } else { variant };
            audience.push(format!("app_variant:{id}"));
        }
        audience.extend(subject.audience.iter().cloned());
        let now = i64::try_from(unix_now()).unwrap_or(i64::MAX);
        // An expired token has an end, also for a user whose tokens have none.
        let ttl = if order.expired { subject.ttl.or(Some(ACCESS_TTL)) } else { subject.ttl };
        let mut issued = now.saturating_add(order.iat_offset_seconds);
        if order.expired {
            let age = ttl.unwrap_or_default().saturating_add(EXPIRED_SINCE);
            issued = issued.saturating_sub(age);
        }
        let mut claims = Map::new();
        claims.insert("jti".to_owned(), json!(uuid_v4()));
        claims.insert("aud".to_owned(), json!(audience));
        claims.insert("sub".to_owned(), json!(subject.subject.as_ref().unwrap_or(&subject.id)));
        claims.insert("iss".to_owned(), json!(self.state.issuer));
        claims.insert("iat".to_owned(), json!(issued));
        if let Some(ttl) = ttl {
            claims.insert("exp".to_owned(), json!(issued.saturating_add(ttl)));
        }
        claims
    }
}

/// The user of a token, and what their app says about it.
struct Subject {
    /// The id of the app.
    app: String,
    id: String,
    /// The `sub`, if it is not the id.
    subject: Option<String>,
    level: AuthLevel,
    /// Further entries of `aud`.
    audience: Vec<String>,
    /// Whether the app has a variant whose id is the word for the demo app's own.
    has_demo_variant: bool,
    custom_claims: Map<String, Value>,
    /// Seconds from `iat` to `exp`; `None` for a token without end.
    ttl: Option<i64>,
}

fn header(order: &TokenOrder, ring: &KeyRing) -> Result<Map<String, Value>, KeyError> {
    let kid = match &order.kid {
        Some(kid) => kid,
        None => ring.kid_of(order.signed_by)?,
    };
    let mut header = Map::new();
    header.insert("alg".to_owned(), json!("EdDSA"));
    header.insert("kid".to_owned(), json!(kid));
    apply(&mut header, &order.headers, &order.remove_headers);
    Ok(header)
}

/// Sets and removes members. Removal comes last, so that a removed member is always absent.
fn apply(members: &mut Map<String, Value>, set: &Map<String, Value>, remove: &[String]) {
    members.extend(set.clone());
    members.retain(|name, _| !remove.contains(name));
}
