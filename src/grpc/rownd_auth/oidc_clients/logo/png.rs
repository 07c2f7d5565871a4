//! The structure of a PNG: its chunks, from the header to the end, and nothing after; and its pixels,
//! as many as the header says.
//!
//! A small file can hold a huge picture, so the header must name a size that a logo can have. The pixels
//! are unpacked piece by piece into a small buffer.

use flate2::{Decompress, FlushDecompress, Status};

/// The first bytes of every PNG (W3C PNG section 5.2).
pub(super) const SIGNATURE: [u8; 8] = [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a];
/// The most pixels: 4096 by 4096. A page would have to unpack more than 64 MB beyond that.
const MAX_PIXELS: u64 = 4096 * 4096;
/// The parts of an interlaced picture: the first column and row, and the steps to the next (W3C PNG
/// section 8.1).
const ADAM7: [[u64; 4]; 7] = [
    [0, 0, 8, 8],
    [4, 0, 8, 8],
    [0, 4, 4, 8],
    [2, 0, 4, 4],
    [0, 2, 2, 4],
    [1, 0, 2, 2],
    [0, 1, 1, 2],
];
/// The bytes that are unpacked at a time.
const PIECE: usize = 16 << 10;

/// Checks the chunks of a file that begins with the signature.
///
/// # Errors
///
/// The problem, to go on a sentence.
pub(super) fn check(file: &[u8]) -> Result<(), &'static str> {
    let mut rest = file.get(SIGNATURE.len()..).unwrap_or_default();
    let mut first = true;
    let mut has_palette = false;
    let mut pixels: Option<Pixels> = None;
    loop {
        let (kind, data, after) = chunk(rest)?;
        if first != (kind == b"IHDR") {
            return Err("its first chunk is not the only header");
        }
        match kind {
            b"IHDR" => pixels = Some(Pixels::of_header(data)?),
            b"PLTE" => has_palette = true,
            b"IDAT" => pixels.as_mut().ok_or(NO_HEADER)?.add(data)?,
            b"IEND" if !after.is_empty() => return Err("something follows its end"),
            b"IEND" => return pixels.ok_or(NO_HEADER)?.check_end(has_palette),
            _ => {}
        }
        (rest, first) = (after, false);
    }
}

/// The type and the content of a chunk, and the bytes after it.
type Chunk<'a> = (&'a [u8], &'a [u8], &'a [u8]);

/// The first chunk.
fn chunk(bytes: &[u8]) -> Result<Chunk<'_>, &'static str> {
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

const NO_HEADER: &str = "its header is no header";
const NO_PIXELS: &str = "it has no pixels";
const BAD_PIXELS: &str = "its pixels cannot be unpacked";
const OTHER_SIZE: &str = "it has not as many pixels as its header says";

/// The pixels of a picture, while they are unpacked.
struct Pixels {
    unpacker: Decompress,
    /// The bytes of all rows, each with its filter.
    expected: u64,
    needs_palette: bool,
    is_complete: bool,
}

impl Pixels {
    /// The pixels that this header asks for.
    fn of_header(header: &[u8]) -> Result<Self, &'static str> {
        let &[w0, w1, w2, w3, h0, h1, h2, h3, depth, color, 0, 0, interlaced @ (0 | 1)] = header
        else {
            return Err(NO_HEADER);
        };
        let width = u64::from(u32::from_be_bytes([w0, w1, w2, w3]));
        let height = u64::from(u32::from_be_bytes([h0, h1, h2, h3]));
        // W3C PNG section 11.2.1: the samples of a pixel, and the bits that a sample can have.
        let samples = match (color, depth) {
            (0, 1 | 2 | 4 | 8 | 16) | (3, 1 | 2 | 4 | 8) => 1,
            (2, 8 | 16) => 3,
            (4, 8 | 16) => 2,
            (6, 8 | 16) => 4,
            _ => return Err(NO_HEADER),
        };
        if width == 0 || height == 0 {
            return Err(NO_HEADER);
        }
        if width.saturating_mul(height) > MAX_PIXELS {
            return Err("it has more than 4096 x 4096 pixels");
        }
        let bits = samples * u64::from(depth);
        let bytes_of = |columns: u64, rows: u64| match columns {
            0 => 0,
            _ => rows * (1 + (columns * bits).div_ceil(8)),
        };
        let expected = if interlaced == 0 {
            bytes_of(width, height)
        } else {
            let part = |[column, row, right, down]: [u64; 4]| {
                let count = |side: u64, first, step| side.saturating_sub(first).div_ceil(step);
                bytes_of(count(width, column, right), count(height, row, down))
            };
            ADAM7.into_iter().map(part).sum()
        };
        let unpacker = Decompress::new(true);
        Ok(Self { unpacker, expected, needs_palette: color == 3, is_complete: false })
    }

    /// Unpacks the next bytes.
    fn add(&mut self, mut packed: &[u8]) -> Result<(), &'static str> {
        let mut piece = vec![0; PIECE];
        // Some may be left to unpack when all bytes are taken.
        while !self.is_complete {
            let before = (self.unpacker.total_in(), self.unpacker.total_out());
            let status = self.unpacker.decompress(packed, &mut piece, FlushDecompress::None);
            let status = status.map_err(|_| BAD_PIXELS)?;
            let after = (self.unpacker.total_in(), self.unpacker.total_out());
            if after.1 > self.expected {
                return Err(OTHER_SIZE);
            }
            self.is_complete = status == Status::StreamEnd;
            if before == after {
                break;
            }
            let taken = usize::try_from(after.0 - before.0).unwrap_or(usize::MAX);
            packed = packed.get(taken..).unwrap_or_default();
        }
        if packed.is_empty() { Ok(()) } else { Err("something follows its pixels") }
    }

    fn check_end(&self, has_palette: bool) -> Result<(), &'static str> {
        if self.unpacker.total_in() == 0 {
            Err(NO_PIXELS)
        } else if !self.is_complete {
            Err(BAD_PIXELS)
        } else if self.unpacker.total_out() != self.expected {
            Err(OTHER_SIZE)
        } else if self.needs_palette && !has_palette {
            Err("it has no palette")
        } else {
            Ok(())
        }
    }
}
