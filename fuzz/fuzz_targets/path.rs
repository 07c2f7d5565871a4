//! Any path: a rule or a refusal. A path that begins with a guarded prefix is guarded,
//! however it goes on.

#![no_main]

use std::sync::LazyLock;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use rownd_authz::{
    config::Auth,
    model::{Headers, RequestContext},
    policy::{Limits, Policy},
};
use rownd_authz_fuzz as rig;

static LIMITS: LazyLock<Limits> = LazyLock::new(|| Limits::of(&rig::config().check));

static POLICY: LazyLock<Policy> =
    LazyLock::new(|| Policy::build(&rig::config()).expect("a policy"));

fuzz_target!(|data: &[u8]| {
    let judge = |path: &[u8]| {
        let request = RequestContext {
            method: "GET".into(),
            host: "a.test".into(),
            scheme: "https".into(),
            path: Bytes::copy_from_slice(path),
            headers: Headers::new(Vec::new(), false),
            proxy_request_id: Bytes::new(),
            named_route: None,
        };
        POLICY.require(LIMITS.measure(&request)?)
    };
    let _ = judge(data);
    // A server may read a part of what follows as the way up: that can only make it stricter.
    if let Ok(rule) = judge(&[b"/admin/", data].concat()) {
        assert_eq!(rule.auth, Auth::Required, "{}", rule.rule);
    }
    // And whatever is open must be below the open prefix, in all of its readings.
    if let Ok(rule) = judge(data)
        && rule.auth == Auth::None
    {
        assert!(data.starts_with(b"/public"), "{:?}", String::from_utf8_lossy(data));
    }
});
