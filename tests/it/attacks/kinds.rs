//! The kinds of issuer, as the attacks need them: keys, `iss`, audience, claims and settings.
//!
//! Between them they sign with every algorithm, and look for the user, the level and the
//! audience in different places. An attack on one is an attack on all.

use serde_json::{Value, json};

use crate::support::{
    Claims, Issuer, Key,
    forge::{APP, Algorithm, now},
    issuer::KEYS,
};

/// A kind of issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Rownd,
    Supertokens,
    Oidc,
    Firebase,
    Static,
}

impl Kind {
    /// Every one.
    pub(crate) const ALL: [Self; 5] =
        [Self::Rownd, Self::Supertokens, Self::Oidc, Self::Firebase, Self::Static];

    /// Those whose keys are fetched.
    pub(crate) const FETCHED: [Self; 4] =
        [Self::Rownd, Self::Supertokens, Self::Oidc, Self::Firebase];

    /// Its word in the configuration.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Rownd => "rownd",
            Self::Supertokens => "supertokens",
            Self::Oidc => "oidc",
            Self::Firebase => "firebase",
            Self::Static => "static",
        }
    }

    /// The algorithm of its issuers here.
    pub(crate) const fn algorithm(self) -> Algorithm {
        match self {
            Self::Rownd | Self::Static => Algorithm::EdDsa,
            Self::Oidc => Algorithm::Es256,
            Self::Supertokens | Self::Firebase => Algorithm::Rs256,
        }
    }

    /// A fresh key of its algorithm.
    pub(crate) fn key(self, kid: &str) -> Key {
        Key::of(self.algorithm(), kid)
    }

    /// The `iss` of the tokens of the issuer with this name.
    pub(crate) fn iss(self, name: &str, issuer: &Issuer) -> String {
        match self {
            Self::Firebase => format!("https://securetoken.google.com/project-{name}"),
            _ => issuer.url(),
        }
    }

    /// The `aud` that they must have.
    pub(crate) fn audience(self, name: &str) -> String {
        match self {
            Self::Firebase => format!("project-{name}"),
            _ => format!("app:{APP}"),
        }
    }

    /// The good claims of a verified user, good for an hour.
    pub(crate) fn claims(self, name: &str, issuer: &Issuer) -> Claims {
        let claims = Claims::of(&self.iss(name, issuer)).with("aud", json!([self.audience(name)]));
        match self {
            Self::Rownd | Self::Oidc | Self::Static => claims,
            Self::Supertokens => claims
                .with("sessionHandle", "handle-1")
                .with("tId", "public")
                .with("stt", 0)
                .with("antiCsrfToken", Value::Null),
            Self::Firebase => claims
                // Among several audiences it says which is meant.
                .with("azp", self.audience(name))
                .with("auth_time", now())
                .with("firebase", json!({ "identities": {}, "sign_in_provider": "password" })),
        }
    }

    /// The settings of an issuer with these keys.
    pub(crate) fn settings(self, name: &str, issuer: &Issuer, keys: &[&Key]) -> Value {
        let mut settings = json!({ "name": name, "kind": self.name() });
        let mut set = |name: &str, value: Value| settings[name] = value;
        let audience = || json!([self.audience(name)]);
        // Each looks for the level where Rownd has it: one more claim in their tokens.
        let level = "https://auth.rownd.io/auth_level";
        match self {
            Self::Rownd => {
                set("base_url", json!(issuer.url()));
                set("apps", json!([{ "id": APP }]));
            }
            Self::Supertokens => {
                set("base_url", json!(issuer.url()));
                set("audiences", audience());
                set("apps", json!([{ "id": APP }]));
            }
            Self::Oidc => {
                set("issuer", json!(issuer.url()));
                set("audiences", audience());
                set("claims", json!({ "auth_level": level }));
            }
            Self::Firebase => {
                set("project", json!(self.audience(name)));
                set("claims", json!({ "auth_level": level }));
            }
            Self::Static => {
                let id = "https://auth.rownd.io/app_user_id";
                let keys: Vec<Value> = keys.iter().map(|key| key.jwk()).collect();
                set("issuer", json!(issuer.url()));
                set("audiences", audience());
                set("claims", json!({ "auth_level": level, "user_id": id }));
                set("key_set", json!(json!({ "keys": keys }).to_string()));
            }
        }
        if matches!(self, Self::Oidc | Self::Static) {
            set("algorithms", json!([self.algorithm().name()]));
        }
        if !matches!(self, Self::Rownd | Self::Static) {
            set("jwks_url", json!(format!("{}{KEYS}", issuer.url())));
        }
        // The shortest and the longest there is: a test need not wait, and may hold a reply back.
        set("keys", json!({ "cooldown": "100ms", "fetch_timeout": "30s" }));
        settings
    }

    /// The same issuer, trusted for somebody else's tokens.
    pub(crate) fn for_another(self, settings: &mut Value) {
        match self {
            Self::Rownd => settings["apps"] = json!([{ "id": "app_other" }]),
            Self::Supertokens | Self::Oidc | Self::Static => {
                settings["audiences"] = json!(["other"]);
            }
            Self::Firebase => {
                let project = settings["project"].as_str().unwrap();
                settings["issuer"] = json!(format!("https://securetoken.google.com/{project}"));
                settings["project"] = json!("project-other");
            }
        }
    }
}
