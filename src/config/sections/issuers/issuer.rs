//! An issuer as it holds after the check: every setting that its kind needs is there.

use serde::{Serialize, Serializer};
use url::Url;

use super::{
    api_answers::ApiAnswers,
    app::App,
    audience::AudienceClaim,
    claims::ClaimMap,
    keys::{KeyOrigin, Keys, of_tenant},
    supertokens_core::SupertokensCore,
    tenant_place::put_tenant,
    words::{Accepts, IssuerKind, Preset, ROWND, SigningAlgorithm},
    written::WrittenIssuer,
};
use crate::{
    config::{
        allowed_origin::AllowedOrigin, sections::network::OutboundTls, span::Span,
        web_address::WebAddress,
    },
    model::AuthLevel,
};

/// An issuer whose tokens are trusted. Only the check of the section `issuers` makes one.
#[derive(Debug, Clone)]
pub struct Issuer {
    /// The name in headers, metrics and logs.
    pub name: String,
    /// The exact `iss` of its tokens; of an issuer with tenants, with the place of the tenant.
    pub iss: String,
    /// The tenants in alphabetical order; empty for an issuer without tenants.
    pub tenants: Vec<String>,
    /// The settings of its kind.
    pub details: IssuerDetails,
    /// Where its keys come from.
    pub key_origin: KeyOrigin,
    /// How its keys are kept.
    pub keys: Keys,
    /// TLS to its servers.
    pub tls: OutboundTls,
    /// The origins that its metadata may lead to as if they were written.
    pub allowed_origins: Vec<AllowedOrigin>,
    /// The algorithms it signs with; never empty.
    pub algorithms: Vec<SigningAlgorithm>,
    /// Which claims become the identity.
    pub claims: ClaimMap,
    /// Clock skew allowed on `exp`, `nbf` and `iat`.
    pub leeway: Span,
    /// Whether readiness waits for its keys and app ids.
    pub required: bool,
    /// Its JSON pointer in the file.
    pub(super) pointer: String,
    /// The written settings with defaults filled in, for printing and comparing.
    pub(super) written: WrittenIssuer,
}

/// The settings of each kind of issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IssuerDetails {
    /// Of kind `rownd`.
    Rownd(RowndIssuer),
    /// Of kind `supertokens`.
    Supertokens(SupertokensIssuer),
    /// Of kind `oidc`.
    Oidc(OidcIssuer),
    /// Of kind `firebase`.
    Firebase(FirebaseIssuer),
    /// Of kind `static`.
    Static(StaticIssuer),
}

/// Rownd itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowndIssuer {
    /// The base URL of the API.
    pub base_url: WebAddress,
    /// The apps whose tokens are taken; never empty.
    pub apps: Vec<App>,
    /// Whether tokens without `exp` are taken.
    pub allow_missing_exp: bool,
    /// How the API behaves where its documents do not say.
    pub api_answers: ApiAnswers,
}

/// A SuperTokens core with Rownd's plugin or without it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SupertokensIssuer {
    /// API domain and base path.
    pub base_url: WebAddress,
    /// The app that its sessions are for, where it is configured.
    pub app: Option<App>,
    /// The audiences, one of which a token must name; empty where `aud` is not checked.
    pub audiences: Vec<String>,
    /// Its core, where accounts are to be administered.
    pub core: Option<SupertokensCore>,
}

/// An OpenID Connect issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OidcIssuer {
    /// The base URL of its discovery document. None where its `iss` is no web address.
    pub base_url: Option<WebAddress>,
    /// Which tokens are taken.
    pub tokens: AcceptedTokens,
}

/// Firebase Authentication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirebaseIssuer {
    /// The project id, which is the audience of its tokens.
    pub project: String,
}

/// An issuer whose keys are in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaticIssuer {
    /// Which tokens are taken.
    pub tokens: AcceptedTokens,
}

/// Which tokens of an issuer are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedTokens {
    /// The audiences, one of which a token must name; empty only where `audience` is there.
    pub audiences: Vec<String>,
    /// The claim that names the client: for tokens without `aud`, or besides it.
    pub audience: Option<AudienceClaim>,
    /// The provider, where it is a well-known one.
    pub preset: Option<Preset>,
    /// Access tokens or ID tokens.
    pub accepts: Accepts,
    /// The auth level of users whose token has none.
    pub auth_level: AuthLevel,
}

impl Issuer {
    /// The kind.
    #[must_use]
    pub const fn kind(&self) -> IssuerKind {
        match self.details {
            IssuerDetails::Rownd(_) => IssuerKind::Rownd,
            IssuerDetails::Supertokens(_) => IssuerKind::Supertokens,
            IssuerDetails::Oidc(_) => IssuerKind::Oidc,
            IssuerDetails::Firebase(_) => IssuerKind::Firebase,
            IssuerDetails::Static(_) => IssuerKind::Static,
        }
    }

    /// The apps: of Rownd at least one, of SuperTokens at most one, of the others none.
    #[must_use]
    pub const fn apps(&self) -> &[App] {
        match &self.details {
            IssuerDetails::Rownd(rownd) => rownd.apps.as_slice(),
            IssuerDetails::Supertokens(supertokens) => supertokens.app.as_slice(),
            IssuerDetails::Oidc(_) | IssuerDetails::Firebase(_) | IssuerDetails::Static(_) => &[],
        }
    }

    /// The audiences, one of which a token must name; empty where the apps are the audiences, or
    /// where `aud` is not checked.
    #[must_use]
    pub fn audiences(&self) -> &[String] {
        match &self.details {
            IssuerDetails::Rownd(_) => &[],
            IssuerDetails::Supertokens(supertokens) => &supertokens.audiences,
            IssuerDetails::Oidc(oidc) => &oidc.tokens.audiences,
            IssuerDetails::Firebase(firebase) => std::slice::from_ref(&firebase.project),
            IssuerDetails::Static(partner) => &partner.tokens.audiences,
        }
    }

    /// Which tokens are taken, where the settings say it: of the kinds `oidc` and `static`.
    #[must_use]
    pub const fn accepted_tokens(&self) -> Option<&AcceptedTokens> {
        match &self.details {
            IssuerDetails::Oidc(oidc) => Some(&oidc.tokens),
            IssuerDetails::Static(partner) => Some(&partner.tokens),
            IssuerDetails::Rownd(_)
            | IssuerDetails::Supertokens(_)
            | IssuerDetails::Firebase(_) => None,
        }
    }

    /// Whether tokens without `exp` are taken.
    #[must_use]
    pub const fn allows_missing_exp(&self) -> bool {
        match &self.details {
            IssuerDetails::Rownd(rownd) => rownd.allow_missing_exp,
            IssuerDetails::Supertokens(_)
            | IssuerDetails::Oidc(_)
            | IssuerDetails::Firebase(_)
            | IssuerDetails::Static(_) => false,
        }
    }

    /// The JSON pointer of the issuer in the file, for problems that are found later.
    #[must_use]
    pub fn pointer(&self) -> &str {
        &self.pointer
    }

    /// The URLs of the first place of its keys that the operator wrote: none where the kind alone
    /// knows it.
    #[must_use]
    pub fn written_urls(&self) -> Vec<Url> {
        let written = &self.written;
        let discovered = match &self.details {
            IssuerDetails::Oidc(_) if written.base_url.is_none() => written.issuer.as_deref(),
            IssuerDetails::Oidc(_)
            | IssuerDetails::Rownd(_)
            | IssuerDetails::Supertokens(_)
            | IssuerDetails::Firebase(_)
            | IssuerDetails::Static(_) => None,
        };
        // The default of a kind is nothing that was written.
        let base_url = written.base_url.as_deref().filter(|base| *base != ROWND);
        let texts = [written.jwks_url.as_deref(), base_url, discovered];
        texts.into_iter().flatten().filter_map(|text| Url::parse(text).ok()).collect()
    }

    /// The copy of its keys elsewhere.
    #[must_use]
    pub fn fallback_url(&self) -> Option<&Url> {
        match &self.key_origin {
            KeyOrigin::InPlace(_) => None,
            KeyOrigin::Fetched { fallback, .. } => fallback.as_ref().map(WebAddress::url),
        }
    }

    /// The settings of this tenant, as of an issuer without tenants.
    ///
    /// # Errors
    ///
    /// An address with the tenant in it is none.
    pub fn of_tenant(&self, tenant: &str) -> Result<Self, String> {
        let mut own = self.clone();
        own.tenants.clear();
        own.written.tenants.clear();
        own.iss = put_tenant(&self.iss, tenant);
        let written = &mut own.written;
        let addresses = [&mut written.issuer, &mut written.base_url, &mut written.jwks_url];
        for address in addresses.into_iter().chain([&mut written.jwks_fallback_url]).flatten() {
            *address = put_tenant(address, tenant);
        }
        own.key_origin = self.key_origin.of_tenant(tenant)?;
        if let IssuerDetails::Oidc(oidc) = &mut own.details {
            let base_url = oidc.base_url.as_ref();
            oidc.base_url = base_url.map(|base| of_tenant(base, tenant)).transpose()?;
        }
        Ok(own)
    }

    /// The identity of a key snapshot on disk: another text here makes it another issuer's.
    #[must_use]
    pub fn key_snapshot_source(&self, tenant: Option<&str>) -> String {
        let written = self.written.jwks_url.as_deref().or(self.written.base_url.as_deref());
        let source = written.unwrap_or(&self.iss);
        tenant.map_or_else(|| source.to_owned(), |tenant| put_tenant(source, tenant))
    }

    /// Whether keys that were fetched for the one are the keys of the other.
    #[must_use]
    pub fn has_keys_of(&self, other: &Self) -> bool {
        self.written.has_keys_of(&other.written)
    }

    /// Whether keys that were fetched for the one are the keys of the other, fetched by the same
    /// rules.
    #[must_use]
    pub fn keeps_keys_as(&self, other: &Self) -> bool {
        self.has_keys_of(other) && self.keys == other.keys
    }

    /// Whether the two, which have different names, are one issuer with one set of keys.
    #[must_use]
    pub fn shares_keys_with(&self, other: &Self) -> bool {
        self.written.finds_keys_as(&other.written)
            && self.keys == other.keys
            && self.tenants == other.tenants
    }
}

/// Two issuers are equal if the same was written for both, wherever it stands in the file.
impl PartialEq for Issuer {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl Eq for Issuer {}

impl Serialize for Issuer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.written.serialize(serializer)
    }
}
