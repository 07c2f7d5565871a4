//! The check of the section `issuers`: fills in the defaults of each kind, reads files, and finds
//! every problem. A kind with its defaults needs three lines.

use std::collections::HashSet;

use super::{
    app::is_plain,
    audience::{AUDIENCES_ADVICE, AudienceClaim, SESSIONS_ADVICE, check_values},
    issuer::{
        AcceptedTokens, FirebaseIssuer, Issuer, IssuerDetails, OidcIssuer, RowndIssuer,
        StaticIssuer, SupertokensIssuer,
    },
    keys::{KeyOrigin, KeyPlace, read_in_place},
    known_iss::KnownIss,
    words::{Accepts, IssuerKind, Preset, ROWND},
    written::WrittenIssuer,
};
use crate::{
    config::{findings::Findings, section::Section, web_address::WebAddress},
    model::AuthLevel,
};

/// The `iss` of Firebase's ID tokens, before the project id.
const FIREBASE: &str = "https://securetoken.google.com/";
/// The label value of the metrics for a token of no known issuer, so that no issuer may have it.
const UNKNOWN_ISSUER: &str = "unknown";

/// The problem of an issuer of Rownd without any app.
pub(in crate::config) const NO_APP: &str =
    "has no app; set ROWND_APP_KEY (or ROWND_APP_ID), or write apps: [{id: app_...}]";

impl Section for Vec<WrittenIssuer> {
    type Checked = Vec<Issuer>;

    fn check(self, at: &str, found: &mut Findings) -> Vec<Issuer> {
        let (mut names, mut known) = (HashSet::new(), KnownIss::default());
        let mut issuers = Vec::with_capacity(self.len());
        for (index, written) in self.into_iter().enumerate() {
            let at = format!("{at}/{index}");
            if !names.insert(written.name.clone()) || written.name == UNKNOWN_ISSUER {
                found.add(format!("{at}/name"), "is taken; write another name");
            }
            let mut written = written.with_defaults();
            written.refuse_foreign_settings(&at, found);
            let tenants = written.check_tenants(&at, found);
            if let Err(problem) = known.add(&written) {
                found.add(format!("{at}/issuer"), problem);
            }
            issuers.extend(written.check(at, tenants, found));
        }
        issuers
    }
}

impl WrittenIssuer {
    /// Fills in what the kind knows by itself.
    fn with_defaults(mut self) -> Self {
        if let Some(base) = &mut self.base_url {
            *base = base.trim_end_matches('/').to_owned();
        }
        match self.kind {
            IssuerKind::Rownd => {
                let base = self.base_url.get_or_insert_with(|| ROWND.to_owned());
                self.issuer.get_or_insert_with(|| base.clone());
            }
            IssuerKind::Supertokens => {
                if let Some(base) = &self.base_url {
                    self.issuer.get_or_insert_with(|| base.clone());
                }
            }
            IssuerKind::Firebase => {
                if let Some(project) = self.project.as_ref().filter(|project| is_plain(project)) {
                    self.issuer.get_or_insert_with(|| format!("{FIREBASE}{project}"));
                }
            }
            IssuerKind::Static => self.keys.fetch = false,
            IssuerKind::Oidc => {}
        }
        if let Some(preset) = self.usable_preset() {
            preset.fill(&mut self);
        }
        if self.algorithms.is_empty() {
            self.algorithms = self.kind.default_algorithms().to_vec();
        }
        self
    }

    fn check(mut self, at: String, tenants: Vec<String>, found: &mut Findings) -> Option<Issuer> {
        self.check_algorithms(&at, found);
        self.check_mixed_up(&at, found);
        self.claims.check(&format!("{at}/claims"), found);
        if let Some(preset) = self.usable_preset() {
            preset.check(&self, &at, found);
        }
        // Each of these adds its problems, so that all of them are called before the first `?`.
        let base_url = self.base_url(&at, found);
        let details = self.details(base_url.as_ref(), &at, found);
        let key_origin = self.key_origin(base_url, &at, found);
        let allowed_origins = self.outbound(&at, found);
        let (details, key_origin) = (details?, key_origin?);
        Some(Issuer {
            name: self.name.clone(),
            iss: self.issuer.clone()?,
            tenants,
            details,
            key_origin,
            keys: self.keys.clone(),
            tls: self.tls.clone(),
            allowed_origins,
            algorithms: self.algorithms.clone(),
            claims: self.claims.clone(),
            leeway: self.leeway,
            required: self.required,
            pointer: at,
            written: self,
        })
    }

    /// The preset, if the kind can have one.
    fn usable_preset(&self) -> Option<Preset> {
        self.preset.filter(|_| matches!(self.kind, IssuerKind::Oidc | IssuerKind::Static))
    }

    fn base_url(&self, at: &str, found: &mut Findings) -> Option<WebAddress> {
        let base = self.base_url.as_deref()?;
        found.keep(format!("{at}/base_url"), WebAddress::base(base, self.allow_insecure_http))
    }

    fn details(
        &mut self,
        base_url: Option<&WebAddress>,
        at: &str,
        found: &mut Findings,
    ) -> Option<IssuerDetails> {
        let apps = self.check_apps(at, found);
        Some(match self.kind {
            IssuerKind::Rownd => IssuerDetails::Rownd(RowndIssuer {
                base_url: base_url?.clone(),
                apps: apps?,
                allow_missing_exp: self.allow_missing_exp,
                api_answers: self.api_answers.unwrap_or_default(),
            }),
            IssuerKind::Supertokens => {
                check_values(&self.audiences, &format!("{at}/audiences"), SESSIONS_ADVICE, found);
                if self.base_url.is_none() {
                    found.add(
                        format!("{at}/base_url"),
                        "is missing; write API domain and base path: https://api.example.com/auth",
                    );
                }
                let core_at = format!("{at}/core");
                let core = self
                    .core
                    .as_mut()
                    .map(|core| core.check(self.allow_insecure_http, &core_at, found));
                if core.iter().flatten().any(|core| Some(&core.base_url) == base_url) {
                    found.add(
                        format!("{core_at}/base_url"),
                        "is the `base_url` of the issuer, where the API of the app is; write the address of \
                         SuperTokens' core, such as https://core.internal:3567",
                    );
                }
                IssuerDetails::Supertokens(SupertokensIssuer {
                    base_url: base_url?.clone(),
                    app: apps?.into_iter().next(),
                    audiences: self.audiences.clone(),
                    core: core.map_or(Some(None), |core| core.map(Some))?,
                })
            }
            IssuerKind::Oidc => {
                let tokens = self.accepted_tokens(at, found);
                // Without a base URL, the `iss` is the address of the discovery document.
                let iss = self.issuer.as_deref().and_then(WebAddress::unchecked_base);
                IssuerDetails::Oidc(OidcIssuer {
                    base_url: base_url.cloned().or(iss),
                    tokens: tokens?,
                })
            }
            IssuerKind::Firebase => {
                IssuerDetails::Firebase(FirebaseIssuer { project: self.project(at, found)? })
            }
            IssuerKind::Static => {
                IssuerDetails::Static(StaticIssuer { tokens: self.accepted_tokens(at, found)? })
            }
        })
    }

    fn check_apps(&mut self, at: &str, found: &mut Findings) -> Option<Vec<super::app::App>> {
        // The other kinds have none: that they are written is the problem, whatever they say.
        if !matches!(self.kind, IssuerKind::Rownd | IssuerKind::Supertokens) {
            return Some(Vec::new());
        }
        match (self.kind, self.apps.len()) {
            (IssuerKind::Rownd, 0) => found.add(format!("{at}/apps"), NO_APP),
            (IssuerKind::Supertokens, 2..) => {
                found.add(format!("{at}/apps"), "sessions are for one app; write only one");
            }
            _ => {}
        }
        let (kind, asks) = (self.kind, self.keys.fetch);
        let apps = self.apps.iter_mut().enumerate();
        let checked =
            apps.map(|(index, app)| app.check(kind, asks, &format!("{at}/apps/{index}"), found));
        // Every app is checked, whatever came of the one before.
        let checked = checked.collect::<Vec<_>>();
        self.check_repeated_apps(at, found);
        checked.into_iter().collect()
    }

    fn accepted_tokens(&self, at: &str, found: &mut Findings) -> Option<AcceptedTokens> {
        if self.issuer.is_none() {
            found.add(
                format!("{at}/issuer"),
                "is missing; write the exact `iss` of its tokens: https://id.example.com",
            );
        }
        let accepts = self.accepts.unwrap_or(Accepts::Access);
        check_values(&self.audiences, &format!("{at}/audiences"), AUDIENCES_ADVICE, found);
        let audience = self.audience_claim(accepts, at, found)?;
        Some(AcceptedTokens {
            audiences: self.audiences.clone(),
            audience,
            preset: self.usable_preset(),
            accepts,
            auth_level: self.auth_level.unwrap_or(AuthLevel::Unverified),
        })
    }

    /// The claim distinguishes access tokens, so an ID token with it is refused.
    fn no_id_token_has(&self, claim: &str) -> bool {
        match claim {
            "scope" | "scp" => true,
            "client_id" => self.usable_preset() != Some(Preset::Zitadel),
            _ => false,
        }
    }

    /// The claim that names the client, if one is written. Outer `None`: there is a problem.
    fn audience_claim(
        &self,
        accepts: Accepts,
        at: &str,
        found: &mut Findings,
    ) -> Option<Option<AudienceClaim>> {
        let at_audiences = format!("{at}/audiences");
        let Some(audience) = &self.audience else {
            if !self.audiences.is_empty() {
                return Some(None);
            }
            // Without an audience, tokens for any other service would be taken.
            let client = self.usable_preset().and_then(Preset::client_claim);
            let message = match client.filter(|_| accepts == Accepts::Access) {
                None => "is missing: without it, tokens for any other service would be taken; \
                         write audiences: [my-api]"
                    .to_owned(),
                Some(claim) => format!(
                    "is missing: without it, tokens for any other service would be taken; write \
                     audiences: [my-api], or for tokens without `aud` \
                     audience: {{ claim: {claim}, values: [my-client] }}"
                ),
            };
            found.add(at_audiences, message);
            return None;
        };
        let audience = audience.check(&format!("{at}/audience"), found);
        if accepts == Accepts::Id && self.audiences.is_empty() {
            found.add(
                at_audiences,
                "is missing: every ID token has `aud` (OpenID Connect Core section 2), and \
                 `audience` is for tokens without it; write audiences: [my-client] too",
            );
            return None;
        }
        if accepts == Accepts::Id
            && let Some(claim) = audience.as_ref().map(|audience| audience.claim.as_str())
            && self.no_id_token_has(claim)
        {
            found.add(
                format!("{at}/audience/claim"),
                format!("no ID token with `{claim}` is taken; write azp, or leave `audience` out"),
            );
            return None;
        }
        audience.map(Some)
    }

    fn project(&self, at: &str, found: &mut Findings) -> Option<String> {
        let message = match &self.project {
            Some(project) if is_plain(project) => return Some(project.clone()),
            Some(_) => "not a project id; write lower case letters, digits and `-`",
            None => "is missing; write the Firebase project id: my-project",
        };
        found.add(format!("{at}/project"), message);
        None
    }

    fn check_algorithms(&self, at: &str, found: &mut Findings) {
        let possible = self.kind.algorithms();
        for (index, algorithm) in self.algorithms.iter().enumerate() {
            let at = format!("{at}/algorithms/{index}");
            if !possible.contains(algorithm) {
                let kind = self.kind.as_str();
                found.add(
                    at,
                    format!("kind `{kind}` does not sign with {algorithm:?}; write {possible:?}"),
                );
            } else if self.algorithms.iter().take(index).any(|known| known == algorithm) {
                found.add(at, "is there twice; leave one out");
            }
        }
    }

    fn key_origin(
        &mut self,
        base_url: Option<WebAddress>,
        at: &str,
        found: &mut Findings,
    ) -> Option<KeyOrigin> {
        let http = self.allow_insecure_http;
        let mut address = |name: &str, written: &Option<String>| {
            let written = written.as_deref()?;
            Some(found.keep(format!("{at}/{name}"), WebAddress::document(written, http)))
        };
        let configured = address("jwks_url", &self.jwks_url);
        let fallback = address("jwks_fallback_url", &self.jwks_fallback_url);
        let at_set = format!("{at}/key_set");
        let in_place = self.key_set.as_mut().map(|text| read_in_place(text, &at_set, found));
        if !self.keys.fetch {
            let Some(in_place) = in_place else {
                if self.kind == IssuerKind::Static {
                    let message = "is missing; write file:/etc/rownd-authz/keys.json, a JWKS or \
                                   public keys in PEM";
                    found.add(at_set, message);
                } else {
                    let message = "without fetching there are no keys; write `key_set` too";
                    found.add(format!("{at}/keys/fetch"), message);
                }
                return None;
            };
            return in_place.map(KeyOrigin::InPlace);
        }
        let place = match configured {
            Some(configured) => KeyPlace::Configured(configured?),
            None => self.usual_place(base_url, at, found)?,
        };
        // Inner `None`: it is written, and has a problem.
        let fallback = fallback.map_or(Some(None), |fallback| fallback.map(Some))?;
        let in_place = in_place.map_or(Some(None), |in_place| in_place.map(Some))?;
        Some(KeyOrigin::Fetched { place, fallback, in_place })
    }

    /// Where the kind has its keys.
    fn usual_place(
        &self,
        base_url: Option<WebAddress>,
        at: &str,
        found: &mut Findings,
    ) -> Option<KeyPlace> {
        Some(match self.kind {
            IssuerKind::Rownd | IssuerKind::Supertokens => KeyPlace::BaseUrl(base_url?),
            IssuerKind::Oidc => KeyPlace::BaseUrl(match (&self.base_url, &self.issuer) {
                (Some(_), _) => base_url?,
                // Discovery starts from the `iss` itself where nothing else is written.
                (None, iss) => {
                    let iss = iss.as_deref()?.trim_end_matches('/');
                    let address = WebAddress::document(iss, self.allow_insecure_http);
                    found.keep(format!("{at}/issuer"), address)?
                }
            }),
            IssuerKind::Firebase => KeyPlace::OfKind,
            IssuerKind::Static => return None,
        })
    }
}
