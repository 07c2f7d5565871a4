//! Identities that do not fit into their headers: denied, or passed on without a list.

use std::collections::BTreeSet;

use super::inject::{identity, permit, removed, request, set};
use crate::{
    authz::{
        edits::{ListHeader, RequestEdits},
        inject::{FIELDS, Injector},
        outputs::Told,
    },
    config::{IdentityHeaders, OnTooLarge, TooLarge},
    model::{Denial, DenyReason, IdentityFacts, QueryEdits},
};

/// Small limits, and what is done with lists above them.
fn small(on_too_large: OnTooLarge) -> Injector {
    let settings = IdentityHeaders {
        max_value_bytes: 64,
        max_list_bytes: 128,
        max_total_bytes: 512,
        on_too_large,
        ..IdentityHeaders::default()
    };
    Injector::build(&settings)
}

fn judge(injector: &Injector, who: &IdentityFacts) -> Result<RequestEdits, Denial> {
    // The client sends each of the headers itself.
    let spoofed: Vec<&str> = FIELDS.iter().map(|field| field.name).collect();
    let request = request(&spoofed);
    injector.edits(&request, &permit(Some(who)), Vec::new(), QueryEdits::default(), Told::default())
}

/// One item of so many bytes.
fn of(bytes: usize) -> Vec<String> {
    vec!["x".repeat(bytes)]
}

const OMIT_ALL: OnTooLarge =
    OnTooLarge { roles: TooLarge::Omit, groups: TooLarge::Omit, scopes: TooLarge::Omit };

#[test]
fn a_value_that_is_too_long_denies_and_is_never_cut() {
    let text = |length: usize| Some("x".repeat(length));
    #[rustfmt::skip] // one case a line
    let cases = [
        ("user id", IdentityFacts { user_id: "x".repeat(64), ..identity() }, None),
        ("user id", IdentityFacts { user_id: "x".repeat(65), ..identity() }, Some("x-rownd-user-id")),
        // The encoded length counts.
        ("umlauts", IdentityFacts { user_id: "\u{fc}".repeat(11), ..identity() }, Some("x-rownd-user-id")),
        ("app id", IdentityFacts { app_id: text(65), ..identity() }, Some("x-rownd-app-id")),
        ("variant", IdentityFacts { app_variant: text(65), ..identity() }, Some("x-rownd-app-variant")),
        ("session", IdentityFacts { session_id: text(65), ..identity() }, Some("x-rownd-session-id")),
        ("tenant", IdentityFacts { tenant: text(64), ..identity() }, None),
        ("tenant", IdentityFacts { tenant: text(65), ..identity() }, Some("x-rownd-tenant")),
        ("roles", IdentityFacts { roles: of(128), ..identity() }, None),
        ("roles", IdentityFacts { roles: of(129), ..identity() }, Some("x-rownd-roles")),
        ("groups", IdentityFacts { groups: of(129), ..identity() }, Some("x-rownd-groups")),
        ("scopes", IdentityFacts { scopes: of(129), ..identity() }, Some("x-rownd-scopes")),
        ("commas", IdentityFacts { roles: vec!["a".to_owned(); 65], ..identity() }, Some("x-rownd-roles")),
    ];
    let strict = small(OnTooLarge::default());
    // The permission to leave lists out changes nothing for single values.
    let lists = small(OMIT_ALL);
    for (name, who, header) in cases {
        let denied = judge(&strict, &who).err();
        assert_eq!(denied, header.map(Denial::identity_too_large), "{name}");
        let is_list = ["x-rownd-roles", "x-rownd-groups", "x-rownd-scopes"].map(Some);
        let expected = header.filter(|_| !is_list.contains(&header));
        assert_eq!(judge(&lists, &who).err(), expected.map(Denial::identity_too_large), "{name}");
    }
    let denial = Denial::identity_too_large("x-rownd-groups");
    assert_eq!(denial.reason(), DenyReason::IdentityTooLarge);
    assert!(denial.message().ends_with(": x-rownd-groups"), "{}", denial.message());
}

#[test]
fn all_values_together_have_a_limit_and_the_largest_is_named() {
    let injector = small(OnTooLarge::default());
    let made = judge(&injector, &identity()).unwrap();
    let fixed: usize = made.identity.set.iter().map(|(_, value)| value.len()).sum();
    let who = |last: usize| IdentityFacts {
        tenant: Some("x".repeat(64)),
        app_variant: Some("x".repeat(64)),
        roles: of(128),
        groups: of(127),
        scopes: of(last),
        ..identity()
    };
    let rest = 512 - fixed - 64 - 64 - 128 - 127;
    assert!(judge(&injector, &who(rest)).is_ok());
    let denied = judge(&injector, &who(rest + 1)).err();
    assert_eq!(denied, Some(Denial::identity_too_large("x-rownd-roles")), "the largest");
    // Without an identity there is nothing to inject.
    let nobody = injector.edits(
        &request(&[]),
        &permit(None),
        Vec::new(),
        QueryEdits::default(),
        Told::default(),
    );
    assert!(nobody.is_ok());
}

#[test]
fn a_list_that_is_left_out_is_removed_and_said() {
    let omits = |header| {
        let (mut to, omit) = (OnTooLarge::default(), TooLarge::Omit);
        match header {
            ListHeader::Roles => to.roles = omit,
            ListHeader::Groups => to.groups = omit,
            ListHeader::Scopes => to.scopes = omit,
        }
        small(to)
    };
    for (header, who) in [
        (ListHeader::Roles, IdentityFacts { roles: of(129), ..identity() }),
        (ListHeader::Groups, IdentityFacts { groups: of(129), ..identity() }),
        (ListHeader::Scopes, IdentityFacts { scopes: of(129), ..identity() }),
    ] {
        let found = judge(&omits(header), &who).unwrap();
        assert_eq!(found.identity.omitted, [header]);
        assert_eq!(set(&found, header.name()), None);
        assert!(removed(&found).contains(header.name()), "what the client sent has to go");
        assert_eq!(set(&found, "x-rownd-user-id"), Some("user_1"), "the others are set");
        // A list that fits is set, whatever the settings say.
        let fits = judge(&omits(header), &identity()).unwrap();
        assert!(fits.identity.omitted.is_empty());
        // One list's permission is not another's.
        for other in [ListHeader::Roles, ListHeader::Groups, ListHeader::Scopes] {
            let denied =
                judge(&omits(other), &who).map_err(|denial| denial.header().map(str::to_owned));
            assert_eq!(denied.is_ok(), other == header, "{other:?} for {header:?}");
        }
    }
}

#[test]
fn lists_that_may_be_left_out_take_the_room_that_the_others_leave() {
    // Roles come before scopes, and there is no room for both and the groups.
    let who = IdentityFacts {
        user_id: "x".repeat(64),
        session_id: Some("x".repeat(64)),
        app_variant: Some("x".repeat(60)),
        roles: of(128),
        groups: of(100),
        scopes: of(128),
        ..identity()
    };
    let roles_first = OnTooLarge { roles: TooLarge::Omit, ..OnTooLarge::default() };
    let found = judge(&small(roles_first), &who).unwrap();
    assert_eq!(found.identity.omitted, [ListHeader::Roles], "the ones that must stay, stay");
    let all = judge(&small(OMIT_ALL), &who).unwrap();
    assert_eq!(all.identity.omitted, [ListHeader::Scopes], "in the order of the headers");
    let names: BTreeSet<&str> = all.identity.set.iter().map(|(name, _)| *name).collect();
    assert!(removed(&all).is_disjoint(&names));
    assert_eq!(all.identity.set.len() + all.identity.remove.len(), FIELDS.len());
}

/// The most that Entra puts into a token.
#[test]
fn the_defaults_hold_200_groups_of_entra() {
    let groups = |count: usize| {
        let group = |index: usize| format!("{index:08x}-0000-4000-8000-0123456789ab");
        IdentityFacts { groups: (0..count).map(group).collect(), ..identity() }
    };
    let injector = Injector::build(&IdentityHeaders::default());
    let found = judge(&injector, &groups(200)).unwrap();
    let value = set(&found, "x-rownd-groups").unwrap();
    assert_eq!((value.len(), value.split(',').count()), (200 * 37 - 1, 200));
    let denied = judge(&injector, &groups(217)).err();
    assert_eq!(denied, Some(Denial::identity_too_large("x-rownd-groups")));
}

#[test]
fn a_limit_for_all_values_that_was_raised_holds_for_lists() {
    let raised = IdentityHeaders { max_value_bytes: 16_384, ..IdentityHeaders::default() };
    let who = IdentityFacts { roles: of(15_000), ..identity() };
    assert!(judge(&Injector::build(&raised), &who).is_ok());
    let denied = judge(&Injector::build(&IdentityHeaders::default()), &who).err();
    assert_eq!(denied, Some(Denial::identity_too_large("x-rownd-roles")));
}
