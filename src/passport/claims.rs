//! The claims of a passport: what it states of its caller, without its times and its own id.
//!
//! In: the passport of a rule, an identity, the profile where it was read, the variables of the
//! path. Out: the claims, or why none can be stated.

use percent_encoding::percent_decode;
use serde_json::{Map, Value, json};

use crate::{
    config::{ClaimSource, IdentityPart, PassportFormat, RulePassport},
    model::{DenyReason, Profile, RequestContext},
    policy::{GrantedRule, rights::Rights},
    verify::Identity,
};

/// The claim of the caller's token that says who acts for its user (RFC 8693 section 4.1).
pub(super) const ACT: &str = "act";
/// The most parties in a chain of actors.
const MAX_ACTORS: usize = 8;
/// The longest text about an actor, in bytes.
const MAX_ACTOR_TEXT: usize = 512;
/// The most members that describe an actor.
const MAX_ACTOR_MEMBERS: usize = 8;

/// The parts of a configuration that stand in every passport.
#[derive(Debug)]
pub(super) struct FixedClaims {
    pub(super) issuer: String,
    pub(super) trust_domain: Option<String>,
    /// The `sub` names the issuer of the user as well.
    pub(super) qualified_subject: bool,
}

/// The facts that claims are read from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caller<'a> {
    pub(super) identity: &'a Identity,
    pub(super) profile: Option<&'a Profile>,
    /// The rule, with the variables of the path.
    pub(super) granted: &'a GrantedRule,
    pub(super) request: &'a RequestContext,
}

impl FixedClaims {
    /// The claims of a passport for this caller.
    ///
    /// # Errors
    ///
    /// The token says in another form than that of RFC 8693 who acts for its user: without that,
    /// the passport would state that the user acts. Or a variable of the path is no text.
    pub(super) fn state(
        &self,
        passport: &RulePassport,
        caller: Caller<'_>,
        rights: &Rights,
    ) -> Result<Map<String, Value>, DenyReason> {
        let Caller { identity, request, .. } = caller;
        let mut chosen = Map::new();
        for (name, source) in &passport.claims {
            if let Some(value) = value(source, caller, rights)? {
                chosen.insert(name.clone(), value);
            }
        }
        let mut claims = match passport.format {
            PassportFormat::Jwt => {
                let mut claims = chosen;
                insert(&mut claims, "aud", passport.audience.as_deref().unwrap_or_default());
                insert(&mut claims, "idp", &*identity.issuer);
                claims
            }
            PassportFormat::TxnToken => {
                insert(&mut chosen, "idp", &*identity.issuer);
                let address = request.downstream.decode().address;
                let context = address.map_or_else(
                    || json!({ "authn": AUTHN }),
                    |address| json!({ "authn": AUTHN, "req_ip": address.to_string() }),
                );
                let mut claims = Map::new();
                insert(&mut claims, "aud", self.trust_domain.as_deref().unwrap_or_default());
                insert(&mut claims, "scope", passport.scope.as_deref().unwrap_or_default());
                insert(&mut claims, "req_wl", self.issuer.as_str());
                insert(&mut claims, "rctx", context);
                insert(&mut claims, "tctx", chosen);
                claims
            }
        };
        insert(&mut claims, "iss", self.issuer.as_str());
        insert(&mut claims, "sub", self.subject(identity));
        // The token says that somebody acts, and not who.
        if identity.claims.is_unread(ACT) {
            return Err(DenyReason::ClaimsInvalid);
        }
        if let Some(actor) = identity.claims.get(ACT) {
            if !is_actor(actor) {
                return Err(DenyReason::ClaimsInvalid);
            }
            insert(&mut claims, ACT, actor.clone());
        }
        Ok(claims)
    }

    /// The user id, with its issuer where ids of several issuers could be the same.
    fn subject(&self, identity: &Identity) -> String {
        if self.qualified_subject {
            // The name of an issuer has no `|`.
            format!("{}|{}", identity.issuer, identity.user_id)
        } else {
            identity.user_id.clone()
        }
    }
}

/// How the caller was authenticated, as transaction tokens say it: by a bearer token.
const AUTHN: &str = "urn:ietf:rfc:6750";

fn insert(claims: &mut Map<String, Value>, name: &str, value: impl Into<Value>) {
    claims.insert(name.to_owned(), value.into());
}

fn value(
    source: &ClaimSource,
    caller: Caller<'_>,
    rights: &Rights,
) -> Result<Option<Value>, DenyReason> {
    let Caller { identity, profile, granted, .. } = caller;
    let of = |field: fn(&Profile) -> &Map<String, Value>, name: &str| {
        let found = profile.and_then(|profile| field(profile).get(name));
        found.filter(|value| !value.is_null()).cloned()
    };
    Ok(match source {
        ClaimSource::Claim(name) => identity.claims.get(name).cloned(),
        ClaimSource::Profile(name) => of(|profile| &profile.data, name),
        ClaimSource::Verified(name) => of(|profile| &profile.verified_data, name),
        ClaimSource::Attribute(name) => of(|profile| &profile.attributes, name),
        ClaimSource::Identity(part) => of_identity(*part, identity, rights),
        ClaimSource::Path(name) => match granted.variable(name) {
            // Exactly one decoding, as a service does it.
            Some(sent) => {
                let text = percent_decode(sent).decode_utf8();
                Some(text.map_err(|_| DenyReason::PathRefused)?.into())
            }
            None => None,
        },
        ClaimSource::Constant(text) => Some(text.as_str().into()),
    })
}

fn of_identity(part: IdentityPart, identity: &Identity, rights: &Rights) -> Option<Value> {
    let text = |text: &Option<String>| text.as_deref().map(Value::from);
    let list = |items: &Vec<String>| (!items.is_empty()).then(|| Value::from(items.as_slice()));
    match part {
        IdentityPart::UserId => Some(identity.user_id.as_str().into()),
        IdentityPart::AuthLevel => Some(identity.auth_level.as_str().into()),
        IdentityPart::Verified => Some(identity.verified().into()),
        IdentityPart::Anonymous => Some(identity.anonymous.into()),
        IdentityPart::AppId => text(&identity.app_id),
        IdentityPart::AppVariant => text(&identity.app_variant),
        IdentityPart::Issuer => Some((&*identity.issuer).into()),
        IdentityPart::Tenant => text(&identity.tenant),
        IdentityPart::SessionId => text(&identity.session_id),
        IdentityPart::Roles => rights.roles.as_ref().map(|roles| roles.as_slice().into()),
        IdentityPart::Permissions => rights.permissions.as_ref().map(|all| all.as_slice().into()),
        IdentityPart::Groups => list(&identity.groups),
        IdentityPart::Scopes => list(&identity.scopes),
    }
}

/// A chain of actors in the form of RFC 8693 section 4.1: each an object of texts that says who it
/// is, with the actor before it, if there was one, in `act`.
fn is_actor(value: &Value) -> bool {
    let mut actor = value;
    for _ in 0..MAX_ACTORS {
        let Some(members) = actor.as_object().filter(|it| it.len() <= MAX_ACTOR_MEMBERS) else {
            return false;
        };
        let is_text = |value: &Value| value.as_str().is_some_and(|it| it.len() <= MAX_ACTOR_TEXT);
        let others = members.iter().filter(|(name, _)| *name != ACT);
        let named = members.get("sub").and_then(Value::as_str).is_some_and(|sub| !sub.is_empty());
        if !named || !others.into_iter().all(|(_, value)| is_text(value)) {
            return false;
        }
        match members.get(ACT) {
            None => return true,
            Some(before) => actor = before,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::is_actor;

    #[test]
    fn an_actor_is_an_object_of_texts_that_says_who_it_is() {
        let deep = |levels: usize| {
            (0..levels)
                .fold(json!({ "sub": "first" }), |before, _| json!({ "sub": "a", "act": before }))
        };
        let many: Value =
            (0..9).map(|i| (i.to_string(), json!("x"))).collect::<serde_json::Map<_, _>>().into();
        for (name, value, expected) in [
            ("a subject", json!({ "sub": "admin" }), true),
            ("with its issuer", json!({ "sub": "admin", "iss": "https://a.test" }), true),
            ("a chain", deep(7), true),
            ("too long a chain", deep(8), false),
            ("no subject", json!({ "iss": "https://a.test" }), false),
            ("an empty subject", json!({ "sub": "" }), false),
            ("another type of subject", json!({ "sub": 1 }), false),
            ("an empty object", json!({}), false),
            ("text", json!("admin"), false),
            ("a list", json!([{ "sub": "admin" }]), false),
            ("a member that is no text", json!({ "sub": "a", "roles": ["owner"] }), false),
            ("a chain that ends in text", json!({ "sub": "a", "act": "b" }), false),
            ("a long text", json!({ "sub": "a".repeat(513) }), false),
            ("many members", many, false),
        ] {
            assert_eq!(is_actor(&value), expected, "{name}: {value}");
        }
    }
}
