//! A problem of a configuration: its place, its cause, and what to write instead.

use std::fmt;

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// `file.yaml:12`, or the environment variable.
    pub place: String,
    /// The column in the line, from 1; `None` if it is not in a file.
    pub column: Option<u64>,
    /// The setting, `routes[0].auth`; empty where it is the whole file.
    pub setting: String,
    /// The cause, and what to write instead.
    pub message: String,
}

/// One line, as compilers print it: editors find the place in `file:line:column: error: ...`.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place)?;
        if let Some(column) = self.column {
            write!(f, ":{column}")?;
        }
        f.write_str(": error: ")?;
        if !self.setting.is_empty() {
            write!(f, "{}: ", one_line(&self.setting))?;
        }
        f.write_str(&one_line(&self.message))
    }
}

/// The text in one line that controls no terminal: it may quote the file.
fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for part in text.split(['\n', '\r']).map(str::trim).filter(|part| !part.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        for sign in part.chars() {
            if sign.is_control()
                || matches!(sign, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}')
            {
                line.extend(sign.escape_unicode());
            } else {
                line.push(sign);
            }
        }
    }
    line
}

/// Every problem of a configuration. Never empty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// Their number, in words.
    #[must_use]
    pub fn summary(&self) -> String {
        let count = self.0.len();
        format!("{count} problem{} in the configuration", if count == 1 { "" } else { "s" })
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.0 {
            writeln!(f, "{problem}")?;
        }
        f.write_str(&self.summary())
    }
}

#[cfg(test)]
mod tests {
    use super::Problem;

    #[test]
    fn a_problem_is_one_line() {
        let problem = |place: &str, column, setting: &str, message: &str| {
            let (place, setting, message) = (place.into(), setting.into(), message.into());
            Problem { place, column, setting, message }.to_string()
        };
        for (found, expected) in [
            (problem("a.yaml:3", Some(5), "log", "is x"), "a.yaml:3:5: error: log: is x"),
            (problem("environment X", None, "", "is x"), "environment X: error: is x"),
            (problem("a:1", Some(1), "", "x:\n    (\n    ^\nend"), "a:1:1: error: x: ( ^ end"),
            (problem("a:1", None, "k\n", "\u{1b}[31m"), "a:1: error: k: \\u{1b}[31m"),
        ] {
            assert_eq!(found, expected);
        }
    }
}
