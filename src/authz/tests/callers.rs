//! The means by which a caller is known; an unknown caller on another machine is refused.

use crate::{
    authz::{CallerError, Callers, Scope},
    config::{Caller, Right, RowndAuth, Secret},
    model::{Origin, Peer, PeerName},
};

const SECRET: &str = "a-secret-of-sixteen-and-more";
const SPIFFE: &str = "spiffe://cluster.local/ns/shop/sa/web";

fn caller(name: &str, allow: &[Right]) -> Caller {
    Caller {
        name: name.to_owned(),
        allow: allow.to_vec(),
        secret: None,
        uris: Vec::new(),
        dns_names: Vec::new(),
        uids: Vec::new(),
        apps: None,
        issuers: None,
    }
}

fn build(callers: &[Caller]) -> Callers {
    let service = RowndAuth { callers: callers.to_vec(), ..RowndAuth::default() };
    Callers::build(&service)
}

fn callers() -> Callers {
    let all = [
        Caller { secret: Some(Secret::new(SECRET)), ..caller("by_secret", &[Right::GetUser]) },
        Caller { uris: vec![SPIFFE.to_owned()], ..caller("by_uri", &[Right::Exchange]) },
        Caller { dns_names: vec!["web.shop".to_owned()], ..caller("by_dns", &[Right::Verify]) },
        Caller { uids: vec![1000], ..caller("by_uid", &[Right::CreateGuest]) },
    ];
    build(&all)
}

fn peer(origin: Origin, names: &[PeerName]) -> Peer {
    Peer { origin, names: names.to_vec() }
}

fn rights(peer: &Peer, secret: Option<&str>) -> Result<(String, Vec<Right>), CallerError> {
    let caller = callers().identify(peer, secret.map(str::as_bytes))?;
    let may = Right::ALL.iter().copied().filter(|right| caller.may(&[*right]).is_ok()).collect();
    Ok((caller.name().to_owned(), may))
}

#[test]
fn from_another_machine_only_known_callers_are_let_in() {
    use Right::{Exchange, GetUser, Verify};
    let uri = || PeerName::Uri(SPIFFE.to_owned());
    let dns = |name: &str| PeerName::Dns(name.to_owned());
    let network = |names: &[PeerName]| peer(Origin::Network, names);
    let known = |name: &str, rights: &[Right]| Ok((name.to_owned(), rights.to_vec()));
    for (name, peer, secret, expected) in [
        ("nobody", network(&[]), None, Err(CallerError::Required)),
        ("a secret", network(&[]), Some(SECRET), known("by_secret", &[GetUser])),
        ("a wrong one", network(&[]), Some("x"), Err(CallerError::Unknown)),
        ("a URI", network(&[uri()]), None, known("by_uri", &[Exchange])),
        ("a name", network(&[dns("Web.Shop")]), None, known("by_dns", &[Verify])),
        ("a longer name", network(&[dns("web.shop.evil")]), None, Err(CallerError::Required)),
        ("a URI as a name", network(&[dns(SPIFFE)]), None, Err(CallerError::Required)),
        (
            "a name as a URI",
            network(&[PeerName::Uri("web.shop".into())]),
            None,
            Err(CallerError::Required),
        ),
        ("both", network(&[uri()]), Some(SECRET), known("by_secret", &[GetUser, Exchange])),
        // An unknown secret is refused, whatever else is known of the caller.
        ("a URI and a wrong secret", network(&[uri()]), Some("x"), Err(CallerError::Unknown)),
    ] {
        assert_eq!(rights(&peer, secret), expected, "{name}");
    }
}

#[test]
fn on_this_machine_every_caller_has_the_rights_of_a_token() {
    use Right::{CreateGuest, GetOwnUser, GetUser, Verify};
    let unix = |uid| peer(Origin::Unix { uid, gid: 1000 }, &[]);
    for (name, peer, secret, expected) in [
        ("loopback", peer(Origin::Loopback, &[]), None, ("-", vec![Verify, GetOwnUser])),
        ("a stranger", unix(1), None, ("-", vec![Verify, GetOwnUser])),
        ("a neighbour", unix(1000), None, ("by_uid", vec![Verify, GetOwnUser, CreateGuest])),
        ("a secret", unix(1), Some(SECRET), ("by_secret", vec![Verify, GetOwnUser, GetUser])),
    ] {
        let (who, may) = rights(&peer, secret).unwrap();
        assert_eq!((who.as_str(), may), expected, "{name}");
    }
    let wrong = rights(&peer(Origin::Loopback, &[]), Some("x"));
    assert_eq!(wrong, Err(CallerError::Unknown));
}

#[test]
fn an_empty_secret_is_not_the_same_as_none() {
    let caller = callers().identify(&peer(Origin::Network, &[]), Some(b""));
    assert_eq!(caller.err(), Some(CallerError::Unknown));
}

/// Rights add up within an entry, between two, and with those of this machine.
#[test]
fn a_right_that_is_granted_twice_is_granted() {
    let at = |uri: &str, name: &str, allow: &[Right]| Caller {
        uris: vec![uri.to_owned()],
        ..caller(name, allow)
    };
    let all = [
        at("spiffe://twice", "twice", &[Right::Verify, Right::Verify]),
        at("spiffe://shared", "one", &[Right::Verify]),
        at("spiffe://shared", "two", &[Right::Verify, Right::GetUser]),
    ];
    let callers = build(&all);
    for (name, uri, origin) in [
        ("in one entry", "spiffe://twice", Origin::Network),
        ("in two", "spiffe://shared", Origin::Network),
        ("by an entry and by the place", "spiffe://twice", Origin::Loopback),
    ] {
        let peer = peer(origin, &[PeerName::Uri(uri.to_owned())]);
        let caller = callers.identify(&peer, None).unwrap();
        assert_eq!(caller.may(&[Right::Verify]), Ok(()), "{name}");
        assert_eq!(caller.may(&[Right::Exchange]), Err(CallerError::NotGranted), "{name}");
    }
}

#[test]
fn a_bound_holds_for_each_right_that_its_entry_grants() {
    let bound = |name: &str, allow: &[Right], apps: Option<&[&str]>, issuers: Option<&[&str]>| {
        let list = |list: Option<&[&str]>| {
            list.map(|list| list.iter().map(|name| (*name).to_owned()).collect())
        };
        Caller {
            uris: vec![SPIFFE.to_owned()],
            apps: list(apps),
            issuers: list(issuers),
            ..caller(name, allow)
        }
    };
    let all = [
        bound("one", &[Right::GetUser], Some(&["a"]), None),
        bound("two", &[Right::Exchange], None, Some(&["x"])),
    ];
    let callers = build(&all);
    for (origin, right, issuer, app, expected) in [
        (Origin::Network, Right::GetUser, "x", Some("a"), true),
        (Origin::Network, Right::GetUser, "y", Some("a"), true),
        (Origin::Network, Right::GetUser, "x", Some("b"), false),
        (Origin::Network, Right::GetUser, "x", None, false),
        (Origin::Network, Right::Exchange, "x", Some("b"), true),
        (Origin::Network, Right::Exchange, "x", None, true),
        (Origin::Network, Right::Exchange, "y", Some("a"), false),
        (Origin::Network, Right::Verify, "x", Some("a"), false),
        // On this machine, within the same bounds.
        (Origin::Loopback, Right::Verify, "y", Some("a"), true),
        (Origin::Loopback, Right::Verify, "x", None, true),
        (Origin::Loopback, Right::Verify, "y", Some("b"), false),
        (Origin::Loopback, Right::GetUser, "x", Some("b"), false),
    ] {
        let peer = peer(origin, &[PeerName::Uri(SPIFFE.to_owned())]);
        let caller = callers.identify(&peer, None).unwrap();
        let may = caller.may_for(&[right], Scope { issuer, app }).is_ok();
        assert_eq!(may, expected, "{origin:?} {right:?} {issuer} {app:?}");
        assert!(!caller.is_unbounded(&[right]));
    }
}
