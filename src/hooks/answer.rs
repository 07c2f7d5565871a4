//! The answer of a hook: a decision, and for a denial a reason that may be shown.

use serde::Deserialize;

use super::labels::HookResult;

/// The most characters of a reason.
const MAX_REASON: usize = 200;

/// The verdict about a sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookVerdict {
    /// The caller gets the tokens.
    Allow,
    /// The caller gets no tokens, for this reason: one line without control characters, which may be
    /// empty.
    Deny(String),
    /// The hook has not decided, and the configuration says that nobody gets the tokens then.
    Undecided,
}

/// A decision in JSON. Other members are not read.
#[derive(Deserialize)]
struct Answer {
    decision: Decision,
    #[serde(default)]
    reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Decision {
    Allow,
    Deny,
}

/// The verdict of an answer in JSON; an error says that it is none.
pub(super) fn of_json(body: &[u8]) -> Result<HookVerdict, HookResult> {
    let answer: Answer = serde_json::from_slice(body).map_err(|_| HookResult::Unreadable)?;
    Ok(match answer.decision {
        Decision::Allow => HookVerdict::Allow,
        Decision::Deny => denial(answer.reason.as_deref().unwrap_or_default()),
    })
}

/// A denial for this reason, which is cut and cleaned.
pub(super) fn denial(reason: &str) -> HookVerdict {
    let shown = reason.chars().map(|letter| if is_shown(letter) { letter } else { ' ' });
    let cut: String = shown.take(MAX_REASON).collect();
    HookVerdict::Deny(cut.trim().to_owned())
}

/// The character neither ends a line, nor is invisible, nor changes the direction of others: the
/// categories Cc, Cf, Zl and Zp of Unicode, as far as they matter in one line.
fn is_shown(letter: char) -> bool {
    !letter.is_control()
        && !matches!(
            letter,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::{HookResult, HookVerdict, of_json};

    #[test]
    fn only_a_decision_is_one() {
        let allow = Ok(HookVerdict::Allow);
        let deny = |reason: &str| Ok(HookVerdict::Deny(reason.to_owned()));
        let long = format!(r#"{{"decision":"deny","reason":"{}"}}"#, "\u{e4}".repeat(300));
        for (body, expected) in [
            (r#"{"decision":"allow"}"#, allow.clone()),
            (r#"{"decision":"allow","reason":"x","more":{"a":[1]}}"#, allow),
            (r#"{"decision":"deny"}"#, deny("")),
            (r#"{"decision":"deny","reason":null}"#, deny("")),
            (r#"{"decision":"deny","reason":"not in the plan"}"#, deny("not in the plan")),
            (r#"{"decision":"deny","reason":"a\r\nb\u202ec\u0000"}"#, deny("a  b c")),
            (&long, deny(&"\u{e4}".repeat(200))),
            ("", Err(HookResult::Unreadable)),
            ("{}", Err(HookResult::Unreadable)),
            ("true", Err(HookResult::Unreadable)),
            (r#"{"decision":"ALLOW"}"#, Err(HookResult::Unreadable)),
            (r#"{"decision":true}"#, Err(HookResult::Unreadable)),
            (r#"{"decision":"deny","decision":"allow"}"#, Err(HookResult::Unreadable)),
            (r#"{"decision":"allow"} {"decision":"deny"}"#, Err(HookResult::Unreadable)),
            (r#"{"decision":"deny","reason":5}"#, Err(HookResult::Unreadable)),
        ] {
            assert_eq!(of_json(body.as_bytes()), expected, "{body}");
        }
    }
}
