//! The parts of an answer that are written for every check, straight to bytes.
//!
//! Building Envoy's messages takes some thirty allocations an answer, for a text that is known
//! before; here it is one. The tests read every answer back with Envoy's own definitions.

use envoy_types::pb::envoy::config::core::v3::header_value_option::HeaderAppendAction;
use prost::encoding::{encode_varint, encoded_len_varint};

/// The field numbers of `envoy.service.auth.v3.CheckResponse`.
mod check_response {
    pub(super) const STATUS: u8 = 1;
    pub(super) const OK_RESPONSE: u8 = 3;
    pub(super) const DYNAMIC_METADATA: u8 = 4;
}

/// Those of `OkHttpResponse`, `HeaderValueOption` and `HeaderValue`.
mod ok_response {
    pub(super) const HEADERS: u8 = 2;
    pub(super) const HEADERS_TO_REMOVE: u8 = 5;
    pub(super) const HEADER: u8 = 1;
    pub(super) const APPEND: u8 = 2;
    pub(super) const APPEND_ACTION: u8 = 3;
    pub(super) const KEY: u8 = 1;
    pub(super) const VALUE: u8 = 2;
}

/// Those of `google.protobuf.Struct`, its entries and its values.
mod metadata {
    pub(super) const FIELDS: u8 = 1;
    pub(super) const KEY: u8 = 1;
    pub(super) const VALUE: u8 = 2;
    pub(super) const STRING_VALUE: u8 = 3;
}

/// An encoded CheckResponse, or a part of one.
#[derive(Debug, Default)]
pub(super) struct Part(Vec<u8>);

impl Part {
    /// Empty, with room for as much as an answer usually takes.
    pub(super) fn new() -> Self {
        Self(Vec::with_capacity(256))
    }

    /// `status: OK`. Without it Envoy would take the answer for an OK as well, so it is said.
    pub(super) fn allowed(&mut self) {
        put(&mut self.0, check_response::STATUS, &[]);
    }

    /// `ok_response`: headers that replace whatever was there, and names to remove.
    pub(super) fn ok_response<'a>(
        &mut self,
        set: impl Iterator<Item = (&'a str, &'a str)>,
        remove: impl Iterator<Item = &'a str>,
    ) {
        let mut inner = Vec::new();
        for (name, value) in set {
            header(&mut inner, name, value);
        }
        for name in remove {
            put(&mut inner, ok_response::HEADERS_TO_REMOVE, name.as_bytes());
        }
        put(&mut self.0, check_response::OK_RESPONSE, &inner);
    }

    /// `dynamic_metadata`: texts by name.
    pub(super) fn metadata(&mut self, fields: &[(&str, &str)]) {
        let entry =
            |(name, text): &(&str, &str)| field_len(name.len()) + field_len(field_len(text.len()));
        let all = fields.iter().map(|field| field_len(entry(field))).sum();
        let buffer = &mut self.0;
        open(buffer, check_response::DYNAMIC_METADATA, all);
        for field @ (name, text) in fields {
            open(buffer, metadata::FIELDS, entry(field));
            put(buffer, metadata::KEY, name.as_bytes());
            open(buffer, metadata::VALUE, field_len(text.len()));
            put(buffer, metadata::STRING_VALUE, text.as_bytes());
        }
    }

    /// The bytes.
    pub(super) fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// A header that replaces whatever was there, said in both ways that Envoy's releases know.
fn header(buffer: &mut Vec<u8>, name: &str, value: &str) {
    let pair = field_len(name.len()) + field_len(value.len());
    let append = field_len(0);
    let action = 2;
    open(buffer, ok_response::HEADERS, field_len(pair) + append + action);
    open(buffer, ok_response::HEADER, pair);
    put(buffer, ok_response::KEY, name.as_bytes());
    put(buffer, ok_response::VALUE, value.as_bytes());
    // A BoolValue of `false`: released Envoys obey it, later ones the action.
    put(buffer, ok_response::APPEND, &[]);
    let overwrite = HeaderAppendAction::OverwriteIfExistsOrAdd as u8;
    buffer.extend_from_slice(&[ok_response::APPEND_ACTION << 3, overwrite]);
}

/// Bytes of a field that holds so many: its tag, its length and they.
const fn field_len(length: usize) -> usize {
    1 + encoded_len_varint(length as u64) + length
}

/// A length-delimited field (protobuf, "Encoding") up to where its bytes begin.
fn open(buffer: &mut Vec<u8>, field: u8, length: usize) {
    buffer.push(field << 3 | 2);
    encode_varint(length as u64, buffer);
}

fn put(buffer: &mut Vec<u8>, field: u8, bytes: &[u8]) {
    open(buffer, field, bytes.len());
    buffer.extend_from_slice(bytes);
}
