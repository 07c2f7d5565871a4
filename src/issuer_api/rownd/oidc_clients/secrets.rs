//! The secrets of OpenID clients, taken out of the answers that have them.

use serde_json::{Map, Value};

use crate::config::Secret;

/// The beginning of a secret in the form in which Rownd keeps it: a hash (`$argon2id$...`), of which
/// nobody can make the secret.
const HASH: char = '$';
/// The members of a credential that may hold its secret.
const SECRETS: [&str; 2] = ["secret", "client_secret"];

/// Takes every secret out of the document of a client, and hands out the secret of each of its
/// credentials. A hash of a secret is taken out too, and is not handed out.
pub(super) fn take(members: &mut Map<String, Value>) -> Vec<Option<Secret>> {
    members.retain(|name, _| !is_secret(name));
    let credentials = members.get_mut("credentials").and_then(Value::as_array_mut);
    credentials.into_iter().flatten().map(take_of).collect()
}

fn take_of(credential: &mut Value) -> Option<Secret> {
    let Some(members) = credential.as_object_mut() else {
        // It could be anything.
        *credential = Value::Null;
        return None;
    };
    let plain = |text: &&str| !text.is_empty() && !text.starts_with(HASH);
    let mut texts = SECRETS.iter().filter_map(|name| members.get(*name)?.as_str());
    let secret = texts.find(plain).map(Secret::new);
    members.retain(|name, _| !is_secret(name));
    secret
}

/// Whether a member of this name holds a secret, or a hash of one.
fn is_secret(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    lower.contains("secret") || lower.contains("hash") || lower.contains("password")
}
