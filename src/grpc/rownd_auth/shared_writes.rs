//! One change for one request id, across all replicas.
//!
//! In: a change that this replica would make. Out: its answer, the answer of the replica that has made
//! it, or that nobody can know. A mark is written before the change is sent to the issuer; the answer
//! takes its place, sealed by the key of the deployment. A mark whose answer never comes stays, so
//! that a change that may have been made is not made again.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::time::sleep;
use tonic::{Code, Status};

use super::{
    details::{SOON, retryable},
    fault::{Fault, is_final, used_for_another_request},
    reason::ErrorReason,
};
use crate::{
    config::{OnOutage, Shared},
    digest::{Sha256, hex},
    shared::{
        Deployment, Held, LaterWrite, LaterWrites, Sealer, SharedError, SharedStore, put_answer,
        while_marked,
    },
};

/// The answer of another replica is looked for this often.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// A change takes less than this, or its replica is gone.
const LONGEST: Duration = Duration::from_secs(120);
/// A refusal is kept so long for the replicas that wait for it. A later call is made again.
const KEEP_REFUSAL: Duration = Duration::from_secs(2);
/// The first bytes of a mark. A sealed answer begins with others.
const STARTED: &[u8] = b"started ";
const SEALED: &[u8] = b"sealed ";
/// The first part of the name of a change in the store.
const NAME: &str = "change:";
/// The bytes of the digest of a request.
const DIGEST: usize = size_of::<Sha256>();

/// The changes of all replicas that have a request id.
pub struct SharedWrites {
    store: Arc<dyn SharedStore>,
    deployment: Deployment,
    on_outage: OnOutage,
    later: LaterWrites,
}

impl fmt::Debug for SharedWrites {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedWrites").finish_non_exhaustive()
    }
}

/// A change in the store.
struct Entry<'a> {
    name: String,
    sealer: Sealer,
    mark: Vec<u8>,
    request: &'a Sha256,
    /// For how long its answer is kept, and its mark if none comes.
    keep: Duration,
}

/// The meaning of a value of the store.
enum Reading {
    /// Another replica makes the change.
    Started,
    /// How it ended, or that it is not known.
    Ended(Result<Bytes, Status>),
}

impl SharedWrites {
    /// By way of this store, and of what writes there later.
    #[must_use]
    pub fn new(settings: &Shared, store: Arc<dyn SharedStore>, later: LaterWrites) -> Arc<Self> {
        let deployment = Deployment::new(&settings.key);
        Arc::new(Self { store, deployment, on_outage: settings.on_outage, later })
    }

    /// The answer of this change, or of the same one at another replica.
    pub(super) async fn once(
        &self,
        key: &[u8],
        request: &Sha256,
        keep: Duration,
        change: impl Future<Output = Result<Bytes, Status>> + Send,
    ) -> Result<Bytes, Status> {
        let not_shared = || Fault::NotShared(SOON).status();
        let entry = self.entry(key, request, keep).ok_or_else(not_shared)?;
        match self.claim(&entry).await {
            Ok(None) => self.make(&entry, change).await,
            Ok(Some(known)) => known,
            Err(_) if self.on_outage == OnOutage::Local => self.make(&entry, change).await,
            Err(error) => {
                tracing::warn!(%error, "a change with a request id is refused, and nothing was sent");
                // The store may still have written the mark.
                self.later(&entry.name, &entry.mark, LaterWrite::Nothing, keep);
                Err(not_shared())
            }
        }
    }

    fn entry<'a>(&self, key: &[u8], request: &'a Sha256, keep: Duration) -> Option<Entry<'a>> {
        let name = format!("{NAME}{}", self.deployment.name_of(key));
        let sealer = self.deployment.sealer(&name)?;
        let mut own = [0; 16];
        aws_lc_rs::rand::fill(&mut own).ok()?;
        // The request can be compared, and not be guessed by who reads the store.
        let digest = self.deployment.name_of(request.as_ref());
        let mark = [STARTED, digest.as_bytes(), b" ", hex(&own).as_bytes()].concat();
        Some(Entry { name, sealer, mark, request, keep })
    }

    /// Writes the mark. `None`: it is there, and this replica is to make the change. Else how the
    /// change of the other replica ended.
    async fn claim(&self, entry: &Entry<'_>) -> Result<Option<Result<Bytes, Status>>, SharedError> {
        let put = self.store.put_if_absent(&entry.name, &entry.mark, entry.keep);
        let Some(mut held) = put.await? else { return Ok(None) };
        loop {
            match self.read(entry, &held) {
                Reading::Ended(answer) => return Ok(Some(answer)),
                Reading::Started => sleep(LOOK_EVERY).await,
            }
            match self.store.get(&entry.name).await {
                Ok(Some(later)) => held = later,
                // The store has lost it or does not answer. Another replica makes the change, so
                // this one must not, and no later call either.
                lost @ (Ok(None) | Err(_)) => {
                    self.put_back(entry, &held, lost.is_err()).await;
                    return Ok(Some(Err(unknown())));
                }
            }
        }
    }

    /// Puts the mark of another replica back.
    async fn put_back(&self, entry: &Entry<'_>, held: &Held, is_away: bool) {
        let put = async { self.store.put_if_absent(&entry.name, &held.value, held.left).await };
        if is_away || put.await.is_err() {
            self.later(&entry.name, &held.value, LaterWrite::Mark, held.left);
        }
    }

    fn read(&self, entry: &Entry<'_>, held: &Held) -> Reading {
        if let Some(sealed) = held.value.strip_prefix(SEALED) {
            // An answer by another key is one that this replica cannot know.
            let opened = entry.sealer.open(sealed);
            let answer = opened.and_then(|text| read_answer(&text, entry.request));
            return Reading::Ended(answer.unwrap_or_else(|| Err(unknown())));
        }
        let request = self.deployment.name_of(entry.request.as_ref());
        match held.value.strip_prefix(STARTED) {
            Some(rest) if !rest.starts_with(request.as_bytes()) => {
                Reading::Ended(Err(used_for_another_request()))
            }
            Some(_) if entry.keep.saturating_sub(held.left) <= LONGEST => Reading::Started,
            _ => Reading::Ended(Err(unknown())),
        }
    }

    /// Makes the change, and writes its end in the place of the mark.
    async fn make(
        &self,
        entry: &Entry<'_>,
        change: impl Future<Output = Result<Bytes, Status>> + Send,
    ) -> Result<Bytes, Status> {
        let place = (entry.name.as_str(), entry.mark.as_slice());
        let answer = while_marked(&*self.store, place, entry.keep, change).await;
        let keep = if is_final(&answer) { entry.keep } else { KEEP_REFUSAL };
        // Without a sealed answer the mark stays: the other replicas cannot know the outcome.
        if let Some(sealed) = entry.sealer.seal(&write_answer(&answer, entry.request)) {
            let sealed = [SEALED, &sealed].concat();
            if put_answer(&*self.store, place, &sealed, keep).await.is_err() {
                self.later(&entry.name, &entry.mark, LaterWrite::Answer(sealed), keep);
            }
        }
        answer
    }

    /// Has it written when the store answers again.
    fn later(&self, name: &str, mark: &[u8], write: LaterWrite, within: Duration) {
        if !self.later.write(name.to_owned(), mark.to_owned(), write, within) {
            tracing::warn!(
                "too many writes wait for the shared state: the outcome of a change will be \
                 unknown to the other replicas"
            );
        }
    }
}

fn unknown() -> Status {
    let message = "another replica was asked for this change, and it is not known whether it took \
                   effect: read before you try again";
    retryable(ErrorReason::WriteOutcomeUnknown, message, SOON, [])
}

/// The digest of the request; then a code and the message, or the code and the details of an error.
fn write_answer(answer: &Result<Bytes, Status>, request: &Sha256) -> Vec<u8> {
    let mut text = request.to_vec();
    match answer {
        Ok(message) => {
            text.push(0);
            text.extend_from_slice(message);
        }
        Err(status) => {
            text.push(u8::try_from(i32::from(status.code())).unwrap_or(2));
            let message = status.message().as_bytes();
            text.extend_from_slice(&(message.len() as u64).to_be_bytes());
            text.extend_from_slice(message);
            text.extend_from_slice(status.details());
        }
    }
    text
}

/// `None`: it is no such text.
fn read_answer(text: &[u8], request: &Sha256) -> Option<Result<Bytes, Status>> {
    let (of, rest) = text.split_at_checked(DIGEST)?;
    if of != request.as_slice() {
        return Some(Err(used_for_another_request()));
    }
    let (code, rest) = rest.split_first()?;
    if *code == 0 {
        return Some(Ok(Bytes::copy_from_slice(rest)));
    }
    let (length, rest) = rest.split_first_chunk()?;
    let length = usize::try_from(u64::from_be_bytes(*length)).ok()?;
    let (message, details) = rest.split_at_checked(length)?;
    let message = String::from_utf8_lossy(message);
    let code = Code::from_i32(i32::from(*code));
    Some(Err(Status::with_details(code, message, Bytes::copy_from_slice(details))))
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        time::Duration,
    };

    use bytes::Bytes;
    use tokio::time::{Instant, advance, sleep};
    use tonic::{Code, Status};

    use super::SharedWrites;
    use crate::{
        config::{OnOutage, Shared},
        digest::sha256,
        grpc::rownd_auth::fault::{is_outcome_unknown, reason_of},
        shared::{MemoryStore, SharedStore, fakes::Gone, later_writes},
    };

    const KEEP: Duration = Duration::from_secs(600);

    fn replica(store: &Arc<dyn SharedStore>, on_outage: OnOutage) -> Arc<SharedWrites> {
        let (later, _work) = later_writes(store.clone());
        SharedWrites::new(&Shared::of_tests(on_outage), store.clone(), later)
    }

    fn memory() -> Arc<dyn SharedStore> {
        Arc::new(MemoryStore::new())
    }

    /// An issuer that counts, and answers after a while.
    #[derive(Default)]
    struct Issuer(AtomicUsize);

    impl Issuer {
        async fn change(&self, answer: Result<&'static str, Status>) -> Result<Bytes, Status> {
            self.0.fetch_add(1, Ordering::Relaxed);
            sleep(Duration::from_secs(1)).await;
            answer.map(|text| Bytes::from_static(text.as_bytes()))
        }

        fn asked(&self) -> usize {
            self.0.load(Ordering::Relaxed)
        }
    }

    /// Everything that a client sees of an answer.
    fn seen(answer: &Result<Bytes, Status>) -> (Code, String, Vec<u8>) {
        match answer {
            Ok(message) => (Code::Ok, String::new(), message.to_vec()),
            Err(status) => (status.code(), status.message().to_owned(), status.details().to_vec()),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_replica_makes_the_change_and_the_other_gets_its_answer() {
        let store = memory();
        let (a, b) = (replica(&store, OnOutage::Refuse), replica(&store, OnOutage::Refuse));
        let refusal =
            Status::with_details(Code::NotFound, "no such user", Bytes::from_static(b"\x01\xff"));
        for (name, answer, later_makes) in [
            ("made", Ok("user_1"), false),
            ("an empty answer", Ok(""), false),
            ("refused", Err(refusal), true),
            ("unknown", Err(super::unknown()), false),
        ] {
            let (issuer, request) = (Issuer::default(), sha256(b"request"));
            let key = name.as_bytes();
            let (first, second) = tokio::join!(
                a.once(key, &request, KEEP, issuer.change(answer.clone())),
                b.once(key, &request, KEEP, issuer.change(Ok("of another"))),
            );
            let expected = answer.map(|text| Bytes::from_static(text.as_bytes()));
            assert_eq!((seen(&first), seen(&second)), (seen(&expected), seen(&expected)), "{name}");
            assert_eq!(issuer.asked(), 1, "{name}");
            advance(Duration::from_secs(60)).await;
            let later = b.once(key, &request, KEEP, issuer.change(Ok("later"))).await;
            let expected = if later_makes { Ok(Bytes::from_static(b"later")) } else { expected };
            assert_eq!(seen(&later), seen(&expected), "{name}: a minute later");
            assert_eq!(issuer.asked(), if later_makes { 2 } else { 1 }, "{name}: a minute later");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_id_that_another_request_has_is_refused_under_way_and_afterwards() {
        let store = memory();
        let (a, b) = (replica(&store, OnOutage::Refuse), replica(&store, OnOutage::Refuse));
        let (issuer, one, other) = (Issuer::default(), sha256(b"one"), sha256(b"other"));
        let (made, refused) = tokio::join!(
            a.once(b"id", &one, KEEP, issuer.change(Ok("made"))),
            b.once(b"id", &other, KEEP, issuer.change(Ok("made"))),
        );
        assert!(made.is_ok());
        let afterwards = b.once(b"id", &other, KEEP, issuer.change(Ok("made"))).await;
        for answer in [refused, afterwards] {
            assert_eq!(answer.unwrap_err().code(), Code::InvalidArgument);
        }
        assert_eq!(issuer.asked(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn the_change_of_a_replica_that_is_gone_is_not_made_again() {
        let store = memory();
        let (a, b) = (replica(&store, OnOutage::Refuse), replica(&store, OnOutage::Local));
        let (issuer, request) = (Issuer::default(), sha256(b"request"));
        tokio::select! {
            _ = a.once(b"id", &request, KEEP, issuer.change(Ok("lost"))) => panic!("it cannot have ended"),
            () = sleep(Duration::from_millis(500)) => {}
        }
        let began = Instant::now();
        for _ in 0..2 {
            let answer = b.once(b"id", &request, KEEP, issuer.change(Ok("again"))).await;
            assert!(is_outcome_unknown(&answer.unwrap_err()));
        }
        assert_eq!(issuer.asked(), 1);
        assert!(began.elapsed() < Duration::from_secs(130), "{:?}", began.elapsed());
        // Afterwards the id is free.
        advance(KEEP).await;
        assert!(b.once(b"id", &request, KEEP, issuer.change(Ok("again"))).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn without_the_store_nothing_is_sent_unless_that_is_configured() {
        let request = sha256(b"request");
        for (mark, on_outage, reason, asked) in [
            (None, OnOutage::Refuse, "SHARED_STATE_UNAVAILABLE", 0),
            (None, OnOutage::Local, "", 1),
            // Another replica makes the change, and then the store is gone.
            (Some(b"started ".as_slice()), OnOutage::Refuse, "BAD_REQUEST", 0),
            (
                Some(b"sealed of another form".as_slice()),
                OnOutage::Local,
                "WRITE_OUTCOME_UNKNOWN",
                0,
            ),
            (Some(b"of another program".as_slice()), OnOutage::Local, "WRITE_OUTCOME_UNKNOWN", 0),
        ] {
            let issuer = Issuer::default();
            let store: Arc<dyn SharedStore> = Arc::new(Gone { mark });
            let answer = replica(&store, on_outage);
            let answer = answer.once(b"id", &request, KEEP, issuer.change(Ok("made"))).await;
            let told = answer.map_or_else(|status| reason_of(&status), |_| String::new());
            assert_eq!((told.as_str(), issuer.asked()), (reason, asked), "{mark:?} {on_outage:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_store_holds_nothing_of_a_change_in_clear_text() {
        let store = memory();
        let a = replica(&store, OnOutage::Refuse);
        let (issuer, request) = (Issuer::default(), sha256(b"request"));
        a.once(b"id", &request, KEEP, issuer.change(Ok("the secret of a client"))).await.unwrap();
        let name = format!("change:{}", a.deployment.name_of(b"id"));
        let held = store.get(&name).await.unwrap().unwrap();
        assert!(held.left <= KEEP);
        for part in [b"the secret".as_slice(), b"secret of a client", &request] {
            assert!(!held.value.windows(part.len()).any(|window| window == part));
        }
    }
}
