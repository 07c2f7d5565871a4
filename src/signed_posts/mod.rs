//! Signed POST requests to servers of the operator: the one way in which this program tells others
//! something by HTTP.
//!
//! In: a target of the configuration, and messages. Out: the answer, whatever status it has. Each
//! message is signed by the rules of Standard Webhooks (https://www.standardwebhooks.com) with every
//! secret of the target, sent once by the outbound client, and no redirect is followed. A room that
//! wants a message sent again calls again with the same id.

#![warn(clippy::wildcard_enum_match_arm, clippy::match_wildcard_for_single_variants)]

mod message_id;
mod poster;
mod signature;

pub use message_id::MessageId;
pub use poster::{Post, PostKind, SignedPoster};
