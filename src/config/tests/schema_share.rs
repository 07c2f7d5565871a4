//! The share of mistakes that an editor shows: for each section a list of them, which the reader
//! refuses one by one, and most of which the schema refuses too.

use super::{bad, mistakes::schema_refuses};
use crate::config::{editor_schema, structure::shape};

/// The least share of each section that the schema refuses, in percent.
const LEAST: usize = 80;

/// A configuration with one mistake, the setting complained of, and whether the schema refuses it too.
type Mistake = (&'static str, &'static str, bool);

/// The app is complete before each file that names no issuers; `idp` in it stands for a second
/// issuer, and `# oidc` for that one alone.
const ROWND: &str =
    "{ name: rownd, kind: rownd, apps: [{ id: app_x, key: key_x, secret: ras_x }] }";
const IDP: &str = "{ name: idp, kind: oidc, issuer: 'https://id.test', audiences: [shop] }";
/// Words that stand for a secret of a caller, one that signs, and a key.
const SHORT: [(&str, &str); 3] = [
    ("$S", "0123456789abcdef0123456789abcdef"),
    ("$W", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    ("$K", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="),
];

#[rustfmt::skip] // one case a line
const MISTAKES: &[(&str, &[Mistake])] = &[
    ("Sinks of events", &[
        ("events: { sinks: [{ name: a, stdout: {}, stream: {} }] }", "events.sinks[0]", true),
        ("events: { sinks: [{ name: a }] }", "events.sinks[0]", true),
        ("events: { sinks: [{ name: a, file: { path: events.jsonl } }] }", "events.sinks[0].file.path", true),
        ("events: { sinks: [{ name: a, file: { path: / } }] }", "events.sinks[0].file.path", true),
        ("events: { sinks: [{ name: a, stdout: {}, types: [] }] }", "events.sinks[0].types", true),
        ("events: { sinks: [{ name: a, stdout: {}, types: [user.deleted, user.deleted] }] }", "events.sinks[0].types[1]", true),
        ("events: { sinks: [{ name: a, stdout: {}, sample: { user.deleted: 5 } }] }", "events.sinks[0].sample.user.deleted", true),
        ("events: { sinks: [{ name: a, stdout: {}, sample: { check.denied: 1 } }] }", "events.sinks[0].sample.check.denied", true),
        ("events: { sinks: [{ name: a, stdout: {}, types: [user.deleted], sample: { check.denied: 5 } }] }", "events.sinks[0].sample.check.denied", true),
        ("events: { sinks: [{ name: a, file: { path: /tmp/a.jsonl, max_bytes: 100 } }] }", "events.sinks[0].file.max_bytes", true),
        ("events: { sinks: [{ name: a, stream: { keep_events: 1 } }] }", "events.sinks[0].stream.keep_events", true),
        ("events: { sinks: [{ name: a, http: { url: 'https://crm.test/in', secrets: [$W], directory: /nowhere/q, allow_insecure_http: true } }] }", "events.sinks[0].http.allow_insecure_http", true),
        ("events: { sinks: [{ name: a, http: { url: 'https://crm.test/in', secrets: [$W], directory: /nowhere/q, timeout: 2m } }] }", "events.sinks[0].http.timeout", true),
        ("events: { sinks: [{ name: a, http: { url: 'https://crm.test/in', secrets: [$W], directory: /nowhere/q, give_up_after: 60days } }] }", "events.sinks[0].http.give_up_after", true),
        ("events: { sinks: [{ name: a, http: { url: 'https://crm.test/in', directory: /nowhere/q, secrets: [abc] } }] }", "events.sinks[0].http.secrets[0]", true),
        ("events: { sinks: [{ name: a, http: { url: 'https://crm.test/in', directory: /nowhere/q, secrets: ['whsec_c2hvcnQ='] } }] }", "events.sinks[0].http.secrets[0]", true),
        ("events: { sinks: [{ name: a, http: { url: 'https://crm.test/in', directory: /nowhere/q, secrets: [$W, $W] } }] }", "events.sinks[0].http.secrets[1]", true),
        ("events: { sinks: [{ name: a, http: { url: 'https://crm.test/in', secrets: [$W], directory: /nowhere/q, fsync: true } }] }", "events.sinks[0].http.fsync", true),
        ("events: { sinks: [{ name: a, http: { url: 'http://crm.test/in', secrets: [$W], directory: /nowhere/q, tls: {} } }] }", "events.sinks[0].http.url", true),
        ("events: { sinks: [{ name: a, http: { url: 'https://u:p@crm.test/in', secrets: [$W], directory: /nowhere/q, tls: {} } }] }", "events.sinks[0].http.url", true),
        ("events: { sinks: [{ name: a, http: { url: 'https://crm.test/in#a', secrets: [$W], directory: /nowhere/q, tls: {} } }] }", "events.sinks[0].http.url", true),
        ("events: { sinks: [{ name: a, http: { url: 'http://127.0.0.1:9/in', secrets: [$W], directory: /nowhere/q, tls: { ca_file: /nowhere/ca.pem } } }] }", "events.sinks[0].http.tls.ca_file", true),
        ("events: { sinks: [{ name: a, http: { url: 'https://crm.test/in', secrets: [$W], directory: queue, tls: {} } }] }", "events.sinks[0].http.directory", true),
        ("events: { sinks: [{ name: a, http: { url: 'https://crm.test/in', secrets: [$W], directory: /nowhere/q, timeout: 30s, give_up_after: 5s } }] }", "events.sinks[0].http.give_up_after", false),
        ("events: { sinks: [{ name: a, stdout: {} }, { name: b, stdout: {} }] }", "events.sinks[1].stdout", false),
        ("events: { sinks: [{ name: a, stdout: {} }, { name: a, stream: {} }] }", "events.sinks[1].name", false),
        ("events: { source: 'https://a.test' }", "events.source", true),
        ("events: { source: 'two words', sinks: [{ name: a, stdout: {} }] }", "events.source", true),
        ("events: { profile_fields: [email, email], sinks: [{ name: a, stdout: {} }] }", "events.profile_fields[1]", true),
        ("events: { profile_fields: [email] }", "events.profile_fields", true),
    ]),
    ("Matches", &[
        ("routes: [{ id: a, match: { methods: [GET, GET] } }]", "routes[0].match.methods[1]", true),
        ("guards: [{ id: a, match: { methods: [GET, GET] }, require: never }]", "guards[0].match.methods[1]", true),
    ]),
    ("Sources of events", &[
        ("listeners: { http: { serve: [webhooks] } }\nevents: { sources: [{ name: a, kind: rownd_webhook, issuer: rownd }] }", "events.sources[0].caller", true),
        ("listeners: { http: { serve: [webhooks] } }\nevents: { sources: [{ name: a, kind: rownd_webhook, issuer: rownd, caller: {} }] }", "events.sources[0].caller", true),
        ("listeners: { http: { serve: [webhooks] } }\nevents: { sources: [{ name: a, kind: rownd_webhook, issuer: rownd, caller: { per_second: 5 } }] }", "events.sources[0].caller", true),
        ("listeners: { http: { serve: [webhooks] } }\nevents: { sources: [{ name: a, kind: rownd_webhook, issuer: rownd, caller: { secret: short } }] }", "events.sources[0].caller.secret", true),
        ("listeners: { http: { serve: [webhooks] } }\nevents: { sources: [{ name: a, kind: rownd_webhook, issuer: rownd, caller: { secret: 'file:' } }] }", "events.sources[0].caller.secret", true),
        ("listeners: { http: { serve: [webhooks] } }\nevents: { sources: [{ name: a, kind: rownd_webhook, issuer: rownd, caller: { header: x-a, sources: [192.0.2.1] } }] }", "events.sources[0].caller.header", true),
        ("listeners: { http: { serve: [webhooks] } }\nevents: { sources: [{ name: a, kind: rownd_webhook, issuer: rownd, caller: { secret: $S, header: Cookie } }] }", "events.sources[0].caller.header", true),
        ("listeners: { http: { serve: [webhooks] } }\nevents: { sources: [{ name: a, kind: rownd_webhook, issuer: rownd, caller: { secret: $S, header: 'x a' } }] }", "events.sources[0].caller.header", true),
        ("listeners: { http: { serve: [webhooks] } }\nevents: { sources: [{ name: a, kind: rownd_webhook, issuer: rownd, caller: { sources: [0.0.0.0/0] } }] }", "events.sources[0].caller.sources[0]", true),
        ("listeners: { http: { serve: [webhooks] } }\nevents: { sources: [{ name: a, kind: rownd_webhook, issuer: rownd, caller: { sources: [192.0.2.7/24] } }] }", "events.sources[0].caller.sources[0]", true),
        ("listeners: { http: { serve: [webhooks] } }\nevents: { sources: [{ name: a, kind: rownd_webhook, issuer: rownd, caller: { sources: [api.rownd.io] } }] }", "events.sources[0].caller.sources[0]", true),
        ("listeners: { http: { serve: [webhooks] } }\nevents: { sources: [{ name: a, kind: rownd_webhook, issuer: rownd, caller: { secret: $S }, audiences: [a] }] }", "events.sources[0].audiences", true),
        ("listeners: { http: { serve: [webhooks] } }\nevents: { sources: [{ name: a, kind: rownd_webhook, issuer: rownd, caller: { secret: $S }, untyped: true }] }", "events.sources[0].untyped", true),
        ("listeners: { http: { serve: [webhooks] } }\nevents: { sources: [{ name: a, kind: shared_signals, issuer: idp }] }", "events.sources[0].audiences", true),
        ("listeners: { http: { serve: [webhooks] } }\nevents: { sources: [{ name: a, kind: shared_signals, issuer: idp, audiences: [e], untyped: true }] }", "events.sources[0].untyped", true),
        ("listeners: { http: { serve: [webhooks] } }\nevents: { sources: [{ name: a, kind: back_channel_logout, issuer: idp, audiences: [e], app_id: app_x }] }", "events.sources[0].app_id", true),
        ("events: { sources: [{ name: a, kind: shared_signals, issuer: idp, audiences: [e], poll: { url: 'http://a.test' } }] }", "events.sources[0].poll.url", true),
        ("events: { sources: [{ name: a, kind: shared_signals, issuer: idp, audiences: [e], poll: { url: 'https://a.test', every: 1ms } }] }", "events.sources[0].poll.every", true),
        ("events: { sources: [{ name: a, kind: shared_signals, issuer: idp, audiences: [e], caller: { secret: $S }, poll: { url: 'https://a.test' } }] }", "events.sources[0].caller", true),
        ("events: { sources: [{ name: a, kind: rownd_webhook, issuer: rownd, caller: { secret: $S } }] }", "events.sources", true),
        ("listeners: { http: { serve: [webhooks] } }", "listeners.http.serve[0]", true),
        ("listeners: { http: { serve: [webhooks] } }\nevents: { sources: [{ name: a, kind: rownd_webhook, issuer: nobody, caller: { secret: $S } }] }", "events.sources[0].issuer", false),
        ("listeners: { http: { serve: [webhooks] } }\nevents: { sources: [{ name: a, kind: shared_signals, issuer: rownd, audiences: [e] }] }", "events.sources[0].issuer", true),
    ]),
    ("The token validator", &[
        ("listeners: { http: { serve: [token_validator] } }\ntoken_validator: { issuers: [idp], caller: { secret: $S } }", "token_validator.claims", true),
        ("listeners: { http: { serve: [token_validator] } }\ntoken_validator: { issuers: [idp], claims: { email: email } }", "token_validator", true),
        ("listeners: { http: { serve: [token_validator] } }\ntoken_validator: { issuers: [idp], caller: { secret: $S, header: Authorization }, claims: { email: email } }", "token_validator.caller.header", true),
        ("listeners: { http: { serve: [token_validator] } }\ntoken_validator: { issuers: [idp], caller: { secret: $S }, claims: { 'e-mail': email } }", "token_validator.claims.e-mail", true),
        ("listeners: { http: { serve: [token_validator] } }\ntoken_validator: { issuers: [idp], caller: { secret: $S }, claims: { email: '' } }", "token_validator.claims.email", true),
        ("listeners: { http: { serve: [token_validator] } }\ntoken_validator: { issuers: [idp], caller: { secret: $S }, user_id: { claim: sub, field: 'user id' } }", "token_validator.user_id.field", true),
        ("listeners: { http: { serve: [token_validator] } }\ntoken_validator: { issuers: [idp], caller: { secret: $S }, user_id: { claim: sub }, claims: { userId: sub } }", "token_validator.user_id.field", true),
        ("listeners: { http: { serve: [token_validator] } }\ntoken_validator: { issuers: [idp], caller: { secret: $S }, claims: { email: email }, timeout: 1m }", "token_validator.timeout", true),
        ("token_validator: { issuers: [idp], caller: { secret: $S }, claims: { email: email } }", "token_validator", true),
        ("listeners: { http: { serve: [token_validator] } }", "listeners.http.serve[0]", true),
        ("listeners: { http: { serve: [token_validator] } }\ntoken_validator: { issuers: [idp, idp], caller: { secret: $S }, claims: { email: email } }", "token_validator.issuers[1]", true),
    ]),
    ("Hooks", &[
        ("hooks: { before_exchange: { on_failure: deny } }", "hooks.before_exchange", true),
        ("hooks: { before_exchange: { grpc: { url: 'https://a.test' }, http: { url: 'https://a.test', secrets: [$W] } } }", "hooks.before_exchange", true),
        ("hooks: { before_exchange: { grpc: { url: 'https://a.test/path' } } }", "hooks.before_exchange.grpc.url", true),
        ("hooks: { before_exchange: { grpc: { url: 'grpc://a.test' } } }", "hooks.before_exchange.grpc.url", true),
        ("hooks: { before_exchange: { grpc: { url: 'a.test:9000' } } }", "hooks.before_exchange.grpc.url", true),
        ("hooks: { before_exchange: { grpc: { url: 'http://hooks.test' } } }", "hooks.before_exchange.grpc.url", true),
        ("hooks: { before_exchange: { grpc: { url: 'https://a.test', allow_insecure_http: true } } }", "hooks.before_exchange.grpc.allow_insecure_http", true),
        ("hooks: { before_exchange: { grpc: { url: 'https://a.test:70000' } } }", "hooks.before_exchange.grpc.url", true),
        ("hooks: { before_exchange: { grpc: { url: 'https://a.test', secret: 'two words' } } }", "hooks.before_exchange.grpc.secret", true),
        ("hooks: { before_exchange: { http: { url: 'https://a.test', secrets: [] } } }", "hooks.before_exchange.http.secrets", true),
        ("hooks: { before_exchange: { http: { url: 'http://a.test', secrets: [$W] } } }", "hooks.before_exchange.http.url", true),
        ("hooks: { before_exchange: { grpc: { url: 'https://a.test' }, grants: [guest, guest] } }", "hooks.before_exchange.grants[1]", true),
        ("hooks: { before_exchange: { grpc: { url: 'https://a.test' }, timeout: 1m } }", "hooks.before_exchange.timeout", true),
        ("hooks: { before_exchange: { grpc: { url: 'https://a.test' }, grants: [] } }", "hooks.before_exchange.grants", true),
    ]),
    ("State that replicas share", &[
        ("shared: { url: redis.test, key: $K }", "shared.url", true),
        ("shared: { url: 'redis://redis.test', key: $K }", "shared.url", true),
        ("shared: { url: 'https://redis.test', key: $K }", "shared.url", true),
        ("shared: { url: 'rediss://u:p@redis.test', key: $K }", "shared.url", true),
        ("shared: { url: 'rediss://redis.test/cache', key: $K }", "shared.url", true),
        ("shared: { url: 'rediss://redis.test?db=2', key: $K }", "shared.url", true),
        ("shared: { url: 'rediss://redis.test:70000', key: $K }", "shared.url", true),
        ("shared: { url: 'unix:redis.sock', key: $K }", "shared.url", true),
        ("shared: { url: 'rediss://redis.test', allow_insecure: true, key: $K }", "shared.allow_insecure", true),
        ("shared: { url: 'redis://127.0.0.1', tls: { ca_file: /nowhere/ca.pem }, key: $K }", "shared.tls.ca_file", true),
        ("shared: { url: 'rediss://redis.test', username: a, key: $K }", "shared.username", true),
        ("shared: { url: 'rediss://redis.test', timeout: 1m, key: $K }", "shared.timeout", true),
        ("shared: { url: 'rediss://redis.test', prefix: 'a b', key: $K }", "shared.prefix", true),
        ("shared: { url: 'rediss://redis.test', key: c2hvcnQ= }", "shared.key", true),
        ("shared: { url: 'rediss://redis.test', key: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= }", "shared.key", true),
        ("shared: { url: 'rediss://redis.test', key: '${KEY}' }", "shared.key", true),
    ]),
    ("The listener `http`", &[
        ("listeners: { http: { serve: [rpc] } }", "listeners.http.hosts", true),
        ("rownd_auth: { callers: [{ name: a, allow: [verify], secret: $S }] }\nlisteners: { http: { serve: [rpc], tls: { cert_file: /a } } }", "listeners.http.hosts", true),
        ("rownd_auth: { callers: [{ name: a, allow: [verify], secret: $S }] }\nlisteners: { http: { serve: [rpc], hosts: ['a.test:443'] } }", "listeners.http.hosts[0]", true),
        ("rownd_auth: { callers: [{ name: a, allow: [verify], secret: $S }] }\nlisteners: { http: { serve: [rpc], hosts: [a.test], cors: { allowed_origins: [] } } }", "listeners.http.cors.allowed_origins", true),
        ("rownd_auth: { callers: [{ name: a, allow: [verify], secret: $S }] }\nlisteners: { http: { serve: [rpc], hosts: [a.test], cors: { allowed_origins: ['*'] } } }", "listeners.http.cors.allowed_origins[0]", true),
        ("rownd_auth: { callers: [{ name: a, allow: [verify], secret: $S }] }\nlisteners: { http: { serve: [rpc], hosts: [a.test], cors: { allowed_origins: ['https://a.test/'] } } }", "listeners.http.cors.allowed_origins[0]", true),
        ("rownd_auth: { callers: [{ name: a, allow: [verify], secret: $S }] }\nlisteners: { http: { serve: [rpc], hosts: [a.test], cors: { allowed_origins: ['http://a.test'] } } }", "listeners.http.cors.allowed_origins[0]", true),
        ("rownd_auth: { callers: [{ name: a, allow: [verify], secret: $S }] }\nlisteners: { http: { serve: [rpc], hosts: [a.test], cors: { allowed_origins: ['https://*.com'] } } }", "listeners.http.cors.allowed_origins[0]", true),
        ("rownd_auth: { callers: [{ name: a, allow: [verify], secret: $S }] }\nlisteners: { http: { serve: [rpc], hosts: [a.test], cors: { allowed_origins: ['https://a.test'], max_age: 2days } } }", "listeners.http.cors.max_age", true),
        ("listeners: { http: { serve: [passport_keys] } }", "listeners.http.serve[0]", true),
        ("listeners: { http: { serve: [resource_metadata] } }", "listeners.http.serve[0]", true),
        ("listeners: { http: { serve: [rpc], hosts: [a.test] } }", "listeners.http.serve[0]", true),
        ("rownd_auth: { callers: [{ name: a, allow: [verify], secret: $S }] }\nlisteners: { http: { serve: [rpc], hosts: [a.test], address: '127.0.0.1:50051' } }", "listeners.http.address", false),
    ]),
    ("Passports", &[
        ("routes: [{ id: a, match: any, passport: { audience: shop } }]", "routes[0].passport", true),
        ("passport: { issuer: 'https://authz.test', keys: [{ file: /nowhere/k.pem }], ttl: 1h }\nroutes: [{ id: a, match: any, passport: { audience: shop } }]", "passport.ttl", true),
        ("passport: { issuer: 'https://authz.test', keys: [{ file: /nowhere/k.pem }], ttl: 60s }\nroutes: [{ id: a, match: any, passport: { audience: shop, scope: pay } }]", "routes[0].passport.scope", true),
        ("passport: { issuer: 'https://authz.test', keys: [{ file: /nowhere/k.pem }], ttl: 60s }\nroutes: [{ id: a, match: any, passport: { ttl: 60s } }]", "routes[0].passport", true),
        ("passport: { issuer: 'https://authz.test', keys: [{ file: /nowhere/k.pem }], ttl: 60s }\nroutes: [{ id: a, match: any, passport: { format: txn-token, scope: pay } }]", "routes[0].passport.format", true),
        ("passport: { issuer: 'https://authz.test', keys: [{ file: /nowhere/k.pem }], trust_domain: a.test }\nroutes: [{ id: a, match: any, passport: { format: txn-token, scope: pay, audience: a } }]", "routes[0].passport.audience", true),
        ("passport: { issuer: 'https://authz.test', keys: [{ file: /nowhere/k.pem }], trust_domain: a.test }\nroutes: [{ id: a, match: any, passport: { format: txn-token } }]", "routes[0].passport", true),
        ("passport: { issuer: 'https://authz.test', keys: [{ file: /nowhere/k.pem }], ttl: 60s }\nroutes: [{ id: a, match: any, passport: { audience: shop, claims: { iss: { constant: a } } } }]", "routes[0].passport.claims.iss", true),
        ("passport: { issuer: 'https://authz.test', keys: [{ file: /nowhere/k.pem }], ttl: 60s }\nroutes: [{ id: a, match: any, passport: { audience: 'two words' } }]", "routes[0].passport.audience", true),
        ("passport: { issuer: 'http://authz.test', keys: [{ file: /nowhere/k.pem }], ttl: 60s }\nroutes: [{ id: a, match: any, passport: { audience: shop } }]", "passport.issuer", true),
        ("passport: { issuer: 'https://authz.test/', keys: [{ file: /nowhere/k.pem }], ttl: 60s }\nroutes: [{ id: a, match: any, passport: { audience: shop } }]", "passport.issuer", true),
        ("passport: { issuer: 'https://authz.test', keys: [{ file: key.pem }], ttl: 60s }\nroutes: [{ id: a, match: any, passport: { audience: shop } }]", "passport.keys[0].file", true),
        ("passport: { issuer: 'https://authz.test', keys: [{ file: /nowhere/k.pem }], trust_domain: 'a b' }\nroutes: [{ id: a, match: any, passport: { audience: shop } }]", "passport.trust_domain", true),
    ]),
    ("Roles and where they come from", &[
        ("roles: { a: { permissions: ['a:*:b'] } }", "roles.a.permissions[0]", true),
        ("roles: { a: { permissions: ['two words'] } }", "roles.a.permissions[0]", true),
        ("roles: { a: { permissions: [x, x] } }", "roles.a.permissions[1]", true),
        ("roles: { a: { inherits: [b] } }", "roles.a.inherits[0]", false),
        ("roles: { a: { inherits: [a] } }", "roles.a.inherits", false),
        ("role_sources: [{ claim: roles, attribute: roles }]", "role_sources[0]", true),
        ("role_sources: [{ mapped: false }]", "role_sources[0]", true),
        ("role_sources: [{ prefix: 'k:' }]", "role_sources[0]", true),
        ("role_sources: [{ claim: sub }]", "role_sources[0].claim", true),
        ("role_sources: [{ claim: roles, map: { a: b }, prefix: 'k:' }]", "role_sources[0].prefix", true),
        ("role_sources: [{ claim: roles, map: {} }]", "role_sources[0].map", true),
        ("role_sources: [{ users: {} }]", "role_sources[0].users", true),
        ("role_sources: [{ users: { '@': [a] } }]", "role_sources[0].users.@", true),
        ("role_sources: [{ users: { u: [] } }]", "role_sources[0].users.u", true),
        ("role_sources: [{ users: { u: [a, a] } }]", "role_sources[0].users.u[1]", true),
        ("role_sources: [{ permission_claim: p, prefix: 'k:' }]", "role_sources[0].prefix", true),
        ("role_sources: [{ attribute: 'two words' }]", "role_sources[0].attribute", true),
        ("role_sources: [{ st_role: true }]", "role_sources[0].st_role", true),
        ("role_sources: [{ claim: roles, issuers: [] }]", "role_sources[0].issuers", true),
    ]),
    ("Rules", &[
        ("routes: [{ id: a, match: { headers: [{ name: Host, exact: a.test }] } }]", "routes[0].match.headers[0].name", true),
        ("routes: [{ id: a, match: { headers: [{ name: x-rownd-user-id, present: true }] } }]", "routes[0].match.headers[0].name", true),
        ("routes: [{ id: a, match: { headers: [{ name: x-a, exact: 'a, b' }] } }]", "routes[0].match.headers[0].exact", true),
        ("routes: [{ id: a, match: { headers: [{ name: x-a, exact: ' a' }] } }]", "routes[0].match.headers[0].exact", true),
        ("routes: [{ id: a, match: { query: [{ name: 'a=b', present: true }] } }]", "routes[0].match.query[0].name", true),
        ("routes: [{ id: a, match: { query: [{ name: a, exact: 'a b' }] } }]", "routes[0].match.query[0].exact", true),
        ("routes: [{ id: a, match: { path: { template: '/a/x-{id}' } } }]", "routes[0].match.path.template", true),
        ("routes: [{ id: a, match: { path: { template: '/a/{rest...}/b' } } }]", "routes[0].match.path.template", true),
        ("routes: [{ id: a, match: { path: { template: '/a/{Id}' } } }]", "routes[0].match.path.template", true),
        ("routes: [{ id: a, match: { path: { template: '/{id}/{id}' } } }]", "routes[0].match.path.template", false),
        ("routes: [{ id: a, match: { path: { regex: 'users/.*' } } }]", "routes[0].match.path.regex", true),
        ("routes: [{ id: a, match: { path: { regex: '/a(?!b)' } } }]", "routes[0].match.path.regex", true),
        ("routes: [{ id: a, match: { principal: '*' } }]", "routes[0].match.principal", true),
        ("routes: [{ id: a, match: { principal: 'spiffe://a.test' } }]", "routes[0].match.principal", true),
        ("routes: [{ id: a, match: { principal: 'spiffe://a.test/ns/x-*' } }]", "routes[0].match.principal", true),
        ("routes: [{ id: a, match: any, denial: {} }]", "routes[0].denial", true),
        ("routes: [{ id: a, match: any, denial: { json: true, html: {} } }]", "routes[0].denial.json", true),
        ("routes: [{ id: a, match: any, denial: { redirect: { url: 'https://a.test', return_to: max_age } } }]", "routes[0].denial.redirect.return_to", true),
        ("denial: { redirect: { url: 'http://login.test' } }", "denial.redirect.url", true),
        ("default: { require: { permission: 'orders:*' } }", "default.require.permission", true),
        ("default: { require: { role: ' a' } }", "default.require.role", true),
        ("default: { require: { max_age: 2y } }", "default.require.max_age", true),
        ("default: { require: { max_age: 0s } }", "default.require.max_age", true),
        ("default: { require: { claim: { name: a, equals: 1 } } } # idp", "default.require", true),
        ("default: { require: { scope: x } } # idp", "default.require", true),
        ("guards: [{ id: a, match: any, require: { user: x } }] # idp", "guards[0].require", true),
        ("default: { require: { issuer: https://a.test } }", "default.require.issuer", false),
        ("default: { freshness: profile } # oidc", "default.freshness", true),
        ("headers: [{ name: host, from: { constant: a } }]", "headers[0].name", true),
        ("headers: [{ name: content-length, from: { constant: '5' } }]", "headers[0].name", true),
        ("response_headers: [{ name: set-cookie, from: { constant: a } }]", "response_headers[0].name", true),
        ("headers: [{ name: authorization, from: { constant: a } }]", "headers[0].name", true),
        ("headers: [{ name: x-a, from: { path: id } }]", "headers[0].from.path", true),
        ("headers: [{ name: x-a, from: { identity: roles } }]", "headers[0].from.identity", true),
        ("headers: [{ name: x-a, from: { constant: ' a' } }]", "headers[0].from.constant", true),
        ("headers: [{ name: x-a, from: { constant: a }, replaces_credential: true }]", "headers[0].replaces_credential", true),
        ("headers: [{ name: x-a, from: { constant: a } }, { name: x-a, from: { constant: b } }]", "headers[1].name", false),
        ("headers: [{ name: x-a, from: { profile: email } }] # oidc", "headers[0].from", true),
        ("routes: [{ id: a, match: any, query: {} }]", "routes[0].query", true),
        ("routes: [{ id: a, match: any, query: { remove: [a, a] } }]", "routes[0].query.remove[1]", true),
        ("routes: [{ id: a, match: any, query: { remove: ['a b'] } }]", "routes[0].query.remove[0]", true),
    ]),
    ("Issuers", &[
        ("issuers: [{ name: a, kind: oidc, issuer: 'https://a.test/{tenant}', audiences: [b] }]", "issuers[0].tenants", true),
        ("issuers: [{ name: a, kind: oidc, issuer: 'https://a.test', audiences: [b], tenants: [c] }]", "issuers[0].issuer", true),
        ("issuers: [{ name: a, kind: oidc, issuer: 'https://a.test/{tenant}', audiences: [b], tenants: [c, c] }]", "issuers[0].tenants[1]", true),
        ("issuers: [{ name: a, kind: oidc, issuer: 'https://a.test/{tenant}', audiences: [b], tenants: [a/b] }]", "issuers[0].tenants[0]", true),
        ("issuers: [{ name: a, kind: oidc, issuer: 'https://a.test/{realm}', audiences: [b] }]", "issuers[0].issuer", true),
        ("issuers: [{ name: a, kind: oidc, issuer: a.test, audiences: [b] }]", "issuers[0].issuer", true),
        ("issuers: [{ name: a, kind: oidc, issuer: 'http://a.test', audiences: [b] }]", "issuers[0].issuer", true),
        ("issuers: [{ name: a, kind: oidc, issuer: 'https://a.test', audience: { claim: azp } }]", "issuers[0].audience.values", true),
        ("issuers: [{ name: a, kind: oidc, issuer: 'https://a.test', audience: { claim: azp, values: [] } }]", "issuers[0].audience.values", true),
        ("issuers: [{ name: a, kind: oidc, issuer: 'https://a.test', audiences: [b], leeway: 5m }]", "issuers[0].leeway", true),
        ("issuers: [{ name: a, kind: oidc, issuer: 'https://a.test', audiences: [b], jwks_url: 'https://u:p@a.test/k' }]", "issuers[0].jwks_url", true),
        ("issuers: [{ name: a, kind: rownd, base_url: 'https://a.test?x=1', apps: [{ id: app_x }] }]", "issuers[0].base_url", true),
        ("issuers: [{ name: a, kind: rownd, apps: [{ id: app_x, key: 'a b' }] }]", "issuers[0].apps[0].key", true),
        ("issuers: [{ name: a, kind: supertokens, base_url: 'https://a.test', core: { base_url: 'http://core.test' } }]", "issuers[0].core.base_url", true),
        ("issuers: [{ name: a, kind: supertokens, base_url: 'https://a.test', core: { base_url: 'https://core.test?a=b' } }]", "issuers[0].core.base_url", true),
    ]),
    ("Callers, clients and the network", &[
        ("rownd_auth: { callers: [{ name: a, allow: [verify], uids: [1000] }] }", "rownd_auth.callers[0].uids", true),
        ("rownd_auth: { callers: [{ name: a, allow: [verify], secret: 'sixteen signs and' }] }", "rownd_auth.callers[0].secret", true),
        ("rownd_auth: { callers: [{ name: a, allow: [verify], secret: $S }, { name: a, allow: [verify], secret: 'fedcba9876543210' }] }", "rownd_auth.callers[1].name", false),
        ("rownd_auth: { callers: [{ name: a, allow: [verify], secret: $S, issuers: [nobody] }] }", "rownd_auth.callers[0].issuers[0]", false),
        ("rownd_auth: { callers: [{ name: a, allow: [verify], dns_names: ['*.a.test'] }] }", "rownd_auth.callers[0].dns_names", true),
        ("rownd_auth: { oidc_clients: [{ name: w, issuer: idp, client_id: c, redirect_uris: [] }] }", "rownd_auth.oidc_clients[0].redirect_uris", true),
        ("rownd_auth: { oidc_clients: [{ name: w, issuer: idp, client_id: c, redirect_uris: ['http://a.test/cb'] }] }", "rownd_auth.oidc_clients[0].redirect_uris[0]", true),
        ("rownd_auth: { oidc_clients: [{ name: w, issuer: idp, client_id: c, redirect_uris: ['https://a.test/cb#x'] }] }", "rownd_auth.oidc_clients[0].redirect_uris[0]", true),
        ("rownd_auth: { oidc_clients: [{ name: w, issuer: idp, client_id: c, redirect_uris: ['javascript:alert(1)'] }] }", "rownd_auth.oidc_clients[0].redirect_uris[0]", true),
        ("rownd_auth: { oidc_clients: [{ name: w, issuer: idp, client_id: c, redirect_uris: ['/cb'] }] }", "rownd_auth.oidc_clients[0].redirect_uris[0]", true),
        ("rownd_auth: { oidc_clients: [{ name: w, issuer: idp, client_id: c, redirect_uris: ['https://a.test/cb'], scopes: [email] }] }", "rownd_auth.oidc_clients[0].scopes", true),
        ("rownd_auth: { oidc_clients: [{ name: w, issuer: idp, client_id: c, redirect_uris: ['https://a.test/cb'], auth_method: basic }] }", "rownd_auth.oidc_clients[0].client_secret", true),
        ("rownd_auth: { oidc_clients: [{ name: w, issuer: idp, client_id: c, redirect_uris: ['https://a.test/cb'], auth_method: none, client_secret: a }] }", "rownd_auth.oidc_clients[0].auth_method", true),
        ("rownd_auth: { oidc_clients: [{ name: w, issuer: idp, client_id: c, redirect_uris: ['https://a.test/cb'], pkce: false }] }", "rownd_auth.oidc_clients[0].pkce", true),
        ("rownd_auth: { oidc_clients: [{ name: w, issuer: rownd, client_id: c, redirect_uris: ['https://a.test/cb'] }] }", "rownd_auth.oidc_clients[0].issuer", true),
        ("network: { proxy: 'proxy:3128' }", "network.proxy", true),
        ("network: { proxy: 'socks5://proxy.test:1080' }", "network.proxy", true),
        ("network: { proxy: 'http://proxy.test/pac' }", "network.proxy", true),
        ("network: { no_proxy: [a.test] }", "network.no_proxy", true),
        ("network: { proxy: 'http://proxy.test', no_proxy: ['*.a.test'] }", "network.no_proxy[0]", true),
        ("network: { proxy: environment, no_proxy: [a.test] }", "network.no_proxy", true),
        ("credentials: [{ cookie: a }]\ntrusted_origins: ['https://a.test', 'https://a.test']", "trusted_origins[1]", true),
        ("credentials: [{ cookie: a }]\ntrusted_origins: ['https://*.test']", "trusted_origins[0]", true),
        ("protected_resource: { resource: 'https://a.test?x=1', authorization_servers: ['https://b.test'] }", "protected_resource.resource", true),
        ("protected_resource: { resource: 'https://a.test', authorization_servers: ['b.test'] }", "protected_resource.authorization_servers[0]", true),
        ("shutdown: { grace: 1h }", "shutdown.grace", true),
        ("check: { timeout: 1ms }", "check.timeout", true),
        ("log: { format: xml }", "log.format", true),
    ]),
];

/// The whole file of a mistake.
fn file(yaml: &str) -> String {
    let short = |text: String, (name, of): &(&str, &str)| text.replace(name, of);
    let yaml = SHORT.iter().fold(yaml.to_owned(), short);
    if yaml.contains("issuers: [{") {
        return yaml;
    }
    let issuers = match (yaml.contains("# oidc"), yaml.contains("idp")) {
        (true, _) => IDP.to_owned(),
        (false, true) => format!("{ROWND}, {IDP}"),
        (false, false) => ROWND.to_owned(),
    };
    format!("issuers: [{issuers}]\n{yaml}\n")
}

#[test]
fn the_schema_refuses_most_mistakes_of_every_section() {
    for (section, mistakes) in MISTAKES {
        let mut by_schema = 0;
        for (yaml, setting, expected) in *mistakes {
            let yaml = file(yaml);
            let problems = bad(&yaml, &[]);
            let is_told = problems.iter().any(|problem| problem.setting == *setting);
            assert!(is_told, "{setting} in {yaml}: {problems:#?}");
            let refused = schema_refuses(&yaml);
            assert_eq!(refused, *expected, "the schema about {yaml}");
            by_schema += usize::from(refused);
        }
        let share = by_schema * 100 / mistakes.len();
        assert!(share >= LEAST, "{section}: {by_schema} of {}", mistakes.len());
    }
}

#[test]
fn each_rule_has_a_place_in_the_schema() {
    for (at, rule) in editor_schema::rules() {
        assert!(shape().pointer(&at).is_some_and(serde_json::Value::is_object), "{at}: {rule}");
    }
}
