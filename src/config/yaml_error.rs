//! A text that is no YAML, or more of it than a configuration may be: where, and what to write.
//!
//! In: the error of the parser, whose advice is for programmers. Out: the place, and a message for the
//! author of the file.

use super::yaml_tag;

/// The most signs of the file that a message repeats.
const MOST_QUOTED: usize = 40;

/// The mistake of a text that is no YAML document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UnreadableYaml {
    /// Line and column, where they are known.
    pub(super) place: Option<(u64, u64)>,
    /// The mistake, and what to write instead.
    pub(super) message: String,
}

impl UnreadableYaml {
    /// The error of the parser about this text.
    pub(super) fn of(error: &serde_saphyr::Error, text: &str) -> Self {
        let place = error.location().map(|location| (location.line(), location.column()));
        let place = place.filter(|(line, _)| *line > 0);
        let word = place.and_then(|place| word_at(text, place)).unwrap_or_default();
        Self { place, message: told(&error.to_string(), word) }
    }

    /// Whether the value of an anchor is meant that the text does not have.
    pub(super) fn is_about_an_anchor(&self) -> bool {
        self.message.contains("value of an anchor")
    }

    /// The mistake as it stands so many lines further down in a file.
    pub(super) fn moved_down(mut self, lines: u64) -> Self {
        self.place = self.place.map(|(line, column)| (line.saturating_add(lines), column));
        self
    }

    /// A file whose text is no UTF-8 behind these bytes.
    pub(super) fn not_utf8(good: &[u8]) -> Self {
        let lines = good.iter().filter(|byte| **byte == b'\n').count();
        let line = u64::try_from(lines).unwrap_or(u64::MAX).saturating_add(1);
        let last = good.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
        let signs = String::from_utf8_lossy(last).chars().count();
        let column = u64::try_from(signs).unwrap_or(u64::MAX).saturating_add(1);
        let message = "a character here is not in UTF-8; save the file as UTF-8".to_owned();
        Self { place: Some((line, column)), message }
    }
}

/// The word of the text at this place, as far as a message may repeat it.
fn word_at(text: &str, (line, column): (u64, u64)) -> Option<&str> {
    let line = text.lines().nth(usize::try_from(line).ok()?.checked_sub(1)?)?;
    let skipped = usize::try_from(column).ok()?.checked_sub(1)?;
    let (start, _) = line.char_indices().nth(skipped)?;
    let word = line.get(start..)?.split([' ', '\t', ',', ']', '}', '#']).next()?;
    (word.chars().count() <= MOST_QUOTED).then_some(word)
}

/// Parts of messages of the parser, and the words instead. The first that fits counts.
const WORDS: [(&str, &str); 34] = [
    (
        "invalid u64",
        "is no whole number, as `!!int` before it says; write one, or leave the tag out",
    ),
    (
        "invalid i64",
        "is no whole number, as `!!int` before it says; write one, or leave the tag out",
    ),
    (
        "invalid boolean",
        "is not true or false, as `!!bool` before it says; write true or false, or leave the tag out",
    ),
    (
        "invalid floating point",
        "is no number, as `!!float` before it says; write one, or leave the tag out",
    ),
    (
        "non-finite float",
        "`.nan` and `.inf` are no numbers that a setting can have; write a number, or leave the setting \
         out",
    ),
    (
        "merge value must be",
        "`<<` takes the settings of another map, and none stands behind it; write `<<: *name`, where \
         `&name` stands before that map, or leave it out",
    ),
    (
        "BOM must not appear",
        "an invisible byte order mark stands here, as where two files were joined; leave it out",
    ),
    (
        "implicit flow mapping",
        "a map that begins with `{` cannot be read to its end; write one `,` between two settings, and `}` \
         at its end",
    ),
    ("unclosed bracket '{'", "`{` begins a map here that is not closed; write `}` at its end"),
    ("unclosed bracket '['", "`[` begins a list here that is not closed; write `]` at its end"),
    ("mismatched bracket '{'", "`{` begins a map here that is closed by `]`; write `}` at its end"),
    (
        "mismatched bracket '['",
        "`[` begins a list here that is closed by `}`; write `]` at its end",
    ),
    (
        "misplaced bracket",
        "a bracket here closes nothing; leave it out, or put the text that it is part of in quotes",
    ),
    (
        "expected <document start>",
        "is indented differently from the first line; write all sections in the first column",
    ),
    ("invalid trailing content", "more text follows behind a quote; put all of it in quotes"),
    (
        "multiple YAML documents",
        "begins a second YAML document, and only one is read; remove the line `---` and write one \
         document",
    ),
    (
        "budget breached: Depth",
        "is nested too deeply to be read; `all`, `any` and `not` may stand in each other 8 times",
    ),
    (
        "recursion limit",
        "is nested too deeply to be read; `all`, `any` and `not` may stand in each other 8 times",
    ),
    (
        "budget breached",
        "is too much to be read: it has too many nodes, or anchors and aliases that multiply; write \
         the values out",
    ),
    (
        "recursive references",
        "has an alias (`*name`) inside its own anchor (`&name`); write the value out",
    ),
    ("tab", "a tab stands here, and YAML is indented with blanks alone; write blanks"),
    (
        "mapping values are not allowed",
        "a `:` stands where no name of a setting can; write a blank behind the `:` of the line \
         before, or put a text with `: ` in it in quotes",
    ),
    (
        "illegal placement of ':'",
        "a `:` stands inside a list; close the list before it with `]`, or put the text in quotes",
    ),
    ("unclosed quote", "a quote begins here and has no end; close it, with the same sign"),
    (
        "',' or '}'",
        "a map that begins with `{` is not closed here; write `}` at its end, and `,` between its \
         settings",
    ),
    (
        "',' or ']'",
        "a list that begins with `[` is not closed here; write `]` at its end, and `,` between its \
         entries",
    ),
    (
        "did not find expected key",
        "is neither a setting of the map before it nor of one around that; write all settings of a \
         map in the same column",
    ),
    (
        "did not find expected '-'",
        "is no entry of the list before it; write `- ` before each entry, in the same column",
    ),
    (
        "expected string scalar",
        "the name of a setting is no text here, as it is where a template such as `{{ name }}` is not \
         filled in; write `name: value`, and a text with braces in quotes",
    ),
    ("cannot deserialize null into string", "the name of a setting is empty; write `name: value`"),
    ("simple key", "the name of a setting has no `:` behind it; write `name: value`"),
    (
        "invalid indentation",
        "is indented differently from the lines around it; write all settings of a map in the same \
         column",
    ),
    (
        "wrongly indented",
        "is indented differently from the lines around it; write all settings of a map in the same \
         column",
    ),
    (
        "escape",
        "has a `\\` in double quotes that means nothing there; write the text in single quotes",
    ),
];

/// The message of the parser in other words, where its own help nobody. `word` stands at the place.
fn told(message: &str, word: &str) -> String {
    let line = first_line(message);
    if line.contains("unknown anchor") {
        // Any other word may be a secret.
        let word = if word.starts_with("*.") { word } else { "*..." };
        return format!(
            "`{word}` begins with `*` and so means the value of an anchor, which this file does not \
             have; if the `*` is part of the text, write it in quotes: \"{word}\""
        );
    }
    if line.contains("alias") && line.contains("limit") {
        return told("budget breached", word);
    }
    if let Some((_, tag)) = line.split_once("unsupported tag `") {
        return yaml_tag::problem(tag.trim_end_matches('`'));
    }
    if line.contains("!!binary") {
        return yaml_tag::problem("!!binary");
    }
    // The parser has no other type that is neither of JSON nor text.
    if line.contains("tagged scalar") {
        return yaml_tag::problem("!!timestamp");
    }
    if let Some(rest) = line.strip_prefix("duplicate mapping key") {
        let key = rest.trim_start_matches(':').trim();
        return format!("the key {key} is written twice; leave one out");
    }
    if let Some(sign) = line.strip_prefix("unexpected character: ") {
        let sign = sign.strip_prefix('`').unwrap_or(sign).trim_end_matches('\'');
        if sign.starts_with("\\u") {
            return "a control character stands here; leave it out".to_owned();
        }
        return format!("no text begins with `{sign}` in YAML; write it in quotes");
    }
    if let Some((_, words)) = WORDS.iter().find(|(part, _)| line.contains(part)) {
        return (*words).to_owned();
    }
    format!("{line}; correct this line, or the one before it")
}

/// Parser errors may quote the source over several lines; the first says what is wrong. The
/// place before it is ours to say, and advice to programmers behind it helps nobody.
fn first_line(message: &str) -> &str {
    let line = message.lines().next().unwrap_or_default();
    let line = match line.strip_prefix("error: line ") {
        Some(rest) => rest.split_once(": ").map_or(line, |(_, text)| text),
        None => line,
    };
    line.split(", set DuplicateKeyPolicy").next().unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::{UnreadableYaml, word_at};

    #[test]
    fn bytes_that_are_no_utf8_have_a_place() {
        for (good, place) in
            [(&b""[..], (1, 1)), (b"a: tex", (1, 7)), (b"a: 1\nb: \xc3\xa9", (2, 5))]
        {
            assert_eq!(UnreadableYaml::not_utf8(good).place, Some(place));
        }
    }

    #[test]
    fn a_word_is_repeated_only_if_it_is_short() {
        assert_eq!(word_at("a: *bc, d", (1, 4)), Some("*bc"));
        assert_eq!(word_at("a", (2, 1)), None);
        assert_eq!(word_at("a", (1, 9)), None);
        assert_eq!(word_at(&"x".repeat(50), (1, 1)), None);
    }
}
