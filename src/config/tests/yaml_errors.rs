//! Texts that are no YAML, and what their author is told.

use crate::config::document::YamlDocument;

#[test]
fn a_text_that_is_no_yaml_is_told_for_its_author() {
    for (text, place, expected) in [
        ("a:\n\tb: 1\n", (2, 2), "write blanks"),
        ("hosts: [*.example.com]\n", (1, 9), "write it in quotes: \"*.example.com\""),
        ("secret: *x0123456789\n", (1, 9), "write it in quotes: \"*...\""),
        ("a: b: c\n", (1, 5), "in quotes"),
        ("a:\n  b:1\n  c: 2\n", (3, 4), "a blank behind the `:`"),
        ("a: @b\n", (1, 4), "no text begins with `@`"),
        ("a: `b`\n", (1, 4), "no text begins with ```"),
        ("a: %b\n", (1, 4), "no text begins with `%`"),
        ("a: 'b\nc: 1\n", (1, 4), "has no end; close it"),
        ("a: { b: 1", (1, 4), "write `}` at its end"),
        ("a: [1, 2", (1, 4), "write `]` at its end"),
        ("a: { b: [x }", (1, 9), "closed by `}`; write `]`"),
        ("a: {b: 1}}", (1, 10), "closes nothing; leave it out"),
        ("a: 'b' c", (1, 8), "put all of it in quotes"),
        ("  a: 1\nb: 2", (2, 1), "in the first column"),
        ("a: { b: 1\nc: { d: 1 }\n", (2, 2), "write `}` at its end"),
        ("a: [{ b: 1 }\nc: 1\n", (2, 2), "with `]`"),
        ("a:\n  b: 1\n c: 1\n", (3, 2), "in the same column"),
        ("a: {{ b }}\n", (1, 5), "is not filled in"),
        ("? [a, b]\n: 1\n", (1, 3), "write `name: value`"),
        ("~: 1\n", (1, 1), "is empty; write `name: value`"),
        ("a: \u{0}\n", (1, 4), "leave it out"),
        ("a: 1\n---\nb: 1\n", (3, 1), "write one document"),
        ("a: .nan\n", (1, 4), "write a number"),
        ("a: [-.inf]\n", (1, 5), "write a number"),
        ("a: { <<: 5 }\n", (1, 10), "write `<<: *name`"),
        ("a: 1\n\u{feff}b: 2\n", (2, 1), "leave it out"),
        ("a: { b: 1,, c: 2 }\n", (1, 11), "write one `,`"),
        ("a: [1,, 2]\n", (1, 7), "write"),
        ("a: 1\na: 2\n", (2, 1), "is written twice; leave one out"),
    ] {
        let error = YamlDocument::parse(text).expect_err(text);
        assert!(error.message.contains(expected), "{text}: {error:?}");
        assert_eq!(error.place, Some(place), "{text}: {error:?}");
        for word in ["deserialize", "Option", "scalar", "token", "context", "x0123"] {
            assert!(!error.message.contains(word), "{text}: {error:?}");
        }
    }
}
