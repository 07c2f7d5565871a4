//! The names that a custom claim must not have: those of registered claims, of Rownd's own, and of
//! SuperTokens'. A claim of such a name could be taken for a fact that an issuer has
//! proved.

/// The claims of tokens and of sign-ins that specifications register (RFC 7519, RFC 8693, RFC 7800,
/// OpenID Connect Core), and OAuth's own of access tokens (RFC 9068).
const REGISTERED: [&str; 24] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "nonce",
    "auth_time",
    "acr",
    "amr",
    "azp",
    "at_hash",
    "c_hash",
    "s_hash",
    "sid",
    "sub_jwk",
    "events",
    "toe",
    "txn",
    "act",
    "may_act",
    "cnf",
    "client_id",
];
/// Rownd's, and those that its plugin of SuperTokens makes of them.
const OF_ROWND: [&str; 9] = [
    "app_user_id",
    "auth_level",
    "is_verified_user",
    "is_anonymous",
    "jwt_type",
    "issued_offline",
    "platform_jwt",
    "app_variant",
    "scope",
];
/// Those of SuperTokens' sessions.
const OF_SUPERTOKENS: [&str; 8] = [
    "sessionhandle",
    "tid",
    "rsub",
    "refreshtokenhash1",
    "parentrefreshtokenhash1",
    "anticsrftoken",
    "userid",
    "stt",
];
/// Names that programs in JavaScript take for parts of every object.
const OF_OBJECTS: [&str; 3] = ["__proto__", "constructor", "prototype"];
/// The beginnings of names: of Rownd's, and of SuperTokens'.
const BEGINNINGS: [&str; 3] = ["https://auth.rownd.io/", "http://auth.rownd.io/", "st-"];
/// The longest name, in bytes.
const MAX_NAME: usize = 128;

/// Why a custom claim must not have this name; `None`: it may. The message does not repeat it.
pub(super) fn problem(name: &str) -> Option<&'static str> {
    // A reader may compare names without regard to case or to spaces around them.
    let plain = name.trim().to_lowercase();
    let is = |names: &[&str]| names.contains(&plain.as_str());
    if plain.is_empty() {
        Some("has a claim without a name")
    } else if name.len() > MAX_NAME {
        Some("has a claim whose name has more than 128 bytes")
    } else if name != name.trim() || name.chars().any(char::is_control) {
        Some("has a claim whose name has control characters, or white space around it")
    } else if is(&REGISTERED) {
        Some("has a claim with the name of a registered claim, such as `sub` or `aud`")
    } else if is(&OF_ROWND)
        || is(&OF_SUPERTOKENS)
        || BEGINNINGS.iter().any(|it| plain.starts_with(it))
    {
        Some("has a claim with a name that Rownd or SuperTokens uses for its own claims")
    } else if is(&OF_OBJECTS) {
        Some("has a claim with a name that every object of JavaScript has")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::problem;

    #[test]
    fn names_of_others_are_refused_in_every_case() {
        for name in [
            "",
            " ",
            "sub",
            "SUB",
            "Iss",
            "aud",
            "exp",
            "nbf",
            "iat",
            "jti",
            "nonce",
            "azp",
            "sid",
            "cnf",
            "act",
            "client_id",
            "scope",
            "sessionHandle",
            "tId",
            "rsub",
            "st-role",
            "ST-perm",
            "app_user_id",
            "auth_level",
            "is_verified_user",
            "https://auth.rownd.io/app_user_id",
            "HTTPS://AUTH.ROWND.IO/x",
            "http://auth.rownd.io/x",
            "__proto__",
            "constructor",
            "a\n",
            " plan",
            "plan ",
            "a\u{0}b",
            &"x".repeat(129),
        ] {
            assert!(problem(name).is_some(), "{name:?}");
        }
        for name in [
            "plan",
            "roles",
            "permissions",
            "https://shop.example/plan",
            "日本",
            "a.b",
            "sub_plan",
            "audience",
            "subs",
            "st",
            "stage",
            &"x".repeat(128),
        ] {
            assert_eq!(problem(name), None, "{name:?}");
        }
    }
}
