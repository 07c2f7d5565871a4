//! Tags of YAML. Those of its own types that JSON has too, such as `!!str`, mean what YAML says. Others
//! (`!secret NAME`, `!!binary`) are followed by other programs, and are refused: the name behind one
//! would be taken as the value.
//!
//! In: a tag that the parser refuses, or the text around a value. Out: the message about it.

/// The tags that mean the same here as to every reader of YAML.
const OF_JSON: [&str; 8] = ["!", "!!str", "!!int", "!!float", "!!bool", "!!null", "!!seq", "!!map"];
/// The namespace of the tags that are written with `!!`.
const YAML: &str = "tag:yaml.org,2002:";
/// The other tags that a message may repeat: those of YAML, and those of other programs. Any other may
/// be a secret that begins with `!`.
const KNOWN: [&str; 29] = [
    "!!binary",
    "!!merge",
    "!!omap",
    "!!pairs",
    "!!set",
    "!!timestamp",
    "!!value",
    "!binary",
    "!bool",
    "!int",
    "!str",
    "!env",
    "!ENV",
    "!env_var",
    "!secret",
    "!secrets",
    "!vault",
    "!include",
    "!file",
    "!Ref",
    "!Sub",
    "!GetAtt",
    "!ImportValue",
    "!Join",
    "!reference",
    "!encrypted",
    "!sops",
    "!var",
    "!template",
];

/// The message about this tag, where it stands before a value that it cannot be of, or means nothing
/// here.
pub(super) fn problem(tag: &str) -> String {
    let tag = short(tag);
    if OF_JSON.contains(&tag.as_str()) {
        return format!("`{tag}` stands before a value of another kind; leave the tag out");
    }
    let shown =
        if KNOWN.contains(&tag.as_str()) { format!("`{tag}`") } else { "a tag of YAML".to_owned() };
    format!(
        "{shown} stands before the value, and no such tag is followed here; write the value itself, for \
         a secret file:/path, or leave it out and set the variable ROWND_AUTHZ__SECTION__KEY; a text \
         that begins with `!` belongs in quotes"
    )
}

/// The tag as it is usually written.
fn short(tag: &str) -> String {
    let verbatim = tag.strip_prefix("!<").and_then(|rest| rest.strip_suffix('>'));
    let tag = verbatim.unwrap_or(tag);
    tag.strip_prefix(YAML).map_or_else(|| tag.to_owned(), |name| format!("!!{name}"))
}

/// The tag before the scalar that begins at this byte, if it has one that means nothing here.
pub(super) fn foreign_tag(text: &str, start: usize) -> Option<&str> {
    let own = text.get(start..)?;
    // The place of a scalar may be that of its tag. No plain text begins with this sign.
    if own.starts_with('!') {
        return own.split_whitespace().next().filter(|tag| is_foreign(tag));
    }
    let words = text.get(..start)?.split_whitespace().rev();
    let mut words = words.map(|word| word.trim_start_matches(['[', '{', ',']));
    // The sign of a block, and an anchor, may stand between the two.
    let is_between = |word: &&str| word.starts_with(['|', '>', '&']);
    words.find(|word| !is_between(word)).filter(|word| is_foreign(word))
}

fn is_foreign(word: &str) -> bool {
    // A comma ends the tag before it, unless that is written as a whole: `!<tag:yaml.org,2002:set>`.
    let others = if word.starts_with("!<") { "!<>:,_./%-" } else { "!:_./%-" };
    let is_sign = |sign: char| sign.is_ascii_alphanumeric() || others.contains(sign);
    word.starts_with('!') && word.chars().all(is_sign) && !OF_JSON.contains(&short(word).as_str())
}

#[cfg(test)]
mod tests {
    use super::foreign_tag;

    #[test]
    fn a_tag_is_found_before_its_value_alone() {
        for (text, value, expected) in [
            ("a: !!binary SGk=", "SGk=", Some("!!binary")),
            ("a: !!binary |\n  SGk=", "SGk=", Some("!!binary")),
            ("a: !x &b c", "c", Some("!x")),
            ("a: &b !x c", "c", Some("!x")),
            ("[!!timestamp 2026-01-01]", "2026", Some("!!timestamp")),
            ("[ !!timestamp 2026-01-01]", "2026", Some("!!timestamp")),
            ("a: !<tag:yaml.org,2002:binary> SGk=", "SGk=", Some("!<tag:yaml.org,2002:binary>")),
            ("a: !!str c", "c", None),
            ("a: ! c", "c", None),
            ("a: hello !x\nb: c", "c", None),
            ("- hello !x\n- c", "c", None),
            ("['!', c]", "c", None),
            ("{ 'a!': c }", "c", None),
        ] {
            let start = text.rfind(value).unwrap();
            assert_eq!(foreign_tag(text, start), expected, "{text}");
        }
        assert_eq!(foreign_tag("a: !!binary SGk=", 3), Some("!!binary"));
    }
}
