//! Which pages may use a cookie credential. Browsers send cookies for pages of any site; `Origin`
//! (RFC 6454) and `Sec-Fetch-Site` (Fetch Metadata) say which page asked.

use bytes::Bytes;

use crate::{
    config::OriginPattern,
    model::{DenyReason, Headers, RequestContext},
};

/// The pages that may use a cookie: those of the request's own origin, and of trusted ones.
#[derive(Debug, Clone, Default)]
pub struct Sites {
    trusted: Vec<OriginPattern>,
}

/// What `Sec-Fetch-Site` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Site {
    Absent,
    SameOrigin,
    /// The page is of another origin: of the same site or of another one.
    Other,
    /// `none`, an unknown word, or the header stands several times.
    Unclear,
}

/// Whose page the `Origin` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Page {
    Absent,
    Ours,
    Trusted,
    /// Another site, `null`, or the header stands several times.
    Foreign,
}

impl Sites {
    /// From the entries of `trusted_origins`. One that is no origin trusts nobody.
    #[must_use]
    pub fn build(trusted: &[String]) -> Self {
        let trusted = trusted.iter().filter_map(|origin| OriginPattern::parse(origin).ok());
        Self { trusted: trusted.collect() }
    }

    /// The cookie may be used for this request. Requests that change nothing always may use it, as
    /// far as the proxy shows that they are such; others need proof of the page that asked.
    pub fn judge(&self, request: &RequestContext) -> Result<(), DenyReason> {
        let headers = &request.headers;
        let (site, page) = (site(headers), self.page(request));
        if changes_state(request) {
            let proved = matches!(
                (site, page),
                (Site::SameOrigin, Page::Absent)
                    | (Site::SameOrigin | Site::Absent, Page::Ours)
                    | (Site::SameOrigin | Site::Other | Site::Absent, Page::Trusted)
            );
            return if proved { Ok(()) } else { Err(DenyReason::CookieCrossSite) };
        }
        // A browser that sends one of the two headers sends both: the proxy holds the second one
        // back, and perhaps `upgrade` too, so that a WebSocket handshake would look like this.
        let mode_unseen = site != Site::Absent && headers.all("sec-fetch-mode").next().is_none();
        if mode_unseen && page == Page::Foreign && request.method.as_ref() == b"GET" {
            return Err(DenyReason::FetchModeMissing);
        }
        Ok(())
    }

    fn page(&self, request: &RequestContext) -> Page {
        match present(&request.headers, "origin") {
            None => Page::Absent,
            Some(Some(origin)) if ours(origin, request) => Page::Ours,
            Some(Some(origin)) if self.trusted.iter().any(|it| it.matches(origin)) => Page::Trusted,
            Some(_) => Page::Foreign,
        }
    }
}

fn site(headers: &Headers) -> Site {
    match present(headers, "sec-fetch-site") {
        None => Site::Absent,
        Some(Some(b"same-origin")) => Site::SameOrigin,
        Some(Some(b"same-site" | b"cross-site")) => Site::Other,
        Some(_) => Site::Unclear,
    }
}

/// The method is none of those that change nothing (RFC 9110 section 9.2.1), or the request opens a
/// WebSocket: HTTP/1.1 says so by `Upgrade` (RFC 6455 section 4.1), HTTP/2 and HTTP/3 by `CONNECT`
/// with `:protocol` (RFC 8441), browsers also by `Sec-Fetch-Mode`.
fn changes_state(request: &RequestContext) -> bool {
    if !matches!(request.method.as_ref(), b"GET" | b"HEAD" | b"OPTIONS") {
        return true;
    }
    request.headers.iter().any(|(name, value)| match name.as_ref() {
        b"upgrade" | b":protocol" => true,
        b"sec-fetch-mode" => {
            value.split(|&b| b == b',').any(|mode| mode.trim_ascii() == b"websocket")
        }
        name => name.starts_with(b"sec-websocket-"),
    })
}

/// `None`: absent. `Some(None)`: there several times.
pub(super) fn present<'a>(headers: &'a Headers, name: &'a str) -> Option<Option<&'a [u8]>> {
    headers.all(name).next()?;
    Some(headers.single(name).map(Bytes::as_ref))
}

/// The origin is the request's own. A page that came by `http` has no say where requests come by
/// `https`: anybody on the way could have written it. The other way round, a proxy in front may
/// have ended TLS.
fn ours(origin: &[u8], request: &RequestContext) -> bool {
    let (authority, port): (&[u8], &[u8]) = match origin.strip_prefix(b"https://") {
        Some(rest) => (rest, b":443"),
        None if request.scheme.eq_ignore_ascii_case(b"https") => return false,
        None => match origin.strip_prefix(b"http://") {
            Some(rest) => (rest, b":80"),
            None => return false,
        },
    };
    let bare = |name: &[u8]| name.strip_suffix(port).unwrap_or(name).to_ascii_lowercase();
    !authority.is_empty() && !authority.contains(&b'/') && bare(authority) == bare(&request.host)
}
