//! Whether a user has proved one of the values that a list was asked for.
//!
//! In: a profile and values. Out: yes or no. Rownd says that its filter finds proved values alone; a
//! caller who trusts an address that somebody has only claimed would take the one for the
//! other, so that each row is looked at here too.

use serde_json::Value;

use crate::model::Profile;

/// The fewest digits of a phone number.
const MIN_PHONE_DIGITS: usize = 5;

/// Whether the user has proved one of the values; `true` where there are none.
pub(super) fn has_proved_one(profile: &Profile, values: &[String]) -> bool {
    values.is_empty() || values.iter().any(|value| has_proved(profile, &canonical(value)))
}

fn has_proved(profile: &Profile, value: &str) -> bool {
    let is_it = |known: &Value| match known {
        Value::String(text) => canonical(text) == value,
        Value::Number(number) => canonical(&number.to_string()) == value,
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => false,
    };
    profile.verified_data.iter().any(|(field, proof)| {
        if *proof == Value::Bool(true) {
            // The value of the field in `data` is proved.
            profile.data.get(field).is_some_and(is_it)
        } else {
            is_it(proof)
        }
    })
}

/// The form in which two values are compared: addresses without regard to case, phone numbers
/// without their punctuation.
fn canonical(value: &str) -> String {
    let value = value.trim();
    if value.contains('@') {
        return value.to_lowercase();
    }
    let digits: String = value.chars().filter(char::is_ascii_digit).collect();
    let punctuation = |letter: char| matches!(letter, '+' | ' ' | '-' | '.' | '(' | ')');
    let is_phone = digits.len() >= MIN_PHONE_DIGITS
        && value.chars().all(|letter| letter.is_ascii_digit() || punctuation(letter));
    if is_phone { digits } else { value.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::has_proved_one;
    use crate::issuer_api::rownd::read_profile;

    #[test]
    fn a_value_that_is_only_claimed_is_not_proved() {
        let profile = json!({
            "rownd_user": "ann",
            "data": { "email": "ann@example.com", "phone_number": "+1 (555) 555-0100",
                      "google_id": "claimed" },
            "verified_data": { "email": "Ann@Example.com", "phone_number": true, "apple_id": "a-1",
                               "plan": false, "odd": ["ann"] },
        });
        let profile = read_profile(profile.to_string().as_bytes()).unwrap();
        for (value, expected) in [
            ("ann@example.com", true),
            (" ANN@example.com", true),
            ("+15555550100", true),
            ("1-555-555-0100", true),
            ("a-1", true),
            ("A-1", false),
            ("claimed", false),
            ("bob@example.com", false),
            ("ann", false),
            ("false", false),
            ("", false),
        ] {
            assert_eq!(has_proved_one(&profile, &[value.to_owned()]), expected, "{value}");
        }
        assert!(has_proved_one(&profile, &[]), "no filter");
        assert!(has_proved_one(&profile, &["x".to_owned(), "a-1".to_owned()]), "one of them");
    }
}
