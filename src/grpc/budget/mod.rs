//! The budget that all connections of the gRPC listener share: calls at a time and bytes of
//! unfinished messages. A connection that takes much leaves enough for the others.
//!
//! In: the calls of each connection, their bytes and their responses. Out: a slot for each call, or
//! a refusal; and how much a connection may be read. Each connection always gets a little, whatever
//! the others hold. Beyond that it never gets more than it leaves to them.

mod call;
mod connection;
mod listener;
mod pool;

pub(super) use call::{CallSlot, CheckInProgress, UnsentResponse};
pub use connection::ConnectionBudget;
pub(super) use listener::ListenerBudget;
