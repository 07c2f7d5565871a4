//! The structure of a PNG: its chunks, from the header to the end, and nothing after.
//!
//! The pixels are not unpacked: a small file can hold a huge picture, so the header must name a
//! size that a logo can have.

/// The first bytes of every PNG (W3C PNG section 5.2).
pub(super) const SIGNATURE: [u8; 8] = [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a];
/// The most pixels of a side. A page would have to unpack more than 256 MB beyond that.
const MAX_SIDE: u32 = 8192;

/// Checks the chunks of a file that begins with the signature.
///
/// # Errors
///
/// The problem, to go on a sentence.
pub(super) fn check(file: &[u8]) -> Result<(), &'static str> {
    let mut rest = file.get(SIGNATURE.len()..).unwrap_or_default();
    let mut first = true;
    let mut has_pixels = false;
    loop {
        let (kind, data, after) = chunk(rest)?;
        if first != (kind == b"IHDR") {
            return Err("its first chunk is not the only header");
        }
        match kind {
            b"IHDR" => check_header(data)?,
            b"IDAT" => has_pixels = true,
            b"IEND" if !after.is_empty() => return Err("something follows its end"),
            b"IEND" if !has_pixels => return Err("it has no pixels"),
            b"IEND" => return Ok(()),
            _ => {}
        }
        (rest, first) = (after, false);
    }
}

/// The type and the content of the first chunk, and the bytes after it.
fn chunk(bytes: &[u8]) -> Result<(&[u8], &[u8], &[u8]), &'static str> {
    const CUT: &str = "it is cut off, or a chunk has a wrong length";
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or(CUT)?;
    let length = u32::from_be_bytes(*length) as usize;
    let (named, rest) = rest.split_at_checked(length.checked_add(4).ok_or(CUT)?).ok_or(CUT)?;
    let (sum, rest) = rest.split_first_chunk::<4>().ok_or(CUT)?;
    let mut real = flate2::Crc::new();
    real.update(named);
    if real.sum() != u32::from_be_bytes(*sum) {
        return Err("the checksum of a chunk is wrong");
    }
    let (kind, data) = named.split_at_checked(4).ok_or(CUT)?;
    Ok((kind, data, rest))
}

fn check_header(data: &[u8]) -> Result<(), &'static str> {
    let side = |at: usize| {
        let bytes = data.get(at..)?.first_chunk::<4>()?;
        Some(u32::from_be_bytes(*bytes))
    };
    let sides = [side(0), side(4)];
    if data.len() != 13 || sides.contains(&Some(0)) {
        Err("its header is no header")
    } else if sides.iter().flatten().any(|side| *side > MAX_SIDE) {
        Err("it has more than 8192 pixels on a side")
    } else {
        Ok(())
    }
}
