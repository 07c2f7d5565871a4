//! The servers that send events, each with its path and its gate.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use axum::{extract::Request, response::Response};
use http::{Method, StatusCode};
use serde_json::Value;

use super::{
    answer::{Refusal, plain_json},
    body::AdmittedRequest,
    browser::{self, Callback, Pages},
    effect::Effects,
    gate::{Gate, InboundPeer, Shown},
    labels::{InboundKind, InboundResult},
    rereads::Rereads,
    rownd_webhook::{self, Told},
    signals::{self, Poller, Replays},
};
use crate::{
    config::{Config, EventSource, EventSourceKind, HttpGroup},
    health::Parts,
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
            EventSourceKind::BrowserCallbacks => InboundKind::BrowserCallback,
        }
    }
}

/// The servers by their names.
#[derive(Debug)]
pub(super) struct Sources {
    by_name: HashMap<String, Source>,
    /// The users to be read again, by the name of their issuer: one that hangs holds up no other.
    rereads: BTreeMap<String, Rereads>,
    /// Of all sources.
    pub(super) replays: Arc<Replays>,
    pages: Pages,
}

impl Sources {
    pub(super) fn build(config: &Config, store: Option<Arc<dyn SharedStore>>) -> Self {
        let source = |settings: &EventSource| {
            let gate = Gate::build(settings.caller.as_ref());
            (settings.name().to_owned(), Source { gate, settings: settings.clone() })
        };
        let sources = &config.events.sources;
        let webhooks =
            sources.iter().filter(|source| source.kind() == EventSourceKind::RowndWebhook);
        let rereads = webhooks.map(|source| (source.issuer().to_owned(), Rereads::default()));
        let listener = config.listeners.serving(HttpGroup::Webhooks);
        let cors = listener.and_then(|(listener, _)| listener.cors);
        Self {
            by_name: sources.iter().map(source).collect(),
            rereads: rereads.collect(),
            replays: Arc::new(Replays::new(store)),
            pages: Pages::new(cors),
        }
    }

    /// The users to be read again, a list for each issuer.
    pub(super) fn rereads(&self) -> impl Iterator<Item = &Rereads> {
        self.rereads.values()
    }

    /// The tasks that poll.
    pub(super) fn pollers(&self, upstream: &Client, parts: &Parts) -> Vec<Poller> {
        let polled = self.by_name.values().filter_map(|source| {
            let poll = source.settings.poll.as_ref()?;
            Some(Poller::new(&source.settings, poll, upstream.clone(), parts))
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
        if source.settings.kind() == EventSourceKind::BrowserCallbacks {
            return self.answer_page(effects, source, path, peer, request).await;
        }
        let shown = Shown { path, headers: request.headers(), peer };
        let (result, response) = match source.gate.admit(shown) {
            Ok(mut under_way) => {
                let request = AdmittedRequest { request, under_way: &mut under_way };
                self.obey(effects, source, request).await
            }
            Err(Refusal::TooOften(wait))
                if source.settings.kind() == EventSourceKind::RowndWebhook =>
            {
                let refusal = match self.note_webhook(source, request).await {
                    Ok(()) => Refusal::TooOften(wait),
                    Err(refusal) => refusal,
                };
                (refusal.result(), refusal.response())
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

    /// Answers a callback of Rownd's snippet, or the question of a browser whether a page may send one.
    async fn answer_page(
        &self,
        effects: &Effects,
        source: &Source,
        path: &str,
        peer: &InboundPeer,
        request: Request,
    ) -> (InboundKind, InboundResult, Response) {
        let kind = InboundKind::BrowserCallback;
        let callback = match Callback::of_path(path) {
            Some(callback) => self.pages.check(&request).map(|()| callback),
            None => Err(Refusal::Caller),
        };
        let callback = match callback {
            Ok(callback) => callback,
            Err(refusal) => return (kind, refusal.result(), refusal.response()),
        };
        // The answer to a preflight has none.
        let mut result = InboundResult::Ok;
        let told = &mut result;
        let response = self.pages.answer(request, async |request: Request| {
            let shown = Shown { path: "", headers: request.headers(), peer };
            let (result, response) = match source.gate.admit(shown) {
                Ok(mut under_way) => {
                    let request = AdmittedRequest { request, under_way: &mut under_way };
                    browser::answer(effects, &source.settings, callback, request).await
                }
                Err(refusal) => (refusal.result(), refusal.response()),
            };
            *told = result;
            response
        });
        let response = response.await;
        (kind, result, response)
    }

    async fn obey(
        &self,
        effects: &Effects,
        source: &Source,
        request: AdmittedRequest<'_>,
    ) -> (InboundResult, Response) {
        let settings = &source.settings;
        match settings.kind() {
            EventSourceKind::BrowserCallbacks => {
                // They have a way of their own.
                (Refusal::Caller.result(), Refusal::Caller.response())
            }
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
        request: AdmittedRequest<'_>,
    ) -> Result<Value, Refusal> {
        let told = told_by(request).await?;
        self.obey_webhook(effects, source, &told).await
    }

    /// Notes the user of a webhook that comes too often to be obeyed now: Rownd does not say that it
    /// repeats one.
    ///
    /// # Errors
    ///
    /// It is no webhook, or there is no place to read it.
    async fn note_webhook(&self, source: &Source, request: Request) -> Result<(), Refusal> {
        let mut under_way = source.gate.place()?;
        let told = told_by(AdmittedRequest { request, under_way: &mut under_way }).await?;
        if let Some(rereads) = self.rereads.get(source.settings.issuer()) {
            rereads.note(source.settings.name(), &told);
        }
        Ok(())
    }

    /// Obeys a webhook of Rownd. A user who cannot be read now is read again later, by the sender's
    /// repetition or by this service itself; and so is one whose webhook was cut off half way, because
    /// Rownd does not say that it repeats one.
    async fn obey_webhook(
        &self,
        effects: &Effects,
        source: &EventSource,
        told: &Told,
    ) -> Result<Value, Refusal> {
        let Some(rereads) = self.rereads.get(source.issuer()) else {
            return rownd_webhook::obey_once(effects, source, told).await;
        };
        let unless_obeyed = rereads.unless_done(source.name(), told);
        let outcome = rownd_webhook::obey_once(effects, source, told).await;
        if outcome.is_ok() {
            unless_obeyed.done();
        }
        outcome
    }
}

/// The operation and the user that a webhook of Rownd names.
async fn told_by(request: AdmittedRequest<'_>) -> Result<Told, Refusal> {
    // Rownd lets its customer choose the method.
    if !matches!(*request.method(), Method::POST | Method::PUT | Method::PATCH) {
        let message = "only POST, PUT and PATCH";
        return Err(Refusal::Malformed(StatusCode::METHOD_NOT_ALLOWED, message));
    }
    rownd_webhook::read(&request.object().await?)
}
