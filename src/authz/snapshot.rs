//! The compiled configuration in force, and the steps of a check over it.

use std::{sync::Arc, time::SystemTime};

use bytes::Bytes;
use tokio::time::Instant;

use super::{Callers, RequestEdits, VerdictFacts, inject::Injector, verdict::NO_RULE};
use crate::{
    config::{Check, Config, RowndAuth},
    extract::{self, CookieSites, Extractor},
    issuer_api::Exchange,
    model::{CallerProtocol, CredentialSource, Denial, DenyReason, RequestContext},
    policy::{ChosenRules, Permit, Policy, RequestLimits},
    profile::Profiles,
    verify::{Identity, Verifier},
};

/// Why a configuration cannot be compiled.
pub type SnapshotError = String;

/// A request id is taken over only up to this length.
const MAX_REQUEST_ID: usize = 64;

/// Which configuration it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edition {
    /// Its number since the start, from 1.
    pub epoch: u64,
    /// A fingerprint of it, without its secrets.
    pub hash: Arc<str>,
}

/// One configuration, compiled. A check uses one snapshot from end to end, its door included.
#[derive(Debug)]
pub struct Snapshot {
    edition: Edition,
    check: Check,
    extractor: Extractor,
    sites: CookieSites,
    policy: Policy,
    verifier: Arc<Verifier>,
    profiles: Arc<Profiles>,
    exchange: Exchange,
    callers: Callers,
    service: RowndAuth,
    injector: Injector,
    pub(super) max_in_flight: usize,
    sizes: RequestLimits,
    no_rule: Arc<str>,
}

impl Snapshot {
    /// From a configuration that holds together.
    pub fn build(
        config: &Config,
        verifier: Arc<Verifier>,
        profiles: Arc<Profiles>,
        exchange: Exchange,
        edition: Edition,
    ) -> Result<Self, SnapshotError> {
        Ok(Self {
            edition,
            check: config.check.clone(),
            extractor: Extractor::build(&config.credentials.0),
            sites: CookieSites::build(&config.trusted_origins),
            policy: Policy::build(config).map_err(|error| error.to_string())?,
            verifier,
            profiles,
            exchange,
            callers: Callers::build(&config.rownd_auth),
            service: config.rownd_auth.clone(),
            injector: Injector::build(&config.identity_headers),
            max_in_flight: config.check.max_in_flight,
            sizes: RequestLimits::of(&config.check),
            no_rule: NO_RULE.into(),
        })
    }

    /// Which configuration it is.
    #[must_use]
    pub const fn edition(&self) -> &Edition {
        &self.edition
    }

    /// How a check is carried out, as far as it is the door's part.
    #[must_use]
    pub const fn check(&self) -> &Check {
        &self.check
    }

    /// The issuers and their keys.
    #[must_use]
    pub const fn verifier(&self) -> &Arc<Verifier> {
        &self.verifier
    }

    /// What is known of users beyond their tokens.
    #[must_use]
    pub const fn profiles(&self) -> &Arc<Profiles> {
        &self.profiles
    }

    /// What can be traded for tokens.
    #[must_use]
    pub const fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    /// Who may call the service for backends.
    #[must_use]
    pub const fn callers(&self) -> &Callers {
        &self.callers
    }

    /// How calls of that service are carried out.
    #[must_use]
    pub const fn service(&self) -> &RowndAuth {
        &self.service
    }

    /// What can be said of a request before it is judged.
    pub(super) fn facts(&self, request: &RequestContext) -> VerdictFacts {
        let content_type = request.headers.single("content-type");
        VerdictFacts {
            rule: self.no_rule.clone(),
            identity: None,
            request_id: request_id(request),
            trace_id: request.headers.single("traceparent").and_then(trace_id),
            protocol: content_type.map_or(CallerProtocol::Http, |kind| CallerProtocol::of(kind)),
        }
    }

    /// The check itself: size, rule, credential, identity, decision, freshness, headers.
    pub(super) async fn judge(
        &self,
        request: &RequestContext,
        now: SystemTime,
        deadline: Instant,
        facts: &mut VerdictFacts,
    ) -> Result<(Permit, RequestEdits), Denial> {
        let measured = self.sizes.measure(request)?;
        let rules = self.policy.choose(measured)?;
        facts.rule = rules.name().clone();
        let allowed = match rules.preflight() {
            Some(allowed) if self.is_preflight(request) => allowed,
            _ => {
                let identity = self.identify(request, &rules, now, deadline).await?;
                facts.identity.clone_from(&identity);
                rules.decide(identity)?
            }
        };
        let permit = match allowed.permit() {
            Ok(permit) => permit,
            // Last, because it may have to ask Rownd: a caller that is denied anyway costs nothing.
            Err(unconfirmed) => self.profiles.confirm(unconfirmed, deadline).await?,
        };
        let edits = self.injector.edits(request, &permit)?;
        Ok((permit, edits))
    }

    /// The identity behind the credential; `None` where there is none or none is asked for.
    async fn identify(
        &self,
        request: &RequestContext,
        rules: &ChosenRules<'_>,
        now: SystemTime,
        deadline: Instant,
    ) -> Result<Option<Arc<Identity>>, Denial> {
        if !rules.reads_credential() {
            return Ok(None);
        }
        let found = self.extractor.find(request)?;
        let Some(credential) = found else { return Ok(None) };
        let cookie = credential.source() == CredentialSource::Cookie;
        let unproved = if cookie { self.sites.accept_cookie(request).err() } else { None };
        // Only the cookie of a known user says that a browser sent this, and so that it is the proxy
        // that holds headers back.
        if let Some(reason) = unproved
            && reason != DenyReason::FetchModeMissing
            && !extract::shows_anti_csrf(request, None)
        {
            return Err(reason.into());
        }
        match self.verifier.verify(credential.token(), now, deadline).await {
            Ok(identity) => match unproved {
                Some(reason)
                    if !extract::shows_anti_csrf(request, Some(&identity.cookie_proof)) =>
                {
                    Err(Denial::from(reason).judged_by(&identity.issuer))
                }
                _ => Ok(Some(identity)),
            },
            Err(denial)
                if cookie
                    && denial.reason() == DenyReason::TokenExpired
                    && rules.forgives_expired_cookie() =>
            {
                Ok(None)
            }
            Err(denial) => Err(denial),
        }
    }

    /// A strict CORS preflight (Fetch standard, section 3.2): it never carries a credential.
    fn is_preflight(&self, request: &RequestContext) -> bool {
        let one = |name| {
            let value = request.headers.single(name);
            value.is_some_and(|value| !value.is_empty() && !value.contains(&b','))
        };
        request.method.as_ref() == b"OPTIONS"
            && one("origin")
            && one("access-control-request-method")
            && !self.extractor.finds_any(request)
    }
}

/// The request's own id if it is one, else the proxy's.
fn request_id(request: &RequestContext) -> Bytes {
    let good = |id: &&Bytes| {
        !id.is_empty() && id.len() <= MAX_REQUEST_ID && id.iter().all(u8::is_ascii_graphic)
    };
    let own = request.headers.single("x-request-id").filter(good);
    own.or(Some(&request.proxy_request_id).filter(good)).cloned().unwrap_or_default()
}

/// The trace id of a `traceparent` (W3C Trace Context, section 3.2).
fn trace_id(traceparent: &Bytes) -> Option<Bytes> {
    let id = traceparent.get(3..35)?;
    let parted = traceparent.get(2) == Some(&b'-') && traceparent.get(35) == Some(&b'-');
    (parted && id.iter().all(u8::is_ascii_hexdigit)).then(|| traceparent.slice_ref(id))
}
