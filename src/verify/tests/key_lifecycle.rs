//! Any sequence of events in the life of an issuer's keys: published, withdrawn, replaced under
//! their name, the issuer down or slow, keys forgotten by command, reloads and restarts. After each,
//! a key verifies only if the issuer has published it lately enough and since the last command;
//! and a key that it publishes and that can be had verifies.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use proptest::prelude::*;
use tempfile::TempDir;
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep},
};

use super::{APP, CLIENT, ISS, Rig, Script, Signer, access, at, key_set, rig_of, soon};
use crate::{
    blocking::BlockingRunner,
    config,
    verify::key_source::FetchResult,
    verify::{
        CommandTarget, Verifier, VerifierLimits,
        key_refresher::{FetchedIssuer, KeyRefresher},
    },
};

/// The defaults of `keys`, in seconds.
const COOLDOWN: u64 = 10;
const REFRESH: u64 = 600;
const MAX_STALE: u64 = 86_400;
/// The longest pause after a failure, and some for slow fetches.
const SLACK: u64 = 60 + 10;

/// Two pairs of keys, each with one name.
const KEYS: usize = 4;

#[derive(Debug, Clone, Copy)]
enum Event {
    /// The issuer publishes these.
    Publish(u8),
    Down(bool),
    /// Its answers take so many milliseconds.
    Slow(u64),
    Forget,
    /// A configuration with these rules of fetching.
    Reload(u8),
    Restart,
    Pass(u64),
    /// Every key is tried.
    Check,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (0_u8..16).prop_map(Event::Publish),
        2 => any::<bool>().prop_map(Event::Down),
        1 => prop::sample::select(vec![0, 0, 150, 3_000]).prop_map(Event::Slow),
        2 => Just(Event::Forget),
        2 => (0_u8..3).prop_map(Event::Reload),
        1 => Just(Event::Restart),
        4 => prop::sample::select(vec![1, 5, 12, 70, 700, 3_000, 87_100]).prop_map(Event::Pass),
        6 => Just(Event::Check),
    ]
}

/// The state of the issuer from a moment on.
#[derive(Debug, Clone, Copy)]
struct Phase {
    from: Instant,
    published: u8,
    down: bool,
    slow: u64,
}

impl Phase {
    /// A fetch brings this key. Of two that differ under one name, none is used.
    fn offers(&self, key: usize) -> bool {
        !self.down && self.names(key) && !self.names(key ^ 1)
    }

    fn names(&self, key: usize) -> bool {
        self.published & (1 << key) != 0
    }

    /// A fetch brings something.
    fn answers(&self) -> bool {
        (0..KEYS).any(|key| self.offers(key))
    }
}

struct Story {
    signers: Vec<Signer>,
    tokens: Vec<Bytes>,
    script: Script,
    disk: Option<TempDir>,
    /// The first key is in place too.
    in_place: bool,
    rig: Rig,
    verifier: Arc<Verifier>,
    refresher: JoinHandle<()>,
    phases: Vec<Phase>,
    forgotten: Option<Instant>,
    /// Since the process began.
    in_place_forgotten: bool,
    /// A process or a store of keys began.
    began: Instant,
    cooldown: u8,
}

impl Story {
    fn begin(disk: bool, in_place: bool) -> Self {
        let signers: Vec<Signer> =
            (1_u8..).zip(["a", "a", "b", "b"]).map(|(seed, kid)| Signer::new(kid, seed)).collect();
        let tokens = signers.iter().map(|key| key.token(&access())).collect();
        let disk = disk.then(|| tempfile::tempdir().unwrap());
        let script = Script::new(key_set(&[&signers[0]]));
        let rig = rig_of(&yaml(&signers, disk.as_ref(), in_place, 0), &[]);
        let verifier = rig.verifier.clone();
        let refresher = refresh(&rig, &verifier, &script);
        let now = Instant::now();

        Self {
            signers,
            tokens,
            script,
            disk,
            in_place,
            rig,
            verifier,
            refresher,
            phases: vec![Phase { from: now, published: 1, down: false, slow: 0 }],
            forgotten: None,
            in_place_forgotten: false,
            began: now,
            cooldown: 0,
        }
    }

    fn now(&self) -> Phase {
        *self.phases.last().unwrap()
    }

    fn phase(&mut self, change: impl FnOnce(&mut Phase)) {
        let mut next = Phase { from: Instant::now(), ..self.now() };
        change(&mut next);
        self.phases.push(next);
        let published = self.signers.iter().enumerate().filter(|(key, _)| next.names(*key));
        let published: Vec<&Signer> = published.map(|(_, signer)| signer).collect();
        if next.down {
            self.script.fail(FetchResult::Network);
        } else {
            self.script.answer(key_set(&published));
        }
        self.script.takes(Duration::from_millis(next.slow));
    }

    fn yaml(&self) -> String {
        yaml(&self.signers, self.disk.as_ref(), self.in_place, self.cooldown)
    }

    async fn tell(&mut self, event: Event) -> Result<(), TestCaseError> {
        match event {
            Event::Publish(published) => self.phase(|phase| phase.published = published),
            Event::Down(down) => self.phase(|phase| phase.down = down),
            Event::Slow(slow) => self.phase(|phase| phase.slow = slow),
            Event::Forget => {
                self.verifier.forget_keys(CommandTarget::default());
                self.forgotten = Some(Instant::now());
                self.in_place_forgotten = true;
            }
            Event::Reload(cooldown) => self.reload(cooldown),
            Event::Restart => self.restart(),
            Event::Pass(seconds) => {
                // Every fetch of that time is written to the disk.
                let most = if self.disk.is_some() { 1_500 } else { u64::MAX };
                sleep(Duration::from_secs(seconds.min(most))).await;
            }
            Event::Check => {
                for key in 0..KEYS {
                    let verified = self.verifier.verify(&self.tokens[key], at(super::NOW), soon());
                    let verified = verified.await;
                    self.judge(key, verified.is_ok())?;
                }
            }
        }
        Ok(())
    }

    fn reload(&mut self, cooldown: u8) {
        self.cooldown = cooldown;
        let config = config::parse("test.yaml", &self.yaml(), &BTreeMap::new()).unwrap();
        let limits = VerifierLimits {
            max_token_bytes: 8192,
            claims_cache_bytes: 1 << 20,
            refusal_cache_bytes: 1 << 20,
        };
        let readiness = &self.rig.readiness;
        let parts = self.verifier.rebuild(&config.issuers, limits, &CLIENT, readiness).unwrap();
        let parts = parts.with_snapshots(config.key_snapshots.as_ref(), &config.issuers);
        let after = Arc::new(parts.verifier);
        if !parts.refreshers.is_empty() {
            self.refresher.abort();
            self.refresher = refresh(&self.rig, &after, &self.script);
            self.began = Instant::now();
        }
        after.forget_as(&self.verifier);
        self.verifier = after;
    }

    fn restart(&mut self) {
        self.refresher.abort();
        self.rig = rig_of(&self.yaml(), &[]);
        self.verifier = self.rig.verifier.clone();
        self.refresher = refresh(&self.rig, &self.verifier, &self.script);
        self.began = Instant::now();
        self.in_place_forgotten = false;
    }

    /// When this last held, if it ever did.
    fn last(&self, held: impl Fn(&Phase) -> bool) -> Option<Instant> {
        let ends = self.phases.iter().skip(1).map(|next| next.from).chain([Instant::now()]);
        let spans = self.phases.iter().zip(ends);
        spans.filter(|(phase, _)| held(phase)).map(|(_, end)| end).last()
    }

    fn judge(&self, key: usize, allowed: bool) -> Result<(), TestCaseError> {
        let ago = |then: Instant| then.elapsed().as_secs();
        let offered = self.last(|phase| phase.offers(key));
        let by_place = self.in_place && key == 0 && !self.in_place_forgotten;
        if allowed {
            // The clock of the disk is not the test's: how old its keys are is tested elsewhere.
            let most = REFRESH + MAX_STALE;
            let lately = offered.is_some_and(|at| self.disk.is_some() || ago(at) <= most);
            prop_assert!(lately || by_place, "{key} was never offered, or long ago");
            let since = offered.is_some_and(|at| self.forgotten.is_none_or(|then| at >= then));
            prop_assert!(since || by_place, "{key} was forgotten and not offered since");
            let without = self.last(|phase| phase.offers(key) || !phase.answers());
            let without = without.unwrap_or(self.phases[0].from).max(self.began);
            prop_assert!(ago(without) <= REFRESH + SLACK, "{key} is withdrawn since {without:?}");
            return Ok(());
        }
        let since = self.last(|phase| !phase.offers(key)).unwrap_or(self.phases[0].from);
        let since = since.max(self.began).max(self.forgotten.unwrap_or(since));
        prop_assert!(ago(since) <= REFRESH + SLACK, "{key} is offered since {since:?}");
        // An unknown name is asked for, once its cooldown is over.
        let replaced = self.last(|phase| phase.names(key ^ 1)).is_some() || self.in_place;
        let quick = self.last(|phase| phase.slow > 0).is_none();
        let most = COOLDOWN + 1 + u64::from(self.cooldown);
        prop_assert!(!quick || replaced || ago(since) <= most, "{key} could be had");
        Ok(())
    }
}

impl Drop for Story {
    fn drop(&mut self) {
        self.refresher.abort();
    }
}

fn yaml(signers: &[Signer], disk: Option<&TempDir>, in_place: bool, cooldown: u8) -> String {
    let set = serde_json::json!(String::from_utf8(key_set(&[&signers[0]])).unwrap());
    let set = if in_place { format!("key_set: {set}, ") } else { String::new() };
    let cooldown = COOLDOWN + u64::from(cooldown);
    let issuer = format!(
        "issuers: [{{name: one, kind: rownd, base_url: '{ISS}', apps: [{{id: {APP}}}], \
         {set}keys: {{cooldown: {cooldown}s}}}}]"
    );
    match disk {
        None => issuer,
        Some(disk) => {
            let directory = disk.path().join("keys");
            format!("{{{issuer}, key_snapshots: {{directory: {}}}}}", directory.display())
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a restart ends it, as it ends a process")]
fn refresh(rig: &Rig, verifier: &Verifier, script: &Script) -> JoinHandle<()> {
    let issuer = &verifier.issuers()[0];
    let (keys, source) = (issuer.rings[0].keys.clone(), Box::new(script.clone()));
    let series = FetchedIssuer { name: issuer.name().into(), label: issuer.label(), tenant: None };
    tokio::spawn(
        KeyRefresher::new(series, keys, source, rig.metrics.clone(), None)
            .run(BlockingRunner::new()),
    )
}

fn tell(events: &[Event], disk: bool, in_place: bool) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut story = Story::begin(disk, in_place);
        for event in events {
            // So that no two moments are one.
            sleep(Duration::from_millis(1)).await;
            story.tell(*event).await?;
        }
        story.tell(Event::Check).await
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_story_makes_a_withdrawn_key_verify_or_a_published_one_fail(
        events in prop::collection::vec(event(), 1..40), disk: bool, in_place: bool,
    ) {
        tell(&events, disk, in_place)?;
    }
}
