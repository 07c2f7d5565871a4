//! The faults of the JSON: of the header's members and of the registered claims.

use serde_json::error::Category;

use crate::verify::{
    json::{Json, Object},
    token::{MAX_KID, MAX_TIME, REFUSED_MEMBERS},
};

/// The faults of a header (RFC 7515 section 4.1).
pub(super) fn of_header(json: &[u8]) -> Vec<String> {
    let header = match object("the header", json) {
        Ok(header) => header,
        Err(fault) => return vec![fault],
    };
    let mut faults = Vec::new();
    for name in REFUSED_MEMBERS.iter().filter(|name| header.contains(name)) {
        faults.push(format!("the header has `{name}`: {}", why_refused(name)));
    }
    match header.get("alg") {
        None => faults.push("the header has no `alg`".to_owned()),
        Some(alg) => faults.extend(not_text("`alg` of the header", alg)),
    }
    match header.get("kid") {
        None => {}
        Some(Json::Text(kid)) if kid.is_empty() => {
            faults.push("`kid` of the header is empty: leave it out".to_owned());
        }
        Some(Json::Text(kid)) if kid.len() > MAX_KID => faults
            .push(format!("`kid` of the header has {} bytes: {MAX_KID} is the most", kid.len())),
        Some(kid) => faults.extend(not_text("`kid` of the header", kid)),
    }
    match header.get("typ") {
        None => {}
        Some(Json::Text(typ)) if crate::verify::token::typ(typ).is_ok() => {}
        Some(Json::Text(_)) => {
            faults.push("`typ` of the header is neither JWT nor at+jwt".to_owned());
        }
        Some(typ) => faults.extend(not_text("`typ` of the header", typ)),
    }
    faults
}

/// The faults of the claims (RFC 7519 section 4.1).
pub(super) fn of_claims(json: &[u8]) -> Vec<String> {
    let claims = match object("the claims", json) {
        Ok(claims) => claims,
        Err(fault) => return vec![fault],
    };
    let mut faults = Vec::new();
    if !claims.contains("iss") {
        faults.push("the claims have no `iss`: no issuer can be found for the token".to_owned());
    }
    for name in ["iss", "sub", "jti"] {
        faults.extend(claims.get(name).and_then(|value| not_text(&format!("`{name}`"), value)));
    }
    faults.extend(claims.get("aud").and_then(no_audience));
    for name in ["exp", "nbf", "iat"] {
        faults.extend(claims.get(name).and_then(|value| no_time(name, value)));
    }
    if claims.contains("cnf") {
        faults.push(
            "the claims have `cnf`: the token is bound to a key of its client, which is not asked for \
             a proof here"
                .to_owned(),
        );
    }
    faults
}

/// The JSON is one object in which no member stands twice, at any depth.
fn object<'a>(name: &str, json: &'a [u8]) -> Result<Object<'a>, String> {
    let verb = if name.ends_with('s') { "are" } else { "is" };
    match serde_json::from_slice::<Json<'a>>(json) {
        Ok(Json::Object(object)) => Ok(object),
        Ok(other) => Err(format!("{name} {verb} {}, no JSON object", kind(&other))),
        Err(_) if std::str::from_utf8(json).is_err() => Err(format!("{name} {verb} not UTF-8")),
        // The only error of ours: it names the member.
        Err(error) if error.classify() == Category::Data => Err(format!("in {name}, {error}")),
        Err(error) => Err(format!("{name} {verb} not JSON: {error}")),
    }
}

fn why_refused(name: &str) -> &'static str {
    match name {
        "crit" => "extensions that have to be understood are not supported",
        "b64" => "unencoded claims are not supported",
        "zip" => "compressed claims are not supported",
        "enc" | "epk" => "encrypted tokens cannot be read here",
        "cty" => "tokens inside tokens are not supported",
        "cnf" => "tokens that are bound to a key of the client are not supported",
        _ => "it is not supported",
    }
}

fn not_text(what: &str, value: &Json<'_>) -> Option<String> {
    value.text().is_none().then(|| format!("{what} is {}, no text", kind(value)))
}

/// One text, or a list of texts.
fn no_audience(aud: &Json<'_>) -> Option<String> {
    match aud {
        Json::Text(_) => None,
        Json::List(items) => {
            let odd = items.iter().find(|item| item.text().is_none())?;
            Some(format!("`aud` holds {}: it is a text or a list of texts", kind(odd)))
        }
        Json::Null
        | Json::Bool(_)
        | Json::Unsigned(_)
        | Json::Negative(_)
        | Json::Float(_)
        | Json::Object(_) => {
            Some(format!("`aud` is {}: it is a text or a list of texts", kind(aud)))
        }
    }
}

/// Seconds since 1970, as a number.
fn no_time(name: &str, value: &Json<'_>) -> Option<String> {
    let too_late = || {
        Some(format!(
            "`{name}` is after the year 9999: it counts seconds since 1970, perhaps this one \
             milliseconds"
        ))
    };
    match value {
        Json::Unsigned(seconds) if *seconds <= MAX_TIME => None,
        Json::Float(seconds) if *seconds >= 0.0 && *seconds <= MAX_TIME as f64 => None,
        Json::Unsigned(_) => too_late(),
        Json::Float(seconds) if *seconds >= 0.0 => too_late(),
        Json::Negative(_) | Json::Float(_) => Some(format!("`{name}` is before 1970")),
        Json::Text(_) | Json::Null | Json::Bool(_) | Json::List(_) | Json::Object(_) => {
            Some(format!("`{name}` is {}, no number of seconds", kind(value)))
        }
    }
}

const fn kind(value: &Json<'_>) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "true or false",
        Json::Unsigned(_) | Json::Negative(_) | Json::Float(_) => "a number",
        Json::Text(_) => "a text",
        Json::List(_) => "a list",
        Json::Object(_) => "an object",
    }
}
