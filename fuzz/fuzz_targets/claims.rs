//! Any claims under a good signature: an identity that holds together, or a denial.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use rownd_authz::verify::Verifier;
use rownd_authz_fuzz as rig;
use serde_json::Value;

static RIG: LazyLock<(Verifier, tokio::runtime::Runtime)> = LazyLock::new(|| {
    let issuers = rig::issuers(&rig::key_set());
    let verifier = rig::verifier(&issuers, &rig::metrics(&issuers)).expect("a verifier");
    (verifier, rig::runtime())
});

fuzz_target!(|data: &[u8]| {
    let (verifier, runtime) = &*RIG;
    // The first byte may lend the claims what every good token has.
    let (lent, claims) = data.split_first().map_or((0, data), |(first, rest)| (*first, rest));
    let kind = rig::KINDS[usize::from(lent) % rig::KINDS.len()];
    let more = format!(
        r#"{{"iss":"{}","sub":"u","aud":["a","app:a"],"azp":"a","exp":{},"sessionHandle":"h","https://auth.rownd.io/app_user_id":"u","#,
        rig::iss(kind),
        rig::NOW + 60
    );
    let claims = match claims.strip_prefix(b"{") {
        Some(rest) if lent >= 128 => [more.as_bytes(), rest].concat(),
        _ => claims.to_vec(),
    };
    match rig::judge(runtime, verifier, &rig::sign(&claims)) {
        Err(denial) => rig::assert_clients_fault(&denial),
        Ok(who) => {
            let said: Value = serde_json::from_slice(&claims).expect("what is taken is JSON");
            assert_eq!(said["iss"], format!("https://{}.test", who.issuer));
            assert!(said["sub"].as_str().is_some_and(|sub| !sub.is_empty()));
            assert!(said["exp"].as_f64().is_some_and(|end| end > rig::NOW as f64 - 31.0));
            assert!(!who.user_id.is_empty() && !who.user_id.chars().any(char::is_control));
            let aud = &said["aud"];
            let named = |name: &str| {
                aud == name || aud.as_array().is_some_and(|all| all.iter().any(|one| one == name))
            };
            assert!(named("a") || named("app:a"), "{aud}");
        }
    }
});
