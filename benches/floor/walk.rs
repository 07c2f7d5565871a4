//! Reads a `CheckRequest` without copying or allocating. Comes in: the encoded
//! message. Goes out: the two fields no verdict can do without, the path and the
//! Authorization header, as slices of it.

use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

/// Field numbers of `envoy.service.auth.v3`, outermost first.
const ATTRIBUTES: u32 = 1;
const REQUEST: u32 = 4;
const HTTP: u32 = 2;
const HEADERS: u32 = 3;
const PATH: u32 = 4;
const KEY: u32 = 1;
const VALUE: u32 = 2;

#[derive(Default)]
pub(crate) struct Found<'a> {
    pub(crate) path: &'a [u8],
    pub(crate) authorization: &'a [u8],
}

/// `None` where the bytes are no `CheckRequest` of an HTTP request.
pub(crate) fn walk(message: &[u8]) -> Option<Found<'_>> {
    let attributes = field(message, ATTRIBUTES)?;
    let request = field(attributes, REQUEST)?;
    let http = field(request, HTTP)?;
    let mut found = Found::default();
    each(http, |number, value| {
        match number {
            PATH => found.path = value,
            HEADERS => header(value, &mut found)?,
            _ => {}
        }
        Some(())
    })?;
    Some(found)
}

/// The last field of that number, as protobuf has it for a field that is not repeated.
fn field(message: &[u8], wanted: u32) -> Option<&[u8]> {
    let mut found = None;
    each(message, |number, value| {
        if number == wanted {
            found = Some(value);
        }
        Some(())
    })?;
    found
}

fn header<'a>(entry: &'a [u8], found: &mut Found<'a>) -> Option<()> {
    let (mut key, mut value) = (&entry[..0], &entry[..0]);
    each(entry, |number, field| {
        match number {
            KEY => key = field,
            VALUE => value = field,
            _ => {}
        }
        Some(())
    })?;
    if key == b"authorization" {
        found.authorization = value;
    }
    Some(())
}

/// Calls `visit` with every length-delimited field; skips all others.
fn each<'a>(
    mut message: &'a [u8],
    mut visit: impl FnMut(u32, &'a [u8]) -> Option<()>,
) -> Option<()> {
    while !message.is_empty() {
        let (number, wire) = decode_key(&mut message).ok()?;
        if wire == WireType::LengthDelimited {
            let length = usize::try_from(decode_varint(&mut message).ok()?).ok()?;
            let (field, rest) = message.split_at_checked(length)?;
            message = rest;
            visit(number, field)?;
        } else {
            skip_field(wire, number, &mut message, DecodeContext::default()).ok()?;
        }
    }
    Some(())
}
