//! Services of the operator that are asked before something happens.
//!
//! In: a question, and until when it has to be answered. Out: a verdict, always: no answer, or one that
//! is none, becomes what the configuration says about failures. A question never holds a token.

#![warn(clippy::wildcard_enum_match_arm, clippy::match_wildcard_for_single_variants)]

mod answer;
mod exchange_hook;
mod grpc;
mod http;
mod labels;
mod question;

pub use answer::HookVerdict;
pub use exchange_hook::ExchangeHook;
pub use grpc::pb;
pub use labels::add_labels;
pub use question::ExchangeQuestion;
