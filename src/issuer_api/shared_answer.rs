//! The answer of a refresh in the form in which replicas share it, before it is sealed.
//!
//! In: an answer. Out: JSON, and back. The JSON holds tokens in clear: it goes to the sealer and
//! nowhere else.

use std::time::{Duration, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::{
    error::ApiError,
    refreshes::{RefreshAnswer, RefreshFault},
    rejection::Rejection,
    tokens::{Granted, Tokens, UserType},
};
use crate::{config::Secret, upstream::UpstreamError};

/// An answer, written.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum SharedAnswer {
    Tokens(SharedTokens),
    Nothing(Option<UserType>),
    Rejected(Rejection),
    /// The request failed with this HTTP status, or without one.
    Failed(Option<u16>),
}

#[derive(Serialize, Deserialize)]
pub(super) struct SharedTokens {
    access: String,
    refresh: Option<String>,
    id: Option<String>,
    front: Option<String>,
    /// Unix seconds.
    expires_at: Option<u64>,
    subject: Option<String>,
    user_type: Option<UserType>,
    variant_user_type: Option<UserType>,
    scopes: Vec<String>,
}

impl SharedAnswer {
    /// The text of an answer. `None`: it is one that replicas cannot share.
    pub(super) fn write(answer: &RefreshAnswer) -> Option<Vec<u8>> {
        let shared = match answer {
            Ok(Granted::Tokens(tokens)) => Self::Tokens(SharedTokens::of(tokens)),
            Ok(Granted::Nothing(user_type)) => Self::Nothing(*user_type),
            Err(RefreshFault::Api(ApiError::Rejected(rejection))) => {
                Self::Rejected(rejection.clone())
            }
            Err(RefreshFault::Api(error)) => Self::Failed(error.status()),
            Err(RefreshFault::Unknown | RefreshFault::NotShared) => return None,
        };
        serde_json::to_vec(&shared).ok()
    }

    /// The answer of this text.
    pub(super) fn read(text: &[u8]) -> Option<RefreshAnswer> {
        let shared: Self = serde_json::from_slice(text).ok()?;
        Some(match shared {
            Self::Tokens(tokens) => Ok(Granted::Tokens(Box::new(tokens.into()))),
            Self::Nothing(user_type) => Ok(Granted::Nothing(user_type)),
            Self::Rejected(rejection) => Err(RefreshFault::Api(ApiError::Rejected(rejection))),
            Self::Failed(status) => Err(RefreshFault::Api(match status {
                Some(429) => ApiError::Limited(None),
                Some(status) => ApiError::Upstream(UpstreamError::Status(status)),
                None => {
                    let why = "the request of another replica failed".to_owned();
                    ApiError::Upstream(UpstreamError::Unreached(why))
                }
            })),
        })
    }
}

impl SharedTokens {
    fn of(tokens: &Tokens) -> Self {
        let text = |secret: &Option<Secret>| secret.as_ref().map(|s| s.expose().to_owned());
        let seconds = |at: std::time::SystemTime| {
            at.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
        };
        Self {
            access: tokens.access.expose().to_owned(),
            refresh: text(&tokens.refresh),
            id: text(&tokens.id),
            front: text(&tokens.front),
            expires_at: tokens.expires_at.map(seconds),
            subject: tokens.subject.clone(),
            user_type: tokens.user_type,
            variant_user_type: tokens.variant_user_type,
            scopes: tokens.scopes.clone(),
        }
    }
}

impl From<SharedTokens> for Tokens {
    fn from(shared: SharedTokens) -> Self {
        let secret = |text: Option<String>| text.as_deref().map(Secret::new);
        let at = |seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
        Self {
            access: Secret::new(&shared.access),
            refresh: secret(shared.refresh),
            id: secret(shared.id),
            front: secret(shared.front),
            expires_at: shared.expires_at.and_then(at),
            subject: shared.subject,
            user_type: shared.user_type,
            variant_user_type: shared.variant_user_type,
            scopes: shared.scopes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::issuer_api::rejection::RefusedPart;

    #[test]
    fn every_answer_comes_back_as_it_was() {
        let tokens = Tokens {
            refresh: Some(Secret::new("r")),
            id: Some(Secret::new("i")),
            front: Some(Secret::new("f")),
            expires_at: Some(UNIX_EPOCH + Duration::from_secs(7)),
            subject: Some("user".to_owned()),
            user_type: Some(UserType::New),
            variant_user_type: Some(UserType::Instant),
            scopes: vec!["email".to_owned()],
            ..Tokens::new("a")
        };
        let rejection = Rejection::new(400, Some("E_USED".to_owned())).of(RefusedPart::Token);
        let api = |error| Err(RefreshFault::Api(error));
        for (name, answer) in [
            ("tokens", Ok(Granted::Tokens(Box::new(tokens)))),
            ("an access token alone", Ok(Granted::Tokens(Box::new(Tokens::new("a"))))),
            ("nothing", Ok(Granted::Nothing(Some(UserType::Existing)))),
            ("a refusal", api(ApiError::Rejected(rejection))),
            ("a status", api(ApiError::Upstream(UpstreamError::Status(502)))),
            ("a limit", api(ApiError::Limited(None))),
        ] {
            let text = SharedAnswer::write(&answer).expect(name);
            assert_eq!(SharedAnswer::read(&text), Some(answer), "{name}");
        }
        for fault in [RefreshFault::Unknown, RefreshFault::NotShared] {
            assert_eq!(SharedAnswer::write(&Err(fault)), None);
        }
        for text in ["", "{}", "{\"tokens\":{}}", "{\"other\":1}"] {
            assert_eq!(SharedAnswer::read(text.as_bytes()), None, "{text}");
        }
    }
}
