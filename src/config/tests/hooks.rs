//! Hooks: one way to each, which can be taken, in the time of the calls that wait for it.

use super::{APP, bad, file, good, places};
use crate::config::{HookReceiver, HookedGrant, OnHookFailure};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A configuration with this hook; `HTTP` stands for one good way.
fn hook(settings: &str) -> String {
    let http = format!("http: {{ url: 'https://hooks.test/in', secrets: [{SECRET}] }}");
    format!("hooks: {{ before_exchange: {{ {} }} }}", settings.replace("HTTP", &http))
}

#[test]
fn each_mistake_is_told_with_its_setting() {
    for (settings, setting, says) in [
        ("timeout: 1s", "hooks.before_exchange", "neither `http` nor `grpc`"),
        ("HTTP, grpc: { url: 'https://a.test' }", "hooks.before_exchange", "one of them"),
        ("HTTP, grants: []", "hooks.before_exchange.grants", ""),
        ("HTTP, grants: [guest, guest]", "hooks.before_exchange.grants[1]", "twice"),
        ("HTTP, grants: [password]", "hooks.before_exchange.grants[0]", "guest"),
        ("HTTP, on_failure: ignore", "hooks.before_exchange.on_failure", "deny"),
        ("HTTP, timeout: 10ms", "hooks.before_exchange.timeout", "20ms"),
        ("HTTP, timeout: 10s", "hooks.before_exchange.timeout", "rownd_auth.timeout"),
        ("HTTP, max_in_flight: 0", "hooks.before_exchange.max_in_flight", "1"),
        ("http: { url: 'https://a.test', secrets: [] }", "hooks.before_exchange.http.secrets", ""),
        (
            "http: { url: 'http://a.test', secrets: [whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw] }",
            "hooks.before_exchange.http.url",
            "allow_insecure_http",
        ),
        (
            "http: { url: 'https://169.254.169.254/in', secrets: [short] }",
            "hooks.before_exchange.http.secrets[0]",
            "whsec_",
        ),
        ("grpc: { url: 'http://a.test' }", "hooks.before_exchange.grpc.url", "allow_insecure_http"),
        ("grpc: { url: 'https://a.test/x' }", "hooks.before_exchange.grpc.url", "a path"),
        ("grpc: { url: 'unix:/x' }", "hooks.before_exchange.grpc.url", "https://"),
        (
            "grpc: { url: 'https://a.test', secret: '' }",
            "hooks.before_exchange.grpc.secret",
            "empty",
        ),
        (
            "grpc: { url: 'https://a.test', allow_insecure_http: true }",
            "hooks.before_exchange.grpc.allow_insecure_http",
            "no effect",
        ),
        (
            "grpc: { url: 'https://a.test', tls: { ca_file: /no/such } }",
            "hooks.before_exchange.grpc.tls.ca_file",
            "/no/such",
        ),
    ] {
        let problems = bad(&hook(settings), &[APP]);
        assert_eq!(places(&problems), [("test.yaml:1", setting)], "{settings}: {problems:#?}");
        assert!(problems[0].message.contains(says), "{settings}: {}", problems[0]);
    }
}

#[test]
fn what_is_not_written_is_strict() {
    let config = good(&hook("HTTP"), &[APP]);
    let found = config.hooks.before_exchange.as_ref().unwrap();
    assert_eq!(found.on_failure, OnHookFailure::Deny);
    let renews = [HookedGrant::RefreshToken, HookedGrant::SessionRefresh];
    assert!(found.grants.len() == 5 && found.grants.iter().all(|one| !renews.contains(one)));
    let server = config.other_servers();
    assert_eq!(server[0].pointer, "/hooks/before_exchange/http");
    assert!(good("", &[APP]).hooks.before_exchange.is_none());
    assert!(good("", &[APP]).other_servers().is_empty());
}

#[test]
fn a_secret_is_a_files_and_is_never_printed() {
    let (_directory, path) = file(&format!("{SECRET}\n"));
    let by_file =
        format!("http: {{ url: 'https://a.test', secrets: ['file:{}'] }}", path.display());
    let (_other, bearer) = file("CANARY93517\n");
    let grpc = format!("grpc: {{ url: 'http://[::1]:9000', secret: 'file:{}' }}", bearer.display());
    for settings in [by_file, grpc] {
        let config = good(&hook(&settings), &[APP]);
        match &config.hooks.before_exchange.as_ref().unwrap().receiver {
            HookReceiver::Http(target) => assert_eq!(target.secrets[0].expose().len(), 24),
            HookReceiver::Grpc(service) => {
                assert_eq!(service.secret.as_ref().unwrap().expose(), "CANARY93517");
            }
        }
        let shown = format!("{config:?} {}", serde_json::to_string(&config).unwrap());
        assert!(!shown.contains("93517") && !shown.contains("MfKQ"), "{shown}");
        assert!(shown.contains("<redacted>"));
    }
}
