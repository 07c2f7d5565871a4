//! One Envoy listener with the external authorization filter in front of the echo.
//!
//! In: the options of a test. Out: the listener as Envoy's configuration (JSON). One
//! Envoy carries many of them, so a test run needs few processes.

use serde_json::{Value, json};

/// Where the gRPC-Web filter stands, seen from the authorization filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GrpcWeb {
    /// The authorizer sees plain gRPC.
    Before,
    /// The authorizer sees gRPC-Web (the order of Istio and Envoy Gateway).
    After,
}

/// `with_request_body`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Body {
    /// Bytes to buffer at most.
    pub(crate) max_bytes: u32,
    /// Send the beginning of a longer one.
    pub(crate) partial: bool,
    /// Sends it as `raw_body` instead of `body`.
    pub(crate) as_bytes: bool,
}

/// One route of a gate.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Route {
    /// Path prefix.
    pub(crate) prefix: &'static str,
    /// `context_extensions` of the check.
    pub(crate) context: &'static [(&'static str, &'static str)],
    /// A route named as Envoy Gateway hands on an annotation, in the route's metadata.
    pub(crate) annotation: Option<&'static str>,
    /// The filter is off here.
    pub(crate) disabled: bool,
}

impl Route {
    /// Nothing is said about this prefix.
    pub(crate) const fn of(prefix: &'static str) -> Self {
        Self { prefix, context: &[], annotation: None, disabled: false }
    }
}

/// The options of one listener; [`Gate::new`] has Envoy's defaults.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    /// Name of the listener, and the prefix of its stats.
    pub(crate) name: &'static str,
    /// The cluster that is asked.
    pub(crate) authz: &'static str,
    /// How long Envoy waits for an answer.
    pub(crate) timeout: &'static str,
    /// Let requests through when the authorizer fails.
    pub(crate) failure_mode_allow: bool,
    /// Status when the authorizer fails.
    pub(crate) status_on_error: Option<u16>,
    /// `encode_raw_headers`.
    pub(crate) raw_headers: bool,
    /// `allowed_headers`: prefixes, and what has a `[` in it is a regular expression.
    pub(crate) allowed_headers: Option<&'static [&'static str]>,
    /// `with_request_body`.
    pub(crate) body: Option<Body>,
    /// `validate_mutations`.
    pub(crate) validate_mutations: bool,
    /// An empty `decoder_header_mutation_rules`.
    pub(crate) mutation_rules: bool,
    /// The gRPC-Web filter.
    pub(crate) grpc_web: Option<GrpcWeb>,
    /// Envoy's own CORS filter, before the check.
    pub(crate) cors: bool,
    /// Envoy normalises the path and refuses escaped slashes.
    pub(crate) normalize: bool,
    /// `headers_with_underscores_action`.
    pub(crate) underscores: &'static str,
    /// `max_request_headers_kb`.
    pub(crate) headers_kb: u32,
    /// `max_headers_count`.
    pub(crate) headers_count: u32,
    /// Envoy passes WebSocket handshakes on, of HTTP/1.1 and of HTTP/2.
    pub(crate) websocket: bool,
    /// Envoy traces requests, and hands the trace on to the authorizer.
    pub(crate) traced: bool,
    /// Routes before the one that matches everything.
    pub(crate) routes: Vec<Route>,
    /// Anything else of the filter's configuration.
    pub(crate) extra: Value,
}

impl Gate {
    /// Envoy's defaults; the timeout is one that a busy machine cannot miss by chance.
    pub(crate) fn new(name: &'static str) -> Self {
        Self {
            name,
            authz: "authz",
            timeout: "5s",
            failure_mode_allow: false,
            status_on_error: None,
            raw_headers: false,
            allowed_headers: None,
            body: None,
            validate_mutations: false,
            mutation_rules: false,
            grpc_web: None,
            cors: false,
            normalize: false,
            underscores: "ALLOW",
            // The largest value of Envoy: we must check everything that it lets through.
            headers_kb: 8192,
            headers_count: 20_000,
            websocket: false,
            traced: false,
            routes: Vec::new(),
            extra: json!({}),
        }
    }

    /// The listener, on a free port.
    pub(crate) fn listener(&self, access_log: &str) -> Value {
        let mut manager = json!({
            "@type": hcm("HttpConnectionManager"),
            "stat_prefix": self.name,
            "codec_type": "AUTO",
            "max_request_headers_kb": self.headers_kb,
            "common_http_protocol_options": {
                "max_headers_count": self.headers_count,
                "headers_with_underscores_action": self.underscores,
            },
            "http2_protocol_options": { "allow_connect": true },
            "preserve_external_request_id": true,
            "upgrade_configs": [{ "upgrade_type": "CONNECT" }],
            "access_log": [access_log_json(self.name, access_log)],
            "http_filters": self.filters(),
            "route_config": { "virtual_hosts": [{
                "name": "all",
                "domains": ["*"],
                "routes": self.routes(),
            }] },
        });
        if self.cors {
            manager["route_config"]["virtual_hosts"][0]["typed_per_filter_config"] = json!({
                "envoy.filters.http.cors": {
                    "@type": filter("cors", "CorsPolicy"),
                    "allow_origin_string_match": [{ "exact": "https://app.example.com" }],
                    "allow_methods": "GET",
                }
            });
        }
        if self.websocket {
            manager["upgrade_configs"] =
                json!([{ "upgrade_type": "CONNECT" }, { "upgrade_type": "websocket" }]);
        }
        if self.traced {
            // The collector is not there, and need not be.
            manager["tracing"] = json!({ "provider": {
                "name": "envoy.tracers.opentelemetry",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.config.trace.v3.OpenTelemetryConfig",
                    "grpc_service": { "envoy_grpc": { "cluster_name": "collector" } },
                    "service_name": "e2e",
                },
            } });
        }
        if self.normalize {
            manager["normalize_path"] = json!(true);
            manager["merge_slashes"] = json!(true);
            manager["path_with_escaped_slashes_action"] = json!("REJECT_REQUEST");
        }
        json!({
            "name": self.name,
            "address": { "socket_address": { "address": "127.0.0.1", "port_value": 0 } },
            "filter_chains": [{ "filters": [{
                "name": "http",
                "typed_config": manager,
            }] }],
        })
    }

    fn routes(&self) -> Vec<Value> {
        let mut routes: Vec<Value> = self
            .routes
            .iter()
            .map(|route| {
                let per_route = if route.disabled {
                    json!({ "@type": filter("ext_authz", "ExtAuthzPerRoute"), "disabled": true })
                } else {
                    let context: serde_json::Map<_, _> = route
                        .context
                        .iter()
                        .map(|(key, value)| ((*key).to_owned(), json!(value)))
                        .collect();
                    json!({
                        "@type": filter("ext_authz", "ExtAuthzPerRoute"),
                        "check_settings": { "context_extensions": context },
                    })
                };
                let mut entry = json!({
                    "match": { "prefix": route.prefix },
                    "route": { "cluster": "upstream" },
                    "typed_per_filter_config": { "envoy.filters.http.ext_authz": per_route },
                });
                if let Some(id) = route.annotation {
                    entry["metadata"] = json!({ "filter_metadata": { "envoy-gateway": {
                        "resources": [{
                            "kind": "HTTPRoute", "name": "shop", "namespace": "edge",
                            "annotations": { "rownd-authz-route": id },
                        }],
                    } } });
                }
                entry
            })
            .collect();
        routes.push(json!({
            "match": { "connect_matcher": {} },
            "route": { "cluster": "upstream", "upgrade_configs": [{ "upgrade_type": "CONNECT" }] },
        }));
        routes.push(json!({ "match": { "prefix": "" }, "route": { "cluster": "upstream" } }));
        routes
    }

    fn filters(&self) -> Vec<Value> {
        let grpc_web = plain_filter("grpc_web", "GrpcWeb");
        let mut filters = Vec::new();
        if self.cors {
            filters.push(plain_filter("cors", "Cors"));
        }
        if self.grpc_web == Some(GrpcWeb::Before) {
            filters.push(grpc_web.clone());
        }
        filters
            .push(json!({ "name": "envoy.filters.http.ext_authz", "typed_config": self.authz() }));
        if self.grpc_web == Some(GrpcWeb::After) {
            filters.push(grpc_web);
        }
        filters.push(plain_filter("router", "Router"));
        filters
    }

    fn authz(&self) -> Value {
        let mut config = json!({
            "@type": filter("ext_authz", "ExtAuthz"),
            "transport_api_version": "V3",
            "grpc_service": {
                "envoy_grpc": { "cluster_name": self.authz },
                "timeout": self.timeout,
            },
            "failure_mode_allow": self.failure_mode_allow,
            "failure_mode_allow_header_add": self.failure_mode_allow,
            "encode_raw_headers": self.raw_headers,
            "validate_mutations": self.validate_mutations,
        });
        if let Some(status) = self.status_on_error {
            config["status_on_error"] = json!({ "code": status });
        }
        if let Some(allowed) = self.allowed_headers {
            let patterns: Vec<_> = allowed
                .iter()
                .map(|pattern| {
                    if pattern.contains('[') {
                        json!({ "safe_regex": { "regex": pattern } })
                    } else {
                        json!({ "prefix": pattern, "ignore_case": true })
                    }
                })
                .collect();
            config["allowed_headers"] = json!({ "patterns": patterns });
        }
        if let Some(body) = self.body {
            config["with_request_body"] = json!({
                "max_request_bytes": body.max_bytes,
                "allow_partial_message": body.partial,
                "pack_as_bytes": body.as_bytes,
            });
        }
        if self.mutation_rules {
            config["decoder_header_mutation_rules"] = json!({});
        }
        for (key, value) in self.extra.as_object().expect("extra is an object") {
            config[key] = value.clone();
        }
        config
    }
}

/// A TCP listener: the check knows addresses and no HTTP request.
pub(crate) fn network_listener(name: &str) -> Value {
    json!({
        "name": name,
        "address": { "socket_address": { "address": "127.0.0.1", "port_value": 0 } },
        "filter_chains": [{ "filters": [
            {
                "name": "envoy.filters.network.ext_authz",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.network\
                              .ext_authz.v3.ExtAuthz",
                    "stat_prefix": name,
                    "transport_api_version": "V3",
                    "failure_mode_allow": true,
                    "grpc_service": { "envoy_grpc": { "cluster_name": "authz" }, "timeout": "5s" },
                },
            },
            {
                "name": "envoy.filters.network.tcp_proxy",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.network\
                              .tcp_proxy.v3.TcpProxy",
                    "stat_prefix": name,
                    "cluster": "upstream",
                },
            },
        ] }],
    })
}

/// One JSON line a request, found again by its request id.
fn access_log_json(gate: &str, path: &str) -> Value {
    json!({
        "name": "file",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
            "path": path,
            "log_format": { "json_format": {
                "gate": gate,
                "id": "%REQ(X-REQUEST-ID)%",
                "status": "%RESPONSE_CODE%",
                "details": "%RESPONSE_CODE_DETAILS%",
                "flags": "%RESPONSE_FLAGS%",
                "reason": "%DYNAMIC_METADATA(envoy.filters.http.ext_authz:reason)%",
                "authz": "%DYNAMIC_METADATA(envoy.filters.http.ext_authz)%",
            } },
        },
    })
}

fn hcm(message: &str) -> String {
    format!(
        "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.{message}"
    )
}

fn filter(name: &str, message: &str) -> String {
    format!("type.googleapis.com/envoy.extensions.filters.http.{name}.v3.{message}")
}

fn plain_filter(name: &str, message: &str) -> Value {
    json!({
        "name": format!("envoy.filters.http.{name}"),
        "typed_config": { "@type": filter(name, message) },
    })
}
