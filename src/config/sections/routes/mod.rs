//! The sections `routes` and `default`: rules, and the requirements where no rule matches.

mod check;
mod path_text;
mod route;
mod route_match;
mod schema;

pub use route::{AppliesTo, Route};
pub(in crate::config) use route_match::RouteMatch;
pub use route_match::{Match, PathMatch};
pub(in crate::config) use schema::WrittenRoute;
pub use schema::{Auth, DefaultRoute, ExpiredCookie, Freshness, OddPaths};
