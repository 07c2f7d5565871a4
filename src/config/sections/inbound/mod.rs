//! Requests of other servers to this service: the proof of who sends them, and the section
//! `token_validator`.

mod caller;
mod token_validator;

pub use caller::InboundCaller;
pub(in crate::config) use caller::WrittenInboundCaller;
pub(in crate::config) use token_validator::WrittenTokenValidator;
pub use token_validator::{TokenValidator, ValidatorClaim, ValidatorUserId};
