//! Tests of expressions: what is refused, what they are worth, and the bounds of their work.

mod bounds;
mod faults;
mod interpreter;
mod refused;
mod settled;
mod values;

use std::{borrow::Cow, cell::RefCell};

use serde_json::{Value, json};

use super::{Expression, Facts, Fault, FaultKind, Place};

/// Facts out of one JSON object by root, with the places that were asked for.
pub(super) struct Given {
    roots: Value,
    pub(super) asked: RefCell<Vec<String>>,
}

impl Given {
    pub(super) fn new(roots: Value) -> Self {
        Self { roots, asked: RefCell::default() }
    }

    /// An ordinary request of an ordinary user.
    pub(super) fn usual() -> Self {
        Self::new(json!({
            "request": {
                "method": "GET", "host": "api.example.com", "path": "/users/42", "scheme": "https",
                "headers": {"x-plan": "pro", "x-empty": ""}, "query": {"page": "2"},
            },
            "identity": {
                "user_id": "42", "issuer": "rownd", "auth_level": "verified", "verified": true,
                "anonymous": false, "issued_at": 1_700_000_000, "roles": ["editor"], "scopes": [],
            },
            "claims": {
                "plan": "pro", "level": 5, "share": 0.5, "big": 9_223_372_036_854_775_807_i64,
                "active": true, "nothing": null, "groups": ["a", "b"], "mixed": ["a", 1],
                "numbers": [1, 2, 3], "email": "Ann@Example.com", "https://x/roles": ["r"],
                "realm_access": {"roles": ["owner"], "depth": {"x": 1}},
                "teams": [{"name": "t1", "size": 3}, {"name": "t2"}],
            },
            "profile": {"data": {"city": "Bern"}, "state": "enabled"},
            "path": {"id": "42"},
        }))
    }
}

impl Facts for Given {
    fn value(&self, place: &Place) -> Result<Option<Cow<'_, Value>>, Fault> {
        self.asked.borrow_mut().push(place.written());
        let (holder, name): (&str, &str) = match place {
            Place::Request(name) => ("/request", name.into()),
            Place::Header(name) => ("/request/headers", name),
            Place::Query(name) => ("/request/query", name),
            Place::Identity(name) => ("/identity", name.into()),
            Place::Claim(name) => ("/claims", name),
            Place::Profile(name) => ("/profile", name.into()),
            Place::Path(name) => ("/path", name),
        };
        let Some(holder) = self.roots.pointer(holder) else {
            return Err(Fault::new(FaultKind::ProfileUnread, "profile"));
        };
        match holder.get(name) {
            Some(value) if value == "(unclear)" => {
                Err(Fault::new(FaultKind::Unclear, place.written()))
            }
            value => Ok(value.map(Cow::Borrowed)),
        }
    }
}

/// The value of a text, for the usual facts.
pub(super) fn value(text: &str) -> Result<Value, Fault> {
    parsed(text).evaluate(&Given::usual())
}

pub(super) fn parsed(text: &str) -> Expression {
    Expression::parse(text).unwrap_or_else(|problem| panic!("{text}: {problem}"))
}
