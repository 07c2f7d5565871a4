//! The bounds of durations as patterns: an editor does not know our keyword for them.
//!
//! In: the schema, with the keyword. Out: the same, where a duration of one number and one unit that
//! is outside the bounds is refused. One of several numbers is left to the reader.

use std::time::Duration;

use serde_json::{Map, Value};

use super::tools::no;
use crate::config::{bounds::DURATION_RANGE, span::Span};

/// The units, each with its nanoseconds.
const UNITS: [(&str, u128); 7] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("(s|sec)", 1_000_000_000),
    ("(m|min)", 60_000_000_000),
    ("(h|hr)", 3_600_000_000_000),
    ("(d|day|days)", 86_400_000_000_000),
];

/// Adds the pattern of each duration that has bounds.
pub(super) fn add_bounds(node: &mut Value) {
    match node {
        Value::Array(items) => items.iter_mut().for_each(add_bounds),
        Value::Object(map) => {
            map.values_mut().for_each(add_bounds);
            if let Some(outside) = outside(map)
                && let Value::Object(rule) = no(outside)
            {
                map.extend(rule);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The pattern of durations outside the bounds.
fn outside(map: &Map<String, Value>) -> Option<String> {
    let [least, most] = map.get(DURATION_RANGE)?.as_array()?.as_slice() else { return None };
    let nanoseconds = |end: &Value| Span::parse(end.as_str()?).ok().map(Span::get);
    let (least, most) = (nanoseconds(least)?, nanoseconds(most)?);
    Some(pattern_outside(least, most))
}

fn pattern_outside(least: Duration, most: Duration) -> String {
    let units = UNITS.iter().map(|(unit, length)| {
        let mut numbers = below(least.as_nanos().div_ceil(*length));
        numbers.extend(above(most.as_nanos() / *length));
        format!("({}) ?{unit}", numbers.join("|"))
    });
    format!("^0*({})$", units.collect::<Vec<_>>().join("|"))
}

/// The patterns of the numbers above this one, zeros at the start apart.
fn above(number: u128) -> Vec<String> {
    let digits = number.to_string();
    let longer = format!("[1-9][0-9]{{{},}}", digits.len());
    let same = |(place, digit): (usize, char)| {
        let next = digit.to_digit(10).filter(|digit| *digit < 9)? + 1;
        let (before, rest) = (digits.get(..place)?, digits.len() - place - 1);
        Some(format!("{before}[{next}-9]{}", any_digits(rest)))
    };
    digits.chars().enumerate().filter_map(same).chain([longer]).collect()
}

/// The patterns of the numbers below this one.
fn below(number: u128) -> Vec<String> {
    let digits = number.to_string();
    let shorter = (digits.len() > 1).then(|| format!("[0-9]{{1,{}}}", digits.len() - 1));
    let same = |(place, digit): (usize, char)| {
        let last = digit.to_digit(10)?.checked_sub(1)?;
        let (before, rest) = (digits.get(..place)?, digits.len() - place - 1);
        Some(format!("{before}[0-{last}]{}", any_digits(rest)))
    };
    digits.chars().enumerate().filter_map(same).chain(shorter).collect()
}

fn any_digits(count: usize) -> String {
    if count == 0 { String::new() } else { format!("[0-9]{{{count}}}") }
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::{Duration, pattern_outside};
    use crate::config::span::Span;

    #[test]
    fn the_pattern_says_the_same_as_the_bounds() {
        let units = ["ns", "us", "ms", "s", "sec", "m", "min", "h", "hr", "d", "day", "days"];
        let numbers = [
            0, 1, 2, 4, 5, 6, 9, 10, 11, 19, 20, 29, 30, 31, 59, 60, 61, 99, 100, 101, 119, 120,
            121, 299, 300, 301, 364, 365, 366, 499, 999, 1000, 1001, 3600, 3601, 5000, 9999,
            10_000, 10_001, 59_999, 60_000, 60_001, 86_400, 86_401, 300_000, 31_536_000,
            31_536_001,
        ];
        for (least, most) in [
            ("0s", "1m"),
            ("20ms", "1m"),
            ("1s", "30days"),
            ("5s", "5m"),
            ("1s", "365d"),
            ("0s", "0s"),
        ] {
            let [from, to] = [least, most].map(|end| Span::parse(end).unwrap().get());
            let outside = Regex::new(&pattern_outside(from, to)).unwrap();
            for unit in units {
                for text in numbers
                    .iter()
                    .flat_map(|number| [format!("{number}{unit}"), format!("00{number} {unit}")])
                {
                    let span: Duration = Span::parse(&text).unwrap().get();
                    let fits = from <= span && span <= to;
                    assert_eq!(outside.is_match(&text), !fits, "{text} in {least} to {most}");
                }
            }
        }
    }
}
