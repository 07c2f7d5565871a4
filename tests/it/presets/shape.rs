//! The form of the tables of tokens.

use rownd_authz::model::DenyReason;
use serde_json::{Value, json};

/// A token as a provider makes it: its header without `alg` and `kid`, its claims without `iss`,
/// `iat` and `exp`.
#[derive(Clone)]
pub(super) struct Shape {
    pub(super) name: &'static str,
    pub(super) header: Value,
    pub(super) claims: Value,
}

/// Identity headers and their values.
pub(super) type Headers = &'static [(&'static str, Option<&'static str>)];

/// The tokens that one issuer is tried with.
#[derive(Clone)]
pub(super) struct Shapes {
    /// The name of the issuer in the page.
    pub(super) issuer: &'static str,
    /// Changes of its settings.
    pub(super) settings: Value,
    /// Which kind of token it takes.
    pub(super) takes_id: bool,
    pub(super) taken: Vec<(Shape, Headers)>,
    pub(super) refused: Vec<(Shape, DenyReason)>,
}

/// A token under the usual header.
pub(super) fn plain(name: &'static str, claims: Value) -> Shape {
    Shape { name, header: json!({"typ": "JWT"}), claims }
}

/// A token under this `typ`.
pub(super) fn typed(name: &'static str, typ: &str, claims: Value) -> Shape {
    Shape { name, header: json!({ "typ": typ }), claims }
}

/// Changes to JSON: each member set, or removed where it is `null`.
pub(super) fn with(mut json: Value, changes: &Value) -> Value {
    let members = json.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => members.remove(name),
            value => members.insert(name.clone(), value.clone()),
        };
    }
    json
}

impl Shapes {
    /// Marks that only another kind of token has, in several spellings of their values.
    pub(super) fn foreign_marks(&self, has_preset: bool) -> Vec<(String, Value)> {
        let logout = "http://schemas.openid.net/event/backchannel-logout";
        let mut marks = vec![
            ("events".to_owned(), json!({"events": { logout: {} }})),
            ("events of another type".to_owned(), json!({"events": false})),
            (
                "Rownd's jwt_type".to_owned(),
                json!({"https://auth.rownd.io/jwt_type": "refresh_token"}),
            ),
        ];
        let words =
            ["Refresh", "refresh", "REFRESH", "Offline", "Logout", "LOGOUT", "Serialized-ID"];
        for word in words.into_iter().chain(["", " ", "Bearer ", "\u{212a}ID"]) {
            marks.push((format!("typ {word:?}"), json!({ "typ": word })));
        }
        for value in [json!(["Bearer"]), json!(["ID"]), json!({}), json!(1), json!(true)] {
            marks.push((format!("typ {value}"), json!({ "typ": value })));
        }
        if has_preset {
            marks.push(("jwt_type".to_owned(), json!({"jwt_type": "refresh_token"})));
        }
        let (words, names): (&[&str], &[&str]) = if self.takes_id {
            (&["Bearer", "bearer", "at+jwt", "access"], &["scope", "scp"])
        } else {
            (&["ID", "id", "iD", "id_token"], &["at_hash", "c_hash", "s_hash"])
        };
        for word in words {
            marks.push((format!("typ {word:?}"), json!({ "typ": word })));
        }
        let other_use = if self.takes_id { "access" } else { "id" };
        marks.push((format!("token_use {other_use}"), json!({ "token_use": other_use })));
        marks.push(("token_use refresh".to_owned(), json!({"token_use": "refresh"})));
        for name in names {
            for value in [json!("x"), json!(""), json!([]), json!(false)] {
                marks.push((format!("{name} {value}"), json!({ *name: value })));
            }
        }
        marks
    }
}
