//! The parts of a response that are written for every check, straight to bytes.
//!
//! Building Envoy's messages takes some thirty allocations a response, for a text that is known
//! before; here it is one. The tests read every response back with Envoy's own definitions.

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
    pub(super) const LIST_VALUE: u8 = 6;
    pub(super) const VALUES: u8 = 1;
}

/// An encoded CheckResponse, or a part of one.
#[derive(Debug, Default)]
pub(super) struct MessagePart(Vec<u8>);

impl MessagePart {
    /// Empty, with room for what is said of one check.
    pub(super) fn of_check() -> Self {
        Self(Vec::with_capacity(256))
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
            header(buffer, name, value);
        }
        for name in remove {
            put(buffer, ok_response::HEADERS_TO_REMOVE, name.as_bytes());
        }
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

    /// The bytes.
    pub(super) fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// Bytes of a name and a value.
const fn pair_len(name: &str, value: &str) -> usize {
    field_len(name.len()) + field_len(value.len())
}

/// Bytes of a header's option, without its own tag and length.
const fn option_len(name: &str, value: &str) -> usize {
    let (append, action) = (field_len(0), 2);
    field_len(pair_len(name, value)) + append + action
}

/// Bytes that [`header`] writes.
const fn header_len(name: &str, value: &str) -> usize {
    field_len(option_len(name, value))
}

/// A header that replaces whatever was there, said in both ways that Envoy's releases know.
fn header(buffer: &mut Vec<u8>, name: &str, value: &str) {
    open(buffer, ok_response::HEADERS, option_len(name, value));
    open(buffer, ok_response::HEADER, pair_len(name, value));
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
