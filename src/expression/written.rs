//! The signs of an expression's text, judged before the parser sees it: what other languages write
//! otherwise gets an answer that a parser cannot give.
//!
//! In: the text. Out: nothing, or the first wrong sign with its column and what to write instead.

/// Judges the signs of a text, apart from those in quotes and comments.
///
/// # Errors
///
/// The first wrong sign, and what to write instead.
pub(super) fn check(text: &str) -> Result<(), String> {
    let signs: Vec<char> = text.chars().collect();
    let at = |index: usize| signs.get(index).copied().unwrap_or_default();
    let mut index = 0;
    while index < signs.len() {
        let sign = at(index);
        if matches!(sign, '"' | '\'') {
            index = behind_quotes(&signs, index);
            continue;
        }
        if sign == '/' && at(index + 1) == '/' {
            index += signs.iter().skip(index).take_while(|sign| **sign != '\n').count();
            continue;
        }
        if is_letter(sign) {
            let word: String =
                signs.iter().skip(index).take_while(|sign| is_letter(**sign)).collect();
            let is_member = index > 0 && at(index - 1) == '.';
            if let Some(instead) = operator_of(&word).filter(|_| !is_member) {
                return Err(told(&signs, index, &word, instead));
            }
            index += word.chars().count();
            continue;
        }
        let (next, length) = (at(index + 1), run_length(&signs, index));
        match sign {
            '=' if length > 2 => return Err(told(&signs, index, "===", "==")),
            '=' if length == 1 => return Err(told(&signs, index, "=", "==")),
            '!' | '<' | '>' if next == '=' && at(index + 2) == '=' => {
                let written = format!("{sign}==");
                return Err(told(&signs, index, &written, &format!("{sign}=")));
            }
            '<' if next == '>' => return Err(told(&signs, index, "<>", "!=")),
            '!' | '<' | '>' if next == '=' => index += 2,
            '&' | '|' if length == 1 => {
                return Err(told(&signs, index, &sign.to_string(), &format!("{sign}{sign}")));
            }
            '@' | '#' | '$' | ';' | '~' | '^' | '`' | '\\' => {
                return Err(format!(
                    "column {}: `{sign}` is no sign of an expression; leave it out, or put a text \
                     in quotes",
                    column(&signs, index)
                ));
            }
            _ => index += length,
        }
    }
    Ok(())
}

const fn is_letter(sign: char) -> bool {
    sign.is_ascii_alphanumeric() || sign == '_'
}

/// The operator that another language writes as this word.
fn operator_of(word: &str) -> Option<&'static str> {
    match word {
        "and" | "AND" => Some("&&"),
        "or" | "OR" => Some("||"),
        "not" | "NOT" => Some("!"),
        _ => None,
    }
}

/// How often the sign stands here in a row; brackets and the like count alone.
fn run_length(signs: &[char], index: usize) -> usize {
    let Some(sign) = signs.get(index) else { return 1 };
    signs.iter().skip(index).take_while(|other| *other == sign).count().max(1)
}

fn told(signs: &[char], index: usize, written: &str, instead: &str) -> String {
    format!(
        "column {}: `{written}` is no operator of expressions; write `{instead}`",
        column(signs, index)
    )
}

/// The column in the sign's own line, from 1.
fn column(signs: &[char], index: usize) -> usize {
    1 + signs.iter().take(index).rev().take_while(|sign| **sign != '\n').count()
}

/// The place behind the text in quotes that begins here; three quotes end with three.
fn behind_quotes(signs: &[char], begin: usize) -> usize {
    let at = |index: usize| signs.get(index).copied();
    let quote = at(begin);
    let is_raw = begin > 0 && matches!(at(begin - 1), Some('r' | 'R'));
    let triple = at(begin + 1) == quote && at(begin + 2) == quote;
    let ends = |index: usize| {
        at(index) == quote && (!triple || at(index + 1) == quote && at(index + 2) == quote)
    };
    let width = if triple { 3 } else { 1 };
    let mut index = begin + width;
    while index < signs.len() {
        if ends(index) {
            return index + width;
        }
        index += if at(index) == Some('\\') && !is_raw { 2 } else { 1 };
    }
    signs.len()
}
