//! Which pages may use a cookie credential. Browsers send cookies for pages of any site; `Origin`
//! (RFC 6454) and `Sec-Fetch-Site` (Fetch Metadata) say which page asked.
//!
//! In: the setting `trusted_origins`, then a request with a cookie. Out: whether the cookie counts,
//! or the denial.

use crate::{
    config::OriginPattern,
    model::{DenyReason, Headers, Occurrence, RequestContext},
};

/// The pages that may use a cookie: those of the request's own origin, and of trusted ones.
#[derive(Debug, Clone, Default)]
pub struct CookieSites {
    trusted: Vec<OriginPattern>,
}

/// The site of the page, by `Sec-Fetch-Site`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FetchSite {
    /// The header is absent.
    Absent,
    /// The page is of the request's own origin.
    SameOrigin,
    /// The page is of another origin: of the same site or of another one.
    Other,
    /// `none`, an unknown word, or the header stands several times.
    Unclear,
}

/// The owner of the page, by `Origin`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PageOwner {
    /// The header is absent.
    Absent,
    /// The request's own origin.
    Own,
    /// An origin that the operator trusts.
    Trusted,
    /// Another site, `null`, or the header stands several times.
    Foreign,
}

impl CookieSites {
    /// From the setting `trusted_origins`. An entry that is no origin trusts no page.
    #[must_use]
    pub fn build(trusted: &[String]) -> Self {
        let trusted = trusted.iter().filter_map(|origin| OriginPattern::parse(origin).ok());
        Self { trusted: trusted.collect() }
    }

    /// Accepts the cookie for this request. Requests that change no state may use it without proof,
    /// as far as the proxy shows that they are such; others need proof of the page that asked.
    ///
    /// # Errors
    ///
    /// [`DenyReason::CookieCrossSite`] without that proof, and [`DenyReason::FetchModeMissing`] if
    /// the proxy does not send the header that shows what a GET is for.
    pub fn accept_cookie(&self, request: &RequestContext) -> Result<(), DenyReason> {
        let headers = &request.headers;
        let (site, owner) = (FetchSite::of(headers), self.owner(request));
        if changes_state(request) {
            return if is_proof(site, owner) { Ok(()) } else { Err(DenyReason::CookieCrossSite) };
        }
        // A browser that sends one of the two headers sends both: the proxy holds the second one
        // back, and perhaps `upgrade` too, so that a WebSocket handshake would look like this.
        let is_foreign_page = match owner {
            PageOwner::Foreign => true,
            PageOwner::Absent | PageOwner::Own | PageOwner::Trusted => false,
        };
        let site_shown = match site {
            FetchSite::Absent => false,
            FetchSite::SameOrigin | FetchSite::Other | FetchSite::Unclear => true,
        };
        let mode_shown = headers.all("sec-fetch-mode").next().is_some();
        if is_foreign_page && site_shown && !mode_shown && request.method.as_ref() == b"GET" {
            return Err(DenyReason::FetchModeMissing);
        }
        Ok(())
    }

    fn owner(&self, request: &RequestContext) -> PageOwner {
        match request.headers.occurrence("origin") {
            Occurrence::Absent => PageOwner::Absent,
            Occurrence::Once(origin) if is_own(origin, request) => PageOwner::Own,
            Occurrence::Once(origin) if self.trusted.iter().any(|it| it.matches(origin)) => {
                PageOwner::Trusted
            }
            Occurrence::Once(_) | Occurrence::Repeated => PageOwner::Foreign,
        }
    }
}

impl FetchSite {
    fn of(headers: &Headers) -> Self {
        match headers.occurrence("sec-fetch-site") {
            Occurrence::Absent => Self::Absent,
            Occurrence::Repeated => Self::Unclear,
            Occurrence::Once(word) => match word.as_ref() {
                b"same-origin" => Self::SameOrigin,
                b"same-site" | b"cross-site" => Self::Other,
                _ => Self::Unclear,
            },
        }
    }
}

/// The two headers together prove that a page of the own or of a trusted origin asked.
const fn is_proof(site: FetchSite, owner: PageOwner) -> bool {
    match owner {
        PageOwner::Absent => match site {
            FetchSite::SameOrigin => true,
            FetchSite::Absent | FetchSite::Other | FetchSite::Unclear => false,
        },
        PageOwner::Own => match site {
            FetchSite::SameOrigin | FetchSite::Absent => true,
            FetchSite::Other | FetchSite::Unclear => false,
        },
        PageOwner::Trusted => match site {
            FetchSite::SameOrigin | FetchSite::Absent | FetchSite::Other => true,
            FetchSite::Unclear => false,
        },
        PageOwner::Foreign => false,
    }
}

/// The request may change state: its method is not a safe one (RFC 9110 section 9.2.1), or it opens a
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

/// The origin is the request's own. A page that came by `http` is not trusted with requests that
/// come by `https`: any machine on its way could have written it. The other way round is accepted,
/// because a proxy in front may have ended TLS.
fn is_own(origin: &[u8], request: &RequestContext) -> bool {
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
