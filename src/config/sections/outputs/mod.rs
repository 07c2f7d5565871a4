//! The sections `headers` and `response_headers`, and the settings of a route of the same kind: what
//! the service behind and the client are told beside the identity headers.

mod check;
mod names;
mod schema;
mod values;

pub(in crate::config) use check::{OutputScope, check_header_map, check_query};
pub(in crate::config) use names::reserved_headers;
pub use schema::{OnMissing, ValueFormat};
pub(in crate::config) use schema::{WrittenHeader, WrittenQuery};
pub use values::{MappedParameter, MappedValue, OutputHeader, QueryMap, RouteOutputs, ValueSource};
