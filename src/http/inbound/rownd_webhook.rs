//! Rownd's webhooks: the data of a user have changed, or the user is deleted.
//!
//! Rownd does not sign them. So the user that one names is read again, and what Rownd then says is
//! obeyed: the cached profile is replaced, and the tokens of a user who is gone or disabled are
//! revoked. The worst that a forged webhook can do is one request to Rownd.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::{
    answer::Refusal,
    effect::{Effects, unix_now},
};
use crate::{
    authz::Snapshot,
    config::{EventSource, IssuerKind},
    issuer_api::user_id_problem,
    model::DenyReason,
    profile::{MaxAge, ProfileError, UserOfApp},
    verify::{RevokedSubject, user_of_app},
};

/// The operations that Rownd tells of.
const OPERATIONS: [&str; 4] = ["data_insert", "data_update", "visibility_update", "delete"];
/// The longest time that reading a user may take.
const READ_TIME: Duration = Duration::from_secs(5);
/// The most bytes of a user id.
const MAX_USER_ID: usize = 512;

/// The operation and the user that a webhook names. Nothing of it is proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) operation: &'static str,
    pub(super) user: String,
}

/// The users of a webhook, as the configuration in force has them.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Target {
    app: String,
    /// The issuer has other apps, whose users may have the same ids.
    is_one_of_several: bool,
}

/// The operation and the user in a body.
///
/// # Errors
///
/// Fails where the body is not of a webhook of Rownd, or names what cannot be a user.
pub(super) fn read(body: &Map<String, Value>) -> Result<Told, Refusal> {
    let malformed = |message| Refusal::Malformed(StatusCode::UNPROCESSABLE_ENTITY, message);
    let operation = body.get("meta").and_then(|meta| meta.get("operation"));
    let operation = operation.and_then(Value::as_str).unwrap_or_default();
    let known = OPERATIONS.into_iter().find(|known| *known == operation);
    let operation = known.ok_or_else(|| malformed("meta.operation is not one of Rownd's"))?;
    let user = body.get("data").and_then(|data| data.get("user_id")).and_then(Value::as_str);
    let user = user.ok_or_else(|| malformed("data.user_id is missing"))?;
    if user.len() > MAX_USER_ID || user_id_problem(user).is_some() {
        return Err(malformed("data.user_id cannot be the id of a user"));
    }
    Ok(Told { operation, user: user.to_owned() })
}

/// Reads the user again once, and obeys what Rownd says.
///
/// # Errors
///
/// Fails where the user cannot be read or revoked now.
pub(super) async fn obey_once(
    effects: &Effects,
    source: &EventSource,
    told: &Told,
) -> Result<Value, Refusal> {
    let (issuer, user) = (source.issuer(), told.user.as_str());
    let snapshot = effects.authorizer.snapshot();
    let target = target(&snapshot, source).ok_or_else(unreadable)?;
    // A fetch that began before the change may bring an answer from before it.
    effects.forget_profiles(issuer, user);
    let gone = is_gone(&snapshot, UserOfApp { issuer, app: &target.app, user }).await?;
    if gone {
        let id =
            if target.is_one_of_several { user_of_app(&target.app, user) } else { user.to_owned() };
        // Everything issued up to now, this second included.
        let not_before = unix_now().saturating_add(1);
        effects.revoke(issuer, None, RevokedSubject::User { id: &id, not_before }).await?;
    }
    tracing::info!(
        source = source.name(),
        operation = told.operation,
        issuer,
        user,
        revoked = gone,
        "a user was read again for a webhook"
    );
    Ok(json!({ "read_again": true, "revoked": gone }))
}

fn unreadable() -> Refusal {
    Refusal::Undecided(DenyReason::ProfileUnavailable, Duration::from_secs(1))
}

/// The app of a webhook, by its id or the only one.
fn target(now: &Snapshot, source: &EventSource) -> Option<Target> {
    let mut issuers = now.verifier().issuers().iter();
    let issuer = issuers.find(|issuer| {
        issuer.name() == source.issuer() && issuer.settings().kind() == IssuerKind::Rownd
    })?;
    let app = match source.app_id() {
        Some(app) => app,
        None => issuer.apps().iter().find_map(|slot| slot.id())?,
    };
    let is_one_of_several = issuer.apps().iter().any(|slot| slot.id() != Some(app));
    Some(Target { app: app.to_owned(), is_one_of_several })
}

/// Reads the user again: there is none, or the account is disabled.
async fn is_gone(now: &Snapshot, whose: UserOfApp<'_>) -> Result<bool, Refusal> {
    let younger = MaxAge { max_age: Duration::ZERO, may_fetch: &|| Ok(()) };
    let deadline = Instant::now() + READ_TIME;
    match now.service().profiles().look_up(whose, Some(younger), deadline).await {
        Ok(known) if known.stale => Err(unreadable()),
        Ok(known) => Ok(!known.profile.enabled()),
        Err(ProfileError::NotFound) => Ok(true),
        Err(
            ProfileError::Unsupported
            | ProfileError::Unavailable(_)
            | ProfileError::Missed(_)
            | ProfileError::TooOften(_),
        ) => Err(unreadable()),
    }
}
