//! The form of an API's errors.
//!
//! In: an answer whose status is 4xx. Out: whether it has the form in which this API refuses. Any
//! other answer, such as the page of a proxy or the JSON of a gateway, may be of a server in between,
//! and says nothing about the user, the token or the key of the request.

use serde_json::{Map, Value};

/// The message of a SuperTokens SDK where a session is refused.
const SESSION_REFUSALS: [&str; 4] =
    ["unauthorised", "try refresh token", "token theft detected", "invalid claim"];
/// The text of SuperTokens' core where its key is missing or wrong.
const CORE_KEY: &str = "Invalid API key";
/// How the core's texts about a request begin.
const CORE_REQUEST: [&str; 2] = ["Field name ", "AppId or tenantId not found"];

/// The form of an API's errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ErrorForm {
    /// Rownd: an object with the status in `statusCode`, and with its name, a code or a message.
    Rownd,
    /// SuperTokens with Rownd's plugin: an object with `status: ERROR`, or the message of the SDK
    /// about a session.
    Plugin,
    /// SuperTokens' core: one of its texts.
    Core,
    /// An OpenID provider: an object with the code in `error` (RFC 6749 section 5.2), or a challenge
    /// for a bearer token (RFC 6750 section 3).
    OAuth,
    /// Any answer, where the status alone is used and decides nothing.
    Any,
}

impl ErrorForm {
    /// Whether an answer of this status has this form, by its body and its challenge
    /// (`WWW-Authenticate`).
    pub(super) fn is_of(self, status: u16, body: &[u8], challenge: Option<&str>) -> bool {
        let members = || serde_json::from_slice(body).unwrap_or_default();
        match self {
            Self::Rownd => is_of_rownd(status, &members()),
            Self::Plugin => is_of_plugin(&members()),
            Self::Core => is_of_core(status, body),
            Self::OAuth => is_text(&members(), "error") || challenge.is_some_and(is_bearer),
            Self::Any => true,
        }
    }
}

fn is_text(members: &Map<String, Value>, name: &str) -> bool {
    members.get(name).and_then(Value::as_str).is_some_and(|text| !text.is_empty())
}

/// Either of `message` and `messages` may be missing, and the code is rare.
fn is_of_rownd(status: u16, members: &Map<String, Value>) -> bool {
    let said = ["error", "code", "message"].into_iter().any(|name| is_text(members, name))
        || members.get("messages").is_some_and(Value::is_array);
    said && members.get("statusCode").and_then(Value::as_u64) == Some(status.into())
}

fn is_of_plugin(members: &Map<String, Value>) -> bool {
    let text = |name: &str| members.get(name).and_then(Value::as_str);
    text("status") == Some("ERROR")
        || text("message").is_some_and(|said| SESSION_REFUSALS.contains(&said))
}

fn is_of_core(status: u16, body: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(body) else { return false };
    match status {
        401 => text.trim() == CORE_KEY,
        400 => CORE_REQUEST.iter().any(|begin| text.starts_with(begin)),
        _ => false,
    }
}

fn is_bearer(challenge: &str) -> bool {
    let scheme = challenge.split_ascii_whitespace().next().unwrap_or_default();
    scheme.eq_ignore_ascii_case("bearer")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::ErrorForm;

    const PAGE: &str = "<html><h1>404 Not Found</h1></html>";

    #[test]
    fn an_error_has_the_form_of_its_api_or_is_of_somebody_else() {
        let rownd = |status: u16, more: serde_json::Value| {
            let mut body = json!({ "statusCode": status });
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            body.to_string()
        };
        for (form, status, body, own) in [
            (ErrorForm::Rownd, 400, rownd(400, json!({ "error": "Bad Request" })), true),
            (ErrorForm::Rownd, 400, rownd(400, json!({ "message": "consumed" })), true),
            (ErrorForm::Rownd, 404, rownd(404, json!({ "messages": ["no such user"] })), true),
            (ErrorForm::Rownd, 401, rownd(401, json!({ "code": "E_EXAMPLE" })), true),
            (ErrorForm::Rownd, 404, rownd(404, json!({})), false),
            (ErrorForm::Rownd, 404, rownd(404, json!({ "message": "" })), false),
            (ErrorForm::Rownd, 404, rownd(400, json!({ "error": "Bad Request" })), false),
            (
                ErrorForm::Rownd,
                404,
                json!({ "statusCode": "404", "error": "x" }).to_string(),
                false,
            ),
            (ErrorForm::Rownd, 404, json!({ "message": "no Route matched" }).to_string(), false),
            (ErrorForm::Rownd, 404, json!({ "path": "/x", "error": "no" }).to_string(), false),
            (ErrorForm::Rownd, 404, json!([404, "error"]).to_string(), false),
            (ErrorForm::Rownd, 404, String::new(), false),
            (ErrorForm::Rownd, 404, PAGE.to_owned(), false),
            (
                ErrorForm::Plugin,
                401,
                json!({ "status": "ERROR", "reason": "TOKEN_EXPIRED" }).to_string(),
                true,
            ),
            (ErrorForm::Plugin, 401, json!({ "message": "unauthorised" }).to_string(), true),
            (ErrorForm::Plugin, 401, json!({ "message": "Unauthorized" }).to_string(), false),
            (ErrorForm::Plugin, 401, rownd(401, json!({ "error": "Unauthorized" })), false),
            (ErrorForm::Plugin, 401, String::new(), false),
            (ErrorForm::Core, 401, "Invalid API key".to_owned(), true),
            (ErrorForm::Core, 401, "Unauthorized".to_owned(), false),
            (ErrorForm::Core, 403, "Invalid API key".to_owned(), false),
            (ErrorForm::Core, 400, "Field name 'userId' is missing".to_owned(), true),
            (ErrorForm::Core, 400, "Bad Request".to_owned(), false),
            (ErrorForm::Core, 404, "404 page not found".to_owned(), false),
            (ErrorForm::OAuth, 400, json!({ "error": "invalid_grant" }).to_string(), true),
            (ErrorForm::OAuth, 400, json!({ "message": "bad" }).to_string(), false),
            (ErrorForm::OAuth, 401, PAGE.to_owned(), false),
            (ErrorForm::Any, 404, PAGE.to_owned(), true),
        ] {
            assert_eq!(form.is_of(status, body.as_bytes(), None), own, "{form:?} {status} {body}");
        }
        for (challenge, own) in [("Bearer realm=\"x\"", true), ("bearer", true), ("Basic", false)] {
            assert_eq!(ErrorForm::OAuth.is_of(401, b"", Some(challenge)), own, "{challenge}");
        }
    }

    /// The errors of Rownd and of the plugin as their sources show them.
    #[test]
    fn the_documented_errors_have_the_form() {
        for (form, status, body) in [
            (
                ErrorForm::Rownd,
                401,
                json!({ "statusCode": 401, "error": "Unauthorized", "code": "E_EXAMPLE",
                        "message": "short text", "messages": ["short text"] }),
            ),
            (
                ErrorForm::Rownd,
                400,
                json!({ "statusCode": 400, "error": "Bad Request",
                        "message": "Invalid refresh token: Refresh token has been consumed" }),
            ),
            (
                ErrorForm::Rownd,
                400,
                json!({ "statusCode": 400, "error": "Bad Request",
                        "code": "E_SIGN_IN_USER_NOT_FOUND", "messages": ["text"] }),
            ),
            (
                ErrorForm::Plugin,
                401,
                json!({ "status": "ERROR", "code": 401, "reason": "TOKEN_EXPIRED",
                        "message": "Authorization token has expired", "retryable": false,
                        "stage": "token_validate" }),
            ),
        ] {
            assert!(form.is_of(status, body.to_string().as_bytes(), None), "{form:?} {body}");
        }
    }
}
