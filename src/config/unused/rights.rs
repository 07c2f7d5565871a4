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
    let meant = Meant::of(caller, config);
    let (is_there, text) = match right {
        Right::Exchange => (meant.rownd || meant.supertokens || meant.client, NO_EXCHANGE),
        Right::CreateGuest => (meant.rownd || meant.supertokens, NO_GUESTS),
        Right::DeleteUsers
        | Right::SignOutUsers
        | Right::ReadUsers
        | Right::WriteUsers
        | Right::GetUser
            if !meant.rownd =>
        {
            (meant.core, NO_USERS)
        }
        Right::DeleteUsers
        | Right::SignOutUsers
        | Right::ReadUsers
        | Right::WriteUsers
        | Right::GetUser => (meant.secret || meant.core, NO_SECRET),
        Right::ReadGroups | Right::WriteGroups | Right::ManageOidcClients if meant.rownd => {
            (meant.secret, NO_SECRET)
        }
        Right::CreateSignInLinks
        | Right::ReadGroups
        | Right::WriteGroups
        | Right::ManageOidcClients
        | Right::ReadApps => (meant.rownd, NO_ROWND),
        Right::ManageApp if !meant.rownd => (false, NO_ROWND),
        Right::ManageApp => (meant.operator, NO_OPERATOR),
        Right::ReadEvents => (has_stream(config), NO_STREAM),
        Right::Verify | Right::GetOwnUser => return None,
    };
    (!is_there).then_some(text)
}

const NO_EXCHANGE: &str = "allows nothing: the issuers that the caller may use are neither of kind `rownd` nor \
                           `supertokens`, and have no rownd_auth.oidc_clients; leave it out";
const NO_GUESTS: &str = "allows nothing: no issuer that the caller may use is of kind `rownd` or `supertokens`; \
                         leave it out";
const NO_USERS: &str = "allows nothing: no issuer that the caller may use is of kind `rownd`, or of kind \
                        `supertokens` with `core`; leave it out, or write issuers[].core";
const NO_ROWND: &str =
    "allows nothing: no issuer that the caller may use is of kind `rownd`; leave it out";
const NO_SECRET: &str = "allows nothing: no app that the caller may use has a key and a secret, and Rownd asks for both; \
                         write them (ROWND_APP_KEY and ROWND_APP_SECRET, or issuers[].apps[]), or leave it out";
const NO_OPERATOR: &str = "allows nothing: no app that the caller may use has an `operator_token`; write it \
                           (issuers[].apps[].operator_token), or leave the right out";
const NO_STREAM: &str = "allows nothing: no sink of `events` is a `stream`; add { name: readers, stream: {} }, or \
                         leave it out";

/// Which kinds of issuers a caller may use, and what they have.
struct Meant {
    rownd: bool,
    supertokens: bool,
    /// One of kind `supertokens` has a core.
    core: bool,
    /// One has an OpenID client.
    client: bool,
    /// One of kind `rownd` has an app with key and secret.
    secret: bool,
    /// One has an app with the token of an operator.
    operator: bool,
}

impl Meant {
    fn of(caller: &Caller, config: &Config) -> Self {
        let names = caller.issuers.as_ref();
        let is_meant = |issuer: &&Issuer| names.is_none_or(|names| names.contains(&issuer.name));
        let issuers: Vec<&Issuer> = config.issuers.iter().filter(is_meant).collect();
        let any = |test: fn(&IssuerDetails) -> bool| issuers.iter().any(|i| test(&i.details));
        let clients = &config.rownd_auth.oidc_clients;
        let mut apps = issuers.iter().flat_map(|issuer| issuer.apps());
        Self {
            rownd: any(|details| matches!(details, IssuerDetails::Rownd(_))),
            supertokens: any(|details| matches!(details, IssuerDetails::Supertokens(_))),
            core: any(|details| match details {
                IssuerDetails::Supertokens(issuer) => issuer.core.is_some(),
                IssuerDetails::Rownd(_)
                | IssuerDetails::Oidc(_)
                | IssuerDetails::Firebase(_)
                | IssuerDetails::Static(_) => false,
            }),
            client: clients.iter().any(|c| issuers.iter().any(|issuer| c.issuer == issuer.name)),
            secret: issuers.iter().any(|issuer| {
                let mut apps = issuer.apps().iter();
                matches!(issuer.details, IssuerDetails::Rownd(_))
                    && apps.any(|app| app.key().is_some() && app.secret.is_some())
            }),
            operator: apps.any(|app| app.operator_token.is_some()),
        }
    }
}

fn has_stream(config: &Config) -> bool {
    config.events.sinks.iter().any(|sink| matches!(sink.kind, SinkKind::Stream(_)))
}
