//! The stack that most tests share: issuer, product, echo and one Envoy with a gate
//! for each set of options. And what every denial has to look like.

use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::support::{
    echo::{Echo, Echoed},
    envoy::{Envoy, EnvoyBuilder},
    gate::{Body, Gate, GrpcWeb, Route, network_listener},
    product::{Product, Until},
    raw::{Answer, Raw},
    rownd::{KeyService, Rownd},
};

/// The gates that must not differ for a client: whichever way Envoy hands over the
/// headers, the verdict is the same.
pub(super) const GATES: [&str; 4] = ["joined", "raw", "checked", "allowed"];

/// Everything that runs.
#[derive(Debug)]
pub(super) struct Stack {
    pub(super) echo: Echo,
    pub(super) issuer: Rownd,
    pub(super) product: Product,
    pub(super) envoy: Envoy,
}

/// The shared stack, started by the first test that needs it.
pub(super) async fn stack() -> &'static Stack {
    static STACK: OnceCell<Stack> = OnceCell::const_new();
    STACK.get_or_init(Stack::start).await
}

/// The routes the product judges by.
pub(super) fn routes() -> Value {
    let prefix = |path: &str| json!({ "path": { "prefix": path } });
    json!([
        { "id": "public", "match": prefix("/public"), "auth": "none" },
        { "id": "optional", "match": prefix("/optional"), "auth": "optional" },
        { "id": "relaxed", "match": prefix("/relaxed"), "auth": "optional",
          "expired_cookie": "anonymous" },
        { "id": "verified", "match": prefix("/verified"), "auth_level": "verified" },
        { "id": "stepup", "match": prefix("/stepup"), "auth_level": "verified", "step_up": true },
        { "id": "browser", "match": prefix("/browser"), "cors_preflight": true },
        { "id": "judged", "match": prefix("/judged"), "auth": "none", "odd_paths": "judge" },
        { "id": "host", "match": { "hosts": ["public.example.org"] }, "auth": "none" },
        { "id": "method", "match": { "path": { "exact": "/method" }, "methods": ["GET"] },
          "auth": "none" },
        { "id": "writes", "match": { "path": { "prefix": "/writes" },
          "methods": ["DELETE", "PATCH"] }, "auth_level": "verified" },
        { "id": "reads", "match": { "path": { "prefix": "/writes" } }, "auth": "optional" },
        { "id": "named", "match": { "hosts": ["no.such.host"] }, "auth_level": "verified" },
    ])
}

/// The product's configuration for this issuer.
pub(super) fn config(issuer: &Rownd) -> Value {
    let mut trusted = issuer.config();
    trusted["claims"] = json!({ "tenant": "tenant", "groups": "groups", "scopes": "scp" });
    json!({
        "issuers": [trusted],
        "credentials": [
            { "header": "authorization" },
            { "cookie": "app_session" },
            { "cookie": "rownd-session", "format": "rownd" },
            { "websocket_protocol": "bearer" },
        ],
        "trusted_origins": ["https://app.example.com"],
        "routes": routes(),
        // A busy machine must not turn an answer into a 503.
        "check": { "timeout": "4s" },
    })
}

/// Routes with metadata, as Envoy Gateway makes them of annotated HTTPRoutes.
fn annotated() -> Vec<Route> {
    let named = |prefix, id| Route { annotation: Some(id), ..Route::of(prefix) };
    vec![
        named("/named", "named"),
        named("/public/named", "named"),
        named("/opened", "public"),
        named("/unknown", "nowhere"),
        Route { context: &[("route", "public")], ..named("/agreed", "public") },
        Route { context: &[("route", "public")], ..named("/differs", "named") },
    ]
}

fn gates() -> Vec<Gate> {
    let raw = |name| Gate { raw_headers: true, ..Gate::new(name) };
    vec![
        Gate::new("joined"),
        raw("raw"),
        Gate { validate_mutations: true, mutation_rules: true, ..raw("checked") },
        Gate {
            allowed_headers: Some(&[
                "authorization",
                "cookie",
                "content-type",
                "origin",
                "sec-fetch-site",
                "sec-fetch-mode",
                "upgrade",
                "access-control-request-",
                "x-request-id",
                "x[^a-z0-9]rownd([^a-z0-9].*)?",
            ]),
            ..raw("allowed")
        },
        Gate { allowed_headers: Some(&["authorization"]), ..Gate::new("few") },
        Gate { websocket: true, ..raw("websocket") },
        Gate { websocket: true, ..Gate::new("websocket_joined") },
        // An older configuration, which sends neither `upgrade` nor `sec-fetch-mode`.
        Gate {
            websocket: true,
            allowed_headers: Some(&["authorization", "cookie", "origin", "sec-fetch-site"]),
            ..raw("websocket_unseen")
        },
        Gate { normalize: true, ..raw("normal") },
        Gate { underscores: "DROP_HEADER", ..raw("underscores") },
        Gate { body: Some(Body { max_bytes: 4096, partial: true, as_bytes: true }), ..raw("body") },
        Gate { grpc_web: Some(GrpcWeb::Before), ..raw("web_before") },
        Gate { grpc_web: Some(GrpcWeb::After), ..raw("web_after") },
        Gate { cors: true, ..raw("cors") },
        Gate {
            routes: vec![
                Route { context: &[("route", "named")], ..Route::of("/named") },
                Route { context: &[("route", "named")], ..Route::of("/public/named") },
                Route { context: &[("route", "public")], ..Route::of("/opened") },
                Route { context: &[("route", "nowhere")], ..Route::of("/unknown") },
                Route { disabled: true, ..Route::of("/off") },
            ],
            ..raw("routes")
        },
        Gate {
            routes: annotated(),
            extra: json!({ "route_metadata_context_namespaces": ["envoy-gateway"] }),
            ..raw("annotated")
        },
        // The same routes, whose metadata Envoy keeps to itself.
        Gate { routes: annotated(), ..raw("unshown") },
    ]
}

impl Stack {
    async fn start() -> Self {
        let issuer = Rownd::start(KeyService::Works).await;
        let echo = Echo::start().await;
        let product = Product::start(config(&issuer), Until::Ready).await;
        let mut builder = EnvoyBuilder::new(echo.address()).authz("authz", &[product.endpoint()]);
        for gate in gates() {
            builder = builder.gate(gate);
        }
        let envoy = builder.listener(network_listener("network")).start().await;
        Self { echo, issuer, product, envoy }
    }

    /// Sends a request through a gate.
    pub(super) async fn ask(&self, gate: &str, request: &Raw) -> Answer {
        request.send(self.envoy.gate(gate)).await
    }

    /// Sends a request that must reach the service; gives what the service saw.
    pub(super) async fn pass(&self, gate: &str, request: &Raw) -> Echoed {
        let answer = self.ask(gate, request).await;
        assert_eq!(answer.status, 200, "@ {gate}: {}", answer.text());
        answer.echo()
    }
}

/// A denial by the table of answers: class by class, status, challenge and body agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum No {
    /// No credential where one is required.
    Anonymous,
    /// An invalid credential.
    BadCredential,
    /// Two credentials.
    Conflict,
    /// Not enough rights.
    Forbidden,
    /// Sign in more strongly.
    StepUp,
    /// A request that is not judged.
    Refused,
    /// Cannot decide.
    Unavailable,
}

impl No {
    fn status(self) -> u16 {
        match self {
            Self::Anonymous | Self::BadCredential | Self::StepUp => 401,
            Self::Forbidden => 403,
            Self::Conflict | Self::Refused => 400,
            Self::Unavailable => 503,
        }
    }

    fn error(self) -> &'static str {
        match self {
            Self::Anonymous => "unauthenticated",
            Self::BadCredential => "invalid_token",
            Self::Conflict | Self::Refused => "invalid_request",
            Self::Forbidden => "insufficient_scope",
            Self::StepUp => "insufficient_user_authentication",
            Self::Unavailable => "temporarily_unavailable",
        }
    }

    /// Asserts that the answer is this denial for this reason.
    #[track_caller]
    pub(super) fn check(self, answer: &Answer, reason: &str, context: &str) {
        let body = answer.json();
        let got = (answer.status, body["error"].as_str(), body["reason"].as_str());
        let want = (self.status(), Some(self.error()), Some(reason));
        assert_eq!(got, want, "{context}: {body}");
        assert!(body["message"].as_str().is_some_and(|text| !text.is_empty()), "{context}: {body}");
        assert!(
            body["request_id"].as_str().is_some_and(|id| !id.is_empty()),
            "{context}: no request id in {body}"
        );
        assert_eq!(answer.header("content-type"), Some("application/json"), "{context}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{context}");
        self.check_challenge(answer, context);
        let retry = answer.header("retry-after");
        assert_eq!(retry.is_some(), self == Self::Unavailable, "{context}: retry-after {retry:?}");
    }

    #[track_caller]
    fn check_challenge(self, answer: &Answer, context: &str) {
        let challenge = answer.header("www-authenticate");
        let bare = "Bearer realm=\"rownd\"";
        match self {
            Self::Refused | Self::Unavailable => assert_eq!(challenge, None, "{context}"),
            // RFC 6750 section 3.1: no error code where there was no credential.
            Self::Anonymous => assert_eq!(challenge, Some(bare), "{context}"),
            _ => {
                let challenge = challenge.unwrap_or_default();
                let error = format!("error=\"{}\"", self.error());
                assert!(challenge.starts_with(bare), "{context}: {challenge}");
                assert!(challenge.contains(&error), "{context}: {challenge}");
            }
        }
    }
}
