//! The work that goes on beside the requests of other servers: users of webhooks are read again, and
//! events are polled.
//!
//! In: the users that wait, and the places of events. Out: the effect of both, for as long as the
//! process serves.

use std::sync::Arc;

use futures_util::future::{join, join_all};

use super::{
    effect::Effects,
    labels::{InboundKind, InboundResult},
    rereads::{Rereads, Waiting},
    rownd_webhook,
    signals::Poller,
    sources::Sources,
};
use crate::{health::Parts, upstream::Client};

/// The users of one issuer that are read again at the same time.
const AT_ONCE: usize = 4;

/// The work, for as long as the process serves.
#[derive(Debug)]
pub struct InboundWork {
    effects: Effects,
    sources: Arc<Sources>,
    pollers: Vec<Poller>,
}

impl InboundWork {
    pub(super) fn new(
        effects: Effects,
        sources: Arc<Sources>,
        (upstream, parts): (&Client, &Parts),
    ) -> Self {
        let pollers = sources.pollers(upstream, parts);
        Self { effects, sources, pollers }
    }

    /// Reads users again and polls events, until dropped.
    pub async fn run(mut self) {
        let pollers = std::mem::take(&mut self.pollers);
        let polling =
            pollers.into_iter().map(|poller| poller.run(&self.effects, &self.sources.replays));
        let of_issuer = |rereads| (0..AT_ONCE).map(move |_| rereads);
        let rereading = self.sources.rereads().flat_map(of_issuer).map(|list| self.reread(list));
        join(join_all(polling), join_all(rereading)).await;
    }

    /// Reads the users of one issuer again, one after the other.
    async fn reread(&self, rereads: &Rereads) {
        loop {
            self.read_again(rereads, rereads.next().await).await;
        }
    }

    async fn read_again(&self, rereads: &Rereads, waiting: Waiting) {
        let Some(source) = self.sources.find(&waiting.source) else { return };
        let outcome =
            rownd_webhook::obey_once(&self.effects, &source.settings, &waiting.told).await;
        let result = match outcome {
            Ok(_) => InboundResult::Ok,
            Err(_) => match rereads.note_again(waiting) {
                None => InboundResult::Undecided,
                Some(given_up) => {
                    tracing::error!(
                        source = given_up.source,
                        operation = given_up.told.operation,
                        user = given_up.told.user,
                        "a user of a webhook could not be read for an hour; the webhook is given up"
                    );
                    InboundResult::GivenUp
                }
            },
        };
        self.effects.metrics.inbound_ended(InboundKind::RowndWebhookAgain, result);
    }
}
