//! The checks of what a call about groups brings, before anything is sent. No message repeats it.

use serde_json::{Value, json};
use url::Url;

use crate::{
    grpc::{
        pb::rownd::auth::v1::{AdmissionPolicy, MembershipState},
        rownd_auth::fault::Fault,
    },
    issuer_api::{UserIdProblem, user_id_problem},
};

/// The longest id, in bytes. It stands in a URL, percent-encoded.
const MAX_ID: usize = 512;
/// The longest name of a group, role, address of a person, and URL, in bytes.
const MAX_NAME: usize = 512;
const MAX_ROLE: usize = 256;
const MAX_ADDRESS: usize = 320;
const MAX_URL: usize = 2048;
/// The most roles of a member.
const MAX_ROLES: usize = 64;
/// The most values of a filter, and the most bytes of all of them.
const MAX_LOOKUPS: usize = 100;
const MAX_LOOKUP_BYTES: usize = 4096;

/// Checks an id that becomes a segment of a path.
pub(super) fn id(at: &'static str, id: &str) -> Result<(), Fault> {
    if id.len() > MAX_ID {
        return Err(Fault::field(at, format!("must have 1 to {MAX_ID} bytes")));
    }
    match user_id_problem(id) {
        Some(UserIdProblem::Word) => {
            Err(Fault::field(at, "is a word of Rownd's API, such as `__sample__`, and not an id"))
        }
        Some(problem) => Err(Fault::field(at, problem.to_string())),
        None => Ok(()),
    }
}

/// Checks the id of a user that is sent in a body, where it may be any text but none of the words by
/// which Rownd makes a new user.
pub(super) fn user_id(at: &'static str, id: &str) -> Result<(), Fault> {
    plain(at, id, MAX_ID)?;
    match user_id_problem(id) {
        Some(problem @ (UserIdProblem::Word | UserIdProblem::Empty)) => {
            Err(Fault::field(at, problem.to_string()))
        }
        Some(UserIdProblem::Directions | UserIdProblem::Separator | UserIdProblem::Blank)
        | None => Ok(()),
    }
}

/// Checks the name of a group.
pub(super) fn name(at: &'static str, name: &str) -> Result<(), Fault> {
    plain(at, name, MAX_NAME)
}

/// Checks the roles of a member, which may be any texts.
pub(super) fn roles(at: &'static str, roles: &[String]) -> Result<Value, Fault> {
    if roles.len() > MAX_ROLES {
        return Err(Fault::field(at, format!("has more than {MAX_ROLES} roles")));
    }
    roles.iter().try_for_each(|role| plain(at, role, MAX_ROLE))?;
    Ok(json!(roles))
}

/// Checks an e-mail address, as far as it can be seen to be none.
pub(super) fn email(at: &'static str, address: &str) -> Result<(), Fault> {
    plain(at, address, MAX_ADDRESS)?;
    match address.rsplit_once('@') {
        Some((local, domain)) if !local.is_empty() && !domain.is_empty() => Ok(()),
        Some(_) | None => Err(Fault::field(at, "is not an e-mail address")),
    }
}

/// Checks a phone number, as far as it can be seen to be none.
pub(super) fn phone(at: &'static str, number: &str) -> Result<(), Fault> {
    plain(at, number, MAX_ADDRESS)?;
    let fits = |sign: char| sign.is_ascii_digit() || " +-.()".contains(sign);
    if number.chars().all(fits) && number.contains(|sign: char| sign.is_ascii_digit()) {
        Ok(())
    } else {
        Err(Fault::field(at, "is not a phone number"))
    }
}

/// Checks the target of a link: a path of the app, or a URL that a browser or an app opens. A URL that
/// runs in the page that opens it is none.
pub(super) fn redirect_url(at: &'static str, target: &str) -> Result<(), Fault> {
    plain(at, target, MAX_URL)?;
    let is_path = target.starts_with('/') && !target.starts_with("//") && !target.contains('\\');
    let runs = |url: &Url| {
        matches!(url.scheme(), "javascript" | "data" | "vbscript" | "file" | "blob" | "about")
    };
    if is_path || Url::parse(target).is_ok_and(|url| !runs(&url)) {
        Ok(())
    } else {
        Err(Fault::field(at, "is not a path such as `/welcome`, and not a URL"))
    }
}

/// Checks the values of a filter, which are sent with commas between them.
pub(super) fn lookup_filter(values: &[String]) -> Result<(), Fault> {
    const AT: &str = "lookup_filter";
    let bytes: usize = values.iter().map(|value| value.len() + 1).sum();
    if values.len() > MAX_LOOKUPS || bytes > MAX_LOOKUP_BYTES {
        let why = format!("has more than {MAX_LOOKUPS} values, or {MAX_LOOKUP_BYTES} bytes");
        return Err(Fault::field(AT, why));
    }
    if values.iter().any(|value| value.contains(',')) {
        return Err(Fault::field(AT, "has a value with a comma, which would be several values"));
    }
    values.iter().try_for_each(|value| plain(AT, value, MAX_LOOKUP_BYTES))
}

/// The word of an admission policy.
pub(super) fn policy(at: &'static str, number: i32) -> Result<&'static str, Fault> {
    match AdmissionPolicy::try_from(number) {
        Ok(AdmissionPolicy::InviteOnly) => Ok("invite_only"),
        Ok(AdmissionPolicy::Open) => Ok("open"),
        Ok(AdmissionPolicy::Unspecified) | Err(_) => {
            Err(Fault::field(at, "is not an admission policy; a group always has one"))
        }
    }
}

/// The word of the state of a member.
pub(super) fn state(at: &'static str, number: i32) -> Result<&'static str, Fault> {
    match MembershipState::try_from(number) {
        Ok(MembershipState::Active) => Ok("active"),
        Ok(MembershipState::InvitePending) => Ok("invite_pending"),
        Ok(MembershipState::InviteRejected) => Ok("invite_rejected"),
        Ok(MembershipState::Unspecified) | Err(_) => {
            Err(Fault::field(at, "is not the state of a member; a member always has one"))
        }
    }
}

/// Checks a text that must not be empty, blank, too long, or have control characters.
fn plain(at: &'static str, text: &str, most: usize) -> Result<(), Fault> {
    if text.trim().is_empty() {
        Err(Fault::field(at, "is empty"))
    } else if text.len() > most {
        Err(Fault::field(at, format!("has more than {most} bytes")))
    } else if text.chars().any(char::is_control) {
        Err(Fault::field(at, "has control characters"))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{email, id, lookup_filter, phone, redirect_url, roles, user_id};

    #[test]
    fn an_id_is_one_segment() {
        for bad in ["", ".", "..", "a/b", "a%2Fb", "%2e%2e", "__uuid__", "a\n", " a", "x\\y"] {
            assert!(id("x", bad).is_err(), "{bad:?}");
        }
        for good in ["group_1", "a b", "日本", "a,b", "a@b", "100%"] {
            assert!(id("x", good).is_ok(), "{good:?}");
        }
        assert!(id("x", &"a".repeat(513)).is_err() && id("x", &"a".repeat(512)).is_ok());
    }

    #[test]
    fn the_id_of_a_user_may_be_any_text_but_a_word() {
        for good in ["google-oauth2|1", "a/b", "..", "a\\b", "日本"] {
            assert!(user_id("x", good).is_ok(), "{good:?}");
        }
        for bad in ["", " ", "__uuid__", "__UUID__", "%5f_default__", "a\u{0}", &"a".repeat(513)] {
            assert!(user_id("x", bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn addresses_and_targets_are_what_they_say() {
        for (good, bad) in [
            (email("x", "ann@example.com"), email("x", "ann")),
            (email("x", "a@b"), email("x", "@b")),
            (phone("x", "+1 (919) 555-0100"), phone("x", "+")),
            (phone("x", "19195550100"), phone("x", "ann@example.com")),
            (redirect_url("x", "/"), redirect_url("x", "//evil.example")),
            (redirect_url("x", "/a?b=c#d"), redirect_url("x", "welcome")),
            (redirect_url("x", "https://a.example/b"), redirect_url("x", "javascript:alert(1)")),
            (redirect_url("x", "shop://in"), redirect_url("x", "JavaScript:alert(1)")),
            (redirect_url("x", "/a"), redirect_url("x", "/\\evil.example")),
            (redirect_url("x", "/a"), redirect_url("x", "data:text/html,x")),
            (redirect_url("x", "/a"), redirect_url("x", "https://a.example/\n")),
        ] {
            assert!(good.is_ok() && bad.is_err());
        }
    }

    #[test]
    fn filters_and_roles_are_bounded() {
        let many = |count: usize| vec!["a".to_owned(); count];
        assert!(lookup_filter(&many(100)).is_ok() && lookup_filter(&many(101)).is_err());
        assert!(roles("x", &many(64)).is_ok() && roles("x", &many(65)).is_err());
        for bad in ["a,b", ",", "", " ", "a\tb", &"a".repeat(4096)] {
            assert!(lookup_filter(&[bad.to_owned()]).is_err(), "{bad:?}");
        }
        for bad in ["", " ", "a\n", &"a".repeat(257)] {
            assert!(roles("x", &[bad.to_owned()]).is_err(), "{bad:?}");
        }
    }
}
