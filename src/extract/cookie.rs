//! A credential from a cookie, and the header by which a page shows that it may use one.
//!
//! In: the headers of a request. Out: at most one credential, or a denial.

use bytes::Bytes;
use memchr::memmem::Finder;

use super::{finding::Finding, rownd_cookie::RowndCookie};
use crate::{
    config::CookieFormat,
    model::{
        CookieProof, Credential, CredentialSource, DenyReason, Headers, Occurrence, RequestContext,
    },
};

/// The name of the cookie in which SuperTokens keeps an access token. It cannot be changed there.
pub(super) const SUPERTOKENS_COOKIE: &str = "sAccessToken";

/// The values by which servers empty a cookie: nothing, and the word that PHP writes.
const EMPTIED: [&[u8]; 2] = [b"", b"deleted"];

/// The form of Rownd's cookie around its token, in bytes, with room for a few more members.
const FORM_BYTES: usize = 1024;

/// A cookie that may hold a credential.
#[derive(Debug, Clone)]
pub(super) struct CookiePlace {
    /// Its whole name.
    pub(super) name: String,
    /// The form of its value.
    pub(super) format: CookieFormat,
    /// A browser may send an older one of this name beside it, and its client recovers from a 401.
    pub(super) is_session: bool,
    /// The longest token, in bytes.
    pub(super) max_token: usize,
    /// Finds the name, wherever it stands.
    finder: Finder<'static>,
}

/// The value of a cookie. Two are equal if they say the same, however each is written.
#[derive(Debug, PartialEq, Eq)]
enum CookieValue {
    /// The user is signed out: the cookie holds no credential.
    SignedOut,
    /// A token, good or bad.
    Token(Bytes),
    /// A value without the form that it has to have.
    Unreadable(Bytes, DenyReason),
}

impl CookiePlace {
    /// For the cookie of this name. `is_session`: an older one of this name may stand beside it.
    pub(super) fn new(
        name: &str,
        format: CookieFormat,
        is_session: bool,
        max_token: usize,
    ) -> Self {
        let finder = Finder::new(name).into_owned();
        Self { name: name.to_owned(), format, is_session, max_token, finder }
    }

    /// From the cookie of this name. If a proxy joined several `Cookie` lines with a comma, a comma
    /// separates two cookies as a semicolon does.
    ///
    /// A cookie that stands there several times is a denial, also where one of them holds nothing:
    /// another site could have set either, and the service behind may read the other one. Two session
    /// cookies that say the same are one, and so are two of any kind that hold nothing.
    pub(super) fn find(&self, headers: &Headers) -> Finding {
        let joined = headers.joined();
        let mut found = None;
        // Most lines hold other cookies only, and need not be parted.
        let named = |line: &&Bytes| self.finder.find(line).is_some();
        for line in headers.all("cookie").filter(named) {
            for pair in line.split(|&b| b == b';' || (joined && b == b',')) {
                let Some(value) = value_of(pair, self.name.as_bytes()) else { continue };
                let value = self.read(line.slice_ref(value));
                match &found {
                    None => found = Some(value),
                    Some(first)
                        if *first == value
                            && (self.is_session || value == CookieValue::SignedOut) => {}
                    Some(_) => return Finding::Refused(self.repeated()),
                }
            }
        }
        match found {
            None | Some(CookieValue::SignedOut) => Finding::Absent,
            Some(CookieValue::Token(token)) => {
                Finding::One(Credential::new(token, CredentialSource::Cookie))
            }
            Some(CookieValue::Unreadable(_, reason)) => Finding::Refused(reason),
        }
    }

    /// The reason of a denial because the cookie stands there several times.
    const fn repeated(&self) -> DenyReason {
        if self.is_session {
            DenyReason::SessionCookieRepeated
        } else {
            DenyReason::CredentialsAmbiguous
        }
    }

    fn read(&self, value: Bytes) -> CookieValue {
        if EMPTIED.contains(&value.as_ref()) {
            return CookieValue::SignedOut;
        }
        match self.format {
            CookieFormat::Plain => CookieValue::Token(value),
            // An escape takes three bytes for one.
            CookieFormat::Rownd if value.len() / 3 > self.max_token.saturating_add(FORM_BYTES) => {
                CookieValue::Unreadable(value, DenyReason::TokenTooLarge)
            }
            CookieFormat::Rownd => match RowndCookie::read(&value) {
                Some(RowndCookie::SignedOut) => CookieValue::SignedOut,
                Some(RowndCookie::Token(token)) => CookieValue::Token(token),
                None => CookieValue::Unreadable(value, DenyReason::TokenMalformed),
            },
        }
    }
}

pub(super) fn value_of<'a>(pair: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let rest = pair.trim_ascii().strip_prefix(name)?.trim_ascii_start();
    let value = rest.strip_prefix(b"=")?.trim_ascii();
    let inner = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\""));
    Some(inner.unwrap_or(value))
}

/// The request shows a header that no other site can set without a preflight: a plain `rid`, or
/// `anti-csrf` (SuperTokens). `None` stands for a session whose own value is not known yet.
#[must_use]
pub fn shows_anti_csrf(request: &RequestContext, proof: Option<&CookieProof>) -> bool {
    let shows = |name: &'static str| match request.headers.occurrence(name) {
        Occurrence::Once(value) if !value.is_empty() => Some(value),
        Occurrence::Once(_) | Occurrence::Absent | Occurrence::Repeated => None,
    };
    match proof {
        Some(CookieProof::SameOrigin) => false,
        Some(CookieProof::AntiCsrf(Some(value))) => {
            shows("rid").is_some()
                || shows("anti-csrf").is_some_and(|shown| shown.as_ref() == value.as_bytes())
        }
        Some(CookieProof::AntiCsrf(None)) | None => {
            shows("rid").is_some() || shows("anti-csrf").is_some()
        }
    }
}
