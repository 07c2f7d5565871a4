//! The pages of the provider: sign-in and consent, errors, and the end of a session.
//!
//! In: the app's users and the request. Out: plain HTML without scripts, in which every text from
//! outside is escaped.

use axum::{
    http::{HeaderName, StatusCode, header},
    response::{Html, IntoResponse},
};

use crate::data::{
    grants::PendingRequest,
    oidc_clients::OidcClient,
    records::AppRecords,
    users::{AccountState, User},
};

/// The most users in the list; `login_hint` can name another one.
const SHOWN: usize = 100;

/// Headers that forbid scripts, frames, resources of other sites, and caching.
const HEADERS: [(HeaderName, &str); 4] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CACHE_CONTROL, "no-store"),
    (header::REFERRER_POLICY, "no-referrer"),
];

const STYLE: &str = "body{font:1rem system-ui;max-width:28rem;margin:4rem auto;padding:0 1rem}\
    select,button{font:inherit;padding:.4rem .8rem;margin:.3rem 0}li{margin:.2rem 0}";

/// Sign-in and consent on one page.
pub(crate) fn consent(
    app_records: &AppRecords,
    request: &str,
    pending: &PendingRequest,
    hint: Option<&str>,
) -> impl IntoResponse + use<> {
    let client = app_records.client(&pending.client);
    let title = escape(client.map_or("A client", OidcClient::title));
    let app = escape(&app_records.app.name);
    let enabled = |user: &&User| user.state == AccountState::Enabled;
    let hinted = hint.and_then(|hint| {
        app_records
            .find_user(hint)
            .or_else(|| app_records.find_by_proved_value(hint))
            .filter(enabled)
    });
    let rest = app_records
        .users
        .values()
        .filter(enabled)
        .filter(|user| hinted.is_none_or(|hinted| hinted.id != user.id));
    let options: String = hinted.into_iter().chain(rest).take(SHOWN).map(option).collect();
    let scopes: String =
        pending.scopes.iter().map(|scope| format!("<li>{}</li>", escape(scope))).collect();
    let action = format!("/oidc/{}/auth/decision", escape(&app_records.app.id));
    let request = escape(request);
    let body = format!(
        "<h1>{title}</h1>\n<p>wants to sign you in to {app} and asks for</p>\n<ul>{scopes}</ul>\n\
         <form method=\"post\" action=\"{action}\">\n\
         <input type=\"hidden\" name=\"request\" value=\"{request}\">\n\
         <p><label>I am <select name=\"user\">{options}</select></label></p>\n\
         <button name=\"decision\" value=\"allow\">Allow</button>\n\
         <button name=\"decision\" value=\"deny\">Deny</button>\n</form>\n\
         <p><small>This is an emulator: nothing has to be proved here.</small></p>"
    );
    (HEADERS, Html(page("Sign in", &body)))
}

fn option(user: &User) -> String {
    let id = escape(&user.id);
    let email = user.data.get("email").and_then(serde_json::Value::as_str).unwrap_or_default();
    let level = user.auth_level.as_str();
    format!("<option value=\"{id}\">{id} {} ({level})</option>", escape(email))
}

/// A page with an error message.
pub(crate) fn problem(status: StatusCode, why: &str) -> impl IntoResponse + use<> {
    let body = format!("<h1>That did not work</h1>\n<p>{}</p>", escape(why));
    (status, HEADERS, Html(page("Sign in", &body)))
}

/// The end of a session, for a client that names no address to go to.
pub(crate) fn signed_out() -> impl IntoResponse + use<> {
    (HEADERS, Html(page("Signed out", "<h1>Signed out</h1>")))
}

fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">\
         <title>{title}</title><style>{STYLE}</style></head>\n<body>\n{body}\n</body>\n</html>\n"
    )
}

fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut safe, letter| {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
        safe
    })
}
