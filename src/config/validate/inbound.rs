//! The requests of other servers, held against the issuers and the listener that they come to.

use std::collections::HashMap;

use url::Url;

use crate::config::{
    findings::Findings,
    sections::{
        Accepts, App, Claim, ClaimPlace, Config, EventSource, EventSourceKind, HttpGroup,
        HttpListenerName, InboundCaller, Issuer, IssuerKind,
    },
};

const CORS_ALONE: &str = "has no effect without `rpc` under `serve` and without a source of events of kind \
                          browser_callbacks: everything else is open to every page; leave it out";

/// Adds the problems of sections that nothing serves, of groups without a section, and of issuers and
/// apps that do not fit.
pub(super) fn check(config: &Config, found: &mut Findings) {
    check_groups(config, found);
    check_cors(config, found);
    check_validator(config, found);
    let mut names: HashMap<&str, usize> = HashMap::new();
    for (index, source) in config.events.sources.iter().enumerate() {
        let at = format!("/events/sources/{index}");
        if let Some(first) = names.insert(source.name(), index) {
            let message = format!("is the name of events.sources[{first}] too; write another");
            found.add(format!("{at}/name"), message);
        }
        if let Some(caller) = &source.caller {
            let at = format!("{at}/caller");
            check_certificate(caller, HttpGroup::Webhooks, config, &at, found);
        }
        check_source(source, config, &at, found);
    }
}

fn check_groups(config: &Config, found: &mut Findings) {
    let listeners =
        [HttpListenerName::Http, HttpListenerName::PublicHttp].into_iter().flat_map(|listener| {
            ["address", "serve"].into_iter().map(move |setting| listener.pointer(setting))
        });
    let is_unknown = listeners.into_iter().any(|setting| found.is_left_out(&setting));
    let validator = ("/token_validator", config.token_validator.is_some());
    let is_pushed = |source: &EventSource| source.poll.is_none();
    let sources = ("/events/sources", config.events.sources.iter().any(is_pushed));
    for (group, (section, is_there)) in
        [(HttpGroup::TokenValidator, validator), (HttpGroup::Webhooks, sources)]
    {
        if is_unknown || found.is_left_out(section) {
            continue;
        }
        let name = section.trim_start_matches('/').replace('/', ".");
        match (config.listeners.serving(group), is_there) {
            (Some(_), true) | (None, false) => {}
            // The section has a problem of its own.
            (Some(_), false) if found.has_within(section) => {}
            (Some((listener, place)), false) => found.add(
                format!("{}/{place}", listener.name.pointer("serve")),
                format!("nothing is configured for it; write `{name}`, or leave this out"),
            ),
            (None, true) => found.add(
                section,
                format!(
                    "is served nowhere; write listeners.http: {{ serve: [{}] }}",
                    group.as_str()
                ),
            ),
        }
    }
}

/// Pages of other origins are allowed for calls and for callbacks, and nothing else asks for them.
fn check_cors(config: &Config, found: &mut Findings) {
    let of_pages = |source: &EventSource| source.kind() == EventSourceKind::BrowserCallbacks;
    let has_callbacks = config.events.sources.iter().any(of_pages);
    let Some((http, _)) = config.listeners.serving(HttpGroup::Webhooks) else { return };
    let has_calls = http.place_of(HttpGroup::Rpc).is_some();
    let is_known = http.cors.is_some() && !found.has_within("/events/sources");
    if is_known && !has_calls && !has_callbacks {
        found.add(http.name.pointer("cors"), CORS_ALONE);
    }
}

fn check_certificate(
    caller: &InboundCaller,
    group: HttpGroup,
    config: &Config,
    at: &str,
    found: &mut Findings,
) {
    let listener = config.listeners.serving(group).map(|(listener, _)| listener);
    let asks = listener.is_some_and(|listener| listener.asks_for_certificates());
    if caller.needs_certificate() && !asks {
        let listener = listener.map_or(HttpListenerName::Http, |listener| listener.name);
        found.add(
            at,
            format!(
                "names a client certificate, and none is asked for; write \
                 listeners.{}.tls.client_ca_file",
                listener.as_str()
            ),
        );
    }
}

fn check_validator(config: &Config, found: &mut Findings) {
    let Some(validator) = &config.token_validator else { return };
    let group = HttpGroup::TokenValidator;
    check_certificate(&validator.caller, group, config, "/token_validator/caller", found);
    if found.has_within("/issuers") {
        return;
    }
    for (index, name) in validator.issuers().iter().enumerate() {
        let at = format!("/token_validator/issuers/{index}");
        let Some(issuer) = config.issuers.iter().find(|issuer| issuer.name == *name) else {
            found.add(at, unknown_issuer(name, config));
            continue;
        };
        if let Some(message) = no_partner(issuer) {
            found.add(at, message);
        }
    }
}

/// The message about a name that no issuer has.
fn unknown_issuer(name: &str, config: &Config) -> String {
    let names: Vec<&str> = config.issuers.iter().map(|issuer| issuer.name.as_str()).collect();
    let choice = if names.is_empty() {
        "there is none".to_owned()
    } else {
        format!("write one of: {}", names.join(", "))
    };
    format!("there is no issuer `{name}` under `issuers`; {choice}")
}

/// Why no token validator is asked about the tokens of this issuer.
fn no_partner(issuer: &Issuer) -> Option<&'static str> {
    const OWN: &str = "has tokens of Rownd's own users, which no token validator is asked about; write \
                       an issuer of another kind";
    match issuer.kind() {
        IssuerKind::Rownd | IssuerKind::Supertokens => return Some(OWN),
        IssuerKind::Firebase => {
            return Some(
                "has ID tokens, which are for their client and for nobody else; write an issuer that \
                 takes access tokens",
            );
        }
        IssuerKind::Oidc | IssuerKind::Static => {}
    }
    let url = Url::parse(&issuer.iss).ok();
    let of_rownd = |host: &str| host == "rownd.io" || host.ends_with(".rownd.io");
    if url.as_ref().and_then(Url::host_str).is_some_and(of_rownd) {
        return Some(OWN);
    }
    let id = issuer.accepted_tokens().is_some_and(|tokens| tokens.accepts == Accepts::Id);
    id.then_some(
        "takes ID tokens (`accepts: id`), which are for their client and for nobody else; write an \
         issuer that takes access tokens",
    )
}

fn check_source(source: &EventSource, config: &Config, at: &str, found: &mut Findings) {
    if found.has_within("/issuers") {
        return;
    }
    let Some(issuer) = config.issuers.iter().find(|issuer| issuer.name == source.issuer()) else {
        return found.add(format!("{at}/issuer"), unknown_issuer(source.issuer(), config));
    };
    match source.kind() {
        EventSourceKind::RowndWebhook => check_webhook(source, issuer, at, found),
        EventSourceKind::BrowserCallbacks => check_callbacks(source, issuer, at, found),
        EventSourceKind::SharedSignals | EventSourceKind::BackChannelLogout => {
            check_signer(source, issuer, at, found);
        }
    }
}

/// The tokens of the issuer name the subjects that its events name, and no access token of it can be
/// taken for an event.
fn check_signer(source: &EventSource, issuer: &Issuer, at: &str, found: &mut Findings) {
    if issuer.accepted_tokens().is_none() {
        return found.add(
            format!("{at}/issuer"),
            "is of a kind that sends no such events; write one of kind oidc or static",
        );
    }
    let by_sub = |claim: &Claim| matches!(claim.place(), Some(ClaimPlace::Name("sub")));
    if !issuer.claims.user_id.as_ref().is_none_or(by_sub) {
        found.add(
            format!("{at}/issuer"),
            "has users by another claim than `sub` (claims.user_id), and events name users by `sub`; \
             leave that setting of the issuer out, or leave this source out",
        );
    }
    let own = issuer.audiences();
    let is_own = |audience: &String| own.contains(audience);
    let is_api = issuer.accepted_tokens().is_some_and(|tokens| tokens.accepts == Accepts::Access);
    if source.kind() == EventSourceKind::SharedSignals
        && is_api
        && let Some(index) = source.audiences().iter().position(is_own)
    {
        found.add(
            format!("{at}/audiences/{index}"),
            "is an audience of the issuer's access tokens too; have the transmitter send its events \
             with one of their own",
        );
    }
}

fn check_callbacks(source: &EventSource, issuer: &Issuer, at: &str, found: &mut Findings) {
    if !matches!(issuer.kind(), IssuerKind::Rownd | IssuerKind::Supertokens) {
        found.add(
            format!("{at}/issuer"),
            "is of a kind whose tokens Rownd's snippet does not send; write one of kind rownd or \
             supertokens",
        );
    } else if let Some(id) = source.app_id()
        && !issuer.apps().iter().any(|app| app.id() == Some(id))
    {
        found.add(format!("{at}/app_id"), no_such_app(id, issuer));
    }
}

fn no_such_app(id: &str, issuer: &Issuer) -> String {
    let known: Vec<&str> = issuer.apps().iter().filter_map(App::id).collect();
    let choice = match known.as_slice() {
        [] => "its apps are known by their keys, so write their `id` too".to_owned(),
        known => format!("write one of: {}", known.join(", ")),
    };
    format!("there is no app `{id}` of the issuer `{}`; {choice}", issuer.name)
}

fn check_webhook(source: &EventSource, issuer: &Issuer, at: &str, found: &mut Findings) {
    const NO_SECRET: &str = "the app has no key and secret, by which the user is read again; write \
                             issuers[].apps[].key and secret";
    if issuer.kind() != IssuerKind::Rownd {
        return found
            .add(format!("{at}/issuer"), "is of another kind than rownd; write one of kind rownd");
    }
    let apps = issuer.apps();
    let Some(id) = source.app_id() else {
        match apps {
            [one] if one.secret.is_none() || one.key().is_none() => found.add(at, NO_SECRET),
            [_] => {}
            _ => found.add(at, "the issuer has several apps; write `app_id`"),
        }
        return;
    };
    let mut meant = apps.iter().filter(|app| app.id() == Some(id)).peekable();
    if meant.peek().is_none() {
        found.add(format!("{at}/app_id"), no_such_app(id, issuer));
    } else if meant.all(|app| app.secret.is_none() || app.key().is_none()) {
        found.add(format!("{at}/app_id"), NO_SECRET);
    }
}
