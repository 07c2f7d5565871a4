//! Tags of YAML (`!secret NAME`), which other programs follow and a reader of plain values does not: the
//! name behind one would be taken as the value.
//!
//! In: a tag that the parser refuses. Out: the message about it.

/// The tags of other programs that a message may repeat. Any other may be a secret that begins with
/// `!`.
const KNOWN: [&str; 18] = [
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

/// The message about this tag, which no reader of plain values follows.
pub(super) fn problem(tag: &str) -> String {
    let known = KNOWN.iter().find(|known| **known == tag);
    let shown = known.map_or_else(|| "a tag of YAML".to_owned(), |tag| format!("`{tag}`"));
    format!(
        "{shown} stands before the value, and no tag is followed here; write the value itself, for a \
         secret file:/path, or set it by a variable ROWND_AUTHZ__SECTION__KEY; a text that begins with \
         `!` belongs in quotes"
    )
}
