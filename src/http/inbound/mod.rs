//! Requests of other servers to this service, on the listeners `http` and `public_http`: the question of Rownd's token
//! validator, and events.
//!
//! In: a request, and the other end of its connection. Out: a response in JSON; a request that has not
//! proved its sender is refused before its body is read. Nothing that comes in a body is believed: a
//! token is verified, and a user is read again.

mod answer;
mod body;
mod browser;
mod effect;
mod fields;
mod gate;
mod labels;
mod rereads;
mod rownd_webhook;
mod signals;
mod sources;
#[cfg(test)]
mod tests;
mod token_validator;
mod tokens;
mod work;

use std::sync::Arc;

use axum::{extract::Request, response::Response};
use http::StatusCode;

use crate::{
    authz::Authorizer,
    config::{Config, HttpGroup},
    health::Parts,
    log_throttle::LogThrottle,
    metrics::{LabelValues, Labels, Metrics},
    shared::SharedStore,
    upstream::Client,
    verify::RevocationReplica,
};
use answer::plain_json;
use effect::Effects;
pub use gate::InboundPeer;
use labels::{InboundKind, InboundResult};
use sources::Sources;
use token_validator::Validator;
pub use work::InboundWork;

const VALIDATOR: &str = "/token-validator";
const WEBHOOKS: &str = "/webhooks/";

/// Adds the labels of this part.
pub(super) fn add_labels(labels: &mut Labels) {
    labels.inbound_kinds = LabelValues::of::<InboundKind>();
    labels.inbound_results = LabelValues::of::<InboundResult>();
}

/// The paths that other servers call.
pub struct Inbound {
    effects: Effects,
    validator: Option<Validator>,
    sources: Arc<Sources>,
    throttle: LogThrottle,
}

impl std::fmt::Debug for Inbound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inbound").finish_non_exhaustive()
    }
}

/// The parts of the process that events need beside the configuration in force.
#[derive(Debug)]
pub struct InboundShared<'a> {
    /// The list of revocations as other replicas have it, where replicas share their state.
    pub replica: Option<Arc<RevocationReplica>>,
    /// The state that replicas share.
    pub store: Option<Arc<dyn SharedStore>>,
    /// The client that polls.
    pub upstream: &'a Client,
    /// The place where faults of polling are told.
    pub parts: &'a Parts,
}

/// The rest of a path behind that of the token validator.
fn below_validator(path: &str) -> Option<&str> {
    let rest = path.strip_prefix(VALIDATOR)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
}

impl Inbound {
    /// The paths that the configuration switches on, and the work that goes with them. `None`: there
    /// are none.
    #[must_use]
    pub fn build(
        config: &Config,
        authorizer: Arc<Authorizer>,
        metrics: Arc<Metrics>,
        shared: InboundShared<'_>,
    ) -> Option<(Arc<Self>, InboundWork)> {
        if config.token_validator.is_none() && config.events.sources.is_empty() {
            return None;
        }
        let InboundShared { replica, store, upstream, parts } = shared;
        let effects = Effects::new(authorizer, metrics, replica);
        let sources = Arc::new(Sources::build(config, store));
        let work = InboundWork::new(effects.clone(), sources.clone(), (upstream, parts));
        let validator = config.token_validator.as_ref().map(Validator::build);
        let throttle = LogThrottle::per_second(1);
        Some((Arc::new(Self { effects, validator, sources, throttle }), work))
    }

    /// The group that this path is of, if it is one of them.
    #[must_use]
    pub fn group_of(&self, path: &str) -> Option<HttpGroup> {
        if self.validator.is_some() && below_validator(path).is_some() {
            return Some(HttpGroup::TokenValidator);
        }
        let is_event = !self.sources.is_empty() && path.starts_with(WEBHOOKS);
        is_event.then_some(HttpGroup::Webhooks)
    }

    /// Answers a request that comes from this peer.
    pub async fn answer(&self, peer: &InboundPeer, request: Request) -> Response {
        let path = request.uri().path().to_owned();
        let (kind, result, response) = match (&self.validator, below_validator(&path)) {
            (Some(validator), Some(rest)) => {
                let answer = validator.answer(&self.effects.authorizer, rest, peer, request).await;
                let (result, response) = match answer {
                    Ok(body) => (InboundResult::Ok, plain_json(StatusCode::OK, &body)),
                    Err(refusal) => (refusal.result(), refusal.response()),
                };
                (InboundKind::TokenValidator, result, response)
            }
            _ => {
                let rest = path.strip_prefix(WEBHOOKS).unwrap_or_default();
                self.sources.answer(&self.effects, rest, peer, request).await
            }
        };
        self.effects.metrics.inbound_ended(kind, result);
        if result.is_refusal()
            && let Some(dropped) = self.throttle.admit()
        {
            // The path may hold a secret, the body is whatever was sent.
            let (kind, result): (&str, &str) = (kind.into(), result.into());
            tracing::warn!(kind, result, dropped, "a request of another server was refused");
        }
        response
    }
}
