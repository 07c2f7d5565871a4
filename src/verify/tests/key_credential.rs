//! Where the credential of the fetches of keys goes, and where it does not.

use std::{collections::BTreeMap, time::Duration};

use url::Url;

use crate::{config, verify::key_credential::KeyCredential};

const PATIENCE: Duration = Duration::from_secs(10);

/// (settings of the issuer, URL of the fetch, whether the credential goes there)
#[rustfmt::skip] // one case a line
const PLACES: &[(&str, &str, bool)] = &[
    ("kind: oidc, issuer: 'https://id.test'", "https://id.test/.well-known/openid-configuration", true),
    ("kind: oidc, issuer: 'https://id.test'", "https://ID.test:443/keys", true),
    ("kind: oidc, issuer: 'https://id.test'", "https://id.test:8443/keys", false),
    ("kind: oidc, issuer: 'https://id.test'", "http://id.test/keys", false),
    ("kind: oidc, issuer: 'https://id.test'", "http://id.test:443/keys", false),
    ("kind: oidc, issuer: 'https://id.test'", "https://id.test.evil.test/keys", false),
    ("kind: oidc, issuer: 'https://id.test'", "https://a.id.test/keys", false),
    ("kind: oidc, issuer: 'https://id.test'", "https://id.test./keys", false),
    ("kind: oidc, issuer: 'https://id.test'", "https://id.test@evil.test/keys", false),
    ("kind: oidc, issuer: 'https://id.test'", "file:///etc/passwd", false),
    ("kind: oidc, issuer: 'https://id.test', base_url: 'https://in.test/x'", "https://in.test/y", true),
    ("kind: oidc, issuer: 'https://id.test', base_url: 'https://in.test/x'", "https://id.test/y", false),
    ("kind: oidc, issuer: 'https://id.test', jwks_url: 'https://keys.test/k'", "https://keys.test/k", true),
    ("kind: oidc, issuer: 'https://id.test', jwks_fallback_url: 'https://copy.test/k'", "https://copy.test/k", false),
    ("kind: oidc, issuer: 'https://id.test', allowed_origins: ['https://10.0.0.1:6443']", "https://10.0.0.1:6443/k", true),
    ("kind: oidc, issuer: 'https://id.test', allowed_origins: ['https://10.0.0.1:6443']", "https://10.0.0.1/k", false),
    ("kind: oidc, issuer: 'https://id.test', allowed_origins: ['https://10.0.0.1:6443']", "https://[::ffff:10.0.0.1]:6443/k", false),
    ("kind: oidc, issuer: 'https://id.test', allowed_origins: ['https://copy.test'], jwks_fallback_url: 'https://copy.test/k'", "https://copy.test/k", true),
    ("kind: supertokens, base_url: 'https://st.test/auth'", "https://st.test/auth/jwt/jwks.json", true),
];

#[tokio::test]
async fn it_goes_to_written_and_allowed_origins_alone() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("token");
    std::fs::write(&file, "secret").unwrap();
    for (settings, url, goes) in PLACES {
        let audiences = if settings.contains("oidc") { "audiences: [a]," } else { "" };
        let file = file.display();
        let yaml = format!(
            "issuers: [{{ name: a, {settings}, {audiences} keys: {{ bearer_file: {file} }} }}]"
        );
        let config =
            config::parse("test.yaml", &yaml, &BTreeMap::new()).unwrap_or_else(|e| panic!("{e}"));
        let credential = KeyCredential::build(&config.issuers[0]);
        let headers = credential.for_url(&Url::parse(url).unwrap(), PATIENCE).await.unwrap();
        let shown: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (name.as_str(), value.expose())).collect();
        let expected: &[(&str, &str)] =
            if *goes { &[("authorization", "Bearer secret")] } else { &[] };
        assert_eq!(shown, expected, "{settings}: {url}");
    }
}
