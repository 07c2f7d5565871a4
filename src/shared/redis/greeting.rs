//! The word of a server about itself, by `HELLO`.
//!
//! In: a new connection. Out: that it is of the kind that is meant, or what it is instead.

use std::collections::HashMap;

use redis::{RedisResult, Value, aio::MultiplexedConnection, from_redis_value};

use super::judge::judge;
use crate::shared::SharedError;

/// The server that is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    /// One that takes writes.
    Writer,
    /// Any node of a cluster, which may be a copy: it says who has the keys.
    Node,
}

/// Greets the server.
///
/// # Errors
///
/// [`SharedError::Refused`], if it is another one than is meant; else why there is no answer.
pub(super) async fn greet(
    connection: &mut MultiplexedConnection,
    expected: Expected,
) -> Result<(), SharedError> {
    let greeting: RedisResult<Value> = redis::cmd("HELLO").query_async(connection).await;
    match greeting {
        Ok(greeting) => check(greeting, expected),
        // A proxy may not know the command, and a user may not have the right.
        Err(error) if error.code().is_some() => Ok(()),
        Err(error) => Err(judge(&error).0),
    }
}

/// Refuses a Sentinel; as the writer a copy, which may be behind; and as a node a server on its own,
/// which would take every key.
fn check(greeting: Value, expected: Expected) -> Result<(), SharedError> {
    let Ok(fields) = from_redis_value::<HashMap<String, Value>>(greeting) else { return Ok(()) };
    let is = |name: &str, words: &[&str]| match fields.get(name) {
        Some(Value::BulkString(text)) => words.iter().any(|word| word.as_bytes() == text),
        Some(Value::SimpleString(text)) => words.contains(&text.as_str()),
        _ => false,
    };
    let refused = |text: &str| Err(SharedError::Refused(text.to_owned()));
    if is("mode", &["sentinel"]) {
        return refused(
            "it is a Sentinel, which keeps no data: write `sentinel: { master: ..., nodes: [...] }` \
             in place of `url` or `cluster`",
        );
    }
    match expected {
        Expected::Writer if is("role", &["replica", "slave"]) => {
            refused("READONLY it is a copy that takes no writes")
        }
        Expected::Node if is("mode", &["standalone"]) => refused(
            "it is one server and no node of a cluster: write `url` in place of `cluster`, or leave \
             this node out",
        ),
        Expected::Writer | Expected::Node => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use redis::Value;

    use super::{Expected, check};

    #[test]
    fn a_server_of_another_kind_than_is_meant_is_refused() {
        let of = |pairs: &[(&str, &str)]| {
            let text = |text: &str| Value::BulkString(text.as_bytes().to_vec());
            let all = pairs.iter().flat_map(|(name, word)| [text(name), text(word)]);
            Value::Array(all.collect())
        };
        let (copy, node) = (Some("copy"), Some("no node of a cluster"));
        for (name, greeting, as_writer, as_node) in [
            ("a server", of(&[("mode", "standalone"), ("role", "master")]), None, node),
            ("a node", of(&[("mode", "cluster"), ("role", "master")]), None, None),
            ("a copy of a node", of(&[("mode", "cluster"), ("role", "replica")]), copy, None),
            ("a copy", of(&[("mode", "standalone"), ("role", "replica")]), copy, node),
            ("an old copy", of(&[("role", "slave")]), copy, None),
            ("a Sentinel", of(&[("mode", "sentinel")]), Some("`sentinel:"), Some("`sentinel:")),
            ("a proxy", Value::SimpleString("OK".to_owned()), None, None),
            ("nothing", Value::Nil, None, None),
        ] {
            for (expected, said) in [(Expected::Writer, as_writer), (Expected::Node, as_node)] {
                let problem = check(greeting.clone(), expected).err();
                let problem = problem.map(|error| error.to_string());
                match said {
                    Some(said) => assert!(problem.unwrap().contains(said), "{name} {expected:?}"),
                    None => assert_eq!(problem, None, "{name} {expected:?}"),
                }
            }
        }
    }
}
