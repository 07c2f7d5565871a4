//! Claims that a token has without their values: they are at another server (aggregated and distributed
//! claims, OpenID Connect Core section 5.6.2), or the token says only that there are some (Microsoft Entra).
//!
//! In: the claims of a token. Out: whether the value of a claim is not in the token, so that its absence
//! says nothing.

use super::path::ClaimPath;
use crate::{
    model::UnreadClaim,
    verify::json::{Json, Object},
};

/// The names of the claims whose values are elsewhere.
const CLAIM_NAMES: &str = "_claim_names";
/// Microsoft Entra: the user has groups, and the token has no room for them.
const HAS_GROUPS: &str = "hasgroups";
const GROUPS: &str = "groups";

/// The claims of one token that are elsewhere.
#[derive(Debug, Clone, Copy)]
pub(in crate::verify) struct Elsewhere<'a, 'b> {
    names: Option<&'a Json<'b>>,
    groups: bool,
}

impl<'a, 'b> Elsewhere<'a, 'b> {
    pub(in crate::verify) fn of(claims: &'a Object<'b>) -> Self {
        let groups = match claims.get(HAS_GROUPS) {
            Some(Json::Bool(said)) => *said,
            Some(Json::Text(said)) => said.eq_ignore_ascii_case("true"),
            Some(
                Json::Null
                | Json::Unsigned(_)
                | Json::Negative(_)
                | Json::Float(_)
                | Json::List(_)
                | Json::Object(_),
            )
            | None => false,
        };
        Self { names: claims.get(CLAIM_NAMES), groups }
    }

    /// Why the value of the claim at the end of this way is not in the token, if it is not.
    pub(in crate::verify) fn why_unread(self, path: &ClaimPath) -> Option<UnreadClaim> {
        let first = path.first();
        let is_told = matches!(self.names, None | Some(Json::Null | Json::Object(_)));
        if !self.holds(first) {
            None
        } else if is_told && path.is(first) {
            Some(UnreadClaim::Elsewhere)
        } else {
            Some(UnreadClaim::Untold)
        }
    }

    /// The value of the claim of this name is elsewhere. Where the token does not say it in the form of the
    /// standard, every claim may be.
    pub(in crate::verify) fn holds(self, name: &str) -> bool {
        let named = match self.names {
            None | Some(Json::Null) => false,
            Some(Json::Object(names)) => names.contains(name),
            Some(
                Json::Bool(_)
                | Json::Unsigned(_)
                | Json::Negative(_)
                | Json::Float(_)
                | Json::Text(_)
                | Json::List(_),
            ) => true,
        };
        named || (self.groups && name == GROUPS)
    }
}

#[cfg(test)]
mod tests {
    use super::{ClaimPath, Elsewhere, UnreadClaim};
    use crate::{config::ClaimPlace, verify::json::Json};

    #[test]
    fn a_claim_is_elsewhere_where_the_token_says_so() {
        for (claims, expected) in [
            (r#"{}"#, [false, false]),
            (r#"{"groups": ["a"]}"#, [false, false]),
            (r#"{"_claim_names": {"groups": "src1"}}"#, [true, false]),
            (r#"{"_claim_names": {"groups": "src1", "roles": "src1"}}"#, [true, true]),
            (r#"{"_claim_names": {}}"#, [false, false]),
            (r#"{"_claim_names": null}"#, [false, false]),
            (r#"{"_claim_names": "groups"}"#, [true, true]),
            (r#"{"_claim_names": ["groups"]}"#, [true, true]),
            (r#"{"_claim_sources": {"src1": {}}}"#, [false, false]),
            (r#"{"hasgroups": true}"#, [true, false]),
            (r#"{"hasgroups": "true"}"#, [true, false]),
            (r#"{"hasgroups": false}"#, [false, false]),
            (r#"{"hasgroups": 1}"#, [false, false]),
        ] {
            let read: Json<'_> = serde_json::from_str(claims).unwrap();
            let elsewhere = Elsewhere::of(read.object().unwrap());
            assert_eq!(["groups", "roles"].map(|name| elsewhere.holds(name)), expected, "{claims}");
        }
    }

    #[test]
    fn a_token_says_that_it_has_a_claim_and_nothing_of_what_is_inside() {
        use UnreadClaim::{Elsewhere as There, Untold};
        for (claims, expected) in [
            (r#"{}"#, [None, None]),
            (r#"{"_claim_names": {"groups": "src1"}}"#, [Some(There), Some(Untold)]),
            (
                r#"{"_claim_names": {"groups": "src1"}, "groups": {"x": 1}}"#,
                [Some(There), Some(Untold)],
            ),
            (r#"{"_claim_names": {"roles": "src1"}}"#, [None, None]),
            (r#"{"_claim_names": "groups"}"#, [Some(Untold), Some(Untold)]),
            (r#"{"hasgroups": true}"#, [Some(There), Some(Untold)]),
        ] {
            let read: Json<'_> = serde_json::from_str(claims).unwrap();
            let elsewhere = Elsewhere::of(read.object().unwrap());
            let found = ["groups", "/groups/x"]
                .map(|path| elsewhere.why_unread(&ClaimPath::new(ClaimPlace::of_text(path))));
            assert_eq!(found, expected, "{claims}");
        }
    }
}
