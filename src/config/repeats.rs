//! Entries of lists that stand there twice: the second says nothing, and may have been meant as another.
//!
//! In: the document, whose lists the schema knows. Out: the problem of each such text or number, and a
//! warning for each such map. Whole rules are compared elsewhere, by what they match.

use std::collections::HashSet;

use serde_json::Value;

use super::{
    document::{YamlDocument, readable},
    schema_path::step,
    settings_walk::visit_settings,
    structure::shape,
};
use crate::model::Warning;

/// The longest list whose entries are compared with each other.
const LONGEST: usize = 1024;
/// The list of maps whose entries say all of a thing: a second one can only be a mistake.
const WHOLE: &str = "/role_sources";

/// An entry that is equal to one before it.
struct Repeat<'a> {
    /// The JSON pointer of the list.
    list: String,
    item: &'a Value,
    index: usize,
    before: usize,
}

impl Repeat<'_> {
    fn pointer(&self) -> String {
        format!("{}/{}", self.list, self.index)
    }

    fn first(&self) -> String {
        format!("{}/{}", self.list, self.before)
    }

    fn is_problem(&self) -> bool {
        !self.item.is_object() || self.list == WHOLE
    }
}

/// JSON pointer and message for each entry that can only be a mistake.
pub(super) fn problems(document: &YamlDocument) -> Vec<(String, String)> {
    let found = repeats(document).into_iter().filter(Repeat::is_problem);
    found
        .map(|repeat| {
            let first = readable(&repeat.first());
            // The text of an entry is not repeated: it may be a secret.
            let what = if repeat.item.is_object() {
                "says the same as"
            } else {
                "stands here twice: it is"
            };
            (repeat.pointer(), format!("{what} {first}; leave one out, or correct it"))
        })
        .collect()
}

/// The warning about each map that is equal to one before it in its list, such as a condition in `any`.
/// `place` says where a setting is written.
pub(super) fn warnings(document: &YamlDocument, place: impl Fn(&str) -> String) -> Vec<Warning> {
    let found = repeats(document).into_iter().filter(|repeat| !repeat.is_problem());
    found
        .map(|repeat| {
            let first = repeat.first();
            let text = format!(
                "says the same as {} ({}), so that it has no effect; leave one out, or correct it",
                readable(&first),
                place(&first)
            );
            Warning::of("entry_repeated", repeat.pointer(), text)
        })
        .collect()
}

/// The entries that repeat one before them. The inside of such an entry is not looked at.
fn repeats(document: &YamlDocument) -> Vec<Repeat<'_>> {
    let mut found = Vec::new();
    let mut known: HashSet<String> = HashSet::new();
    visit_settings(document, &mut |pointer, value, setting| {
        if known.contains(pointer) {
            return false;
        }
        // A list that the schema does not know, such as one in a key set, is another's.
        if let Value::Array(items) = value
            && step(shape(), setting, "0").is_some()
        {
            for (index, item) in items.iter().enumerate().take(LONGEST) {
                let is_compared = item.is_string() || item.is_number() || item.is_object();
                let before = items.iter().take(index).position(|other| other == item);
                if let Some(before) = before.filter(|_| is_compared) {
                    let list = pointer.to_owned();
                    let repeat = Repeat { list, item, index, before };
                    known.insert(repeat.pointer());
                    found.push(repeat);
                }
            }
        }
        true
    });
    found
}
