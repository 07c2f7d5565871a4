//! Values that nobody has filled in.

use super::{APP, good};

/// (the file, the setting)
#[rustfmt::skip] // one case a line
const LEFT: &[(&str, &str)] = &[
    ("issuers: [{ name: a, kind: rownd, apps: [{ key: '${ROWND_APP_KEY}' }] }]", "/issuers/0/apps/0/key"),
    ("issuers: [{ name: a, kind: rownd, apps: [{ key: key_... }] }]", "/issuers/0/apps/0/key"),
    ("issuers: [{ name: a, kind: rownd, apps: [{ key: /run/secrets/key }] }]", "/issuers/0/apps/0/key"),
    ("issuers: [{ name: a, kind: rownd, apps: [{ key: key_x, secret: $SECRET }] }]", "/issuers/0/apps/0/secret"),
    ("issuers: [{ name: a, kind: oidc, issuer: 'https://a.test', audiences: ['{{ .Values.aud }}'] }]", "/issuers/0/audiences/0"),
    ("rownd_auth: { callers: [{ name: a, allow: [verify], secret: 'env:CALLER_SECRET' }] }", "/rownd_auth/callers/0/secret"),
    ("rownd_auth: { callers: [{ name: a, allow: [verify], secret: 'File:/run/secrets/a' }] }", "/rownd_auth/callers/0/secret"),
    ("rownd_auth: { callers: [{ name: a, allow: [verify], secret: 0a1b2c3d4e5f60718293a4b5c6d7e8f9 }] }", "/rownd_auth/callers/0/secret"),
    ("rownd_auth: { callers: [{ name: a, allow: [verify], secret: changemechangeme }] }", "/rownd_auth/callers/0/secret"),
    ("rownd_auth: { callers: [{ name: a, allow: [verify], secret: '<the-secret-of-a>' }] }", "/rownd_auth/callers/0/secret"),
];

#[test]
fn a_value_that_nobody_filled_in_is_told_and_not_repeated() {
    for (yaml, pointer) in LEFT {
        let mut warnings = good(yaml, &[APP]).warnings;
        // The variable is for files without an app.
        warnings.retain(|warning| warning.code != "variable_unused");
        let [warning] = warnings.as_slice() else { panic!("{yaml}: {warnings:#?}") };
        assert_eq!((warning.code, warning.pointer.as_str()), ("value_not_filled_in", *pointer));
        for part in
            ["$SECRET", "CALLER_SECRET", "secrets", "change", "the-secret", "ROWND_APP_KEY", "0a1b"]
        {
            assert!(!warning.text.contains(part), "{yaml}: {warning:?}");
        }
    }
    let found = good("", &[("ROWND_APP_KEY", "key_...")]).warnings;
    assert_eq!(found.iter().map(|it| it.code).collect::<Vec<_>>(), ["value_not_filled_in"]);
}

#[test]
fn a_value_that_only_looks_so_is_none() {
    for yaml in [
        "routes: [{ id: a, match: { path: { regex: '/a{2}$|/(b)${0}' } } }]",
        "routes: [{ id: a, match: { path: { template: '/users/{id}' } } }]",
        "default: { require: { claim: { name: a, matches: '.*${1}' } } }",
        "rownd_auth: { callers: [{ name: a, allow: [verify], secret: '/8vq3+0pLk1zZ==/abc' }] }",
        "rownd_auth: { callers: [{ name: a, allow: [verify], secret: '$aB3$x0123456789' }] }",
        "check: { realm: 'shop' }",
    ] {
        assert_eq!(good(yaml, &[APP]).warnings, [], "{yaml}");
    }
}
