//! Faults on demand, and how often each endpoint was asked.
//!
//! In: faults to inject, and every request by its endpoint. Out: what to answer in the
//! endpoint's place, and the counts. Counted is what arrives, faulty or not, so that a
//! test can hold a client's retries and caches against it.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

use super::documents;

/// A place that can fail and is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// `/hub/app-config`.
    AppConfig,
    /// `/hub/auth/.well-known/oauth-authorization-server`.
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
    /// `/oidc/{app}/` and all below it.
    Oidc,
    /// `/auth/jwt/jwks.json` and the rest of SuperTokens below `/auth`, and its copy of Rownd's keys.
    Supertokens,
    /// Any path the emulator does not know.
    Unknown,
}

impl Endpoint {
    pub(super) const ALL: [Self; 17] = [
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
        Self::Oidc,
        Self::Supertokens,
        Self::Unknown,
    ];
}

/// What goes wrong at an endpoint. With a delay alone the true answer comes, late.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Where.
    pub endpoint: Endpoint,
    /// The status to answer with; 200 if only `garbage` or `body` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How long to wait before any answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    /// Answer with text that is no JSON, labelled as JSON.
    #[serde(default)]
    pub garbage: bool,
    /// Answer with exactly this text, labelled as JSON: a key set of the test's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Do what was asked before anything goes wrong, and lose the true answer: a refresh
    /// token is then used up, and its successor never arrives.
    #[serde(default)]
    pub after: bool,
    /// For how many requests; until cleared when `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
}

impl Fault {
    /// An error status until cleared.
    #[must_use]
    pub fn status(endpoint: Endpoint, status: u16) -> Self {
        Self { status: Some(status), ..Self::none(endpoint) }
    }

    /// A late answer until cleared.
    #[must_use]
    pub fn delay(endpoint: Endpoint, delay: Duration) -> Self {
        Self {
            delay_ms: Some(u64::try_from(delay.as_millis()).unwrap_or(u64::MAX)),
            ..Self::none(endpoint)
        }
    }

    /// An answer that is no JSON, until cleared.
    #[must_use]
    pub fn garbage(endpoint: Endpoint) -> Self {
        Self { garbage: true, ..Self::none(endpoint) }
    }

    /// Another body in place of the true one, until cleared.
    #[must_use]
    pub fn body(endpoint: Endpoint, body: impl Into<String>) -> Self {
        Self { body: Some(body.into()), ..Self::none(endpoint) }
    }

    /// Lets the endpoint do its work first.
    #[must_use]
    pub fn after(mut self) -> Self {
        self.after = true;
        self
    }

    /// Limits the fault to so many requests.
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

    /// Says what is wrong with the fault itself.
    pub(super) fn problem(&self) -> Option<&'static str> {
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

    pub(super) fn wait(&self) -> Duration {
        Duration::from_millis(self.delay_ms.unwrap_or(0))
    }

    /// The answer in the endpoint's place; `None` lets the true one through.
    pub(super) fn answer(&self) -> Option<Response> {
        let body = match (&self.body, self.garbage) {
            (Some(body), _) => Some(body.clone()),
            (None, true) => Some("{\"keys\": [<<<".to_owned()),
            (None, false) => None,
        };
        let status = self.status.and_then(|code| StatusCode::from_u16(code).ok());
        match (body, status) {
            (None, None) => None,
            (None, Some(status)) => {
                Some(documents::error(status, "E_INJECTED", "a fault was injected here"))
            }
            (Some(body), status) => Some(
                (
                    status.unwrap_or(StatusCode::OK),
                    [(header::CONTENT_TYPE, "application/json")],
                    body,
                )
                    .into_response(),
            ),
        }
    }
}

/// The faults in force and the counts.
#[derive(Default)]
pub(super) struct Ledger {
    faults: Mutex<Vec<Fault>>,
    hits: Mutex<BTreeMap<Endpoint, u64>>,
}

/// How many faults may wait; one more is refused.
const MAX_FAULTS: usize = 1_000;

impl Ledger {
    /// Counts a request and takes the fault that is due, the oldest first.
    pub(super) fn arrive(&self, endpoint: Endpoint) -> Option<Fault> {
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

    /// Adds a fault; `false` if there are too many.
    pub(super) fn inject(&self, fault: Fault) -> bool {
        let mut faults = lock(&self.faults);
        let room = faults.len() < MAX_FAULTS;
        if room {
            faults.push(fault);
        }
        room
    }

    pub(super) fn faults(&self) -> Vec<Fault> {
        lock(&self.faults).clone()
    }

    pub(super) fn clear_faults(&self) {
        lock(&self.faults).clear();
    }

    pub(super) fn hits(&self, endpoint: Endpoint) -> u64 {
        lock(&self.hits).get(&endpoint).copied().unwrap_or_default()
    }

    pub(super) fn all_hits(&self) -> BTreeMap<Endpoint, u64> {
        Endpoint::ALL.into_iter().map(|endpoint| (endpoint, self.hits(endpoint))).collect()
    }

    pub(super) fn clear_hits(&self) {
        lock(&self.hits).clear();
    }
}

// Every change under these locks is one assignment: a panic leaves them whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
