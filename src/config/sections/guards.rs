//! The section `guards`: rules that every request which they match has to pass, whatever the routes
//! say. A guard can only deny.

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use super::{
    requirement::{Requirement, WrittenRequire},
    routes::{Any, AppliesTo, Mode, RouteMatch, check_match},
};
use crate::config::{findings::Findings, section::Section};

/// The requests that a guard with conditions about an identity judges.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GuardedCallers {
    /// Those with an identity. The others pass this guard.
    #[default]
    Identified,
    /// All of them: those without an identity are denied.
    All,
}

/// A rule that every request which it matches has to pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Guard")]
pub(in crate::config) struct WrittenGuard {
    /// The name in metadata and logs. No route has the same.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9_-]{0,62}$"))]
    pub id: String,
    /// The requests that it judges: `any` for every request, or parts that all have to match. A
    /// request that can be read in several ways is judged if it matches in any of them.
    #[serde(rename = "match")]
    pub matches: RouteMatch,
    /// The conditions of these requests: conditions, or `never` to deny them all.
    pub require: WrittenRequire,
    /// The requests that conditions about an identity judge: `identified`, those with one; `all`, and
    /// those without one are denied. A guard never makes a route with `auth: none` read a credential.
    #[serde(default)]
    pub applies_to: GuardedCallers,
    /// Whether the guard decides: `enforce`, or `shadow` to try it out.
    #[serde(default)]
    pub mode: Mode,
}

/// A guard as it holds after the check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    /// The name in metadata and logs.
    pub id: String,
    /// The requests that it is for.
    pub applies_to: AppliesTo,
    /// Their conditions.
    pub require: Requirement,
    /// The requests that conditions about an identity judge.
    pub callers: GuardedCallers,
    /// Whether it decides.
    pub mode: Mode,
}

impl Section for Vec<WrittenGuard> {
    type Checked = Vec<Guard>;

    fn check(self, at: &str, found: &mut Findings) -> Vec<Guard> {
        let mut ids = HashSet::new();
        let checked = self.into_iter().enumerate().map(|(index, guard)| {
            let at = format!("{at}/{index}");
            let WrittenGuard { id, matches, require, applies_to: callers, mode } = guard;
            if id == "default" {
                let message = "`default` is the id of the section `default`, in logs and metrics; \
                               write another one";
                found.add(format!("{at}/id"), message);
            } else if !ids.insert(id.clone()) {
                let message = format!("another guard has the id `{id}` too; write another");
                found.add(format!("{at}/id"), message);
            }
            let applies_to = match &matches {
                RouteMatch::Any(Any::Any) => Some(AppliesTo::AllRequests),
                RouteMatch::Parts(parts) => {
                    check_match(parts, &format!("{at}/match"), found).map(AppliesTo::Matching)
                }
            };
            let require = require.check(&format!("{at}/require"), found);
            let judges_identity = require.leaves().any(|leaf| leaf.reads_identity());
            if callers == GuardedCallers::All && !judges_identity {
                found.add(
                    format!("{at}/applies_to"),
                    "has no effect: no condition is about an identity, so the guard judges every \
                     request that it matches; leave it out",
                );
            }
            // A guard whose match has a problem keeps its place in the list.
            let applies_to = applies_to.unwrap_or(AppliesTo::NamedRequests);
            Guard { id, applies_to, require, callers, mode }
        });
        checked.collect()
    }
}

impl From<&Guard> for WrittenGuard {
    fn from(guard: &Guard) -> Self {
        let matches = match &guard.applies_to {
            // No guard is for named requests alone.
            AppliesTo::AllRequests | AppliesTo::NamedRequests => RouteMatch::Any(Any::Any),
            AppliesTo::Matching(parts) => RouteMatch::Parts(parts.into()),
        };
        Self {
            id: guard.id.clone(),
            matches,
            require: guard.require.written().clone(),
            applies_to: guard.callers,
            mode: guard.mode,
        }
    }
}

/// Printed as it is written in the file.
impl Serialize for Guard {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        WrittenGuard::from(self).serialize(serializer)
    }
}
