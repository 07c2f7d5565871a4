//! The sections `token_validator` and `events.sources`: what can only be a mistake is refused.

use super::{bad, good};

pub(super) const SECRET: &str = "5f1c8b0a9d3e47c2a6b8d0e1f2a3b4c5";

/// A configuration with these sections, served by the listener.
fn yaml(serve: &str, sections: &str) -> String {
    format!(
        "
issuers:
  - name: rownd
    kind: rownd
    apps: [{{ id: app_a, key: key_a, secret: ras_a }}]
  - name: two
    kind: rownd
    issuer: https://rownd.two
    base_url: https://rownd.two
    apps: [{{ id: app_b, key: key_b, secret: ras_b }}, {{ id: app_c }}]
  - {{ name: partner, kind: oidc, issuer: 'https://partner.example', audiences: [shop] }}
  - {{ name: mail, kind: oidc, issuer: 'https://mail.example', audiences: [shop], claims: {{ user_id: email }} }}
  - {{ name: id, kind: oidc, issuer: 'https://id.example', audiences: [shop], accepts: id }}
  - {{ name: hub, kind: oidc, issuer: 'https://api.rownd.io/hub', audiences: [shop] }}
  - {{ name: fire, kind: firebase, project: shop }}
listeners: {{ http: {{ serve: [{serve}] }} }}
{sections}
"
    )
}

fn validator(settings: &str) -> String {
    yaml("token_validator", &format!("token_validator: {{ {settings} }}"))
}

pub(super) fn source(settings: &str) -> String {
    yaml("webhooks", &format!("events: {{ sources: [{{ {settings} }}] }}"))
}

pub(super) fn assert_refused(name: &str, yaml: &str, setting: &str, words: &str) {
    let problems = bad(yaml, &[]);
    let found = problems
        .iter()
        .any(|problem| problem.setting == setting && problem.message.contains(words));
    assert!(found, "{name}: {problems:#?}");
}

#[test]
fn good_sections_are_read() {
    let caller = format!("caller: {{ secret: {SECRET} }}");
    let config =
        good(&validator(&format!("issuers: [partner], claims: {{ email: email }}, {caller}")), &[]);
    let read = config.token_validator.unwrap();
    assert_eq!(
        (read.issuers(), read.timeout().to_string().as_str()),
        (&["partner".to_owned()][..], "3s")
    );
    assert_eq!(read.caller.per_second.get(), 50);
    let config =
        good(&source(&format!("name: hooks, kind: rownd_webhook, issuer: rownd, {caller}")), &[]);
    assert_eq!(config.events.sources[0].name(), "hooks");
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn a_token_validator_that_cannot_be_meant_is_refused() {
    let caller = format!("caller: {{ secret: {SECRET} }}");
    let fields = format!("claims: {{ email: email }}, {caller}");
    for (name, settings, setting, words) in [
        ("no issuer", format!("issuers: [], {fields}"), "token_validator.issuers", "empty"),
        (
            "an unknown issuer",
            format!("issuers: [x], {fields}"),
            "token_validator.issuers[0]",
            "there is no issuer",
        ),
        (
            "Rownd",
            format!("issuers: [rownd], {fields}"),
            "token_validator.issuers[0]",
            "Rownd's own users",
        ),
        (
            "Rownd as OpenID",
            format!("issuers: [hub], {fields}"),
            "token_validator.issuers[0]",
            "Rownd's own users",
        ),
        (
            "Firebase",
            format!("issuers: [fire], {fields}"),
            "token_validator.issuers[0]",
            "ID tokens",
        ),
        (
            "ID tokens",
            format!("issuers: [partner, id], {fields}"),
            "token_validator.issuers[1]",
            "ID tokens",
        ),
        (
            "twice",
            format!("issuers: [partner, partner], {fields}"),
            "token_validator.issuers[1]",
            "twice",
        ),
        (
            "no caller",
            "issuers: [partner], claims: { email: email }".to_owned(),
            "token_validator",
            "caller",
        ),
        (
            "no proof",
            "issuers: [partner], claims: { email: email }, caller: {}".to_owned(),
            "token_validator.caller",
            "anybody",
        ),
        (
            "an empty answer",
            format!("issuers: [partner], {caller}"),
            "token_validator.claims",
            "email: email",
        ),
        (
            "a field of two",
            format!("issuers: [partner], user_id: {{ claim: sub, field: email }}, {fields}"),
            "token_validator.user_id.field",
            "another",
        ),
        (
            "no field",
            format!("issuers: [partner], claims: {{ 'a b': email }}, {caller}"),
            "token_validator.claims.a b",
            "name of a field",
        ),
        (
            "no claim",
            format!("issuers: [partner], claims: {{ a: '' }}, {caller}"),
            "token_validator.claims.a",
            "name of a claim",
        ),
        (
            "a prefix",
            format!("issuers: [partner], user_id: {{ claim: sub, prefix: 'a b' }}, {caller}"),
            "token_validator.user_id.prefix",
            "visible",
        ),
        (
            "a short secret",
            "issuers: [partner], claims: { a: a }, caller: { secret: short }".to_owned(),
            "token_validator.caller.secret",
            "openssl",
        ),
        (
            "a secret that is no segment",
            format!("issuers: [partner], claims: {{ a: a }}, caller: {{ secret: '{SECRET}/x' }}"),
            "token_validator.caller.secret",
            "segment",
        ),
        (
            "every source",
            "issuers: [partner], claims: { a: a }, caller: { sources: [0.0.0.0/0] }".to_owned(),
            "token_validator.caller.sources[0]",
            "narrower",
        ),
        (
            "no source",
            "issuers: [partner], claims: { a: a }, caller: { sources: [here] }".to_owned(),
            "token_validator.caller.sources[0]",
            "203.0.113",
        ),
        (
            "bits behind",
            "issuers: [partner], claims: { a: a }, caller: { sources: [10.0.0.1/8] }".to_owned(),
            "token_validator.caller.sources[0]",
            "10.0.0.0/8",
        ),
        (
            "a taken header",
            format!(
                "issuers: [partner], claims: {{ a: a }}, caller: {{ secret: {SECRET}, header: Host }}"
            ),
            "token_validator.caller.header",
            "another meaning",
        ),
        (
            "the token's header",
            format!(
                "issuers: [partner], claims: {{ a: a }}, caller: {{ secret: {SECRET}, header: Authorization }}"
            ),
            "token_validator.caller.header",
            "asked about",
        ),
        (
            "a header of nothing",
            "issuers: [partner], claims: { a: a }, caller: { header: x-a, sources: [10.0.0.1] }"
                .to_owned(),
            "token_validator.caller.header",
            "no secret",
        ),
        (
            "a certificate",
            "issuers: [partner], claims: { a: a }, caller: { dns_names: [a.example] }".to_owned(),
            "token_validator.caller",
            "client_ca_file",
        ),
    ] {
        assert_refused(name, &validator(&settings), setting, words);
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn a_source_of_events_that_cannot_be_meant_is_refused() {
    let caller = format!("caller: {{ secret: {SECRET} }}");
    for (name, settings, setting, words) in [
        (
            "no caller",
            "name: a, kind: rownd_webhook, issuer: rownd".to_owned(),
            "events.sources[0].caller",
            "not sign",
        ),
        (
            "a name",
            format!("name: A, kind: rownd_webhook, issuer: rownd, {caller}"),
            "events.sources[0].name",
            "lower case",
        ),
        (
            "an unknown issuer",
            format!("name: a, kind: rownd_webhook, issuer: x, {caller}"),
            "events.sources[0].issuer",
            "there is no issuer",
        ),
        (
            "another kind",
            format!("name: a, kind: rownd_webhook, issuer: partner, {caller}"),
            "events.sources[0].issuer",
            "kind rownd",
        ),
        (
            "several apps",
            format!("name: a, kind: rownd_webhook, issuer: two, {caller}"),
            "events.sources[0]",
            "app_id",
        ),
        (
            "an unknown app",
            format!("name: a, kind: rownd_webhook, issuer: two, app_id: app_x, {caller}"),
            "events.sources[0].app_id",
            "there is no app `app_x`",
        ),
        (
            "an app without a secret",
            format!("name: a, kind: rownd_webhook, issuer: two, app_id: app_c, {caller}"),
            "events.sources[0].app_id",
            "secret",
        ),
    ] {
        assert_refused(name, &source(&settings), setting, words);
    }
    for (name, settings, setting, words) in [
        (
            "no audience",
            "name: a, kind: shared_signals, issuer: partner",
            "events.sources[0].audiences",
            "authz.example",
        ),
        (
            "no client",
            "name: a, kind: back_channel_logout, issuer: partner",
            "events.sources[0].audiences",
            "my-client-id",
        ),
        (
            "the audience of access tokens",
            "name: a, kind: shared_signals, issuer: partner, audiences: [ev, shop]",
            "events.sources[0].audiences[1]",
            "their own",
        ),
        (
            "an issuer that sends none",
            "name: a, kind: shared_signals, issuer: rownd, audiences: [ev]",
            "events.sources[0].issuer",
            "oidc or static",
        ),
        (
            "users by another claim",
            "name: a, kind: shared_signals, issuer: mail, audiences: [ev]",
            "events.sources[0].issuer",
            "`sub`",
        ),
        (
            "an app",
            "name: a, kind: shared_signals, issuer: partner, audiences: [ev], app_id: app_a",
            "events.sources[0].app_id",
            "rownd_webhook",
        ),
        (
            "untyped",
            "name: a, kind: shared_signals, issuer: partner, audiences: [ev], untyped: true",
            "events.sources[0].untyped",
            "back_channel_logout",
        ),
        (
            "polled logouts",
            "name: a, kind: back_channel_logout, issuer: partner, audiences: [ev], poll: { url: 'https://a.example' }",
            "events.sources[0].poll",
            "shared_signals",
        ),
        (
            "plain http",
            "name: a, kind: shared_signals, issuer: partner, audiences: [ev], poll: { url: 'http://a.example' }",
            "events.sources[0].poll.url",
            "https",
        ),
        (
            "a caller of polled events",
            "name: a, kind: shared_signals, issuer: partner, audiences: [ev], caller: { per_second: 9 }, poll: { url: 'https://a.example' }",
            "events.sources[0].caller",
            "polled",
        ),
        (
            "too often",
            "name: a, kind: shared_signals, issuer: partner, audiences: [ev], poll: { url: 'https://a.example', every: 10ms }",
            "events.sources[0].poll.every",
            "1s",
        ),
    ] {
        assert_refused(name, &source(settings), setting, words);
    }
    for settings in [
        "name: a, kind: shared_signals, issuer: partner, audiences: [ev], caller: { per_second: 9 }",
        "name: a, kind: back_channel_logout, issuer: partner, audiences: [shop], untyped: true, session_is_user: true",
    ] {
        good(&source(settings), &[]);
    }
    // Nothing has to be served for events that are polled.
    let polled = yaml(
        "webhooks",
        "events: { sources: [{ name: a, kind: shared_signals, issuer: partner, audiences: [ev], poll: { url: 'http://127.0.0.1:1/p', token: t } }] }",
    );
    let serve = "listeners: { http: { serve: [webhooks] } }";
    good(&polled.replace(serve, ""), &[]);
    assert_refused("only polled", &polled, "listeners.http.serve[0]", "events.sources");
    let one = format!("{{ name: a, kind: rownd_webhook, issuer: rownd, {caller} }}");
    let two = yaml("webhooks", &format!("events: {{ sources: [{one}, {one}] }}"));
    assert_refused("one name", &two, "events.sources[1].name", "events.sources[0]");
}

#[test]
fn a_section_without_its_group_and_a_group_without_its_section_are_refused() {
    let caller = format!("caller: {{ secret: {SECRET} }}");
    let validator =
        format!("token_validator: {{ issuers: [partner], claims: {{ a: a }}, {caller} }}");
    let source = format!(
        "events: {{ sources: [{{ name: a, kind: rownd_webhook, issuer: rownd, {caller} }}] }}"
    );
    for (name, serve, section, setting, words) in [
        ("a group alone", "token_validator", "", "listeners.http.serve[0]", "token_validator"),
        ("a group of events alone", "webhooks", "", "listeners.http.serve[0]", "events.sources"),
        (
            "a section alone",
            "resource_metadata",
            validator.as_str(),
            "token_validator",
            "[token_validator]",
        ),
        ("sources alone", "resource_metadata", &source, "events.sources", "[webhooks]"),
    ] {
        assert_refused(name, &yaml(serve, section), setting, words);
    }
}
