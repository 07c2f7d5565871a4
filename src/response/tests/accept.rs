//! HTML or JSON, by every way to write the header `Accept`.

use crate::response::accept::prefers_html;

#[rustfmt::skip] // one case a line
const LINES: &[(&str, &[&str], bool)] = &[
    ("nothing", &[], false),
    ("an empty line", &[""], false),
    ("anything", &["*/*"], false),
    ("HTML", &["text/html"], true),
    ("a browser", &["text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"], true),
    ("an old browser, which likes all alike", &["text/html, application/xhtml+xml, */*"], true),
    ("any text", &["text/*"], true),
    ("JSON", &["application/json"], false),
    ("JSON, then HTML", &["application/json, text/html"], false),
    ("HTML, then JSON", &["text/html, application/json"], false),
    ("JSON before HTML", &["text/html;q=0.9, application/json"], false),
    ("HTML before JSON", &["text/html, application/json;q=0.9"], true),
    ("HTML by a thousandth", &["text/html;q=0.501, application/json;q=0.5"], true),
    ("HTML less than the rest", &["text/html;q=0.5, */*;q=0.8"], false),
    ("all but HTML", &["*/*, text/html;q=0"], false),
    ("all but JSON", &["*/*, application/json;q=0"], true),
    ("nothing at all", &["*/*;q=0"], false),
    ("HTML with no weight", &["text/html;q=0.000"], false),
    ("two lines", &["application/json;q=0.1", "text/html"], true),
    ("another case", &["TEXT/HTML;Q=1"], true),
    ("blanks", &[" text/html ; q=1 , */* ; q=0.1 "], true),
    ("the charset that there is", &["text/html;charset=utf-8"], true),
    ("the charset in quotes", &["text/html;charset=\"UTF-8\""], true),
    ("another charset", &["text/html;charset=latin1"], false),
    ("another version of HTML", &["text/html;level=1"], false),
    ("XHTML alone", &["application/xhtml+xml"], false),
    ("a name that begins so", &["text/html5"], false),
    ("a name that ends so", &["xtext/html"], false),
    ("a comma in quotes", &["a/b;x=\"text/html,text/html\""], false),
    ("a quote in quotes", &["a/b;x=\"\\\",text/html\""], false),
    ("a backslash before the end", &["a/b;x=\"\\\\\",text/html"], true),
    ("quotes without an end", &["a/b;x=\",text/html"], false),
    ("commas alone", &[",,,"], false),
    ("semicolons alone", &[";;;"], false),
    ("a weight above 1", &["text/html;q=1.001"], false),
    ("a weight of four digits", &["text/html;q=0.9999"], false),
    ("a weight below 0", &["text/html;q=-1"], false),
    ("a weight that is no number", &["text/html;q=NaN"], false),
    ("a weight without a zero", &["text/html;q=.5"], false),
    ("a weight of another script", &["text/html;q=\u{661}"], false),
    ("no weight after the sign", &["text/html;q="], false),
    ("a parameter without a sign", &["text/html;q"], false),
    ("a star alone", &["*"], false),
    ("a star before a name", &["*/html"], false),
    ("the same twice", &["text/html;q=0.1, text/html;q=0.9, application/json;q=0.5"], true),
    ("bytes that are no text", &["\u{fffd}\u{1}/html"], false),
];

#[test]
fn html_is_for_those_who_prefer_it() {
    for (name, lines, expected) in LINES {
        assert_eq!(prefers_html(lines.iter().map(|line| line.as_bytes())), *expected, "{name}");
    }
}

#[test]
fn no_bytes_are_too_odd() {
    for line in [&b"\xff/\xfe"[..], b"text/\xc3", b"text/html;q=\xff", b"\0", &[b','; 70_000]] {
        assert!(!prefers_html([line].into_iter()), "{line:?}");
    }
}
