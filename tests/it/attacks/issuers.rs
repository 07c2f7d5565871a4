//! Many issuers side by side: nothing of one is good for another, and no one waits for another.

use std::time::{Duration, Instant};

use rownd_authz::model::DenyReason;
use serde_json::{Value, json};

use super::Kind;
use crate::support::{
    Ask, Claims, Issuer, Key, Reply, TestApp, app::issuer_settings, config, config_with,
    eventually, issuer::KEYS,
};

/// An issuer among others.
struct Party {
    kind: Kind,
    name: String,
    issuer: Issuer,
    key: Key,
}

impl Party {
    /// All of them have a key of this name.
    fn new(kind: Kind, name: &str, kid: &str) -> Self {
        let key = kind.key(kid);
        let issuer = Issuer::with_keys(&[&key]);
        Self { kind, name: name.to_owned(), issuer, key }
    }

    fn claims(&self) -> Claims {
        self.kind.claims(&self.name, &self.issuer)
    }

    fn settings(&self) -> Value {
        self.kind.settings(&self.name, &self.issuer, &[&self.key])
    }
}

async fn court_of(parties: &[Party]) -> TestApp {
    let settings = config_with(&parties[0].issuer, |config| {
        config["issuers"] = parties.iter().map(Party::settings).collect();
    });
    TestApp::ready(&settings).await
}

#[tokio::test]
async fn keys_of_one_name_never_cross_between_issuers() {
    let parties: Vec<Party> = ["a", "b"]
        .iter()
        .flat_map(|side| Kind::ALL.map(|kind| (kind, format!("{}-{side}", kind.name()))))
        .map(|(kind, name)| Party::new(kind, &name, "same"))
        .collect();
    let app = court_of(&parties).await;
    let mut crossed = 0;
    for (one, signer) in parties.iter().enumerate() {
        let answer = app.check(&Ask::with_token(signer.key.token(&signer.claims()))).await;
        answer.assert_allowed(&signer.name, "authenticated");
        assert_eq!(answer.set("x-rownd-issuer"), Some(signer.name.as_str()));
        for (other, named) in parties.iter().enumerate().filter(|(other, _)| *other != one) {
            // The claims are what `named` would say, the key is `signer`'s; and the other way
            // round, the claims of the signer under the name of the other in `iss` alone.
            let iss = named.claims().json()["iss"].clone();
            for claims in [named.claims(), signer.claims().with("iss", iss)] {
                let what = format!("{} signs for {}", signer.name, named.name);
                let honest = signer.key.token(&claims);
                let same = signer.key.algorithm() == named.key.algorithm();
                let reason = match same {
                    true => DenyReason::SignatureInvalid,
                    false => DenyReason::AlgorithmRefused,
                };
                app.check(&Ask::with_token(honest)).await.assert_denied(&what, reason);
                // Under the header that the other's own tokens have.
                let lying = signer.key.token_under(&named.key.header(), &claims);
                let answer = app.check(&Ask::with_token(lying)).await;
                answer.assert_denied(&what, DenyReason::SignatureInvalid);
                crossed += 1;
            }
            assert_ne!(one, other);
        }
    }
    assert_eq!(crossed, 10 * 9 * 2);
    // Each denial was judged by the issuer that the token names, and by no other.
    for party in &parties {
        let label = [("issuer", party.name.as_str()), ("result", "signature_invalid")];
        assert!(app.metric("rownd_authz_verifications_total", &label) >= 9.0, "{}", party.name);
    }
}

#[tokio::test]
async fn a_key_name_of_one_issuer_is_unknown_to_the_others() {
    let parties: Vec<Party> =
        Kind::ALL.map(|kind| Party::new(kind, kind.name(), &format!("of-{}", kind.name()))).into();
    let app = court_of(&parties).await;
    for signer in &parties {
        for named in parties.iter().filter(|named| named.name != signer.name) {
            // The other's algorithm, so that only the key's name stands in the way.
            let header = json!({ "alg": named.key.algorithm().name(), "kid": signer.key.kid });
            let token = signer.key.token_under(&header, &named.claims());
            let what = format!("{} for {}", signer.name, named.name);
            let answer = app.check(&Ask::with_token(token)).await;
            answer.assert_denied(&what, DenyReason::KidUnknown);
        }
        let good = app.check(&Ask::with_token(signer.key.token(&signer.claims()))).await;
        good.assert_allowed(&signer.name, "authenticated");
    }
}

#[tokio::test]
async fn nineteen_issuers_that_hang_leave_the_twentieth_unhurt() {
    let well = Party::new(Kind::Rownd, "well", "sig-1");
    let sick: Vec<Party> = (0..19)
        .map(|index| Party::new(Kind::FETCHED[index % 4], &format!("sick-{index}"), "sig-1"))
        .collect();
    let settings = config_with(&well.issuer, |config| {
        let mut issuers: Vec<Value> = sick.iter().map(Party::settings).collect();
        issuers.iter_mut().for_each(|issuer| issuer["required"] = json!(false));
        issuers.push(well.settings());
        config["issuers"] = json!(issuers);
        config["check"]["timeout"] = json!("3s");
    });
    for party in &sick {
        party.issuer.set(KEYS, Reply::Hang);
        // Rownd's issuer is asked for its metadata first, which it has none of.
    }
    let app = TestApp::ready(&settings).await;
    // All of their users are at the door, several times over, and wait.
    let tokens: Vec<String> = sick.iter().map(|party| party.key.token(&party.claims())).collect();
    let waiting = async {
        let asks: Vec<Ask> = tokens.iter().cycle().take(190).map(Ask::with_token).collect();
        futures_util::future::join_all(asks.iter().map(|ask| app.check(ask))).await
    };
    let working = async {
        let mut keys = vec![Key::new("sig-1")];
        for round in 0..5 {
            // Its own keys go on to change: the next check finds the new one.
            let next = Key::new(&format!("sig-next-{round}"));
            well.issuer.publish(&[&well.key, &next]);
            eventually("the next key", async || {
                let answer = app.check(&Ask::with_token(next.token(&well.claims()))).await;
                answer.is_allowed().then_some(())
            })
            .await;
            keys.push(next);
            for _ in 0..40 {
                let answer = app.check(&Ask::with_token(well.key.token(&well.claims()))).await;
                answer.assert_allowed("the twentieth", "authenticated");
            }
        }
    };
    let (waited, ()) = futures_util::future::join(waiting, working).await;
    let ours = ["keys_unavailable", "key_pending", "deadline_exceeded"];
    for answer in waited {
        assert!(ours.contains(&answer.reason()), "our own fault, and said so: {answer:?}");
    }
}

/// Keys that rotate while tokens are checked: as SuperTokens does, the new key signs at once.
async fn keys_that_rotate_under_load_cause_no_wrong_denial(kind: Kind) {
    let mut party = Party::new(kind, "one", "d-0");
    let app = court_of(std::slice::from_ref(&party)).await;
    let claims = party.claims();
    let (mut checked, mut fetched) = (0, Instant::now());
    for rotation in 1..=6 {
        let next = kind.key(&format!("d-{rotation}"));
        // The load before the rotation, for as long as the cooldown of the last fetch lasts.
        while fetched.elapsed() < Duration::from_millis(400) {
            let asks: Vec<Ask> =
                (0..8).map(|_| Ask::with_token(party.key.token(&party.claims()))).collect();
            for answer in
                futures_util::future::join_all(asks.iter().map(|ask| app.check(ask))).await
            {
                answer.assert_allowed("before", "authenticated");
                checked += 1;
            }
        }
        party.issuer.publish(&[&next, &party.key]);
        // Old and new tokens at once, most of which meet the fetch in flight.
        let tokens = [&next, &party.key].map(|key| key.token(&claims));
        let asks: Vec<Ask> = tokens.iter().cycle().take(64).map(Ask::with_token).collect();
        for answer in futures_util::future::join_all(asks.iter().map(|ask| app.check(ask))).await {
            answer.assert_allowed(&format!("{kind:?}, rotation {rotation}"), "authenticated");
            checked += 1;
        }
        fetched = Instant::now();
        party.key = next;
    }
    assert_eq!(party.issuer.hits(KEYS), 7, "one fetch for each rotation");
    assert!(checked > 6 * 64);
}

for_kinds!(keys_that_rotate_under_load_cause_no_wrong_denial =>
    rownd: Rownd, supertokens: Supertokens, oidc: Oidc, firebase: Firebase);

/// The first address fails; the copy is asked, and the issuer's own rules still hold.
async fn a_fallback_address_serves_when_the_first_fails(kind: Kind) {
    let party = Party::new(kind, "one", "sig-1");
    let copy = Issuer::with_keys(&[&party.key]);
    party.issuer.set(KEYS, Reply::status(503));
    let settings = config_with(&party.issuer, |config| {
        config["issuers"][0] = party.settings();
        config["issuers"][0]["jwks_fallback_url"] = json!(format!("{}{KEYS}", copy.url()));
    });
    let app = TestApp::ready(&settings).await;
    let judge = async |key: &Key| app.check(&Ask::with_token(key.token(&party.claims()))).await;
    judge(&party.key).await.assert_allowed("by the copy", "authenticated");
    assert!(party.issuer.hits(KEYS) >= 1, "the first is asked first");
    assert_eq!(copy.hits(KEYS), 1);
    // A copy is a copy: its keys say nothing for tokens that name it.
    let foreign = party.claims().with("iss", copy.url());
    let answer = app.check(&Ask::with_token(party.key.token(&foreign))).await;
    answer.assert_denied("the copy is no issuer", DenyReason::IssuerUntrusted);
    // The first is back, with a new key; the copy is not asked any more.
    let next = kind.key("sig-2");
    party.issuer.publish(&[&next]);
    let asked = copy.hits(KEYS);
    eventually("the first to be back", async || judge(&next).await.is_allowed().then_some(()))
        .await;
    judge(&party.key).await.assert_denied("withdrawn by the first", DenyReason::KidUnknown);
    assert_eq!(copy.hits(KEYS), asked, "the copy was left alone");
}

/// Keys in place serve until the issuer has answered, and its answer counts from then on.
async fn keys_in_place_serve_until_the_issuer_answers(kind: Kind) {
    let party = Party::new(kind, "one", "sig-1");
    party.issuer.set(KEYS, Reply::status(503));
    let settings = config_with(&party.issuer, |config| {
        config["issuers"][0] = party.settings();
        config["issuers"][0]["key_set"] = json!(json!({ "keys": [party.key.jwk()] }).to_string());
    });
    let app = TestApp::ready(&settings).await;
    let judge = async |key: &Key| app.check(&Ask::with_token(key.token(&party.claims()))).await;
    judge(&party.key).await.assert_allowed("by the key in place", "authenticated");
    judge(&kind.key("sig-1"))
        .await
        .assert_denied("another key of its name", DenyReason::SignatureInvalid);
    let next = kind.key("sig-2");
    party.issuer.publish(&[&next]);
    eventually("the issuer's own key", async || judge(&next).await.is_allowed().then_some(()))
        .await;
    judge(&party.key).await.assert_denied("no longer published", DenyReason::KidUnknown);
}

for_kinds!(a_fallback_address_serves_when_the_first_fails, keys_in_place_serve_until_the_issuer_answers =>
    rownd: Rownd, supertokens: Supertokens, oidc: Oidc, firebase: Firebase);

#[tokio::test]
async fn one_iss_for_two_issuers_is_refused_at_start() {
    let issuer = Issuer::start();
    let mut settings = config(&issuer);
    let twin = issuer_settings("twin", &issuer);
    settings["issuers"].as_array_mut().unwrap().push(twin);
    let read = rownd_authz::config::parse("t.yaml", &settings.to_string(), &Default::default());
    let problems = read.expect_err("two of one name").to_string();
    assert!(problems.contains("the same `iss`"), "{problems}");
}
