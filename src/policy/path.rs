//! Every reading of a path that some server may take.
//!
//! A proxy, a framework and a file system do not agree on what `/a/..;x/%2e%2e//b` is. So a
//! path is read in all the ways that are known to differ (percent-decoded, `;parameters` cut,
//! `//` merged, backslashes turned, dot segments resolved), in every order, because servers
//! stand in rows. Each reading chooses a rule, and all of these rules must allow. No URL parser is
//! used: the path is split by hand, and nothing in it is taken for an authority.
//!
//! In: the path and query as they were sent. Out: the distinct readings of the path, and whether it
//! is odd; nothing if it is refused.

use std::borrow::Cow;

/// A path with more layers of percent-encoding than this is refused as hostile.
const MAX_DECODES: usize = 3;
/// A path with more readings than this is refused as hostile.
const MAX_READINGS: usize = 32;
/// A path whose readings have more bytes than this together is refused as hostile: each reading
/// costs a few passes over it, and the checks of other callers wait meanwhile.
pub(super) const MAX_BYTES: usize = 32 * 1024;

/// One change that a server makes to a path; `None` if the path has nothing to change.
type Step = fn(&[u8]) -> Option<Vec<u8>>;

/// The changes that servers make besides decoding.
const STEPS: [Step; 8] = [
    turned,
    cut,
    without_parameters,
    without_authority,
    merged,
    resolved,
    resolved_as_written,
    readable,
];

/// The distinct readings of one path; the first is the path as it was sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PathReadings<'a> {
    paths: Vec<Cow<'a, [u8]>>,
    bytes: usize,
    odd: bool,
}

impl PathReadings<'_> {
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.paths.iter().map(AsRef::as_ref)
    }

    /// The path is odd: in at least one reading it holds dot segments, an encoded slash, a backslash
    /// or a raw `#`, or begins with `//`.
    pub(super) const fn odd(&self) -> bool {
        self.odd
    }
}

/// The readings of a path; `None` if it is refused: it has no leading slash, holds control
/// characters, a blank or a broken escape, or has more layers, readings or bytes than the limits.
pub(super) fn readings(raw: &[u8]) -> Option<PathReadings<'_>> {
    // No fragment belongs into a request (RFC 9112 section 3.2.1). Servers cut it off, or keep it.
    let fragment = raw.contains(&b'#');
    let path = raw.split(|&b| b == b'?').next().unwrap_or_default();
    // A raw blank ends a request target (RFC 9112 section 3); parsers trim it, or keep it.
    if path.first() != Some(&b'/') || !is_clean(path) || path.contains(&b' ') {
        return None;
    }
    let mut readings =
        PathReadings { paths: vec![Cow::Borrowed(path)], bytes: path.len(), odd: fragment };
    if is_plain(path) {
        return Some(readings);
    }
    if decode(path).broken {
        return None;
    }
    let mut first = 0;
    for _ in 0..=MAX_DECODES {
        let new = readings.apply_steps(first)?;
        first = readings.paths.len();
        let decoded: Vec<Decoded> = new.iter().map(|path| decode(path)).collect();
        for decoded in decoded {
            if !is_clean(&decoded.path) {
                return None;
            }
            readings.odd |= decoded.slash;
            readings.add(decoded.path);
        }
        if readings.paths.len() == first {
            return Some(readings);
        }
    }
    None
}

impl PathReadings<'_> {
    /// Applies the steps, in any order, to the readings from `first` on. Returns those readings and
    /// the ones that were added; `None` if there are too many.
    fn apply_steps(&mut self, first: usize) -> Option<Vec<Vec<u8>>> {
        let mut next = first;
        while let Some(path) = self.paths.get(next).map(|path| path.to_vec()) {
            if self.paths.len() > MAX_READINGS || self.bytes > MAX_BYTES {
                return None;
            }
            self.odd |= path.contains(&b'\\') || has_dot_segments(&path) || path.starts_with(b"//");
            for path in STEPS.iter().filter_map(|step| step(&path)) {
                self.add(path);
            }
            next += 1;
        }
        Some(self.paths.iter().skip(first).map(|path| path.to_vec()).collect())
    }

    fn add(&mut self, path: Vec<u8>) {
        if !self.paths.iter().any(|known| known.as_ref() == path.as_slice()) {
            self.bytes += path.len();
            self.paths.push(Cow::Owned(path));
        }
    }
}

/// The path holds no control characters (NUL, tabs, line ends), and no overlong UTF-8, in which
/// careless decoders find slashes and dots (RFC 3629 section 10).
fn is_clean(path: &[u8]) -> bool {
    let overlong = |pair: &[u8]| {
        matches!(pair, [0xc0 | 0xc1, 0x80..=0xbf] | [0xe0, 0x80..=0x9f] | [0xf0, 0x80..=0x8f])
    };
    !path.iter().any(u8::is_ascii_control) && (path.is_ascii() || !path.windows(2).any(overlong))
}

/// All servers read the path alike.
fn is_plain(path: &[u8]) -> bool {
    let mut previous = 0;
    for &byte in path {
        match byte {
            b'%' | b'\\' | b';' | b'#' | 0x80.. => return false,
            b'/' | b'.' if previous == b'/' => return false,
            _ => previous = byte,
        }
    }
    true
}

/// A path with one layer of encoding less.
struct Decoded {
    path: Vec<u8>,
    /// An escape stood for a slash or a backslash.
    slash: bool,
    /// A percent sign began no escape. It is kept, as lenient servers do.
    broken: bool,
}

fn decode(path: &[u8]) -> Decoded {
    let mut decoded = Decoded { path: Vec::with_capacity(path.len()), slash: false, broken: false };
    let mut rest = path;
    while let [first, tail @ ..] = rest {
        let escape = match tail {
            [high, low, tail @ ..] if *first == b'%' => {
                hex(*high).zip(hex(*low)).map(|(high, low)| (high << 4 | low, tail))
            }
            _ => None,
        };
        decoded.broken |= *first == b'%' && escape.is_none();
        decoded.slash |= matches!(escape, Some((b'/' | b'\\', _)));
        let (byte, tail) = escape.unwrap_or((*first, tail));
        decoded.path.push(byte);
        rest = tail;
    }
    decoded
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// `/a\b` as `/a/b`.
fn turned(path: &[u8]) -> Option<Vec<u8>> {
    let turn = |&byte: &u8| if byte == b'\\' { b'/' } else { byte };
    path.contains(&b'\\').then(|| path.iter().map(turn).collect())
}

/// `//a/b` as `/b`: URL parsers read a host behind two slashes (RFC 3986 section 4.2), and that of
/// the WHATWG URL standard behind any number of them.
fn without_authority(path: &[u8]) -> Option<Vec<u8>> {
    let behind = path.strip_prefix(b"//")?;
    let host = behind.iter().position(|&b| b != b'/').and_then(|start| behind.get(start..))?;
    let end = host.iter().position(|&b| b == b'/');
    Some(end.and_then(|end| host.get(end..)).unwrap_or(b"/").to_vec())
}

/// `/a?b` as `/a`: the mark was encoded, or begins a fragment.
fn cut(path: &[u8]) -> Option<Vec<u8>> {
    let end = path.iter().position(|&b| b == b'?' || b == b'#')?;
    path.get(..end).map(<[u8]>::to_vec)
}

/// Bytes that are no UTF-8 as the character that stands for them, so that the `.` of a rule's
/// regular expression meets them.
fn readable(path: &[u8]) -> Option<Vec<u8>> {
    std::str::from_utf8(path)
        .is_err()
        .then(|| String::from_utf8_lossy(path).into_owned().into_bytes())
}

/// `/a;v=1/b` as `/a/b`.
fn without_parameters(path: &[u8]) -> Option<Vec<u8>> {
    let segments = path.split(|&b| b == b'/');
    let bare = segments.map(|s| s.split(|&b| b == b';').next().unwrap_or_default());
    path.contains(&b';').then(|| bare.collect::<Vec<_>>().join(&b'/'))
}

/// `//a///b` as `/a/b`.
fn merged(path: &[u8]) -> Option<Vec<u8>> {
    let mut merged = Vec::with_capacity(path.len());
    for &byte in path {
        if byte != b'/' || merged.last() != Some(&b'/') {
            merged.push(byte);
        }
    }
    (merged.len() < path.len()).then_some(merged)
}

/// The meaning of a segment when dot segments are resolved.
#[derive(PartialEq, Eq)]
enum Segment {
    /// `.`: this directory.
    Here,
    /// `..`: the directory above.
    Up,
    /// A name.
    Name,
}

/// The meaning for servers that take an encoded dot for a part of a name.
fn segment_as_written(text: &[u8]) -> Segment {
    match text {
        b"." => Segment::Here,
        b".." => Segment::Up,
        _ => Segment::Name,
    }
}

/// The meaning for servers that take `%2e` for a dot before they decode anything else (the WHATWG
/// URL standard), so that `%2f` is still no slash to them.
fn segment(text: &[u8]) -> Segment {
    let undotted = match text {
        [b'%', b'2', b'e' | b'E', rest @ ..] | [b'.', rest @ ..] => rest,
        _ => return Segment::Name,
    };
    match undotted {
        [] => Segment::Here,
        b"." | b"%2e" | b"%2E" => Segment::Up,
        _ => Segment::Name,
    }
}

fn has_dot_segments(path: &[u8]) -> bool {
    path.split(|&b| b == b'/').any(|text| segment(text) != Segment::Name)
}

/// Without dot segments, encoded ones included.
fn resolved(path: &[u8]) -> Option<Vec<u8>> {
    without_dots(path, segment)
}

/// Without those that are written as dots: `..` takes back a `%2e` as it does any name.
fn resolved_as_written(path: &[u8]) -> Option<Vec<u8>> {
    without_dots(path, segment_as_written)
}

/// Without dot segments (RFC 3986 section 5.2.4), never above the root.
fn without_dots(path: &[u8], segment: fn(&[u8]) -> Segment) -> Option<Vec<u8>> {
    if path.split(|&b| b == b'/').all(|text| segment(text) == Segment::Name) {
        return None;
    }
    let mut kept: Vec<&[u8]> = Vec::new();
    let mut segments = path.split(|&b| b == b'/').skip(1).peekable();
    while let Some(text) = segments.next() {
        match segment(text) {
            Segment::Here => {}
            Segment::Up => {
                kept.pop();
            }
            Segment::Name => {
                kept.push(text);
                continue;
            }
        }
        if segments.peek().is_none() {
            kept.push(b"");
        }
    }
    let mut path = vec![b'/'];
    path.extend(kept.join(&b'/'));
    Some(path)
}
