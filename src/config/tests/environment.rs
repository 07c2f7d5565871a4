//! The environment over the file, the vendor's variables, and values that are read from files.

use super::{APP, bad, file, good, places, read};
use crate::config::Secret;

#[test]
fn any_setting_can_be_set_and_wins_over_the_file() {
    let yaml = "check: { timeout: 2s, max_headers: 7 }\nroutes: [{ id: a, match: any }, { id: b, match: any }]";
    let config = good(
        yaml,
        &[
            APP,
            ("ROWND_AUTHZ__CHECK__TIMEOUT", "500ms"),
            ("ROWND_AUTHZ__CHECK__MAX_IN_FLIGHT", "17"),
            ("ROWND_AUTHZ__LISTENERS__GRPC__REFLECTION", "true"),
            ("ROWND_AUTHZ__LISTENERS__GRPC__ADDRESS", "unix:/run/a.sock"),
            ("ROWND_AUTHZ__ROUTES__1__AUTH", "none"),
            ("ROWND_AUTHZ__CREDENTIALS", "[{cookie: tok}]"),
            ("ROWND_AUTHZ__CHECK__REALM", "api"),
            ("ROWND_AUTHZ__LISTENERS__GRPC__SOCKET_MODE", "0600"),
        ],
    );
    assert_eq!((config.check.timeout.get().as_millis(), config.check.max_headers), (500, 7));
    assert_eq!(config.check.max_in_flight, 17);
    assert!(config.listeners.grpc.reflection);
    assert_eq!(config.listeners.grpc.address.to_string(), "unix:/run/a.sock");
    assert_eq!(config.listeners.grpc.socket_mode.bits(), 0o600);
    assert_eq!(config.routes[1].auth, crate::config::Auth::None);
    assert_eq!(config.routes[0].auth, crate::config::Auth::Required);
    assert_eq!(
        config.credentials.0,
        [crate::config::TokenSource::Cookie {
            name: "tok".to_owned(),
            format: crate::config::CookieFormat::Plain
        }]
    );
    assert_eq!(config.check.realm, "api");
}

#[test]
fn an_issuer_can_be_written_in_variables_alone() {
    let config = good(
        "",
        &[
            ("ROWND_AUTHZ__ISSUERS", "[{name: a, kind: rownd, apps: [{id: app_a}]}]"),
            ("ROWND_AUTHZ__ISSUERS__0__LEEWAY", "5s"),
        ],
    );
    assert_eq!(config.issuers[0].leeway.get().as_secs(), 5);
}

/// The texts that YAML would read as something else: a comment, an anchor, a number, a truth value.
const TEXTS: [&str; 12] =
    ["ab #xyz", "12345", "&a", "%a", "true", "null", "~", "1e3", "0x10", "a: b", "[x]", "!t x"];

/// An issuer with a free text.
const SESSIONS: &str =
    "issuers: [{ name: a, kind: supertokens, base_url: 'https://a.test/auth', audiences: [x] }]";

#[test]
fn a_text_is_taken_as_it_is() {
    for text in TEXTS {
        let config = good(SESSIONS, &[("ROWND_AUTHZ__ISSUERS__0__AUDIENCES__0", text)]);
        assert_eq!(config.issuers[0].audiences(), [text]);
    }
}

#[test]
fn a_secret_is_never_shortened() {
    let yaml = "issuers: [{ name: a, kind: rownd, apps: [{ id: app_x }] }]";
    for text in ["ab#xyz", "12345", "&a", "*a", "true", "[93517]", "{a}", "!a", "%a", "'a", "1_0"] {
        let secret = ("ROWND_AUTHZ__ISSUERS__0__APPS__0__SECRET", text);
        let config = good(yaml, &[secret]);
        let kept = config.issuers[0].apps()[0].secret.as_ref().map(Secret::expose);
        assert_eq!(kept, Some(text));
        let vendor = good("", &[APP, ("ROWND_APP_SECRET", text)]);
        let kept = vendor.issuers[0].apps()[0].secret.as_ref().map(Secret::expose);
        assert_eq!(kept, Some(text));
    }
    // A secret that holds a blank cannot travel in a header: it is refused, not cut.
    let problems = bad(yaml, &[("ROWND_AUTHZ__ISSUERS__0__APPS__0__SECRET", "ab #xyz")]);
    assert_eq!(problems[0].setting, "issuers[0].apps[0].secret");
}

#[test]
fn the_secret_of_a_caller_is_never_shortened() {
    let name = ("ROWND_AUTHZ__ROWND_AUTH__CALLERS__0__NAME", "backend");
    let allow = ("ROWND_AUTHZ__ROWND_AUTH__CALLERS__0__ALLOW__0", "verify");
    let secret = "ROWND_AUTHZ__ROWND_AUTH__CALLERS__0__SECRET";
    for text in ["0123456789012345678901234567890123456789", "abcdefghijklmnopqrstuvwxyz#123456789"]
    {
        let config = good("", &[APP, name, allow, (secret, text)]);
        let kept = config.rownd_auth.callers[0].secret.as_ref().map(Secret::expose);
        assert_eq!(kept, Some(text));
    }
    let cut = "abcdefghijklmnopqrstuvwxyz0123456789 #xyz";
    assert!(read("", &[APP, name, allow, (secret, cut)]).is_err());
}

#[test]
fn a_list_is_made_entry_by_entry() {
    let mut variables = vec![APP];
    let names: Vec<String> = (0..12).map(|n| format!("ROWND_AUTHZ__ROUTES__{n}__ID")).collect();
    let ids: Vec<String> = (0..12).map(|n| format!("r{n}")).collect();
    let matches: Vec<String> =
        (0..12).map(|n| format!("ROWND_AUTHZ__ROUTES__{n}__MATCH__PATH__PREFIX")).collect();
    let paths: Vec<String> = (0..12).map(|n| format!("/p{n}/")).collect();
    for n in 0..12 {
        variables.push((&names[n], &ids[n]));
        variables.push((&matches[n], &paths[n]));
    }
    let config = good("", &variables);
    let made: Vec<&str> = config.routes.iter().map(|route| route.id.as_str()).collect();
    assert_eq!(made, ids);

    let variables = [
        ("ROWND_AUTHZ__ISSUERS__0__NAME", "a"),
        ("ROWND_AUTHZ__ISSUERS__0__KIND", "rownd"),
        ("ROWND_AUTHZ__ISSUERS__0__APPS__0__ID", "app_x"),
        ("ROWND_AUTHZ__ISSUERS__0__APPS__0__VARIANTS__0", "variant_y"),
        ("ROWND_AUTHZ__ISSUERS__0__LEEWAY", "5s"),
    ];
    let config = good("", &variables);
    assert_eq!(config.issuers[0].leeway.get().as_secs(), 5);
    assert_eq!(config.issuers[0].apps()[0].variants, ["variant_y"]);
}

/// The names of some maps are free, and a requirement holds requirements.
#[test]
fn a_list_inside_a_map_of_free_names_is_made_entry_by_entry() {
    let config = good(
        "",
        &[
            APP,
            ("ROWND_AUTHZ__ROLES__EDITOR__PERMISSIONS__0", "pages:read"),
            ("ROWND_AUTHZ__ROLES__EDITOR__PERMISSIONS__1", "pages:write"),
            ("ROWND_AUTHZ__ROLE_SOURCES__0__CLAIM", "roles"),
            ("ROWND_AUTHZ__DEFAULT__REQUIRE__ANY__0__USER__0", "007"),
            ("ROWND_AUTHZ__DEFAULT__REQUIRE__ANY__1__ALL__0__NOT__0__AUTH_LEVEL", "guest"),
        ],
    );
    assert_eq!(config.roles["editor"].permissions, ["pages:read", "pages:write"]);
    let printed = serde_json::to_value(&config.default).unwrap();
    let nested = "/require/any/1/all/0/not/0/auth_level";
    assert_eq!(printed.pointer(nested), Some(&"guest".into()), "{printed}");
}

#[test]
fn a_variable_that_cannot_be_read_is_one_problem() {
    let problems = bad(
        "",
        &[
            APP,
            ("ROWND_AUTHZ__ROWND_AUTH__CALLERS__0__NAME", "a"),
            ("ROWND_AUTHZ__ROWND_AUTH__CALLERS__0__SECRET", "0123456789abcdef0123"),
            ("ROWND_AUTHZ__ROWND_AUTH__CALLERS__0__ALLOW", "verify"),
        ],
    );
    let setting = "rownd_auth.callers[0].allow";
    let place = "environment ROWND_AUTHZ__ROWND_AUTH__CALLERS__0__ALLOW";
    assert_eq!(places(&problems), [(place, setting)], "{problems:#?}");
}

#[test]
fn a_variable_with_too_few_underscores_is_told_its_name() {
    let problems = bad("", &[APP, ("ROWND_AUTHZ__LOG_LEVEL", "debug")]);
    assert!(problems[0].message.contains("ROWND_AUTHZ__LOG__LEVEL?"), "{problems:#?}");
}

#[test]
fn an_entry_can_be_added_to_a_list_of_the_file_and_none_left_out() {
    let yaml = "routes: [{ id: a, match: any }]";
    let id = ("ROWND_AUTHZ__ROUTES__1__ID", "b");
    let config = good(yaml, &[APP, id, ("ROWND_AUTHZ__ROUTES__1__MATCH", "any")]);
    assert_eq!(config.routes.len(), 2);
    let problems = bad(yaml, &[APP, ("ROWND_AUTHZ__ROUTES__3__ID", "b")]);
    assert_eq!(places(&problems), [("environment ROWND_AUTHZ__ROUTES__3__ID", "routes[3].id")]);
    assert!(problems[0].message.contains("without gaps"), "{problems:#?}");
}

#[test]
fn numbers_and_words_have_one_order() {
    let names: Vec<String> = (0..40)
        .flat_map(|n| [format!("{n}"), format!("{n}A"), format!("0{n}")])
        .map(|segment| format!("ROWND_AUTHZ__TRUSTED_ORIGINS__{segment}"))
        .collect();
    let mut variables = vec![APP];
    variables.extend(names.iter().map(|name| (name.as_str(), "https://a.test")));
    for problem in bad("", &variables) {
        assert!(problem.place.contains("TRUSTED_ORIGINS"), "{problem:?}");
    }
}

#[test]
fn a_list_of_a_variable_has_no_line_of_the_list_that_it_replaces() {
    let yaml = "issuers:\n- name: a\n  kind: rownd\n  apps:\n  - id: app_x\n    secret: x\n";
    let written = "[{name: a, kind: rownd, apps: [{id: app_x, secrt: x}]}]";
    let problems = bad(yaml, &[("ROWND_AUTHZ__ISSUERS", written)]);
    assert_eq!(
        places(&problems),
        [("environment ROWND_AUTHZ__ISSUERS", "issuers[0].apps[0].secrt")]
    );
}

#[test]
fn the_file_of_a_pair_is_not_read() {
    let timeout = ("ROWND_AUTHZ__CHECK__TIMEOUT", "500ms");
    let twin = ("ROWND_AUTHZ__CHECK__TIMEOUT_FILE", "/nowhere/at/all");
    let config = good("", &[APP, timeout, twin]);
    assert_eq!(config.check.timeout.get().as_millis(), 500);
    assert_eq!(config.warnings.len(), 1, "{:?}", config.warnings);
}

#[test]
fn the_name_of_a_setting_may_end_in_file() {
    let variables = [
        APP,
        ("ROWND_AUTHZ__LISTENERS__GRPC__TLS__CERT_FILE", "/nowhere/cert.pem"),
        ("ROWND_AUTHZ__LISTENERS__GRPC__TLS__KEY_FILE", "/nowhere/key.pem"),
    ];
    for problem in bad("", &variables) {
        assert!(problem.place.contains("TLS"), "{problem:?}");
        assert!(problem.message.contains("No such file"), "{problem:?}");
    }
}

#[test]
fn one_line_end_is_trimmed_and_no_more() {
    let realm = |text: &str| good("", &[APP, ("ROWND_AUTHZ__CHECK__REALM", text)]).check.realm;
    assert_eq!(realm("api\n"), "api");
    assert_eq!(realm("api\r\n"), "api");
    let (_directory, path) = file("secret-of-the-app\n\n");
    let reference = format!("file:{}", path.display());
    assert!(read("", &[APP, ("ROWND_APP_SECRET", &reference)]).is_err());
    assert!(read("", &[APP, ("ROWND_APP_SECRET_FILE", path.to_str().unwrap())]).is_err());
}

/// The codes of the warnings.
fn warned(yaml: &str, variables: super::Variables<'_>) -> Vec<(&'static str, String)> {
    let warnings = good(yaml, variables).warnings;
    warnings.into_iter().map(|warning| (warning.code, warning.text.into_owned())).collect()
}

#[test]
fn a_variable_that_nothing_reads_is_told() {
    for (name, value, advice) in [
        ("ROWND_APPKEY", "k", "ROWND_APP_KEY"),
        ("ROWND_APPSECRET", "k", "ROWND_APP_SECRET"),
        ("ROWND_BASEURL", "k", "ROWND_BASE_URL"),
        ("ROWND_AUTHZ_CHECK__TIMEOUT", "1s", "ROWND_AUTHZ__CHECK__TIMEOUT"),
        ("ROWND_AUTHZ_CONFIGS", "/x", "ROWND_AUTHZ_CONFIG"),
        ("ROWND_SOMETHING_ELSE", "1", "known names"),
        ("ROWND_AUTHZ_PORT", "8080", "two underscores"),
        ("ROWND_AUTHZ_LOG_LEVEL", "debug", "ROWND_AUTHZ__LOG__LEVEL"),
        (
            "ROWND_AUTHZ_LISTENERS_GRPC_TLS_CERT_FILE",
            "/x",
            "ROWND_AUTHZ__LISTENERS__GRPC__TLS__CERT_FILE",
        ),
        (
            "ROWND_AUTHZ_ISSUERS_0_APPS_0_SECRET_FILE",
            "/x",
            "ROWND_AUTHZ__ISSUERS__0__APPS__0__SECRET_FILE",
        ),
        ("ROWNDAUTHZ__CHECK__MAX_HEADERS", "5", "ROWND_AUTHZ__CHECK__MAX_HEADERS"),
        ("rownd_authz__check__timeout", "1s", "ROWND_AUTHZ__CHECK__TIMEOUT"),
        ("rownd_app_key", "key_x", "ROWND_APP_KEY"),
    ] {
        let found = warned("", &[APP, (name, value)]);
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        assert_eq!(found[0].0, "unknown_variable", "{name}");
        assert!(found[0].1.contains(name) && found[0].1.contains(advice), "{found:?}");
    }
    let many: Vec<String> = (0..40).map(|n| format!("ROWND_UNKNOWN_{n}")).collect();
    let mut variables = vec![APP];
    variables.extend(many.iter().map(|name| (name.as_str(), "x")));
    assert_eq!(warned("", &variables).len(), 16);
}

#[test]
fn a_variable_and_its_twin_are_told_and_the_variable_counts() {
    let (_directory, path) = file("from-file\n");
    let path = path.to_str().unwrap();
    for (name, yaml) in [("ROWND_APP_SECRET", ""), ("ROWND_AUTHZ__CHECK__REALM", "")] {
        let twin = format!("{name}_FILE");
        let key = ("ROWND_APP_KEY", "key_x");
        let variables = [APP, key, (name, "direct"), (twin.as_str(), path)];
        let found = warned(yaml, &variables);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].0, "variable_set_twice");
        assert!(found[0].1.contains(&twin), "{found:?}");
        let config = good(yaml, &variables);
        let secret = config.issuers[0].apps()[0].secret.as_ref().map(Secret::expose);
        assert!(config.check.realm == "direct" || secret == Some("direct"));
    }
}

#[test]
fn quotes_around_a_value_are_told() {
    let found = warned(SESSIONS, &[("ROWND_AUTHZ__ISSUERS__0__AUDIENCES__0", "'api'")]);
    assert_eq!(found[0].0, "variable_in_quotes", "{found:?}");
    let found = warned("", &[APP, ("ROWND_APP_SECRET", "\"ras_x\"")]);
    assert_eq!(found[0].0, "variable_in_quotes", "{found:?}");
    for (name, value) in [
        ("ROWND_AUTHZ__CHECK__TIMEOUT", "\"1s\""),
        ("ROWND_AUTHZ__CHECK__REALM", "'api'"),
        ("ROWND_AUTHZ__LOG__LEVEL", "'warn'"),
        ("ROWND_AUTHZ__CHECK__MAX_IN_FLIGHT", "\"17\""),
        ("ROWND_AUTHZ__LISTENERS__GRPC__REFLECTION", "'true'"),
    ] {
        let problems = bad("", &[APP, (name, value)]);
        assert_eq!(problems.len(), 1, "{problems:#?}");
        assert!(problems[0].message.contains("leave the quotes out"), "{problems:#?}");
    }
}

/// (variable, value, the setting complained of)
#[rustfmt::skip] // one case a line
const WRONG: &[(&str, &str, &str)] = &[
    ("ROWND_AUTHZ__CHECK__TIME_OUT", "1s", "check.time_out"),
    ("ROWND_AUTHZ__CHEK__TIMEOUT", "1s", "chek"),
    ("ROWND_AUTHZ__LOG_LEVEL", "debug", "log_level"),
    ("ROWND_AUTHZ___LOG__LEVEL", "debug", "_log.level"),
    ("ROWND_AUTHZ__CHECK__TIMEOUT", "fast", "check.timeout"),
    ("ROWND_AUTHZ__CHECK__TIMEOUT", "5", "check.timeout"),
    ("ROWND_AUTHZ__CHECK__MAX_IN_FLIGHT", "0", "check.max_in_flight"),
    ("ROWND_AUTHZ__CHECK__MAX_IN_FLIGHT", "many", "check.max_in_flight"),
    ("ROWND_AUTHZ__CHECK__MAX_IN_FLIGHT", "", "check.max_in_flight"),
    ("ROWND_AUTHZ__CHECK", "5", "check"),
    ("ROWND_AUTHZ__LOG__LEVEL", "loud", "log.level"),
    ("ROWND_AUTHZ__ROUTES__2__AUTH", "none", "routes[2].auth"),
    ("ROWND_AUTHZ__ROUTES__1_000__AUTH", "none", "routes.1_000.auth"),
    ("ROWND_AUTHZ__CHECK__MAX_IN_FLIGHT", "1_000", "check.max_in_flight"),
    ("ROWND_AUTHZ__CHECK__MAX_IN_FLIGHT", "+17", "check.max_in_flight"),
    ("ROWND_AUTHZ__CHECK__MAX_IN_FLIGHT", "17.0", "check.max_in_flight"),
    ("ROWND_AUTHZ__LISTENERS__GRPC__REFLECTION", "yes", "listeners.grpc.reflection"),
    ("ROWND_AUTHZ__ROUTES", "a", "routes"),
    ("ROWND_AUTHZ__ROUTES", "", "routes"),
    ("ROWND_AUTHZ__CHECK", "#pw", "check"),
    ("ROWND_AUTHZ__CHECK", "# a\n  # b", "check"),
    ("ROWND_AUTHZ__CREDENTIALS", "{cookie: tok}", "credentials"),
    ("ROWND_AUTHZ__ROUTES__X__AUTH", "none", "routes.x.auth"),
    ("ROWND_AUTHZ__ROUTES__0__ID__X", "none", "routes[0].id.x"),
    ("ROWND_AUTHZ__ROUTES__0__AUTH", "off", "routes[0].auth"),
    ("ROWND_AUTHZ__CHECK__TIMEOUT_FILE", "/nowhere/at/all", "check.timeout"),
];

#[test]
fn a_wrong_variable_is_named() {
    for (name, value, setting) in WRONG {
        let problems = bad("routes: [{ id: a, match: any }]", &[APP, (name, value)]);
        let place = format!("environment {name}");
        assert_eq!(places(&problems), [(place.as_str(), *setting)], "{problems:#?}");
    }
}

#[test]
fn problems_of_the_file_and_of_the_environment_come_together() {
    let problems = bad(
        "check: { max_headers: 0 }",
        &[APP, ("ROWND_AUTHZ__CHECK__TIMEOUT", "fast"), ("ROWND_AUTHZ__LOG__LEVEL", "loud")],
    );
    let mut found = places(&problems);
    found.sort_unstable();
    assert_eq!(
        found,
        [
            ("environment ROWND_AUTHZ__CHECK__TIMEOUT", "check.timeout"),
            ("environment ROWND_AUTHZ__LOG__LEVEL", "log.level"),
            ("test.yaml:1", "check.max_headers"),
        ]
    );
}

#[test]
fn what_a_cluster_injects_by_itself_is_no_setting() {
    // A Kubernetes Service of the name rownd-authz makes these.
    let variables = [
        APP,
        ("ROWND_AUTHZ_PORT", "tcp://10.0.0.1:50051"),
        ("ROWND_AUTHZ_SERVICE_HOST", "10.0.0.1"),
        ("ROWND_AUTHZ_PORT_50051_TCP_ADDR", "10.0.0.1"),
        ("ROWND_AUTHZ_CONFIG", "/etc/x.yaml"),
        ("rownd_authz__check__timeout", "nonsense"),
        ("CHECK__TIMEOUT", "nonsense"),
    ];
    assert_eq!(good("", &variables).check.timeout.get().as_secs(), 1);
}

#[test]
fn a_value_can_be_a_files() {
    let (_directory, path) = file("500ms\n");
    let path = path.to_str().unwrap();
    let config = good("", &[APP, ("ROWND_AUTHZ__CHECK__TIMEOUT_FILE", path)]);
    assert_eq!(config.check.timeout.get().as_millis(), 500);
    let (_directory, empty) = file("\n\r\n");
    let problems = bad("", &[APP, ("ROWND_AUTHZ__CHECK__TIMEOUT_FILE", empty.to_str().unwrap())]);
    assert_eq!(
        places(&problems),
        [("environment ROWND_AUTHZ__CHECK__TIMEOUT_FILE", "check.timeout")]
    );
}
