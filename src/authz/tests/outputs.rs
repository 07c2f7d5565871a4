//! The outputs of rules: hostile values stay values, no configured name is a client's, and where
//! something is missing or ambiguous the setting decides or the check is denied.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{
    authz::{
        Additions, RequestEdits, inject::Injector, outputs::OutputTeller,
        pipeline::stripped_headers,
    },
    config::{self, Config},
    extract::Extractor,
    model::{
        AuthLevel, Denial, DenyReason, Headers, IdentityFacts, KeptClaims, RequestContext,
        ResponseEdits,
    },
    policy::{Permit, Policy, RequestLimits},
    verify::Identity,
};

pub(super) type Lines<'a> = &'a [(&'a str, &'a str)];

/// Everything that is told of a request.
pub(super) struct ToldAll {
    request: RequestEdits,
    response: ResponseEdits,
}

impl ToldAll {
    /// The header that is set under this name.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.request.headers.iter();
        headers.find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn removes(&self, name: &str) -> bool {
        self.request.remove.iter().chain(&self.request.spoofed).any(|known| known == name)
    }
}

fn parsed(yaml: &str) -> Config {
    let environment = BTreeMap::from([("ROWND_APP_ID".to_owned(), "app_test".to_owned())]);
    config::parse("test.yaml", yaml, &environment).unwrap_or_else(|problems| panic!("{problems}"))
}

pub(super) fn who(claims: Value) -> IdentityFacts {
    let Value::Object(claims) = claims else { panic!("{claims}") };
    let claims: KeptClaims =
        claims.into_iter().map(|(name, value)| (Arc::from(name), value)).collect();
    IdentityFacts {
        claims,
        roles: vec!["editor".to_owned(), "a,b".to_owned()],
        ..IdentityFacts::new("user_1".to_owned(), "rownd".into(), AuthLevel::Verified)
    }
}

fn request(target: &str, lines: Lines<'_>) -> RequestContext {
    let bytes = |text: &str| Bytes::copy_from_slice(text.as_bytes());
    let entries = lines.iter().map(|(name, value)| (bytes(name), bytes(value))).collect();
    RequestContext { headers: Headers::new(entries, false), ..RequestContext::for_test(target) }
}

fn permit(config: &Config, request: &RequestContext, who: Option<IdentityFacts>) -> Permit {
    let policy = Policy::build(config);
    let measured = RequestLimits::of(&config.check).measure(request).unwrap();
    let identity = who.map(|facts| Arc::new(Identity::for_test(facts)));
    let allowed = policy.choose(measured).unwrap().decide(identity).unwrap();
    allowed.permit().unwrap()
}

fn tell(
    config: &Config,
    request: &RequestContext,
    who: Option<IdentityFacts>,
) -> Result<ToldAll, Denial> {
    let permit = permit(config, request, who);
    let mut additions = Additions::default();
    let teller = OutputTeller::build(&config.identity_headers);
    let told = teller.tell(request, &permit, &Extractor::build(config), &mut additions)?;
    let injector = Injector::build(&config.identity_headers).stripping(stripped_headers(config));
    let Additions { headers, query, response } = additions;
    let request = injector.edits(request, &permit, headers, query, told)?;
    Ok(ToldAll { request, response })
}

/// Told of a GET of `/` with these lines.
#[track_caller]
pub(super) fn told(yaml: &str, lines: Lines<'_>, who: Option<IdentityFacts>) -> ToldAll {
    tell(&parsed(yaml), &request("/", lines), who).unwrap_or_else(|denial| panic!("{denial:?}"))
}

/// The reason of the denial, and the name that its message has.
fn denied(yaml: &str, target: &str, who: Option<IdentityFacts>) -> (DenyReason, Option<String>) {
    match tell(&parsed(yaml), &request(target, &[]), who) {
        Ok(told) => panic!("{yaml}: {:?}", told.request),
        Err(denial) => (denial.reason(), denial.header().map(str::to_owned)),
    }
}

#[test]
fn a_value_comes_from_its_place() {
    let yaml = r#"
issuers: [{ name: rownd, kind: rownd, apps: [{ id: app_test }], claims: { roles: roles } }]
headers:
- { name: x-plan, from: { claim: plan } }
- { name: x-inner, from: { claim: /realm_access/roles }, format: list }
- { name: x-user, from: { identity: user_id } }
- { name: x-roles, from: { identity: roles }, format: list }
- { name: x-version, from: { constant: "v 2" } }
- { name: x-json, from: { cel: '{"plan": claims.plan, "method": request.method}' }, format: json }
- { name: x-own, from: { constant: common } }
response_headers: [{ name: x-who, from: { identity: user_id } }]
routes:
- id: users
  match: { path: { template: "/users/{id}" } }
  headers:
  - { name: x-id, from: { path: id } }
  - { name: x-own, from: { constant: own } }
  query: { set: [{ name: user_id, from: { claim: plan } }], remove: [debug] }
"#;
    let claims = json!({"plan": "p&q", "/realm_access/roles": ["a", "b"]});
    let target = "/users/a%20b?USER-ID=7&debug=1&x=2";
    let told = tell(&parsed(yaml), &request(target, &[]), Some(who(claims))).ok().unwrap();
    for (name, value) in [
        ("x-plan", "p&q"),
        ("x-inner", "a,b"),
        ("x-user", "user_1"),
        ("x-roles", "editor,a%2Cb"),
        ("x-version", "v 2"),
        ("x-json", "{\"method\":\"GET\",\"plan\":\"p&q\"}"),
        ("x-own", "own"),
        ("x-id", "a%20b"),
    ] {
        assert_eq!(told.header(name), Some(value), "{name}");
    }
    assert_eq!(told.request.headers.len(), 8);
    assert_eq!(told.response.headers, [("x-who".into(), "user_1".into())]);
    assert_eq!(told.request.query.set, [("user_id".into(), "p%26q".into())]);
    assert_eq!(told.request.query.remove, ["USER-ID", "debug"]);
    for name in ["user%5fid", "user_id[]", "de%62ug", "[user_id]", "user[id", "]debug", "!debug"] {
        let target = format!("/users/7?{name}=1");
        let got = denied(yaml, &target, Some(who(json!({}))));
        assert_eq!(got.0, DenyReason::OutputAmbiguous, "{name}");
    }
}

const EMAIL: &str = "headers: [{ name: x-user-email, from: { claim: email } }]
routes:
- { id: none, match: { path: { prefix: /none } }, auth: none }
- { id: optional, match: { path: { prefix: /optional } }, auth: optional }
- { id: own, match: { path: { prefix: /own } }, headers: [{ name: x-own, from: { claim: own } }] }
";

#[test]
fn a_configured_name_is_stripped_on_every_route_and_from_every_caller() {
    let config = parsed(EMAIL);
    let spellings = [
        ("x_user_email", "evil"),
        ("x.user-email", "evil"),
        ("x-user-email", "evil"),
        ("x-own", "evil"),
        ("x_own", "evil"),
    ];
    for (target, known) in
        [("/none", false), ("/optional", false), ("/optional", true), ("/own", true), ("/", true)]
    {
        for claims in [json!({}), json!({"email": "a@b.c"})] {
            let has_email = known && claims.get("email").is_some();
            let who = known.then(|| who(claims));
            let told = tell(&config, &request(target, &spellings), who).ok().unwrap();
            assert_eq!(told.header("x-user-email"), has_email.then_some("a@b.c"), "{target}");
            assert_eq!(told.removes("x-user-email"), !has_email, "{target}");
            for name in ["x_user_email", "x.user-email", "x-own", "x_own"] {
                assert!(told.removes(name), "{target} {name}: {:?}", told.request);
            }
        }
    }
    // It is removed where Envoy did not send it to us, too.
    assert!(told(EMAIL, &[], Some(who(json!({})))).removes("x-own"));
}

#[test]
fn a_missing_value_is_omitted_or_denied() {
    let yaml = |from: &str, format: &str, missing: &str| {
        format!(
            "routes: [{{ id: a, match: any, auth: optional, headers: [{{ name: x-a, \
             from: {{ {from} }}, format: {format}, on_missing: {missing} }}] }}]"
        )
    };
    for (from, format, claims) in [
        ("claim: a", "text", json!({})),
        ("claim: a", "text", json!({"a": null})),
        ("claim: a", "text", json!({"a": ""})),
        ("claim: a", "text", json!({"a": []})),
        ("claim: a", "text", json!({"a": {"b": 1}})),
        ("claim: a", "list", json!({"a": []})),
        ("claim: a", "list", json!({"a": [{}]})),
        ("claim: a", "json", json!({"a": null})),
        ("identity: tenant", "text", json!({})),
        ("cel: claims.a.b", "json", json!({"a": {}})),
        ("cel: claims.a + 1", "text", json!({"a": "x"})),
        ("cel: request.headers.missing", "text", json!({})),
    ] {
        let omitted =
            told(&yaml(from, format, "omit"), &[("x-a", "evil")], Some(who(claims.clone())));
        assert_eq!(omitted.header("x-a"), None, "{from} {claims}");
        assert!(omitted.removes("x-a"), "{from} {claims}");
        let got = denied(&yaml(from, format, "deny"), "/", Some(who(claims.clone())));
        assert_eq!(got, (DenyReason::OutputMissing, Some("x-a".to_owned())), "{from} {claims}");
    }
    // The request has no credential, which would bring the value.
    let got = denied(&yaml("claim: a", "text", "deny"), "/", None);
    assert_eq!(got, (DenyReason::CredentialMissing, None));
    let got = denied(&yaml("cel: claims.a", "text", "deny"), "/", None);
    assert_eq!(got.0, DenyReason::OutputMissing);
}

#[test]
fn a_preflight_passes_without_a_value() {
    let yaml = "routes: [{ id: a, match: any, cors_preflight: true, headers: [{ name: x-a, from: { claim: a }, on_missing: deny }] }]";
    let config = parsed(yaml);
    let policy = Policy::build(&config);
    let asked = request("/", &[]);
    let measured = RequestLimits::of(&config.check).measure(&asked).unwrap();
    let rules = policy.choose(measured).unwrap();
    let permit = rules.preflight().unwrap().unwrap().permit().unwrap();
    let mut additions = Additions::default();
    let teller = OutputTeller::build(&config.identity_headers);
    let told = teller.tell(&asked, &permit, &Extractor::build(&config), &mut additions).unwrap();
    assert_eq!((additions.headers.len(), told.remove), (0, vec!["x-a".into()]));
}

#[test]
fn what_is_above_a_limit_is_denied_by_name() {
    let yaml = |format: &str, more: &str| {
        format!(
            "identity_headers: {{ max_value_bytes: 64, max_list_bytes: 128, max_total_bytes: 256 }}\n\
             headers: [{{ name: x-a, from: {{ claim: a }}, format: {format} }}{more}]"
        )
    };
    let of = |length: usize| Some(who(json!({"a": "x".repeat(length), "b": "y".repeat(60)})));
    let large = |name: &str| (DenyReason::OutputTooLarge, Some(name.to_owned()));
    for (format, fits, above) in
        [("text", 64, 65), ("list", 128, 129), ("json", 126, 127), ("base64url", 96, 97)]
    {
        assert!(told(&yaml(format, ""), &[], of(fits)).header("x-a").is_some(), "{format}");
        assert_eq!(denied(&yaml(format, ""), "/", of(above)), large("x-a"), "{format}");
    }
    let many = ", { name: x-b, from: { claim: b } }, { name: x-c, from: { claim: b } }, { name: x-d, from: { claim: b } }, { name: x-e, from: { claim: b } }";
    assert!(told(&yaml("text", many), &[], of(16)).header("x-e").is_some());
    assert_eq!(denied(&yaml("text", many), "/", of(17)).0, DenyReason::OutputTooLarge);
}

#[test]
fn rules_of_readings_that_tell_different_things_are_a_denial() {
    let yaml = |first: &str, second: &str| {
        format!(
            "routes:
- {{ id: a, match: {{ path: {{ exact: \"/a b\" }} }}, auth: none, headers: [{first}] }}
- {{ id: b, match: {{ path: {{ prefix: / }} }}, auth: none, headers: [{second}] }}"
        )
    };
    let constant =
        |name: &str, value: &str| format!("{{ name: {name}, from: {{ constant: v{value} }} }}");
    let same =
        yaml(&constant("x-a", "1"), &format!("{}, {}", constant("x-a", "1"), constant("x-b", "2")));
    let both = tell(&parsed(&same), &request("/a%20b", &[]), None).ok().unwrap();
    assert_eq!((both.header("x-a"), both.header("x-b")), (Some("v1"), Some("v2")));
    let differs = yaml(&constant("x-a", "1"), &constant("x-a", "2"));
    assert_eq!(denied(&differs, "/a%20b", None).0, DenyReason::OutputAmbiguous);
    let missing = yaml(&constant("x-a", "1"), "{ name: x-a, from: { cel: request.headers.gone } }");
    assert_eq!(denied(&missing, "/a%20b", None).0, DenyReason::OutputAmbiguous);
}

#[test]
fn the_credential_is_stripped_where_a_rule_says_so() {
    let yaml = "credentials: [{ header: authorization }, { cookie: s }, { query: token }]
routes:
- { id: a, match: { path: { prefix: /a } }, auth: optional, strip_credential: true }
- { id: b, match: { path: { prefix: /b } }, auth: none, headers: [{ name: authorization, from: { constant: Basic eA== }, replaces_credential: true }] }
- { id: c, match: { path: { prefix: /c } }, auth: none, strip_credential: true, headers: [{ name: authorization, from: { constant: Basic eA== }, replaces_credential: true }] }
- { id: d, match: { path: { prefix: /d } }, auth: none }
";
    let config = parsed(yaml);
    let lines = [("authorization", "Bearer t"), ("cookie", "a=1; s=t")];
    let tell =
        |target: &str| super::outputs::tell(&config, &request(target, &lines), None).ok().unwrap();
    let told = tell("/a?token=t&x=1");
    assert!(told.removes("authorization"), "{:?}", told.request);
    assert_eq!(told.header("cookie"), Some("a=1"));
    assert_eq!(told.request.query.remove, ["token"]);
    for target in ["/b", "/c"] {
        let told = tell(target);
        assert_eq!(told.header("authorization"), Some("Basic eA=="), "{target}");
        assert!(!told.removes("authorization"), "{target}");
    }
    let told = tell("/d?token=t");
    assert!(!told.removes("authorization") && told.request.query.remove.is_empty());
    assert_eq!(told.request.headers, []);
}

/// A name as a client may spell it.
fn spelling() -> impl Strategy<Value = String> {
    prop_oneof![
        "[xX][!#$%&'*+.^_`|~-]([uU]ser|role)[!#$%&'*+.^_`|~-]?(email|s)?",
        "x-(user|own|role)(-email|s)?",
        "[a-z_.-]{1,10}",
    ]
}

fn hostile() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<String>().prop_map(Value::from),
        "[\\r\\n\\x00\u{80}-\u{10ff}a:]{0,40}".prop_map(Value::from),
        Just(json!("x".repeat(4096))),
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        prop::collection::vec(any::<String>(), 0..4).prop_map(Value::from),
        Just(json!({"a": ["\r\nx-rownd-user-id: evil"]})),
        Just(Value::Null),
    ]
}

/// A text is told without making a value of it; an expression always makes one.
#[test]
fn a_text_told_directly_is_the_one_that_an_expression_tells() {
    let fields = [
        "user_id",
        "issuer",
        "auth_level",
        "app_id",
        "app_variant",
        "tenant",
        "session_id",
        "token_id",
    ];
    let fields = fields.map(|field| (format!("identity: {field}"), format!("identity.{field}")));
    let claims = [("claim: plan".to_owned(), "claims.plan".to_owned())];
    for text in ["plain", "a b%,", "\r\nx: 1", "\u{e9}", ""] {
        let odd = Some(text.to_owned());
        let who = IdentityFacts {
            app_id: odd.clone(),
            app_variant: odd.clone(),
            tenant: odd.clone(),
            session_id: odd.clone(),
            token_id: odd,
            user_id: format!("u{text}"),
            ..who(json!({ "plan": text }))
        };
        for (place, expression) in fields.iter().chain(&claims) {
            let yaml = format!(
                "headers: [{{ name: x-a, from: {{ {place} }} }}, {{ name: x-b, from: {{ cel: {expression} }} }}]"
            );
            let told = told(&yaml, &[], Some(who.clone()));
            assert_eq!(told.header("x-a"), told.header("x-b"), "{place}: {text:?}");
            assert_eq!(told.removes("x-a"), told.header("x-a").is_none(), "{place}: {text:?}");
            let is_fixed = place.ends_with("issuer") || place.ends_with("auth_level");
            assert_eq!(
                told.header("x-a").is_some(),
                is_fixed || !text.is_empty() || place.ends_with("user_id")
            );
        }
    }
}

proptest! {
    #[test]
    fn strip_then_inject_leaves_nothing_spoofed(
        names in prop::collection::vec(spelling(), 0..8),
        value in hostile(),
        known: bool,
        route in prop::sample::select(vec!["/none", "/optional", "/json", "/list", "/b64"]),
    ) {
        let yaml = "headers: [{ name: x-user-email, from: { claim: v } }, { name: x-roles, from: { identity: roles }, format: list }]
routes:
- { id: none, match: { path: { prefix: /none } }, auth: none }
- { id: optional, match: { path: { prefix: /optional } }, auth: optional }
- { id: json, match: { path: { prefix: /json } }, auth: optional, headers: [{ name: x-user-email, from: { claim: v }, format: json }] }
- { id: list, match: { path: { prefix: /list } }, auth: optional, headers: [{ name: x-own, from: { claim: v }, format: list }] }
- { id: b64, match: { path: { prefix: /b64 } }, auth: optional, headers: [{ name: x-own, from: { claim: v }, format: base64url }] }
";
        let config = parsed(yaml);
        let lines: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "evil")).collect();
        let sent = request(route, &lines);
        let who = known.then(|| who(json!({"v": value})));
        let Ok(told) = tell(&config, &sent, who) else {
            // Only a long text is too large.
            prop_assert!(value.to_string().len() > 300);
            return Ok(());
        };
        // A proxy sets first, then removes.
        let read = |name: &str| -> String {
            let read = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
            name.chars().map(read).collect()
        };
        for name in &names {
            let own = ["x-user-email", "x-roles", "x-own"].contains(&read(name).as_str());
            let replaced = told.request.headers.iter().any(|(set, _)| set.eq_ignore_ascii_case(name));
            let removed = told.request.remove.iter().chain(&told.request.spoofed).any(|gone| gone.eq_ignore_ascii_case(name));
            if own {
                prop_assert!(replaced != removed, "{} {:?}", name, told.request);
            } else if !read(name).starts_with("x-rownd-") {
                prop_assert!(!replaced && !removed, "{} {:?}", name, told.request);
            }
        }
        for (name, text) in &told.request.headers {
            prop_assert!(text.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{}: {}", name, text);
            prop_assert!(!text.is_empty() && text.trim() == text.as_str());
        }
    }
}
