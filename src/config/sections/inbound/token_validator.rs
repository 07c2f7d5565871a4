//! The section `token_validator`: Rownd asks this service about the token of a third party, which it
//! then trades for tokens of its own.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use super::caller::{InboundCaller, WrittenInboundCaller};
use crate::config::{findings::Findings, section::Section, span::Span};

const AUTHORIZATION: &str = "authorization";
/// The most characters of the name of a field, and of a prefix.
const MAX_NAME: usize = 64;

/// The answer to Rownd's token validator, at `/token-validator`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct WrittenTokenValidator {
    /// The issuers whose tokens are answered for, by their names under `issuers`. They take access
    /// tokens, and are neither of kind `rownd` nor `supertokens`: those tokens are no third party's.
    #[schemars(length(min = 1, max = 32))]
    pub issuers: Vec<String>,
    /// How Rownd proves that it asks.
    pub caller: WrittenInboundCaller,
    /// The id that Rownd takes for the user. Without it the answer has none, and Rownd makes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<ValidatorUserId>,
    /// The other fields of the answer, by their names: each is the value of a claim.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(length(max = 64))]
    pub claims: BTreeMap<String, ValidatorClaim>,
    /// The longest time that an answer may take.
    #[serde(default = "three_seconds")]
    #[schemars(extend("x-duration-range" = ["100ms", "10s"]))]
    pub timeout: Span,
}

/// The id of the user in the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ValidatorUserId {
    /// The claim whose value it is, by its name, or by a JSON pointer, which begins with a slash.
    pub claim: String,
    /// A text before it. Rownd makes a user of the id that it is told, so that without a prefix an
    /// issuer's user can become a user of Rownd who has the same id.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 64))]
    pub prefix: String,
    /// The name of the field in the answer, as it stands in Rownd's settings.
    #[serde(default = "user_id")]
    pub field: String,
}

/// A field of the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ValidatorClaim {
    /// The claim whose value it is, by its name, or by a JSON pointer, which begins with a slash.
    Name(String),
    /// The same, on a condition.
    Conditional(ConditionalClaim),
}

/// A field that is left out of the answer unless a claim is true.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConditionalClaim {
    /// The claim whose value it is.
    claim: String,
    /// A claim that has to be `true`: `email_verified` for `email`.
    only_if: String,
}

impl ValidatorClaim {
    /// The claim whose value it is.
    #[must_use]
    pub fn claim(&self) -> &str {
        match self {
            Self::Name(claim) | Self::Conditional(ConditionalClaim { claim, .. }) => claim,
        }
    }

    /// The claim that has to be `true`, if there is one.
    #[must_use]
    pub fn condition(&self) -> Option<&str> {
        match self {
            Self::Name(_) => None,
            Self::Conditional(ConditionalClaim { only_if, .. }) => Some(only_if),
        }
    }
}

/// The section, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenValidator {
    written: WrittenTokenValidator,
    /// How Rownd proves that it asks.
    pub caller: InboundCaller,
}

impl TokenValidator {
    /// The names of the issuers whose tokens are answered for.
    #[must_use]
    pub fn issuers(&self) -> &[String] {
        &self.written.issuers
    }

    /// The id of the user in the answer.
    #[must_use]
    pub const fn user_id(&self) -> Option<&ValidatorUserId> {
        self.written.user_id.as_ref()
    }

    /// The other fields of the answer.
    #[must_use]
    pub const fn claims(&self) -> &BTreeMap<String, ValidatorClaim> {
        &self.written.claims
    }

    /// The longest time that an answer may take.
    #[must_use]
    pub const fn timeout(&self) -> Span {
        self.written.timeout
    }
}

/// Printed as it is written in the file.
impl Serialize for TokenValidator {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.written.serialize(serializer)
    }
}

impl Section for WrittenTokenValidator {
    type Checked = Option<TokenValidator>;

    fn check(mut self, at: &str, found: &mut Findings) -> Option<TokenValidator> {
        let mut seen = BTreeSet::new();
        for (index, issuer) in self.issuers.iter().enumerate() {
            if !seen.insert(issuer) {
                found.add(format!("{at}/issuers/{index}"), "stands here twice; leave one out");
            }
        }
        let caller_at = format!("{at}/caller");
        let caller = self.caller.check(&caller_at, found);
        self.caller.check_proof(&caller_at, found);
        if self
            .caller
            .header
            .as_deref()
            .is_some_and(|name| name.eq_ignore_ascii_case(AUTHORIZATION))
        {
            found.add(
                format!("{caller_at}/header"),
                "`authorization` carries the token that is asked about; write another header",
            );
        }
        self.check_fields(at, found);
        Some(TokenValidator { caller, written: self })
    }
}

impl WrittenTokenValidator {
    fn check_fields(&self, at: &str, found: &mut Findings) {
        if let Some(user) = &self.user_id {
            let field_at = format!("{at}/user_id/field");
            check_field(&user.field, &field_at, found);
            check_claim(&user.claim, &format!("{at}/user_id/claim"), found);
            if self.claims.contains_key(&user.field) {
                found.add(field_at, "is the name of a field under `claims` too; write another");
            }
            if !user.prefix.chars().all(|c| c.is_ascii_graphic()) {
                found
                    .add(format!("{at}/user_id/prefix"), "has characters other than visible ASCII");
            }
        }
        if self.user_id.is_none() && self.claims.is_empty() {
            found.add(
                format!("{at}/claims"),
                "the answer would be empty; write the fields that Rownd's settings name, such as \
                 email: email, or `user_id`",
            );
        }
        for (field, claim) in &self.claims {
            let at = format!("{at}/claims/{}", field.replace('~', "~0").replace('/', "~1"));
            check_field(field, &at, found);
            check_claim(claim.claim(), &at, found);
            if let Some(condition) = claim.condition() {
                check_claim(condition, &format!("{at}/only_if"), found);
            }
        }
    }
}

fn check_field(name: &str, at: &str, found: &mut Findings) {
    let good = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(good) {
        let message =
            format!("is not the name of a field; write 1 to {MAX_NAME} letters, digits and _");
        found.add(at, message);
    }
}

fn check_claim(name: &str, at: &str, found: &mut Findings) {
    if name.is_empty() || name == "/" {
        found.add(at, "is not the name of a claim; write one, such as email, or a JSON pointer");
    }
}

fn user_id() -> String {
    "userId".to_owned()
}

const fn three_seconds() -> Span {
    Span::from_secs(3)
}
