//! CheckRequest to request context. Everything may be missing; nothing here panics.

use std::collections::HashSet;

use bytes::Bytes;

use super::{route, source};
use crate::{
    grpc::pb::{
        CheckRequest,
        attribute_context::{HttpRequest, http_request::HeadersEntry},
        envoy::config::core::v3::HeaderValue,
    },
    model::{DenyReason, EncodedDownstream, Headers, RequestContext},
};

/// The facts of the request that Envoy asks about.
pub(super) fn context(check: CheckRequest) -> Result<RequestContext, DenyReason> {
    let attributes = check.attributes.ok_or(DenyReason::RequestMissing)?;
    // One without any field is as good as none: the room for one is made before it is decoded.
    let http = attributes.request.and_then(|request| request.http);
    let http =
        http.filter(|http| *http != HttpRequest::default()).ok_or(DenyReason::RequestMissing)?;
    let named_route =
        route::named_route(attributes.context_extensions, attributes.route_metadata_context);
    let HttpRequest { id, method, headers, path, host, scheme, header_map } = http;
    let raw = header_map.map(|map| map.headers).unwrap_or_default();
    Ok(RequestContext {
        method,
        host,
        scheme,
        target: path,
        headers: merged(raw, headers),
        proxy_request_id: id,
        named_route,
        downstream: EncodedDownstream::new(attributes.source, source::decode),
    })
}

/// The raw headers where Envoy sends them (`encode_raw_headers`), else the joined map. Should
/// both come, both count: a credential that stands in one of them only is not to be missed.
fn merged(raw: Vec<HeaderValue>, joined: Vec<HeadersEntry>) -> Headers {
    let is_joined = !joined.is_empty();
    let joined = joined.into_iter().map(|entry| (lower_case(entry.key), entry.value));
    // Envoy sends one form only: nothing has to be compared then.
    if raw.is_empty() {
        return Headers::new(joined.collect(), is_joined);
    }
    let raw = raw.into_iter().map(|header| {
        let value = if header.raw_value.is_empty() { header.value } else { header.raw_value };
        (lower_case(header.key), value)
    });
    let mut entries: Vec<(Bytes, Bytes)> = raw.collect();
    if is_joined {
        // By hash: how many there are is judged later.
        let known: HashSet<_> = entries.iter().cloned().collect();
        entries.extend(joined.filter(|entry| !known.contains(entry)));
    }
    Headers::new(entries, is_joined)
}

/// Envoy lower-cases names already; another proxy may not.
fn lower_case(name: Bytes) -> Bytes {
    if has_upper_case(&name) { Bytes::from(name.to_ascii_lowercase()) } else { name }
}

/// A letter stands in upper case. Eight bytes are looked at together: a check has dozens of names.
fn has_upper_case(name: &[u8]) -> bool {
    let mut rest = name;
    while let Some((chunk, behind)) = rest.split_first_chunk() {
        if any_upper_case(*chunk) {
            return true;
        }
        rest = behind;
    }
    match name.last_chunk() {
        // They overlap with those before.
        Some(last) => any_upper_case(*last),
        None => name.iter().any(u8::is_ascii_uppercase),
    }
}

/// One of eight bytes is a letter in upper case. Added to its lower seven bits, `0x80 - b` sets the
/// highest bit of each byte that is at least `b`, and no byte is carried into the next.
fn any_upper_case(chunk: [u8; 8]) -> bool {
    const EACH: u64 = u64::from_ne_bytes([1; 8]);
    let bytes = u64::from_ne_bytes(chunk);
    let low = bytes & (EACH * 0x7f);
    let from_a = low + EACH * (0x80 - b'A' as u64);
    let above_z = low + EACH * (0x80 - b'Z' as u64 - 1);
    from_a & !above_z & !bytes & (EACH * 0x80) != 0
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::{has_upper_case, merged};
    use crate::grpc::pb::{
        attribute_context::http_request::HeadersEntry, envoy::config::core::v3::HeaderValue,
    };

    /// Compared each with all, this takes minutes of a thread that no deadline can interrupt.
    #[test]
    fn both_forms_of_very_many_headers_are_merged_in_time() {
        let name = |index: usize| Bytes::from(format!("x-{index}"));
        let raw = |index| HeaderValue { key: name(index), ..HeaderValue::default() };
        let joined = |index| HeadersEntry { key: name(index), value: Bytes::new() };
        let headers =
            merged((0..60_000).map(raw).collect(), (30_000..90_000).map(joined).collect());
        assert_eq!(headers.len(), 90_000);
    }

    #[test]
    fn a_letter_in_upper_case_is_found_wherever_it_stands() {
        for length in 0..20 {
            for at in 0..length {
                for byte in 0..=u8::MAX {
                    let mut name = vec![b'x'; length];
                    name[at] = byte;
                    let expected = byte.is_ascii_uppercase();
                    assert_eq!(has_upper_case(&name), expected, "{byte} at {at} of {length}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn of_many_letters_those_in_upper_case_are_found(
            name in prop::collection::vec(any::<u8>(), 0..40)
        ) {
            prop_assert_eq!(has_upper_case(&name), name.iter().any(u8::is_ascii_uppercase));
        }
    }
}
