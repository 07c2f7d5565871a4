//! The answer to a write of a user: a profile, which may lack the user's id and other parts.

use serde::{Deserialize, de::IgnoredAny};

use crate::{
    issuer_api::{
        administration::users::WrittenUser,
        error::ApiError,
        rownd::user::{read_profile, read_profile_of},
    },
    upstream::HttpAnswer,
};

/// The parts that an answer needs to stand for a profile. One that is left out could be the one that
/// revokes tokens, or the one that a role is in.
#[derive(Deserialize)]
struct Parts {
    state: Option<IgnoredAny>,
    data: Option<IgnoredAny>,
    groups: Option<IgnoredAny>,
    meta: Option<IgnoredAny>,
    metadata: Option<IgnoredAny>,
}

/// The answer to a write of this user.
pub(super) fn written_of(user: &str, answer: &HttpAnswer) -> Result<WrittenUser, ApiError> {
    let profile = read_profile_of(user, &answer.body)?;
    let is_whole = is_whole(&answer.body);
    Ok(WrittenUser { id: user.to_owned(), profile, is_whole, not_cleared: Vec::new() })
}

/// The answer to a write of a user with a new id, which the answer has to name.
pub(super) fn written_anew(answer: &HttpAnswer) -> Result<WrittenUser, ApiError> {
    let profile = read_profile(&answer.body)?;
    let id = profile.user_id.clone().ok_or(ApiError::Shape)?;
    Ok(WrittenUser { id, profile, is_whole: is_whole(&answer.body), not_cleared: Vec::new() })
}

fn is_whole(body: &[u8]) -> bool {
    serde_json::from_slice(body).is_ok_and(|parts: Parts| {
        parts.state.is_some()
            && parts.data.is_some()
            && parts.groups.is_some()
            && (parts.meta.is_some() || parts.metadata.is_some())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::is_whole;

    #[test]
    fn an_answer_without_a_part_does_not_stand_for_a_profile() {
        let whole = json!({
            "state": "enabled", "data": { "user_id": "ann" }, "groups": [],
            "meta": { "created": "2025-02-01T00:00:00Z" },
        });
        assert!(is_whole(whole.to_string().as_bytes()));
        for part in ["state", "data", "groups", "meta"] {
            let mut less = whole.clone();
            less[part] = json!(null);
            assert!(!is_whole(less.to_string().as_bytes()), "null in {part}");
            less.as_object_mut().unwrap().remove(part);
            assert!(!is_whole(less.to_string().as_bytes()), "without {part}");
        }
        let mut other = whole;
        other["metadata"] = other["meta"].take();
        assert!(is_whole(other.to_string().as_bytes()), "the other name of meta");
    }
}
