//! The parts of a response that are written for every check, straight to bytes.
//!
//! Building Envoy's messages takes some thirty allocations a response, for a text that is known
//! before; here it is one. The tests read every response back with Envoy's own definitions.

use envoy_types::pb::envoy::config::core::v3::header_value_option::HeaderAppendAction;
use prost::encoding::{encode_varint, encoded_len_varint};

use super::frame;
use crate::model::{NameValue, QueryEdits, ResponseEdits};

/// The field numbers of `envoy.service.auth.v3.CheckResponse`.
mod check_response {
    pub(super) const STATUS: u8 = 1;
    pub(super) const OK_RESPONSE: u8 = 3;
    pub(super) const DYNAMIC_METADATA: u8 = 4;
}

/// Those of `OkHttpResponse`, `HeaderValueOption`, `HeaderValue` and `QueryParameter`.
mod ok_response {
    pub(super) const HEADERS: u8 = 2;
    pub(super) const HEADERS_TO_REMOVE: u8 = 5;
    pub(super) const RESPONSE_HEADERS: u8 = 6;
    pub(super) const QUERY_TO_SET: u8 = 7;
    pub(super) const QUERY_TO_REMOVE: u8 = 8;
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
    pub(super) const LIST_VALUE: u8 = 6;
    pub(super) const VALUES: u8 = 1;
}

/// The effect of a header on those of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Append {
    /// It replaces them.
    Replace = 0,
    /// It stands beside them.
    Add = 1,
}

/// An encoded CheckResponse, or a part of one.
#[derive(Debug, Default)]
pub(super) struct MessagePart(Vec<u8>);

impl MessagePart {
    /// The beginning of a frame, with room for what is said of one check and sets these headers, and
    /// for a part that was kept.
    pub(super) fn of_check(set: &[NameValue], kept: &[u8]) -> Self {
        let headers: usize = set.iter().map(|(name, value)| header_len(name, value)).sum();
        Self(frame::begin(256 + headers + kept.len()))
    }

    /// Empty, with room for what is said of one identity.
    pub(super) fn of_identity() -> Self {
        Self(Vec::with_capacity(1024))
    }

    /// `status: OK`. Without it Envoy would take the answer for an OK as well, so it is said.
    pub(super) fn allowed(&mut self) {
        put(&mut self.0, check_response::STATUS, &[]);
    }

    /// `ok_response`: headers that replace whatever was there, and names to remove.
    pub(super) fn ok_response<'a>(
        &mut self,
        set: impl Iterator<Item = (&'a str, &'a str)> + Clone,
        remove: impl Iterator<Item = &'a str> + Clone,
    ) {
        let headers: usize = set.clone().map(|(name, value)| header_len(name, value)).sum();
        let names: usize = remove.clone().map(|name| field_len(name.len())).sum();
        let buffer = &mut self.0;
        buffer.reserve(field_len(headers + names));
        open(buffer, check_response::OK_RESPONSE, headers + names);
        for (name, value) in set {
            header(buffer, ok_response::HEADERS, (name, value), Append::Replace);
        }
        for name in remove {
            put(buffer, ok_response::HEADERS_TO_REMOVE, name.as_bytes());
        }
    }

    /// `ok_response`: the changes of the query, and the additions to the client's response.
    pub(super) fn ok_response_edits(&mut self, query: &QueryEdits, response: &ResponseEdits) {
        let mut ok = Vec::new();
        for (name, value) in &response.headers {
            header(&mut ok, ok_response::RESPONSE_HEADERS, (name, value), Append::Replace);
        }
        for value in &response.cookies {
            header(&mut ok, ok_response::RESPONSE_HEADERS, ("set-cookie", value), Append::Add);
        }
        for (name, value) in &query.set {
            open(&mut ok, ok_response::QUERY_TO_SET, pair_len(name, value));
            pair(&mut ok, name, value);
        }
        for name in &query.remove {
            put(&mut ok, ok_response::QUERY_TO_REMOVE, name.as_bytes());
        }
        put(&mut self.0, check_response::OK_RESPONSE, &ok);
    }

    /// `dynamic_metadata`: texts by name.
    pub(super) fn metadata(&mut self, fields: &[(&str, &str)]) {
        let entry =
            |(name, text): &(&str, &str)| field_len(name.len()) + field_len(field_len(text.len()));
        let all = fields.iter().map(|field| field_len(entry(field))).sum();
        let buffer = &mut self.0;
        buffer.reserve(field_len(all));
        open(buffer, check_response::DYNAMIC_METADATA, all);
        for field @ (name, text) in fields {
            open(buffer, metadata::FIELDS, entry(field));
            put(buffer, metadata::KEY, name.as_bytes());
            open(buffer, metadata::VALUE, field_len(text.len()));
            put(buffer, metadata::STRING_VALUE, text.as_bytes());
        }
    }

    /// `dynamic_metadata`: a list of texts by its name.
    pub(super) fn metadata_list(&mut self, name: &str, items: &[impl AsRef<str>]) {
        let text_len = |item: &_| field_len(AsRef::<str>::as_ref(item).len());
        let list = items.iter().map(|item| field_len(text_len(item))).sum();
        let value = field_len(list);
        let entry = field_len(name.len()) + field_len(value);
        let buffer = &mut self.0;
        buffer.reserve(field_len(field_len(entry)));
        open(buffer, check_response::DYNAMIC_METADATA, field_len(entry));
        open(buffer, metadata::FIELDS, entry);
        put(buffer, metadata::KEY, name.as_bytes());
        open(buffer, metadata::VALUE, value);
        open(buffer, metadata::LIST_VALUE, list);
        for item in items {
            open(buffer, metadata::VALUES, text_len(item));
            put(buffer, metadata::STRING_VALUE, item.as_ref().as_bytes());
        }
    }

    /// More of the same message, encoded before.
    pub(super) fn more(&mut self, encoded: &[u8]) {
        self.0.extend_from_slice(encoded);
    }

    /// The bytes.
    pub(super) fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// Bytes of a name and a value.
const fn pair_len(name: &str, value: &str) -> usize {
    field_len(name.len()) + field_len(value.len())
}

impl Append {
    /// The BoolValue that released Envoys obey; `false` is not written.
    const fn flag(self) -> &'static [u8] {
        match self {
            Self::Replace => &[],
            Self::Add => &[1 << 3, 1],
        }
    }

    /// The action that later ones obey; that of the number 0 is not written.
    const fn action(self) -> &'static [u8] {
        const OVERWRITE: u8 = HeaderAppendAction::OverwriteIfExistsOrAdd as u8;
        match self {
            Self::Replace => &[ok_response::APPEND_ACTION << 3, OVERWRITE],
            Self::Add => &[],
        }
    }
}

/// Bytes of a header's option, without its own tag and length.
const fn option_len(name: &str, value: &str, append: Append) -> usize {
    field_len(pair_len(name, value)) + field_len(append.flag().len()) + append.action().len()
}

/// Bytes of a header that replaces whatever was there.
const fn header_len(name: &str, value: &str) -> usize {
    field_len(option_len(name, value, Append::Replace))
}

/// A header, with what it does to those of its name said in both ways that Envoy's releases know.
fn header(buffer: &mut Vec<u8>, field: u8, (name, value): (&str, &str), append: Append) {
    open(buffer, field, option_len(name, value, append));
    open(buffer, ok_response::HEADER, pair_len(name, value));
    pair(buffer, name, value);
    put(buffer, ok_response::APPEND, append.flag());
    buffer.extend_from_slice(append.action());
}

/// A name and a value.
fn pair(buffer: &mut Vec<u8>, name: &str, value: &str) {
    put(buffer, ok_response::KEY, name.as_bytes());
    put(buffer, ok_response::VALUE, value.as_bytes());
}

/// Bytes of a field that holds so many: its tag, its length and they.
const fn field_len(length: usize) -> usize {
    1 + encoded_len_varint(length as u64) + length
}

/// A length-delimited field (protobuf, "Encoding") up to where its bytes begin.
fn open(buffer: &mut Vec<u8>, field: u8, length: usize) {
    let tag = field << 3 | 2;
    match u8::try_from(length) {
        // Nearly every length is one byte.
        Ok(short) if short < 0x80 => buffer.extend_from_slice(&[tag, short]),
        Ok(_) | Err(_) => {
            buffer.push(tag);
            encode_varint(length as u64, buffer);
        }
    }
}

fn put(buffer: &mut Vec<u8>, field: u8, bytes: &[u8]) {
    open(buffer, field, bytes.len());
    buffer.extend_from_slice(bytes);
}
