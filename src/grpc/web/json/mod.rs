//! The canonical JSON of protobuf, both ways, by the descriptions of the messages.
//!
//! In: the JSON of a request, or the bytes of a response. Out: the bytes of the message, or its JSON.
//! `prost-reflect` translates. Before it, the JSON is held to what it would let pass: members that
//! stand twice, and names that say nothing about the field that is wrong.

mod mask;
mod names;
mod strict;
#[cfg(test)]
mod tests;

use std::io::{self, Write};

use prost::Message as _;
use prost_reflect::{DeserializeOptions, DynamicMessage, MessageDescriptor};
use serde::Serialize as _;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};

/// Why the JSON of a request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct JsonFault {
    /// The field, as the client wrote it; empty: the whole body.
    pub(super) field: String,
    /// The reason in words. It holds nothing of a value.
    pub(super) why: String,
}

impl JsonFault {
    fn at(field: &str, why: impl Into<String>) -> Self {
        Self { field: field.to_owned(), why: why.into() }
    }
}

/// The message that this JSON is.
///
/// # Errors
///
/// Fails where the text is not strict JSON, or not this message.
pub(super) fn to_message(of: &MessageDescriptor, text: &[u8]) -> Result<Vec<u8>, JsonFault> {
    let mut value = strict::read(text)?;
    names::check(of, &value)?;
    let masks = value.as_object_mut().map(|members| mask::take(of, members)).unwrap_or_default();
    let options = DeserializeOptions::new().deny_unknown_fields(true);
    let mut track = serde_path_to_error::Track::new();
    let reader = serde_path_to_error::Deserializer::new(value, &mut track);
    let read = DynamicMessage::deserialize_with_options(of.clone(), reader, &options);
    // The error of the library may repeat the value, which may be a secret.
    let mut message = read.map_err(|_error| {
        let at = strict::shown(&track.path().to_string());
        if at == "." {
            let why = format!("two members of one choice are set, see {}", of.full_name());
            return JsonFault::at("", why);
        }
        JsonFault::at(&at, "has a value that this field cannot have: see /openapi.json")
    })?;
    for (field, mask) in masks {
        message.set_field(&field, mask);
    }
    Ok(message.encode_to_vec())
}

/// The JSON of a message. Fields without a value are left out.
///
/// # Errors
///
/// Fails where the bytes are not this message, or the message has no JSON form.
pub(super) fn to_json(of: &MessageDescriptor, message: &[u8]) -> Result<Vec<u8>, String> {
    let message = DynamicMessage::decode(of.clone(), message).map_err(|error| error.to_string())?;
    let mut text = Vec::new();
    let mut writer = Serializer::with_formatter(&mut text, WholeNumbers);
    message.serialize(&mut writer).map_err(|error| error.to_string())?;
    Ok(text)
}

/// Writes a whole double without a fraction: the numbers of a structure are doubles, and most of them
/// were integers before.
struct WholeNumbers;

impl Formatter for WholeNumbers {
    fn write_f64<W: Write + ?Sized>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        const EXACT: f64 = 9_007_199_254_740_992.0;
        if value.fract() == 0.0
            && value.abs() <= EXACT
            && !(value == 0.0 && value.is_sign_negative())
        {
            #[expect(clippy::cast_possible_truncation, reason = "whole and within 2^53")]
            return self.write_i64(writer, value as i64);
        }
        CompactFormatter.write_f64(writer, value)
    }
}
