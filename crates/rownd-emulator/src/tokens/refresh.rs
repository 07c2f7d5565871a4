//! A refresh token for a new pair: each works once, unless the app says otherwise.
//!
//! In: the token. Out: the next pair, or a 400, which a client must take as final.

use std::sync::Arc;

use serde_json::json;

use super::issue::{self, Holder};
use crate::{
    access::{self, OwnClaims},
    apps::Reuse,
    request::{Answer, Refusal, ok},
    state::State,
    users::Standing,
    world::World,
};

pub(super) fn refresh(state: &Arc<State>, token: &str, app: Option<&str>) -> Answer {
    let claims =
        access::own_claims(state, token).map_err(|flaw| Refusal::refresh(&flaw.to_string()))?;
    if !claims.is_refresh() {
        return Err(Refusal::refresh("it is no refresh token"));
    }
    let holder = Holder {
        app: claims.app().unwrap_or_default().to_owned(),
        variant: claims.variant().map(str::to_owned),
        user: claims.user.clone(),
    };
    if app.is_some_and(|app| app != holder.app) {
        return Err(Refusal::refresh("it belongs to another app"));
    }
    consume(&mut state.world_mut(), &claims, &holder)?;
    let pair = issue::issue(state, &holder)?;
    ok(json!({ "access_token": pair.access, "refresh_token": pair.refresh }))
}

/// Judges and uses up in one go: of two at the same time one wins.
fn consume(world: &mut World, claims: &OwnClaims, holder: &Holder) -> Result<(), Refusal> {
    let unknown = |_| Refusal::refresh("the user is unknown");
    let tenant = world.tenant_mut(&holder.app).map_err(unknown)?;
    let rules = &tenant.app.refresh_tokens;
    if claims.is_expired() && !rules.dangerously_ignore_expiration {
        return Err(Refusal::refresh("it has expired"));
    }
    let once = rules.allow_reuse == Reuse::Disabled;
    let user = tenant.user_mut(&holder.user).map_err(unknown)?;
    if user.state == Standing::Disabled {
        return Err(Refusal::refresh("the user is disabled"));
    }
    if user.signed_out_since(claims.iat) {
        return Err(Refusal::refresh("the user has signed out"));
    }
    user.stamp("last_token_refresh");
    user.stamp("last_active");
    if once && claims.jti.is_empty() {
        return Err(Refusal::refresh("it has no `jti`"));
    }
    if once && !world.consumed.insert(claims.jti.clone(), ()) {
        return Err(Refusal::refresh("Refresh token has been consumed"));
    }
    Ok(())
}
