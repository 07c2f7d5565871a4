//! The steps of a check, in their order: the one place that knows it.
//!
//! In: a request context and a deadline. Out: a permit with what changes in the request, or a
//! denial. Each step takes what the step before it made.

use std::{sync::Arc, time::SystemTime};

use bytes::Bytes;
use tokio::time::Instant;

use super::{
    edits::RequestEdits,
    facts::{FactsRecorder, VerdictFacts},
    inject::Injector,
    outputs::OutputTeller,
    permit_step::{Additions, PermitStep},
};
use crate::{
    config::{Check, Config, DenialSettings},
    extract::{self, CookieSites, Extractor},
    model::{
        CallerProtocol, CredentialSource, Denial, DenyReason, RequestContext, ResponseEdits, Step,
    },
    policy::{Allowed, ChosenRules, Permit, Policy, Presented, RequestLimits},
    profile::Profiles,
    verify::{Identity, Verifier},
};

/// A request id is taken over only up to this length.
const MAX_REQUEST_ID: usize = 64;

/// The parts of one configuration that judge checks.
#[derive(Debug)]
pub(super) struct CheckPipeline {
    settings: Check,
    denials: DenialSettings,
    limits: RequestLimits,
    policy: Policy,
    extractor: Extractor,
    sites: CookieSites,
    verifier: Arc<Verifier>,
    profiles: Arc<Profiles>,
    pub(super) permit_steps: Vec<Arc<dyn PermitStep>>,
    injector: Injector,
    teller: OutputTeller,
    /// The rule before one is chosen; shared, so that no check allocates it.
    no_rule: Arc<str>,
}

/// A request that may pass, with what changes in it and in its response.
#[derive(Debug)]
pub(super) struct Permitted {
    permit: Permit,
    request: RequestEdits,
    response: ResponseEdits,
}

impl Permitted {
    pub(super) fn into_parts(self) -> (Permit, RequestEdits, ResponseEdits) {
        (self.permit, self.request, self.response)
    }
}

impl CheckPipeline {
    pub(super) fn build(
        config: &Config,
        policy: Policy,
        verifier: Arc<Verifier>,
        profiles: Arc<Profiles>,
    ) -> Self {
        Self {
            settings: config.check.clone(),
            denials: config.denial_settings(),
            limits: RequestLimits::of(&config.check),
            policy,
            extractor: Extractor::build(config),
            sites: CookieSites::build(&config.trusted_origins),
            verifier,
            profiles,
            permit_steps: Vec::new(),
            injector: Injector::build(&config.identity_headers).stripping(stripped_headers(config)),
            teller: OutputTeller::build(&config.identity_headers),
            no_rule: VerdictFacts::unknown().rule,
        }
    }

    /// From now on these headers are removed from every request on which no step sets them.
    pub(super) fn strip(&mut self, headers: impl IntoIterator<Item = impl Into<String>>) {
        self.injector.strip(headers);
    }

    /// How a check is carried out, as far as it is the door's part.
    pub(super) const fn settings(&self) -> &Check {
        &self.settings
    }

    /// How denials are told.
    pub(super) const fn denials(&self) -> &DenialSettings {
        &self.denials
    }

    /// The facts of a request before it is judged.
    pub(super) fn facts(&self, request: &RequestContext) -> VerdictFacts {
        let [content_type, traceparent, id] =
            request.headers.singles(["content-type", "traceparent", "x-request-id"]);
        VerdictFacts {
            rule: self.no_rule.clone(),
            identity: None,
            request_id: request_id(id, request),
            trace_id: traceparent.and_then(trace_id),
            protocol: content_type.map_or(CallerProtocol::Http, |kind| CallerProtocol::of(kind)),
            omitted: Vec::new(),
            denial_form: None,
            shadows: Vec::new(),
            verified_anew: false,
        }
    }

    /// The check itself: size, rule, credential, identity, decision, profile, headers.
    pub(super) async fn judge(
        &self,
        request: &RequestContext,
        now: SystemTime,
        deadline: Instant,
        record: &mut impl FactsRecorder,
    ) -> Result<Permitted, Denial> {
        let measured = self.limits.measure(request)?;
        record.details(|| self.policy.skipped(measured));
        let rules = self.policy.choose(measured)?;
        record.rule_chosen(rules.name());
        if let Some(form) = rules.denial_form() {
            record.facts().denial_form = Some(form.clone());
        }
        let reads_credential = rules.reads_credential();
        let allowed = self.decide(request, rules, now, deadline, record).await?;
        let permit = match allowed.permit() {
            Ok(permit) => permit,
            // Last, because it may have to ask Rownd: a caller that is denied anyway costs nothing.
            Err(unconfirmed) => {
                // In a box, as is all that few checks do: the others would carry its size.
                let confirmed = Box::pin(self.profiles.confirm(unconfirmed, deadline)).await;
                record.detail(|| Step::ProfileAsked(reason_only(confirmed.as_ref().map(|_| ()))));
                let permit = confirmed?;
                record.shadows(permit.shadows().to_vec());
                permit
            }
        };
        let mut additions = Additions::default();
        for step in &self.permit_steps {
            step.add(request, &permit, deadline, &mut additions).await?;
        }
        let told = self.teller.tell(request, &permit, &self.extractor, &mut additions)?;
        let Additions { mut headers, query, response } = additions;
        if reads_credential && !told.credential_removed {
            headers.extend(self.extractor.header_without_token(request));
        }
        let request = self.injector.edits(request, &permit, headers, query, told)?;
        if !request.identity.omitted.is_empty() {
            record.facts().omitted.clone_from(&request.identity.omitted);
        }
        record.detail(|| Step::HeadersMade {
            set: request.identity.set.len() + request.headers.len(),
            removed: request.identity.remove.len() + request.spoofed.len() + request.remove.len(),
        });
        Ok(Permitted { permit, request, response })
    }

    /// The rule's answer to the request's identity, or to its being a CORS preflight.
    async fn decide<'r>(
        &self,
        request: &RequestContext,
        rules: ChosenRules<'r>,
        now: SystemTime,
        deadline: Instant,
        record: &mut impl FactsRecorder,
    ) -> Result<Allowed<'r>, Denial> {
        let decided = match rules.preflight() {
            Some(passes) if self.is_preflight(request) => {
                record.detail(|| Step::Preflight);
                passes
            }
            Some(_) | None => {
                let found = self.identify(request, &rules, now, deadline, record).await?;
                if let Some((identity, _)) = &found {
                    record.identified(identity);
                }
                let (identity, source) = found.unzip();
                let presented = Presented::new(identity, source, now);
                record.shadows(rules.shadows(&presented, None));
                rules.decide(presented)
            }
        };
        record.detail(|| Step::Decided(reason_only(decided.as_ref().map(Allowed::reason))));
        decided
    }

    /// The identity behind the credential, and where that was found; `None` where there is none or
    /// none is asked for.
    async fn identify(
        &self,
        request: &RequestContext,
        rules: &ChosenRules<'_>,
        now: SystemTime,
        deadline: Instant,
        record: &mut impl FactsRecorder,
    ) -> Result<Option<(Arc<Identity>, CredentialSource)>, Denial> {
        if !rules.reads_credential() {
            record.detail(|| Step::CredentialNotWanted);
            return Ok(None);
        }
        let Some(credential) = self.extractor.find(request)? else {
            record.detail(|| Step::CredentialAbsent);
            return Ok(None);
        };
        record.detail(|| Step::CredentialFound(credential.source()));
        let cookie = credential.source() == CredentialSource::Cookie;
        let unproved = if cookie { self.sites.accept_cookie(request).err() } else { None };
        // Only the cookie of a known user says that a browser sent this, and so that it is the
        // proxy that holds headers back.
        if let Some(reason) = unproved
            && reason != DenyReason::FetchModeMissing
            && !extract::shows_anti_csrf(request, None)
        {
            return Err(reason.into());
        }
        match self.verifier.verify_recorded(credential.token(), now, deadline, record).await {
            Ok(identity) => match unproved {
                Some(reason)
                    if !extract::shows_anti_csrf(request, Some(&identity.cookie_proof)) =>
                {
                    Err(Denial::from(reason).judged_by(&identity.issuer))
                }
                Some(_) | None => Ok(Some((identity, credential.source()))),
            },
            Err(denial)
                if cookie
                    && denial.reason() == DenyReason::TokenExpired
                    && rules.forgives_expired_cookie() =>
            {
                record.detail(|| Step::ExpiredCookieIgnored);
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

/// The names of the headers that rules set, which no client may send. The client's own credential
/// passes where no rule replaces it.
pub(super) fn stripped_headers(config: &Config) -> impl Iterator<Item = &str> {
    let own = config.routes.iter().flat_map(|route| &route.outputs.headers);
    let stripped = config.headers.iter().chain(own).filter(|header| !header.replaces_credential());
    stripped.map(|header| &*header.name)
}

/// The request's own id if it is one, else the proxy's.
fn request_id(own: Option<&Bytes>, request: &RequestContext) -> Bytes {
    let good = |id: &&Bytes| {
        !id.is_empty() && id.len() <= MAX_REQUEST_ID && id.iter().all(u8::is_ascii_graphic)
    };
    own.filter(good).or(Some(&request.proxy_request_id).filter(good)).cloned().unwrap_or_default()
}

/// The trace id of a `traceparent` (W3C Trace Context, section 3.2).
fn trace_id(traceparent: &Bytes) -> Option<Bytes> {
    let id = traceparent.get(3..35)?;
    let parted = traceparent.get(2) == Some(&b'-') && traceparent.get(35) == Some(&b'-');
    (parted && id.iter().all(u8::is_ascii_hexdigit)).then(|| traceparent.slice_ref(id))
}

/// The reason alone, for the record.
fn reason_only<T>(result: Result<T, &Denial>) -> Result<T, DenyReason> {
    result.map_err(Denial::reason)
}
