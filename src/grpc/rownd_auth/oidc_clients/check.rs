//! The checks of texts and addresses before anything is sent.
//!
//! In: the settings of a client in a request. Out: the first problem with them. No message repeats
//! what a request holds.

use url::{Host, Url};

use crate::{
    grpc::{
        pb::rownd::auth::v1::OidcClientConfig,
        rownd_auth::{fault::Fault, text_fields::check_scopes},
    },
    issuer_api::user_id_problem,
};

/// The most bytes of an id, of a name, and of any other text; and the most entries of a list.
const MAX_ID: usize = 256;
const MAX_NAME: usize = 256;
const MAX_TEXT: usize = 2048;
const MAX_ENTRIES: usize = 100;

/// Checks an id that is to be a segment of a path.
///
/// # Errors
///
/// Fails for an id that is empty or too long, or that leads to another path.
pub(super) fn id(field: &'static str, id: &str) -> Result<(), Fault> {
    if id.len() > MAX_ID {
        return Err(Fault::field(field, format!("must have 1 to {MAX_ID} bytes")));
    }
    match user_id_problem(id) {
        // The text is about a user; the rest of it is true of every id.
        Some(problem) => Err(Fault::field(field, problem.to_string())),
        None => Ok(()),
    }
}

/// Checks the name of a client.
///
/// # Errors
///
/// Fails for a name that is blank or too long, or has control characters.
pub(super) fn name(name: &str) -> Result<(), Fault> {
    const FIELD: &str = "oidc_client.name";
    if name.trim().is_empty() {
        Err(Fault::field(FIELD, "is empty; every client has a name"))
    } else if name.len() > MAX_NAME || name.chars().any(char::is_control) {
        Err(Fault::field(
            FIELD,
            format!("must have 1 to {MAX_NAME} bytes, and no control characters"),
        ))
    } else {
        Ok(())
    }
}

/// Checks a text that may be left out.
///
/// # Errors
///
/// Fails for a text that is too long.
pub(super) fn text(field: &'static str, text: Option<&String>) -> Result<(), Fault> {
    match text {
        Some(text) if text.len() > MAX_TEXT => {
            Err(Fault::field(field, format!("has more than {MAX_TEXT} bytes")))
        }
        Some(_) | None => Ok(()),
    }
}

/// Checks the addresses, scopes and texts of the settings.
///
/// # Errors
///
/// Fails with the first field that is at fault.
pub(super) fn config(config: &OidcClientConfig) -> Result<(), Fault> {
    let list = |field, texts: &[String], problem: fn(&str) -> Option<&'static str>| {
        entries(field, texts, problem)
    };
    list("oidc_client.config.allowed_origins", &config.allowed_origins, origin_problem)?;
    list("oidc_client.config.redirect_uris", &config.redirect_uris, redirect_problem)?;
    list("oidc_client.config.post_logout_uris", &config.post_logout_uris, redirect_problem)?;
    let scopes = "oidc_client.config.allowed_scopes";
    list(scopes, &config.allowed_scopes, |_| None)?;
    check_scopes(scopes, &config.allowed_scopes)?;
    for (field, uri) in [
        ("oidc_client.config.logo_uri", &config.logo_uri),
        ("oidc_client.config.logo_dark_mode_uri", &config.logo_dark_mode_uri),
        ("oidc_client.config.interaction_endpoint", &config.interaction_endpoint),
    ] {
        text(field, uri.as_ref())?;
        if let Some(problem) = uri.as_deref().and_then(page_problem) {
            return Err(Fault::field(field, problem));
        }
    }
    text("oidc_client.config.hub_title", config.hub_title.as_ref())
}

fn entries(
    field: &'static str,
    texts: &[String],
    problem: fn(&str) -> Option<&'static str>,
) -> Result<(), Fault> {
    if texts.len() > MAX_ENTRIES {
        return Err(Fault::field(field, format!("has more than {MAX_ENTRIES} entries")));
    }
    for (index, text) in texts.iter().enumerate() {
        let earlier = texts.get(..index).unwrap_or_default();
        let problem = match text {
            text if text.len() > MAX_TEXT => Some("is too long"),
            text if earlier.contains(text) => Some("is there twice; leave one out"),
            text => problem(text),
        };
        if let Some(problem) = problem {
            return Err(Fault::field(field, format!("number {}: {problem}", index + 1)));
        }
    }
    Ok(())
}

/// The problem with an origin (RFC 6454 section 6.2), as browsers write it.
fn origin_problem(text: &str) -> Option<&'static str> {
    let Some(url) = Url::parse(text).ok().filter(Url::has_host) else {
        return Some("is not an origin; write https://shop.example.com");
    };
    if let Some(problem) = web_problem(&url) {
        return Some(problem);
    }
    // Also a path of `/`, a default port, and capital letters: no browser would send it so.
    (url.origin().ascii_serialization() != text).then_some(
        "is not written as browsers send it; write https://shop.example.com, in small letters, \
         without a path, a `/` at the end or the usual port",
    )
}

/// The problem with an address that a browser is sent to with a code, or after signing out.
fn redirect_problem(text: &str) -> Option<&'static str> {
    // They run as a page's own script, or show what the address itself holds.
    const SCRIPTS: [&str; 8] =
        ["about", "blob", "data", "file", "filesystem", "javascript", "vbscript", "view-source"];
    let Some(url) = parsed(text) else {
        return Some("is not an absolute URI; write https://shop.example.com/callback");
    };
    match url.scheme() {
        "http" | "https" => page_problem(text),
        // Browsers would take `a b:` for a search, and a scheme of one word is not an app's own.
        scheme if SCRIPTS.contains(&scheme) || !scheme.contains('.') => Some(
            "has a scheme that no app can receive; write https://shop.example.com/callback, or a \
             scheme of your app with a dot in it: com.example.app:/callback",
        ),
        _ if url.fragment().is_some() => {
            Some("has a fragment (`#`), which is not sent; leave it out")
        }
        _ => None,
    }
}

/// The problem with the address of a page or a picture.
fn page_problem(text: &str) -> Option<&'static str> {
    let Some(url) = parsed(text).filter(Url::has_host) else {
        return Some("is not a URL; write https://shop.example.com/page");
    };
    web_problem(&url)
}

/// A URL that means what is written: a parser leaves blanks and control characters out.
fn parsed(text: &str) -> Option<Url> {
    let is_odd = |c: char| c.is_whitespace() || c.is_control() || c == '\\';
    if text.contains(is_odd) { None } else { Url::parse(text).ok() }
}

fn web_problem(url: &Url) -> Option<&'static str> {
    let is_loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => {}
        "http" if is_loopback => {}
        "http" => {
            return Some(
                "is plain http to another machine; write https:// (http is for localhost, \
                 127.0.0.1 and [::1] only)",
            );
        }
        _ => return Some("is not https; write https://shop.example.com"),
    }
    if !url.username().is_empty() || url.password().is_some() {
        Some("has a user or a password; leave it out")
    } else if url.fragment().is_some() {
        Some("has a fragment (`#`), which is not sent; leave it out")
    } else if url.host_str().is_some_and(|host| host.contains('*') || host.contains('%')) {
        Some("has a `*` in the host; there are no patterns, so write each host")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::{origin_problem, page_problem, redirect_problem};

    #[test]
    fn an_address_is_https_or_on_loopback() {
        // Text, and whether it may be an origin, a page, an address to be sent to.
        for (text, origin, page, redirect) in [
            ("https://shop.test", true, true, true),
            ("https://shop.test:8443", true, true, true),
            ("http://localhost:3000", true, true, true),
            ("http://127.0.0.1", true, true, true),
            ("http://[::1]:8080", true, true, true),
            ("https://shop.test/", false, true, true),
            ("https://shop.test/a?b=c", false, true, true),
            ("https://shop.test:443", false, true, true),
            ("HTTPS://Shop.test", false, true, true),
            ("com.example.app:/callback", false, false, true),
            ("com.example.app://callback", false, false, true),
            ("com.example.app:/callback#a", false, false, false),
            ("http://shop.test", false, false, false),
            ("http://localhost.evil.test", false, false, false),
            ("http://127.0.0.1.evil.test", false, false, false),
            ("http://10.0.0.1", false, false, false),
            ("https://ann:pw@shop.test", false, false, false),
            ("https://shop.test/#a", false, false, false),
            ("https://*.shop.test", false, false, false),
            ("https://shop.test\\@evil.test", false, false, false),
            ("https://shop.test/\n", false, false, false),
            (" https://shop.test", false, false, false),
            ("//shop.test", false, false, false),
            ("shop.test", false, false, false),
            ("/callback", false, false, false),
            ("*", false, false, false),
            ("null", false, false, false),
            ("", false, false, false),
            ("myapp:/callback", false, false, false),
            ("javascript:alert(1)", false, false, false),
            ("JavaScript://shop.test/%0aalert(1)", false, false, false),
            ("data:text/html,x", false, false, false),
            ("file:///etc/passwd", false, false, false),
            ("blob:https://shop.test/x", false, false, false),
            ("ftp://shop.test", false, false, false),
            ("wss://shop.test", false, false, false),
        ] {
            let found = [origin_problem(text), page_problem(text), redirect_problem(text)];
            let good = found.map(|problem| problem.is_none());
            assert_eq!(good, [origin, page, redirect], "{text:?}: {found:?}");
        }
    }
}
