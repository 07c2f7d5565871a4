//! A text that is no YAML, or more of it than a configuration may be: where, and what to write.
//!
//! In: the error of the parser, whose advice is for programmers. Out: the place, and a message for the
//! author of the file.

/// The mistake of a text that is no YAML document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UnreadableYaml {
    /// Line and column, where they are known.
    pub(super) place: Option<(u64, u64)>,
    /// The mistake, and what to write instead.
    pub(super) message: String,
}

impl UnreadableYaml {
    pub(super) fn of(error: &serde_saphyr::Error) -> Self {
        let place = error.location().map(|location| (location.line(), location.column()));
        let place = place.filter(|(line, _)| *line > 0);
        Self { place, message: told(&error.to_string()) }
    }
}

/// The message of the parser in other words, where its own help nobody.
fn told(message: &str) -> String {
    let line = first_line(message);
    let has = |part: &str| line.contains(part);
    if has("multiple YAML documents") {
        return "begins a second YAML document, and only one is read; remove the line `---` and \
                write one document"
            .to_owned();
    }
    if has("budget breached: Depth") || has("recursion limit") {
        return "is nested too deeply to be read; `all`, `any` and `not` may stand in each other 8 \
                times"
            .to_owned();
    }
    if has("budget breached") || has("alias") && has("limit") {
        return "is too much to be read: it has too many nodes, or anchors and aliases that multiply; \
                write the values out"
            .to_owned();
    }
    if has("recursive references") {
        return "has an alias (`*name`) inside its own anchor (`&name`); write the value out"
            .to_owned();
    }
    if let Some(rest) = line.strip_prefix("duplicate mapping key") {
        let key = rest.trim_start_matches(':').trim();
        return format!("the key {key} is written twice; leave one out");
    }
    line.to_owned()
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
