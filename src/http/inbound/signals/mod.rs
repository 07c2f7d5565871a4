//! Signed events of an issuer: OpenID Shared Signals (RFC 8417 tokens, pushed by RFC 8935 or polled
//! by RFC 8936) and OpenID Connect Back-Channel Logout.
//!
//! In: a raw token, and the source that it came from. Out: revocations at the issuer of the source, and
//! nowhere else; or why the token is refused. A token that comes twice is obeyed once.

mod event;
mod logout;
mod poll;
mod push;
mod replays;
mod set;
mod subject;
#[cfg(test)]
mod tests;

pub(super) use logout::answer as logout;
pub(super) use poll::Poller;
pub(super) use push::{answer as push, not_authenticated};
pub(super) use replays::Replays;
