//! Messages that the emulator sends to others: webhooks, and signed events.
//!
//! In: the targets of webhooks and orders of events, from the controls. Out: the changes of users since
//! the last look, the events that wait to be polled, and the fate of each message. All lists are
//! bounded: the oldest entry gives way.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::data::{records::Records, users::AccountState};

/// The most targets of webhooks.
const MAX_TARGETS: usize = 32;
/// The most messages whose fate is remembered.
const MAX_SENT: usize = 1_000;
/// The most events that wait.
const MAX_WAITING: usize = 10_000;

/// A place that webhooks of an app are sent to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebhookTarget {
    /// The id of the app.
    pub(crate) app: String,
    /// Where they are sent, by plain HTTP.
    pub(crate) url: String,
    /// `POST`, `PUT` or `PATCH`, for every operation.
    #[serde(default = "post")]
    pub(crate) method: String,
}

fn post() -> String {
    "POST".to_owned()
}

/// The fate of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct SentMessage {
    /// The operation of a webhook, or the type of an event.
    pub(crate) what: String,
    /// The user of a webhook, or the `jti` of an event.
    pub(crate) about: String,
    /// Where it was sent; empty for an event that is polled.
    pub(crate) url: String,
    /// The status of the answer, or what became of an event that is polled.
    pub(crate) outcome: String,
}

/// A change of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UserChange {
    pub(crate) app: String,
    pub(crate) user: String,
    pub(crate) body: Value,
}

/// A user as webhooks tell of one.
#[derive(Clone, Debug, PartialEq)]
struct Shown {
    state: AccountState,
    data: Map<String, Value>,
}

type Users = BTreeMap<(String, String), Shown>;

/// Everything that is sent to others.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    targets: Vec<WebhookTarget>,
    /// The users at the last look.
    known: Users,
    sent: VecDeque<SentMessage>,
    /// The events that wait to be polled: app, `jti` and token, the oldest first.
    waiting: VecDeque<(String, String, String)>,
}

impl Outbox {
    /// Adds a target; `false`: there are too many. Users are compared from now on.
    pub(crate) fn add_target(&mut self, target: WebhookTarget, records: &Records) -> bool {
        if self.targets.is_empty() {
            self.known = users(records);
        }
        let has_room = self.targets.len() < MAX_TARGETS;
        if has_room {
            self.targets.push(target);
        }
        has_room
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn has_targets(&self) -> bool {
        !self.targets.is_empty()
    }

    pub(crate) fn targets(&self) -> &[WebhookTarget] {
        &self.targets
    }

    pub(crate) fn sent(&self) -> impl Iterator<Item = &SentMessage> {
        self.sent.iter()
    }

    /// The changes since the last look, in the form of Rownd's webhooks.
    pub(crate) fn changes(&mut self, records: &Records) -> Vec<UserChange> {
        let now = users(records);
        let before = std::mem::replace(&mut self.known, now);
        let mut found = Vec::new();
        for (key, shown) in &self.known {
            let operation = match before.get(key) {
                None => "data_insert",
                Some(old) if old.state != shown.state => "visibility_update",
                Some(old) if old.data != shown.data => "data_update",
                Some(_) => continue,
            };
            found.push(change(key, operation, Some(shown)));
        }
        for (key, _) in before.iter().filter(|(key, _)| !self.known.contains_key(*key)) {
            found.push(change(key, "delete", None));
        }
        found
    }

    pub(crate) fn note(&mut self, message: SentMessage) {
        while self.sent.len() >= MAX_SENT {
            self.sent.pop_front();
        }
        self.sent.push_back(message);
    }

    /// An event waits to be polled.
    pub(crate) fn wait(&mut self, app: &str, jti: &str, token: &str) {
        while self.waiting.len() >= MAX_WAITING {
            self.waiting.pop_front();
        }
        self.waiting.push_back((app.to_owned(), jti.to_owned(), token.to_owned()));
    }

    /// The receiver tells the fate of an event, which waits no longer.
    pub(crate) fn ended(&mut self, app: &str, jti: &str, outcome: &str) {
        let before = self.waiting.len();
        self.waiting.retain(|(of, known, _)| of != app || known != jti);
        if self.waiting.len() == before {
            return;
        }
        self.note(SentMessage {
            what: "polled".to_owned(),
            about: jti.to_owned(),
            url: String::new(),
            outcome: outcome.to_owned(),
        });
    }

    /// The first events of an app that wait, and whether there are more.
    pub(crate) fn waiting(&self, app: &str, most: usize) -> (Map<String, Value>, bool) {
        let mut own = self.waiting.iter().filter(|(of, _, _)| of == app);
        let sets = own.by_ref().take(most).map(|(_, jti, token)| (jti.clone(), json!(token)));
        let sets = sets.collect();
        (sets, own.next().is_some())
    }
}

fn users(records: &Records) -> Users {
    let all = records.apps.iter().flat_map(|(app, records)| {
        records.users.values().map(move |user| {
            let shown = Shown { state: user.state, data: user.shown_data() };
            ((app.clone(), user.id.clone()), shown)
        })
    });
    all.collect()
}

/// Of a deletion, only the id is told.
fn change((app, user): &(String, String), operation: &str, shown: Option<&Shown>) -> UserChange {
    let field = |name: &str| {
        let value = shown.and_then(|shown| shown.data.get(name)).filter(|value| value.is_string());
        value.map(|value| json!({ "field": name, "value": value }))
    };
    let lookup: Vec<Value> = ["email", "phone_number"].into_iter().filter_map(field).collect();
    let meta = json!({ "operation": operation, "lookup_values": lookup });
    let body = match shown {
        Some(shown) => json!({ "data": shown.data, "redacted": [], "meta": meta }),
        None => json!({ "data": { "user_id": user }, "meta": meta }),
    };
    UserChange { app: app.clone(), user: user.clone(), body }
}
