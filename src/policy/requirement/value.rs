//! Tests of a claim or an attribute, with three truth values: an absent value and a value of another
//! type say nothing, but `exists` always knows.

use std::cmp::Ordering;

use serde_json::{Number, Value};

use crate::{
    config::{Scalar, ValueTest},
    policy::truth::Truth,
};

/// All of these tests hold for the value. `None` and `null` are no value. `is_there` is whether there is
/// a value, which may be known although the value itself is not.
pub(super) fn ask(tests: &[ValueTest], value: Option<&Value>, is_there: Truth) -> Truth {
    let value = value.filter(|value| !value.is_null());
    Truth::all(tests.iter().map(|test| one(test, value, is_there)))
}

fn one(test: &ValueTest, value: Option<&Value>, is_there: Truth) -> Truth {
    match (test, value) {
        (ValueTest::Exists(true), _) => is_there,
        (ValueTest::Exists(false), _) => !is_there,
        (ValueTest::OneOf(wanted), Some(value)) => {
            Truth::any(wanted.iter().map(|wanted| equals(wanted, value)))
        }
        (ValueTest::Matches(regex), Some(Value::String(text))) => Truth::of(regex.is_match(text)),
        (ValueTest::Contains(wanted), Some(Value::Array(items))) => {
            Truth::any(items.iter().map(|item| equals(wanted, item)))
        }
        (ValueTest::Above(limit), Some(Value::Number(number))) => {
            compare(number, limit, Ordering::Greater)
        }
        (ValueTest::Below(limit), Some(Value::Number(number))) => {
            compare(number, limit, Ordering::Less)
        }
        (
            ValueTest::OneOf(_)
            | ValueTest::Matches(_)
            | ValueTest::Contains(_)
            | ValueTest::Above(_)
            | ValueTest::Below(_),
            _,
        ) => Truth::Unknown,
    }
}

/// The value is this one. Two values of different types cannot be compared.
fn equals(wanted: &Scalar, value: &Value) -> Truth {
    match (wanted, value) {
        (Scalar::Text(wanted), Value::String(text)) => Truth::of(wanted == text),
        (Scalar::Bool(wanted), Value::Bool(truth)) => Truth::of(wanted == truth),
        (Scalar::Number(wanted), Value::Number(number)) => compare(number, wanted, Ordering::Equal),
        (Scalar::Text(_) | Scalar::Bool(_) | Scalar::Number(_), _) => Truth::Unknown,
    }
}

fn compare(number: &Number, limit: &Number, wanted: Ordering) -> Truth {
    order(number, limit).map_or(Truth::Unknown, |order| Truth::of(order == wanted))
}

/// The order of two numbers. Whole numbers are compared exactly, also with a fraction.
fn order(left: &Number, right: &Number) -> Option<Ordering> {
    match (whole(left), whole(right)) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        (Some(left), None) => Some(float_order(right.as_f64()?, left).reverse()),
        (None, Some(right)) => Some(float_order(left.as_f64()?, right)),
        (None, None) => left.as_f64()?.partial_cmp(&right.as_f64()?),
    }
}

/// The number, if it is written without fraction and exponent.
fn whole(number: &Number) -> Option<i128> {
    number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
}

/// The order of a fraction and a whole number of at most 64 bits. JSON has no NaN.
#[expect(clippy::cast_possible_truncation, reason = "one beyond 128 bits is the nearest of them")]
fn float_order(float: f64, whole: i128) -> Ordering {
    let floor = float.floor();
    let order = (floor as i128).cmp(&whole);
    order.then(if float > floor { Ordering::Greater } else { Ordering::Equal })
}
