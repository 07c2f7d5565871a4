//! The services for backends, `rownd.auth.v1`.
//!
//! In: a call and the other end of its connection. Out: a response, or a status whose details say
//! what went wrong and whether to try again. The door comes first: it knows the caller, its rights,
//! the number of calls and the deadline. Behind it each method decodes, asks one room, and encodes.

mod administered;
mod administration;
mod apps;
mod bounds;
mod call;
mod caller;
mod caller_refusal;
mod convert;
mod details;
mod door;
mod etag;
mod events;
mod exchange;
mod fault;
mod get_user;
mod grants;
mod groups;
mod kept_writes;
mod methods;
mod oidc_clients;
mod openid_client;
mod output_only;
mod page;
mod reason;
mod refusal;
mod rpc;
mod shared_writes;
mod sharing;
mod sign_in_hook;
mod structure;
mod table;
mod target;
#[cfg(test)]
mod tests;
mod text_fields;
mod tokens;
mod update_mask;
mod user_view;
mod users;
mod verify;
mod writes;

pub(super) use caller_refusal::CallerRefusal;
pub use door::AuthDoor;
pub(super) use fault::{bad_request, internal_error};
pub use kept_writes::{WriteEnd, WriteKey, WriteRunner, Writes, writes};
pub use rpc::{Rpc, Service};
pub use shared_writes::SharedWrites;
pub use sharing::Sharing;
pub(super) use table::PACKAGE;
pub use table::{SERVICES, find, paths, rpcs};
