//! Settings that have an effect only with another setting, in one table: where the other is missing, the
//! first one is told.
//!
//! In: the configuration, and which settings were written. Out: a warning for each that has no effect.

mod addresses;
mod rights;
mod rules;

use serde_json::Value;

use super::{
    document::YamlDocument,
    sections::{Config, HookedGrant, IssuerDetails, PassportFormat, Right, SinkKind},
};
use crate::model::{EventType, Warning};

/// A setting that has no effect: its JSON pointer, and why.
pub(super) type Unused = (String, &'static str);

/// The warnings about all of them. A setting that is not written is at its default, which nobody expects
/// an effect of.
pub(super) fn warnings(config: &Config, written: &YamlDocument) -> Vec<Warning> {
    let mut found = Vec::new();
    empty_sections(written, &mut found);
    of_events(config, &mut found);
    of_hooks(config, &mut found);
    of_profiles(config, &mut found);
    of_passport(config, &mut found);
    rights::check(config, &mut found);
    rules::check(config, &mut found);
    addresses::check(config, written, &mut found);
    found.retain(|(pointer, _)| written.is_written(pointer));
    let warning = |(pointer, text)| Warning::of("setting_without_effect", pointer, text);
    let mut warnings: Vec<Warning> = found.into_iter().map(warning).collect();
    warnings.extend(rules::unreachable(config, written));
    warnings.extend(addresses::unknown_servers(config, written));
    warnings
}

/// Sections in which nothing is written.
fn empty_sections(written: &YamlDocument, found: &mut Vec<Unused>) {
    const TEXT: &str = "is empty, and so has no effect; leave it out, or write its settings";
    let is_empty = |value: &Value| match value {
        Value::Object(map) => map.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    };
    let pointers = ["/hooks", "/denial", "/events", "/events/sinks", "/events/sources"];
    let empty = pointers.into_iter().filter(|at| written.value.pointer(at).is_some_and(is_empty));
    found.extend(empty.map(|at| (at.to_owned(), TEXT)));
}

fn of_events(config: &Config, found: &mut Vec<Unused>) {
    let events = &config.events;
    let tells = |kind: EventType| events.sinks.iter().any(|sink| sink.types.contains(&kind));
    if !tells(EventType::UserCreated) && !tells(EventType::UserUpdated) {
        let text = "has no effect: no sink gets user.created or user.updated; add them to the `types` \
                    of one, or leave it out";
        found.push(("/events/profile_fields".to_owned(), text));
    }
    for (at, sink) in events.placed_sinks() {
        match &sink.kind {
            SinkKind::File(file) if file.max_bytes == 0 => {
                let text =
                    "has no effect with max_bytes: 0, by which no file is renamed; leave it out";
                found.push((format!("{at}/file/keep"), text));
            }
            SinkKind::File(_)
            | SinkKind::Stream(_)
            | SinkKind::Http(_)
            | SinkKind::Stdout(_)
            | SinkKind::RedisStream(_) => {}
        }
    }
}

/// Whether a caller has a right.
fn may(config: &Config, right: Right) -> bool {
    config.rownd_auth.callers.iter().any(|caller| caller.allow.contains(&right))
}

fn has_rownd(config: &Config) -> bool {
    config.issuers.iter().any(|issuer| matches!(issuer.details, IssuerDetails::Rownd(_)))
}

fn has_supertokens(config: &Config) -> bool {
    config.issuers.iter().any(|issuer| matches!(issuer.details, IssuerDetails::Supertokens(_)))
}

fn of_hooks(config: &Config, found: &mut Vec<Unused>) {
    const AT: &str = "/hooks/before_exchange";
    let Some(hook) = &config.hooks.before_exchange else { return };
    if !may(config, Right::Exchange) && !may(config, Right::CreateGuest) {
        let text = "is never asked: no caller has the right exchange or create_guest; allow one to \
                    (rownd_auth.callers[].allow), or leave it out";
        return found.push((AT.to_owned(), text));
    }
    let (rownd, supertokens) = (has_rownd(config), has_supertokens(config));
    let clients = !config.rownd_auth.oidc_clients.is_empty();
    for (index, grant) in hook.grants.iter().enumerate() {
        let text = match grant {
            HookedGrant::ThirdPartyToken | HookedGrant::MagicLink if !rownd => {
                "is never asked about: no issuer is of kind `rownd`; leave it out"
            }
            HookedGrant::AuthorizationCode if !clients => {
                "is never asked about: there are no rownd_auth.oidc_clients; leave it out"
            }
            HookedGrant::Migration | HookedGrant::SessionRefresh if !supertokens => {
                "is never asked about: no issuer is of kind `supertokens`; leave it out"
            }
            HookedGrant::Guest if !rownd && !supertokens => {
                "is never asked about: no issuer is of kind `rownd` or `supertokens`; leave it out"
            }
            HookedGrant::RefreshToken if !rownd && !clients => {
                "is never asked about: no issuer is of kind `rownd`, and there are no \
                 rownd_auth.oidc_clients; leave it out"
            }
            HookedGrant::ThirdPartyToken
            | HookedGrant::MagicLink
            | HookedGrant::AuthorizationCode
            | HookedGrant::Migration
            | HookedGrant::SessionRefresh
            | HookedGrant::Guest
            | HookedGrant::RefreshToken => continue,
        };
        found.push((format!("{AT}/grants/{index}"), text));
    }
}

fn of_profiles(config: &Config, found: &mut Vec<Unused>) {
    if !has_rownd(config) {
        let text =
            "has no effect: only issuers of kind `rownd` have profiles; leave the section out";
        found.push(("/profiles".to_owned(), text));
    }
}

fn of_passport(config: &Config, found: &mut Vec<Unused>) {
    let mut passports = config.routes.iter().filter_map(|route| route.passport.as_deref());
    // Without any passport, the section itself is told.
    let some = config.routes.iter().any(|route| route.passport.is_some());
    if some && passports.all(|passport| passport.format != PassportFormat::TxnToken) {
        let text = "has no effect: no route has a passport with format: txn-token, whose audience it \
                    is; leave it out";
        found.push(("/passport/trust_domain".to_owned(), text));
    }
}
