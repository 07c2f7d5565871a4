//! Magic links: made by a backend for somebody, or by a user for their next device, and
//! redeemed by who holds them.
//!
//! In: `POST /hub/auth/magic`, `POST /me/auth/magic`, `GET /hub/auth/magic/{id}`. Out: a
//! link; a redirect for browsers, tokens as JSON for SDKs.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::{
    extract::State as Shared,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::IntoResponse as _,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    access,
    request::{Answer, At, Refusal, Sent, ok},
    state::State,
    tokens::issue::{self, Holder},
    users::{
        Level, Standing, User,
        data::{Rest, Written, upsert},
        ids,
    },
    world::Tenant,
};

/// The longest life of a link, and the one it gets unless told otherwise.
pub(super) const LONGEST: Duration = Duration::from_secs(30 * 24 * 3_600);

/// A link that waits to be followed. It works until it expires, as often as it is used.
#[derive(Clone)]
pub(super) struct Link {
    pub(super) app: String,
    pub(super) variant: Option<String>,
    /// `None` only shortens an address.
    pub(super) user: Option<String>,
    /// The field that following the link proves, and its value.
    pub(super) proves: Option<(&'static str, String)>,
    pub(super) redirect_url: String,
    pub(super) expires: SystemTime,
    pub(super) link_data: Value,
}

#[derive(Deserialize)]
pub(super) struct LinkOrder {
    #[serde(default)]
    purpose: Purpose,
    /// The vendor's Node client and a page of its manual have names of their own for it.
    #[serde(alias = "verification_mode", alias = "verification_method")]
    verification_type: Option<Verification>,
    redirect_url: Option<String>,
    expiration: Option<String>,
    #[serde(default)]
    data: Map<String, Value>,
    user_id: Option<String>,
    group_to_join: Option<String>,
    #[serde(default)]
    link_data: Value,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Purpose {
    #[default]
    Auth,
    Shorten,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Verification {
    Email,
    Phone,
}

impl Verification {
    fn field(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone_number",
        }
    }
}

/// By a backend, for anybody.
pub(super) async fn create(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    Sent(mut order): Sent<LinkOrder>,
) -> Answer {
    let caller = access::by_secret(&state, &headers)?;
    let (redirect_url, expires) = destination(&order)?;
    // The vendor's Node client calls the number so.
    if let Some(phone) = order.data.remove("phone") {
        order.data.entry("phone_number").or_insert(phone);
    }
    let mut world = state.world_mut();
    let tenant = world.tenant_mut(&caller.app)?;
    let user = match order.purpose {
        Purpose::Auth => Some(addressee(tenant, &order)?),
        Purpose::Shorten => None,
    };
    if let (Some(group), Some(user)) = (&order.group_to_join, &user) {
        tenant.join_open(group, user)?;
    }
    let proves = order.verification_type.map(Verification::field).and_then(|field| {
        let value = order.data.get(field)?.as_str()?;
        Some((field, value.to_owned()))
    });
    let link = Link {
        app: caller.app,
        variant: caller.variant,
        user: user.clone(),
        proves,
        redirect_url,
        expires,
        link_data: order.link_data,
    };
    let id = ids::random_hex(16);
    world.links.insert(id.clone(), link);
    ok(json!({ "link": address(&state, &id), "app_user_id": user }))
}

/// By a user, for themselves.
pub(super) async fn create_own(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    Sent(order): Sent<LinkOrder>,
) -> Answer {
    let caller = access::by_bearer(&state, &headers)?;
    let (redirect_url, expires) = destination(&order)?;
    let link = Link {
        app: caller.app,
        variant: caller.variant,
        user: Some(caller.user.clone()),
        proves: None,
        redirect_url,
        expires,
        link_data: order.link_data,
    };
    let id = ids::random_hex(16);
    state.world_mut().links.insert(id.clone(), link);
    ok(json!({ "link": address(&state, &id), "app_user_id": caller.user }))
}

pub(super) fn address(state: &State, id: &str) -> String {
    format!("{}/hub/auth/magic/{id}", state.base_url)
}

/// Where the link leads, and until when.
fn destination(order: &LinkOrder) -> Result<(String, SystemTime), Refusal> {
    let bad = |why: &str| Refusal::bad_request("E_BAD_REQUEST", why);
    let url = checked(order.redirect_url.as_deref().unwrap_or_default())?;
    let life = match order.expiration.as_deref() {
        None => LONGEST,
        Some(text) => humantime::parse_duration(text)
            .map_err(|_| bad("`expiration` is no duration such as 1h or 30d"))?,
    };
    if life > LONGEST {
        return Err(bad("`expiration` is at most 30d"));
    }
    Ok((url, SystemTime::now() + life))
}

/// An address that can stand in a redirect.
pub(super) fn checked(url: &str) -> Result<String, Refusal> {
    if url.contains("://") && HeaderValue::from_str(url).is_ok() {
        return Ok(url.to_owned());
    }
    let why = "`redirect_url` is no full address, and the app has no default one";
    Err(Refusal::bad_request("E_BAD_REQUEST", why))
}

/// The user the link is for: the one named, the one who proved the address, or a new one.
fn addressee(tenant: &mut Tenant, order: &LinkOrder) -> Result<String, Refusal> {
    let named = order.user_id.as_deref().unwrap_or("__default__");
    let addresses = ["email", "phone_number"];
    let known = addresses
        .iter()
        .filter_map(|field| order.data.get(*field)?.as_str())
        .find_map(|value| tenant.who_proved(value))
        .map(|user| user.id.clone())
        .filter(|_| named == "__default__");
    let id = known.unwrap_or_else(|| named.to_owned());
    let written = Written { data: order.data.clone(), attributes: Map::new() };
    upsert(tenant, &id, &written, Rest::Kept)
}

/// Followed: SDKs get tokens, browsers are sent on.
pub(super) async fn redeem(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    At(id): At<String>,
) -> Answer {
    let gone = || Refusal::not_found("E_LINK_NOT_FOUND", "there is no such link");
    let link = state.world().links.get(&id).cloned().ok_or_else(gone)?;
    let late = access::text(&headers, "x-rownd-magic-allow-exp") == Some("true");
    if link.expires <= SystemTime::now() && !late {
        return Err(Refusal::bad_request("E_LINK_EXPIRED", "the link has expired"));
    }
    let Some(user) = link.user.clone().filter(|_| wants_json(&headers)) else {
        let to = [(header::LOCATION, link.redirect_url)];
        return Ok((StatusCode::FOUND, to).into_response());
    };
    let method = {
        let mut world = state.world_mut();
        let user = world.tenant_mut(&link.app)?.user_mut(&user)?;
        if user.state == Standing::Disabled {
            return Err(Refusal::forbidden("the user is disabled"));
        }
        sign_in(user, &link)
    };
    let holder = Holder { app: link.app, variant: link.variant, user };
    let pair = issue::issue(&state, &holder)?;
    ok(json!({
        "access_token": pair.access,
        "refresh_token": pair.refresh,
        "app_user_id": holder.user,
        "app_id": holder.app,
        "last_sign_in": method,
        "redirect_url": link.redirect_url,
        "link_data": link.link_data,
        "magic_link": address(&state, &id),
    }))
}

/// Who follows the link has the address it was sent to.
fn sign_in(user: &mut User, link: &Link) -> &'static str {
    let method = match &link.proves {
        Some((field, value)) => {
            user.data.insert((*field).to_owned(), json!(value));
            user.verified.insert((*field).to_owned(), json!(value));
            user.auth_level = Level::Verified;
            if *field == "email" { "email" } else { "phone" }
        }
        None => "magic_link",
    };
    user.signed_in(method);
    method
}

fn wants_json(headers: &HeaderMap) -> bool {
    let has = |name: header::HeaderName, word: &str| {
        access::text(headers, name.as_str())
            .is_some_and(|text| text.to_ascii_lowercase().contains(word))
    };
    has(header::USER_AGENT, "rownd sdk") || has(header::ACCEPT, "application/json")
}
