//! Settings and values that are taken and mean nothing, or something else than was meant: each is told
//! at its line.

use super::{APP, Variables, bad, good};
use crate::config::Auth;

const OIDC: &str =
    "issuers: [{ name: idp, kind: oidc, issuer: 'https://idp.test', audiences: [a] }]\n";
const ROWND: &str =
    "issuers: [{ name: rownd, kind: rownd, apps: [{ id: app_a, key: key_a, secret: ras_a }] }]\n";

/// The warnings in one line each.
fn told(yaml: &str, variables: Variables<'_>) -> Vec<String> {
    let config = good(yaml, variables);
    let warnings = config.places.in_order(config.warnings.clone());
    warnings.iter().map(|warning| format!("{warning} ({})", warning.code)).collect()
}

fn assert_told(yaml: &str, variables: Variables<'_>, lead: &str, part: &str) {
    let found = told(yaml, variables);
    let [one] = found.as_slice() else { panic!("{yaml}\n{found:#?}") };
    assert!(one.starts_with(lead) && one.contains(part), "{yaml}\n{one}");
}

/// (the file behind two lines of issuers, the start of the warning, a part of it)
#[rustfmt::skip] // one case a line
const UNUSED: &[(&str, &str, &str)] = &[
    ("revocation: { max_entries: 3 }", "test.yaml:2:", "nothing revokes"),
    ("profiles: { ttl: 1m }", "test.yaml:2:", "only issuers of kind `rownd` have profiles"),
    ("hooks: {}", "test.yaml:2:", "is empty"),
    ("denial: {}", "test.yaml:2:", "is empty"),
    ("events: { sinks: [] }", "test.yaml:2:11: events.sinks", "is empty"),
    ("events:\n  profile_fields: [email]\n  sinks: [{ name: a, stdout: {}, types: [user.deleted] }]", "test.yaml:3:", "no sink gets user.created"),
    ("events:\n  sinks:\n    - { name: a, file: { path: /tmp/rownd-e.jsonl, max_bytes: 0, keep: 2 } }", "test.yaml:4:", "no file is renamed"),
    ("rownd_auth:\n  callers:\n    - { name: a, allow: [read_events], secret: 0123456789abcdef, issuers: [idp] }", "test.yaml:4:", "stream: {}"),
    ("rownd_auth:\n  callers:\n    - { name: a, allow: [verify, exchange], secret: 0123456789abcdef, issuers: [idp] }", "test.yaml:4:", "allow[1]: allows nothing"),
    ("rownd_auth:\n  callers:\n    - { name: a, allow: [delete_users], secret: 0123456789abcdef, issuers: [idp] }", "test.yaml:4:", "`core`"),
    ("rownd_auth:\n  callers:\n    - { name: a, allow: [read_groups], secret: 0123456789abcdef, issuers: [idp] }", "test.yaml:4:", "of kind `rownd`"),
    ("hooks:\n  before_exchange: { grpc: { url: 'http://127.0.0.1:9' } }", "test.yaml:3:", "is never asked"),
    ("routes:\n  - id: a\n    match: { path: { prefix: /a } }\n    auth_level: unverified\n    require: never", "test.yaml:5:", "require: never"),
    ("routes:\n  - id: a\n    match: { path: { prefix: /a } }\n    auth_level: unverified\n    require:\n      auth_level: guest", "test.yaml:7:", "asks for as much"),
    ("routes:\n  - id: a\n    match: { path: { prefix: /a } }\n    headers:\n      - { name: x-a, from: { constant: a }, on_missing: deny }", "test.yaml:6:", "a constant is never missing"),
    ("routes:\n  - { id: a, match: any }\ndefault: { auth: optional }", "test.yaml:4:", "routes[0] matches every request"),
    ("guards:\n  - { id: g, match: any, applies_to: all, require: { issuer: idp } }\nroutes:\n  - { id: a, match: any, auth: none }", "test.yaml:3:", "nobody has an identity"),
    ("guards:\n  - { id: g, match: any, require: never }", "test.yaml:3:", "denies every request"),
    ("routes:\n  - id: a\n    match: { path: { prefix: /a } }\n    headers:\n      - { name: x-a, from: { claim: realm.role } }", "test.yaml:6:", "/realm/role"),
];

#[test]
fn a_setting_without_effect_is_told_at_its_line() {
    for (yaml, lead, part) in UNUSED {
        assert_told(&format!("{OIDC}{yaml}"), &[], lead, part);
    }
}

#[test]
fn a_setting_that_has_an_effect_is_not_told() {
    for yaml in [
        "revocation: { max_entries: 3 }\nrownd_auth: { callers: [{ name: a, allow: [sign_out_users], secret: 0123456789abcdef, apps: [app_a] }] }",
        "revocation: { max_entries: 3 }\nlisteners: { control: { address: 'unix:/tmp/rownd-c.sock' } }",
        "revocation: { max_entries: 3 }\nlisteners: { http: { address: '127.0.0.1:8085', serve: [webhooks] } }\nevents: { sources: [{ name: a, kind: rownd_webhook, issuer: rownd, caller: { secret: abcdefghijklmnopqrstuvwxyz0123456789 } }] }",
        "profiles: { ttl: 1m }",
        "events: { profile_fields: [email], sinks: [{ name: a, stdout: {} }] }",
        "events: { sinks: [{ name: a, file: { path: /tmp/rownd-e.jsonl, keep: 2 } }, { name: b, file: { path: /tmp/rownd-e.jsonl.3 } }] }",
        "routes: [{ id: a, match: { path: { prefix: /a } }, auth_level: guest, require: { auth_level: verified } }]",
        "routes: [{ id: a, match: any, mode: shadow }]\ndefault: { auth: optional }",
        "guards: [{ id: g, match: any, mode: shadow, require: never }]",
        "credentials: [{ header: authorization }, { cookie: a }]\nroutes: [{ id: a, match: any, require: { any: [{ user: a }, { user: b }] } }]",
    ] {
        assert_eq!(told(&format!("{ROWND}{yaml}"), &[]), [] as [String; 0], "{yaml}");
    }
}

/// (the name of a variable, the file, a part of the warning)
const VARIABLES: &[(&str, &str, &str)] = &[
    ("ROWND_APP_KEY", ROWND, "has `apps` of its own"),
    ("ROWND_APP_SECRET", ROWND, "environment ROWND_APP_SECRET sets nothing"),
    ("ROWND_APP_ID", OIDC, "no issuer is of kind `rownd`"),
    ("ROWND_BASE_URL", OIDC, "no issuer is of kind `rownd`"),
    ("ROWND_AUTHZ_CONFIG_FILE", ROWND, "write ROWND_AUTHZ_CONFIG"),
    ("ROWND_AUTHZ_DEV_SEED_FILE", ROWND, "ROWND_AUTHZ_DEV_SEED"),
    ("ROWND_AUTHZ_DEV_PORT", ROWND, "no setting has this name"),
];

#[test]
fn a_variable_that_sets_nothing_is_told() {
    for (name, yaml, part) in VARIABLES {
        assert_told(yaml, &[(name, "/a")], &format!("environment {name}"), part);
    }
    let (_directory, path) = super::file("key_b");
    let file = [("ROWND_APP_KEY_FILE", path.to_str().unwrap())];
    assert_told(ROWND, &file, "environment ROWND_APP_KEY_FILE", "sets nothing");
    let both = "issuers: [{ name: a, kind: rownd }, { name: b, kind: rownd, issuer: 'https://b.test', base_url: 'https://b.test', apps: [{ id: app_b }] }]";
    let used = [APP, ("ROWND_BASE_URL", "https://a.test"), ("ROWND_AUTHZ_DEV_SEED", "/x")];
    assert_eq!(told(both, &used), [] as [String; 0]);
}

/// (the value with its tag, a part of the message)
const TAGS: &[(&str, &str)] = &[
    ("!env MY_CALLER_SECRET_NAME", "`!env` stands before the value"),
    ("!vault secret/data/caller", "`!vault` stands"),
    ("!Unheard0123456789 0123456789abcdef", "a tag of YAML stands"),
    ("!0123456789abcdefgh", "belongs in quotes"),
    ("!!binary MDEyMzQ1Njc4OTAxMjM0NTY3ODk=", "`!!binary` stands before the value"),
    ("!!binary 0123456789=", "`!!binary` stands before the value"),
    ("!!binary /////w==", "`!!binary` stands before the value"),
    ("!binary MDEyMzQ1Njc4OTAxMjM0NTY3ODk=", "`!binary` stands before the value"),
    ("&a !!binary MDEyMzQ1Njc4OTAxMjM0NTY3ODk=", "`!!binary` stands before the value"),
    (
        "!<tag:yaml.org,2002:binary> MDEyMzQ1Njc4OTAxMjM0NTY3ODk=",
        "`!!binary` stands before the value",
    ),
    ("!!timestamp 2026-01-01", "`!!timestamp` stands before the value"),
    ("!!set { 0123456789abcdef }", "`!!set` stands before the value"),
    ("!!omap [ 0123456789abcdef: 1 ]", "`!!omap` stands before the value"),
    ("!!pairs [ 0123456789abcdef: 1 ]", "`!!pairs` stands before the value"),
    ("!str 0123456789abcdef", "`!str` stands before the value"),
    ("!int 5", "`!int` stands before the value"),
    ("!!map 0123456789abcdef", "`!!map` stands before a value of another kind"),
    ("!!str [0123456789abcdef]", "`!!str` stands before a value of another kind"),
    ("!!int 0123456789abcdef", "is no whole number"),
    ("!!bool 0123456789abcdef", "is not true or false"),
    ("!!float 0123456789abcdef", "is no number"),
];

#[test]
fn a_tag_is_refused_and_a_secret_in_its_place_not_repeated() {
    for (value, part) in TAGS {
        let yaml = format!(
            "{ROWND}rownd_auth:\n  callers:\n    - name: a\n      allow: [verify]\n      secret: {value}\n"
        );
        let problems = bad(&yaml, &[]);
        let [problem] = problems.as_slice() else { panic!("{value}: {problems:#?}") };
        assert_eq!(problem.place, "test.yaml:6");
        assert!(problem.message.contains(part), "{value}: {}", problem.message);
        assert!(!problem.message.contains("0123456789"), "{value}: {}", problem.message);
    }
    let list = [("ROWND_AUTHZ__ISSUERS__0__APPS__0__VARIANTS", "[!env A]")];
    assert!(bad(ROWND, &list)[0].message.contains("cannot be read"));
    let map = bad(&format!("{ROWND}check: !include check.yaml\n"), &[]);
    assert!(map[0].message.contains("`!include` stands"), "{map:#?}");
}

#[test]
fn a_tag_before_a_block_is_refused() {
    let yaml = format!("{ROWND}check:\n  realm: !!binary |\n    c2hvcA==\n");
    let problems = bad(&yaml, &[]);
    assert!(problems[0].message.contains("`!!binary` stands before"), "{problems:#?}");
}

#[test]
fn anchors_aliases_and_merged_maps_mean_what_yaml_says() {
    let config = good(
        "issuers: [{ name: rownd, kind: rownd, apps: [&app { id: app_a }] }]\n\
         default: &rule { auth: optional, expired_cookie: anonymous }\n\
         credentials: [{ cookie: rownd-session, format: rownd }]\n\
         routes:\n\
         - { <<: *rule, id: a, match: { path: { prefix: /a } } }\n\
         - { <<: *rule, id: b, match: { path: { prefix: /b } }, auth: none, expired_cookie: deny }\n",
        &[],
    );
    let auths: Vec<Auth> = config.routes.iter().map(|route| route.auth).collect();
    assert_eq!(auths, [Auth::Optional, Auth::None]);
    let twice = bad(&format!("{ROWND}default: &a {{ auth: *a }}\n"), &[]);
    assert_eq!(twice[0].place, "test.yaml:2");
}

#[test]
fn the_types_of_yaml_itself_may_be_written() {
    let config = good(
        "!!map\nissuers: !!seq\n  - { name: !!str rownd, kind: rownd, apps: [{ id: app_a }] }\ncheck: { max_in_flight: !!int 7, realm: ! shop }\n",
        &[],
    );
    assert_eq!((config.check.max_in_flight, config.check.realm.as_str()), (7, "shop"));
}

/// (the file behind the issuers, the setting)
#[rustfmt::skip] // one case a line
const REPEATED: &[(&str, &str)] = &[
    ("routes: [{ id: a, match: { methods: [GET, GET] } }]", "routes[0].match.methods[1]"),
    ("rownd_auth: { callers: [{ name: a, secret: 0123456789abcdef, allow: [verify, verify] }] }", "rownd_auth.callers[0].allow[1]"),
    ("default: { require: { issuer: rownd, scope: [x, z, x] } }", "default.require.scope[2]"),
    ("default: { require: { issuer: rownd, claim: { name: a, in: [x, x] } } }", "default.require.claim.in[1]"),
    ("role_sources: [{ claim: roles }, { claim: roles }]", "role_sources[1]"),
    ("network: { proxy: 'http://proxy.test:3128', no_proxy: [a.test, a.test] }", "network.no_proxy[1]"),
];

#[test]
fn an_entry_that_stands_twice_is_refused_at_its_line() {
    for (yaml, setting) in REPEATED {
        let problems = bad(&format!("{ROWND}{yaml}"), &[]);
        let settings: Vec<_> = problems.iter().map(|problem| problem.setting.as_str()).collect();
        assert_eq!(settings, [*setting], "{yaml}: {problems:#?}");
        assert!(problems[0].message.contains("leave one out"), "{problems:#?}");
        assert_eq!(problems[0].place, "test.yaml:2");
    }
    let variants =
        "issuers: [{ name: a, kind: rownd, apps: [{ id: app_a, variants: [v, w, v] }] }]";
    assert_eq!(bad(variants, &[])[0].setting, "issuers[0].apps[0].variants[2]");
}

#[test]
fn one_secret_for_several_doors_is_told_and_not_shown() {
    let secret = "abcdefghijklmnopqrstuvwxyz0123456789";
    let yaml = format!(
        "{ROWND}listeners: {{ http: {{ address: '127.0.0.1:8085', serve: [webhooks] }} }}
rownd_auth: {{ callers: [{{ name: a, allow: [verify], secret: {secret}, apps: [app_a] }}] }}
events:
  sources:
    - name: one
      kind: rownd_webhook
      issuer: rownd
      caller: {{ secret: {secret} }}
"
    );
    let found = told(&yaml, &[]);
    let [one] = found.as_slice() else { panic!("{found:#?}") };
    assert!(one.contains("secret_repeated") && !one.contains(secret), "{one}");
    let other = yaml.replacen(secret, "zyxwvutsrqponmlkjihgfedcba0123456789", 1);
    assert_eq!(told(&other, &[]), [] as [String; 0]);
}

/// (the setting, the file behind the issuers)
#[rustfmt::skip] // one case a line
const PATHS_AS_SECRETS: &[(&str, &str)] = &[
    ("hooks.before_exchange.grpc.secret", "hooks: { before_exchange: { grpc: { url: 'http://127.0.0.1:9', secret: /run/secrets/hook } } }\nrownd_auth: { callers: [{ name: a, allow: [exchange], secret: 0123456789abcdef, apps: [app_a] }] }"),
    ("shared.password", "shared: { url: 'redis://127.0.0.1:1', password: '${REDIS}', key: 'MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=' }"),
];

#[test]
fn the_path_of_any_secret_is_told() {
    for (setting, yaml) in PATHS_AS_SECRETS {
        assert_told(&format!("{ROWND}{yaml}"), &[], "test.yaml:2:", setting);
    }
    let key = bad(
        &format!("{ROWND}shared: {{ url: 'redis://127.0.0.1:1', key: /run/secrets/key }}"),
        &[],
    );
    assert!(key[0].message.contains("write file:/path"), "{key:#?}");
}

#[test]
fn a_path_has_one_use_however_it_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path().display();
    std::fs::create_dir(directory.path().join("q")).unwrap();
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let http = |name: &str, path: &str| {
        format!(
            "{{ name: {name}, http: {{ url: 'https://{name}.test', secrets: ['{SECRET}'], directory: '{path}' }} }}"
        )
    };
    let to = |name: &str, path: &str| format!("{{ name: {name}, file: {{ path: '{path}' }} }}");
    let one = format!("{at}/e.jsonl");
    for (sinks, more, setting) in [
        (
            [
                to("a", &one),
                to(
                    "b",
                    &format!("{at}/../{}/e.jsonl", directory.path().file_name().unwrap().display()),
                ),
            ],
            "",
            "events.sinks[1].file.path",
        ),
        ([to("a", &one), to("b", &format!("{one}.1"))], "", "events.sinks[1].file.path"),
        ([to("a", &format!("{one}.3")), to("b", &one)], "", "events.sinks[1].file.path"),
        (
            [to("a", &format!("{one}/")), to("b", &format!("{at}/x"))],
            "",
            "events.sinks[0].file.path",
        ),
        (
            [http("a", &format!("{at}/q")), http("b", &format!("{at}/q/"))],
            "",
            "events.sinks[1].http.directory",
        ),
        (
            [http("a", &format!("{at}/q")), to("b", &format!("{at}/q/e"))],
            "",
            "events.sinks[1].file.path",
        ),
        (
            [http("a", &format!("{at}/./k")), to("b", &one)],
            "key_snapshots: { directory: '{at}/k' }",
            "events.sinks[0].http.directory",
        ),
    ] {
        let more = more.replace("{at}", &at.to_string());
        let [first, second] = sinks;
        let yaml = format!("{ROWND}{more}\nevents:\n  sinks:\n    - {first}\n    - {second}\n");
        let problems = bad(&yaml, &[]);
        let settings: Vec<_> = problems.iter().map(|problem| problem.setting.as_str()).collect();
        assert_eq!(settings, [setting], "{yaml}{problems:#?}");
    }
}

/// (the file behind the issuers, the setting, a part of the message)
#[rustfmt::skip] // one case a line
const MESSAGES: &[(&str, &str, &str)] = &[
    ("events: { sinks: [{ name: a, stdout: {}, sample: { check.denied: 0.01 } }] }", "events.sinks[0].sample.check.denied", "such as 2"),
    ("routes: [{ id: default, match: any }]", "routes[0].id", "the section `default`"),
    ("routes: [{ id: a, match: any }, { id: a, match: { path: { prefix: /a } } }]", "routes[1].id", "`a`"),
    ("shared: { url: 'redis://127.0.0.1:1' }", "shared", "write key: file:/run/secrets/key"),
    ("events: { sinks: [{ name: a, http: { secrets: [a], directory: /tmp/rownd-q } }] }", "events.sinks[0].http", "write url: https://"),
    ("events: { sinks: [{ name: a, http: { url: 'https://a.test', directory: /tmp/rownd-q } }] }", "events.sinks[0].http", "write secrets: [file:/run/secrets/secret]"),
    ("passport: { issuer: 'https://a.test' }", "passport", "write keys: [{ file: /etc/rownd-authz/key.pem }]"),
    ("passport: { keys: [{ file: /etc/rownd-authz/key.pem }] }", "passport", "write issuer: https://authz.example.com"),
    ("listeners: { http: { tls: { key_file: /etc/a.key }, serve: [passport_keys] } }", "listeners.http.tls", "write cert_file: /etc/rownd-authz/tls.pem"),
    ("check: { retry_after: 1500ms }", "check.retry_after", "write 2s"),
    ("shared: { url: 'redis://127.0.0.1:0', key: 'MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=' }", "shared.url", "port 0"),
    ("events: { sinks: [{ name: a, stdout: {} }, { name: a, stream: {} }] }", "events.sinks[1].name", "`a`"),
    ("check: { max_headers: '40' }", "check.max_headers", "without quotes: 40"),
    ("check: { claims_cache_bytes: 64MiB }", "check.claims_cache_bytes", "67108864"),
    ("check: { max_headers: 2e2 }", "check.max_headers", "`2e2` is written with a point or an exponent; write 200"),
    ("check:\n  timeout:1s", "check", "`timeout:` has no blank behind the `:`"),
    ("check: { timeout: 0.5s }", "check.timeout", "write it like 500ms"),
    ("check: { timeout: 1S }", "check.timeout", "write it like 1s"),
    ("check: { timeout: 2 seconds }", "check.timeout", "write it like 2s"),
    ("routes: [{ id: a, match: { path: { regex: '/a$b' } } }]", "routes[0].match.path.regex", "matches no path"),
    ("apiVersion: v1", "apiVersion", "an object of Kubernetes"),
    ("check:\n\u{a0}\u{a0}realm: shop", "\u{a0}\u{a0}realm", "write plain blanks"),
];

#[test]
fn a_message_says_what_stands_there_and_what_to_write() {
    for (yaml, setting, part) in MESSAGES {
        let problems = bad(&format!("{ROWND}{yaml}"), &[]);
        let found = problems.iter().find(|problem| problem.setting == *setting);
        let found = found.unwrap_or_else(|| panic!("{yaml}: {problems:#?}"));
        assert!(found.message.contains(part), "{yaml}: {}", found.message);
    }
    for (issuer, setting, part) in [
        (
            "preset: keycloak, issuer: 'https://kc.test/admin/realms/shop'",
            "issuers[0].issuer",
            "/realms/NAME",
        ),
        (
            "issuer: 'https://a.test', keys: { bearer_file: token }",
            "issuers[0].keys.bearer_file",
            "absolute path",
        ),
        (
            "issuer: 'https://a.test', keys: { headers: [{ name: x-a, file: ./a }] }",
            "issuers[0].keys.headers[0].file",
            "absolute path",
        ),
    ] {
        let yaml = format!("issuers: [{{ name: idp, kind: oidc, audiences: [a], {issuer} }}]");
        let problems = bad(&yaml, &[]);
        let [problem] = problems.as_slice() else { panic!("{yaml}: {problems:#?}") };
        assert_eq!(problem.setting, setting, "{yaml}");
        assert!(problem.message.contains(part), "{problem}");
    }
    let star = format!(
        "{OIDC}rownd_auth: {{ oidc_clients: [{{ name: w, issuer: idp, client_id: w, client_secret: abcdefgh12345678, redirect_uris: ['https://*.w.test/cb'] }}] }}"
    );
    assert!(bad(&star, &[]).iter().any(|it| it.message.contains("byte for byte")));
    let core = "issuers: [{ name: st, kind: supertokens, base_url: 'https://st.test', core: { url: 'https://c.test' } }]";
    assert!(bad(core, &[]).iter().any(|it| it.message.contains("did you mean `base_url`")));
}

#[test]
fn a_file_that_is_no_configuration_is_told_so() {
    for (text, part) in [
        ("ROWND_APP_KEY=key_a\n", "the file is text and no configuration"),
        ("- a\n- b\n", "the file is a list and no configuration"),
        ("5\n", "the file is a number and no configuration"),
    ] {
        let problems = bad(text, &[APP]);
        let [problem] = problems.as_slice() else { panic!("{text}: {problems:#?}") };
        assert!(problem.message.contains(part), "{text}: {problem}");
    }
    // A list where a map belongs is one problem.
    let list = format!("{ROWND}routes: [{{ id: a, match: any, require: {{ equals: [a] }} }}]");
    assert_eq!(bad(&list, &[]).len(), 1, "{:#?}", bad(&list, &[]));
}

#[test]
fn a_token_validator_is_told_all_at_once() {
    let section = |rest: &str| {
        format!(
            "{OIDC}token_validator: {{ caller: {{ secret: abcdefghijklmnopqrstuvwxyz0123456789 }}, {rest} }}"
        )
    };
    let settings = |yaml: &str| -> Vec<String> {
        bad(yaml, &[])
            .into_iter()
            .map(|problem| format!("{}: {}", problem.setting, problem.message))
            .collect()
    };
    let found = settings(&section("issuers: [idq]"));
    for part in
        ["the answer would be empty", "is served nowhere", "no issuer `idq`", "write one of: idp"]
    {
        assert!(found.iter().any(|problem| problem.contains(part)), "{part}: {found:#?}");
    }
    let found = settings(&section("issuers: [idp], claims: { email: true }"));
    assert!(
        found[0]
            .contains("`true` cannot be used; write a text, or { claim: CLAIM, only_if: ONLY_IF }"),
        "{found:#?}"
    );
}
