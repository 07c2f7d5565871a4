//! Finds users by the values that identify them: e-mail addresses, phone numbers, ids at providers.
//!
//! In: a value as a caller writes it. Out: the user who has it. Case and spaces around an address
//! do not tell two users apart, nor does the punctuation of a phone number.

use serde_json::Value;

use super::{records::AppRecords, users::User};

/// The fields of a profile that identify a user.
pub(crate) const IDENTIFYING: [&str; 4] = ["email", "phone_number", "google_id", "apple_id"];
/// The fewest digits of a phone number.
const MIN_PHONE_DIGITS: usize = 5;

/// A value in the form in which two of them are compared.
pub(crate) fn canonical(value: &str) -> String {
    let value = value.trim();
    if value.contains('@') {
        return value.to_lowercase();
    }
    phone_digits(value).unwrap_or_else(|| value.to_owned())
}

/// The digits of a phone number, if the text is one.
fn phone_digits(text: &str) -> Option<String> {
    let text = text.strip_prefix('+').unwrap_or(text);
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let punctuation = |letter: char| matches!(letter, ' ' | '-' | '.' | '(' | ')');
    let fits = text.chars().all(|letter| letter.is_ascii_digit() || punctuation(letter));
    (fits && digits.len() >= MIN_PHONE_DIGITS).then_some(digits)
}

/// A phone number as profiles hold it, `+` and digits. Rownd takes them as JSON numbers, too.
pub(crate) fn phone_number(value: &Value) -> Option<String> {
    let digits = match value {
        Value::Number(number) => phone_digits(&number.as_u64()?.to_string()),
        Value::String(text) => phone_digits(text.trim()),
        _ => None,
    };
    digits.map(|digits| format!("+{digits}"))
}

/// The entries of a `lookup_filter`, which are separated by commas, in the form to compare.
pub(crate) fn wanted(filter: &str) -> Vec<String> {
    filter.split(',').map(canonical).filter(|value| !value.is_empty()).collect()
}

impl User {
    /// Whether the user proved this value.
    pub(crate) fn has_proved(&self, value: &str) -> bool {
        let value = canonical(value);
        !value.is_empty()
            && self.verified.iter().any(|(field, proof)| match proof {
                Value::String(proof) => canonical(proof) == value,
                // `true` means: the value of the field in `data` is proved.
                Value::Bool(true) => self
                    .data
                    .get(field)
                    .and_then(Value::as_str)
                    .is_some_and(|v| canonical(v) == value),
                _ => false,
            })
    }

    /// Whether the value identifies the user, proved or not.
    pub(crate) fn is_identified_by(&self, value: &str) -> bool {
        self.has_proved(value) || {
            let value = canonical(value);
            self.identifying_values().any(|known| canonical(known) == value)
        }
    }

    /// The values in the profile that identify the user. Empty texts stand for no value.
    pub(crate) fn identifying_values(&self) -> impl Iterator<Item = &str> {
        IDENTIFYING
            .iter()
            .filter_map(|field| self.data.get(*field)?.as_str())
            .filter(|value| !value.trim().is_empty())
    }
}

impl AppRecords {
    /// The user who proved this value, an e-mail address for example.
    pub(crate) fn find_by_proved_value(&self, value: &str) -> Option<&User> {
        self.users.values().find(|user| user.has_proved(value))
    }

    /// The user with this value: the one who proved it, else one who has it in the profile.
    pub(crate) fn find_by_value(&self, value: &str) -> Option<&User> {
        if value.trim().is_empty() {
            return None;
        }
        self.find_by_proved_value(value)
            .or_else(|| self.users.values().find(|user| user.is_identified_by(value)))
    }
}
