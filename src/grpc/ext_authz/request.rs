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
    let http =
        attributes.request.and_then(|request| request.http).ok_or(DenyReason::RequestMissing)?;
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
    let mut entries: Vec<(Bytes, Bytes)> = Vec::with_capacity(raw.len() + joined.len());
    for header in raw {
        let value = if header.raw_value.is_empty() { header.value } else { header.raw_value };
        entries.push((lower_case(header.key), value));
    }
    let joined = joined.into_iter().map(|entry| (lower_case(entry.key), entry.value));
    // Envoy sends one form only: nothing has to be compared then.
    if entries.is_empty() || !is_joined {
        entries.extend(joined);
    } else {
        // By hash: how many there are is judged later.
        let known: HashSet<_> = entries.iter().cloned().collect();
        entries.extend(joined.filter(|entry| !known.contains(entry)));
    }
    Headers::new(entries, is_joined)
}

/// Envoy lower-cases names already; another proxy may not.
fn lower_case(name: Bytes) -> Bytes {
    // Without an early end this is one short pass: nearly no name has such a letter.
    if name.iter().fold(false, |found, byte| found | byte.is_ascii_uppercase()) {
        Bytes::from(name.to_ascii_lowercase())
    } else {
        name
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::merged;
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
}
