//! The outputs of the rules that let a request pass, for this request.

use std::{borrow::Cow, sync::Arc};

use serde_json::Value;

use super::{
    form::{in_header, in_query, is_removable},
    parameters,
};
use crate::{
    authz::permit_step::Additions,
    config::{IdentityHeaders as Settings, MappedValue, OnMissing, ValueFormat, ValueSource},
    expression::Facts,
    extract::{CredentialRemoval, Extractor},
    model::{AllowReason, Denial, DenyReason, RequestContext, SharedText, visible},
    policy::Permit,
};

/// Tells the outputs of rules, within the limits of the identity headers.
#[derive(Debug)]
pub(in crate::authz) struct OutputTeller {
    max_value: usize,
    max_list: usize,
    max_total: usize,
}

/// The outputs that are no additions.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::authz) struct Told {
    /// Names of headers to remove.
    pub(in crate::authz) remove: Vec<SharedText>,
    /// The headers that hold a credential are dealt with.
    pub(in crate::authz) credential_removed: bool,
}

/// The place that texts are written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    Header,
    Query,
}

/// Names with their texts, each name once; without a text, the name is removed.
#[derive(Debug)]
struct Outputs {
    texts: Vec<(Arc<str>, Option<SharedText>)>,
    /// They are of several rules or lists, which may name the same.
    of_several: bool,
}

impl OutputTeller {
    pub(in crate::authz) fn build(settings: &Settings) -> Self {
        Self {
            max_value: settings.max_value_bytes,
            max_list: settings.max_list_bytes.max(settings.max_value_bytes),
            max_total: settings.max_total_bytes,
        }
    }

    /// Adds what the rules of this permit tell.
    ///
    /// # Errors
    ///
    /// [`DenyReason::OutputMissing`], if a value is missing that may not be, and
    /// [`DenyReason::CredentialMissing`] where a credential would bring it;
    /// [`DenyReason::OutputTooLarge`], if a text is above the limits;
    /// [`DenyReason::OutputAmbiguous`], if two rules tell different things, or if a parameter stands
    /// there under a name that Envoy cannot remove.
    pub(in crate::authz) fn tell(
        &self,
        request: &RequestContext,
        permit: &Permit,
        extractor: &Extractor,
        additions: &mut Additions,
    ) -> Result<Told, Denial> {
        let of_several = permit.granted().len() > 1;
        let [mut headers, mut response] = [(); 2].map(|()| Outputs::of(of_several));
        // One rule may set and remove.
        let mut query = Outputs::of(true);
        let mut strips = false;
        for granted in permit.granted() {
            let (identity, profile) = (permit.identity(), permit.profile());
            let facts =
                granted.facts(request, identity.map(|who| &**who), profile.map(|all| &**all));
            let outputs = granted.outputs();
            let text = |name: &str, value: &MappedValue, target| {
                self.text(name, value, target, &facts, permit)
            };
            headers.texts.reserve(outputs.headers.len());
            for told in outputs.headers.iter() {
                headers.add(&told.name, text(&told.name, &told.value, Target::Header)?)?;
            }
            for told in outputs.response_headers.iter() {
                response.add(&told.name, text(&told.name, &told.value, Target::Header)?)?;
            }
            for told in outputs.query.iter().flat_map(|query| &query.set) {
                query.add(&told.name, text(&told.name, &told.value, Target::Query)?)?;
            }
            for name in outputs.query.iter().flat_map(|query| &query.remove) {
                query.add(name, None)?;
            }
            strips |= outputs.strip_credential;
        }
        let mut told = Told { remove: Vec::new(), credential_removed: strips };
        for outputs in [&headers, &response, &query] {
            outputs.check_total(self.max_total)?;
        }
        // A passport comes after them.
        let passport = permit.granted().iter().any(|rule| rule.outputs().passport.is_some());
        additions.headers.reserve(headers.texts.len() + usize::from(passport));
        for (name, text) in headers.texts {
            match text {
                Some(text) => additions.headers.push((name.into(), text)),
                None => told.remove.push(name.into()),
            }
        }
        let set = response.texts.into_iter().filter_map(|(name, text)| Some((name.into(), text?)));
        additions.response.headers.extend(set);
        for (name, text) in query.texts {
            let spelled = parameters::other_spellings(request.query(), &name);
            additions.query.remove.extend(spelled.into_iter().map(Into::into));
            match text {
                Some(text) => additions.query.set.push((name.into(), text)),
                None => additions.query.remove.push(name.into()),
            }
        }
        if strips {
            strip(extractor.removal(request), additions, &mut told);
        }
        // Such a name is never sent by an ordinary client, and the parameter would stay.
        if !additions.query.remove.iter().all(|name| is_removable(name)) {
            return Err(DenyReason::OutputAmbiguous.into());
        }
        Ok(told)
    }

    /// The text of a value for this request; `None` if there is none and none is needed.
    fn text(
        &self,
        name: &str,
        value: &MappedValue,
        target: Target,
        facts: &impl Facts,
        permit: &Permit,
    ) -> Result<Option<SharedText>, Denial> {
        let MappedValue { source, format, on_missing } = value;
        let Some(text) = written(source, *format, target, facts) else {
            // The client sends the preflight before the request, and never with a credential.
            return match (on_missing, permit.reason()) {
                (OnMissing::Omit, _) | (OnMissing::Deny, AllowReason::CorsPreflight) => Ok(None),
                (OnMissing::Deny, AllowReason::Anonymous) if source.needs_identity() => {
                    Err(DenyReason::CredentialMissing.into())
                }
                (
                    OnMissing::Deny,
                    AllowReason::Anonymous | AllowReason::Public | AllowReason::Authenticated,
                ) => Err(Denial::output_missing(name)),
            };
        };
        let longest = match format {
            ValueFormat::Text => self.max_value,
            ValueFormat::List | ValueFormat::Json | ValueFormat::Base64url => self.max_list,
        };
        if text.len() > longest {
            return Err(Denial::output_too_large(name));
        }
        Ok(Some(text))
    }
}

/// The text, if the source has a value that the format can write. A fault is none.
fn written(
    source: &ValueSource,
    format: ValueFormat,
    target: Target,
    facts: &impl Facts,
) -> Option<SharedText> {
    let write = |value: Cow<'_, Value>| match target {
        Target::Header => in_header(value, format),
        Target::Query => in_query(&value, format),
    };
    if let (ValueSource::Place(place), Target::Header, ValueFormat::Text) = (source, target, format)
        && let Some(text) = facts.text(place)
    {
        return (!text.is_empty()).then(|| visible(text).into_owned().into());
    }
    let text = match source {
        // Judged when the configuration was read: visible ASCII, with blanks inside.
        ValueSource::Constant(text) if target == Target::Header && format == ValueFormat::Text => {
            return Some(text.into());
        }
        ValueSource::Constant(text) => write(Cow::Owned(Value::from(&**text))),
        ValueSource::Place(place) => write(facts.value(place).ok()??),
        ValueSource::Inside(place, pointer) => {
            let value = facts.value(place).ok()??;
            write(Cow::Borrowed(value.pointer(pointer)?))
        }
        ValueSource::Expression(expression) => write(Cow::Owned(expression.evaluate(facts).ok()?)),
    };
    text.map(SharedText::from)
}

/// Takes the credential out. A header that a rule sets takes the place of one with a credential.
fn strip(removal: CredentialRemoval, additions: &mut Additions, told: &mut Told) {
    let CredentialRemoval { set, remove, parameters } = removal;
    let is_set = |name: &str, additions: &Additions| {
        additions.headers.iter().any(|(known, _)| *known == *name)
    };
    for (name, rest) in set {
        if !is_set(&name, additions) {
            additions.headers.push((name, rest));
        }
    }
    let unset = remove.into_iter().filter(|name| !is_set(name, additions));
    told.remove.extend(unset.map(SharedText::from));
    for name in parameters {
        let set = additions.query.set.iter().any(|(known, _)| *known == name);
        if !set && !additions.query.remove.iter().any(|known| *known == name) {
            additions.query.remove.push(name.into());
        }
    }
}

impl Outputs {
    const fn of(of_several: bool) -> Self {
        Self { texts: Vec::new(), of_several }
    }

    /// Adds what one rule tells.
    ///
    /// # Errors
    ///
    /// [`DenyReason::OutputAmbiguous`], if another rule tells something else.
    fn add(&mut self, name: &Arc<str>, text: Option<SharedText>) -> Result<(), Denial> {
        // A rule has no name twice.
        let known = || self.texts.iter().find(|(known, _)| known == name);
        match self.of_several.then(known).flatten() {
            None => self.texts.push((name.clone(), text)),
            Some((_, known)) if *known == text => {}
            Some(_) => return Err(DenyReason::OutputAmbiguous.into()),
        }
        Ok(())
    }

    /// # Errors
    ///
    /// [`DenyReason::OutputTooLarge`], if all texts together are above the limit. The longest is
    /// named.
    fn check_total(&self, most: usize) -> Result<(), Denial> {
        let texts = self.texts.iter().filter_map(|(name, text)| Some((name, text.as_ref()?.len())));
        if texts.clone().map(|(_, length)| length).sum::<usize>() <= most {
            return Ok(());
        }
        let longest = texts.max_by_key(|(_, length)| *length);
        Err(longest.map_or_else(
            || DenyReason::OutputTooLarge.into(),
            |(name, _)| Denial::output_too_large(name),
        ))
    }
}
