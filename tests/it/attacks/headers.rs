//! Requests of a token's header that are refused (RFC 8725 sections 3.3, 3.6, 3.10 and 3.11).

use rownd_authz::model::DenyReason;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{Court, Kind};
use crate::support::{Ask, Key, forge::b64};

for_every_kind!(
    what_is_never_done_is_never_ignored_either,
    the_type_names_this_kind_of_token_or_is_absent,
    no_header_leads_to_another_key_or_to_any_connection,
    a_kid_is_a_name_and_nothing_more,
    without_a_kid_the_only_key_is_meant_and_of_two_each_or_none,
    nothing_of_a_header_shows_in_an_answer
);

/// A good header with one more member.
fn header_with(court: &Court, name: &str, value: Value) -> Value {
    let mut header = court.key.header();
    header[name] = value;
    header
}

async fn what_is_never_done_is_never_ignored_either(kind: Kind) {
    let court = Court::of(kind).await;
    let claims = court.claims();
    let rows = [
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("crit", json!(null)),
        ("crit", json!("exp")),
        ("crit", json!(["b64"])),
        ("crit", json!(["http://example.com/unknown"])),
        ("b64", json!(false)),
        ("b64", json!(true)),
        ("zip", json!("DEF")),
        ("zip", json!(null)),
        ("enc", json!("A256GCM")),
        ("epk", json!({ "kty": "OKP" })),
        ("cty", json!("JWT")),
        ("cty", json!("application/json")),
    ];
    for (name, value) in rows {
        let what = format!("{name}: {value}");
        let token = court.key.token_under(&header_with(&court, name, value), &claims);
        court.refuses(&what, &token, DenyReason::TokenHeaderRefused).await;
    }
    // With an unencoded payload, as RFC 7797 has it.
    let header = json!({ "alg": court.alg(), "kid": court.key.kid, "b64": false, "crit": ["b64"] });
    let signed = format!("{}.{}", b64(header.to_string()), claims.json());
    let detached = format!("{}..{}", b64(header.to_string()), b64(court.key.signature(&signed)));
    court.refuses("detached and unencoded", &detached, DenyReason::TokenHeaderRefused).await;
    court.adjourns().await;
}

async fn the_type_names_this_kind_of_token_or_is_absent(kind: Kind) {
    let court = Court::of(kind).await;
    for good in ["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt", "application/jwt"] {
        let header = header_with(&court, "typ", json!(good));
        let token = court.key.token_under(&header, &court.claims());
        // Firebase's are ID tokens.
        if kind == Kind::Firebase && good.to_ascii_lowercase().contains("at+jwt") {
            court.refuses(good, token, DenyReason::TokenKindRefused).await;
        } else {
            court.takes(good, token).await;
        }
    }
    let others = "dpop+jwt logout+jwt secevent+jwt id_token+jwt jwk+jwt refresh+jwt rt+jwt \
        oauth-authz-req+jwt token-introspection+jwt JOSE JOSE+JSON JWE JWS JWT,at+jwt application/ \
        application/application/jwt text/jwt";
    for bad in others.split(' ').chain(["", " ", "JWT ", " JWT"]) {
        let header = header_with(&court, "typ", json!(bad));
        let token = court.key.token_under(&header, &court.claims());
        court.refuses(&format!("typ {bad:?}"), &token, DenyReason::TokenHeaderRefused).await;
    }
    for odd in [json!(null), json!(5), json!(true), json!(["JWT"]), json!({})] {
        let token =
            court.key.token_under(&header_with(&court, "typ", odd.clone()), &court.claims());
        court.refuses(&format!("typ {odd}"), &token, DenyReason::TokenMalformed).await;
    }
    court.adjourns().await;
}

/// Every member by which a header may point at a key, or bring one along.
fn pointers(attacker: &Key, canary: &str) -> Vec<(&'static str, Value)> {
    let url = |path: &str| format!("http://{canary}{path}");
    vec![
        ("jku", json!(url("/jwks.json"))),
        ("jku", json!(format!("http://127.0.0.1@{canary}/jwks.json"))),
        ("x5u", json!(url("/chain.pem"))),
        ("jwk", attacker.jwk()),
        ("jwk", json!({ "kty": "oct", "k": b64("secret") })),
        ("x5c", json!([b64("not a certificate")])),
        ("x5t", json!(b64("thumbprint"))),
        ("x5t#S256", json!(b64("thumbprint"))),
        ("kid", json!(url("/keys/1"))),
        ("iss", json!(url(""))),
    ]
}

async fn no_header_leads_to_another_key_or_to_any_connection(kind: Kind) {
    let canary = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = canary.local_addr().unwrap().to_string();
    let court = Court::of(kind).await;
    let attacker = kind.key("sig-attacker");
    for (name, value) in pointers(&attacker, &address) {
        let what = format!("{name}: {value}");
        // The attacker's signature under the good key's name, and under a name of its own.
        let forged = header_with(&court, name, value.clone());
        let answer = court.judge(attacker.token_under(&forged, &court.claims())).await;
        let reason =
            if name == "kid" { DenyReason::KidUnknown } else { DenyReason::SignatureInvalid };
        answer.assert_denied(&what, reason);
        let mut own = attacker.header();
        own[name] = value;
        let token = attacker.token_under(&own, &court.claims());
        court.refuses(&what, &token, DenyReason::KidUnknown).await;
    }
    // A claim leads nowhere either: an issuer that nobody configured is not discovered.
    let claims = court.claims().with("iss", format!("http://{address}"));
    court.refuses("iss", attacker.token(&claims), DenyReason::IssuerUntrusted).await;
    let came = tokio::time::timeout(std::time::Duration::ZERO, canary.accept()).await;
    assert!(came.is_err(), "somebody connected to the canary");
    court.adjourns().await;
}

/// Forty names that are something else to a file system, a database, a shell or a log.
fn hostile_names() -> Vec<String> {
    let mut names: Vec<String> = [
        "../../../../dev/null",
        "/dev/null",
        "file:///etc/passwd",
        "..\\..\\windows\\win.ini",
        "' OR '1'='1",
        "'; DROP TABLE keys;--",
        "\" OR \"\"=\"",
        "1 UNION SELECT 'k'",
        "admin'--",
        "$(id)",
        "`id`",
        "; id",
        "| id",
        "&& id",
        "${jndi:ldap://127.0.0.1/a}",
        "{{7*7}}",
        "%s%n%x",
        "%00",
        "sig-1%00",
        "sig-1\u{0}",
        "\u{0}sig-1",
        "sig-1\n",
        "sig-1\r\nx-injected: 1",
        "\n{\"level\":\"error\"}",
        "\u{1b}[31mred",
        "sig-1 ",
        " sig-1",
        "SIG-1",
        "sig-1,sig-1",
        "sig*",
        "^sig",
        ".*",
        "*",
        "__proto__",
        "constructor",
        "sіg-1",
        "ｓｉｇ-1",
        "\u{202e}1-gis",
        "\u{feff}sig-1",
        "http://127.0.0.1/keys",
    ]
    .map(str::to_owned)
    .to_vec();
    names.push("k".repeat(256));
    names
}

async fn a_kid_is_a_name_and_nothing_more(kind: Kind) {
    let court = Court::of(kind).await;
    let attacker = kind.key("sig-attacker");
    let names = hostile_names();
    assert!(names.len() > 40);
    for name in names {
        let header = json!({ "alg": court.alg(), "kid": name });
        // Even the good key's own signature does not help under another name.
        for key in [&attacker, &court.key] {
            let token = key.token_under(&header, &court.claims());
            court.refuses(&format!("kid {name:?}"), &token, DenyReason::KidUnknown).await;
        }
    }
    let odd = [
        json!(""),
        json!("k".repeat(257)),
        json!("k".repeat(1500)),
        json!(null),
        json!(1),
        json!(true),
        json!(["sig-1"]),
        json!({ "kid": "sig-1" }),
    ];
    for name in odd {
        let token =
            court.key.token_under(&json!({ "alg": court.alg(), "kid": name }), &court.claims());
        court.refuses(&format!("kid {name}"), &token, DenyReason::TokenMalformed).await;
    }
    court.adjourns().await;
}

async fn without_a_kid_the_only_key_is_meant_and_of_two_each_or_none(kind: Kind) {
    let mut court = Court::of(kind).await;
    let header = json!({ "alg": court.alg() });
    court.takes("one key", court.key.token_under(&header, &court.claims())).await;
    let forged = kind.key("x").token_under(&header, &court.claims());
    court.refuses("one key, forged", &forged, DenyReason::SignatureInvalid).await;

    let second = kind.key("sig-2");
    court.publish(crate::support::Reply::keys(&[&court.key, &second])).await;
    for key in [&court.key, &second] {
        let token = key.token_under(&header, &court.claims());
        // Only some kinds of issuer leave the name out.
        if matches!(kind, Kind::Oidc | Kind::Static) {
            court.takes("two keys", &token).await;
        } else {
            court.refuses("two keys", &token, DenyReason::KidUnknown).await;
        }
        court.takes("by its name", key.token(&court.claims())).await;
    }
    court.adjourns().await;
}

async fn nothing_of_a_header_shows_in_an_answer(kind: Kind) {
    let court = Court::of(kind).await;
    let header = json!({ "alg": court.alg(), "kid": "canary-kid-7f3a" });
    let token = kind.key("x").token_under(&header, &court.claims());
    for ask in [Ask::with_token(&token), Ask::with_token(&token).content_type("application/grpc")] {
        let answer = court.app.check(&ask).await;
        assert!(!format!("{answer:?}").contains("canary-kid"), "{answer:?}");
    }
    assert!(!court.app.metrics.render().contains("canary-kid"));
    assert!(!court.app.page("/status").await.body.contains("canary-kid"));
    court.adjourns().await;
}
