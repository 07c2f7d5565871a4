//! The names of query parameters as servers read them, whatever their spelling.
//!
//! In: a name as it was sent, and the name of a setting. Out: whether some server takes the one for the
//! other. Servers decode names several times, differ on case, take a sign for another (`a.b` is `a_b` to
//! PHP), and read brackets in their own ways; nothing is allocated for a name without escapes and `+`.

use std::borrow::Cow;

/// Layers of encoding that are looked behind.
const MAX_DECODES: usize = 3;
/// Signs that some server leaves out in front of a name: blanks (PHP), brackets (Rack 2, and Express for
/// `[a]`), and the marks of Spring's data binder for a default (`!a`) and for a checkbox (`_a`).
const IGNORED: &[u8] = b" \t\n\r\x0c[]!_";

/// Some server takes the name `sent`, as it was sent, for `wanted`.
#[must_use]
pub fn is_parameter(sent: &[u8], wanted: &[u8]) -> bool {
    // Decoding makes no name longer, and what is cut off is something.
    if sent.len() < wanted.len() {
        return false;
    }
    decoded_forms(sent).any(|form| {
        let name = form.split(|&byte| byte == 0).next().unwrap_or_default();
        let ignored = name.iter().take_while(|byte| IGNORED.contains(byte)).count();
        (0..=ignored).any(|start| begins_with(name.get(start..).unwrap_or_default(), wanted))
    })
}

/// The name is `wanted`, in another case (ASP.NET) or with any sign for another; or it is the name of a
/// list or of a map (`a[]`, `a[b]`, and `a]` to Rack 2), or of a button with an image (`a.x` to Spring).
fn begins_with(name: &[u8], wanted: &[u8]) -> bool {
    let Some((own, rest)) = name.split_at_checked(wanted.len()) else { return false };
    let same = |(sent, wanted): (&u8, &u8)| {
        sent.eq_ignore_ascii_case(wanted)
            || !sent.is_ascii_alphanumeric() && !wanted.is_ascii_alphanumeric()
    };
    if !own.iter().zip(wanted).all(same) {
        return false;
    }
    // `a[b` is `a_b` to PHP, but `a[b]` is a list to everyone.
    let is_open = |(sent, wanted): (&u8, &u8)| *sent == b'[' && *wanted != b'[';
    if let Some(open) = own.iter().zip(wanted).position(is_open)
        && name.get(open..).is_some_and(|inner| inner.contains(&b']'))
    {
        return false;
    }
    match rest.trim_ascii_start() {
        [] | [b'[' | b']', ..] => true,
        coordinate => matches!(coordinate, [b'.', b'x' | b'y']),
    }
}

/// A text as servers decode it: not at all, or up to three times, each with `+` as it is and as a blank.
pub fn decoded_forms(sent: &[u8]) -> impl Iterator<Item = Cow<'_, [u8]>> {
    let mut next = Some(Cow::Borrowed(sent));
    let mut left = MAX_DECODES;
    let layers = std::iter::from_fn(move || {
        let form = next.take()?;
        if left > 0 && form.contains(&b'%') {
            left -= 1;
            next = Some(Cow::Owned(decode_layer(&form)));
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
#[must_use]
pub fn decode_layer(text: &[u8]) -> Vec<u8> {
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

/// The byte that these two hexadecimal digits of an escape stand for.
#[must_use]
pub fn escape_value([high, low]: [u8; 2]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? << 4 | digit(low)?).ok()
}

#[cfg(test)]
mod tests {
    use super::is_parameter;

    #[test]
    fn a_name_is_read_as_each_server_reads_it() {
        #[rustfmt::skip] // one server a line
        let cases = [
            ("itself", "user_id", true),
            ("ASP.NET, case", "USER_Id", true),
            ("PHP, signs", "user.id", true),
            ("PHP, blanks in front", "%20+user_id", true),
            ("PHP, an open bracket", "user[id", true),
            ("PHP, an encoded one", "user%5bid", true),
            ("PHP, encoded twice", "user%255Bid", true),
            ("PHP, closed behind the end of a C string", "user[id%00]", true),
            ("Express, Rack 2: in brackets", "[user_id]", true),
            ("Express, encoded", "%5Buser_id%5D", true),
            ("Rack 2, closing in front", "]user_id", true),
            ("Rack 2, several in front", "[][user_id", true),
            ("Rack 2, behind", "user_id]", true),
            ("Rack 2, behind and more", "user_id]]x", true),
            ("Rack 2, a map in brackets", "[user_id][a]", true),
            ("a list", "user_id[]", true),
            ("a list with a blank", "user_id [0]", true),
            ("Spring, a default", "!user_id", true),
            ("Spring, a checkbox", "_user_id", true),
            ("Spring, a checkbox of a list", "_user_id[0]", true),
            ("Spring, a button with an image", "user_id.x", true),
            ("a name that goes on", "user_id2", false),
            ("a name that begins before", "xuser_id", false),
            ("another member", "user_id.z", false),
            ("a map with this key", "user[id]", false),
            ("a map of maps", "[user][id]", false),
            ("only a part", "user", false),
            ("a letter for a sign", "userxid", false),
            ("nothing", "", false),
            ("brackets alone", "[[[]]]][", false),
        ];
        for (name, sent, expected) in cases {
            assert_eq!(is_parameter(sent.as_bytes(), b"user_id"), expected, "{name}: {sent}");
        }
        for (sent, wanted) in
            [("q%5B]", "q[]"), ("q[]", "q[]"), ("_method", "_method"), ("a-b", "a-b")]
        {
            assert!(is_parameter(sent.as_bytes(), wanted.as_bytes()), "{sent}");
        }
        assert!(!is_parameter(b"method", b"_method"));
    }
}
