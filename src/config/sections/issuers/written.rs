//! An issuer as it is written in the file: one list of settings for all kinds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    api_answers::ApiAnswers,
    app::WrittenApp,
    audience::WrittenAudience,
    claims::ClaimMap,
    keys::Keys,
    supertokens_core::WrittenCore,
    words::{Accepts, IssuerKind, Preset, SigningAlgorithm},
};
use crate::{
    config::{
        findings::Findings,
        sections::network::OutboundTls,
        shown::{public_keys, without_query},
        span::Span,
    },
    model::AuthLevel,
};

/// An issuer whose tokens are trusted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct WrittenIssuer {
    /// The name in headers, metrics and logs: lower case, digits, `-` and `_`, at most 63
    /// characters.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9_-]{0,62}$"))]
    pub name: String,
    /// The kind of issuer.
    pub kind: IssuerKind,
    /// A well-known provider, whose usual settings are filled in where none are written (`oidc`,
    /// `static`): its algorithms, its claims, and the marks that distinguish its kinds of token.
    /// `config print` shows them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<Preset>,
    /// `rownd`: the base URL of the API. `supertokens`: API domain and base path, as in
    /// `https://api.example.com/auth`. `oidc`: where its discovery document is, if not below its
    /// `issuer`. https, or http on a loopback host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(serialize_with = "without_query")]
    pub base_url: Option<String>,
    /// The exact `iss` of its tokens. `oidc` and `static` need it. Default: the base URL; with
    /// `firebase`, Google's address with the project id. Of an `oidc` issuer with `tenants`, one
    /// whole segment of the path is `{tenant}`: `https://login.example.com/{tenant}/v2.0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(serialize_with = "without_query")]
    pub issuer: Option<String>,
    /// The tenants whose tokens are trusted (`oidc` only), at most 256, each as it stands in the
    /// `iss` at `{tenant}`. Each has its own keys. `base_url`, `jwks_url` and `jwks_fallback_url`
    /// need `{tenant}` too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    pub tenants: Vec<String>,
    /// The same list in a file, `file:/path`, one tenant in a line; a line that begins with `#` is
    /// a comment. It is read again when it changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenants_file: Option<String>,
    /// The project id (`firebase` only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Where its key set is. Default: as its metadata say, else the usual place of its kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(serialize_with = "without_query")]
    pub jwks_url: Option<String>,
    /// Where a copy of the key set is. It is fetched when the first place fails and no keys from
    /// there may still be used (`keys.max_stale`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(serialize_with = "without_query")]
    pub jwks_fallback_url: Option<String>,
    /// Keys that are trusted without being fetched: a JWKS or public keys in PEM, in place or
    /// `file:/path`, at most 1 MiB. `static` has no other keys; the other kinds use them until a
    /// fetch succeeds, and again when the fetched keys have become too old.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[serde(serialize_with = "public_keys")]
    pub key_set: Option<String>,
    /// The apps whose tokens are taken (`rownd`); for `supertokens` the app its sessions are for.
    #[serde(default)]
    pub apps: Vec<WrittenApp>,
    /// The audiences: a token must name one of them in `aud`. `oidc` and `static` need one, or
    /// `audience`; for `supertokens`, without any, `aud` is not checked; `rownd` and `firebase` know
    /// theirs.
    #[serde(default)]
    pub audiences: Vec<String>,
    /// For issuers whose tokens have no `aud` (`oidc`, `static`): the claim that names the client
    /// instead, and the values that are taken. Alone, it takes tokens without `aud` only (an empty
    /// list counts as none); with `audiences`, both must hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<WrittenAudience>,
    /// The algorithms it signs with. Default: `EdDSA` for `rownd`; `RS256` for `supertokens` and
    /// `firebase`, which have no other; `RS256`, `ES256` and `EdDSA` for `oidc` and `static`, or those
    /// of `preset`. With `EdDSA` tokens may name their algorithm `EdDSA` or `Ed25519` (RFC 9864); with
    /// `Ed25519` only `Ed25519`.
    #[serde(default)]
    pub algorithms: Vec<SigningAlgorithm>,
    /// The kind of token that is taken (`oidc`, `static`). Default: access tokens. Of `firebase` and
    /// with the preset `google`, ID tokens are taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepts: Option<Accepts>,
    /// The auth level of users whose token has none (`oidc`, `static`): how far do you trust
    /// its sign-in? Default: `unverified`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_level: Option<AuthLevel>,
    /// Which claims become the identity. Each setting is the name of a claim, or a JSON pointer
    /// (`/realm_access/roles`), or a map such as `{ path: realm_access.roles }`,
    /// `{ name: roles, keys: true }` and `{ name: id, integer: true }` (docs/issuers.md).
    #[serde(default)]
    pub claims: ClaimMap,
    /// Clock skew allowed on `exp`, `nbf` and `iat`.
    #[serde(default = "default_leeway")]
    #[schemars(extend("x-duration-range" = ["0s", "1m"]))]
    pub leeway: Span,
    /// Whether readiness waits for its keys and app ids.
    #[serde(default = "yes")]
    pub required: bool,
    /// Takes tokens without `exp` (Rownd mints them for users with `access_token_ttl: never`).
    #[serde(default)]
    pub allow_missing_exp: bool,
    /// Allows http to hosts that are not loopback, for a mesh that encrypts by itself.
    #[serde(default)]
    pub allow_insecure_http: bool,
    /// TLS to its servers.
    #[serde(default)]
    pub tls: OutboundTls,
    /// Origins that its metadata may lead to as if they were written here: scheme, host and port,
    /// each exactly (`https://10.0.0.1:6443`). Only these and the written ones may have private
    /// addresses, are asked through a proxy, and get the credential of `keys`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_origins: Vec<String>,
    /// How its API behaves where its documents do not say (`rownd` only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_answers: Option<ApiAnswers>,
    /// SuperTokens' core, for the calls that end the sessions of a user and delete users
    /// (`supertokens` only). Default: these calls are not supported for the issuer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub core: Option<WrittenCore>,
    /// How its keys are kept.
    #[serde(default)]
    pub keys: Keys,
}

impl WrittenIssuer {
    /// An issuer of this kind with nothing but defaults.
    pub(in crate::config) fn new(name: &str, kind: IssuerKind) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            preset: None,
            base_url: None,
            issuer: None,
            tenants: Vec::new(),
            tenants_file: None,
            project: None,
            jwks_url: None,
            jwks_fallback_url: None,
            key_set: None,
            apps: Vec::new(),
            audiences: Vec::new(),
            audience: None,
            algorithms: Vec::new(),
            accepts: None,
            auth_level: None,
            claims: ClaimMap::default(),
            leeway: default_leeway(),
            required: yes(),
            allow_missing_exp: false,
            allow_insecure_http: false,
            tls: OutboundTls::default(),
            allowed_origins: Vec::new(),
            api_answers: None,
            core: None,
            keys: Keys::default(),
        }
    }

    /// Whether keys that were fetched for the one are the keys of the other.
    pub(super) fn has_keys_of(&self, other: &Self) -> bool {
        self.name == other.name && self.finds_keys_as(other)
    }

    /// Whether the keys of the one are at the place of those of the other, by the same rules for
    /// what is a key. Every setting is named here, so that a new one has to be put on one side or
    /// the other.
    pub(super) fn finds_keys_as(&self, other: &Self) -> bool {
        let Self {
            name: _,
            kind,
            preset: _,
            base_url,
            issuer,
            // Each tenant has its own keys.
            tenants: _,
            tenants_file: _,
            project,
            jwks_url,
            jwks_fallback_url,
            key_set,
            apps: _,
            audiences: _,
            audience: _,
            algorithms,
            accepts: _,
            auth_level: _,
            claims: _,
            leeway: _,
            required: _,
            allow_missing_exp: _,
            api_answers: _,
            core: _,
            allow_insecure_http,
            tls,
            allowed_origins,
            keys: _,
        } = self;
        *kind == other.kind
            && *base_url == other.base_url
            && *issuer == other.issuer
            && *project == other.project
            && *jwks_url == other.jwks_url
            && *jwks_fallback_url == other.jwks_fallback_url
            && *key_set == other.key_set
            && *algorithms == other.algorithms
            && *allow_insecure_http == other.allow_insecure_http
            && *tls == other.tls
            && *allowed_origins == other.allowed_origins
    }

    /// Refuses settings that have no effect for the kind: the operator expects one of them.
    pub(super) fn refuse_foreign_settings(&self, at: &str, found: &mut Findings) {
        for (name, kinds) in SETTINGS_OF_KINDS {
            if self.has(name) && !kinds.contains(&self.kind) {
                let kinds: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
                let kind = self.kind.as_str();
                found.add(
                    format!("{at}/{name}"),
                    format!(
                        "has no effect for kind `{kind}`, only for {}; leave it out",
                        kinds.join(", ")
                    ),
                );
            }
        }
    }

    /// Whether one of [`SETTINGS_OF_KINDS`] is written.
    fn has(&self, name: &str) -> bool {
        let map = &self.claims;
        match name {
            "preset" => self.preset.is_some(),
            "base_url" => self.base_url.is_some(),
            "tenants" => !self.tenants.is_empty(),
            "tenants_file" => self.tenants_file.is_some(),
            "project" => self.project.is_some(),
            "jwks_url" => self.jwks_url.is_some(),
            "jwks_fallback_url" => self.jwks_fallback_url.is_some(),
            "tls/ca_file" => self.tls.ca_file.is_some(),
            "apps" => !self.apps.is_empty(),
            "audiences" => !self.audiences.is_empty(),
            "audience" => self.audience.is_some(),
            "accepts" => self.accepts.is_some(),
            "auth_level" => self.auth_level.is_some(),
            "allow_missing_exp" => self.allow_missing_exp,
            "api_answers" => self.api_answers.is_some(),
            "core" => self.core.is_some(),
            "claims/user_id" => map.user_id.is_some(),
            "claims/auth_level" => map.auth_level.is_some(),
            "claims/app_id" => map.app_id.is_some(),
            "claims/app_variant" => map.app_variant.is_some(),
            "claims/session_id" => map.session_id.is_some(),
            "claims/tenant" => map.tenant.is_some(),
            _ => false,
        }
    }
}

/// The settings that only some kinds have. The schema for editors says the same.
pub(in crate::config) const SETTINGS_OF_KINDS: [(&str, &[IssuerKind]); 22] = {
    use IssuerKind::{Firebase, Oidc, Rownd, Static, Supertokens};
    [
        ("preset", &[Oidc, Static]),
        ("base_url", &[Rownd, Supertokens, Oidc]),
        ("tenants", &[Oidc]),
        ("tenants_file", &[Oidc]),
        ("project", &[Firebase]),
        ("jwks_url", &[Rownd, Supertokens, Oidc, Firebase]),
        ("jwks_fallback_url", &[Rownd, Supertokens, Oidc, Firebase]),
        ("tls/ca_file", &[Rownd, Supertokens, Oidc, Firebase]),
        ("apps", &[Rownd, Supertokens]),
        ("audiences", &[Supertokens, Oidc, Static]),
        ("audience", &[Oidc, Static]),
        ("accepts", &[Oidc, Static]),
        ("auth_level", &[Oidc, Static]),
        ("allow_missing_exp", &[Rownd]),
        ("api_answers", &[Rownd]),
        ("core", &[Supertokens]),
        ("claims/user_id", &[Oidc, Firebase, Static]),
        ("claims/auth_level", &[Oidc, Firebase, Static]),
        ("claims/app_id", &[Oidc, Firebase, Static]),
        ("claims/app_variant", &[Oidc, Firebase, Static]),
        ("claims/session_id", &[Rownd, Oidc, Firebase, Static]),
        ("claims/tenant", &[Rownd, Oidc, Firebase, Static]),
    ]
};

const fn default_leeway() -> Span {
    Span::from_secs(30)
}

const fn yes() -> bool {
    true
}
