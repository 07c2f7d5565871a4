//! The door: what Envoy's message becomes, what a verdict becomes, and that every call ends in
//! an answer with a status of its own.

mod additions;
mod answers;
mod door;
mod lists;
mod memory;
mod requests;
mod routes;
mod second_door;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use envoy_types::pb::envoy::service::auth::v3::{
    AttributeContext, CheckRequest, CheckResponse, DeniedHttpResponse,
    attribute_context::{HttpRequest, Request},
    check_response::HttpResponse,
};

use super::CheckDoor;
use crate::{
    authz::{self, Authorizer, Edition, Snapshot},
    config,
    health::Readiness,
    issuer_api,
    metrics::{Labels, Metrics},
    policy::Policy,
    profile::Profiles,
    upstream::Client,
    verify::{self, MemoryRevocations, Verifier, VerifierLimits},
};

/// A door before an authorizer of this configuration. Nothing is fetched.
fn door(yaml: &str) -> (CheckDoor, Arc<Metrics>) {
    // The client makes no request here, but cannot be built without a provider of TLS.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let environment = BTreeMap::from([("ROWND_APP_ID".to_owned(), "app_test".to_owned())]);
    let config = config::parse("test.yaml", yaml, &environment).unwrap_or_else(|e| panic!("{e}"));
    let mut labels = Labels::of_issuers(["rownd".to_owned()]);
    authz::add_labels(&mut labels);
    verify::add_labels(&mut labels);
    let metrics = Metrics::build(&labels).unwrap();
    let limits = VerifierLimits {
        max_token_bytes: config.check.max_token_bytes,
        claims_cache_bytes: config.check.claims_cache_bytes,
        refusal_cache_bytes: 0,
    };
    let client = Client::build(&config::Network::default(), &[], Duration::from_secs(1)).unwrap();
    let revocations = MemoryRevocations::new(&config.revocation, &metrics);
    let parts =
        Verifier::build(&config.issuers, limits, revocations, &client, &metrics, &Readiness::new())
            .unwrap();
    let rownd = issuer_api::build(&config.issuers, &client, &metrics);
    let issuers = parts.verifier.issuers();
    let (profiles, _fetcher) = Profiles::build(&config.profiles, issuers, &rownd, &metrics);
    let edition = Edition { epoch: 1, hash: "test".into() };
    let exchange = issuer_api::Exchange::build(&config, &[], &issuer_api::refreshes().0);
    let policy = Policy::build(&config);
    let snapshot =
        Snapshot::build(&config, policy, Arc::new(parts.verifier), profiles, exchange, edition);
    let authorizer = Authorizer::new(snapshot, authz::recorders(&metrics, 1));
    (CheckDoor::build(authorizer, config.listeners.grpc.max_message_bytes), metrics)
}

/// The smallest request that can be judged.
fn http() -> HttpRequest {
    HttpRequest {
        method: "GET".to_owned(),
        host: "a.com".to_owned(),
        path: "/".to_owned(),
        ..HttpRequest::default()
    }
}

fn check(http: HttpRequest) -> CheckRequest {
    let request = Request { http: Some(http), ..Request::default() };
    CheckRequest {
        attributes: Some(AttributeContext {
            request: Some(request),
            ..AttributeContext::default()
        }),
    }
}

/// The outer code, which decides for Envoy. An absent one would be an "allow".
fn outer(answer: &CheckResponse) -> i32 {
    answer.status.as_ref().expect("an outer status").code
}

fn denied(answer: &CheckResponse) -> &DeniedHttpResponse {
    match answer.http_response.as_ref().expect("a response") {
        HttpResponse::DeniedResponse(denied) | HttpResponse::ErrorResponse(denied) => denied,
        HttpResponse::OkResponse(ok) => panic!("allowed: {ok:?}"),
    }
}

/// The text of a field of the dynamic metadata.
fn metadata<'a>(answer: &'a CheckResponse, name: &str) -> Option<&'a str> {
    use envoy_types::pb::google::protobuf::value::Kind;
    let value = answer.dynamic_metadata.as_ref().expect("metadata").fields.get(name)?;
    match value.kind.as_ref()? {
        Kind::StringValue(text) => Some(text),
        other => panic!("{name}: {other:?}"),
    }
}
