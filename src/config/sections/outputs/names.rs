//! The names that no setting may use: a header that steers Envoy, a server or the service behind, or
//! that others rely on.
//!
//! In: a name. Out: nothing, or what is wrong with it. A name is judged as servers read it that speak
//! CGI: in lower case, and `-` for every sign that is no letter or digit.

/// Beginnings of names, each with what it is for.
const PREFIXES: [(&str, &str); 12] = [
    ("x-rownd-", "the identity headers have this prefix"),
    ("x-envoy-", "it steers Envoy"),
    ("x-forwarded-", "it says where a request comes from"),
    ("x-original-", "it says where a request comes from"),
    ("x-accel-", "it steers nginx"),
    ("x-b3-", "it belongs to tracing"),
    ("x-datadog-", "it belongs to tracing"),
    ("proxy-", "it is for proxies"),
    ("sec-", "browsers alone set it"),
    ("access-control-", "it belongs to CORS"),
    ("content-", "it describes the body"),
    ("grpc-", "it belongs to gRPC"),
];

/// Names, each with what it is for.
const NAMES: [(&str, &str); 55] = [
    ("accept", "it negotiates the response"),
    ("accept-charset", "it negotiates the response"),
    ("accept-encoding", "it negotiates the response"),
    ("accept-language", "it negotiates the response"),
    ("accept-ranges", "it negotiates the response"),
    ("age", "it belongs to caches"),
    ("alt-svc", "it steers the client"),
    ("alt-used", "it steers the client"),
    ("b3", "it belongs to tracing"),
    ("baggage", "it belongs to tracing"),
    ("cache-control", "it belongs to caches"),
    ("cf-connecting-ip", "it says where a request comes from"),
    ("client-ip", "it says where a request comes from"),
    ("connection", "it is for one connection"),
    ("cookie", "it holds the client's cookies"),
    ("cookie2", "it holds the client's cookies"),
    ("date", "it is the time of the message"),
    ("expect", "it steers the connection"),
    ("fastly-client-ip", "it says where a request comes from"),
    ("forwarded", "it says where a request comes from"),
    ("front-end-https", "it says where a request comes from"),
    ("host", "it chooses the service"),
    ("http2-settings", "it is for one connection"),
    ("if-match", "it belongs to caches"),
    ("if-modified-since", "it belongs to caches"),
    ("if-none-match", "it belongs to caches"),
    ("if-range", "it belongs to caches"),
    ("if-unmodified-since", "it belongs to caches"),
    ("keep-alive", "it is for one connection"),
    ("location", "it steers the client"),
    ("max-forwards", "it is for proxies"),
    ("origin", "browsers alone set it"),
    ("range", "it belongs to caches"),
    ("referer", "browsers alone set it"),
    ("refresh", "it steers the client"),
    ("set-cookie", "it sets cookies"),
    ("set-cookie2", "it sets cookies"),
    ("te", "it is for one connection"),
    ("traceparent", "it belongs to tracing"),
    ("tracestate", "it belongs to tracing"),
    ("trailer", "it is for one connection"),
    ("transfer-encoding", "it is for one connection"),
    ("true-client-ip", "it says where a request comes from"),
    ("txn-token", "it is a passport"),
    ("upgrade", "it is for one connection"),
    ("vary", "it belongs to caches"),
    ("via", "it says where a request comes from"),
    ("x-client-ip", "it says where a request comes from"),
    ("x-cluster-client-ip", "it says where a request comes from"),
    ("x-http-method-override", "it changes the method"),
    ("x-method-override", "it changes the method"),
    ("x-real-ip", "it says where a request comes from"),
    ("x-request-id", "it belongs to tracing"),
    ("x-rewrite-url", "it changes the path"),
    ("x-sendfile", "it steers the server"),
];
/// More names, those included that belong to a challenge, which only denials have.
const MORE_NAMES: [(&str, &str); 14] = [
    ("uber-trace-id", "it belongs to tracing"),
    ("x-amzn-trace-id", "it belongs to tracing"),
    ("x-forwarded", "it says where a request comes from"),
    ("x-host", "it chooses the service"),
    ("x-lighttpd-send-file", "it steers the server"),
    ("x-litespeed-location", "it steers the server"),
    ("x-middleware-subrequest", "it steers the server"),
    ("x-ot-span-context", "it belongs to tracing"),
    ("x-reproxy-url", "it steers the server"),
    ("x-url-scheme", "it says where a request comes from"),
    ("x-http-method", "it changes the method"),
    ("www-authenticate", "it belongs to denials"),
    ("proxy", "it steers programs that speak CGI"),
    ("x-cloud-trace-context", "it belongs to tracing"),
];

/// The names that no setting may use, in lower case; with each, whether every name that begins with it
/// is meant. The schema for editors says the same.
pub(in crate::config) fn reserved_headers() -> impl Iterator<Item = (&'static str, bool)> {
    let names = NAMES.iter().chain(&MORE_NAMES).map(|(name, _)| (*name, false));
    names.chain(PREFIXES.iter().map(|(start, _)| (*start, true)))
}

/// The header that holds a credential.
pub(super) const AUTHORIZATION: &str = "authorization";

/// Judges the name of a header.
///
/// # Errors
///
/// The mistake in it, and what to write instead.
pub(super) fn check_header(name: &str, may_be_authorization: bool) -> Result<(), String> {
    if name.starts_with(':') {
        return Err(format!("`{name}` is a part of the request line; write x-user-email"));
    }
    let read = name.bytes().map(|byte| {
        if byte.is_ascii_alphanumeric() { byte.to_ascii_lowercase() as char } else { '-' }
    });
    let read: String = read.collect();
    let listed = NAMES.iter().chain(&MORE_NAMES).find(|(known, _)| *known == read);
    let listed = listed.or_else(|| PREFIXES.iter().find(|(known, _)| read.starts_with(known)));
    if let Some((_, why)) = listed {
        return Err(format!("`{name}` may not be set: {why}; write x-user-email"));
    }
    if read == AUTHORIZATION && !(may_be_authorization && name == AUTHORIZATION) {
        return Err("`authorization` is the client's credential; to set it on a route, write \
             replaces_credential: true and a constant"
            .to_owned());
    }
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let first = name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    if !first || !name.bytes().all(good) || name.ends_with('-') {
        return Err(format!(
            "`{name}` is not a name in lower case, of letters, digits and `-`; write x-user-email"
        ));
    }
    Ok(())
}

/// Judges the name of a parameter of the query.
///
/// # Errors
///
/// The mistake in it, and what to write instead.
pub(super) fn check_parameter(name: &str) -> Result<(), String> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if !name.is_empty() && name.bytes().all(good) {
        Ok(())
    } else {
        Err(format!("`{name}` is not a name of letters, digits, `-` and `_`; write user_id"))
    }
}

#[cfg(test)]
mod tests {
    use super::check_header;

    #[test]
    fn names_that_steer_something_are_refused_in_every_spelling() {
        for name in [
            ":path",
            ":authority",
            "host",
            "Host",
            "connection",
            "keep-alive",
            "proxy-connection",
            "proxy-authorization",
            "te",
            "trailer",
            "transfer-encoding",
            "Transfer_Encoding",
            "upgrade",
            "content-length",
            "Content.Length",
            "content-type",
            "x-envoy-original-path",
            "X_ENVOY_retry_on",
            "x-forwarded-for",
            "X_Forwarded_For",
            "x.forwarded.proto",
            "forwarded",
            "x-real-ip",
            "X-Real_IP",
            "cookie",
            "set-cookie",
            "x-rownd-user-id",
            "x_rownd_anything",
            "x-request-id",
            "traceparent",
            "tracestate",
            "baggage",
            "b3",
            "x-b3-traceid",
            "authorization",
            "Authorization",
            "x-http-method-override",
            "x-original-url",
            "x-rewrite-url",
            "sec-fetch-site",
            "grpc-timeout",
            "expect",
            "via",
            "date",
            "txn-token",
            "access-control-allow-origin",
            "origin",
            "proxy",
            "location",
        ] {
            let got = check_header(name, false);
            assert!(got.as_ref().is_err_and(|got| got.contains("; ")), "{name}: {got:?}");
        }
    }

    #[test]
    fn other_names_have_one_spelling() {
        for name in ["x-user-email", "user", "x-a1", "x-forwarder", "hosts", "contents"] {
            assert_eq!(check_header(name, false), Ok(()), "{name}");
        }
        for name in ["", "X-User", "x_user", "x user", "-x", "x-", "1x", "x\r\n", "x:", "\u{e9}"] {
            let got = check_header(name, false);
            assert!(got.as_ref().is_err_and(|got| got.contains("write x-user-email")), "{name:?}");
        }
        assert_eq!(check_header("authorization", true), Ok(()));
        assert!(check_header("Authorization", true).is_err());
    }
}
