//! The values against those of the crate's own interpreter, where it has the same rules.

use std::collections::HashMap;

use cel::{Context, Program, Value as Cel};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::Given;
use crate::expression::Expression;

/// Claims in both forms.
fn claims() -> Value {
    json!({
        "a": 1, "b": 2, "c": 3, "s": "abc", "t": "b", "yes": true, "no": false,
        "list": [1, 2, 3], "words": ["a", "b"], "map": {"k": 1},
    })
}

/// The value by the crate's interpreter; `None` where it has none, or one that JSON has not.
fn by_the_crate(text: &str) -> Option<Value> {
    let mut context = Context::default();
    context.add_variable_from_value("claims", of_json(&claims()));
    to_json(&Program::compile(text).ok()?.execute(&context).ok()?)
}

fn of_json(value: &Value) -> Cel {
    match value {
        Value::Null => Cel::Null,
        Value::Bool(word) => Cel::Bool(*word),
        Value::Number(number) => {
            number.as_i64().map_or_else(|| Cel::Float(number.as_f64().unwrap()), Cel::Int)
        }
        Value::String(text) => text.as_str().into(),
        Value::Array(items) => items.iter().map(of_json).collect::<Vec<_>>().into(),
        Value::Object(map) => map
            .iter()
            .map(|(name, value)| (name.clone(), of_json(value)))
            .collect::<HashMap<_, _>>()
            .into(),
    }
}

fn to_json(value: &Cel) -> Option<Value> {
    match value {
        Cel::Null => Some(Value::Null),
        Cel::Bool(word) => Some((*word).into()),
        Cel::Int(number) => Some((*number).into()),
        Cel::Float(number) => serde_json::Number::from_f64(*number).map(Value::Number),
        Cel::String(text) => Some(text.as_str().into()),
        Cel::List(items) => items.iter().map(to_json).collect::<Option<Vec<_>>>().map(Value::Array),
        Cel::Map(_)
        | Cel::Function(..)
        | Cel::UInt(_)
        | Cel::Bytes(_)
        | Cel::Opaque(_)
        | Cel::Struct(_) => None,
    }
}

/// Expressions of each type, so that most have a value.
fn number() -> BoxedStrategy<String> {
    let leaf = prop::sample::select(vec!["claims.a", "claims.b", "claims[\"c\"]", "4", "0", "-7"]);
    leaf.prop_map(str::to_owned)
        .prop_recursive(3, 12, 2, |inner| {
            let operator = prop::sample::select(vec!["+", "-", "*", "/", "%"]);
            prop_oneof![
                (inner.clone(), operator, inner.clone())
                    .prop_map(|(a, o, b)| format!("({a} {o} {b})")),
                inner.clone().prop_map(|a| format!("-({a})")),
                (inner.clone(), inner.clone(), inner.clone())
                    .prop_map(|(a, b, c)| format!("({a} > {b} ? {b} : {c})")),
                inner.prop_map(|a| format!("size(claims.list.filter(x, x > {a}))")),
            ]
        })
        .boxed()
}

fn boolean() -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        prop::sample::select(vec![
            "claims.yes",
            "claims.no",
            "has(claims.a)",
            "has(claims.gone)",
            "\"k\" in claims.map",
            "claims.gone",
            "claims.s.startsWith(\"a\")",
            "claims.s.contains(claims.t)",
            "claims.t in claims.words",
            "claims.words.exists(w, w == claims.t)",
            "claims.words.all(w, w < \"b\")",
            "claims.list.exists_one(x, x > 2)",
            "claims.list.map(x, x * 2) == [2, 4, 6]",
            "claims.words + [claims.s] == [\"a\", \"b\", \"abc\"]",
        ])
        .prop_map(str::to_owned),
        (number(), prop::sample::select(vec!["<", "<=", "==", "!=", ">=", ">"]), number())
            .prop_map(|(a, o, b)| format!("{a} {o} {b}")),
    ];
    leaf.prop_recursive(4, 16, 2, |inner| {
        let operator = prop::sample::select(vec!["&&", "||"]);
        prop_oneof![
            (inner.clone(), operator, inner.clone())
                .prop_map(|(a, o, b)| format!("({a}) {o} ({b})")),
            inner.clone().prop_map(|a| format!("!({a})")),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(a, b, c)| format!("({a}) ? ({b}) : ({c})")),
            inner.prop_map(|a| format!("claims.list.exists(y, y > 1 && ({a}))")),
        ]
    })
    .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn both_have_the_same_value_or_none(text in prop_oneof![boolean(), number()]) {
        // Deeper than we allow, or without a place: refused, so there is nothing to compare.
        if let Ok(ours) = Expression::parse(&text) {
            let ours = ours.evaluate(&Given::new(json!({"claims": claims()}))).ok();
            prop_assert_eq!(ours, by_the_crate(&text), "{}", text);
        }
    }
}
