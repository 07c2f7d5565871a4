//! Injected faults, and the number of requests that each endpoint received.
//!
//! In: faults to inject, and the endpoint of every request. Out: the fault that a request meets,
//! and the counts. Faulty requests count as well, so that a test can check the retries and the
//! caches of a client.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};

/// An endpoint, or a group of endpoints, that can fail and whose requests are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// `/hub/app-config`, and `schema` and `public` below `/applications/{app}`.
    AppConfig,
    /// `/hub/auth/.well-known/oauth-authorization-server` and `/.well-known/openid-configuration`.
    Metadata,
    /// `/hub/auth/keys`.
    Keys,
    /// `/ready`.
    Ready,
    /// `/service_health`.
    ServiceHealth,
    /// `/applications/{app}/users/{user}/data` and the fields below it.
    UserData,
    /// `/applications/{app}/users/data` and `/users/actions`.
    UserList,
    /// `/applications/{app}/users/{user}/state`.
    UserState,
    /// `/applications/{app}/users/{user}/signout`.
    SignOut,
    /// `/me` and all below it.
    Me,
    /// `/hub/auth/token`.
    Token,
    /// `/hub/auth/instant`.
    Instant,
    /// `/hub/auth/magic` and `/me/auth/magic`.
    Magic,
    /// `/applications/{app}/groups`, `/me/groups` and all below them.
    Groups,
    /// `/applications/{app}/oidc-clients` and all below it.
    OidcClients,
    /// `/applications/{app}` itself and `variants` below it, for platform operators.
    Platform,
    /// `/oidc/{app}/` and all below it.
    Oidc,
    /// `/auth/jwt/jwks.json` and the rest of SuperTokens below `/auth`, and its copy of Rownd's keys.
    Supertokens,
    /// `/supertokens-core` and all below it.
    SupertokensCore,
    /// Any path that the emulator does not know.
    Unknown,
}

impl Endpoint {
    pub(crate) const ALL: [Self; 20] = [
        Self::AppConfig,
        Self::Metadata,
        Self::Keys,
        Self::Ready,
        Self::ServiceHealth,
        Self::UserData,
        Self::UserList,
        Self::UserState,
        Self::SignOut,
        Self::Me,
        Self::Token,
        Self::Instant,
        Self::Magic,
        Self::Groups,
        Self::OidcClients,
        Self::Platform,
        Self::Oidc,
        Self::Supertokens,
        Self::SupertokensCore,
        Self::Unknown,
    ];
}

/// A fault at an endpoint. With `delay_ms` alone the true answer comes late.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The endpoint that fails.
    pub endpoint: Endpoint,
    /// The HTTP status of the answer; 200 if only `garbage` or `body` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The delay of the answer, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    /// Whether the answer is text that is not JSON, with the content type of JSON.
    #[serde(default)]
    pub garbage: bool,
    /// The body of the answer, with the content type of JSON: another key set, for example.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Whether the endpoint does its work first and only its answer is lost: a refresh token is then
    /// used, and its successor never arrives.
    #[serde(default)]
    pub after: bool,
    /// The number of requests that fail; all until the fault is removed when `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
}

impl Fault {
    /// An error status, until the fault is removed.
    #[must_use]
    pub fn status(endpoint: Endpoint, status: u16) -> Self {
        Self { status: Some(status), ..Self::none(endpoint) }
    }

    /// A late answer, until the fault is removed.
    #[must_use]
    pub fn delay(endpoint: Endpoint, delay: Duration) -> Self {
        Self {
            delay_ms: Some(u64::try_from(delay.as_millis()).unwrap_or(u64::MAX)),
            ..Self::none(endpoint)
        }
    }

    /// An answer that is not JSON, until the fault is removed.
    #[must_use]
    pub fn garbage(endpoint: Endpoint) -> Self {
        Self { garbage: true, ..Self::none(endpoint) }
    }

    /// Another body in place of the true one, until the fault is removed.
    #[must_use]
    pub fn body(endpoint: Endpoint, body: impl Into<String>) -> Self {
        Self { body: Some(body.into()), ..Self::none(endpoint) }
    }

    /// The same fault after the endpoint has done its work.
    #[must_use]
    pub fn after(mut self) -> Self {
        self.after = true;
        self
    }

    /// The same fault for this number of requests.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    fn none(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            status: None,
            delay_ms: None,
            garbage: false,
            body: None,
            after: false,
            times: None,
        }
    }

    /// The problem of the fault, if it contradicts itself.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        if self.garbage && self.body.is_some() {
            Some("`garbage` and `body` exclude each other")
        } else if self.status.is_some_and(|code| !(200..=599).contains(&code)) {
            Some("`status` is from 200 to 599")
        } else if self.times == Some(0) {
            Some("`times` is at least 1")
        } else if self.status.is_none()
            && self.delay_ms.is_none()
            && self.body.is_none()
            && !self.garbage
        {
            Some("a fault needs `status`, `delay_ms`, `garbage` or `body`")
        } else {
            None
        }
    }

    /// The time to wait before the answer.
    pub(crate) fn wait(&self) -> Duration {
        Duration::from_millis(self.delay_ms.unwrap_or(0))
    }
}

/// The injected faults, and the counts of requests.
#[derive(Default)]
pub(crate) struct FaultTable {
    faults: Mutex<Vec<Fault>>,
    hits: Mutex<BTreeMap<Endpoint, u64>>,
}

/// The most faults; one more is refused.
const MAX_FAULTS: usize = 1_000;

impl FaultTable {
    /// Counts a request and returns the fault that it meets: the oldest one of its endpoint.
    pub(crate) fn arrive(&self, endpoint: Endpoint) -> Option<Fault> {
        *lock(&self.hits).entry(endpoint).or_default() += 1;
        let mut faults = lock(&self.faults);
        let at = faults.iter().position(|fault| fault.endpoint == endpoint)?;
        let due = faults.get_mut(at)?;
        let fault = due.clone();
        if let Some(left) = due.times.as_mut() {
            *left = left.saturating_sub(1);
            if *left == 0 {
                faults.remove(at);
            }
        }
        Some(fault)
    }

    /// Adds a fault: `false` if there are too many.
    pub(crate) fn inject(&self, fault: Fault) -> bool {
        let mut faults = lock(&self.faults);
        let room = faults.len() < MAX_FAULTS;
        if room {
            faults.push(fault);
        }
        room
    }

    pub(crate) fn faults(&self) -> Vec<Fault> {
        lock(&self.faults).clone()
    }

    pub(crate) fn clear_faults(&self) {
        lock(&self.faults).clear();
    }

    pub(crate) fn hits(&self, endpoint: Endpoint) -> u64 {
        lock(&self.hits).get(&endpoint).copied().unwrap_or_default()
    }

    pub(crate) fn all_hits(&self) -> BTreeMap<Endpoint, u64> {
        Endpoint::ALL.into_iter().map(|endpoint| (endpoint, self.hits(endpoint))).collect()
    }

    pub(crate) fn clear_hits(&self) {
        lock(&self.hits).clear();
    }
}

// Every change under these locks is one assignment: a panic leaves them whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
