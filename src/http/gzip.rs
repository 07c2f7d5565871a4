//! The pages of operators, compressed where the client asks for it: a scrape is a twentieth of its
//! size then.
//!
//! In: `Accept-Encoding` (RFC 9110 section 12.5.3) and a text. Out: the response with its headers.

use std::io::{self, Write as _};

use axum::{
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use flate2::{Compression, write::GzEncoder};

/// The text, compressed where the client takes gzip and likes nothing better.
pub(super) fn respond(request: &HeaderMap, content_type: &'static str, text: String) -> Response {
    let lines = request.get_all(header::ACCEPT_ENCODING).iter();
    let wanted = prefers_gzip(lines.filter_map(|line| line.to_str().ok()));
    let compressed = if wanted { compress(text.as_bytes()).ok() } else { None };
    let is_compressed = compressed.is_some();
    let mut response = compressed.unwrap_or_else(|| text.into_bytes()).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if is_compressed {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

fn compress(text: &[u8]) -> io::Result<Vec<u8>> {
    // Level 1 takes a third of the time of the default, and the text repeats itself.
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text)?;
    encoder.finish()
}

/// The qualities in thousandths that a client gives; `None`: it does not name the coding.
#[derive(Default)]
struct Qualities {
    gzip: Option<u16>,
    identity: Option<u16>,
    others: Option<u16>,
}

/// The client takes gzip, and no less than the plain text. A client that names no coding gets the
/// plain text.
fn prefers_gzip<'a>(lines: impl Iterator<Item = &'a str>) -> bool {
    let mut found = Qualities::default();
    for element in lines.flat_map(|line| line.split(',')) {
        let mut parts = element.split(';').map(str::trim);
        let coding = parts.next().unwrap_or_default();
        // An element that is not well-formed says nothing.
        let Some(quality) = quality(parts) else { continue };
        if coding.eq_ignore_ascii_case("gzip") || coding.eq_ignore_ascii_case("x-gzip") {
            found.gzip = Some(quality);
        } else if coding.eq_ignore_ascii_case("identity") {
            found.identity = Some(quality);
        } else if coding == "*" {
            found.others = Some(quality);
        }
    }
    let gzip = found.gzip.or(found.others).unwrap_or_default();
    gzip > 0 && gzip >= found.identity.unwrap_or_default()
}

/// The weight among the parameters of an element; 1 without one.
fn quality<'a>(mut parameters: impl Iterator<Item = &'a str>) -> Option<u16> {
    let Some(weight) = parameters.next() else { return Some(1000) };
    let (name, value) = weight.split_once('=')?;
    if !name.trim_end().eq_ignore_ascii_case("q") || parameters.next().is_some() {
        return None;
    }
    let (whole, fraction) = value.trim_start().split_once('.').unwrap_or((value.trim_start(), ""));
    let is_short = fraction.len() <= 3 && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let thousandths = format!("{fraction:0<3}").parse::<u16>().ok().filter(|_| is_short)?;
    match (whole, thousandths) {
        ("0", thousandths) => Some(thousandths),
        ("1", 0) => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::{compress, prefers_gzip};

    #[test]
    fn gzip_is_sent_to_clients_that_ask_for_it() {
        for (lines, expected) in [
            (&[][..], false),
            (&[""], false),
            (&["gzip"], true),
            (&["GZIP"], true),
            (&["x-gzip"], true),
            (&["deflate, gzip"], true),
            (&["deflate", "gzip"], true),
            (&["deflate, br"], false),
            (&["gzip;q=0"], false),
            (&["gzip; q=0.000"], false),
            (&["gzip;q=0.001"], true),
            (&["gzip ; Q=1.000"], true),
            (&["gzip;q=0, *"], false),
            (&["*"], true),
            (&["*;q=0"], false),
            (&["*;q=0, gzip;q=0.5"], true),
            (&["identity, gzip;q=0.5"], false),
            (&["identity;q=0.5, gzip;q=0.5"], true),
            (&["identity;q=0, gzip;q=0"], false),
            (&["gzip;q=2"], false),
            (&["gzip;q=1.001"], false),
            (&["gzip;q=0.0001"], false),
            (&["gzip;q="], false),
            (&["gzip;q"], false),
            (&["gzip;level=9"], false),
            (&["gzipped"], false),
        ] {
            assert_eq!(prefers_gzip(lines.iter().copied()), expected, "{lines:?}");
        }
    }

    #[test]
    fn what_is_compressed_can_be_read() {
        let text = "rownd_authz_checks_total 1\n".repeat(1000);
        let compressed = compress(text.as_bytes()).unwrap();
        assert!(compressed.len() < text.len() / 20);
        let mut read = String::new();
        flate2::read::GzDecoder::new(compressed.as_slice()).read_to_string(&mut read).unwrap();
        assert_eq!(read, text);
    }
}
