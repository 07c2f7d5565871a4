//! How surely the match of a rule fits a request: its host, method, path, headers, query and the
//! workload of its client.
//!
//! In: a `match` of the configuration, then a request in one reading of its method and path. Out: a
//! [`Fit`]. Headers and parameters that servers read in several ways fit possibly.

mod asked;
mod fit;
mod header_readings;
mod host;
mod matcher;
mod path_program;
mod query_readings;
mod template;

pub(super) use asked::Asked;
pub(super) use fit::{Fit, Unclear};
pub(super) use header_readings::HeaderReadings;
pub(super) use host::{HostPattern, canonical_host};
pub(super) use matcher::{Matcher, PathPattern};
pub(super) use path_program::PathProgram;
pub(super) use query_readings::QueryReadings;
