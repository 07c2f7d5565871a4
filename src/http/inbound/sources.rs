//! The servers that send events, each with its path and its gate.

use std::{collections::HashMap, sync::Arc};

use axum::{extract::Request, response::Response};
use http::{Method, StatusCode};
use serde_json::Value;

use super::{
    answer::{Refusal, plain_json},
    body,
    effect::Effects,
    gate::{Gate, InboundPeer, Shown},
    labels::{InboundKind, InboundResult},
    rereads::Rereads,
    rownd_webhook::{self, Told},
    signals::{self, Poller, Replays},
};
use crate::{
    config::{Config, EventSource, EventSourceKind},
    shared::SharedStore,
    upstream::Client,
};

/// One server that sends events.
#[derive(Debug)]
pub(super) struct Source {
    gate: Gate,
    pub(super) settings: EventSource,
}

impl Source {
    const fn kind(&self) -> InboundKind {
        match self.settings.kind() {
            EventSourceKind::RowndWebhook => InboundKind::RowndWebhook,
            EventSourceKind::SharedSignals => InboundKind::SharedSignalsPush,
            EventSourceKind::BackChannelLogout => InboundKind::BackChannelLogout,
        }
    }
}

/// The servers by their names.
#[derive(Debug)]
pub(super) struct Sources {
    by_name: HashMap<String, Source>,
    pub(super) rereads: Rereads,
    /// Of all sources.
    pub(super) replays: Arc<Replays>,
}

impl Sources {
    pub(super) fn build(config: &Config, store: Option<Arc<dyn SharedStore>>) -> Self {
        let source = |settings: &EventSource| {
            let gate = Gate::build(settings.caller.as_ref());
            (settings.name().to_owned(), Source { gate, settings: settings.clone() })
        };
        let by_name = config.events.sources.iter().map(source).collect();
        Self { by_name, rereads: Rereads::default(), replays: Arc::new(Replays::new(store)) }
    }

    /// The tasks that poll.
    pub(super) fn pollers(&self, upstream: &Client) -> Vec<Poller> {
        let polled = self.by_name.values().filter_map(|source| {
            let poll = source.settings.poll.as_ref()?;
            Some(Poller::new(&source.settings, poll, upstream.clone()))
        });
        polled.collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    pub(super) fn find(&self, name: &str) -> Option<&Source> {
        self.by_name.get(name)
    }

    /// Obeys a request. `rest` is the path: the name, and the secret where it is in the path.
    pub(super) async fn answer(
        &self,
        effects: &Effects,
        rest: &str,
        peer: &InboundPeer,
        request: Request,
    ) -> (InboundKind, InboundResult, Response) {
        let (name, path) = match rest.split_once('/') {
            // A slash at the end is another path.
            Some((name, "")) => (name, "/"),
            Some(split) => split,
            None => (rest, ""),
        };
        // An unknown client does not learn which names there are.
        let pushed = self.find(name).filter(|source| source.settings.poll.is_none());
        let Some(source) = pushed else {
            let refusal = Refusal::Caller;
            return (InboundKind::Unknown, refusal.result(), refusal.response());
        };
        let shown = Shown { path, headers: request.headers(), peer };
        let (result, response) = match source.gate.admit(shown) {
            Ok(under_way) => {
                let outcome = self.obey(effects, source, request).await;
                drop(under_way);
                outcome
            }
            Err(refusal) => {
                let is_push = source.settings.kind() == EventSourceKind::SharedSignals;
                let response = match (&refusal, is_push && path.is_empty()) {
                    (Refusal::Caller, true) => signals::not_authenticated(),
                    _ => refusal.response(),
                };
                (refusal.result(), response)
            }
        };
        (source.kind(), result, response)
    }

    async fn obey(
        &self,
        effects: &Effects,
        source: &Source,
        request: Request,
    ) -> (InboundResult, Response) {
        let settings = &source.settings;
        match settings.kind() {
            EventSourceKind::RowndWebhook => {
                match self.obey_webhook_of(effects, settings, request).await {
                    Ok(body) => (InboundResult::Ok, plain_json(StatusCode::OK, &body)),
                    Err(refusal) => (refusal.result(), refusal.response()),
                }
            }
            EventSourceKind::SharedSignals => {
                signals::push(effects, settings, &self.replays, request).await
            }
            EventSourceKind::BackChannelLogout => {
                signals::logout(effects, settings, &self.replays, request).await
            }
        }
    }

    async fn obey_webhook_of(
        &self,
        effects: &Effects,
        source: &EventSource,
        request: Request,
    ) -> Result<Value, Refusal> {
        // Rownd lets its customer choose the method.
        if !matches!(*request.method(), Method::POST | Method::PUT | Method::PATCH) {
            let message = "only POST, PUT and PATCH";
            return Err(Refusal::Malformed(StatusCode::METHOD_NOT_ALLOWED, message));
        }
        let told = rownd_webhook::read(&body::object(request).await?)?;
        self.obey_webhook(effects, source, &told).await
    }

    /// Obeys a webhook of Rownd. A user who cannot be read now is read again later, by the sender's
    /// repetition or by this service itself.
    async fn obey_webhook(
        &self,
        effects: &Effects,
        source: &EventSource,
        told: &Told,
    ) -> Result<Value, Refusal> {
        let outcome = rownd_webhook::obey_once(effects, source, told).await;
        match &outcome {
            Ok(_) => self.rereads.done(source.name(), &told.user),
            Err(Refusal::Undecided(..)) => self.rereads.note(source.name(), told),
            Err(
                Refusal::Caller | Refusal::TooOften(_) | Refusal::Malformed(..) | Refusal::Token(_),
            ) => {}
        }
        outcome
    }
}
