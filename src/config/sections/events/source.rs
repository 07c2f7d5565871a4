//! A server that sends events to this service.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};
use url::Url;

use crate::config::{
    findings::Findings,
    secret::Secret,
    section::Section,
    sections::inbound::{InboundCaller, WrittenInboundCaller},
    span::Span,
    web_address::WebAddress,
};

/// The kind of events that a server sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventSourceKind {
    /// Webhooks of Rownd. Rownd does not sign them, so nothing of one is believed: the user that it
    /// names is read again.
    RowndWebhook,
    /// OpenID Shared Signals: signed security event tokens of the issuer (CAEP and RISC), which it
    /// pushes (RFC 8935), or which are polled (RFC 8936).
    SharedSignals,
    /// OpenID Connect Back-Channel Logout: signed logout tokens of the issuer.
    BackChannelLogout,
    /// The callbacks of Rownd's snippet, which pages send from browsers. Nothing of one is believed but
    /// the token that it comes with, which is verified.
    BrowserCallbacks,
}

/// The place where events are polled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct WrittenEventPoll {
    /// The address of the transmitter's polling endpoint; https, or http on this machine.
    #[schemars(extend("format" = "uri"))]
    pub url: String,
    /// The token that the transmitter asks for, sent as `authorization: Bearer TOKEN`; in place or
    /// `file:/path`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Secret>,
    /// The time between two requests while there are no events.
    #[serde(default = "ten_seconds")]
    #[schemars(extend("x-duration-range" = ["1s", "1h"]))]
    pub every: Span,
}

/// The place where events are polled, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventPoll {
    url: WebAddress,
    token: Option<Secret>,
    every: Span,
}

impl EventPoll {
    /// The address.
    #[must_use]
    pub fn url(&self) -> &Url {
        self.url.url()
    }

    /// The token that the transmitter asks for.
    #[must_use]
    pub const fn token(&self) -> Option<&Secret> {
        self.token.as_ref()
    }

    /// The time between two requests while there are no events.
    #[must_use]
    pub const fn every(&self) -> Duration {
        self.every.get()
    }
}

/// A server that sends events, at `/webhooks/NAME`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct WrittenEventSource {
    /// The name in the path and in the log: lower-case letters, digits, `-` and `_`.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9_-]{0,62}$"))]
    pub name: String,
    /// The kind of events.
    pub kind: EventSourceKind,
    /// The name of the issuer whose users they are about: of `rownd_webhook` one of kind `rownd`, of
    /// `browser_callbacks` one of kind `rownd` or `supertokens`, of the others one of kind `oidc` or
    /// `static`, whose keys sign the events.
    pub issuer: String,
    /// The id of the app whose users they are about. Only of `rownd_webhook`, where the app has a key and
    /// a secret, and the default is the only app of the issuer; and of `browser_callbacks`, where the
    /// default is every app of the issuer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
    /// The proof of the server that sends. `rownd_webhook` has to have one; the events of the others
    /// are signed. Of `browser_callbacks` only `per_second`, and the `sources` of a proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<WrittenInboundCaller>,
    /// The values of `aud`, one of which each token has to have: of `back_channel_logout` the client
    /// ids, of `shared_signals` the name that the transmitter has for this receiver. Not those of access
    /// tokens. Only of signed events, which have to have one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub audiences: Vec<String>,
    /// Whether the end of a session ends all tokens of its user from before: for an issuer whose access
    /// tokens do not name their session. Only of signed events.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub session_is_user: bool,
    /// Whether a logout token without `typ`, or with `JWT`, is taken, as older providers send it. Only
    /// of `back_channel_logout`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub untyped: bool,
    /// Where events are polled. Without it, the issuer pushes them. Only of `shared_signals`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poll: Option<WrittenEventPoll>,
}

/// A server that sends events, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventSource {
    written: WrittenEventSource,
    /// The proof of the server that sends.
    pub caller: Option<InboundCaller>,
    /// Where events are polled.
    pub poll: Option<EventPoll>,
}

impl EventSource {
    /// The name in the path and in the log.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.written.name
    }

    /// The kind of events.
    #[must_use]
    pub const fn kind(&self) -> EventSourceKind {
        self.written.kind
    }

    /// The name of the issuer.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.written.issuer
    }

    /// The app that is named.
    #[must_use]
    pub fn app_id(&self) -> Option<&str> {
        self.written.app_id.as_deref()
    }

    /// The values of `aud`, one of which each token has to have.
    #[must_use]
    pub fn audiences(&self) -> &[String] {
        &self.written.audiences
    }

    /// Whether the end of a session ends all tokens of its user from before.
    #[must_use]
    pub const fn session_is_user(&self) -> bool {
        self.written.session_is_user
    }

    /// Whether a logout token without `typ` is taken.
    #[must_use]
    pub const fn takes_untyped(&self) -> bool {
        self.written.untyped
    }
}

/// Printed as it is written in the file.
impl Serialize for EventSource {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.written.serialize(serializer)
    }
}

impl Section for WrittenEventSource {
    type Checked = EventSource;

    fn check(mut self, at: &str, found: &mut Findings) -> EventSource {
        let caller_at = format!("{at}/caller");
        let caller = self.caller.as_mut().map(|caller| caller.check(&caller_at, found));
        match (&self.caller, self.kind) {
            (Some(written), EventSourceKind::RowndWebhook) => {
                written.check_proof(&caller_at, found);
            }
            // Its limit alone may be written.
            (_, EventSourceKind::SharedSignals | EventSourceKind::BackChannelLogout)
            | (None, EventSourceKind::BrowserCallbacks) => {}
            (Some(written), EventSourceKind::BrowserCallbacks) => {
                if written.proves_more_than_a_source() {
                    found.add(
                        caller_at,
                        "is no proof of a browser: everybody who may see the page can read a secret in \
                         it; write `per_second` alone, or `caller: { sources: [...] }` of the proxy in \
                         front",
                    );
                }
            }
            (None, EventSourceKind::RowndWebhook) => found.add(
                caller_at,
                "is missing: Rownd does not sign its webhooks, so anybody could send one; write \
                 caller: { secret: file:/path }",
            ),
        }
        let poll = self.poll.as_mut().and_then(|poll| poll.check(&format!("{at}/poll"), found));
        self.check_kind(at, found);
        EventSource { caller, poll, written: self }
    }
}

impl WrittenEventSource {
    /// Adds the problem of each setting that the kind does not have, or lacks.
    fn check_kind(&self, at: &str, found: &mut Findings) {
        let is_webhook = self.kind == EventSourceKind::RowndWebhook;
        let has_app = is_webhook || self.kind == EventSourceKind::BrowserCallbacks;
        let logs_out = self.kind == EventSourceKind::BackChannelLogout;
        let signals = self.kind == EventSourceKind::SharedSignals;
        let is_signed = signals || logs_out;
        for (setting, is_written, has_it, of) in [
            ("app_id", self.app_id.is_some(), has_app, "rownd_webhook and browser_callbacks"),
            ("audiences", !self.audiences.is_empty(), is_signed, "signed events"),
            ("session_is_user", self.session_is_user, is_signed, "signed events"),
            ("untyped", self.untyped, logs_out, "back_channel_logout"),
            ("poll", self.poll.is_some(), signals, "shared_signals"),
        ] {
            if is_written && !has_it {
                found.add(format!("{at}/{setting}"), format!("is a setting of {of}; leave it out"));
            }
        }
        if is_signed && self.audiences.is_empty() {
            let value = if logs_out { "[my-client-id]" } else { "[\"https://authz.example.com\"]" };
            found.add(
                format!("{at}/audiences"),
                format!(
                    "is missing: a token for somebody else would be obeyed; write the `aud` of the \
                     tokens, such as audiences: {value}"
                ),
            );
        }
        if self.poll.is_some() && self.caller.is_some() {
            found.add(
                format!("{at}/caller"),
                "is about events that are pushed, and these are polled; leave it out",
            );
        }
    }
}

impl WrittenEventPoll {
    fn check(&mut self, at: &str, found: &mut Findings) -> Option<EventPoll> {
        if let Some(token) = &mut self.token {
            found.keep(format!("{at}/token"), token.resolve());
        }
        let http = "plain http; write https://, or an address of this machine";
        let url = WebAddress::document(&self.url, false);
        let url =
            url.map_err(|told| if told.starts_with("plain") { http.to_owned() } else { told });
        let url = found.keep(format!("{at}/url"), url)?;
        Some(EventPoll { url, token: self.token.clone(), every: self.every })
    }
}

const fn ten_seconds() -> Span {
    Span::from_secs(10)
}
