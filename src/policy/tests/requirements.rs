//! Each condition of `require`: when it holds, when it does not, and when it cannot be judged.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};

use super::{config, measured, request};
use crate::{
    model::{
        AuthLevel, CredentialSource, Cutoff, Denial, DenyReason, Group, IdentityFacts, OddParts,
        Profile,
    },
    policy::{ConfirmedByProfile, Policy, Presented},
    verify::Identity,
};

/// The time of every check here, Unix seconds.
pub(super) const NOW: u64 = 1_800_000_000;

/// Three issuers: Rownd with profiles, an OpenID provider with groups in its tokens, and one without.
pub(super) const ISSUERS: &str = r#"
issuers:
  - { name: rownd, kind: rownd, apps: [{ id: app_1, key: key, secret: secret }] }
  - name: keycloak
    kind: oidc
    issuer: https://keycloak.test
    audiences: [api]
    claims: { groups: groups, roles: roles }
  - { name: partner, kind: oidc, issuer: "https://partner.test", audiences: [api] }
"#;

/// A profile that was read and found good.
pub(super) struct Confirmed(pub(super) Arc<Profile>);

impl ConfirmedByProfile for Confirmed {
    fn profile(&self) -> &Arc<Profile> {
        &self.0
    }
}

/// The caller of a check in these tables.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub(super) facts: IdentityFacts,
    pub(super) source: CredentialSource,
    pub(super) profile: Option<Profile>,
}

impl Caller {
    /// A user of this issuer.
    pub(super) fn of(issuer: &str) -> Self {
        let facts = IdentityFacts::new("user_1".to_owned(), issuer.into(), AuthLevel::Verified);
        Self { facts, source: CredentialSource::Header, profile: None }
    }

    pub(super) fn with(mut self, change: impl FnOnce(&mut IdentityFacts)) -> Self {
        change(&mut self.facts);
        self
    }

    pub(super) fn claims(self, claims: &Value) -> Self {
        let claims = claims.as_object().unwrap().clone();
        let claims = claims.into_iter().map(|(name, value)| (name.as_str().into(), value));
        let claims = claims.collect();
        self.with(|facts| facts.claims = claims)
    }

    pub(super) fn profile(mut self, change: impl FnOnce(&mut Profile)) -> Self {
        let mut profile = Profile {
            user_id: Some("user_1".to_owned()),
            state: None,
            auth_level: None,
            data: serde_json::Map::new(),
            verified_data: serde_json::Map::new(),
            attributes: serde_json::Map::new(),
            groups: Vec::new(),
            meta: serde_json::Map::new(),
            tokens_valid_since: Cutoff::None,
            odd: OddParts::default(),
        };
        change(&mut profile);
        self.profile = Some(profile);
        self
    }

    fn presented(&self) -> Presented {
        let identity = Arc::new(Identity::for_test(self.facts.clone()));
        Presented::new(Some(identity), Some(self.source), UNIX_EPOCH + Duration::from_secs(NOW))
    }
}

/// A caller without a credential.
pub(super) fn nobody() -> Presented {
    Presented::new(None, None, SystemTime::UNIX_EPOCH + Duration::from_secs(NOW))
}

/// The decision about a GET of this path; the profile is read where a rule needs it.
pub(super) fn ask(policy: &Policy, path: &str, caller: Option<&Caller>) -> Result<bool, Denial> {
    let request = request("GET", "a.com", path.as_bytes());
    let rules = policy.choose(measured(&request))?;
    let presented = caller.map_or_else(nobody, Caller::presented);
    match rules.decide(presented)?.permit() {
        Ok(_) => Ok(false),
        Err(unconfirmed) => {
            let profile = caller.and_then(|caller| caller.profile.clone());
            let profile = profile.expect("the test gives no profile, and a rule asks for it");
            unconfirmed.confirmed(&Confirmed(Arc::new(profile))).map(|_| true)
        }
    }
}

pub(super) fn compile(rules: &str) -> Policy {
    let top = |line: &str| {
        line.trim_start().starts_with("guards:") || line.trim_start().starts_with("routes:")
    };
    let line = |line: &str| if top(line) { line.trim_start().to_owned() } else { line.to_owned() };
    let rules: Vec<String> = rules.lines().map(line).collect();
    Policy::build(&config(&format!("{ISSUERS}{}", rules.join("\n"))))
}

/// One rule for every request, which asks this.
pub(super) fn asking(require: &str) -> Policy {
    compile(&format!("routes: [{{ id: it, match: any, require: {require} }}]"))
}

/// `ok`, or the reason.
pub(super) fn said(policy: &Policy, caller: &Caller) -> &'static str {
    match ask(policy, "/", Some(caller)) {
        Ok(_) => "ok",
        Err(denial) => denial.reason().code(),
    }
}

#[test]
fn a_fact_of_the_token_is_one_of_those_that_are_asked() {
    let rownd = || Caller::of("rownd");
    let guest = rownd().with(|who| {
        who.auth_level = AuthLevel::Guest;
        who.anonymous = true;
    });
    let of_app = |app: &str| rownd().with(|who| who.app_id = Some(app.to_owned()));
    let of_tenant =
        |tenant: &str| Caller::of("keycloak").with(|who| who.tenant = Some(tenant.to_owned()));
    let variant = |id: &str| rownd().with(|who| who.app_variant = Some(id.to_owned()));
    let scopes = |scopes: &[&str]| {
        let scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
        Caller::of("partner").with(|who| who.scopes = scopes)
    };
    let cookie = Caller { source: CredentialSource::Cookie, ..rownd() };
    let unmet = "requirement_unmet";
    let unknown = "requirement_unknown";
    for (require, caller, expected) in [
        ("{ auth_level: verified }", rownd(), "ok"),
        ("{ auth_level: verified }", guest.clone(), "auth_level_too_low"),
        ("{ anonymous: false }", rownd(), "ok"),
        ("{ anonymous: false }", guest.clone(), unmet),
        ("{ anonymous: true }", guest, "ok"),
        ("{ issuer: rownd }", rownd(), "ok"),
        ("{ issuer: [partner, rownd] }", rownd(), "ok"),
        ("{ issuer: partner }", rownd(), unmet),
        ("{ issuer: rownd, app: app_1 }", of_app("app_1"), "ok"),
        ("{ issuer: rownd, app: app_1 }", of_app("app_2"), unmet),
        ("{ issuer: rownd, app: app_1 }", rownd(), unknown),
        ("{ issuer: rownd, not: [{ app: app_1 }] }", rownd(), unknown),
        ("{ issuer: rownd, app_variant: [v1, v2] }", variant("v2"), "ok"),
        ("{ issuer: rownd, app_variant: v1 }", variant("v2"), unmet),
        ("{ issuer: rownd, app_variant: v1 }", rownd(), unknown),
        ("{ issuer: keycloak, tenant: acme }", of_tenant("acme"), "ok"),
        ("{ issuer: keycloak, tenant: acme }", of_tenant("Acme"), unmet),
        ("{ issuer: keycloak, tenant: acme }", Caller::of("keycloak"), unknown),
        ("{ issuer: rownd, user: [user_0, user_1] }", rownd(), "ok"),
        ("{ issuer: rownd, user: user_10 }", rownd(), unmet),
        ("{ issuer: rownd, not: [{ user: user_1 }] }", rownd(), unmet),
        ("{ issuer: partner, scope: read }", scopes(&["write", "read"]), "ok"),
        ("{ issuer: partner, scope: read }", scopes(&["reader"]), "scope_missing"),
        ("{ issuer: partner, scope: read }", scopes(&[]), "scope_missing"),
        ("{ issuer: partner, not: [{ scope: read }] }", scopes(&[]), "ok"),
        ("{ issuer: partner, scope: read }", rownd(), unmet),
        ("{ source: [header, query] }", rownd(), "ok"),
        ("{ source: header }", cookie, unmet),
        ("never", rownd(), unmet),
    ] {
        assert_eq!(said(&asking(require), &caller), expected, "{require}");
    }
}

#[test]
fn a_claim_that_is_absent_or_of_another_type_says_nothing() {
    let claims = json!({
        "plan": "gold", "level": 7, "half": 0.5, "admin": true, "none": null, "roles": ["a", "b"],
        "mixed": ["a", 7], "map": { "in": { "deep": "x" } }, "big": u64::MAX, "text7": "7",
    });
    let caller = Caller::of("rownd").claims(&claims);
    // `claim` of an issuer, and its opposite: neither is an allow where nothing is known.
    for (claim, holds, opposite) in [
        ("name: plan, equals: gold", true, false),
        ("name: plan, equals: Gold", false, true),
        ("name: plan, in: [silver, gold]", true, false),
        ("name: plan, equals: 7", false, false),
        ("name: plan, matches: 'g.*'", true, false),
        ("name: plan, matches: 'o'", false, true),
        ("name: plan, matches: 'gold|x'", true, false),
        ("name: plan, contains: gold", false, false),
        ("name: plan, gt: 1", false, false),
        ("name: plan, exists: true", true, false),
        ("name: level, equals: 7", true, false),
        ("name: level, equals: 7.0", true, false),
        ("name: level, equals: '7'", false, false),
        ("name: text7, equals: 7", false, false),
        ("name: level, gt: 6, lt: 8", true, false),
        ("name: level, gt: 7", false, true),
        ("name: level, gt: 6, lt: 7", false, true),
        ("name: level, gt: 7, lt: 8", false, true),
        ("name: half, gt: 0", true, false),
        ("name: half, lt: 1", true, false),
        ("name: half, lt: 0.5", false, true),
        ("name: big, gt: 9223372036854775807", true, false),
        ("name: big, lt: 1.9e19", true, false),
        ("name: admin, equals: true", true, false),
        ("name: admin, equals: 'true'", false, false),
        ("name: none, equals: x", false, false),
        ("name: none, exists: true", false, true),
        ("name: none, exists: false", true, false),
        ("name: absent, equals: x", false, false),
        ("name: absent, exists: false", true, false),
        ("name: absent, exists: true", false, true),
        ("name: absent, in: [x]", false, false),
        ("name: absent, matches: '.*'", false, false),
        ("name: absent, contains: x", false, false),
        ("name: absent, gt: 0", false, false),
        ("name: roles, contains: b", true, false),
        ("name: roles, contains: c", false, true),
        ("name: roles, equals: a", false, false),
        ("name: roles, contains: 7", false, false),
        ("name: mixed, contains: a", true, false),
        ("name: mixed, contains: b", false, false),
        ("name: map, equals: x", false, false),
        ("name: map, exists: true", true, false),
    ] {
        let rule = |require: &str| said(&asking(require), &caller) == "ok";
        let one = format!("{{ issuer: rownd, claim: {{ {claim} }} }}");
        let none = format!("{{ issuer: rownd, not: [{{ claim: {{ {claim} }} }}] }}");
        assert_eq!((rule(&one), rule(&none)), (holds, opposite), "{claim}");
    }
}

#[test]
fn a_name_that_begins_with_a_slash_is_no_pointer() {
    let policy = asking("{ issuer: rownd, claim: { name: /a/b, equals: x } }");
    assert_eq!(policy.asked_claims().iter().collect::<Vec<_>>(), ["/~1a~1b"]);
    let policy = asking("{ issuer: rownd, claim: { pointer: /a/b, equals: x } }");
    assert_eq!(policy.asked_claims().iter().collect::<Vec<_>>(), ["/a/b"]);
}

#[test]
fn the_profile_is_read_only_where_a_condition_of_a_rownd_user_needs_it() {
    let group = |id: &str, state: Option<&str>, roles: &[&str]| Group {
        id: id.to_owned(),
        name: None,
        roles: roles.iter().map(|&role| role.to_owned()).collect(),
        member_state: state.map(str::to_owned),
    };
    let member = Caller::of("rownd").profile(|profile| {
        profile.groups = vec![
            group("g1", Some("active"), &["owner"]),
            group("g2", Some("invite_pending"), &["owner"]),
            group("g3", None, &["owner"]),
            group("g4", Some("active"), &["member"]),
        ];
        profile.verified_data.insert("email".to_owned(), json!("a@b.test"));
        profile.verified_data.insert("phone".to_owned(), Value::Null);
        profile.attributes.insert("rownd:plan".to_owned(), json!({ "tier": ["gold"] }));
    });
    let unmet = Err(DenyReason::RequirementUnmet);
    let unknown = Err(DenyReason::RequirementUnknown);
    for (require, expected) in [
        ("{ issuer: rownd, group: g1 }", Ok(true)),
        ("{ issuer: rownd, group: [g2, g3] }", unmet),
        ("{ issuer: rownd, group: g9 }", unmet),
        ("{ issuer: rownd, not: [{ group: g9 }] }", Ok(true)),
        ("{ issuer: rownd, group_role: { group: g1, role: owner } }", Ok(true)),
        ("{ issuer: rownd, group_role: { group: [g2, g3], role: owner } }", unmet),
        ("{ issuer: rownd, group_role: { group: g4, role: [owner, admin] } }", unmet),
        ("{ issuer: rownd, verified: email }", Ok(true)),
        ("{ issuer: rownd, verified: [phone, name] }", unmet),
        ("{ issuer: rownd, attribute: { pointer: '/rownd:plan/tier', contains: gold } }", Ok(true)),
        ("{ issuer: rownd, attribute: { name: 'rownd:plan', equals: gold } }", unknown),
        ("{ issuer: rownd, attribute: { name: plan, exists: false } }", Ok(true)),
        // Decided without the profile.
        ("{ any: [{ issuer: rownd }, { issuer: partner, verified: email }] }", Ok(false)),
        ("{ all: [{ issuer: partner }, { verified: email }] }", unmet),
        ("{ issuer: rownd, anonymous: true, group: g1 }", unmet),
    ] {
        let decision = ask(&asking(require), "/", Some(&member));
        assert_eq!(decision.map_err(|denial| denial.reason()), expected, "{require}");
    }
}

#[test]
fn issuers_without_profiles_are_judged_by_their_tokens() {
    let keycloak = Caller::of("keycloak")
        .with(|who| who.groups = vec!["/staff".to_owned()])
        .claims(&json!({ "email_verified": true, "phone_verified": "true" }));
    let partner = Caller::of("partner");
    for (require, caller, expected) in [
        ("{ issuer: keycloak, group: /staff }", &keycloak, "ok"),
        ("{ issuer: keycloak, group: staff }", &keycloak, "requirement_unmet"),
        ("{ issuer: keycloak, verified: email }", &keycloak, "ok"),
        ("{ issuer: keycloak, verified: phone }", &keycloak, "requirement_unknown"),
        ("{ issuer: partner, verified: email }", &partner, "requirement_unknown"),
        ("{ issuer: partner, not: [{ verified: email }] }", &partner, "requirement_unknown"),
        ("{ issuer: partner, group: staff }", &partner, "requirement_unknown"),
        ("{ issuer: partner, not: [{ group: staff }] }", &partner, "requirement_unknown"),
    ] {
        assert_eq!(said(&asking(require), caller), expected, "{require}");
    }
}

#[test]
fn a_user_reaches_their_own_record_and_no_other() {
    let own = compile(
        r"routes: [{ id: own, match: { path: { regex: '/users/(?<id>[^/]*)' } },
           require: { issuer: rownd, equals: { path: id, identity: user_id } } }]",
    );
    let user = |id: &str| Caller::of("rownd").with(|who| who.user_id = id.to_owned());
    for (path, id, allowed) in [
        ("/users/user_1", "user_1", true),
        ("/users/user_2", "user_1", false),
        ("/users/USER_1", "user_1", false),
        ("/users/a%20b", "a b", true),
        ("/users/a%40b.test", "a@b.test", true),
        // Decoded twice, it would be somebody else's.
        ("/users/a%2540b.test", "a@b.test", false),
        ("/users/a%2540b.test", "a%40b.test", false),
        ("/users/%75ser_1", "user_1", true),
        ("/users/", "", false),
        ("/users/user_1;x", "user_1", false),
        ("/users/caf%C3%A9", "caf\u{e9}", true),
        ("/users/cafe%CC%81", "caf\u{e9}", false),
    ] {
        let decision = ask(&own, path, Some(&user(id)));
        assert_eq!(decision.is_ok(), allowed, "{path} {id}: {decision:?}");
    }
    // No `not` makes a record of what is no id.
    let others = compile(
        r"routes: [{ id: others, match: { path: { regex: '/users/(?<id>[^/]*)' } },
           require: { issuer: rownd, not: [{ equals: { path: id, identity: user_id } }] } }]",
    );
    for path in ["/users/", "/users/user_1"] {
        assert!(ask(&others, path, Some(&user("user_1"))).is_err(), "{path}");
    }
    assert!(ask(&others, "/users/user_2", Some(&user("user_1"))).is_ok());
}

#[test]
fn ages_are_counted_from_the_sign_in_and_from_the_token() {
    let signed_in = |at: Value| Caller::of("keycloak").claims(&json!({ "auth_time": at }));
    let issued = |at: Option<u64>| Caller::of("keycloak").with(|who| who.issued_at = at);
    let too_old = "authentication_too_old";
    for (require, caller, expected) in [
        ("{ max_age: 5m }", signed_in(json!(NOW - 300)), "ok"),
        ("{ max_age: 5m }", signed_in(json!(NOW - 301)), too_old),
        ("{ max_age: 5m }", signed_in(json!(NOW + 60)), "ok"),
        ("{ max_age: 5m }", signed_in(json!(NOW + 61)), too_old),
        // A time may have a fraction (RFC 7519 section 2).
        ("{ max_age: 5m }", signed_in(json!(NOW as f64 - 10.5)), "ok"),
        ("{ max_age: 5m }", signed_in(json!(NOW as f64 - 300.5)), too_old),
        ("{ max_age: 5m }", signed_in(json!(NOW as f64 + 61.5)), too_old),
        ("{ max_age: 5m }", signed_in(json!(-0.5)), too_old),
        ("{ max_age: 5m }", signed_in(json!(1e300)), too_old),
        ("{ max_age: 5m }", signed_in(json!("1800000000")), too_old),
        ("{ max_age: 5m }", signed_in(json!(-1)), too_old),
        ("{ max_age: 5m }", signed_in(Value::Null), too_old),
        // A refreshed token is young, and says nothing about the sign-in.
        ("{ max_age: 5m }", issued(Some(NOW)), too_old),
        ("{ not: [{ max_age: 5m }] }", issued(Some(NOW)), "requirement_unknown"),
        ("{ token_max_age: 1m }", issued(Some(NOW - 60)), "ok"),
        ("{ token_max_age: 1m }", issued(Some(NOW - 61)), "token_too_old"),
        ("{ token_max_age: 1m }", issued(None), "token_too_old"),
    ] {
        assert_eq!(said(&asking(require), &caller), expected, "{require} {caller:?}");
    }
}

#[test]
fn the_client_is_told_what_it_can_do_most_about() {
    let caller = Caller::of("rownd");
    for (require, expected) in [
        // Signing in again would not help.
        ("{ max_age: 1m, issuer: partner }", "requirement_unmet"),
        ("{ max_age: 1m, auth_level: verified }", "authentication_too_old"),
        ("{ any: [{ issuer: partner }, { max_age: 1m }] }", "authentication_too_old"),
        ("{ issuer: keycloak, scope: a, not: [{ app: x }] }", "requirement_unmet"),
        ("{ issuer: rownd, scope: a, max_age: 1m }", "scope_missing"),
    ] {
        assert_eq!(said(&asking(require), &caller), expected, "{require}");
    }
    let denial = ask(&asking("{ issuer: rownd, scope: [a, b] }"), "/", Some(&caller)).unwrap_err();
    let scopes: Vec<&str> = denial.scopes().unwrap().iter().map(AsRef::as_ref).collect();
    assert_eq!(scopes, ["a", "b"]);
    let explanation = denial.explanation().unwrap();
    assert_eq!((&*explanation.rule, &*explanation.required), ("it", "scope: a or b"));
}

#[test]
fn a_level_and_an_age_are_told_together() {
    let old_guest = Caller::of("keycloak")
        .claims(&json!({ "auth_time": NOW - 3600 }))
        .with(|who| who.auth_level = AuthLevel::Guest);
    let (minute, quarter) = (Duration::from_secs(60), Duration::from_secs(900));
    let verified = Some(AuthLevel::Verified);
    for (rule, level, age) in [
        ("auth_level: verified, step_up: true, require: { max_age: 15m }", verified, Some(quarter)),
        ("auth_level: verified, step_up: true, require: { max_age: 2h }", verified, None),
        // Without `step_up` the challenge asks for no sign-in.
        ("auth_level: verified, require: { max_age: 15m }", verified, None),
        // The shorter age is the one that helps.
        ("require: { all: [{ max_age: 15m }, { max_age: 1m }] }", None, Some(minute)),
        ("require: { any: [{ max_age: 15m }, { max_age: 1m }] }", None, Some(minute)),
        (
            "auth_level: verified, step_up: true,
             require: { all: [{ max_age: 15m }, { max_age: 1m }] }",
            verified,
            Some(minute),
        ),
    ] {
        let policy = compile(&format!("routes: [{{ id: it, match: any, {rule} }}]"));
        let denial = ask(&policy, "/", Some(&old_guest)).unwrap_err();
        assert_eq!((denial.required_level(), denial.max_age()), (level, age), "{rule}");
    }
}

#[test]
fn a_caller_without_a_credential_is_asked_for_one() {
    let optional = compile(
        "routes: [{ id: it, match: any, auth: optional, require: { not: [{ issuer: partner }] } }]",
    );
    let reason = ask(&optional, "/", None).unwrap_err().reason();
    assert_eq!(reason, DenyReason::CredentialMissing);
    assert!(ask(&optional, "/", Some(&Caller::of("rownd"))).is_ok());
    // No credential opens this route.
    let closed = compile("default: { auth: none, require: never }");
    assert_eq!(ask(&closed, "/", None).unwrap_err().reason(), DenyReason::RequirementUnmet);
}
