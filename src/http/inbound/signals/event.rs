//! The types of events, and what each asks for.
//!
//! In: the URI of a type. Out: its effect. To add a type: a row here, and one in docs/webhooks.md.

/// The effect of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EventEffect {
    /// Tokens of the subject that were issued before the event are revoked, and the cached profile is
    /// dropped.
    Revoke,
    /// The transmitter looks whether it is heard.
    Verification,
    /// It is taken and has no effect here.
    None,
}

/// The types that revoke: those of CAEP, of RISC, and of RISC as it was before it had a final form.
const REVOKING: [&str; 9] = [
    "https://schemas.openid.net/secevent/caep/event-type/session-revoked",
    "https://schemas.openid.net/secevent/caep/event-type/credential-change",
    "https://schemas.openid.net/secevent/caep/event-type/token-claims-change",
    "https://schemas.openid.net/secevent/risc/event-type/account-disabled",
    "https://schemas.openid.net/secevent/risc/event-type/account-purged",
    "https://schemas.openid.net/secevent/risc/event-type/account-credential-change-required",
    "https://schemas.openid.net/secevent/risc/event-type/credential-compromise",
    "https://schemas.openid.net/secevent/risc/event-type/sessions-revoked",
    "https://schemas.openid.net/secevent/oauth/event-type/tokens-revoked",
];
/// The types about the stream itself.
const ABOUT_THE_STREAM: [&str; 5] = [
    "https://schemas.openid.net/secevent/ssf/event-type/verification",
    "https://schemas.openid.net/secevent/ssf/event-type/stream-updated",
    "https://schemas.openid.net/secevent/sse/event-type/verification",
    "https://schemas.openid.net/secevent/sse/event-type/stream-updated",
    "https://schemas.openid.net/secevent/risc/event-type/verification",
];

/// The effect of events of this type.
pub(super) fn effect(uri: &str) -> EventEffect {
    if REVOKING.contains(&uri) {
        EventEffect::Revoke
    } else if ABOUT_THE_STREAM.contains(&uri) {
        EventEffect::Verification
    } else {
        EventEffect::None
    }
}

/// The last segment of a type that is known, for the log.
pub(super) fn short_name(uri: &str) -> &'static str {
    let known = REVOKING.iter().chain(&ABOUT_THE_STREAM).find(|known| **known == uri);
    known.and_then(|known| known.rsplit('/').next()).unwrap_or("other")
}
