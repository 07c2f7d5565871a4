//! The references that stay within a drawing.

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// The types of raster images. An SVG in an SVG could hold anything again.
const RASTERS: [&str; 5] = ["png", "jpeg", "jpg", "gif", "webp"];

/// Whether this leads to an element of the same drawing, or is a raster image itself.
pub(super) fn stays_inside(reference: &str) -> bool {
    match reference.strip_prefix('#') {
        Some(id) => {
            let odd = |c: char| {
                c.is_whitespace()
                    || c.is_control()
                    || matches!(c, '"' | '\'' | '(' | ')' | '<' | '>' | '\\')
            };
            !id.is_empty() && !id.contains(odd)
        }
        None => is_raster(reference),
    }
}

/// Whether this is a `data:` URI (RFC 2397) of a raster image in base64, whose first bytes are those
/// of such an image.
fn is_raster(uri: &str) -> bool {
    let Some((head, data)) = uri.split_once(',') else { return false };
    let head = head.to_ascii_lowercase();
    let kind = head.strip_prefix("data:image/").and_then(|rest| rest.strip_suffix(";base64"));
    let is_base64 = |byte: u8| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'+' | b'/' | b'=')
            || byte.is_ascii_whitespace()
    };
    kind.is_some_and(|kind| RASTERS.contains(&kind))
        && data.bytes().all(is_base64)
        && begins_as_raster(data)
}

fn begins_as_raster(data: &str) -> bool {
    let first: String = data.chars().filter(|c| !c.is_ascii_whitespace()).take(16).collect();
    let Ok(bytes) = STANDARD.decode(first) else { return false };
    let is_webp = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP".as_slice());
    let starts: [&[u8]; 4] = [&super::png::SIGNATURE, &[0xff, 0xd8, 0xff], b"GIF87a", b"GIF89a"];
    is_webp || starts.iter().any(|start| bytes.starts_with(start))
}
