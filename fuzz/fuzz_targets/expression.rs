//! Any text of an expression: refused, or asked without a panic and without much work. Its
//! value does not depend on how often it is asked.

#![no_main]

use std::{borrow::Cow, sync::LazyLock};

use libfuzzer_sys::fuzz_target;
use rownd_authz::expression::{Expression, Facts, Fault, Place};
use serde_json::{Value, json};

/// A value of each type, under each name.
struct Anything;

static VALUES: LazyLock<[Value; 6]> = LazyLock::new(|| {
    let many: Vec<u32> = (0..2000).collect();
    [json!("a@b.c"), json!(7), json!(true), json!(null), json!(many), json!({"a": {"b": ["c"]}})]
});

impl Facts for Anything {
    fn value(&self, place: &Place) -> Result<Option<Cow<'_, Value>>, Fault> {
        Ok(VALUES.get(place.written().len() % 7).map(Cow::Borrowed))
    }
}

fuzz_target!(|text: &str| {
    if let Ok(parsed) = Expression::parse(text) {
        assert_eq!(parsed.evaluate(&Anything), parsed.evaluate(&Anything));
        assert_eq!(parsed.as_str(), text);
    }
});
