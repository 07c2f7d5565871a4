//! The names of members of metadata, as Rownd's plugin reads them.
//!
//! In: a name. Out: whose member it is: of the user's profile, of a way to sign in, or of the plugin.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::record::ORIGINAL;

/// The member that lists the fields in which metadata count more than the imported profile.
pub(super) const AUTHORITATIVE: &str = "rownd_profile_authoritative_fields";
/// Fields that follow from the ways to sign in.
const IDENTITY: [&str; 5] = ["user_id", "email", "phone_number", "google_id", "apple_id"];

/// Whether the field follows from the ways to sign in.
pub(super) fn is_identity(name: &str) -> bool {
    IDENTITY.contains(&name)
}

/// Whether the plugin, or SuperTokens itself, keeps its own state in this member. A later version of the
/// plugin may have more of them, so that the prefix counts.
pub(super) fn is_internal(name: &str) -> bool {
    name == ORIGINAL || name.starts_with("rownd_") || name == "_supertokens"
}

/// Why a backend cannot write this field; `None`: it can.
pub(super) fn why_not_writable(name: &str) -> Option<&'static str> {
    if is_identity(name) {
        return Some(
            "has a member that follows from the ways to sign in (user_id, email, phone_number, \
             google_id, apple_id), which the user proves to SuperTokens; leave it out",
        );
    }
    is_internal(name).then_some(
        "has a member that SuperTokens or Rownd's plugin keeps (original_rownd_user, _supertokens, \
         and all that begin with rownd_); leave it out",
    )
}

/// The fields in which metadata count more than the imported profile.
pub(super) fn authoritative(metadata: &Map<String, Value>) -> BTreeSet<String> {
    let names = metadata.get(AUTHORITATIVE).and_then(Value::as_array).into_iter().flatten();
    let names = names.filter_map(Value::as_str);
    names.filter(|name| !is_internal(name) && !is_identity(name)).map(str::to_owned).collect()
}
