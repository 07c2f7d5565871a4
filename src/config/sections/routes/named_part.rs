//! A header or a query parameter of a match: by its name, its value or its presence.
//!
//! In: the parts as they are written. Out: those that some request can have in one reading only.
//! Text that servers read in several ways is refused: no request would surely match it.

use super::route_match::WrittenPart;
use crate::{config::findings::Findings, model::is_spelling};

/// A header or a query parameter that has to match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedPart {
    /// The name; that of a header in lower case.
    pub name: String,
    /// The value that it has to have.
    pub value: PartValue,
}

/// The value that a header or a query parameter has to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartValue {
    /// This one, byte for byte.
    Exact(String),
    /// Any that is not empty.
    Present,
    /// None: it is not there.
    Absent,
}

impl From<&NamedPart> for WrittenPart {
    fn from(part: &NamedPart) -> Self {
        let (exact, present) = match &part.value {
            PartValue::Exact(text) => (Some(text.clone()), None),
            PartValue::Present => (None, Some(true)),
            PartValue::Absent => (None, Some(false)),
        };
        Self { name: part.name.clone(), exact, present }
    }
}

/// The headers of a match.
pub(super) fn check_headers(
    written: &[WrittenPart],
    at: &str,
    found: &mut Findings,
) -> Vec<NamedPart> {
    check_parts(written, at, found, |name| name.to_ascii_lowercase(), header_name, header_value)
}

/// The query parameters of a match.
pub(super) fn check_query(
    written: &[WrittenPart],
    at: &str,
    found: &mut Findings,
) -> Vec<NamedPart> {
    check_parts(written, at, found, str::to_owned, query_name, query_value)
}

fn check_parts(
    written: &[WrittenPart],
    at: &str,
    found: &mut Findings,
    stored: fn(&str) -> String,
    check_name: fn(&str) -> Result<(), String>,
    check_value: fn(&str) -> Result<(), String>,
) -> Vec<NamedPart> {
    let mut parts: Vec<NamedPart> = Vec::with_capacity(written.len());
    for (index, part) in written.iter().enumerate() {
        let name = stored(&part.name);
        found.keep(format!("{at}/{index}/name"), check_name(&name));
        if parts.iter().any(|known| is_spelling(known.name.as_bytes(), name.as_bytes())) {
            found.add(
                format!("{at}/{index}/name"),
                format!("`{name}` stands there twice, or in two spellings; write it once"),
            );
        }
        let value = match (&part.exact, part.present) {
            (Some(text), _) => {
                found.keep(format!("{at}/{index}/exact"), check_value(text));
                PartValue::Exact(text.clone())
            }
            (None, Some(false)) => PartValue::Absent,
            (None, Some(true) | None) => PartValue::Present,
        };
        parts.push(NamedPart { name, value });
    }
    parts
}

/// The reader of a request header, whose settings the advice of a problem names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::config) enum HeaderReader {
    /// `match.headers`.
    Match,
    /// An expression, which reads `request.headers`.
    Expression,
}

/// Judges the name of a request header that a rule reads, in lower case.
///
/// # Errors
///
/// Why the header says nothing that a rule could rely on, and what to write instead.
pub(in crate::config) fn read_header(name: &str, reader: HeaderReader) -> Result<(), String> {
    let of = |by_match: &'static str, by_expression: &'static str| match reader {
        HeaderReader::Match => by_match,
        HeaderReader::Expression => by_expression,
    };
    let instead = match name {
        ":path" => of(
            "is the path; write `match.path`, or `match.query`",
            "is the path, as it was sent and with the query; write `request.path`, or `request.query`",
        ),
        ":authority" | "host" => {
            of("is the host; write `match.hosts`", "is the host; write `request.host`")
        }
        ":method" => {
            of("is the method; write `match.methods`", "is the method; write `request.method`")
        }
        ":scheme" => of(
            "is the client's own word; leave it out",
            "is the client's own word; write `request.scheme`",
        ),
        "cookie" => {
            "holds all cookies in one line; a token in a cookie is found by \
             `credentials: [{ cookie: NAME }]`, and asked for by `auth: required`"
        }
        "authorization" | "proxy-authorization" => {
            "holds a credential, and counts only when it is verified; write `auth: required`, and \
             `require` for what the token has to say"
        }
        "connection" | "content-length" | "keep-alive" | "proxy-connection" | "te" | "trailer"
        | "transfer-encoding" => {
            "is about one connection, and Envoy changes it on the way; leave it out"
        }
        _ if name.starts_with(':') => "is a field of the protocol, not a header; leave it out",
        _ if is_reserved(name) => {
            "is in the names of identity headers, which are removed from what a client sends; write \
             `require` for what the identity has to be"
        }
        _ if is_spelling(name.as_bytes(), b"txn-token") => {
            "is the name of a passport, which is made here and never taken from a client; write \
             `require` for what the identity has to be"
        }
        _ if http::HeaderName::from_bytes(name.as_bytes()).is_err() => {
            return Err(format!("`{name}` is not a header name; write one like x-region"));
        }
        _ => return Ok(()),
    };
    Err(format!("`{name}` {instead}"))
}

fn header_name(name: &str) -> Result<(), String> {
    read_header(name, HeaderReader::Match)
}

fn is_reserved(name: &str) -> bool {
    name.get(..8).is_some_and(|start| is_spelling(start.as_bytes(), b"x-rownd-"))
}

fn header_value(text: &str) -> Result<(), String> {
    if text.contains(',') {
        return Err(
            "has a comma, which parts the values of a header that is repeated; no request \
                    surely has this value: write one without, or `present: true`"
                .to_owned(),
        );
    }
    if text.trim() != text || !text.bytes().all(|b| b.is_ascii_graphic() || b == b' ') {
        return Err("holds blanks at its end, or signs that are no visible ASCII, which servers \
                    read differently; write letters, digits, signs and single blanks"
            .to_owned());
    }
    Ok(())
}

fn query_name(name: &str) -> Result<(), String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    if name.bytes().all(plain) {
        return Ok(());
    }
    Err(format!(
        "`{name}` has signs that servers read differently; write the name decoded, of letters, \
         digits and -._~"
    ))
}

fn query_value(text: &str) -> Result<(), String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~:@/,*!$'()".contains(&b);
    if text.bytes().all(plain) {
        return Ok(());
    }
    Err(format!(
        "`{text}` has signs that can only be sent encoded, or that servers read differently; write \
         a value of letters, digits and -._~:@/,*!$'(), or `present: true`"
    ))
}
