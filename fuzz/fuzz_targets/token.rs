//! Any bytes as a token: a denial that is the client's fault, never a panic, never an identity.

#![no_main]

use std::sync::LazyLock;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use rownd_authz::verify::Verifier;
use rownd_authz_fuzz as rig;

static RIG: LazyLock<(Verifier, tokio::runtime::Runtime)> = LazyLock::new(|| {
    let issuers = rig::issuers(&rig::key_set());
    let verifier = rig::verifier(&issuers, &rig::metrics(&issuers)).expect("a verifier");
    (verifier, rig::runtime())
});

fuzz_target!(|data: &[u8]| {
    let (verifier, runtime) = &*RIG;
    // The input as it is; and as the decoded header and claims of a token, so that the fuzzer need
    // not find base64 by itself.
    let mut parts = data.splitn(2, |byte| *byte == b'\n');
    let (header, claims) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let spelt = format!("{}.{}.{}", rig::b64(header), rig::b64(claims), rig::b64([0; 64]));
    for token in [Bytes::copy_from_slice(data), Bytes::from(spelt)] {
        match rig::judge(runtime, verifier, &token) {
            Ok(who) => panic!("nobody signed for {who:?}"),
            Err(denial) => rig::assert_clients_fault(&denial),
        }
    }
});
