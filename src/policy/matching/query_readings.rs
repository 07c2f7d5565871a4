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
use crate::{config::PartValue, model::Query};

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
                let decoded = decode(&only.text);
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
        (own_name || is_name(sent, name))
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

/// Some server takes this name, as it was sent, for `wanted`: in another case (ASP.NET), with any sign
/// for another (`a.b` is `a_b` to PHP), or as the name of a list (`a[]`, `a[0]`).
fn is_name(sent: &[u8], wanted: &[u8]) -> bool {
    // Decoding makes no name longer, and what is cut off begins with a sign.
    if sent.len() < wanted.len() {
        return false;
    }
    let same = |(sent, wanted): (&u8, &u8)| {
        sent.eq_ignore_ascii_case(wanted)
            || !sent.is_ascii_alphanumeric() && !wanted.is_ascii_alphanumeric()
    };
    forms(sent).any(|form| {
        let name = form.split(|b| b"[\0".contains(b)).next().unwrap_or_default().trim_ascii();
        name.len() == wanted.len() && name.iter().zip(wanted).all(same)
    })
}

/// Some server takes this value, as it was sent, for `wanted`, which holds no blank and none of the
/// signs that end a value.
fn reads_as(sent: &[u8], wanted: &[u8]) -> bool {
    forms(sent).any(|form| {
        let text = form.split(|b| b"\0;#?".contains(b)).next().unwrap_or_default();
        text.trim_ascii() == wanted
    })
}

/// A text as servers decode it: not at all, or up to [`MAX_DECODES`] times, each with `+` as it is and
/// as a blank.
fn forms(sent: &[u8]) -> impl Iterator<Item = Cow<'_, [u8]>> {
    let mut next = Some(Cow::Borrowed(sent));
    let mut left = MAX_DECODES;
    let layers = std::iter::from_fn(move || {
        let form = next.take()?;
        if left > 0 && form.contains(&b'%') {
            left -= 1;
            next = Some(Cow::Owned(decode(&form)));
        }
        Some(form)
    });
    layers.flat_map(|form| {
        let blanks = form.contains(&b'+').then(|| {
            let blank = |&byte: &u8| if byte == b'+' { b' ' } else { byte };
            Cow::Owned(form.iter().map(blank).collect())
        });
        [Some(form), blanks].into_iter().flatten()
    })
}

/// One layer of encoding less. `%u0061` is an `a` to servers of old.
fn decode(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        let (escape, width) = match tail {
            [b'u' | b'U', b'0', b'0', high, low, ..] if *first == b'%' => ([*high, *low], 6),
            [high, low, ..] if *first == b'%' => ([*high, *low], 3),
            _ => ([0, 0], 1),
        };
        let byte = escape_value(escape);
        decoded.push(byte.unwrap_or(*first));
        rest = rest.get(if byte.is_some() { width } else { 1 }..).unwrap_or_default();
    }
    decoded
}

fn escape_value([high, low]: [u8; 2]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? << 4 | digit(low)?).ok()
}

/// A percent sign begins no escape. Some servers then read no parameter at all.
fn is_broken(text: &[u8]) -> bool {
    let mut escapes = text.split(|&b| b == b'%').skip(1);
    escapes.any(|rest| match rest {
        [high, low, ..] => escape_value([*high, *low]).is_none(),
        _ => true,
    })
}
