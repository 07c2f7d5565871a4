//! Any path: a rule or a refusal. A path that begins with a guarded prefix is guarded,
//! however it goes on.

#![no_main]

use std::sync::LazyLock;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use rownd_authz::{
    model::{DenyReason, EncodedDownstream, Headers, RequestContext},
    policy::{Policy, RequestLimits},
};
use rownd_authz_fuzz as rig;

static LIMITS: LazyLock<RequestLimits> = LazyLock::new(|| RequestLimits::of(&rig::config().check));

static POLICY: LazyLock<Policy> =
    LazyLock::new(|| Policy::build(&rig::config()));

/// The credential that a rule requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Credential {
    Unread,
    Optional,
    Required,
}

fuzz_target!(|data: &[u8]| {
    let judge = |path: &[u8]| {
        let request = RequestContext {
            method: "GET".into(),
            host: "a.test".into(),
            scheme: "https".into(),
            target: Bytes::copy_from_slice(path),
            headers: Headers::new(Vec::new(), false),
            proxy_request_id: Bytes::new(),
            named_route: None,
            downstream: EncodedDownstream::unknown(),
        };
        let rules = POLICY.choose(LIMITS.measure(&request)?)?;
        Ok::<_, DenyReason>(match (rules.reads_credential(), rules.requires_credential()) {
            (false, _) => Credential::Unread,
            (true, false) => Credential::Optional,
            (true, true) => Credential::Required,
        })
    };
    let _ = judge(data);
    // A server may read a part of what follows as the way up: that can only make it stricter.
    if let Ok(credential) = judge(&[b"/admin/", data].concat()) {
        assert_eq!(credential, Credential::Required);
    }
    // And whatever is open must be below the open prefix, in all of its readings.
    if let Ok(Credential::Unread) = judge(data) {
        assert!(data.starts_with(b"/public"), "{:?}", String::from_utf8_lossy(data));
    }
});
