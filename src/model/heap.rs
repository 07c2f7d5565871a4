//! The memory that values take on the heap, for caches that are bounded in bytes.
//!
//! In: a length, a text, a list or a JSON value. Out: the bytes that the allocator sets aside for
//! what the value points to, which are more than the value is long.

use std::mem::size_of;

use serde_json::{Map, Value};

/// Members in a full node of the tree behind a JSON object (`BTreeMap` of the standard library).
const NODE_MEMBERS: usize = 11;
/// Members for each leaf of a larger tree, its share of the nodes above included: nodes are split
/// where they are full, and in a tree that grew in order each is half full.
const LEAF_MEMBERS: usize = 6;
/// Bytes of a leaf: room for all its members, and its place in the tree.
const LEAF: usize = NODE_MEMBERS * (size_of::<String>() + size_of::<Value>()) + 16;
/// Bytes of a node above others.
const INNER: usize = LEAF + (NODE_MEMBERS + 1) * size_of::<usize>();

/// The block that holds an allocation of so many bytes. The blocks of mimalloc are multiples of 16
/// bytes up to 64; above, there are four sizes for each doubling.
#[must_use]
pub const fn block(bytes: usize) -> usize {
    match bytes {
        0..=64 => bytes.next_multiple_of(16),
        _ => bytes.next_multiple_of(bytes.next_power_of_two() / 8),
    }
}

/// Behind a text.
#[must_use]
pub const fn of_text(text: &String) -> usize {
    block(text.capacity())
}

/// Behind a list of texts, these included.
#[must_use]
pub fn of_texts(texts: &Vec<String>) -> usize {
    block(texts.capacity() * size_of::<String>()) + texts.iter().map(of_text).sum::<usize>()
}

/// Behind a JSON value. The parser bounds the depth.
#[must_use]
pub fn of_json(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => of_text(text),
        Value::Array(items) => {
            block(items.capacity() * size_of::<Value>()) + items.iter().map(of_json).sum::<usize>()
        }
        Value::Object(members) => of_object(members),
    }
}

/// Behind a JSON object. One member takes a node with room for eleven.
#[must_use]
pub fn of_object(members: &Map<String, Value>) -> usize {
    let (leaves, inner) = match members.len() {
        0 => (0, 0),
        1..=NODE_MEMBERS => (1, 0),
        many => {
            let leaves = many.div_ceil(LEAF_MEMBERS);
            (leaves, leaves.div_ceil(LEAF_MEMBERS))
        }
    };
    let held = members.iter().map(|(name, value)| of_text(name) + of_json(value));
    leaves * block(LEAF) + inner * block(INNER) + held.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use allocation_counter::measure;
    use serde_json::{Value, json};

    use super::{block, of_json};

    #[test]
    fn a_block_is_the_next_size_of_the_allocator() {
        for (bytes, expected) in [
            (0, 0),
            (1, 16),
            (16, 16),
            (17, 32),
            (64, 64),
            (65, 80),
            (128, 128),
            (129, 160),
            (400, 448),
            (632, 640),
            (1025, 1280),
            (4096, 4096),
        ] {
            assert_eq!(block(bytes), expected, "{bytes}");
        }
    }

    /// The weight of a parsed value is what was allocated for it: never less, and not half as much again.
    #[test]
    fn a_json_value_is_weighed_by_what_it_holds() {
        let members = |count: usize| (0..count).map(|n| (format!("name-{n}"), json!(n)));
        let nested = |inner: Value, times: usize| vec![inner; times];
        for (name, text) in [
            ("a text", json!("x".repeat(1_000))),
            ("an empty text", json!("")),
            ("empty lists", json!(nested(json!([]), 1_000))),
            ("lists of one", json!(nested(json!([1]), 1_000))),
            ("objects of one member", json!(nested(json!({ "a": 1 }), 1_000))),
            ("objects of twelve members", json!(nested(members(12).collect(), 100))),
            ("a large object", members(1_000).collect()),
            ("long texts", json!(nested(json!("y".repeat(77)), 100))),
        ]
        .map(|(name, value)| (name, value.to_string()))
        {
            let mut kept = Value::Null;
            let measured = measure(|| kept = serde_json::from_str(&text).unwrap());
            let held = usize::try_from(measured.bytes_current).unwrap();
            let weight = of_json(&kept);
            assert!(weight >= held, "{name}: {weight} for {held}");
            assert!(weight <= held + held / 2 + 64, "{name}: {weight} for {held}");
        }
    }
}
