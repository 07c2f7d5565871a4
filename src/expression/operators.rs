//! Operators and functions on values.
//!
//! In: values. Out: a value, or a fault. A comparison of two types is a fault, not `false`, because
//! `!=` and `!` would make an allow of it. The word `null` may be compared with everything, a `null` that
//! was read only with it: it stands for what is missing. Numbers of both kinds are one type. The work is taken from the budget before it is done.

use std::cmp::Ordering;

use serde_json::{Map, Number, Value};

use super::{
    budget::Budget,
    fault::{Fault, FaultKind},
    node::{Function, Operator},
};

/// The result of an operator between two values.
///
/// # Errors
///
/// The fault, if the operator does not take these types or has no result.
pub(super) fn apply(
    operator: Operator,
    a: &Value,
    b: &Value,
    budget: &Budget,
) -> Result<Value, Fault> {
    let order = || compare(operator, a, b, budget);
    let verdict = match operator {
        Operator::Equal => equal(operator, a, b, budget)?,
        Operator::NotEqual => !equal(operator, a, b, budget)?,
        Operator::Less => order()?.is_lt(),
        Operator::AtMost => order()?.is_le(),
        Operator::Greater => order()?.is_gt(),
        Operator::AtLeast => order()?.is_ge(),
        Operator::In => contains(a, b, budget)?,
        Operator::Add => return add(a, b, budget),
        Operator::Subtract | Operator::Multiply | Operator::Divide | Operator::Remainder => {
            return number(operator, a, b);
        }
    };
    Ok(Value::Bool(verdict))
}

fn wrong_type(operator: Operator) -> Fault {
    Fault::new(FaultKind::WrongType, operator.written())
}

/// Whether a value is `null`, as it is asked by the word.
///
/// # Errors
///
/// The fault, if the operator does not take the type of the value.
pub(super) fn apply_to_null(operator: Operator, value: &Value) -> Result<Value, Fault> {
    let verdict = match (operator, value) {
        (Operator::Equal, _) => value.is_null(),
        (Operator::NotEqual, _) => !value.is_null(),
        (Operator::In, Value::Array(items)) => items.iter().any(Value::is_null),
        _ => return Err(wrong_type(operator)),
    };
    Ok(Value::Bool(verdict))
}

fn equal(operator: Operator, a: &Value, b: &Value, budget: &Budget) -> Result<bool, Fault> {
    budget.take(1)?;
    match (a, b) {
        (Value::Null, Value::Null) => Ok(true),
        (Value::Bool(a), Value::Bool(b)) => Ok(a == b),
        (Value::Number(a), Value::Number(b)) => Ok(order_of(a, b) == Some(Ordering::Equal)),
        (Value::String(a), Value::String(b)) => {
            budget.take_text(a.len().min(b.len()))?;
            Ok(a == b)
        }
        (Value::Array(a), Value::Array(b)) => {
            if a.len() != b.len() {
                return Ok(false);
            }
            all(a.iter().zip(b), |(a, b)| equal(operator, a, b, budget))
        }
        (Value::Object(a), Value::Object(b)) => {
            budget.take(a.len())?;
            if a.len() != b.len() || a.keys().any(|name| !b.contains_key(name)) {
                return Ok(false);
            }
            let pairs = a.iter().filter_map(|(name, a)| Some((a, b.get(name)?)));
            all(pairs, |(a, b)| equal(operator, a, b, budget))
        }
        (
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_),
            _,
        ) => Err(wrong_type(operator)),
    }
}

/// Every item passes. One that does not decides, whatever the others' faults.
fn all<T>(
    items: impl Iterator<Item = T>,
    mut passes: impl FnMut(T) -> Result<bool, Fault>,
) -> Result<bool, Fault> {
    let mut fault: Option<Fault> = None;
    for item in items {
        match passes(item) {
            Ok(true) => {}
            Ok(false) => return Ok(false),
            Err(next) if next.kind() == FaultKind::TooMuchWork => return Err(next),
            Err(next) => {
                fault = Some(fault.map_or_else(|| next.clone(), |first| first.or(next.clone())))
            }
        }
    }
    fault.map_or(Ok(true), Err)
}

fn compare(operator: Operator, a: &Value, b: &Value, budget: &Budget) -> Result<Ordering, Fault> {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            order_of(a, b).ok_or_else(|| Fault::new(FaultKind::NotANumber, operator.written()))
        }
        (Value::String(a), Value::String(b)) => {
            budget.take_text(a.len().min(b.len()))?;
            Ok(a.cmp(b))
        }
        _ => Err(wrong_type(operator)),
    }
}

/// The order of two numbers, exact also between a whole number and a fraction.
fn order_of(a: &Number, b: &Number) -> Option<Ordering> {
    match (a.as_i128(), b.as_i128()) {
        (Some(a), Some(b)) => Some(a.cmp(&b)),
        (Some(a), None) => order_to_fraction(a, b.as_f64()?),
        (None, Some(b)) => order_to_fraction(b, a.as_f64()?).map(Ordering::reverse),
        (None, None) => a.as_f64()?.partial_cmp(&b.as_f64()?),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a cast to a whole number saturates")]
fn order_to_fraction(whole: i128, fraction: f64) -> Option<Ordering> {
    if fraction.is_nan() {
        return None;
    }
    let cut = fraction.trunc() as i128;
    Some(whole.cmp(&cut).then_with(|| 0.0_f64.total_cmp(&(fraction.fract() + 0.0))))
}

fn contains(item: &Value, holder: &Value, budget: &Budget) -> Result<bool, Fault> {
    match (item, holder) {
        (_, Value::Array(items)) => {
            // An equal item decides; without one, an item of another type is a fault.
            all(items.iter(), |known| equal(Operator::In, item, known, budget).map(|is| !is))
                .map(|none| !none)
        }
        (Value::String(name), Value::Object(map)) => {
            budget.take_text(name.len())?;
            Ok(is_there(map.get(name)))
        }
        _ => Err(wrong_type(Operator::In)),
    }
}

fn add(a: &Value, b: &Value, budget: &Budget) -> Result<Value, Fault> {
    match (a, b) {
        (Value::String(a), Value::String(b)) => {
            budget.take_text(a.len() + b.len())?;
            Ok(Value::String(format!("{a}{b}")))
        }
        (Value::Array(a), Value::Array(b)) => {
            a.iter().chain(b).try_for_each(|item| take_copy(item, budget))?;
            Ok(a.iter().chain(b).cloned().collect())
        }
        _ => number(Operator::Add, a, b),
    }
}

/// Takes the work of a copy of this value.
///
/// # Errors
///
/// [`FaultKind::TooMuchWork`], if it is more than what is left.
pub(super) fn take_copy(value: &Value, budget: &Budget) -> Result<(), Fault> {
    budget.take(1)?;
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
        Value::String(text) => budget.take_text(text.len()),
        Value::Array(items) => items.iter().try_for_each(|item| take_copy(item, budget)),
        Value::Object(map) => map.iter().try_for_each(|(name, item)| {
            budget.take_text(name.len())?;
            take_copy(item, budget)
        }),
    }
}

fn number(operator: Operator, a: &Value, b: &Value) -> Result<Value, Fault> {
    let no_number = || Fault::new(FaultKind::NotANumber, operator.written());
    let (Value::Number(a), Value::Number(b)) = (a, b) else { return Err(wrong_type(operator)) };
    if let (Some(a), Some(b)) = (a.as_i64(), b.as_i64()) {
        let result = match operator {
            Operator::Add => a.checked_add(b),
            Operator::Subtract => a.checked_sub(b),
            Operator::Multiply => a.checked_mul(b),
            Operator::Divide => a.checked_div(b),
            Operator::Remainder => a.checked_rem(b),
            Operator::Equal
            | Operator::NotEqual
            | Operator::Less
            | Operator::AtMost
            | Operator::Greater
            | Operator::AtLeast
            | Operator::In => None,
        };
        return result.map(Value::from).ok_or_else(no_number);
    }
    if !(a.is_f64() && b.is_f64()) {
        return Err(wrong_type(operator));
    }
    let (a, b) = (a.as_f64().ok_or_else(no_number)?, b.as_f64().ok_or_else(no_number)?);
    let result = match operator {
        Operator::Add => a + b,
        Operator::Subtract => a - b,
        Operator::Multiply => a * b,
        Operator::Divide => a / b,
        // CEL has no remainder of fractions.
        Operator::Remainder
        | Operator::Equal
        | Operator::NotEqual
        | Operator::Less
        | Operator::AtMost
        | Operator::Greater
        | Operator::AtLeast
        | Operator::In => return Err(wrong_type(operator)),
    };
    Number::from_f64(result).map(Value::Number).ok_or_else(no_number)
}

/// The negative of a number.
///
/// # Errors
///
/// The fault, if it is no number or too large.
pub(super) fn negate(value: &Value) -> Result<Value, Fault> {
    let Value::Number(value) = value else { return Err(Fault::new(FaultKind::WrongType, "-")) };
    let whole = value.as_i64().map(|whole| whole.checked_neg().map(Value::from));
    whole
        .or_else(|| value.is_f64().then(|| Number::from_f64(-value.as_f64()?).map(Value::Number)))
        .flatten()
        .ok_or_else(|| Fault::new(FaultKind::NotANumber, "-"))
}

/// The result of a function.
///
/// # Errors
///
/// The fault, if the function does not take these types or has no result.
pub(super) fn call(function: Function, args: &[&Value], budget: &Budget) -> Result<Value, Fault> {
    let wrong = || Fault::new(FaultKind::WrongType, function.written());
    for arg in args {
        budget.take_text(arg.as_str().map_or(0, str::len))?;
    }
    match (function, args) {
        (Function::Size, [Value::String(text)]) => Ok(text.chars().count().into()),
        (Function::Size, [Value::Array(items)]) => Ok(items.len().into()),
        (Function::Size, [Value::Object(map)]) => Ok(map.len().into()),
        (Function::Contains, [Value::String(a), Value::String(b)]) => {
            Ok(a.contains(b.as_str()).into())
        }
        (Function::StartsWith, [Value::String(a), Value::String(b)]) => {
            Ok(a.starts_with(b.as_str()).into())
        }
        (Function::EndsWith, [Value::String(a), Value::String(b)]) => {
            Ok(a.ends_with(b.as_str()).into())
        }
        (Function::LowerAscii, [Value::String(text)]) => Ok(text.to_ascii_lowercase().into()),
        (Function::Split, [Value::String(text), Value::String(by)]) => {
            if by.is_empty() {
                return Err(wrong());
            }
            budget.take(text.matches(by.as_str()).count() + 1)?;
            Ok(text.split(by.as_str()).collect())
        }
        (Function::String, [Value::String(text)]) => Ok(text.as_str().into()),
        (Function::String, [Value::Bool(word)]) => Ok(word.to_string().into()),
        (Function::String, [Value::Number(number)]) => Ok(number.to_string().into()),
        (Function::Int | Function::Double, [value]) => convert(function, value).ok_or_else(|| {
            let kind = if value.is_string() || value.is_number() {
                FaultKind::NotANumber
            } else {
                FaultKind::WrongType
            };
            Fault::new(kind, function.written())
        }),
        (
            Function::Size
            | Function::Contains
            | Function::StartsWith
            | Function::EndsWith
            | Function::LowerAscii
            | Function::Split
            | Function::String
            | Function::Int
            | Function::Double,
            _,
        ) => Err(wrong()),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "the bounds of a whole number are checked, and a fraction may be inexact"
)]
fn convert(function: Function, value: &Value) -> Option<Value> {
    let whole = |fraction: f64| {
        let cut = fraction.trunc();
        (cut > -(2_f64.powi(63)) && cut < 2_f64.powi(63)).then_some(cut as i64)
    };
    match (function, value) {
        (Function::Int, Value::Number(number)) => number
            .as_i64()
            .or_else(|| whole(number.as_f64().filter(|_| number.is_f64())?))
            .map(Value::from),
        (Function::Int, Value::String(text)) => text.parse::<i64>().ok().map(Value::from),
        (Function::Double, Value::Number(number)) => {
            let fraction =
                number.as_i64().map_or_else(|| number.as_f64(), |whole| Some(whole as f64));
            Number::from_f64(fraction?).map(Value::Number)
        }
        (Function::Double, Value::String(text)) => {
            Number::from_f64(text.parse::<f64>().ok()?).map(Value::Number)
        }
        _ => None,
    }
}

/// The member of this name.
///
/// # Errors
///
/// The fault, if the value is no map or has no such member.
pub(super) fn field<'v>(of: &'v Value, name: &str) -> Result<&'v Value, Fault> {
    map_of(of, name)?.get(name).ok_or_else(|| Fault::new(FaultKind::Missing, name.to_owned()))
}

/// A value is there. A `null` stands for one that is missing.
pub(super) fn is_there(value: Option<&Value>) -> bool {
    value.is_some_and(|value| !value.is_null())
}

/// The value as a map, of which `name` is read.
///
/// # Errors
///
/// The fault, if it is none.
pub(super) fn map_of<'v>(of: &'v Value, name: &str) -> Result<&'v Map<String, Value>, Fault> {
    of.as_object().ok_or_else(|| Fault::new(FaultKind::WrongType, name.to_owned()))
}

/// The item or member at this index.
///
/// # Errors
///
/// The fault, if there is none, or the types do not go together.
pub(super) fn index<'v>(of: &'v Value, index: &Value) -> Result<&'v Value, Fault> {
    let found = match (of, index) {
        (Value::Array(items), Value::Number(at)) => {
            let at = at.as_i64().ok_or_else(|| Fault::new(FaultKind::WrongType, "[]"))?;
            usize::try_from(at).ok().and_then(|at| items.get(at))
        }
        (Value::Object(map), Value::String(name)) => map.get(name),
        _ => return Err(Fault::new(FaultKind::WrongType, "[]")),
    };
    found.ok_or_else(|| Fault::new(FaultKind::Missing, "[]"))
}
