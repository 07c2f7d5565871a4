//! The headers that reach the service behind: our own, encoded, and never a client's spelling of
//! them.

use std::{collections::BTreeSet, sync::Arc};

use bytes::Bytes;
use percent_encoding::percent_decode_str;
use proptest::prelude::*;

use crate::{
    authz::{
        early_strip,
        edits::RequestEdits,
        inject::{FIELDS, Injector, VENDOR},
        outputs::Told,
    },
    config::{IdentityHeaders, VendorHeaders},
    model::{AllowReason, AuthLevel, Headers, IdentityFacts, QueryEdits, RequestContext},
    policy::Permit,
    verify::Identity,
};

fn injector(vendor_headers: VendorHeaders) -> Injector {
    let settings = IdentityHeaders { vendor_headers, ..IdentityHeaders::default() };
    Injector::build(&settings)
}

pub(super) fn request(names: &[&str]) -> RequestContext {
    let entry = |name: &&str| (Bytes::copy_from_slice(name.as_bytes()), Bytes::from("spoofed"));
    RequestContext {
        headers: Headers::new(names.iter().map(entry).collect(), false),
        ..RequestContext::for_test("/")
    }
}

pub(super) fn identity() -> IdentityFacts {
    IdentityFacts {
        app_id: Some("app_1".to_owned()),
        ..IdentityFacts::new("user_1".to_owned(), "rownd".into(), AuthLevel::Verified)
    }
}

pub(super) fn permit(identity: Option<&IdentityFacts>) -> Permit {
    let identity = identity.cloned().map(|facts| Arc::new(Identity::for_test(facts)));
    let reason =
        if identity.is_some() { AllowReason::Authenticated } else { AllowReason::Anonymous };
    Permit::for_test(reason, identity)
}

fn edits(names: &[&str], identity: Option<&IdentityFacts>) -> RequestEdits {
    injector(VendorHeaders::Pass)
        .edits(
            &request(names),
            &permit(identity),
            Vec::new(),
            QueryEdits::default(),
            Told::default(),
        )
        .unwrap()
}

/// The value that is set under this name.
pub(super) fn set<'a>(found: &'a RequestEdits, name: &str) -> Option<&'a str> {
    found.identity.set.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_ref())
}

pub(super) fn removed(found: &RequestEdits) -> BTreeSet<&str> {
    let unset = found.identity.remove.iter().copied();
    unset.chain(found.spoofed.iter().map(AsRef::as_ref)).collect()
}

#[test]
fn every_part_of_an_identity_has_its_header() {
    let full = IdentityFacts {
        app_variant: Some("variant".to_owned()),
        session_id: Some("session".to_owned()),
        tenant: Some("tenant".to_owned()),
        roles: vec!["admin".to_owned(), "editor".to_owned()],
        groups: vec!["staff".to_owned()],
        scopes: vec!["read".to_owned(), "write".to_owned()],
        ..identity()
    };
    let found = edits(&[], Some(&full));
    let set: Vec<(&str, &str)> =
        found.identity.set.iter().map(|(name, value)| (*name, value.as_ref())).collect();
    assert_eq!(
        set,
        [
            ("x-rownd-user-id", "user_1"),
            ("x-rownd-auth-level", "verified"),
            ("x-rownd-verified", "true"),
            ("x-rownd-anonymous", "false"),
            ("x-rownd-app-id", "app_1"),
            ("x-rownd-app-variant", "variant"),
            ("x-rownd-issuer", "rownd"),
            ("x-rownd-session-id", "session"),
            ("x-rownd-tenant", "tenant"),
            ("x-rownd-roles", "admin,editor"),
            ("x-rownd-groups", "staff"),
            ("x-rownd-scopes", "read,write"),
        ]
    );
    assert!(removed(&found).is_empty(), "{:?}", removed(&found));
}

#[test]
fn what_an_identity_lacks_is_removed() {
    let found = edits(&[], Some(&identity()));
    assert_eq!(
        removed(&found),
        BTreeSet::from([
            "x-rownd-app-variant",
            "x-rownd-session-id",
            "x-rownd-tenant",
            "x-rownd-roles",
            "x-rownd-groups",
            "x-rownd-scopes",
        ])
    );
    assert_eq!(found.identity.set.len() + removed(&found).len(), FIELDS.len());
}

#[test]
fn an_empty_value_is_no_value() {
    let empty = || Some(String::new());
    let (app_variant, session_id) = (empty(), empty());
    let (tenant, roles, scopes) = (empty(), vec![String::new()], vec![String::new()]);
    let who = IdentityFacts { app_variant, session_id, tenant, roles, scopes, ..identity() };
    let spoofed = [
        "x-rownd-session-id",
        "x-rownd-app-variant",
        "x-rownd-tenant",
        "x-rownd-roles",
        "x-rownd-scopes",
    ];
    let found = edits(&spoofed, Some(&who));
    for name in spoofed {
        assert_eq!(set(&found, name), None, "{name}");
        assert!(removed(&found).contains(name), "{name}: what the client sent has to go");
    }
}

#[test]
fn without_an_identity_every_header_is_removed() {
    let found = edits(&["x-rownd-user-id", "accept"], None);
    assert!(found.identity.set.is_empty());
    assert_eq!(removed(&found), FIELDS.iter().map(|field| field.name).collect());
}

#[test]
fn verified_means_the_level_and_not_anonymous() {
    for (auth_level, anonymous, level, verified, flag) in [
        (AuthLevel::Verified, false, "verified", "true", "false"),
        (AuthLevel::Verified, true, "verified", "false", "true"),
        (AuthLevel::Unverified, false, "unverified", "false", "false"),
        (AuthLevel::Guest, true, "guest", "false", "true"),
        (AuthLevel::Instant, false, "instant", "false", "false"),
    ] {
        let who = IdentityFacts { auth_level, anonymous, ..identity() };
        let found = edits(&[], Some(&who));
        let shown = ["x-rownd-auth-level", "x-rownd-verified", "x-rownd-anonymous"]
            .map(|name| set(&found, name));
        assert_eq!(shown, [Some(level), Some(verified), Some(flag)], "{auth_level:?} {anonymous}");
    }
}

/// Names that a service behind may read as one of ours.
#[rustfmt::skip] // many on a line
const SPOOFS: &[&str] = &[
    "x_rownd_user_id", "x-rownd_user-id", "x.rownd.user.id", "x_rownd-user-id", "X-Rownd-User-Id", "X_ROWND_USER_ID",
    "x-rownd-", "x-rownd-anything", "x_rownd_", "x.rownd-new", "x-rownd-user-id2", "x-rownd-roles-extra", "x-rownd--",
    "x_rownd_app_key", "x-rownd_app-key", "X-Rownd-App-Key", "x.rownd.app.secret", "x-rownd-app-key2", "x-rownd-app",
    "x_rownd_filename", "x-rownd-magic_allow-exp", "x~rownd~user~id", "x-rownd~user", "x!rownd#verified", "x+rownd-roles",
    "x-rownd-user|id", "x-rownd\u{e9}user", "x`rownd`app`key",
];

/// Names that are not those of identity headers.
#[rustfmt::skip] // many on a line
const OTHERS: &[&str] = &[
    "x-rownd", "x-rownds-user-id", "xx-rownd-user-id", "rownd-user-id", "x-user-id", "xrownd-user-id", "x-rown-d",
    "x--rownd-user-id", "-x-rownd-user-id", "x1rownd1user1id", "authorization", "cookie", ":path", "", "x", "x-rowne-user-id",
];

#[test]
fn every_spelling_of_the_reserved_prefix_is_removed_and_only_that() {
    let names: Vec<&str> = SPOOFS.iter().chain(OTHERS).copied().collect();
    for identity in [None, Some(identity())] {
        let found = edits(&names, identity.as_ref());
        let removed: BTreeSet<String> =
            removed(&found).iter().map(|name| (*name).to_owned()).collect();
        for name in SPOOFS {
            let ours = set(&found, &name.to_ascii_lowercase()).is_some();
            assert!(
                ours || removed.contains(*name) || removed.contains(&name.to_ascii_lowercase()),
                "{name}"
            );
        }
        for name in OTHERS {
            assert!(!removed.contains(*name), "{name}");
        }
    }
}

#[test]
fn every_mix_of_separators_and_cases_is_removed() {
    // The bytes that a header name may have besides letters and digits (RFC 9110 section 5.6.2).
    let mixes = || "!#$%&'*+-.^_`|~".chars();
    let mut count = 0;
    for a in mixes() {
        for b in mixes() {
            for c in mixes() {
                for word in ["rownd", "ROWND", "Rownd"] {
                    let name = format!("x{a}{word}{b}user{c}id");
                    if name == "x-rownd-user-id" {
                        continue;
                    }
                    let found = edits(&[&name], Some(&identity()));
                    let gone = removed(&found).contains(name.as_str());
                    assert_eq!(gone, !name.eq_ignore_ascii_case("x-rownd-user-id"), "{name}");
                    count += 1;
                }
            }
        }
    }
    assert_eq!(count, 15 * 15 * 15 * 3 - 1);
}

#[test]
fn the_vendors_own_headers_pass_exactly_spelled_unless_configured_otherwise() {
    let vendor =
        ["x-rownd-app-key", "x-rownd-app-secret", "x-rownd-filename", "x-rownd-magic-allow-exp"];
    let pass = injector(VendorHeaders::Pass)
        .edits(&request(&vendor), &permit(None), Vec::new(), QueryEdits::default(), Told::default())
        .unwrap();
    let remove = injector(VendorHeaders::Remove)
        .edits(&request(&vendor), &permit(None), Vec::new(), QueryEdits::default(), Told::default())
        .unwrap();
    for name in vendor {
        assert!(!removed(&pass).contains(name), "{name}");
        assert!(removed(&remove).contains(name), "{name}");
    }
}

#[test]
fn a_name_that_comes_several_times_is_removed_once() {
    let found = edits(&["x_rownd_user_id", "x_rownd_user_id", "x-rownd-x"], None);
    assert_eq!(found.spoofed.iter().filter(|name| *name == "x_rownd_user_id").count(), 1);
    assert_eq!(found.identity.remove.len() + found.spoofed.len(), FIELDS.len() + 2);
}

/// (the user id, the header)
#[rustfmt::skip] // one case a line
const ENCODED: &[(&str, &str)] = &[
    ("user_1", "user_1"),
    ("auth0|1:2/3", "auth0|1:2/3"),
    ("a@b.example", "a@b.example"),
    ("a,b;c=\"d\"", "a,b;c=\"d\""),
    ("100%", "100%25"),
    ("%41", "%2541"),
    ("a b", "a%20b"),
    ("a\r\nset-cookie: x=1", "a%0D%0Aset-cookie:%20x=1"),
    ("a\0\t\x1b\x7f", "a%00%09%1B%7F"),
    ("\u{fc}", "%C3%BC"),
    ("日本", "%E6%97%A5%E6%9C%AC"),
    ("\u{1f4a9}", "%F0%9F%92%A9"),
    ("\u{202e}abc\u{85}", "%E2%80%AEabc%C2%85"),
];

#[test]
fn a_value_is_visible_ascii_and_can_be_read_back() {
    for (user_id, expected) in ENCODED {
        let who = IdentityFacts { user_id: (*user_id).to_owned(), ..identity() };
        let found = edits(&[], Some(&who));
        assert_eq!(set(&found, "x-rownd-user-id"), Some(*expected), "{user_id:?}");
    }
}

#[test]
fn an_item_with_a_comma_is_not_two_items() {
    let who = |items: &[&str]| {
        let items: Vec<String> = items.iter().map(|item| (*item).to_owned()).collect();
        let (roles, groups) = (items.clone(), items.clone());
        IdentityFacts { roles, groups, scopes: items, ..identity() }
    };
    for (roles, expected) in [
        (&["a", "b"][..], "a,b"),
        (&["a,b"], "a%2Cb"),
        (&["a%2Cb"], "a%252Cb"),
        (&["a b", "ü"], "a%20b,%C3%BC"),
        (&["", ""], ","),
    ] {
        let found = edits(&[], Some(&who(roles)));
        for name in ["x-rownd-roles", "x-rownd-groups", "x-rownd-scopes"] {
            assert_eq!(set(&found, name), Some(expected), "{name} of {roles:?}");
        }
    }
}

/// The patterns for proxies know what we set, in every spelling, and let the vendor's headers pass.
#[test]
fn the_patterns_for_proxies_are_the_headers_that_are_set() {
    let compiled = |vendor_headers| {
        let settings = IdentityHeaders { vendor_headers, ..IdentityHeaders::default() };
        let patterns = early_strip(&settings, &["x-user-email".to_owned()]);
        regex::RegexSet::new(patterns).unwrap()
    };
    let (pass, all) = (compiled(VendorHeaders::Pass), compiled(VendorHeaders::Remove));
    for name in FIELDS.iter().map(|field| field.name) {
        for separator in "!#$%&'*+-.^_`|~".chars() {
            let name = name.replace('-', &separator.to_string());
            assert!(pass.is_match(&name) && all.is_match(&name), "{name}");
            assert!(!pass.is_match(&format!("{name}2")), "{name}");
        }
    }
    for vendor in VENDOR {
        let name = str::from_utf8(vendor).unwrap();
        assert!(!pass.is_match(name) && all.is_match(name), "{name}");
    }
    for set in [&pass, &all] {
        assert!(set.is_match("x-user-email") && set.is_match("x_user.email"));
        assert!(!set.is_match("x-user-emails"));
    }
    for name in ["x-rownds-user-id", "xx-rownd-user-id", "authorization", "x-rownd"] {
        assert!(!pass.is_match(name) && !all.is_match(name), "{name}");
    }
}

/// The headers of a request as the proxy changes them: it sets, then removes in any case.
fn applied(names: &[&str], found: &RequestEdits) -> Vec<(String, String)> {
    let ours =
        |name: &str| found.identity.set.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
    let kept = names
        .iter()
        .filter(|name| !ours(name))
        .map(|name| ((*name).to_owned(), "spoofed".to_owned()));
    let set =
        found.identity.set.iter().map(|(name, value)| ((*name).to_owned(), value.to_string()));
    let gone = |name: &str| removed(found).iter().any(|known| known.eq_ignore_ascii_case(name));
    kept.chain(set).filter(|(name, _)| !gone(name)).collect()
}

fn normalised(name: &str) -> String {
    let read = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    name.chars().map(read).collect()
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[xX][-_.][rR][oO][wW][nN][dD][-_.](user|app|auth|roles|verified|anonymous|issuer)[-_.](id|level|key|x)?",
        "x[-_.]rownd[-_.][a-z_.-]{0,8}",
        "x[!#$%&'*+.^_`|~-]rownd[!#$%&'*+.^_`|~-](user[!#$%&'*+.^_`|~-]id|verified|roles)",
        "(x-rownd-(user-id|verified|roles|app-key|app-secret|filename|issuer))|(X-Rownd-(User-Id|Verified))",
        "[a-zA-Z_.:-]{1,12}",
    ]
}

prop_compose! {
    fn any_identity()(
        user_id in "\\PC{1,20}",
        auth_level in prop::sample::select(AuthLevel::ALL.to_vec()),
        anonymous: bool,
        app_id in prop::option::of("\\PC{0,20}"),
        roles in prop::collection::vec("\\PC{0,8}", 0..4),
    ) -> IdentityFacts {
        IdentityFacts { user_id, auth_level, anonymous, app_id, roles, ..identity() }
    }
}

proptest! {
    #[test]
    fn strip_then_inject_leaves_no_spoofed_header(
        names in prop::collection::vec(name(), 0..8),
        identity in prop::option::of(any_identity()),
        pass: bool,
    ) {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let settings = if pass { VendorHeaders::Pass } else { VendorHeaders::Remove };
        let found = injector(settings).edits(&request(&names), &permit(identity.as_ref()), Vec::new(), QueryEdits::default(), Told::default()).unwrap();
        let behind = applied(&names, &found);
        for (name, value) in &behind {
            if normalised(name).starts_with("x-rownd-") && value == "spoofed" {
                prop_assert!(pass && VENDOR.contains(&name.as_bytes()), "{name}");
            }
        }
        // And all of ours arrive.
        for (name, value) in &found.identity.set {
            prop_assert!(behind.contains(&((*name).to_owned(), value.to_string())), "{name}");
        }
        for name in names.iter().filter(|name| !normalised(name).starts_with("x-rownd-")) {
            prop_assert!(behind.contains(&((*name).to_owned(), "spoofed".to_owned())), "{name}");
        }
    }

    #[test]
    fn no_name_is_in_both_lists(names in prop::collection::vec(name(), 0..8), identity in prop::option::of(any_identity())) {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let found = injector(VendorHeaders::Remove).edits(&request(&names), &permit(identity.as_ref()), Vec::new(), QueryEdits::default(), Told::default()).unwrap();
        let set: Vec<&str> = found.identity.set.iter().map(|(name, _)| *name).collect();
        prop_assert!(removed(&found).iter().all(|name| !set.iter().any(|known| known.eq_ignore_ascii_case(name))), "{found:?}");
        let distinct: BTreeSet<&str> = set.iter().copied().collect();
        prop_assert_eq!(distinct.len(), set.len());
    }

    #[test]
    fn every_value_is_safe_in_a_header_and_reads_back(identity in any_identity()) {
        let found = edits(&[], Some(&identity));
        for (name, value) in &found.identity.set {
            prop_assert!(value.bytes().all(|byte| byte.is_ascii_graphic()), "{name}: {value}");
        }
        let decoded = |text: &str| percent_decode_str(text).decode_utf8().unwrap().into_owned();
        prop_assert_eq!(set(&found, "x-rownd-user-id").map(decoded), Some(identity.user_id));
        // An empty value is no value.
        let app_id = identity.app_id.filter(|id| !id.is_empty());
        prop_assert_eq!(set(&found, "x-rownd-app-id").map(decoded), app_id);
        let roles = set(&found, "x-rownd-roles").map(|text| text.split(',').map(decoded).collect::<Vec<_>>());
        let none = identity.roles == [""];
        prop_assert_eq!(roles.unwrap_or_default(), if none { Vec::new() } else { identity.roles });
    }
}

/// The headers of a token that is seen once are dropped with its response.
#[test]
fn the_headers_of_an_identity_are_kept_from_its_second_check_on() {
    let who = identity();
    let (permit, injector) = (permit(Some(&who)), injector(VendorHeaders::Pass));
    let [first, second, third] = [(); 3].map(|()| {
        injector
            .edits(&request(&[]), &permit, Vec::new(), QueryEdits::default(), Told::default())
            .unwrap()
            .identity
    });
    assert!(!Arc::ptr_eq(&first, &second), "kept at once");
    assert!(Arc::ptr_eq(&second, &third), "made again");
    assert_eq!(first, third);
}
