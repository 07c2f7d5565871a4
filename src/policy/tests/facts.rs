//! The facts that expressions read: each place has its value, and one that is not there, or that
//! servers read differently, has none.

use serde_json::json;

use super::{
    measured, request,
    requirements::{Caller, ISSUERS, ask, asking, compile},
};
use crate::{
    model::{AuthLevel, Group, Headers, OddParts, RequestContext},
    policy::Policy,
};

const MISSING: &str = "expression_failed";
const NO: &str = "requirement_unmet";

/// `ok`, or the reason: of a rule that asks this of a user of that issuer.
fn said(issuer: &str, expression: &str, caller: &Caller) -> &'static str {
    let policy = asking(&format!("{{ issuer: {issuer}, cel: \"{expression}\" }}"));
    ask(&policy, "/", Some(caller)).map_or_else(|denial| denial.reason().code(), |_| "ok")
}

#[test]
fn each_fact_of_an_identity_has_its_value() {
    let known = Caller::of("keycloak").with(|who| {
        who.app_id = Some("app_1".to_owned());
        who.app_variant = Some("variant_1".to_owned());
        who.tenant = Some("acme".to_owned());
        who.session_id = Some("session_1".to_owned());
        who.token_id = Some("token_1".to_owned());
        who.issued_at = Some(1_700_000_000);
        who.groups = vec!["staff".to_owned()];
        who.roles = vec!["editor".to_owned()];
        who.scopes = vec!["read".to_owned()];
    });
    let guest = Caller::of("keycloak").with(|who| {
        who.auth_level = AuthLevel::Guest;
        who.anonymous = true;
    });
    #[rustfmt::skip] // one case a line
    let cases = [
        // The expression, of the known user, of the guest, of whom less is known.
        ("identity.user_id == 'user_1'", "ok", "ok"),
        ("identity.user_id == 'user_2'", NO, NO),
        ("identity.issuer == 'keycloak'", "ok", "ok"),
        ("identity.auth_level == 'verified'", "ok", NO),
        ("identity.auth_level == 'guest'", NO, "ok"),
        ("identity.anonymous", NO, "ok"),
        ("identity.verified", "ok", NO),
        ("identity.app_id == 'app_1'", "ok", MISSING),
        ("identity.app_id == 'variant_1'", NO, MISSING),
        ("identity.app_variant == 'variant_1'", "ok", MISSING),
        ("identity.tenant == 'acme'", "ok", MISSING),
        ("identity.session_id == 'session_1'", "ok", MISSING),
        ("identity.token_id == 'token_1'", "ok", MISSING),
        ("identity.issued_at == 1700000000", "ok", MISSING),
        ("identity.groups == ['staff']", "ok", NO),
        ("identity.roles == ['editor']", "ok", NO),
        ("identity.scopes == ['read']", "ok", NO),
        // Without `roles` and `role_sources` nobody knows any permission.
        ("'orders:read' in identity.permissions", MISSING, MISSING),
    ];
    for (expression, of_known, of_guest) in cases {
        assert_eq!(said("keycloak", expression, &known), of_known, "{expression}");
        assert_eq!(said("keycloak", expression, &guest), of_guest, "{expression}");
    }
    // The tokens of this issuer say scopes, and no groups and no roles.
    let partner = Caller::of("partner").with(|who| who.scopes = vec!["read".to_owned()]);
    for (expression, expected) in [
        ("identity.scopes == ['read']", "ok"),
        ("identity.groups == []", MISSING),
        ("identity.roles == []", MISSING),
    ] {
        assert_eq!(said("partner", expression, &partner), expected, "{expression}");
    }
}

#[test]
fn roles_and_permissions_of_an_expression_are_those_of_the_sources() {
    let policy = |issuer: &str, expression: &str| {
        compile(&format!(
            "roles: {{ editor: {{ permissions: ['orders:read'] }}, g/boss: {{ permissions: ['orders:*'] }} }}
role_sources:
  - {{ issuers: [keycloak], claim: roles }}
  - {{ issuers: [rownd], group_roles: true }}
routes:
  - {{ id: it, match: any, require: {{ issuer: {issuer}, cel: \"{expression}\" }} }}"
        ))
    };
    let keycloak = Caller::of("keycloak")
        .with(|who| who.roles = vec!["of the token".to_owned()])
        .claims(&json!({ "roles": ["editor"] }));
    let unreadable = Caller::of("keycloak").claims(&json!({ "roles": 7 }));
    let partner = Caller::of("partner");
    let boss = Caller::of("rownd").profile(|profile| {
        profile.groups = vec![Group {
            id: "g".to_owned(),
            name: None,
            roles: vec!["boss".to_owned()],
            member_state: Some("active".to_owned()),
        }];
    });
    #[rustfmt::skip] // one case a line
    let cases = [
        ("identity.roles == ['editor']", &keycloak, "ok", false),
        ("identity.permissions == ['orders:read']", &keycloak, "ok", false),
        ("identity.permissions == ['editor']", &keycloak, NO, false),
        ("identity.roles == []", &unreadable, MISSING, false),
        ("identity.permissions == []", &unreadable, MISSING, false),
        ("identity.roles == []", &partner, MISSING, false),
        ("identity.roles == ['g/boss']", &boss, "ok", true),
        ("identity.permissions == ['orders:*']", &boss, "ok", true),
        ("identity.permissions == []", &boss, NO, true),
    ];
    for (expression, caller, expected, reads_profile) in cases {
        let decision = ask(&policy(&caller.facts.issuer, expression), "/", Some(caller));
        assert!(!decision.as_ref().is_ok_and(|read| *read != reads_profile), "{expression}");
        let said = decision.map_or_else(|denial| denial.reason().code(), |_| "ok");
        assert_eq!(said, expected, "{expression}");
    }
}

#[test]
fn each_part_of_a_profile_has_its_value_unless_it_came_in_another_shape() {
    let user = |odd: OddParts| {
        Caller::of("rownd").profile(|profile| {
            profile.state = Some("enabled".to_owned());
            profile.auth_level = Some(AuthLevel::Verified);
            profile.data.insert("a".to_owned(), json!(1));
            profile.verified_data.insert("a".to_owned(), json!(2));
            profile.attributes.insert("a".to_owned(), json!(3));
            profile.meta.insert("a".to_owned(), json!(4));
            profile.groups = vec![Group {
                id: "g".to_owned(),
                name: Some("group".to_owned()),
                roles: vec!["owner".to_owned()],
                member_state: Some("active".to_owned()),
            }];
            profile.odd = odd;
        })
    };
    let groups = "profile.groups == [{'id': 'g', 'name': 'group', 'roles': ['owner'], 'member_state': 'active'}]";
    let none = OddParts::default();
    #[rustfmt::skip] // one case a line
    let cases = [
        ("profile.user_id == 'user_1'", none),
        ("profile.state == 'enabled'", none),
        ("profile.auth_level == 'verified'", none),
        ("profile.meta.a == 4", none),
        ("profile.data.a == 1", OddParts { data: true, ..none }),
        ("profile.verified_data.a == 2", OddParts { verified_data: true, ..none }),
        ("profile.attributes.a == 3", OddParts { attributes: true, ..none }),
        (groups, OddParts { groups: true, ..none }),
    ];
    for (expression, _) in cases {
        assert_eq!(said("rownd", expression, &user(none)), "ok", "{expression}");
        for (_, odd) in cases {
            let unread = odd != none && cases.contains(&(expression, odd));
            let expected = if unread { MISSING } else { "ok" };
            assert_eq!(said("rownd", expression, &user(odd)), expected, "{expression} {odd:?}");
        }
    }
    let bare = Caller::of("rownd").profile(|_| {});
    for expression in ["profile.state == ''", "profile.auth_level == ''", "profile.meta.a == 4"] {
        assert_eq!(said("rownd", expression, &bare), MISSING, "{expression}");
    }
}

/// The decision of a rule of this template that reads no credential about this request.
fn open(expression: &str, template: &str, request: &RequestContext) -> &'static str {
    let policy = Policy::build(&super::config(&format!(
        "{ISSUERS}routes:
  - id: it
    match: {{ path: {{ template: '{template}' }} }}
    auth: none
    odd_paths: judge
    require: {{ cel: \"{expression}\" }}
default: {{ auth: none, odd_paths: judge }}"
    )));
    let rules = policy.choose(measured(request)).unwrap();
    rules.decide(None).map_or_else(|denial| denial.reason().code(), |_| "ok")
}

#[test]
fn a_part_of_the_request_has_a_value_only_where_every_server_reads_the_same() {
    let get = |target: &str| request("GET", "A.com:80", target.as_bytes());
    let https = RequestContext { scheme: "https".into(), ..get("/a") };
    let no_scheme = RequestContext { scheme: "".into(), ..get("/a") };
    let lower = request("get", "a.com", b"/a");
    let any = "/{rest...}";
    #[rustfmt::skip] // one case a line
    let cases = [
        ("request.method == 'GET'", any, &get("/a"), "ok"),
        ("request.method == 'POST'", any, &get("/a"), NO),
        ("request.method == 'GET'", any, &lower, MISSING),
        ("request.host == 'a.com'", any, &get("/a"), "ok"),
        ("request.scheme == 'https'", any, &https, "ok"),
        ("request.scheme == ''", any, &no_scheme, MISSING),
        ("request.path == '/a'", any, &get("/a?b=c"), "ok"),
        ("request.path == '/a/'", any, &get("/a"), NO),
        ("request.path == '/%61'", any, &get("/%61"), MISSING),
        ("request.path == '/a#b'", any, &get("/a#b"), MISSING),
        ("request.path == '/a'", any, &get("/a?b#c"), MISSING),
        ("request.query.q == 'a b'", any, &get("/a?q=a%20b"), "ok"),
        ("request.query.q == 'x'", any, &get("/a?q=x&q=x"), MISSING),
        ("request.query.q == 'x'", any, &get("/a"), MISSING),
        ("request.query.q == 'x'", any, &get("/a?Q=x"), MISSING),
        ("request.query['q[]'] == 'x'", any, &get("/a?q[]=x"), "ok"),
        ("request.query['q[]'] == 'x'", any, &get("/a?q%5B]=x"), MISSING),
        ("request.query.q == 'x'", any, &get("/a?q=x&[q]=y"), MISSING),
        ("!has(request.query.q)", any, &get("/a?[q]=x"), MISSING),
        ("!has(request.query.q)", any, &get("/a?_q=x"), MISSING),
        ("!has(request.query.q)", any, &get("/a"), "ok"),
        ("!has(request.query.q)", any, &get("/a?q=x"), NO),
        ("!has(request.query.q)", any, &get("/a?q=x&q=x"), MISSING),
        ("!has(request.query.q)", any, &get("/a?Q=x"), MISSING),
        ("request.query.q == 'x'", any, &get("/a?q=x&y=%zz"), MISSING),
        ("request.query.q == 'x'", any, &get("/a?q=x&y=1;z=2"), "ok"),
        ("request.query.q == 'x'", any, &get("/a?q=x&y=1;q=2"), MISSING),
        ("request.query.q == 'a b'", any, &get("/a?q=a+b"), MISSING),
        ("request.query.q == 'a+b'", any, &get("/a?q=a+b"), MISSING),
        ("request.query.q == '%41'", any, &get("/a?q=%2541"), MISSING),
        ("request.query.q == '100%'", any, &get("/a?q=100%25"), MISSING),
        ("path.rest == 'b/c'", any, &get("/b/c"), "ok"),
        ("path.id == 'b c'", "/{id}", &get("/b%20c"), "ok"),
        ("path.id == 'b c'", "/{id}", &get("/b%2520c"), NO),
        ("path.id == 'user_1'", "/{id}", &get("/user_1"), "ok"),
        ("path.id == '..'", "/{id}", &get("/%2e%2e"), MISSING),
        ("path.rest == ''", any, &get("/"), MISSING),
    ];
    for (expression, template, request, expected) in cases {
        assert_eq!(open(expression, template, request), expected, "{expression} {request:?}");
    }
}

#[test]
fn a_header_has_a_value_only_where_it_stands_there_once() {
    type Lines<'a> = &'a [(&'static str, &'static str)];
    #[rustfmt::skip] // one case a line
    let cases: [(&str, Lines<'_>, bool, &str, &str); 8] = [
        // The lines, joined, whether it has the value, whether it surely has none.
        ("once", &[("x-a", "1,2")], false, "ok", NO),
        ("joined, perhaps by the proxy", &[("x-a", "1,2")], true, MISSING, MISSING),
        ("another value", &[("x-a", "1")], false, NO, NO),
        ("another value, joined", &[("x-a", "1")], true, NO, NO),
        ("twice", &[("x-a", "1,2"), ("x-a", "1,2")], false, MISSING, MISSING),
        ("in another spelling", &[("x_a", "1,2")], false, MISSING, MISSING),
        ("in both", &[("x-a", "1,2"), ("x_a", "1,2")], false, MISSING, MISSING),
        ("not at all", &[("x-b", "1,2")], false, MISSING, "ok"),
    ];
    for (name, lines, joined, expected, is_absent) in cases {
        let lines = lines.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        let headers = Headers::new(lines.collect(), joined);
        let request = RequestContext { headers, ..request("GET", "a.com", b"/a") };
        let found = open("request.headers['x-a'] == '1,2'", "/{rest...}", &request);
        assert_eq!(found, expected, "{name}");
        let found = open("!('x-a' in request.headers)", "/{rest...}", &request);
        assert_eq!(found, is_absent, "{name}");
    }
}

#[test]
fn of_nobody_nothing_is_known_not_even_what_it_lacks() {
    for expression in ["!has(claims.banned)", "!has(identity.tenant)"] {
        for (require, expected) in [
            (format!("{{ cel: \"{expression}\" }}"), "credential_missing"),
            (format!("{{ not: [{{ cel: \"!({expression})\" }}] }}"), "credential_missing"),
        ] {
            // With one issuer, no condition about it is needed.
            let policy = super::policy(&format!(
                "routes: [{{ id: it, match: any, auth: optional, require: {require} }}]"
            ));
            let denied = ask(&policy, "/", None).map_err(|denial| denial.reason().code());
            assert_eq!(denied, Err(expected), "{require}");
        }
    }
}
