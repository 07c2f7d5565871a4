//! Any text as a key set, JWKS or PEM: a set of sound keys or a refusal, and no key for which
//! a token with an unknown key never verifies.

#![no_main]

use std::sync::{Arc, LazyLock, OnceLock};

use libfuzzer_sys::fuzz_target;
use rownd_authz_fuzz as rig;

static METRICS: OnceLock<Arc<rownd_authz::metrics::Metrics>> = OnceLock::new();
static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(rig::runtime);

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut issuers = rig::issuers(text);
    issuers.truncate(1);
    let metrics = METRICS.get_or_init(|| rig::metrics(&issuers));
    let Ok(verifier) = rig::verifier(&issuers, metrics) else { return };
    for issuer in verifier.issuers() {
        let status = issuer.key_status();
        assert!(status.usable >= 1 && status.usable + status.refused.len() <= 100, "{status:?}");
    }
    for alg in ["EdDSA", "ES256", "RS256"] {
        let header = format!(r#"{{"alg":"{alg}"}}"#);
        let claims = format!(
            r#"{{"iss":"{}","sub":"u","aud":"app:a","exp":{}}}"#,
            rig::iss(rig::KINDS[0]),
            rig::NOW + 60
        );
        let token = format!("{}.{}.{}", rig::b64(header), rig::b64(claims), rig::b64([0; 64]));
        assert!(rig::judge(&RUNTIME, &verifier, &token.into()).is_err());
    }
});
