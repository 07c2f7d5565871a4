//! Sources of events that web pages call: what can only be a mistake is refused.

use super::{
    good,
    inbound::{SECRET, assert_refused, source},
};

#[test]
fn callbacks_of_browsers_have_no_proof_but_their_token() {
    let config = good(&source("name: page, kind: browser_callbacks, issuer: rownd"), &[]);
    assert_eq!(config.events.sources[0].app_id(), None);
    good(&source("name: page, kind: browser_callbacks, issuer: two, app_id: app_c"), &[]);
    let limit = "caller: { per_second: 5, sources: [10.0.0.0/8] }";
    good(&source(&format!("name: page, kind: browser_callbacks, issuer: rownd, {limit}")), &[]);
    let at = "events.sources[0]";
    for (name, settings, setting, words) in [
        (
            "a secret",
            format!("issuer: rownd, caller: {{ secret: {SECRET} }}"),
            "caller",
            "can read",
        ),
        (
            "a certificate",
            "issuer: rownd, caller: { uris: [a:b] }".to_owned(),
            "caller",
            "can read",
        ),
        ("another issuer", "issuer: partner".to_owned(), "issuer", "snippet"),
        ("an app", "issuer: two, app_id: app_x".to_owned(), "app_id", "no app `app_x`"),
        ("audiences", "issuer: rownd, audiences: [a]".to_owned(), "audiences", "leave it out"),
        ("untyped", "issuer: rownd, untyped: true".to_owned(), "untyped", "leave it out"),
        (
            "sessions",
            "issuer: rownd, session_is_user: true".to_owned(),
            "session_is_user",
            "leave it out",
        ),
    ] {
        let settings = format!("name: page, kind: browser_callbacks, {settings}");
        assert_refused(name, &source(&settings), &format!("{at}.{setting}"), words);
    }
}

#[test]
fn origins_are_allowed_where_pages_call() {
    let with_cors = |yaml: &str| {
        yaml.replace("serve:", "cors: { allowed_origins: ['https://a.test'] }, serve:")
    };
    let callbacks = source("name: page, kind: browser_callbacks, issuer: rownd");
    good(&with_cors(&callbacks), &[]);
    let webhook =
        format!("name: a, kind: rownd_webhook, issuer: rownd, caller: {{ secret: {SECRET} }}");
    assert_refused(
        "nothing calls",
        &with_cors(&source(&webhook)),
        "listeners.http.cors",
        "no effect",
    );
}
