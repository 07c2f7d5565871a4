//! Why a check was denied: one stable word for body, challenge, metadata, log and metric.

use super::decision::DenialClass;

macro_rules! deny_reasons {
    ($( $(#[doc = $doc:literal])+ $variant:ident => $code:literal, $class:ident, $message:literal; )+) => {
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

            /// What kind of no this is; the doors map the class to their protocol.
            #[must_use]
            pub const fn class(self) -> DenialClass {
                match self { $( Self::$variant => DenialClass::$class, )+ }
            }

            /// One sentence for the client. It never quotes what the client sent.
            #[must_use]
            pub const fn message(self) -> &'static str {
                match self { $( Self::$variant => $message, )+ }
            }

            /// What it means and what to do, for the documentation.
            #[must_use]
            pub const fn documentation(self) -> &'static [&'static str] {
                match self { $( Self::$variant => &[$($doc),+], )+ }
            }
        }
    };
}

deny_reasons! {
    /// The route requires a credential and the request has none. The client should sign in.
    CredentialMissing => "credential_missing", Anonymous, "a credential is required";

    /// The token is not a JWT in compact form: wrong number of parts, not base64url, not strict
    /// JSON, duplicate members, or a registered claim of the wrong JSON type.
    TokenMalformed => "token_malformed", BadCredential, "the token is malformed";
    /// The token is longer than `check.max_token_bytes`. It was not parsed.
    TokenTooLarge => "token_too_large", BadCredential, "the token is too large";
    /// The token's header asks for something that is never accepted: `crit`, `b64`, `zip`, `enc`,
    /// an embedded or remote key is ignored, a `typ` of another kind of token.
    TokenHeaderRefused => "token_header_refused", BadCredential, "the token header is not acceptable";
    /// The `alg` of the token is none that this issuer signs with.
    AlgorithmRefused => "algorithm_refused", BadCredential, "the token algorithm is not acceptable";
    /// The token's `iss` is no configured issuer. Compare it with `issuers[].issuer`.
    IssuerUntrusted => "issuer_untrusted", BadCredential, "the token issuer is not trusted";
    /// The issuer publishes no key of the token's `kid`. After a rotation the next check finds it;
    /// if it stays, the token comes from another environment (development against production).
    KidUnknown => "kid_unknown", BadCredential, "the token is signed by an unknown key";
    /// The signature does not fit the issuer's key: a forged or damaged token.
    SignatureInvalid => "signature_invalid", BadCredential, "the token signature is not valid";
    /// The token has ended (`exp`), leeway included. The client should refresh it.
    TokenExpired => "token_expired", BadCredential, "the token has expired";
    /// The token is not valid yet (`nbf`), or was issued in the future (`iat`): check the clocks.
    TokenNotYetValid => "token_not_yet_valid", BadCredential, "the token is not valid yet";
    /// An operator withdrew the token, its session, or everything its user was issued before
    /// some time; or, on a route with `freshness: profile`, the user signed out everywhere after
    /// the token was issued. Signing in again helps.
    Revoked => "revoked", BadCredential, "the token has been revoked";
    /// On a route with `freshness: profile`: the user is not enabled at Rownd.
    UserDisabled => "user_disabled", BadCredential, "the user is disabled";
    /// On a route with `freshness: profile`: Rownd has no user of the token's id (any more).
    UserNotFound => "user_not_found", BadCredential, "there is no such user";
    /// The token was made for another app: no `app:ID` of a configured app, or none of the
    /// issuer's `audiences`, stands in `aud`.
    AudienceMismatch => "audience_mismatch", BadCredential, "the token was made for another audience";
    /// The token was made through an app variant (sub-brand) that is not in the allow-list.
    VariantRefused => "variant_refused", BadCredential, "the token was made for another app variant";
    /// The token is of another kind than the issuer's setting takes: a refresh token, an ID token
    /// in place of an access token or the other way round, an OAuth2 token of SuperTokens.
    TokenKindRefused => "token_kind_refused", BadCredential, "this kind of token is not acceptable here";
    /// A claim the identity rests on is missing or unusable (no end, no user id).
    ClaimsInvalid => "claims_invalid", BadCredential, "the token claims are not acceptable";
    /// A value of the identity is too long to be injected as a header. It is never cut short.
    IdentityTooLarge => "identity_too_large", BadCredential, "the identity is too large to be passed on";

    /// More than one credential: repeated `Authorization`, or two that differ between sources.
    CredentialsAmbiguous => "credentials_ambiguous", Conflict, "the request carries more than one credential";

    /// The user's auth level is below what the route asks for.
    AuthLevelTooLow => "auth_level_too_low", Forbidden, "a higher authentication level is required";
    /// As `auth_level_too_low`, on a route with `step_up: true`: the client should sign in again
    /// with the level named in `acr_values` (RFC 9470).
    StepUpRequired => "step_up_required", StepUp, "sign in again with a higher authentication level";
    /// The route says `freshness: profile`, and the token's issuer has no profiles to judge by.
    /// Users of that issuer need another route.
    ProfileUnsupported => "profile_unsupported", Forbidden, "the issuer of the token cannot be used here";
    /// A cookie credential on a method that changes state, without proof of the same origin.
    CookieCrossSite => "cookie_cross_site", Forbidden, "a cookie is not accepted from another site";

    /// The check has no HTTP request in it (a network filter asked, or the message is empty).
    RequestMissing => "request_missing", BadRequest, "the check holds no HTTP request";
    /// The check could not be decoded, or is larger than `listeners.grpc.max_message_bytes`.
    RequestUndecodable => "request_undecodable", BadRequest, "the check could not be decoded";
    /// The method is missing.
    MethodMissing => "method_missing", BadRequest, "the request has no method";
    /// The host is missing, or is no host name.
    HostRefused => "host_refused", BadRequest, "the request host is not acceptable";
    /// The path is missing, has no leading slash, or holds what no safe path holds: control
    /// characters, a broken escape, or (unless the route says `odd_paths: judge`) dot segments,
    /// an encoded slash or a backslash. Also a long path that can be read in many ways.
    PathRefused => "path_refused", BadRequest, "the request path is not acceptable";
    /// Headers, path or their number are above the limits of the `check` section.
    RequestTooLarge => "request_too_large", BadRequest, "the request is too large to be judged";

    /// There is no usable key of the issuer: Rownd cannot be reached, or sends garbage. See
    /// `/status`; the metric `key_fetches_total` counts the failures.
    KeysUnavailable => "keys_unavailable", Unavailable, "the issuer's keys are not available";
    /// The token names a key that is being fetched, and the check could not wait for it. The next
    /// check finds it.
    KeyPending => "key_pending", Unavailable, "the key of the token is being fetched";
    /// On a route with `freshness: profile`: the user's profile is not known, and Rownd could not
    /// be asked within the check. See the metric `rownd_requests_total` and the log.
    ProfileUnavailable => "profile_unavailable", Unavailable, "the user's profile is not available";
    /// The app id is not known yet: it is asked of Rownd by the app key. Configure the id to be
    /// independent of that call.
    AppUnknown => "app_unknown", Unavailable, "the app id is not known yet";
    /// The check ran into its deadline: the shorter of Envoy's timeout and `check.timeout`.
    DeadlineExceeded => "deadline_exceeded", Unavailable, "the check took too long";
    /// More checks in flight than `check.max_in_flight`.
    Overloaded => "overloaded", Unavailable, "too many checks in flight";
    /// Envoy's `context_extensions` name a route that is not configured.
    RouteUnknown => "route_unknown", Unavailable, "the proxy names an unknown route";
    /// The caller went away before the answer was ready. Counted, never sent.
    Cancelled => "cancelled", Unavailable, "the caller went away";
    /// A fault of ours (a panic that was caught). The log has the details; please report it.
    Internal => "internal", Unavailable, "internal error";
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
