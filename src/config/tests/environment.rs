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
            ("ROWND_AUTHZ__LISTENERS__GRPC__SOCKET_MODE", "\"0600\""),
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

/// (variable, value, the setting complained of)
#[rustfmt::skip] // one case a line
const WRONG: &[(&str, &str, &str)] = &[
    ("ROWND_AUTHZ__CHECK__TIME_OUT", "1s", "check.time_out"),
    ("ROWND_AUTHZ__CHEK__TIMEOUT", "1s", "chek"),
    ("ROWND_AUTHZ__CHECK__TIMEOUT", "fast", "check.timeout"),
    ("ROWND_AUTHZ__CHECK__TIMEOUT", "5", "check.timeout"),
    ("ROWND_AUTHZ__CHECK__MAX_IN_FLIGHT", "0", "check.max_in_flight"),
    ("ROWND_AUTHZ__CHECK__MAX_IN_FLIGHT", "many", "check.max_in_flight"),
    ("ROWND_AUTHZ__CHECK__MAX_IN_FLIGHT", "", "check.max_in_flight"),
    ("ROWND_AUTHZ__CHECK", "5", "check"),
    ("ROWND_AUTHZ__LOG__LEVEL", "loud", "log.level"),
    ("ROWND_AUTHZ__ROUTES__2__AUTH", "none", "routes[2].auth"),
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

#[test]
fn the_vendors_variables_fill_in_what_the_file_leaves_open() {
    let all = [
        ("ROWND_APP_ID", "app_env"),
        ("ROWND_APP_KEY", "key_env"),
        ("ROWND_APP_SECRET", "ras_env"),
        ("ROWND_BASE_URL", "https://env.test/"),
    ];
    let issuer = |yaml: &str| good(yaml, &all).issuers.remove(0);
    let base = |issuer: &crate::config::Issuer| match &issuer.details {
        crate::config::IssuerDetails::Rownd(rownd) => rownd.base_url.as_str().to_owned(),
        other => panic!("{other:?}"),
    };
    for yaml in ["", "issuers: [{ name: a, kind: rownd }]"] {
        let found = issuer(yaml);
        assert_eq!(base(&found), "https://env.test", "{yaml}");
        assert_eq!(found.iss, "https://env.test", "{yaml}");
        let app = &found.apps()[0];
        assert_eq!(app.id(), Some("app_env"), "{yaml}");
        assert_eq!(
            (app.key().map(Secret::expose), app.secret.as_ref().map(Secret::expose)),
            (Some("key_env"), Some("ras_env")),
            "{yaml}"
        );
    }
    let found = issuer(
        "issuers: [{ name: a, kind: rownd, base_url: 'https://file.test', apps: [{ id: app_file }] }]",
    );
    assert_eq!(base(&found), "https://file.test");
    assert_eq!((found.apps().len(), found.apps()[0].id()), (1, Some("app_file")));
    assert!(
        found.apps()[0].key().is_none(),
        "an app of the file is not mixed with that of the environment"
    );
}

#[test]
fn the_vendors_values_can_be_files() {
    let (_directory, path) = file("key_from_file\n");
    let path = path.to_str().unwrap();
    let key = |variables: &[(&str, &str)]| {
        let config = good("", variables);
        config.issuers[0].apps()[0].key().map(|key| key.expose().to_owned())
    };
    assert_eq!(key(&[("ROWND_APP_KEY_FILE", path)]).as_deref(), Some("key_from_file"));
    let both = [("ROWND_APP_KEY_FILE", path), ("ROWND_APP_KEY", "key_direct")];
    assert_eq!(key(&both).as_deref(), Some("key_direct"));
    let reference = format!("file:{path}");
    assert_eq!(key(&[("ROWND_APP_KEY", &reference)]).as_deref(), Some("key_from_file"));
    let problems = bad("", &[("ROWND_APP_KEY_FILE", "/nowhere/at/all"), APP]);
    assert_eq!(places(&problems), [("environment ROWND_APP_KEY_FILE", "")], "{problems:#?}");
}

#[test]
fn a_vendors_value_that_cannot_be_used_is_a_problem() {
    for (variables, setting) in [
        ([("ROWND_APP_KEY", "key with blanks"), APP], "issuers[0].apps[0].key"),
        ([("ROWND_APP_SECRET", "r\u{e4}s"), APP], "issuers[0].apps[0].secret"),
        ([("ROWND_BASE_URL", "http://api.rownd.io"), APP], "issuers[0].base_url"),
        ([("ROWND_BASE_URL", "nonsense"), APP], "issuers[0].base_url"),
    ] {
        let problems = bad("", &variables);
        assert_eq!(problems.len(), 1, "{problems:#?}");
        assert_eq!(problems[0].setting, setting);
    }
    assert!(read("", &[("ROWND_APP_ID", "app id")]).is_err());
}
