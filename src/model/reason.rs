//! Why a check was allowed or denied: one stable word for body, challenge, metadata, log and
//! metric.

use super::class::DenialClass;

/// Why a check was allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(usize)]
pub enum AllowReason {
    /// A verified identity satisfied the route.
    Authenticated,
    /// The route lets callers without a credential pass.
    Anonymous,
    /// The route asks for nothing (`auth: none`).
    Public,
    /// A CORS preflight on a route that lets those pass.
    CorsPreflight,
}

impl AllowReason {
    /// Every reason.
    pub const ALL: [Self; 4] =
        [Self::Authenticated, Self::Anonymous, Self::Public, Self::CorsPreflight];

    /// The stable word, `snake_case`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Authenticated => "authenticated",
            Self::Anonymous => "anonymous",
            Self::Public => "public",
            Self::CorsPreflight => "cors_preflight",
        }
    }
}

macro_rules! deny_reasons {
    ($( $(#[doc = $doc:literal])+ $variant:ident => $code:literal, $class:ident, $message:literal, $cure:literal; )+) => {
        /// The stable reason of a denial. Each is documented in `docs/deny-reasons.md`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(usize)]
        pub enum DenyReason { $( $(#[doc = $doc])+ $variant, )+ }

        impl DenyReason {
            /// Every reason, in the order of the documentation.
            pub const ALL: &'static [Self] = &[ $( Self::$variant, )+ ];

            /// The stable word, `snake_case`.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $( Self::$variant => $code, )+ }
            }

            /// The class of the denial; the doors map the class to their protocol.
            #[must_use]
            pub const fn class(self) -> DenialClass {
                match self { $( Self::$variant => DenialClass::$class, )+ }
            }

            /// One sentence for the client. It never quotes what the client sent.
            #[must_use]
            pub const fn message(self) -> &'static str {
                match self { $( Self::$variant => $message, )+ }
            }

            /// The advice for the documentation.
            #[must_use]
            pub const fn cure(self) -> &'static str {
                match self { $( Self::$variant => $cure, )+ }
            }

            /// The meaning, for the documentation.
            #[must_use]
            pub const fn documentation(self) -> &'static [&'static str] {
                match self { $( Self::$variant => &[$($doc),+], )+ }
            }
        }
    };
}

deny_reasons! {
    /// The route requires a credential and the request has none.
    CredentialMissing => "credential_missing", Anonymous, "a credential is required",
        "Have the client sign in and send its token. If it does send one, add the place to \
         `credentials`; if the route is meant to be public, give it `auth: none`.";

    /// The token is not a JWT in compact form: wrong number of parts, not base64url, not strict
    /// JSON, duplicate members, a registered claim of the wrong JSON type, a `kid` above 256 bytes
    /// or a signature above 1024 bytes.
    TokenMalformed => "token_malformed", BadCredential, "the token is malformed",
        "`token inspect` says what is wrong. Often it is no JWT at all (an opaque token, a JSON \
         body), is cut off, or has `Bearer` before it twice.";
    /// `Authorization` holds a signed token, but not in the form `Bearer TOKEN`: the word is missing,
    /// is not alone (`Bearer:`), or stands in quotes. Other schemes, such as `Basic`, are left to the
    /// service behind.
    AuthorizationMalformed => "authorization_malformed", BadCredential, "the Authorization header holds a token but has not the form: Bearer TOKEN",
        "Have the client write the word `Bearer`, a blank and the token, without quotes.";
    /// The token is longer than `check.max_token_bytes`. It was not parsed. The setting bounds the
    /// whole token; its header and its claims have no bound of their own.
    TokenTooLarge => "token_too_large", BadCredential, "the token is longer than check.max_token_bytes",
        "Have the issuer put less into it, or raise the setting.";
    /// The token's header asks for a feature that is not supported (`crit`, `b64`, `zip`, `enc`,
    /// `cty`, `epk`, `cnf`), or its `typ` is not that of a JWT or an access token. Keys in the
    /// header, or links to keys, are ignored and do not cause this.
    TokenHeaderRefused => "token_header_refused", BadCredential, "the token header is not acceptable",
        "Have the issuer sign plain tokens. Encrypted, nested and key-bound tokens cannot be \
         used.";
    /// The `alg` of the token is not one of this issuer's algorithms.
    AlgorithmRefused => "algorithm_refused", BadCredential, "the token algorithm is not acceptable",
        "If the issuer has changed its algorithm, add it to `issuers[].algorithms`; otherwise it \
         is an attack or the token of another issuer.";
    /// The token's `iss` is not a configured issuer.
    IssuerUntrusted => "issuer_untrusted", BadCredential, "the token issuer is not trusted",
        "Compare it with `issuers[].issuer`, to the last slash. Often the token is of another \
         environment, or the issuer is missing from the configuration, or its tenant from \
         `issuers[].tenants`.";
    /// The issuer publishes no key with the token's `kid`, and the token was issued before the last
    /// fetch of its keys (or has no `iat`, or keys are not fetched from this issuer).
    KidUnknown => "kid_unknown", BadCredential, "the token is signed by an unknown key",
        "The token comes from another environment (development against production), or its key \
         was withdrawn. If keys are not fetched, add the key to `issuers[].key_set`.";
    /// The token has no `kid`, and more than four keys of the issuer fit its algorithm: they are not
    /// tried one after the other. Up to four are, for kinds `oidc` and `static`.
    KidMissing => "kid_missing", BadCredential, "the token does not name its key",
        "Have the issuer write a `kid` into its tokens and keys, or publish only the keys that it \
         signs with. `issuers[].algorithms` leaves out the keys of other algorithms.";
    /// The signature does not fit the issuer's key, or none of the few that fit a token without a
    /// `kid`: a forged or damaged token.
    SignatureInvalid => "signature_invalid", BadCredential, "the token signature is not valid",
        "If genuine clients get this, the issuer has another key under the same `kid`: its keys \
         are fetched again at most once in `issuers[].keys.cooldown`, and at once by `/keys/forget` \
         on the control socket.";
    /// The token has expired (`exp`, with `issuers[].leeway`; without it on a route with a `passport`).
    TokenExpired => "token_expired", BadCredential, "the token has expired",
        "The client should refresh it. If new tokens get this, compare the clocks.";
    /// The token was issued (`iat`) longer ago than the rule's `token_max_age`, or does not say when.
    TokenTooOld => "token_too_old", BadCredential, "the token was issued too long ago",
        "The client should refresh it. If new tokens get this, have the issuer put `iat` into them.";
    /// The token is not valid yet (`nbf`), or was issued in the future (`iat`), with
    /// `issuers[].leeway`.
    TokenNotYetValid => "token_not_yet_valid", BadCredential, "the token is not valid yet",
        "Compare the clocks of the issuer and of this machine.";
    /// An operator revoked the token, its session, or all tokens of its user up to some time; or,
    /// on a route with `freshness: profile`, the user signed out everywhere after the token was
    /// issued.
    Revoked => "revoked", BadCredential, "the token has been revoked",
        "The user should sign in again.";
    /// On a route with `freshness: profile`: the user is not enabled at Rownd.
    UserDisabled => "user_disabled", BadCredential, "the user is disabled",
        "If this is wrong, enable the user at Rownd; it takes effect within `profiles.ttl`.";
    /// On a route with `freshness: profile`: Rownd has no user (any more) with the token's id.
    UserNotFound => "user_not_found", BadCredential, "there is no such user",
        "The user should sign in again. If all users get this, compare the app of the token \
         with that of `issuers[].apps`.";
    /// The token was made for another app: no `app:ID` of a configured app, or none of the issuer's
    /// `audiences`, stands in `aud`; or the claim of `audience` names none of its `values`.
    AudienceMismatch => "audience_mismatch", BadCredential, "the token was made for another audience",
        "Compare `aud`, which `token inspect` shows, with `issuers[].apps[].id` or \
         `issuers[].audiences`. For tokens that have no `aud`, write `issuers[].audience`.";
    /// The token was made through an app variant (sub-brand) that is not in the allow-list.
    VariantRefused => "variant_refused", BadCredential, "the token was made for another app variant",
        "If users of this variant may use the service, add it to `issuers[].apps[].variants`.";
    /// The token is of a kind that the issuer's settings do not accept: a refresh token, an ID
    /// token instead of an access token or the reverse, an OAuth2 token of SuperTokens.
    TokenKindRefused => "token_kind_refused", BadCredential, "this kind of token is not acceptable here",
        "Have the client send its access token. If clients have ID tokens only, write \
         `issuers[].accepts: id`. For a well-known provider, write `issuers[].preset`.";
    /// Two issuers of the configuration have the token's `iss`, one for access tokens and one for ID
    /// tokens, and the token fits both: no claim distinguishes its kind, and its audience is one of
    /// both.
    TokenKindAmbiguous => "token_kind_ambiguous", BadCredential, "the token could be of more than one kind",
        "Give the two issuers different `audiences`: an ID token is for the client, an access token \
         for the service. Or have the issuer mark its tokens (`typ: at+jwt`, `nonce`, `scope`).";
    /// A claim that the identity needs is missing or unusable: no expiry, no user id, an unknown
    /// level, or a token that is bound to a key of its client (`cnf`).
    ClaimsInvalid => "claims_invalid", BadCredential, "the token claims are not acceptable",
        "`token inspect` shows the claims. If another claim has the value, name it in \
         `issuers[].claims`; for Rownd's tokens without an expiry there is \
         `issuers[].allow_missing_exp`.";
    /// A session cookie stands in the request twice, with different values: that of SuperTokens
    /// (`sAccessToken`), or one with `format: rownd`. A browser sends an older cookie beside the new one
    /// if it was set for another domain or path. Any other second credential is
    /// `credentials_ambiguous`.
    SessionCookieRepeated => "session_cookie_repeated", BadCredential, "the session cookie stands in the request twice, with different values",
        "SuperTokens' frontend refreshes the session on this 401, and the refresh removes the older \
         cookie: set `olderCookieDomain` in its backend. Otherwise have sign-in set the cookie with \
         one `Domain` and one `Path`, and remove the older one.";

    /// More than one credential: repeated `Authorization`, or two different ones in two sources.
    CredentialsAmbiguous => "credentials_ambiguous", Conflict, "the request carries more than one credential",
        "Have the client send one. Often a request has an old cookie and a new header: shorten \
         `credentials`, or have sign-out remove the cookie.";

    /// The user's auth level is below the level that the route requires.
    AuthLevelTooLow => "auth_level_too_low", Forbidden, "a higher authentication level is required",
        "The user should verify an e-mail address or a phone number; or lower the route's \
         `auth_level`. With `step_up: true` clients are told what to do.";
    /// The same as `auth_level_too_low`, on a route with `step_up: true`.
    StepUpRequired => "step_up_required", StepUp, "sign in again with a higher authentication level",
        "The client should sign in again with the level named in `acr_values` (RFC 9470).";
    /// The user signed in longer ago than the rule's `max_age`, or the token does not say when
    /// (`auth_time`). A refresh of the token does not renew it.
    AuthenticationTooOld => "authentication_too_old", StepUp, "sign in again, the last sign-in is too long ago",
        "The client should sign in again within the seconds named in `max_age` (RFC 9470). If new \
         sign-ins get this, have the issuer put `auth_time` into its tokens.";
    /// The same as `authentication_too_old`, with the token of a machine, which cannot sign in
    /// (client credentials).
    SignInImpossible => "sign_in_impossible", Forbidden, "a recent sign-in is required, and a machine has none",
        "Give machines a rule of their own, without `max_age`.";
    /// The token lacks a scope that the rule requires. The challenge names all that are required.
    ScopeMissing => "scope_missing", Forbidden, "the token lacks a scope that is required",
        "Have the client ask the issuer for the scopes in `scope`. If the token has them, name their \
         claim in `issuers[].claims`.";
    /// A call of `Verify` has `required_permissions`, and the user lacks one of them.
    PermissionMissing => "permission_missing", Forbidden, "the user lacks a permission that is required",
        "Give the user a role with the permission, by one of `role_sources`; docs/policy-roles.md has \
         the places.";
    /// Another requirement of the rule is not met: a role, a group, a permission, an issuer, a claim.
    RequirementUnmet => "requirement_unmet", Forbidden, "the caller does not meet the requirements",
        "The log names the rule; with `check.explain_denials`, the body names the requirement as well. \
         Give the user the right, or change the rule.";
    /// A fact that the rule asks for is absent, or has another type than the rule expects. Also: a call
    /// of `Verify` has `required_permissions`, and no entry of `role_sources` that can be read says
    /// whether the user has them.
    RequirementUnknown => "requirement_unknown", Forbidden, "a fact that the rule requires is not known",
        "`token inspect` shows the claims. Have the issuer put the claim into its tokens, or name the \
         claim that has it.";
    /// A guard refused the request, whatever its route says.
    GuardRefused => "guard_refused", Forbidden, "the request is refused by a guard",
        "The log names the guard. If the request is right, change the guard.";
    /// An expression (`cel`) of the rule ended in an error: a field that is not there, a value of
    /// another type, or too many steps.
    ExpressionFailed => "expression_failed", Forbidden, "an expression of the rule failed",
        "The log names the rule. Have it ask with `has()` for fields that may be absent.";
    /// The route says `freshness: profile`, and the token's issuer has no profiles.
    ProfileUnsupported => "profile_unsupported", Forbidden, "the issuer of the token cannot be used here",
        "Give users of that issuer another route, with `freshness: token`.";
    /// A cookie credential on a method that changes state, or on a WebSocket handshake, without
    /// proof that the request is from a page of the same origin or of `trusted_origins`.
    CookieCrossSite => "cookie_cross_site", Forbidden, "a cookie is not accepted from another site",
        "Call from pages of the same origin (`Sec-Fetch-Site` or `Origin` proves it), name the \
         page's origin in `trusted_origins`, or send the token in a header.";
    /// A cookie credential from a page of another site, while the proxy sends `Sec-Fetch-Site` but
    /// not `Sec-Fetch-Mode`: the request could be a WebSocket handshake.
    FetchModeMissing => "fetch_mode_missing", Forbidden, "the proxy has to send the headers upgrade and sec-fetch-mode as well",
        "Add `upgrade` and `sec-fetch-mode` to `allowed_headers` of Envoy's filter.";
    /// A header or a parameter that the rule sets has no value for this request, and its setting says
    /// `on_missing: deny`. The message and the log name it.
    OutputMissing => "output_missing", Forbidden, "a value that the service needs is missing",
        "Have the issuer put the value into the token, or the user into the profile; or write \
         `on_missing: omit`. An object cannot be written as a text: use `format: json`.";

    /// The value of a header or a parameter that the rule sets is too long for this request. The message
    /// and the log name it. No value is ever cut.
    OutputTooLarge => "output_too_large", Forbidden, "a value that the service needs is too large to be passed on",
        "Raise `identity_headers.max_value_bytes`, `identity_headers.max_list_bytes` (for the formats \
         `list`, `json` and `base64url`) or `identity_headers.max_total_bytes`, to the limit of the service \
         behind; or bound the part of the path that the value is taken from.";
    /// A value of the identity is too long to be injected as a header, or its passport is; the message
    /// and the log name the header. No value is ever cut. A new sign-in does not help, so that no client
    /// is asked for one.
    IdentityTooLarge => "identity_too_large", Forbidden, "the identity is too large to be passed on",
        "Raise `identity_headers.max_list_bytes` (for roles, groups and scopes), \
         `identity_headers.max_value_bytes` or `identity_headers.max_total_bytes`, or for a \
         passport `passport.max_bytes`, to the limit of the service behind; or write `identity_headers.on_too_large`, so that the request passes \
         without the list; or have the issuer put less into the token.";

    /// Servers read the request in several ways, and the rules of these readings tell the service
    /// different things. Or a parameter that the rule sets or removes stands in the query under a name
    /// that some servers take for it and not every Envoy can remove, such as `user%5Fid`.
    OutputAmbiguous => "output_ambiguous", BadRequest, "the request can be read in several ways",
        "Have the client send a plain request. If it does, give the rules that can match it the same \
         `headers`, `response_headers` and `query`.";

    /// The check has no HTTP request: it is from a network filter, or the message is empty.
    RequestMissing => "request_missing", BadRequest, "the check holds no HTTP request",
        "Use the HTTP filter `envoy.filters.http.ext_authz`; connections cannot be authorized.";
    /// The check could not be decoded, is larger than `listeners.grpc.max_message_bytes`, or is
    /// compressed: Envoy's `google_grpc` compresses if its `channel_args` say so.
    RequestUndecodable => "request_undecodable", BadRequest, "the check could not be decoded",
        "Leave `with_request_body` and compression out of Envoy's configuration, or raise the setting.";
    /// The request has no method.
    MethodMissing => "method_missing", BadRequest, "the request has no method",
        "Envoy always sends one: another client made this check. Compare it with \
         `envoy.service.auth.v3.CheckRequest`.";
    /// The method is not a token (RFC 9110 section 5.6.2): it has blanks, control characters or
    /// bytes that are not ASCII.
    MethodRefused => "method_refused", BadRequest, "the request method is not acceptable",
        "Have the client send a plain method.";
    /// The host is missing, or is not a host name.
    HostRefused => "host_refused", BadRequest, "the request host is not acceptable",
        "Have the client send a valid `Host`. In a check of your own, fill \
         `attributes.request.http.host`.";
    /// The path is missing, has no leading slash, or is not safe: it has control characters, a
    /// broken escape, or (unless the route says `odd_paths: judge`) dot segments, an encoded slash,
    /// a backslash, a `#`, or `//` at the beginning, behind which some servers read a host. Also a
    /// long path that can be read in many ways.
    PathRefused => "path_refused", BadRequest, "the request path is not acceptable",
        "Have the client send a plain path. If names in your paths contain encoded slashes, write \
         `odd_paths: judge` on their route.";
    /// The request can be read in several ways (an odd path, a repeated header or parameter), and the
    /// rules of these readings have passports that differ. One header cannot hold both.
    PassportAmbiguous => "passport_ambiguous", BadRequest, "the request can be read in ways that need different passports",
        "Have the client send a plain request, or give the rules the same `passport`.";
    /// Rules match by headers and query parameters, and the request can be read in so many ways that
    /// more than 256 rules hold for it: a header or a parameter is repeated, or spelled so that servers
    /// do not agree on its value.
    RequestAmbiguous => "request_ambiguous", BadRequest, "the request can be read in too many ways",
        "Have the client send each header and each parameter once, in its usual spelling.";
    /// Headers, path or their number are above the limits of the `check` section.
    RequestTooLarge => "request_too_large", BadRequest, "the request is too large to be judged",
        "Restrict `allowed_headers` in Envoy's filter, or raise `check.max_headers`, \
         `check.max_headers_bytes` or `check.max_path_bytes`.";

    /// There is no usable key of the issuer: it has never answered, or not within
    /// `issuers[].keys.max_stale`, or its answers are invalid.
    KeysUnavailable => "keys_unavailable", Unavailable, "the issuer's keys are not available",
        "`/status` and the metric `rownd_authz_key_fetches_total` show the result of the fetches. \
         Check the address, DNS, egress rules and the issuer's own state; `config check --online` \
         tests all of them.";
    /// This replica has not read the list of revocations that it shares with others (`shared`, with
    /// `on_outage: refuse`): it has just started, and is not ready. A token that is revoked could pass.
    RevocationsUnavailable => "revocations_unavailable", Unavailable, "the list of revoked tokens is not available yet",
        "It ends when Redis answers and its list has been read. `/readyz` and the member `shared` of \
         `/status` say what is missing. Send requests only to replicas that are ready.";
    /// The token names a key that may exist but is not known yet: it is being fetched and the check
    /// could not wait for it, or by its `iat` the token may be younger than the last fetch of keys,
    /// and the next fetch is after the time in `Retry-After`. Or the token names no key, several fit,
    /// and too many such tokens wait to be tried with each. A client can cause this by any `kid`, or
    /// without one, so it is counted with the outcome `deny`.
    KeyPending => "key_pending", Pending, "the key of the token is not known yet",
        "Nothing after a rotation: the check after `Retry-After` finds the key. If it stays, the \
         token comes from another environment. To avoid it, have the issuer publish a key \
         `issuers[].keys.refresh_interval` before it signs with it.";
    /// On a route with `freshness: profile`: the user's profile is not known, and Rownd did not
    /// answer within the check.
    ProfileUnavailable => "profile_unavailable", Unavailable, "the user's profile is not available",
        "See the log and the metric `rownd_authz_rownd_requests_total`. `profiles.stale_on_error` \
         bridges short outages.";
    /// The rule has a `passport`, and none could be signed.
    PassportUnavailable => "passport_unavailable", Unavailable, "the service behind cannot be told who calls",
        "The log has the error. It is a fault of this machine, such as a want of random numbers, as \
         the keys were tried when they were read.";
    /// The app id is not known yet: rownd-authz asks Rownd for it by the app key.
    AppUnknown => "app_unknown", Unavailable, "the app id is not known yet",
        "Configure `issuers[].apps[].id`, to be independent of that call.";
    /// The check ran into its deadline: the shorter of Envoy's timeout and `check.timeout`.
    DeadlineExceeded => "deadline_exceeded", Unavailable, "the check took too long",
        "Raise the shorter one. If it stays, a key endpoint does not answer or the machine has too \
         little CPU time.";
    /// More checks in flight than `check.max_in_flight`.
    Overloaded => "overloaded", Unavailable, "too many checks in flight",
        "Add replicas or CPU. A higher limit helps only if checks wait for an issuer.";
    /// Envoy names a route that is not configured, or two that differ: in `context_extensions`, or
    /// by the annotation of an HTTPRoute.
    RouteUnknown => "route_unknown", Unavailable, "the proxy names an unknown route",
        "Add a route of that `id`, or correct the name in Envoy's configuration.";
    /// The caller left before the answer was ready. Counted, never sent.
    Cancelled => "cancelled", Unavailable, "the caller went away",
        "Nothing while it is rare; otherwise Envoy's timeout is too short.";
    /// A fault of rownd-authz (a panic that was caught).
    Internal => "internal", Unavailable, "internal error",
        "The log has the details; please report it.";
}

#[cfg(test)]
mod tests {
    use super::DenyReason;
    use std::collections::HashSet;

    #[test]
    fn codes_are_unique_and_snake_case() {
        let codes: HashSet<_> = DenyReason::ALL.iter().map(|reason| reason.code()).collect();
        assert_eq!(codes.len(), DenyReason::ALL.len());
        for code in codes {
            assert!(code.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{code}");
        }
    }

    #[test]
    fn the_index_of_a_reason_is_its_place_in_the_list() {
        for (index, reason) in DenyReason::ALL.iter().enumerate() {
            assert_eq!(*reason as usize, index);
        }
    }
}
