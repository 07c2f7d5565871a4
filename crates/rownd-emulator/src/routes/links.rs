//! Magic links: made by a backend for a user, or by a user for another device, and followed.
//!
//! In: `POST /hub/auth/magic`, `POST /me/auth/magic`, `GET /hub/auth/magic/{id}`. Out: a link; then
//! a redirect for browsers, and tokens as JSON for SDKs.

use std::{sync::Arc, time::SystemTime};

use axum::{
    extract::{RawQuery, State as Shared},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::IntoResponse as _,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    access,
    request::{ApiError, ApiResult, JsonBody, PathParams, bad_request, ok},
    tokens::issue::{self, TokenOwner},
};
use crate::{
    data::{
        DataError, ids,
        links::{Link, MAX_LINK_LIFE},
        lookup,
        profile::{OmittedFields, ProfileWrite, upsert},
        records::{AppRecords, Records},
        users::{AccountState, AuthLevel, User},
    },
    state::State,
};

#[derive(Deserialize)]
pub(crate) struct LinkOrder {
    #[serde(default)]
    purpose: Purpose,
    /// The vendor's Node client and a page of its manual use other names.
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

/// A link of a backend, for any user.
pub(crate) async fn create(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    body: JsonBody<LinkOrder>,
) -> ApiResult {
    let caller = access::by_secret(&state, &headers)?;
    let mut order = body.read()?;
    let (redirect_url, expires) = destination(&order)?;
    // The vendor's Node client has this name for it.
    if let Some(phone) = order.data.remove("phone") {
        order.data.entry("phone_number").or_insert(phone);
    }
    if let Some(phone) = order.data.get("phone_number").and_then(lookup::phone_number) {
        order.data.insert("phone_number".to_owned(), json!(phone));
    }
    let mut records = state.records_mut();
    let app_records = records.app_mut(&caller.app)?;
    let user = match order.purpose {
        Purpose::Auth => Some(user_of_link(app_records, &order)?),
        Purpose::Shorten => None,
    };
    if let (Some(group), Some(user)) = (&order.group_to_join, &user) {
        app_records.join_open_group(group, user)?;
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
        invite: None,
    };
    let id = ids::random_hex(16);
    records.links.insert(id.clone(), link);
    ok(json!({ "link": address(&state, &id), "app_user_id": user }))
}

/// A link of a user, for another device of theirs.
pub(crate) async fn create_own(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    body: JsonBody<LinkOrder>,
) -> ApiResult {
    let caller = access::by_bearer(&state, &headers)?;
    let order = body.read()?;
    let (redirect_url, expires) = destination(&order)?;
    let link = Link {
        app: caller.app,
        variant: caller.variant,
        user: Some(caller.user.clone()),
        proves: None,
        redirect_url,
        expires,
        link_data: order.link_data,
        invite: None,
    };
    let id = ids::random_hex(16);
    state.records_mut().links.insert(id.clone(), link);
    ok(json!({ "link": address(&state, &id), "app_user_id": caller.user }))
}

/// The URL of a link.
pub(crate) fn address(state: &State, id: &str) -> String {
    format!("{}/hub/auth/magic/{id}", state.base_url)
}

/// The target of the link, and the end of its life.
fn destination(order: &LinkOrder) -> Result<(String, SystemTime), ApiError> {
    let bad = |why: &str| ApiError::bad_request("E_BAD_REQUEST", why);
    let url = checked(order.redirect_url.as_deref().unwrap_or_default())?;
    let life = match order.expiration.as_deref() {
        None => MAX_LINK_LIFE,
        Some(text) => humantime::parse_duration(text)
            .map_err(|_| bad("`expiration` is not a duration such as 1h or 30d"))?,
    };
    if life > MAX_LINK_LIFE {
        return Err(bad("`expiration` is at most 30d"));
    }
    Ok((url, SystemTime::now() + life))
}

/// Checks that an address can stand in a redirect. An app's own scheme needs no host:
/// `com.example.app:/open`.
pub(crate) fn checked(url: &str) -> Result<String, ApiError> {
    let parsed = url::Url::parse(url);
    let leads = parsed.is_ok_and(|url| url.has_host() || url.scheme().contains('.'));
    if leads && HeaderValue::from_str(url).is_ok() {
        return Ok(url.to_owned());
    }
    let why = "`redirect_url` is not a full address, and the app has no default one";
    Err(ApiError::bad_request("E_BAD_REQUEST", why))
}

/// The id of the link's user: the one who has the address, proved or not, whatever `user_id` says;
/// else the one who is named, or a new one. The address that the link proves decides first.
fn user_of_link(app_records: &mut AppRecords, order: &LinkOrder) -> Result<String, DataError> {
    let proved = order.verification_type.map(Verification::field);
    let fields = proved.into_iter().chain(lookup::IDENTIFYING);
    let known = fields
        .filter_map(|field| order.data.get(field)?.as_str())
        .find_map(|value| app_records.find_by_value(value))
        .map(|user| user.id.clone());
    let named = order.user_id.as_deref().filter(|id| !id.is_empty()).unwrap_or("__default__");
    let id = known.unwrap_or_else(|| named.to_owned());
    let written = ProfileWrite { data: order.data.clone(), attributes: Map::new() };
    upsert(app_records, &id, &written, OmittedFields::Kept)
}

/// Follows a link: SDKs get tokens, browsers a redirect. Both get the query of the link.
pub(crate) async fn redeem(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    PathParams(id): PathParams<String>,
    RawQuery(query): RawQuery,
) -> ApiResult {
    let late = access::header_text(&headers, "x-rownd-magic-allow-exp") == Some("true");
    let mut link = state.records().links.get(&id).cloned().ok_or(DataError::NoSuchLink)?;
    if link.expires <= SystemTime::now() && !late {
        return Err(DataError::LinkExpired.into());
    }
    link.redirect_url = with_query(&link.redirect_url, query.as_deref());
    let to = HeaderValue::from_str(&link.redirect_url)
        .map_err(|_| bad_request("the query cannot stand in an address"))?;
    let Some(user) = link.user.clone() else {
        return Ok((StatusCode::FOUND, [(header::LOCATION, to)]).into_response());
    };
    let json = wants_json(&headers);
    let (user, method) = follow(&mut state.records_mut(), &link, &user, json)?;
    if !json {
        return Ok((StatusCode::FOUND, [(header::LOCATION, to)]).into_response());
    }
    let holder = TokenOwner { app: link.app, variant: link.variant, user };
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

/// Accepts the invite of the link, and signs the user in: the id of the user and the method. A
/// browser is not signed in by the emulator.
fn follow(
    records: &mut Records,
    link: &Link,
    user: &str,
    sign_in_now: bool,
) -> Result<(String, &'static str), ApiError> {
    let app_records = records.app_mut(&link.app)?;
    let user = owner_of_address(app_records, link, user);
    if app_records.user(&user)?.state == AccountState::Disabled {
        return Err(ApiError::forbidden("the user is disabled"));
    }
    if let Some(of) = &link.invite {
        app_records.group_mut(&of.group)?.accept(&of.invite, &user)?;
    }
    let user = app_records.user_mut(&user)?;
    let method = if sign_in_now { sign_in(user, link) } else { "magic_link" };
    Ok((user.id.clone(), method))
}

/// The user whom a link signs in. An address that another user has proved since is theirs: two users
/// never have the same proved address.
fn owner_of_address(app_records: &AppRecords, link: &Link, user: &str) -> String {
    let Some((_, value)) = &link.proves else { return user.to_owned() };
    if app_records.users.get(user).is_some_and(|user| user.has_proved(value)) {
        return user.to_owned();
    }
    app_records.find_by_proved_value(value).map_or(user, |owner| &owner.id).to_owned()
}

/// The address with a further query, before its fragment.
fn with_query(url: &str, query: Option<&str>) -> String {
    let Some(query) = query.filter(|query| !query.is_empty()) else { return url.to_owned() };
    let (base, fragment) = match url.split_once('#') {
        Some((base, fragment)) => (base, format!("#{fragment}")),
        None => (url, String::new()),
    };
    let separator = match base.split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some((_, known)) if known.ends_with('&') => "",
        Some(_) => "&",
    };
    format!("{base}{separator}{query}{fragment}")
}

/// Signs the user in. The link proves the address to which it was sent.
fn sign_in(user: &mut User, link: &Link) -> &'static str {
    let method = match &link.proves {
        Some((field, value)) => {
            user.data.insert((*field).to_owned(), json!(value));
            user.verified.insert((*field).to_owned(), json!(value));
            user.auth_level = AuthLevel::Verified;
            if *field == "email" { "email" } else { "phone" }
        }
        None => "magic_link",
    };
    user.signed_in(method);
    method
}

fn wants_json(headers: &HeaderMap) -> bool {
    let has = |name: header::HeaderName, word: &str| {
        access::header_text(headers, name.as_str())
            .is_some_and(|text| text.to_ascii_lowercase().contains(word))
    };
    has(header::USER_AGENT, "rownd sdk") || has(header::ACCEPT, "application/json")
}
