//! The sections `routes` and `default`: rules, and the requirements where no rule matches.

mod check;
mod match_check;
mod named_part;
mod path_regex;
mod path_template;
mod path_text;
mod principal;
mod regex_reach;
mod request_match;
mod route;
mod route_match;
mod schema;

pub(in crate::config) use match_check::check_match;
pub(in crate::config) use named_part::{HeaderReader, read_header};
pub use named_part::{NamedPart, PartValue};
pub use path_regex::PathRegex;
pub use path_template::{PathTemplate, TemplateSegment};
pub use principal::PrincipalPattern;
pub use request_match::{Match, PathMatch};
pub use route::{AppliesTo, DefaultRoute, Route};
pub(in crate::config) use route_match::{Any, RouteMatch};
pub use schema::{Auth, ExpiredCookie, Freshness, Mode, OddPaths};
pub(in crate::config) use schema::{WrittenDefault, WrittenRoute};
