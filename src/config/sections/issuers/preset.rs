//! The presets of well-known providers: everything that a provider's documents say of its tokens and
//! that the configuration can say too. A setting that is written wins over the preset.
//!
//! In: an issuer as it is written. Out: the same with the usual settings of its provider, and the
//! problems of settings that cannot be that provider's. The marks that distinguish the tokens of
//! each provider are in `verify/kinds/presets.rs`.

use super::{
    claim::{Claim, ClaimSettings},
    claims::ClaimMap,
    preset_iss,
    words::{Accepts, IssuerKind, Preset, SigningAlgorithm},
    written::WrittenIssuer,
};
use crate::config::findings::Findings;

/// The usual settings of one provider. A provider fills every field; there are no defaults.
struct UsualSettings {
    /// The algorithms that it signs with.
    algorithms: &'static [SigningAlgorithm],
    /// The kinds of token that can be taken of it; the first is the default.
    accepts: &'static [Accepts],
    /// The claims of its access tokens.
    access_claims: UsualClaims,
    /// The claims of its ID tokens.
    id_claims: UsualClaims,
    /// The claim that names the client in tokens without `aud`, where it has such tokens.
    client_claim: Option<&'static str>,
}

/// The usual claim map of one provider. `None`: the default of the kind.
#[derive(Clone, Copy)]
struct UsualClaims {
    user_id: Option<&'static str>,
    session_id: Option<&'static str>,
    tenant: Option<&'static str>,
    roles: Option<&'static str>,
    /// The claim whose members' names are the roles.
    role_keys: Option<&'static str>,
    groups: Option<&'static str>,
    scopes: Option<&'static str>,
}

impl UsualClaims {
    const NONE: Self = Self {
        user_id: None,
        session_id: None,
        tenant: None,
        roles: None,
        role_keys: None,
        groups: None,
        scopes: None,
    };

    fn fill(&self, map: &mut ClaimMap) {
        if map.roles.is_none()
            && let Some(name) = self.role_keys
        {
            let name = Some(name.to_owned());
            map.roles = Some(Claim::Settings(ClaimSettings {
                name,
                keys: true,
                ..ClaimSettings::default()
            }));
        }
        let pairs = [
            (&mut map.user_id, self.user_id),
            (&mut map.session_id, self.session_id),
            (&mut map.tenant, self.tenant),
            (&mut map.roles, self.roles),
            (&mut map.groups, self.groups),
            (&mut map.scopes, self.scopes),
        ];
        for (written, usual) in pairs {
            if written.is_none() {
                *written = usual.map(|claim| Claim::Text(claim.to_owned()));
            }
        }
    }
}

const BOTH: &[Accepts] = &[Accepts::Access, Accepts::Id];
const RS256: &[SigningAlgorithm] = &[SigningAlgorithm::RS256];
/// Of providers whose operator chooses the kind of key.
const ANY_KEY: &[SigningAlgorithm] =
    &[SigningAlgorithm::RS256, SigningAlgorithm::ES256, SigningAlgorithm::EdDSA];

const KEYCLOAK: UsualSettings = UsualSettings {
    algorithms: ANY_KEY,
    accepts: BOTH,
    access_claims: KEYCLOAK_CLAIMS,
    id_claims: KEYCLOAK_CLAIMS,
    client_claim: Some("azp"),
};
const KEYCLOAK_CLAIMS: UsualClaims =
    UsualClaims { roles: Some("/realm_access/roles"), groups: Some("groups"), ..UsualClaims::NONE };
const ENTRA: UsualSettings = UsualSettings {
    algorithms: RS256,
    accepts: BOTH,
    access_claims: UsualClaims { scopes: Some("scp"), ..ENTRA_CLAIMS },
    id_claims: ENTRA_CLAIMS,
    client_claim: None,
};
/// `sub` is another for each application, `oid` is the user's in the whole tenant.
const ENTRA_CLAIMS: UsualClaims = UsualClaims {
    user_id: Some("oid"),
    tenant: Some("tid"),
    roles: Some("roles"),
    groups: Some("groups"),
    ..UsualClaims::NONE
};
const COGNITO: UsualSettings = UsualSettings {
    algorithms: RS256,
    accepts: BOTH,
    access_claims: COGNITO_CLAIMS,
    id_claims: COGNITO_CLAIMS,
    client_claim: Some("client_id"),
};
/// `origin_jti` is the same in all tokens of one sign-in.
const COGNITO_CLAIMS: UsualClaims = UsualClaims {
    session_id: Some("origin_jti"),
    groups: Some("cognito:groups"),
    ..UsualClaims::NONE
};
const AUTH0: UsualSettings = UsualSettings {
    algorithms: RS256,
    accepts: BOTH,
    access_claims: AUTH0_CLAIMS,
    id_claims: AUTH0_CLAIMS,
    client_claim: None,
};
const AUTH0_CLAIMS: UsualClaims = UsualClaims { tenant: Some("org_id"), ..UsualClaims::NONE };
const OKTA: UsualSettings = UsualSettings {
    algorithms: RS256,
    accepts: BOTH,
    // `sub` of an access token is the login name, which may change and pass to another person.
    access_claims: UsualClaims { user_id: Some("uid"), scopes: Some("scp"), ..OKTA_CLAIMS },
    id_claims: OKTA_CLAIMS,
    client_claim: None,
};
const OKTA_CLAIMS: UsualClaims = UsualClaims { groups: Some("groups"), ..UsualClaims::NONE };
const CLERK: UsualSettings = UsualSettings {
    algorithms: RS256,
    accepts: &[Accepts::Access],
    access_claims: UsualClaims {
        tenant: Some("/o/id"),
        roles: Some("/o/rol"),
        ..UsualClaims::NONE
    },
    id_claims: UsualClaims::NONE,
    client_claim: Some("azp"),
};
const GOOGLE: UsualSettings = UsualSettings {
    algorithms: RS256,
    accepts: &[Accepts::Id],
    access_claims: UsualClaims::NONE,
    id_claims: UsualClaims { tenant: Some("hd"), ..UsualClaims::NONE },
    client_claim: Some("azp"),
};
const ZITADEL: UsualSettings = UsualSettings {
    algorithms: ANY_KEY,
    accepts: BOTH,
    access_claims: ZITADEL_CLAIMS,
    id_claims: ZITADEL_CLAIMS,
    client_claim: None,
};
const ZITADEL_CLAIMS: UsualClaims = UsualClaims {
    tenant: Some("urn:zitadel:iam:user:resourceowner:id"),
    role_keys: Some("urn:zitadel:iam:org:project:roles"),
    ..UsualClaims::NONE
};
const KUBERNETES: UsualSettings = UsualSettings {
    algorithms: &[SigningAlgorithm::RS256, SigningAlgorithm::ES256],
    accepts: &[Accepts::Access],
    access_claims: UsualClaims { tenant: Some("/kubernetes.io/namespace"), ..UsualClaims::NONE },
    id_claims: UsualClaims::NONE,
    client_claim: None,
};

impl Preset {
    const fn usual(self) -> &'static UsualSettings {
        match self {
            Self::Keycloak => &KEYCLOAK,
            Self::Entra => &ENTRA,
            Self::Cognito => &COGNITO,
            Self::Auth0 => &AUTH0,
            Self::Okta => &OKTA,
            Self::Clerk => &CLERK,
            Self::Google => &GOOGLE,
            Self::Zitadel => &ZITADEL,
            Self::Kubernetes => &KUBERNETES,
        }
    }

    /// The claim that names the client in tokens without `aud`, where there are such tokens.
    pub(super) const fn client_claim(self) -> Option<&'static str> {
        self.usual().client_claim
    }

    /// Everybody may read its keys: a credential for them can only be a mistake, and would be shown to
    /// an address that the preset knows and nobody wrote.
    pub(super) const fn has_public_keys(self) -> bool {
        match self {
            Self::Entra | Self::Cognito | Self::Auth0 | Self::Okta | Self::Clerk | Self::Google => {
                true
            }
            Self::Keycloak | Self::Zitadel | Self::Kubernetes => false,
        }
    }

    /// Fills in the usual settings where none are written.
    pub(super) fn fill(self, issuer: &mut WrittenIssuer) {
        let usual = self.usual();
        if issuer.algorithms.is_empty() {
            issuer.algorithms = usual.algorithms.to_vec();
        }
        if issuer.accepts.is_none() {
            issuer.accepts = usual.accepts.first().copied();
        }
        let mut claims = match issuer.accepts {
            Some(Accepts::Id) => usual.id_claims,
            Some(Accepts::Access) | None => usual.access_claims,
        };
        if issuer.has_tenants() {
            // The `iss` says the tenant, and a claim that says another would deny the token.
            claims.tenant = None;
        }
        claims.fill(&mut issuer.claims);
        if let Some(audience) = &mut issuer.audience
            && audience.claim.is_none()
        {
            audience.claim = usual.client_claim.map(str::to_owned);
        }
        if self == Self::Google && issuer.issuer.is_none() {
            issuer.issuer = Some(preset_iss::GOOGLE.to_owned());
        }
        self.fill_key_place(issuer);
    }

    /// Where the keys are, if the usual way from the `iss` does not lead there.
    fn fill_key_place(self, issuer: &mut WrittenIssuer) {
        let is_written = issuer.base_url.is_some() || issuer.jwks_url.is_some();
        if issuer.kind != IssuerKind::Oidc || !issuer.keys.fetch || is_written {
            return;
        }
        let Some(iss) = issuer.issuer.as_deref() else { return };
        match self {
            Self::Entra => issuer.base_url = preset_iss::entra_base_url(iss),
            Self::Google => issuer.jwks_url = preset_iss::google_key_set(iss),
            Self::Clerk => issuer.jwks_url = preset_iss::clerk_key_set(iss),
            Self::Keycloak
            | Self::Cognito
            | Self::Auth0
            | Self::Okta
            | Self::Zitadel
            | Self::Kubernetes => {}
        }
    }

    /// Adds the problems of settings that cannot be this provider's.
    pub(super) fn check(self, issuer: &WrittenIssuer, at: &str, found: &mut Findings) {
        let possible = self.usual().accepts;
        let accepts = issuer.accepts.unwrap_or(Accepts::Access);
        if !possible.contains(&accepts) {
            let word = possible.first().map_or("", |accepts| accepts.as_str());
            let message =
                format!("`{}` has no such tokens; write {word}, or leave it out", self.as_str());
            found.add(format!("{at}/accepts"), message);
            return;
        }
        if let Some(iss) = &issuer.issuer
            && let Err(message) = preset_iss::check(self, accepts, iss)
        {
            found.add(format!("{at}/issuer"), message);
        }
    }
}
