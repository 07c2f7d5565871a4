//! The bounds of a duration: declared beside the field, read by the check, the documentation and
//! editors.
//!
//! A field declares them as `#[schemars(extend("x-duration-range" = ["20ms", "1m"]))]`. Numbers have
//! `minimum` and `maximum` of JSON Schema itself (`#[schemars(range(min = 1, max = 9))]`).

use jsonschema::{Keyword, ValidationError, paths::Location};
use serde_json::{Map, Value};

use super::span::Span;

/// The keyword of the schema that holds the least and the most of a duration.
pub(super) const DURATION_RANGE: &str = "x-duration-range";

/// The least and the most that a duration may be, both included.
struct DurationRange {
    least: Span,
    most: Span,
    /// Both ends as the schema has them: `20ms to 1m`.
    shown: String,
}

impl DurationRange {
    /// From the schema: a list of two durations, the smaller one first.
    fn parse(range: &Value) -> Option<Self> {
        let [least, most] = range.as_array()?.as_slice() else { return None };
        let (from, to) = (least.as_str()?, most.as_str()?);
        let (least, most) = (Span::parse(from).ok()?, Span::parse(to).ok()?);
        (least <= most).then(|| Self { least, most, shown: format!("{from} to {to}") })
    }

    /// The problem of this value, if it is a duration outside the range.
    fn problem(&self, value: &Value) -> Option<String> {
        // A text that is no duration is told by its pattern.
        let text = value.as_str()?;
        let duration = Span::parse(text).ok()?;
        let fits = self.least <= duration && duration <= self.most;
        (!fits).then(|| format!("`{text}` is outside {}; write a duration within", self.shown))
    }
}

impl<'i> Keyword<'i> for DurationRange {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        self.problem(instance).map_or(Ok(()), |problem| Err(ValidationError::custom(problem)))
    }

    fn is_valid(&self, instance: &'i Value) -> bool {
        self.problem(instance).is_none()
    }
}

/// Makes the check of a field from its range in the schema.
pub(super) fn duration_range<'a>(
    _: &'a Map<String, Value>,
    range: &'a Value,
    _: Location,
) -> Result<Box<dyn for<'i> Keyword<'i>>, ValidationError<'a>> {
    match DurationRange::parse(range) {
        Some(range) => Ok(Box::new(range)),
        None => Err(ValidationError::custom(format!("{range} is not two durations"))),
    }
}

/// The sentence of the documentation about a range.
pub(super) fn sentence(range: &Value) -> Option<String> {
    DurationRange::parse(range).map(|range| format!("From {}.", range.shown))
}

/// The duration that a text means: with a point, with blanks, in capitals, with a long name of its unit.
fn meant(text: &str) -> Option<String> {
    let text = text.trim().to_ascii_lowercase();
    let is_of_number = |sign: char| sign.is_ascii_digit() || sign == '.';
    let (number, unit) = text.split_at_checked(text.find(|sign: char| !is_of_number(sign))?)?;
    let (short, millis) = match unit.trim() {
        "ms" | "msec" | "millis" | "milliseconds" => ("ms", 1.0),
        "s" | "sec" | "secs" | "second" | "seconds" => ("s", 1e3),
        "m" | "min" | "mins" | "minute" | "minutes" => ("m", 6e4),
        "h" | "hr" | "hrs" | "hour" | "hours" => ("h", 3.6e6),
        _ => return None,
    };
    if let Ok(number) = number.parse::<u32>() {
        return Some(format!("{number}{short}"));
    }
    let millis = number.parse::<f64>().ok()? * millis;
    (1.0..1e12).contains(&millis).then(|| format!("{}ms", millis.round()))
}

/// Durations to write instead of this value, of which each is within the range: first the value's own
/// number with a unit, if it is one.
pub(super) fn durations_within(range: &Value, value: &Value) -> Vec<String> {
    const COMMON: [&str; 8] = ["50ms", "200ms", "1s", "5s", "30s", "10m", "1h", "1day"];
    const MOST: usize = 4;
    let own = value.as_u64().map(|number| format!("{number}s"));
    let own = own.or_else(|| meant(value.as_str()?));
    let all = own.into_iter().chain(COMMON.map(str::to_owned));
    let Some(range) = DurationRange::parse(range) else { return all.take(MOST).collect() };
    let fits = |text: &String| {
        Span::parse(text).is_ok_and(|span| range.least <= span && span <= range.most)
    };
    let mut found: Vec<String> = Vec::new();
    for text in all.filter(fits) {
        if !found.contains(&text) && found.len() < MOST {
            found.push(text);
        }
    }
    if found.is_empty() {
        found.push(range.least.to_string());
    }
    found
}
