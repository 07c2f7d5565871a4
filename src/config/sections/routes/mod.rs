//! The sections `routes` and `default`: rules, and the requirements where no rule matches.

mod check;
mod path_regex;
mod path_text;
mod route;
mod route_match;
mod schema;

pub(in crate::config) use check::check_parts;
pub use path_regex::PathRegex;
pub use route::{AppliesTo, DefaultRoute, Match, PathMatch, Route};
pub(in crate::config) use route_match::{Any, RouteMatch};
pub use schema::{Auth, ExpiredCookie, Freshness, Mode, OddPaths};
pub(in crate::config) use schema::{WrittenDefault, WrittenRoute};
