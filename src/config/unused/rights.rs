//! Rights of callers for which nothing is there.

use super::Unused;
use crate::config::sections::{Caller, Config, Issuer, IssuerDetails, Right, SinkKind};

/// Adds each right that allows nothing, by the issuers that its caller may use.
pub(super) fn check(config: &Config, found: &mut Vec<Unused>) {
    for (index, caller) in config.rownd_auth.callers.iter().enumerate() {
        for (number, right) in caller.allow.iter().enumerate() {
            let text = cause(*right, caller, config);
            let at = format!("/rownd_auth/callers/{index}/allow/{number}");
            found.extend(text.map(|text| (at, text)));
        }
    }
}

/// Why a right allows nothing.
fn cause(right: Right, caller: &Caller, config: &Config) -> Option<&'static str> {
    let is_meant =
        |issuer: &&Issuer| caller.issuers.as_ref().is_none_or(|names| names.contains(&issuer.name));
    let any = |test: fn(&IssuerDetails) -> bool| {
        config.issuers.iter().filter(is_meant).any(|issuer| test(&issuer.details))
    };
    let is_rownd = |details: &IssuerDetails| matches!(details, IssuerDetails::Rownd(_));
    let is_supertokens = |details: &IssuerDetails| matches!(details, IssuerDetails::Supertokens(_));
    let has_core = |details: &IssuerDetails| match details {
        IssuerDetails::Supertokens(issuer) => issuer.core.is_some(),
        IssuerDetails::Rownd(_)
        | IssuerDetails::Oidc(_)
        | IssuerDetails::Firebase(_)
        | IssuerDetails::Static(_) => false,
    };
    let is_client_of = |issuer: &&Issuer| {
        config.rownd_auth.oidc_clients.iter().any(|client| client.issuer == issuer.name)
    };
    let has_client = config.issuers.iter().filter(is_meant).any(|issuer| is_client_of(&issuer));
    match right {
        Right::Exchange if !any(is_rownd) && !any(is_supertokens) && !has_client => Some(
            "allows nothing: the issuers that the caller may use are neither of kind `rownd` nor \
             `supertokens`, and have no rownd_auth.oidc_clients; leave it out",
        ),
        Right::CreateGuest if !any(is_rownd) && !any(is_supertokens) => Some(
            "allows nothing: no issuer that the caller may use is of kind `rownd` or `supertokens`; \
             leave it out",
        ),
        Right::DeleteUsers | Right::SignOutUsers | Right::WriteUsers | Right::GetUser
            if !any(is_rownd) && !any(has_core) =>
        {
            Some(
                "allows nothing: no issuer that the caller may use is of kind `rownd`, or of kind \
             `supertokens` with `core`; leave it out, or write issuers[].core",
            )
        }
        Right::ReadUsers
        | Right::CreateSignInLinks
        | Right::ReadGroups
        | Right::WriteGroups
        | Right::ManageOidcClients
        | Right::ReadApps
        | Right::ManageApp
            if !any(is_rownd) =>
        {
            Some(
                "allows nothing: no issuer that the caller may use is of kind `rownd`; leave it out",
            )
        }
        Right::ManageApp if !has_operator(caller, config) => Some(
            "allows nothing: no app that the caller may use has an `operator_token`; write it \
             (issuers[].apps[].operator_token), or leave the right out",
        ),
        Right::ReadEvents if !has_stream(config) => Some(
            "allows nothing: no sink of `events` is a `stream`; add { name: readers, stream: {} }, or \
             leave it out",
        ),
        Right::Verify
        | Right::GetOwnUser
        | Right::GetUser
        | Right::Exchange
        | Right::CreateGuest
        | Right::ReadUsers
        | Right::WriteUsers
        | Right::DeleteUsers
        | Right::SignOutUsers
        | Right::CreateSignInLinks
        | Right::ReadGroups
        | Right::WriteGroups
        | Right::ManageOidcClients
        | Right::ReadApps
        | Right::ManageApp
        | Right::ReadEvents => None,
    }
}

fn has_operator(caller: &Caller, config: &Config) -> bool {
    let is_meant =
        |issuer: &&Issuer| caller.issuers.as_ref().is_none_or(|names| names.contains(&issuer.name));
    let apps = config.issuers.iter().filter(is_meant).flat_map(|issuer| issuer.apps());
    apps.into_iter().any(|app| app.operator_token.is_some())
}

fn has_stream(config: &Config) -> bool {
    config.events.sinks.iter().any(|sink| matches!(sink.kind, SinkKind::Stream(_)))
}
