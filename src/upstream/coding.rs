//! The content coding of an answer: some servers send gzip although nobody has asked for it.
//!
//! In: the headers of an answer, then its body. Out: the body as it was before it was packed, of a
//! bounded size; or an error that names the fault.

use std::io::Read as _;

use flate2::bufread::GzDecoder;
use reqwest::header::{CONTENT_ENCODING, HeaderMap};

use super::error::UpstreamError;

/// The coding of a body (RFC 9110 section 8.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    /// None: the body is as it is.
    Identity,
    /// gzip (RFC 1952), once.
    Gzip,
}

impl Coding {
    /// The coding that the headers state.
    ///
    /// # Errors
    ///
    /// [`UpstreamError::Packed`]: another coding, or several.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, UpstreamError> {
        let lines = headers.get_all(CONTENT_ENCODING).iter().map(|line| line.to_str());
        let mut found = Self::Identity;
        for line in lines {
            let line = line.map_err(|_| UpstreamError::Packed(UNKNOWN))?;
            for coding in line.split(',').map(str::trim) {
                let is = |name: &str| coding.eq_ignore_ascii_case(name);
                if coding.is_empty() || is("identity") {
                    continue;
                }
                if found != Self::Identity || !(is("gzip") || is("x-gzip")) {
                    return Err(UpstreamError::Packed(UNKNOWN));
                }
                found = Self::Gzip;
            }
        }
        Ok(found)
    }

    /// The body as it was before it was packed. The result never takes more room than `limit`.
    ///
    /// # Errors
    ///
    /// [`UpstreamError::TooLarge`] and [`UpstreamError::Packed`].
    pub(super) fn unpack(self, body: Vec<u8>, limit: usize) -> Result<Vec<u8>, UpstreamError> {
        match self {
            Self::Identity => Ok(body),
            // An error status may come with the header and no body.
            Self::Gzip if body.is_empty() => Ok(body),
            Self::Gzip => gunzip(&body, limit),
        }
    }
}

const UNKNOWN: &str = "its content-encoding is not gzip, and nothing else is unpacked";
const DAMAGED: &str = "its content-encoding says gzip, and it is damaged or not gzip";

fn gunzip(body: &[u8], limit: usize) -> Result<Vec<u8>, UpstreamError> {
    let mut decoder = GzDecoder::new(body);
    let mut unpacked = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let read = decoder.by_ref().take(most).read_to_end(&mut unpacked);
    if unpacked.len() > limit {
        return Err(UpstreamError::TooLarge);
    }
    // The end was reached, so that its checksum has been compared. A second member behind the first
    // is left alone: many empty ones would cost much time for no text.
    match read {
        Ok(_) if decoder.into_inner().is_empty() => Ok(unpacked),
        Ok(_) | Err(_) => Err(UpstreamError::Packed(DAMAGED)),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};
    use reqwest::header::{CONTENT_ENCODING, HeaderMap, HeaderValue};

    use super::{Coding, UpstreamError};

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn gzip_is_the_one_coding_that_is_unpacked() {
        for (lines, expected) in [
            (&[][..], Some(Coding::Identity)),
            (&[""], Some(Coding::Identity)),
            (&["identity"], Some(Coding::Identity)),
            (&["gzip"], Some(Coding::Gzip)),
            (&["GZip"], Some(Coding::Gzip)),
            (&["x-gzip"], Some(Coding::Gzip)),
            (&["identity, gzip"], Some(Coding::Gzip)),
            (&[" gzip ,"], Some(Coding::Gzip)),
            (&["gzip, gzip"], None),
            (&["gzip", "gzip"], None),
            (&["deflate"], None),
            (&["br"], None),
            (&["zstd"], None),
            (&["gzip;q=1"], None),
            (&["br, gzip"], None),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(CONTENT_ENCODING, HeaderValue::from_static(line));
            }
            assert_eq!(Coding::of(&headers).ok(), expected, "{lines:?}");
        }
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, HeaderValue::from_bytes(b"gzip\xff").unwrap());
        assert!(matches!(Coding::of(&headers), Err(UpstreamError::Packed(_))));
    }

    #[test]
    fn a_body_is_unpacked_up_to_its_limit() {
        let text = br#"{"keys":[]}"#;
        let packed = gzip(text);
        let cut = |at: usize| packed[..packed.len() - at].to_vec();
        let mut flipped = packed.clone();
        let crc = flipped.len() - 8;
        flipped[crc] ^= 1;
        let large = |bytes: usize| gzip(&vec![b' '; bytes]);
        let ok = || Ok(text.to_vec());
        let damaged = || Err(UpstreamError::Packed(super::DAMAGED));
        let too_large = || Err(UpstreamError::TooLarge);
        for (name, body, expected) in [
            ("whole", packed.clone(), ok()),
            ("nothing", Vec::new(), Ok(Vec::new())),
            ("nothing packed", gzip(b""), Ok(Vec::new())),
            ("not gzip", text.to_vec(), damaged()),
            ("the magic alone", vec![0x1f, 0x8b], damaged()),
            ("without its last byte", cut(1), damaged()),
            ("without its checksum", cut(8), damaged()),
            ("another checksum", flipped, damaged()),
            ("with a tail", [&packed[..], b" "].concat(), damaged()),
            ("twice", [&packed[..], &packed[..]].concat(), damaged()),
            ("just the limit", large(1_000), Ok(vec![b' '; 1_000])),
            ("one more", large(1_001), too_large()),
            ("a bomb", large(64 << 20), too_large()),
        ] {
            assert_eq!(Coding::Gzip.unpack(body, 1_000), expected, "{name}");
        }
        assert_eq!(Coding::Identity.unpack(packed.clone(), 1_000), Ok(packed));
    }
}
