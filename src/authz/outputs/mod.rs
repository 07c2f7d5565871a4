//! The outputs of rules: what the service behind and the client are told beside the identity headers.
//!
//! In: a request and its permit. Out: headers, changes of the query, headers of the response, and
//! names to remove; or a denial. Where servers read a request differently and several rules let it
//! pass, each tells its own, and two that tell different things are a denial.

mod form;
mod parameters;
mod told;

pub(super) use told::{OutputTeller, Told};
