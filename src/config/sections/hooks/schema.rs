//! Which hooks there are, and how they are asked.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

use crate::config::{
    post_target::{OtherServer, PostTarget, WrittenPostTarget},
    secret::Secret,
    sections::OutboundTls,
    span::Span,
    web_address::WebAddress,
};

/// Services of yours that are asked before something happens.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct WrittenHooks {
    /// Asked before `Exchange` hands out tokens: a denial, and nobody gets them. See
    /// docs/hooks.md. Default: nobody is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before_exchange: Option<WrittenExchangeHook>,
}

/// A service that is asked before `Exchange` hands out tokens. Write `http` or `grpc`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct WrittenExchangeHook {
    /// A web server that is asked by a signed POST request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<WrittenPostTarget>,
    /// A gRPC server that serves `rownd.auth.v1.ExchangeHookService`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grpc: Option<WrittenHookService>,
    /// The grants of `Exchange` that it is asked about. Default: all that sign in, which leaves out
    /// `refresh_token` and `session_refresh`.
    #[serde(default = "sign_ins")]
    #[schemars(length(min = 1, max = 7))]
    pub grants: Vec<HookedGrant>,
    /// The treatment of sign-ins where the service does not answer in time, or answers anything else than a
    /// decision.
    #[serde(default)]
    pub on_failure: OnHookFailure,
    /// The longest time that the service may take. A call of `Exchange` needs this time beside that of
    /// the issuer, and all of it has to fit into `rownd_auth.timeout`.
    #[serde(default = "timeout")]
    #[schemars(extend("x-duration-range" = ["20ms", "30s"]))]
    pub timeout: Span,
    /// The most questions at a time. A further one counts as a failure.
    #[serde(default = "max_in_flight")]
    #[schemars(range(min = 1, max = 4096))]
    pub max_in_flight: usize,
}

/// A gRPC server that is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct WrittenHookService {
    /// Its address without a path: `https://hooks.example.com`, with `:8443` at its end for another
    /// port, or `http://127.0.0.1:9000` for this machine alone. It is asked directly, never
    /// through `network.proxy`.
    pub url: String,
    /// A secret that it gets as `authorization: Bearer SECRET`, in place or `file:/path`, so that it
    /// knows who asks. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
    /// Allows `http://` to another machine. Everybody on the way can then read the requests and the
    /// secret, and answer in its place.
    #[serde(default)]
    pub allow_insecure_http: bool,
    /// TLS to this server. Default: that of `network.tls`.
    #[serde(default)]
    pub tls: OutboundTls,
}

/// A grant of `Exchange`.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum HookedGrant {
    /// A token of another provider.
    ThirdPartyToken,
    /// An authorization code of an OpenID provider.
    AuthorizationCode,
    /// A Rownd token, for a session of SuperTokens.
    Migration,
    /// Nothing: a new instant user or guest.
    Guest,
    /// A link that signs in.
    MagicLink,
    /// A refresh token of Rownd or of an OpenID provider. Most are used up by the exchange, so a
    /// denial ends the user's session.
    RefreshToken,
    /// A refresh token of SuperTokens. It is used up by the exchange, so a denial ends the session.
    SessionRefresh,
}

impl HookedGrant {
    /// The word in the configuration and in questions.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The treatment of what a hook is asked about, where it does not decide.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnHookFailure {
    /// The caller gets no tokens.
    #[default]
    Deny,
    /// The caller gets the tokens, as without a hook.
    Allow,
}

/// The hooks, after the check.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Hooks {
    /// Asked before `Exchange` hands out tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before_exchange: Option<ExchangeHook>,
}

/// A service that is asked before `Exchange` hands out tokens, after the check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExchangeHook {
    /// The service.
    #[serde(flatten)]
    pub receiver: HookReceiver,
    /// The grants of `Exchange` that it is asked about.
    pub grants: Vec<HookedGrant>,
    /// The treatment of sign-ins where it cannot be asked.
    pub on_failure: OnHookFailure,
    /// The longest time that it may take.
    pub timeout: Span,
    /// The most questions at a time.
    pub max_in_flight: usize,
}

impl ExchangeHook {
    /// The server that is asked.
    #[must_use]
    pub fn server(&self) -> OtherServer<'_> {
        const AT: &str = "/hooks/before_exchange";
        match &self.receiver {
            HookReceiver::Http(target) => target.server(format!("{AT}/http")),
            HookReceiver::Grpc(service) => {
                OtherServer { pointer: format!("{AT}/grpc"), url: &service.url, tls: &service.tls }
            }
        }
    }
}

/// The way to a hook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HookReceiver {
    /// By signed POST requests.
    Http(PostTarget),
    /// By gRPC.
    Grpc(HookService),
}

/// A gRPC server that is asked, after the check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HookService {
    /// Its address, without a path.
    pub url: WebAddress,
    /// The secret that it gets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<Secret>,
    /// `http://` to another machine is meant.
    pub allow_insecure_http: bool,
    /// TLS to this server.
    pub tls: OutboundTls,
}

fn sign_ins() -> Vec<HookedGrant> {
    let renews = |grant: &HookedGrant| {
        matches!(grant, HookedGrant::RefreshToken | HookedGrant::SessionRefresh)
    };
    HookedGrant::VARIANTS.iter().copied().filter(|grant| !renews(grant)).collect()
}

const fn timeout() -> Span {
    Span::from_secs(2)
}

const fn max_in_flight() -> usize {
    256
}
