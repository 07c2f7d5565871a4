//! The URL that a browser is sent to by a link.
//!
//! In: the text of a request. Out: whether a link may lead there. A link signs somebody in, so that it
//! leads to https, to this machine, to an app by a scheme of its own, or to a path of the app.

use url::{Host, Url};

/// The longest URL, in bytes.
const MAX_URL: usize = 2_048;

/// Why a link must not lead there. `None`: it may.
pub(super) fn problem(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        return Some("is missing");
    }
    if text.len() > MAX_URL {
        return Some("has more than 2048 bytes");
    }
    // Browsers leave some of these out, and read a backslash as a slash.
    if text.bytes().any(|byte| byte <= b' ' || byte == 0x7f || byte == b'\\') {
        return Some("has white space, control characters or a backslash");
    }
    if let Some(path) = text.strip_prefix('/') {
        let leads_away = path.starts_with('/');
        return leads_away.then_some("begins with `//`, which leads to another host");
    }
    let Ok(url) = Url::parse(text) else {
        return Some("is not a URL, and not a path that begins with `/`");
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Some("has a user name or a password");
    }
    match url.scheme() {
        "https" => None,
        "http" if is_loopback(&url) => None,
        "http" => Some("is http, and not on a loopback host: write https"),
        // RFC 8252 section 7.1: a private scheme is the reverse of a domain name.
        scheme if scheme.contains('.') => None,
        _ => Some("has a scheme other than https, or an app's own with a dot"),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::problem;

    #[test]
    fn a_link_leads_to_a_place_of_the_app() {
        let long = format!("https://shop.test/{}", "x".repeat(2_048));
        for (url, good) in [
            ("https://shop.test", true),
            ("https://shop.test:8443/in?next=%2Fcart#top", true),
            ("HTTPS://shop.test/", true),
            ("http://localhost:3000/in", true),
            ("http://app.localhost/in", true),
            ("http://127.0.0.1:3000/in", true),
            ("http://[::1]/in", true),
            ("com.example.app:/in", true),
            ("com.example.app://in", true),
            ("/welcome", true),
            ("/", true),
            ("", false),
            ("welcome", false),
            ("http://shop.test/", false),
            ("http://localhost.shop.test/", false),
            ("http://127.0.0.1.shop.test/", false),
            ("//shop.test/in", false),
            ("/\\shop.test", false),
            ("https:\\\\shop.test", false),
            ("https://ann:pw@shop.test/", false),
            ("https://ann@shop.test/", false),
            ("https://", false),
            ("javascript:alert(1)", false),
            ("JavaScript:alert(1)", false),
            ("data:text/html,x", false),
            ("file:///etc/passwd", false),
            ("ftp://shop.test/", false),
            ("myapp://in", false),
            (" https://shop.test", false),
            ("https://shop.test/a b", false),
            ("https://shop.test/\r\nset-cookie: x", false),
            ("java\tscript:alert(1)", false),
            (&long, false),
        ] {
            assert_eq!(problem(url).is_none(), good, "{url:?}");
        }
    }
}
