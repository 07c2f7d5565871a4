//! The sections `routes` and `default`: rules, and the requirements where no rule matches.

mod check;
mod path_regex;
mod path_text;
mod route;
mod route_match;
mod schema;

pub use path_regex::PathRegex;
pub use route::{AppliesTo, Match, PathMatch, Route};
pub(in crate::config) use route_match::RouteMatch;
pub(in crate::config) use schema::WrittenRoute;
pub use schema::{Auth, DefaultRoute, ExpiredCookie, Freshness, OddPaths};
