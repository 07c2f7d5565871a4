//! The service for backends, `rownd.auth.v1.RowndAuth`.
//!
//! In: a call and the other end of its connection. Out: a response, or a status whose details say
//! what went wrong and whether to try again. The door comes first: it knows the caller, its rights,
//! the number of calls and the deadline. Behind it each method decodes, asks one room, and encodes.

mod bounds;
mod call;
mod caller;
mod caller_refusal;
mod convert;
mod details;
mod door;
mod exchange;
mod fault;
mod get_user;
mod grants;
mod methods;
mod openid_client;
mod reason;
mod refusal;
mod structure;
mod table;
mod target;
#[cfg(test)]
mod tests;
mod text_fields;
mod verify;

pub(super) use caller_refusal::CallerRefusal;
pub use door::AuthDoor;
pub use table::{RPCS, Rpc, find};

/// The path of every method, without its name.
pub const PREFIX: &str = "/rownd.auth.v1.RowndAuth/";
