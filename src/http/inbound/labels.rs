//! The labels of requests of other servers in metrics, which are their words in the log too.

use strum::{IntoStaticStr, VariantArray};

/// The kind of a request of another server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub(in crate::http) enum InboundKind {
    /// The token validator asks about a token.
    TokenValidator,
    /// A webhook of Rownd.
    RowndWebhook,
    /// A webhook of Rownd whose user could not be read at once is obeyed by this service itself.
    RowndWebhookAgain,
    /// Security event tokens of an issuer, pushed.
    SharedSignalsPush,
    /// Security event tokens of an issuer, polled.
    SharedSignalsPoll,
    /// A logout token of an OpenID provider.
    BackChannelLogout,
    /// A callback of Rownd's snippet, from a browser.
    BrowserCallback,
    /// A request for a path of events of no configured source.
    Unknown,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub(in crate::http) enum InboundResult {
    /// It was answered, or obeyed.
    Ok,
    /// It has come before, and was obeyed then.
    Duplicate,
    /// It was taken, and has no effect here.
    WithoutEffect,
    /// The sender has not proved itself.
    CallerRefused,
    /// The sender sends more than it may.
    TooOften,
    /// The request does not have the documented form.
    Malformed,
    /// The token is refused.
    TokenRefused,
    /// It cannot be decided now.
    Undecided,
    /// It could not be decided for so long that it was given up.
    GivenUp,
    /// The server that is polled gave no events.
    Unreachable,
}

impl InboundResult {
    /// The request was not taken.
    pub(in crate::http) const fn is_refusal(self) -> bool {
        match self {
            Self::Ok | Self::Duplicate | Self::WithoutEffect => false,
            Self::CallerRefused
            | Self::TooOften
            | Self::Malformed
            | Self::TokenRefused
            | Self::Undecided
            | Self::GivenUp
            | Self::Unreachable => true,
        }
    }
}
