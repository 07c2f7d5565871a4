//! HTML or JSON, by the header `Accept` (RFC 9110 section 12.5.1).
//!
//! In: the lines of the header. Out: whether the client prefers HTML. A client that says nothing, or
//! likes both alike, gets JSON.

/// The quality of a media type in thousandths, and how exactly the client named it.
type Preference = (u16, u8);

/// The types that there are, in the order of [`Preferences`].
const TYPES: [(&str, &str); 2] = [("text", "html"), ("application", "json")];
/// The preferences for HTML and for JSON. A type that no range matches has no quality.
type Preferences = [Preference; 2];

/// The client prefers HTML to JSON: by quality, and where that is the same, because HTML is named
/// more exactly.
pub(super) fn prefers_html<'a>(lines: impl Iterator<Item = &'a [u8]>) -> bool {
    let mut found: Preferences = [(0, 0); 2];
    for line in lines {
        for range in Elements::of(line, b',') {
            consider(range, &mut found);
        }
    }
    let [html, json] = found;
    html.0 > 0 && html > json
}

/// Takes one range into account. One that is not well-formed says nothing.
fn consider(range: &[u8], found: &mut Preferences) {
    let mut parts = Elements::of(range, b';');
    let Some((kind, subtype)) = parts.next().and_then(|name| {
        let (kind, subtype) = std::str::from_utf8(name).ok()?.trim_ascii().split_once('/')?;
        Some((kind, subtype))
    }) else {
        return;
    };
    let mut quality = 1000;
    for parameter in parts {
        let Some((name, value)) = std::str::from_utf8(parameter).ok().and_then(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            Some((name.trim_ascii(), value.trim_ascii()))
        }) else {
            return;
        };
        if name.eq_ignore_ascii_case("q") {
            let Some(value) = thousandths(value) else { return };
            quality = value;
            // Parameters after the weight are no part of the range.
            break;
        }
        // Neither of the types has another parameter.
        let is_charset = name.eq_ignore_ascii_case("charset")
            && value.trim_matches('"').eq_ignore_ascii_case("utf-8");
        if !is_charset {
            return;
        }
    }
    for (preference, (own_kind, own_subtype)) in found.iter_mut().zip(TYPES) {
        let exactness = match (kind, subtype) {
            ("*", "*") => 1,
            (kind, "*") if kind.eq_ignore_ascii_case(own_kind) => 2,
            (kind, subtype)
                if kind.eq_ignore_ascii_case(own_kind)
                    && subtype.eq_ignore_ascii_case(own_subtype) =>
            {
                3
            }
            _ => continue,
        };
        // The most exact range decides; of several, the one that the client likes most.
        let (known_quality, known_exactness) = *preference;
        if (exactness, quality) > (known_exactness, known_quality) {
            *preference = (quality, exactness);
        }
    }
}

/// A weight (RFC 9110 section 12.4.2): 0 to 1 with at most three decimals.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let padded = format!("{decimals:0<3}");
    if padded.len() != 3 || !padded.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    match (whole, padded.parse().ok()?) {
        ("0", decimals) => Some(decimals),
        ("1", 0) => Some(1000),
        _ => None,
    }
}

/// The parts of a text between separators that do not stand in quotes.
struct Elements<'a> {
    rest: Option<&'a [u8]>,
    separator: u8,
}

impl<'a> Elements<'a> {
    const fn of(text: &'a [u8], separator: u8) -> Self {
        Self { rest: Some(text), separator }
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest?;
        let (mut quoted, mut escaped) = (false, false);
        let end = rest.iter().position(|&byte| {
            if quoted {
                let was_escaped = std::mem::take(&mut escaped);
                escaped = byte == b'\\' && !was_escaped;
                quoted = byte != b'"' || was_escaped;
                return false;
            }
            quoted = byte == b'"';
            byte == self.separator
        });
        let (element, after) = match end {
            Some(end) => (rest.get(..end), rest.get(end + 1..)),
            None => (Some(rest), None),
        };
        self.rest = after;
        element.map(<[u8]>::trim_ascii)
    }
}
