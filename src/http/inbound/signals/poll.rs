//! Security event tokens that are polled from a transmitter (RFC 8936).
//!
//! In: the address of the transmitter. Out: each token is taken as a pushed one is, and acknowledged
//! with the next request, or refused with an error code. A token that cannot be decided now is not
//! acknowledged, so the transmitter gives it out again.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::time::sleep;

use super::{
    push::result,
    replays::Replays,
    set::{self, SetRefusal},
};
use crate::{
    config::{EventPoll, EventSource},
    health::{Part, PartHealth, Parts},
    http::inbound::{
        effect::Effects,
        labels::{InboundKind, InboundResult},
    },
    log_throttle::LogThrottle,
    upstream::{
        BodyKind, CallSpec, Client, Connection, HttpMethod, Repeat, Request, UpstreamError,
        UrlOrigin,
    },
};

/// The most tokens of one answer that are taken. The others are given out again.
const MAX_TOKENS: usize = 1000;
/// The tokens that are taken at the same time: each waits for the other replicas.
const AT_A_TIME: usize = 64;
/// The tokens that are asked for.
const WANTED: u32 = 100;
/// The longest time of one request.
const TIME: Duration = Duration::from_secs(30);
/// The wait where there are more events, and where the transmitter does not know the fate of some.
const AT_ONCE: Duration = Duration::from_millis(50);
const SOON: Duration = Duration::from_secs(1);
/// The longest wait after failures.
const LONGEST: Duration = Duration::from_secs(300);
/// A fault is logged this often while it lasts.
const LOG_EVERY: Duration = Duration::from_secs(60);

const SPEC: CallSpec = CallSpec {
    method: HttpMethod::Post,
    body: BodyKind::Json,
    repeat: Repeat::ByCaller,
    connection: Connection::New,
    max_answer_bytes: 8 << 20,
};

/// Polls one transmitter.
#[derive(Debug)]
pub(in crate::http::inbound) struct Poller {
    source: EventSource,
    poll: EventPoll,
    upstream: Client,
    throttle: LogThrottle,
    health: PartHealth,
}

/// The tokens that the next request tells the fate of.
#[derive(Debug, Default)]
struct Fates {
    taken: Vec<String>,
    refused: Map<String, Value>,
}

/// The answer of a transmitter.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Batch {
    sets: Map<String, Value>,
    more_available: bool,
}

/// Why a transmitter gave no tokens.
#[derive(Debug, thiserror::Error)]
enum PollError {
    #[error("its issuer is no longer configured")]
    NoIssuer,
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    #[error("the answer is not that of a transmitter")]
    Malformed,
}

impl Poller {
    pub(in crate::http::inbound) fn new(
        source: &EventSource,
        poll: &EventPoll,
        upstream: Client,
        parts: &Parts,
    ) -> Self {
        let throttle = LogThrottle::once_per(LOG_EVERY);
        let health = parts.part(Part::EventPoll, source.name());
        Self { source: source.clone(), poll: poll.clone(), upstream, throttle, health }
    }

    /// Polls until dropped.
    pub(in crate::http::inbound) async fn run(self, effects: &Effects, replays: &Arc<Replays>) {
        let every = self.poll.every();
        let (mut fates, mut wait) = (Fates::default(), every);
        loop {
            match self.ask(effects, &fates).await {
                Ok(batch) => {
                    self.health.works();
                    let some = !batch.sets.is_empty();
                    fates = self.take(effects, replays, batch.sets).await;
                    // A transmitter that gives out the same again must not make this turn fast.
                    let is_done = fates.taken.is_empty() && fates.refused.is_empty();
                    wait = match (is_done, some && batch.more_available) {
                        (false, true) => AT_ONCE,
                        // So that the transmitter knows their fate soon.
                        (false, false) => every.min(SOON),
                        (true, _) => every,
                    };
                }
                Err(error) => {
                    self.health.failed(&error);
                    effects
                        .metrics
                        .inbound_ended(InboundKind::SharedSignalsPoll, InboundResult::Unreachable);
                    if let Some(dropped) = self.throttle.admit() {
                        let source = self.source.name();
                        tracing::error!(source, %error, dropped, "events could not be polled");
                    }
                    wait = (wait * 2).min(LONGEST).max(every);
                }
            }
            sleep(wait).await;
        }
    }

    async fn ask(&self, effects: &Effects, fates: &Fates) -> Result<Batch, PollError> {
        let snapshot = effects.authorizer.snapshot();
        let mut issuers = snapshot.verifier().issuers().iter();
        let issuer = issuers.find(|issuer| issuer.name() == self.source.issuer());
        let issuer = issuer.ok_or(PollError::NoIssuer)?;
        let mut body = Map::new();
        body.insert("maxEvents".to_owned(), WANTED.into());
        body.insert("returnImmediately".to_owned(), true.into());
        if !fates.taken.is_empty() {
            body.insert("ack".to_owned(), json!(fates.taken));
        }
        if !fates.refused.is_empty() {
            body.insert("setErrs".to_owned(), json!(fates.refused));
        }
        let authorization = self.poll.token().map(|token| format!("Bearer {}", token.expose()));
        let mut headers = vec![("accept", "application/json")];
        if let Some(authorization) = &authorization {
            headers.push(("authorization", authorization));
        }
        let request = Request {
            spec: SPEC,
            url: self.poll.url(),
            origin: UrlOrigin::Operator,
            headers: &headers,
            body: Value::Object(body).to_string().into(),
            timeout: TIME,
        };
        let answer = self.upstream.for_issuer(issuer.settings()).call(request).await?;
        if answer.status != 200 {
            return Err(answer.error().into());
        }
        serde_json::from_slice(&answer.body).map_err(|_| PollError::Malformed)
    }

    /// Takes the tokens. Their order does not matter: each revokes only what was issued before its event.
    async fn take(&self, effects: &Effects, replays: &Replays, sets: Map<String, Value>) -> Fates {
        let mut fates = Fates::default();
        let taking = sets.into_iter().take(MAX_TOKENS).map(|(jti, set)| async move {
            let outcome = match set {
                Value::String(token) => {
                    set::take(effects, &self.source, replays, &token.into()).await
                }
                _ => Err(SetRefusal::Never("invalid_request", "the token is not a text")),
            };
            (jti, outcome)
        });
        let mut taken = stream::iter(taking).buffer_unordered(AT_A_TIME);
        while let Some((jti, outcome)) = taken.next().await {
            let ended = match outcome {
                Ok(taken) => {
                    fates.taken.push(jti);
                    result(taken)
                }
                Err(SetRefusal::Never(err, description)) => {
                    let error = json!({ "err": err, "description": description });
                    fates.refused.insert(jti, error);
                    InboundResult::TokenRefused
                }
                Err(SetRefusal::Now(refusal)) => refusal.result(),
            };
            effects.metrics.inbound_ended(InboundKind::SharedSignalsPoll, ended);
        }
        fates
    }
}
