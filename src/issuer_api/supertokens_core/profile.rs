//! The profile of a user of the core, by the rules of Rownd's plugin (supertokens-rownd 1.0.2).
//!
//! In: the record of a user. Out: the document that the plugin shows to the user's own session, but
//! for two things that only the plugin knows: its schema, by which it shows empty texts, and the last
//! session.

use serde_json::{Map, Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    combine::combined,
    fields::{authoritative, is_identity, is_internal},
    record::{LoginMethod, ORIGINAL, UserRecord, object},
};

/// The tenant of everybody who is in no other.
const PUBLIC: &str = "public";
/// Providers that stand for no proof: users of whom nothing is known.
const GUEST: &str = "guest";
const INSTANT: &str = "instant";
/// The domain of addresses that SuperTokens makes up.
const MADE_UP: &str = "@stfakeemail.supertokens.com";
/// Members that say when a user was here last. Copies of Rownd's are out of date.
const OUT_OF_DATE: [&str; 3] = ["last_sign_in", "last_active", "last_sign_in_method"];

/// The document about this user.
pub(super) fn document(record: &UserRecord) -> Value {
    let metadata = combined(record);
    let original = object(metadata.get(ORIGINAL));
    let methods = methods(record);
    let mut data = profile_data(&metadata, &original);
    let names: Vec<String> = data.keys().cloned().collect();
    data.insert("user_id".to_owned(), json!(record.user.id));
    let verified = identity(&methods, &metadata, &original, &mut data);
    if let Some(id) = anonymous_id(record, &methods, &original) {
        data.entry("anonymous_id").or_insert(id);
    }
    let is_meta = |name: &String| {
        !is_internal(name) && !names.contains(name) && !OUT_OF_DATE.contains(&name.as_str())
    };
    let mut meta: Map<String, Value> =
        metadata.into_iter().filter(|(name, _)| is_meta(name)).collect();
    if let Some(joined) = time_of(record.user.time_joined) {
        meta.insert("created".to_owned(), json!(joined));
        meta.insert("first_sign_in".to_owned(), json!(joined));
    }
    meta.insert("first_sign_in_method".to_owned(), json!(method_word(methods.first().copied())));
    json!({
        "rownd_user": record.user.id,
        "data": data,
        "meta": meta,
        "verified_data": verified,
        "state": original.get("state").cloned().unwrap_or_else(|| json!("enabled")),
        "auth_level": auth_level(&methods, &original),
        "groups": original.get("groups").cloned().unwrap_or_else(|| json!([])),
        "attributes": original.get("attributes").cloned().unwrap_or_else(|| json!({})),
    })
}

/// The ways to sign in, the oldest first: those of the public tenant, or all where there are none.
fn methods(record: &UserRecord) -> Vec<&LoginMethod> {
    let all = || record.user.login_methods.iter();
    let is_public = |method: &&LoginMethod| method.tenant_ids.iter().any(|id| id == PUBLIC);
    let mut methods: Vec<&LoginMethod> = all().filter(is_public).collect();
    if methods.is_empty() {
        methods = all().collect();
    }
    methods.sort_by_key(|method| (method.time_joined, method.recipe_user_id.clone()));
    methods
}

/// The fields of the imported profile, and over them those that were written since.
fn profile_data(
    metadata: &Map<String, Value>,
    original: &Map<String, Value>,
) -> Map<String, Value> {
    let mut data = object(original.get("data"));
    for name in authoritative(metadata) {
        match metadata.get(&name) {
            Some(value) => drop(data.insert(name, value.clone())),
            None => drop(data.remove(&name)),
        }
    }
    data.retain(|name, _| !is_identity(name) && !is_internal(name));
    data
}

/// Adds the fields that follow from the ways to sign in. Those of them that are proved.
fn identity(
    methods: &[&LoginMethod],
    metadata: &Map<String, Value>,
    original: &Map<String, Value>,
    data: &mut Map<String, Value>,
) -> Map<String, Value> {
    let mut verified = object(original.get("verified_data"));
    let is_kept = |name: &str| !["email", "google_id", "apple_id"].contains(&name);
    verified.retain(|name, _| is_kept(name) && !is_internal(name));
    if let Some(email) = canonical_email(methods, metadata) {
        data.insert("email".to_owned(), json!(email));
    }
    for method in methods {
        if let Some(email) = real_email(method)
            && ["passwordless", "thirdparty"].contains(&method.recipe_id.as_str())
        {
            data.entry("email").or_insert_with(|| json!(email));
        }
        if method.recipe_id == "passwordless"
            && let Some(phone) = &method.phone_number
        {
            verified.insert("phone_number".to_owned(), json!(phone));
            data.entry("phone_number").or_insert_with(|| json!(phone));
        }
        let Some(provider) = provider(method) else { continue };
        let name = match provider.id.as_str() {
            "google" => "google_id",
            "apple" => "apple_id",
            _ => continue,
        };
        data.insert(name.to_owned(), json!(provider.user_id));
        if is_proved(method, original) {
            verified.insert(name.to_owned(), json!(provider.user_id));
        }
    }
    verify_email(methods, data, &mut verified);
    if verified.get("phone_number") == Some(&Value::Bool(true))
        && let Some(phone) = data.get("phone_number").filter(|phone| phone.is_string())
    {
        verified.insert("phone_number".to_owned(), phone.clone());
    }
    verified
}

/// The address of `data` is proved where a way to sign in has proved it. Without one, the first proved
/// address of all ways counts.
fn verify_email(
    methods: &[&LoginMethod],
    data: &Map<String, Value>,
    verified: &mut Map<String, Value>,
) {
    let folded = |email: &str| email.trim().to_lowercase();
    let proved = || methods.iter().filter(|method| method.verified);
    let shown = data.get("email").and_then(Value::as_str);
    let found = match shown {
        Some(email) => proved()
            .filter_map(|method| method.email.as_deref())
            .any(|other| folded(other) == folded(email))
            .then_some(email),
        None => proved().find_map(|method| real_email(method)),
    };
    if let Some(email) = found {
        verified.insert("email".to_owned(), json!(email));
    }
}

/// The address of the way to sign in that the plugin has chosen.
fn canonical_email(methods: &[&LoginMethod], metadata: &Map<String, Value>) -> Option<String> {
    let chosen = match metadata.get("rownd_email_recipe_user_ids") {
        Some(by_tenant) => by_tenant.get(PUBLIC),
        None => metadata.get("rownd_email_recipe_user_id"),
    };
    let chosen = chosen.and_then(Value::as_str)?;
    let method = methods.iter().find(|method| method.recipe_user_id == chosen)?;
    real_email(method).map(str::to_owned)
}

/// The address, unless SuperTokens has made it up.
fn real_email(method: &LoginMethod) -> Option<&str> {
    let email = method.email.as_deref().filter(|email| !email.is_empty())?;
    (!email.trim().to_lowercase().ends_with(MADE_UP)).then_some(email)
}

fn provider(method: &LoginMethod) -> Option<&super::record::ThirdParty> {
    method.third_party.as_ref().filter(|_| method.recipe_id == "thirdparty")
}

fn is_guest(method: &LoginMethod) -> bool {
    provider(method).is_some_and(|provider| [GUEST, INSTANT].contains(&provider.id.as_str()))
}

/// Whether a provider's account is proved: by an address, or by the imported profile where the address
/// is made up.
fn is_proved(method: &LoginMethod, original: &Map<String, Value>) -> bool {
    let Some(provider) = provider(method).filter(|_| !is_guest(method)) else { return false };
    if real_email(method).is_some() {
        return true;
    }
    let field = format!("{}_id", provider.id);
    let parts = [original.get("verified_data"), original.get("data")].map(object);
    let texts = parts.iter().filter_map(|part| part.get(&field).and_then(Value::as_str));
    let subject = texts.map(str::trim).find(|text| !text.is_empty());
    let [verified, _] = &parts;
    let is_said = match verified.get(&field) {
        Some(Value::Bool(said)) => *said,
        Some(Value::String(said)) => said.trim() == provider.user_id,
        Some(Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_)) | None => false,
    };
    is_said && subject == Some(&provider.user_id)
}

fn is_verified(method: &LoginMethod, original: &Map<String, Value>) -> bool {
    let has_address = || method.email.is_some() || method.phone_number.is_some();
    match method.recipe_id.as_str() {
        "passwordless" => method.verified && has_address(),
        "emailpassword" => method.verified && method.email.is_some(),
        _ => is_proved(method, original),
    }
}

fn auth_level(methods: &[&LoginMethod], original: &Map<String, Value>) -> String {
    if methods.iter().any(|method| is_verified(method, original)) {
        return "verified".to_owned();
    }
    let imported = original.get("auth_level").and_then(Value::as_str);
    if let Some(level @ (INSTANT | "verified")) = imported {
        return level.to_owned();
    }
    let has = |id: &&str| {
        let mut providers = methods.iter().filter_map(|method| provider(method));
        providers.any(|provider| provider.id == *id)
    };
    let guest = [GUEST, INSTANT].into_iter().find(has);
    guest.or(imported).unwrap_or("unverified").to_owned()
}

fn anonymous_id(
    record: &UserRecord,
    methods: &[&LoginMethod],
    original: &Map<String, Value>,
) -> Option<Value> {
    let imported = object(original.get("data")).remove("anonymous_id");
    if let Some(id) = imported.filter(Value::is_string) {
        return Some(id);
    }
    let is_guest =
        |method: &&LoginMethod| provider(method).is_some_and(|provider| provider.id == GUEST);
    methods.iter().any(is_guest).then(|| json!(format!("anon_{}", record.user.id)))
}

/// The plugin's word for a way to sign in.
fn method_word(method: Option<&LoginMethod>) -> &str {
    let Some(method) = method else { return "email" };
    match provider(method).map(|provider| provider.id.as_str()) {
        Some(known @ ("google" | "apple")) => known,
        None if method.recipe_id == "passwordless" && method.email.is_none() => "phone",
        Some(_) | None => "email",
    }
}

/// A time in milliseconds since 1970 as text, in whole seconds.
fn time_of(milliseconds: i64) -> Option<String> {
    let time = OffsetDateTime::from_unix_timestamp(milliseconds.div_euclid(1000)).ok()?;
    time.format(&Rfc3339).ok()
}
