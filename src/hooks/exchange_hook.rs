//! The hook before an exchange: who is asked, about what, and what happens without an answer.

use std::{sync::Arc, time::Duration};

use tokio::{sync::Semaphore, time::Instant};

use super::{
    answer::HookVerdict, grpc::GrpcHook, http::HttpHook, labels::HookResult,
    question::ExchangeQuestion,
};
use crate::{
    config::{self, HookReceiver, HookedGrant, OnHookFailure},
    health::{Part, PartHealth, Parts},
    log_throttle::LogThrottle,
    metrics::{Label as _, Metrics},
    signed_posts::MessageId,
    upstream::Client,
};

/// The name of the hook in metrics and the log.
const NAME: &str = "before_exchange";
/// The most lines in the log about denials in a second.
const DENIAL_LINES: u32 = 10;
/// A call has this much time left to say how it ended.
const MARGIN: Duration = Duration::from_millis(50);

/// A service of the operator that decides about sign-ins.
#[derive(Debug)]
pub struct ExchangeHook {
    receiver: Receiver,
    grants: Vec<HookedGrant>,
    on_failure: OnHookFailure,
    timeout: Duration,
    open: Semaphore,
    denials: LogThrottle,
    failures: LogThrottle,
    metrics: Arc<Metrics>,
    health: PartHealth,
}

#[derive(Debug)]
enum Receiver {
    Http(HttpHook),
    Grpc(GrpcHook),
}

impl ExchangeHook {
    /// The hook of these settings. No request is sent yet.
    #[must_use]
    pub fn build(settings: &config::ExchangeHook, client: &Client, metrics: &Arc<Metrics>) -> Self {
        Self {
            receiver: match &settings.receiver {
                HookReceiver::Http(target) => Receiver::Http(HttpHook::new(client, target)),
                HookReceiver::Grpc(service) => Receiver::Grpc(GrpcHook::new(client, service)),
            },
            grants: settings.grants.clone(),
            on_failure: settings.on_failure,
            timeout: settings.timeout.get(),
            open: Semaphore::new(settings.max_in_flight),
            denials: LogThrottle::per_second(DENIAL_LINES),
            failures: LogThrottle::per_second(1),
            metrics: metrics.clone(),
            health: Parts::default().part(Part::Hook, NAME),
        }
    }

    /// The same, whose faults are told here.
    #[must_use]
    pub fn reporting_to(self, parts: &Parts) -> Self {
        Self { health: parts.part(Part::Hook, NAME), ..self }
    }

    /// Whether it is asked about this grant.
    #[must_use]
    pub fn asks_about(&self, grant: HookedGrant) -> bool {
        self.grants.contains(&grant)
    }

    /// Asks, and waits for the answer no longer than the configured time, and not until the deadline
    /// of the call.
    pub async fn ask(&self, question: &ExchangeQuestion<'_>, deadline: Instant) -> HookVerdict {
        let (id, began) = (MessageId::random(), Instant::now());
        let answer = self.answer(&id, question, deadline).await;
        let result = match &answer {
            Ok(HookVerdict::Allow) => HookResult::Allowed,
            Ok(HookVerdict::Deny(_) | HookVerdict::Undecided) => HookResult::Denied,
            Err((result, _)) => *result,
        };
        self.metrics.hook_asked(NAME, result, began.elapsed());
        match answer {
            Ok(verdict) => {
                self.health.works();
                if result == HookResult::Denied
                    && let Some(suppressed) = self.denials.admit()
                {
                    let ExchangeQuestion { issuer, grant, caller, .. } = question;
                    let grant = grant.as_str();
                    tracing::info!(hook = NAME, %id, issuer, grant, caller, suppressed, "a hook denies a sign-in");
                }
                verdict
            }
            Err((result, cause)) => {
                self.health.failed(&format_args!("{}: {cause}", result.as_str()));
                if let Some(suppressed) = self.failures.admit() {
                    let (result, allowed) =
                        (result.as_str(), self.on_failure == OnHookFailure::Allow);
                    tracing::warn!(hook = NAME, %id, result, cause, allowed, suppressed, "a hook has not decided");
                }
                match self.on_failure {
                    OnHookFailure::Allow => HookVerdict::Allow,
                    OnHookFailure::Deny => HookVerdict::Undecided,
                }
            }
        }
    }

    async fn answer(
        &self,
        id: &MessageId,
        question: &ExchangeQuestion<'_>,
        deadline: Instant,
    ) -> Result<HookVerdict, (HookResult, String)> {
        let Ok(_permit) = self.open.try_acquire() else {
            return Err((HookResult::Overloaded, "too many questions are open".to_owned()));
        };
        let left = deadline.saturating_duration_since(Instant::now()).saturating_sub(MARGIN);
        let timeout = self.timeout.min(left);
        if timeout.is_zero() {
            return Err((HookResult::Late, "the call has no time left".to_owned()));
        }
        match &self.receiver {
            Receiver::Http(hook) => hook.ask(id, question, timeout).await,
            Receiver::Grpc(hook) => hook.ask(id, question, timeout).await,
        }
    }
}
