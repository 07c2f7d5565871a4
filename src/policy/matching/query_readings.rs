//! The readings of one query parameter.
//!
//! In: path and query as they were sent, and a name. Out: how surely the parameter has a value, or is
//! there at all. Servers differ in all of these: whether `;` parts parameters, whether `+` is a blank,
//! how often escapes are decoded, which of several parameters counts, which names are one, what a
//! fragment or an encoded `?` begins, and how many parameters they take. The value is the one asked
//! for in every reading only if it stands there once and unencoded.

use std::borrow::Cow;

use percent_encoding::percent_decode;

use super::fit::{Fit, Unclear};
use crate::{
    config::PartValue,
    model::{Query, decode_layer, decoded_forms, escape_value, is_parameter},
};

/// The parameters of one name that are looked at. Of more, any may hold the value.
const MAX_VALUES: usize = 16;
/// Servers ignore parameters above some number, the least of which is some hundreds.
const MAX_PARAMETERS: usize = 256;
/// Layers of encoding that are looked behind.
const MAX_DECODES: usize = 3;

/// The parameters of a request that some server takes for one.
#[derive(Debug, Default)]
pub(in crate::policy) struct QueryReadings {
    /// The values for servers that part parameters at `&`.
    values: Vec<Value>,
    /// Those that only other servers find.
    hidden: Vec<Value>,
    /// More values than are kept.
    crowded: bool,
    /// Servers do not agree on the parameters of this query.
    unclear: bool,
}

/// A value, as it was sent.
#[derive(Debug, PartialEq, Eq)]
struct Value {
    text: Vec<u8>,
    /// The name stands there as it is, in no other spelling.
    own_name: bool,
}

impl QueryReadings {
    /// The parameters of this name.
    pub(in crate::policy) fn of(target: &[u8], name: &str) -> Self {
        let sent = Query::of(target).as_sent();
        let name = name.as_bytes();
        let mut found = Self::default();
        for (count, pair) in sent.split(|&b| b == b'&').enumerate() {
            found.unclear |= count >= MAX_PARAMETERS;
            let value = Value::of(pair, name);
            found.crowded |= !keep(&mut found.values, value);
        }
        let mut others = other_texts(target);
        // `URLSearchParams` leaves a `?` at the beginning out (WHATWG URL, section 6.2).
        others.extend(sent.strip_prefix(b"?").map(Cow::Borrowed));
        found.unclear |= !others.is_empty() || is_broken(sent);
        let parted = sent.contains(&b';').then_some(Cow::Borrowed(sent));
        for text in parted.into_iter().chain(others) {
            // A `?` within the query is a part of it, or begins another.
            for signs in [b"&;?#".as_slice(), b"&;"] {
                for pair in text.split(|b| signs.contains(b)) {
                    let is_new = |value: &Value| {
                        !found.values.contains(value) && !found.hidden.contains(value)
                    };
                    let value = Value::of(pair, name).filter(is_new);
                    found.crowded |= !keep(&mut found.hidden, value);
                }
            }
        }
        // A value with `;` in it is shorter for servers that part it there, and none for others.
        found.unclear |= found.values.iter().any(|value| value.text.contains(&b';'));
        // To Express, the name goes on to the last bracket of `a=x]=y`.
        found.unclear |= found.values.iter().any(|value| has_bracket_before_sign(&value.text));
        found
    }

    /// How surely the parameter has this value.
    pub(in crate::policy) fn fit(&self, value: &PartValue) -> Fit {
        match value {
            PartValue::Exact(text) => self.equal(text.as_bytes()),
            PartValue::Present => self.present(),
            PartValue::Absent => self.present().reversed(),
        }
    }

    /// The one value of the parameter, decoded once, as every server reads it; `None` if it is not
    /// there.
    ///
    /// # Errors
    ///
    /// [`Unclear`], if servers do not agree on it.
    pub(in crate::policy) fn only(&self) -> Result<Option<Vec<u8>>, Unclear> {
        match (self.values.as_slice(), self.hidden.as_slice()) {
            ([], []) => Ok(None),
            // A `+` is a blank to some, and what is encoded twice is decoded twice by some.
            ([only], []) if only.own_name && !self.unclear && !only.text.contains(&b'+') => {
                let decoded = decode_layer(&only.text);
                if decoded.contains(&b'%') { Err(Unclear) } else { Ok(Some(decoded)) }
            }
            _ => Err(Unclear),
        }
    }

    fn present(&self) -> Fit {
        if self.values.is_empty() && self.hidden.is_empty() {
            return Fit::No;
        }
        // To no server.
        let filled = |value: &Value| !reads_as(&value.text, b"");
        let sure = self.hidden.is_empty()
            && !self.unclear
            && self.values.iter().any(|value| value.own_name)
            && self.values.iter().all(filled);
        Fit::at_least_possibly(sure)
    }

    fn equal(&self, wanted: &[u8]) -> Fit {
        match self.values.as_slice() {
            [only]
                if only.own_name
                    && only.text == wanted
                    && self.hidden.is_empty()
                    && !self.unclear =>
            {
                Fit::Surely
            }
            values => {
                let mut all = values.iter().chain(&self.hidden);
                let may = self.crowded || all.any(|value| reads_as(&value.text, wanted));
                if may { Fit::Possibly } else { Fit::No }
            }
        }
    }
}

impl Value {
    /// The value of this parameter, if some server takes its name for `name`.
    fn of(pair: &[u8], name: &[u8]) -> Option<Self> {
        let mut halves = pair.splitn(2, |&b| b == b'=');
        let sent = halves.next()?;
        let own_name = sent == name;
        (own_name || is_parameter(sent, name))
            .then(|| Self { text: halves.next().unwrap_or_default().to_vec(), own_name })
    }
}

/// Keeps a value, unless there are too many: then it is `false`.
fn keep(values: &mut Vec<Value>, value: Option<Value>) -> bool {
    let Some(value) = value else { return true };
    let room = values.len() < MAX_VALUES;
    if room {
        values.push(value);
    }
    room
}

/// The text of the query for servers that see a fragment or an encoded `?` in another way: what
/// follows the first mark of any kind.
fn other_texts(target: &[u8]) -> Vec<Cow<'_, [u8]>> {
    let mut texts = Vec::new();
    if target.contains(&b'#') {
        let after = target.splitn(2, |b| b"?#".contains(b)).nth(1).unwrap_or_default();
        texts.push(Cow::Borrowed(after));
    }
    let mut path = Cow::Borrowed(target.split(|b| b"?#".contains(b)).next().unwrap_or_default());
    for _ in 0..MAX_DECODES {
        if !path.contains(&b'%') {
            break;
        }
        path = Cow::Owned(percent_decode(&path).collect());
        if let Some(mark) = path.iter().position(|b| b"?#".contains(b)) {
            texts.push(Cow::Owned(path.get(mark + 1..).unwrap_or_default().to_vec()));
            break;
        }
    }
    texts
}

/// Some server takes this value, as it was sent, for `wanted`, which holds no blank and none of the
/// signs that end a value.
fn reads_as(sent: &[u8], wanted: &[u8]) -> bool {
    decoded_forms(sent).any(|form| {
        let text = form.split(|b| b"\0;#?".contains(b)).next().unwrap_or_default();
        text.trim_ascii() == wanted
    })
}

/// A closing bracket stands before a `=`, as it is or encoded.
fn has_bracket_before_sign(text: &[u8]) -> bool {
    let mut parts = text.split(|&byte| byte == b'=');
    parts.next_back();
    parts.any(|before| {
        before.ends_with(b"]") || before.ends_with(b"%5d") || before.ends_with(b"%5D")
    })
}

/// A percent sign begins no escape. Some servers then read no parameter at all.
fn is_broken(text: &[u8]) -> bool {
    let mut escapes = text.split(|&b| b == b'%').skip(1);
    escapes.any(|rest| match rest {
        [high, low, ..] => escape_value([*high, *low]).is_none(),
        _ => true,
    })
}
