//! The answers of the scripts, read with care: the store holds what some program wrote into it.
//!
//! In: an answer. Out: its meaning, or that the store refuses, if it has another form.

use std::time::Duration;

use redis::{FromRedisValue, Value, from_redis_value};

use crate::shared::{Changes, Held, Position, ReplicaPosition, SetRecord, SharedError};

/// The answer has a form that no script of ours gives.
fn strange() -> SharedError {
    SharedError::Refused(
        "an answer of an unknown form: does another program use the prefix?".into(),
    )
}

fn read<T: FromRedisValue>(value: Value) -> Result<T, SharedError> {
    from_redis_value(value).map_err(|_| strange())
}

fn number(text: &str) -> Result<u64, SharedError> {
    text.parse().map_err(|_| strange())
}

pub(super) fn held(answer: Value) -> Result<Option<Held>, SharedError> {
    if answer == Value::Nil {
        return Ok(None);
    }
    let (value, left): (Vec<u8>, i64) = read(answer)?;
    // Without an end, or ended just now: 0.
    let left = Duration::from_millis(u64::try_from(left).unwrap_or_default());
    Ok(Some(Held { value, left }))
}

pub(super) fn position(answer: Value) -> Result<Position, SharedError> {
    let (generation, at): (String, String) = read(answer)?;
    Ok(Position { generation, number: number(&at)? })
}

/// `here` is the time of this process in Unix milliseconds. The end of a record is the later one by
/// both clocks: one that is ahead must not end a revocation.
pub(super) fn changes(answer: Value, here: u64) -> Result<Changes, SharedError> {
    type Answer = (String, String, u8, String, String, u8, Vec<Vec<u8>>);
    let (generation, last, restarted, age, there, writable, found): Answer = read(answer)?;
    let (there, mut records) = (number(&there)?, Vec::with_capacity(found.len() / 2));
    for pair in found.chunks_exact(2) {
        let [id, text] = pair else { return Err(strange()) };
        records.push(record(id, text, (here, there))?);
    }
    Ok(Changes {
        records,
        position: Position { generation, number: number(&last)? },
        restarted: restarted == 1,
        age: Duration::from_millis(number(&age).unwrap_or_default()),
        writable: writable == 1,
    })
}

fn record(id: &[u8], text: &[u8], (here, there): (u64, u64)) -> Result<SetRecord, SharedError> {
    let text = std::str::from_utf8(text).map_err(|_| strange())?;
    let mut words = text.split(' ');
    let mut next = || words.next().ok_or_else(strange).and_then(number);
    let (kind, value, end, stamp, removed) = (next()?, next()?, next()?, next()?, next()?);
    let left = end.saturating_sub(there).max(end.saturating_sub(here));
    Ok(SetRecord {
        id: id.try_into().map_err(|_| strange())?,
        kind: u8::try_from(kind).map_err(|_| strange())?,
        value,
        left: (end != 0).then(|| Duration::from_millis(left)),
        stamp,
        removed: removed == 1,
    })
}

pub(super) fn replicas(answer: Value) -> Result<Vec<ReplicaPosition>, SharedError> {
    let found: Vec<String> = read(answer)?;
    let mut all = Vec::with_capacity(found.len() / 3);
    for of_one in found.chunks_exact(3) {
        let [replica, position, ago] = of_one else { return Err(strange()) };
        let (generation, at) = position.split_once(' ').unwrap_or(("", "0"));
        let position = Position { generation: generation.to_owned(), number: number(at)? };
        let ago = Duration::from_millis(number(ago)?);
        all.push(ReplicaPosition { replica: replica.clone(), position, ago });
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: [u8; 32] = [3; 32];

    fn text(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    fn answer(found: Vec<Value>) -> Value {
        let numbers = [text("g"), text("7"), Value::Int(0), text("5000"), text("1000000")];
        let numbers = numbers.into_iter().chain([Value::Int(1)]);
        Value::Array(numbers.into_iter().chain([Value::Array(found)]).collect())
    }

    fn one(record: &str) -> Value {
        answer(vec![Value::BulkString(ID.to_vec()), text(record)])
    }

    #[test]
    fn the_end_of_a_record_is_the_later_one_by_both_clocks() {
        // The record ends at 1 060 000; the clock of the store says 1 000 000.
        for (name, here, left) in [
            ("equal clocks", 1_000_000, 60_000),
            ("the replica is ahead", 5_000_000, 60_000),
            ("the replica is behind, or the store is ahead", 900_000, 160_000),
        ] {
            let found = changes(one("2 9 1060000 44 0"), here).unwrap();
            let expected = SetRecord {
                id: ID,
                kind: 2,
                value: 9,
                left: Some(Duration::from_millis(left)),
                stamp: 44,
                removed: false,
            };
            assert_eq!(found.records, [expected], "{name}");
        }
        let endless = changes(one("0 0 0 44 1"), 1).unwrap().records[0];
        assert_eq!((endless.left, endless.removed), (None, true));
    }

    #[test]
    fn an_answer_of_another_form_is_refused_whole() {
        for (name, answer) in [
            ("nothing", Value::Nil),
            ("a text", text("x")),
            ("an empty list", Value::Array(Vec::new())),
            ("a short record", one("2 9 1060000")),
            ("a word for a number", one("2 nine 1060000 44 0")),
            ("a kind that is too large", one("256 9 1060000 44 0")),
            ("a negative number", one("2 -9 1060000 44 0")),
            ("a short id", answer(vec![text("id"), text("2 9 1060000 44 0")])),
        ] {
            let error = changes(answer, 1).expect_err(name);
            assert!(matches!(error, SharedError::Refused(_)), "{name}: {error}");
        }
        for (name, answer) in [("a number", Value::Int(1)), ("a text", text("x"))] {
            assert!(held(answer.clone()).is_err(), "{name}");
            assert!(position(answer).is_err(), "{name}");
        }
    }
}
