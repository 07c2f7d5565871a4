//! A web server that gets signed POST requests from this program: its URL, and the secrets that sign
//! (Standard Webhooks, https://www.standardwebhooks.com).
//!
//! In: the settings as written. Out: the target, or every problem with what to write instead. A
//! section that posts has one of these as an object of its own, and adds it to
//! [`Config::other_servers`](super::Config::other_servers).

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use super::{
    findings::Findings,
    secret::{REDACTED, Secret},
    section::Section,
    sections::OutboundTls,
    shown::without_secrets,
    web_address::{WebAddress, is_loopback},
};

/// The first characters of a secret in text.
const PREFIX: &str = "whsec_";
/// The bytes of a secret, by the rules of Standard Webhooks.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;
/// The form of a good secret, for messages.
const SECRET_FORM: &str = "write `whsec_` and 24 to 64 random bytes in base64, as \
                           `echo whsec_$(openssl rand -base64 32)` makes it";
/// The problem of a server that requests would reach in plain text.
pub(in crate::config) const IN_CLEAR: &str = "plain http to another machine, where everybody on the way can read the requests and answer \
     them; write https://, or set `allow_insecure_http: true`";
/// The most bytes of a URL.
const MAX_URL_BYTES: usize = 2048;

/// A web server that gets signed POST requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct WrittenPostTarget {
    /// The URL that gets the requests: `https://hooks.example.com/rownd`, or `http://` for this
    /// machine alone. Redirects are not followed.
    #[serde(serialize_with = "shown_url")]
    pub url: String,
    /// One or two secrets that sign each request by the rules of Standard Webhooks, each in place or
    /// `file:/path`: `whsec_` and 24 to 64 random bytes in base64. All of them sign. To rotate,
    /// write the new one beside the old one, give it to the receiver, and then leave out the old one.
    #[schemars(length(min = 1, max = 2))]
    pub secrets: Vec<Secret>,
    /// Allows `http://` to another machine. Everybody on the way can then read the requests, and
    /// answer in the receiver's place.
    #[serde(default)]
    pub allow_insecure_http: bool,
    /// TLS to this server. Default: that of `network.tls`.
    #[serde(default)]
    pub tls: OutboundTls,
}

/// A web server that gets signed POST requests, after the check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PostTarget {
    /// The URL that gets the requests.
    pub url: WebAddress,
    /// The secrets, all of which sign.
    pub secrets: Vec<SigningSecret>,
    /// `http://` to another machine is meant.
    pub allow_insecure_http: bool,
    /// TLS to this server.
    pub tls: OutboundTls,
}

/// A server that is no issuer's and that this program calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherServer<'a> {
    /// The JSON pointer of the object that has `url` and `tls`.
    pub pointer: String,
    /// Its URL.
    pub url: &'a WebAddress,
    /// TLS to it.
    pub tls: &'a OutboundTls,
}

/// The bytes of a secret that signs, which are never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningSecret(Box<[u8]>);

impl PostTarget {
    /// The server, whose settings are at this JSON pointer.
    #[must_use]
    pub fn server(&self, pointer: impl Into<String>) -> OtherServer<'_> {
        OtherServer { pointer: pointer.into(), url: &self.url, tls: &self.tls }
    }
}

impl SigningSecret {
    /// The secret of its text: `whsec_` and base64.
    ///
    /// # Errors
    ///
    /// The text is none, with what to write instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Some(encoded) = text.strip_prefix(PREFIX) else {
            return Err(format!("does not begin with `{PREFIX}`; {SECRET_FORM}"));
        };
        let bytes = STANDARD
            .decode(encoded)
            .map_err(|_| format!("is no base64 behind `{PREFIX}`; {SECRET_FORM}"))?;
        if !SECRET_BYTES.contains(&bytes.len()) {
            return Err(format!("has {} bytes; {SECRET_FORM}", bytes.len()));
        }
        if bytes.iter().all(|byte| Some(byte) == bytes.first()) {
            return Err(format!("every byte of it is the same; {SECRET_FORM}"));
        }
        Ok(Self(bytes.into()))
    }

    /// The bytes, for the one place that signs with them.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningSecret").finish_non_exhaustive()
    }
}

impl Serialize for SigningSecret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(REDACTED)
    }
}

impl Section for WrittenPostTarget {
    /// `None` if the URL or every secret has a problem.
    type Checked = Option<PostTarget>;

    fn check(mut self, at: &str, found: &mut Findings) -> Option<PostTarget> {
        self.tls.check(&format!("{at}/tls"), found);
        let mut secrets: Vec<SigningSecret> = Vec::with_capacity(self.secrets.len());
        for (index, written) in self.secrets.iter_mut().enumerate() {
            let at = format!("{at}/secrets/{index}");
            let secret = written.resolve().and_then(|()| SigningSecret::parse(written.expose()));
            match secret {
                Ok(secret) if secrets.contains(&secret) => {
                    found.add(at, "is there twice; write the next secret, or leave one out");
                }
                Ok(secret) => secrets.push(secret),
                Err(message) => found.add(at, message),
            }
        }
        let url = found.keep(format!("{at}/url"), address(&self.url, self.allow_insecure_http))?;
        check_way(&url, self.allow_insecure_http, &self.tls, at, found);
        let Self { allow_insecure_http, tls, .. } = self;
        Some(PostTarget { url, secrets, allow_insecure_http, tls })
    }
}

/// The URL. No message repeats it: a secret may be in it.
fn address(written: &str, allow_http: bool) -> Result<WebAddress, String> {
    if written.len() > MAX_URL_BYTES {
        return Err(format!("is longer than {MAX_URL_BYTES} bytes; write a shorter one"));
    }
    let address = WebAddress::document(written, true)?;
    if address.url().scheme() == "http" && !allow_http && !is_loopback(address.url()) {
        return Err(IN_CLEAR.to_owned());
    }
    Ok(address)
}

/// Settings that have no effect on the way to this server.
pub(in crate::config) fn check_way(
    url: &WebAddress,
    allow_insecure_http: bool,
    tls: &OutboundTls,
    at: &str,
    found: &mut Findings,
) {
    let in_clear = url.url().scheme() == "http";
    if allow_insecure_http && (!in_clear || is_loopback(url.url())) {
        found.add(
            format!("{at}/allow_insecure_http"),
            "has no effect: the requests go by https, or stay on this machine; leave it out",
        );
    }
    if tls.ca_file.is_some() && in_clear {
        found.add(
            format!("{at}/tls/ca_file"),
            "has no effect without TLS; write https:// in `url`, or leave it out",
        );
    }
}

fn shown_url<S: Serializer>(url: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&without_secrets(url))
}

#[cfg(test)]
mod tests {
    use super::{PostTarget, WrittenPostTarget};
    use crate::config::{findings::Findings, section::Section as _};

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn checked(settings: &serde_json::Value) -> (Option<PostTarget>, Vec<(String, String)>) {
        let written: WrittenPostTarget = serde_json::from_value(settings.clone()).unwrap();
        let mut found = Findings::without(Vec::new());
        let target = written.check("/at", &mut found);
        let found: Vec<crate::config::Finding> = found.into();
        (target, found.into_iter().map(|found| (found.pointer, found.message)).collect())
    }

    #[test]
    fn each_mistake_is_told_at_its_setting() {
        let url = "https://a.test/in";
        for (name, settings, pointer, words) in [
            ("scheme", r#"{"url":"ftp://a.test","secrets":["S"]}"#, "/at/url", "https://"),
            ("no URL", r#"{"url":"a.test","secrets":["S"]}"#, "/at/url", "not a URL"),
            ("in clear", r#"{"url":"http://a.test","secrets":["S"]}"#, "/at/url", "allow_insecure"),
            ("password", r#"{"url":"https://u:p@a.test","secrets":["S"]}"#, "/at/url", "password"),
            ("prefix", r#"{"url":"U","secrets":["MfKQ9r8GKYqr"]}"#, "/at/secrets/0", "begin with"),
            ("base64", r#"{"url":"U","secrets":["whsec_*"]}"#, "/at/secrets/0", "no base64"),
            ("short", r#"{"url":"U","secrets":["whsec_MfKQ"]}"#, "/at/secrets/0", "3 bytes"),
            ("empty", r#"{"url":"U","secrets":["S",""]}"#, "/at/secrets/1", "is empty"),
            ("no file", r#"{"url":"U","secrets":["file:/no"]}"#, "/at/secrets/0", "/no"),
            ("twice", r#"{"url":"U","secrets":["S","S"]}"#, "/at/secrets/1", "twice"),
            (
                "one byte",
                r#"{"url":"U","secrets":["whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]}"#,
                "/at/secrets/0",
                "the same",
            ),
            (
                "needless",
                r#"{"url":"U","secrets":["S"],"allow_insecure_http":true}"#,
                "/at/allow_insecure_http",
                "no effect",
            ),
            (
                "no TLS",
                r#"{"url":"http://localhost/in","secrets":["S"],"tls":{"ca_file":"/x"}}"#,
                "/at/tls/ca_file",
                "without TLS",
            ),
        ] {
            let text = settings.replace("\"U\"", &format!("\"{url}\""));
            let text = text.replace("\"S\"", &format!("\"{SECRET}\""));
            let (_, found) = checked(&serde_json::from_str(&text).unwrap());
            let [(place, message)] = found.as_slice() else { panic!("{name}: {found:?}") };
            assert_eq!(place, pointer, "{name}");
            assert!(message.contains(words), "{name}: {message}");
            assert!(!message.contains("MfKQ9r8G"), "{name}: {message}");
        }
    }

    #[test]
    fn a_good_target_is_taken_and_shows_no_secret() {
        for url in ["https://a.test/in?key=SECRET", "http://127.0.0.1:9/in", "http://[::1]/"] {
            let settings = serde_json::json!({ "url": url, "secrets": [SECRET] });
            let (target, found) = checked(&settings);
            assert_eq!(found, [], "{url}");
            let target = target.unwrap();
            assert_eq!(target.secrets[0].expose().len(), 24);
            let shown = format!("{:?} {}", target.secrets, serde_json::to_string(&target).unwrap());
            assert!(!shown.contains("SECRET") && !shown.contains("MfKQ"), "{shown}");
        }
        let (target, found) = checked(&serde_json::json!({
            "url": "http://hooks.mesh.local/in", "secrets": [SECRET], "allow_insecure_http": true
        }));
        assert!(target.is_some() && found.is_empty(), "{found:?}");
    }
}
