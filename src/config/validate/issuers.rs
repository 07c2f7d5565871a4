//! What holds for issuers: which settings their kind needs, which it cannot have, and what it
//! fills in. A preset is a kind with its defaults: three lines are enough for each.

use std::collections::HashSet;

use url::{Host, Url};

use super::{Found, range};
use crate::config::{
    Config, Issuer, IssuerKind, Secret, SigningAlgorithm as Algorithm, Span, file,
};

/// Where Rownd is.
const ROWND: &str = "https://api.rownd.io";
/// Before the project id, the `iss` of Firebase's ID tokens.
const FIREBASE: &str = "https://securetoken.google.com/";
/// What the metrics call a token of nobody's.
const UNKNOWN_ISSUER: &str = "unknown";
/// The most issuers: each is a label value of several metrics.
pub(super) const MAX_ISSUERS: usize = 32;
/// The most bytes of a key set in place.
const MAX_KEY_SET: usize = 1 << 20;
/// Claims that have one meaning in every token, and are never anything else.
const REGISTERED: [&str; 6] = ["iss", "aud", "exp", "nbf", "iat", "jti"];

pub(super) fn issuers(config: &mut Config, found: &mut Found) {
    if config.issuers.len() > MAX_ISSUERS {
        found.push(("/issuers".into(), format!("more than {MAX_ISSUERS} issuers")));
    }
    let (mut names, mut exact) = (HashSet::new(), HashSet::new());
    for (index, issuer) in config.issuers.iter_mut().enumerate() {
        let at = format!("/issuers/{index}");
        if !names.insert(issuer.name.clone()) || issuer.name == UNKNOWN_ISSUER {
            found.push((format!("{at}/name"), "is taken; write another name".into()));
        }
        foreign_settings(issuer, &at, found);
        match issuer.kind {
            IssuerKind::Rownd => rownd(issuer, &at, found),
            IssuerKind::Supertokens => supertokens(issuer, &at, found),
            IssuerKind::Oidc | IssuerKind::Static => openid(issuer, &at, found),
            IssuerKind::Firebase => firebase(issuer, &at, found),
        }
        addresses(issuer, &at, found);
        algorithms(issuer, &at, found);
        audiences(issuer, &at, found);
        claims(issuer, &at, found);
        key_set(issuer, &at, found);
        apps(issuer, &at, found);
        if let Some(iss) = &issuer.issuer
            && !exact.insert(iss.clone())
        {
            found.push((
                format!("{at}/issuer"),
                "another issuer has the same `iss`: a token could not tell them apart".into(),
            ));
        }
        key_durations(issuer, &at, found);
    }
}

/// Settings that mean nothing for a kind are refused: somebody expects something of them.
fn foreign_settings(issuer: &Issuer, at: &str, found: &mut Found) {
    use IssuerKind::{Firebase, Oidc, Rownd, Static, Supertokens};
    let map = &issuer.claims;
    let rows: [(&str, bool, &[IssuerKind]); 13] = [
        ("base_url", issuer.base_url.is_some(), &[Rownd, Supertokens, Oidc]),
        ("project", issuer.project.is_some(), &[Firebase]),
        ("jwks_url", issuer.jwks_url.is_some(), &[Rownd, Supertokens, Oidc, Firebase]),
        (
            "jwks_fallback_url",
            issuer.jwks_fallback_url.is_some(),
            &[Rownd, Supertokens, Oidc, Firebase],
        ),
        ("apps", !issuer.apps.is_empty(), &[Rownd, Supertokens]),
        ("audiences", !issuer.audiences.is_empty(), &[Supertokens, Oidc, Static]),
        ("accepts", issuer.accepts.is_some(), &[Oidc, Static]),
        ("auth_level", issuer.auth_level.is_some(), &[Oidc, Static]),
        ("allow_missing_exp", issuer.allow_missing_exp, &[Rownd]),
        ("claims/user_id", map.user_id.is_some(), &[Oidc, Firebase, Static]),
        ("claims/auth_level", map.auth_level.is_some(), &[Oidc, Firebase, Static]),
        ("claims/app_id", map.app_id.is_some(), &[Oidc, Firebase, Static]),
        ("claims/app_variant", map.app_variant.is_some(), &[Oidc, Firebase, Static]),
    ];
    let sessions = [
        ("claims/session_id", map.session_id.is_some(), &[Rownd, Oidc, Firebase, Static][..]),
        ("claims/tenant", map.tenant.is_some(), &[Rownd, Oidc, Firebase, Static][..]),
    ];
    for (name, set, kinds) in rows.into_iter().chain(sessions) {
        if set && !kinds.contains(&issuer.kind) {
            let kinds: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
            found.push((
                format!("{at}/{name}"),
                format!(
                    "means nothing for kind `{}`, only for {}; leave it out",
                    issuer.kind.as_str(),
                    kinds.join(", ")
                ),
            ));
        }
    }
}

fn rownd(issuer: &mut Issuer, at: &str, found: &mut Found) {
    let base = trimmed(issuer.base_url.get_or_insert_with(|| ROWND.to_owned()));
    issuer.issuer.get_or_insert(base);
    if issuer.apps.is_empty() {
        found.push((
            format!("{at}/apps"),
            "no app: set ROWND_APP_KEY (or ROWND_APP_ID), or write apps: [{id: app_...}]".into(),
        ));
    }
}

fn supertokens(issuer: &mut Issuer, at: &str, found: &mut Found) {
    match &mut issuer.base_url {
        None => found.push((
            format!("{at}/base_url"),
            "is missing; write apiDomain and apiBasePath: https://api.example.com/auth".into(),
        )),
        Some(base) => {
            let base = trimmed(base);
            issuer.issuer.get_or_insert(base);
        }
    }
    if issuer.apps.len() > 1 {
        found.push((format!("{at}/apps"), "sessions are for one app; write one".into()));
    }
}

fn openid(issuer: &mut Issuer, at: &str, found: &mut Found) {
    if issuer.issuer.is_none() {
        let example = "is missing; write the exact `iss` of its tokens: https://id.example.com";
        found.push((format!("{at}/issuer"), example.into()));
    }
    if let Some(base) = &mut issuer.base_url {
        trimmed(base);
    }
    if issuer.audiences.is_empty() {
        let example = "is missing: without it, tokens made for any other service would be taken; \
                       write audiences: [my-api]";
        found.push((format!("{at}/audiences"), example.into()));
    }
}

fn firebase(issuer: &mut Issuer, at: &str, found: &mut Found) {
    match &issuer.project {
        Some(project) if plain(project) => {
            issuer.issuer.get_or_insert_with(|| format!("{FIREBASE}{project}"));
        }
        Some(_) => found.push((
            format!("{at}/project"),
            "is no project id; write lower case letters, digits and `-`".into(),
        )),
        None => found.push((
            format!("{at}/project"),
            "is missing; write the Firebase project id: my-project".into(),
        )),
    }
}

/// Without the slashes at the end.
fn trimmed(base: &mut String) -> String {
    *base = base.trim_end_matches('/').to_owned();
    base.clone()
}

fn addresses(issuer: &Issuer, at: &str, found: &mut Found) {
    let places = [
        ("base_url", &issuer.base_url),
        ("jwks_url", &issuer.jwks_url),
        ("jwks_fallback_url", &issuer.jwks_fallback_url),
    ];
    for (name, url) in places {
        if let Some(url) = url {
            web_address(url, issuer.allow_insecure_http, &format!("{at}/{name}"), found);
        }
    }
    // Discovery starts from the `iss` itself where nothing else is written.
    if let (IssuerKind::Oidc, None, None, Some(iss)) =
        (issuer.kind, &issuer.base_url, &issuer.jwks_url, &issuer.issuer)
        && issuer.keys.fetch
    {
        web_address(iss, issuer.allow_insecure_http, &format!("{at}/issuer"), found);
    }
}

/// What a kind can sign with; the first list is its default.
const fn possible(kind: IssuerKind) -> &'static [Algorithm] {
    match kind {
        IssuerKind::Rownd => &[Algorithm::EdDSA],
        IssuerKind::Supertokens | IssuerKind::Firebase => &[Algorithm::RS256],
        IssuerKind::Oidc | IssuerKind::Static => &Algorithm::ALL,
    }
}

fn algorithms(issuer: &mut Issuer, at: &str, found: &mut Found) {
    let possible = possible(issuer.kind);
    if issuer.algorithms.is_empty() {
        issuer.algorithms = possible.to_vec();
    }
    for (index, algorithm) in issuer.algorithms.iter().enumerate() {
        let at = format!("{at}/algorithms/{index}");
        if !possible.contains(algorithm) {
            let kind = issuer.kind.as_str();
            found.push((
                at,
                format!("{algorithm:?} is nothing kind `{kind}` signs with; it has {possible:?}"),
            ));
        } else if issuer.algorithms.iter().take(index).any(|known| known == algorithm) {
            found.push((at, "stands twice".into()));
        }
    }
}

fn audiences(issuer: &Issuer, at: &str, found: &mut Found) {
    for (index, audience) in issuer.audiences.iter().enumerate() {
        if audience.is_empty() {
            found.push((format!("{at}/audiences/{index}"), "is empty".into()));
        }
    }
}

fn claims(issuer: &Issuer, at: &str, found: &mut Found) {
    for (target, source) in issuer.claims.entries() {
        let Some(source) = source else { continue };
        let at = format!("{at}/claims/{target}");
        if source.is_empty() || source == "/" {
            found.push((
                at,
                "is empty; write a claim's name or a pointer such as /realm/roles".into(),
            ));
        } else if REGISTERED.contains(&source) {
            found.push((at, format!("`{source}` means something else in every token")));
        }
    }
}

/// Reads the key set in place, if it is a file's. Whether it is one is told when it is used.
fn key_set(issuer: &mut Issuer, at: &str, found: &mut Found) {
    if issuer.kind == IssuerKind::Static {
        issuer.keys.fetch = false;
    }
    let at_set = format!("{at}/key_set");
    match &mut issuer.key_set {
        None if issuer.kind == IssuerKind::Static => found.push((
            at_set,
            "is missing; write file:/etc/rownd-authz/keys.json, a JWKS or public keys in PEM"
                .into(),
        )),
        None if !issuer.keys.fetch => found.push((
            format!("{at}/keys/fetch"),
            "without fetching there are no keys; write `key_set` too".into(),
        )),
        None => {}
        Some(text) => {
            if let Some(path) = text.strip_prefix("file:") {
                match file::text(path) {
                    Ok(read) => *text = read,
                    Err(message) => {
                        found.push((at_set, message));
                        return;
                    }
                }
            }
            if text.trim().is_empty() || text.len() > MAX_KEY_SET {
                found.push((at_set, "is empty or larger than 1 MiB".into()));
            }
        }
    }
}

fn apps(issuer: &mut Issuer, at: &str, found: &mut Found) {
    let asks = issuer.kind == IssuerKind::Rownd;
    for (index, app) in issuer.apps.iter_mut().enumerate() {
        let at = format!("{at}/apps/{index}");
        match (&app.id, &app.key) {
            (None, None) if asks => {
                found.push((at.clone(), "write `id: app_...` or `key: key_...`".into()))
            }
            (None, Some(_)) if !issuer.keys.fetch => found.push((
                at.clone(),
                "the id would be asked of Rownd by the key, and `keys.fetch: false` asks nothing; \
                 write `id: app_...`"
                    .into(),
            )),
            (None, _) if !asks => found.push((at.clone(), "write `id: app_...`".into())),
            (Some(id), _) if !plain(id) => found.push((
                format!("{at}/id"),
                "is not an app id; write letters, digits, `_` and `-` only".into(),
            )),
            _ => {}
        }
        for (name, secret) in [("key", &mut app.key), ("secret", &mut app.secret)] {
            if let Some(secret) = secret
                && let Err(message) = resolve(secret)
            {
                found.push((format!("{at}/{name}"), message));
            }
        }
    }
}

fn plain(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// Reads a `file:/path` secret. What is empty or cannot travel in a header is refused.
pub(super) fn resolve(secret: &mut Secret) -> Result<(), String> {
    if let Some(path) = secret.expose().strip_prefix("file:") {
        let text = file::text(path)?;
        *secret = Secret::new(text.trim_end_matches(['\r', '\n']));
    }
    let good = !secret.expose().is_empty() && secret.expose().bytes().all(|b| b.is_ascii_graphic());
    if good { Ok(()) } else { Err("the secret is empty or holds other than visible ASCII".into()) }
}

fn web_address(text: &str, insecure: bool, at: &str, found: &mut Found) {
    let Ok(url) = Url::parse(text) else {
        // It may hold a password, so it is not repeated.
        found.push((at.to_owned(), "is no URL; write https://...".into()));
        return;
    };
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => {}
        "http" if loopback || insecure => {}
        "http" => found.push((
            at.to_owned(),
            "plain http; write https://, or say `allow_insecure_http: true` for this issuer".into(),
        )),
        other => {
            found.push((at.to_owned(), format!("the scheme {other} is not known; write https")))
        }
    }
    let bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    let base_with_query = at.ends_with("/base_url") && url.query().is_some();
    if !bare || base_with_query {
        let message = "holds a user, a password, a fragment or (a base URL) a query; leave it out";
        found.push((at.to_owned(), message.into()));
    }
}

fn key_durations(issuer: &Issuer, at: &str, found: &mut Found) {
    let ms = Span::from_millis;
    let keys = &issuer.keys;
    let rows = [
        ("leeway", issuer.leeway, ms(0), ms(60_000)),
        ("keys/refresh_interval", keys.refresh_interval, ms(1_000), ms(3_600_000)),
        ("keys/cooldown", keys.cooldown, ms(100), ms(600_000)),
        ("keys/max_stale", keys.max_stale, ms(0), ms(30 * 86_400_000)),
        ("keys/fetch_timeout", keys.fetch_timeout, ms(100), ms(30_000)),
    ];
    for (name, value, least, most) in rows {
        range(&format!("{at}/{name}"), value, least, most, found);
    }
}
