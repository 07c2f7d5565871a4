//! Tests of one value of JSON: a claim's or an attribute's.

use regex::{Regex, RegexBuilder};
use serde_json::Number;

use super::{words::Scalar, written::WrittenValueTest};
use crate::{config::findings::Findings, expression::pattern_problem};

/// A compiled regular expression may take this much memory.
const MAX_REGEX_BYTES: usize = 1 << 20;

/// A regular expression over the whole of a text, anchored at both ends.
#[derive(Debug, Clone)]
pub struct TextRegex {
    written: String,
    whole: Regex,
}

impl TextRegex {
    /// Compiles it.
    ///
    /// # Errors
    ///
    /// The reason, if it is no regular expression, alone or between its anchors, or too large.
    pub(in crate::config) fn parse(written: &str) -> Result<Self, String> {
        let whole = || {
            Regex::new(written)?;
            RegexBuilder::new(&format!(r"\A(?:{written})\z")).size_limit(MAX_REGEX_BYTES).build()
        };
        match whole() {
            Ok(whole) => Ok(Self { written: written.to_owned(), whole }),
            Err(error) => Err(pattern_problem(&error)),
        }
    }

    /// It matches the whole text.
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        self.whole.is_match(text)
    }

    /// The text in the configuration.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.written
    }
}

/// The same text compiles into the same expression.
impl PartialEq for TextRegex {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl Eq for TextRegex {}

/// One test of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValueTest {
    /// It is one of these.
    OneOf(Vec<Scalar>),
    /// It is a text that this matches.
    Matches(TextRegex),
    /// It is a list that holds this.
    Contains(Scalar),
    /// It is there, or it is not.
    Exists(bool),
    /// It is a number above this one.
    Above(Number),
    /// It is a number below this one.
    Below(Number),
}

/// Tests of a value, each of which has to hold.
pub type ValueTests = Vec<ValueTest>;

/// The number is kept as a fraction and so large that numbers beside it are kept as the same.
fn is_rounded(number: &Number) -> bool {
    /// 2 to the power of 64, and the least number of 64 bits with a sign: within these each whole number of a
    /// claim is kept as itself.
    const ABOVE: f64 = 18_446_744_073_709_551_616.0;
    const LEAST: f64 = -9_223_372_036_854_775_808.0;
    number.as_f64().is_some_and(|float| number.is_f64() && (float >= ABOVE || float <= LEAST))
}

/// The tests that are written; those with a problem are left out.
pub(super) fn check(written: &WrittenValueTest, at: &str, found: &mut Findings) -> ValueTests {
    let WrittenValueTest { name: _, pointer: _, equals, one_of, matches, contains, exists, gt, lt } =
        written;
    let mut tests = Vec::new();
    if let Some(value) = equals {
        tests.push(ValueTest::OneOf(vec![value.clone()]));
    }
    if !one_of.is_empty() {
        tests.push(ValueTest::OneOf(one_of.clone()));
    }
    if let Some(pattern) = matches {
        let regex = found.keep(format!("{at}/matches"), TextRegex::parse(pattern));
        tests.extend(regex.map(ValueTest::Matches));
    }
    tests.extend(contains.clone().map(ValueTest::Contains));
    tests.extend(exists.map(ValueTest::Exists));
    tests.extend(gt.clone().map(ValueTest::Above));
    tests.extend(lt.clone().map(ValueTest::Below));
    for (name, value) in equals
        .iter()
        .map(|value| ("equals", value))
        .chain(one_of.iter().map(|value| ("in", value)))
        .chain(contains.iter().map(|value| ("contains", value)))
    {
        if let Scalar::Number(number) = value
            && is_rounded(number)
        {
            found.add(
                format!("{at}/{name}"),
                format!(
                    "`{number}` is too large to be told from its neighbours; write a whole number of at most 64 \
                     bits, or `gt` and `lt`"
                ),
            );
        }
    }
    if tests.is_empty() && matches.is_none() {
        found.add(
            at,
            "names a value and no test of it; write `equals`, `in`, `matches`, `contains`, `exists`, \
             `gt` or `lt`",
        );
    }
    if *exists == Some(false) && tests.len() > 1 {
        found.add(
            format!("{at}/exists"),
            "a value that is absent passes no other test; leave one out",
        );
    }
    tests
}
