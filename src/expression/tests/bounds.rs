//! The bounds: of a text before it is parsed, and of the work of an evaluation.

use std::thread;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Given, parsed};
use crate::expression::{Expression, ExpressionWork, FaultKind};

/// Parses on a stack of this many bytes, half of what a worker has, and asks what can be asked.
fn parse_on_a_small_stack(text: String) -> Result<(), String> {
    let parse = move || {
        let parsed = Expression::parse(&text)?;
        let _ = parsed.ask(&Given::usual(), &ExpressionWork::of_check());
        Ok(())
    };
    thread::scope(|scope| {
        let builder = thread::Builder::new().stack_size(1 << 20);
        builder.spawn_scoped(scope, parse).unwrap().join().unwrap()
    })
}

/// A text that nests, by the number of levels.
type Nested = fn(usize) -> String;

/// Each way to nest.
fn nested() -> Vec<(&'static str, Nested)> {
    vec![
        ("brackets", |n| format!("{}claims.a{}", "(".repeat(n), ")".repeat(n))),
        ("lists", |n| format!("{}claims.a{}", "[".repeat(n), "]".repeat(n))),
        ("maps", |n| format!("{}claims.a{}", "{'a':".repeat(n), "}".repeat(n))),
        ("calls", |n| format!("{}claims.a{}", "size(".repeat(n), ")".repeat(n))),
        ("nots", |n| format!("{}claims.a", "!".repeat(n))),
        ("minuses", |n| format!("{}claims.a", "-".repeat(n))),
        ("both", |n| format!("{}claims.a", "!-".repeat(n))),
        ("nots in brackets", |n| format!("{}claims.a{}", "!(".repeat(n), ")".repeat(n))),
        ("minuses in brackets", |n| format!("{}claims.a{}", "-(".repeat(n), ")".repeat(n))),
        ("sums", |n| format!("claims.a{}", "+claims.a".repeat(n))),
        ("sums on the right", |n| format!("{}claims.a{}", "1+(".repeat(n), ")".repeat(n))),
        ("short sums", |n| format!("claims.a{}", "+1".repeat(n))),
        ("fields", |n| format!("claims{}", ".a".repeat(n))),
        ("indexes", |n| format!("claims.a{}", "[0]".repeat(n))),
        ("indexes inside", |n| format!("{}claims.a{}", "claims.a[".repeat(n), "]".repeat(n))),
        ("methods", |n| format!("claims.a{}", ".size()".repeat(n))),
        ("method arguments", |n| format!("{}claims.a{}", "''.contains(".repeat(n), ")".repeat(n))),
        ("choices", |n| format!("{}claims.a", "claims.a?1:".repeat(n))),
        ("short choices", |n| format!("{}claims.a", "1?1:".repeat(n))),
        ("choices inside", |n| format!("{}claims.a{}", "1?".repeat(n), ":1".repeat(n))),
        ("conjunctions", |n| format!("claims.a{}", "&&claims.a".repeat(n))),
        ("both conjunctions", |n| format!("claims.a{}", "&&1||claims.a".repeat(n))),
        ("comparisons", |n| format!("claims.a{}", "<1".repeat(n))),
        ("macros", |n| format!("{}claims.a{}", "claims.a.all(x,".repeat(n), ")".repeat(n))),
        ("macros in a row", |n| format!("claims.a{}", ".map(x,x)".repeat(n))),
        ("has", |n| format!("{}claims.a{}", "has(".repeat(n), ")".repeat(n))),
        ("messages", |n| format!("{}claims.a{}", "A{a:".repeat(n), "}".repeat(n))),
        ("open brackets", |n| "(".repeat(n)),
        ("open lists", |n| "[".repeat(n)),
        ("open maps", |n| "{".repeat(n)),
        ("open calls", |n| "a(".repeat(n)),
        ("open texts", |n| "\"".repeat(n)),
        ("commas", |n| format!("[claims.a{}]", ",1".repeat(n))),
        ("patterns", |n| format!("claims.a.matches('^{}{}$')", "(".repeat(n), ")".repeat(n))),
    ]
}

#[test]
fn no_nesting_overflows_the_stack_or_takes_long() {
    for (name, nested) in nested() {
        for levels in
            [1, 10, 40, 47, 48, 49, 64, 100, 127, 200, 340, 500, 1000, 2000, 4000, 100_000]
        {
            let got = parse_on_a_small_stack(nested(levels));
            if levels > 5000 {
                assert!(got.is_err(), "{levels} {name}");
            }
        }
    }
}

#[test]
fn a_hundred_conditions_and_a_reasonable_nesting_are_allowed() {
    let text = vec!["claims.plan == \"pro\""; 100].join(" && ");
    assert!(parse_on_a_small_stack(text).is_ok());
    let text = format!("{}claims.plan == 'pro'{}", "(true && (".repeat(10), "))".repeat(10));
    assert!(parse_on_a_small_stack(text).is_ok());
}

#[test]
fn work_without_end_is_a_fault_even_where_another_side_decides() {
    let many: Vec<Value> = (0..4000).map(|number| json!(format!("group-{number}"))).collect();
    let long = "x".repeat(16_000);
    let facts = Given::new(json!({"claims": {"many": many, "long": long, "other": many}}));
    let long_sum = format!("size(claims.long{}) > 1", " + claims.long".repeat(40));
    for text in [
        "claims.many.all(a, claims.other.exists(b, a == b + \"x\"))",
        "claims.many.all(a, claims.other.exists(b, a == b + \"x\")) || true",
        "true && (claims.many.exists(a, claims.other.all(b, a != b)) || true)",
        "!claims.many.all(a, claims.other.exists(b, a == b + \"x\"))",
        "claims.many.map(a, claims.long).size() == 0",
        "claims.many.map(a, claims.other).size() == 0",
        "claims.many.all(a, a in claims.other)",
        "claims.many.all(a, !claims.long.contains(a + \"!\"))",
        "claims.many.all(a, claims.many == claims.other)",
        "claims.many.all(a, !claims.long.matches(\"^x*y$\"))",
        "claims.many.map(a, claims.long + a).size() == 0",
        "claims.many.map(a, [claims.long, claims.long]).size() == 0",
        "claims.long.split(\"x\").map(a, claims.long.split(\"x\")).size() == 0",
        &long_sum,
    ] {
        let got =
            parsed(text).ask(&facts, &ExpressionWork::of_check()).map_err(|fault| fault.kind());
        assert_eq!(got, Err(FaultKind::TooMuchWork), "{text}");
    }
}

#[test]
fn lists_of_hundreds_are_no_work() {
    let many: Vec<Value> = (0..500).map(|number| json!(format!("group-{number}"))).collect();
    let facts = Given::new(json!({"claims": {"many": many, "few": ["group-7", "group-8"]}}));
    for text in [
        "claims.many.exists(a, a == \"group-499\")",
        "claims.few.all(a, a in claims.many)",
        "claims.few.all(a, claims.many.exists(b, a == b))",
        "claims.many.filter(a, a.endsWith(\"7\")).size() == 50",
    ] {
        assert_eq!(parsed(text).ask(&facts, &ExpressionWork::of_check()), Ok(true), "{text}");
    }
}

/// Pieces of which texts are made that are often nearly right.
const PIECES: &[&str] = &[
    "claims",
    "request",
    "identity",
    "path",
    "profile",
    ".",
    "plan",
    "groups",
    "level",
    "headers",
    "[",
    "]",
    "(",
    ")",
    "{",
    "}",
    "\"x\"",
    "'",
    "\"",
    "\\",
    ":",
    ",",
    "?",
    "!",
    "-",
    "+",
    "*",
    "/",
    "%",
    "==",
    "!=",
    "<",
    ">=",
    "&&",
    "||",
    " in ",
    " ",
    "\n",
    "1",
    "2.5",
    "1e9",
    "0x1F",
    "1u",
    "b\"\"",
    "r\"",
    "has(",
    "size(",
    ".all(x, ",
    ".exists(",
    ".map(x,",
    "x",
    ".matches(\"^",
    "$\")",
    "true",
    "null",
    "//",
    "`",
    "@",
    "\u{e9}",
    "\u{202e}",
    "\0",
    "int(",
    "string(",
    ".split(",
    "_",
    "claims.plan",
    "claims.groups",
    "claims.level",
    "request.path",
    "\"a\"",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_text_is_refused_or_judged(text in any::<String>()) {
        let _ = parse_on_a_small_stack(text);
    }

    #[test]
    fn any_pieces_are_refused_or_judged(
        pieces in prop::collection::vec(prop::sample::select(PIECES), 0..60)
    ) {
        let _ = parse_on_a_small_stack(pieces.concat());
    }
}

#[test]
fn all_expressions_of_a_check_share_its_work() {
    let many: Vec<Value> = (0..1000).map(|number| json!(format!("group-{number}"))).collect();
    let facts = Given::new(json!({"claims": {"many": many}}));
    let work = ExpressionWork::of_check();
    let each = parsed("claims.many.all(a, a != \"x\")");
    let answers: Vec<bool> = (0..16).map(|_| each.ask(&facts, &work).is_ok()).collect();
    assert!(answers.first() == Some(&true) && answers.last() == Some(&false), "{answers:?}");
    // Once the work is used up, nothing is answered any more.
    let last = answers.iter().rposition(|answered| *answered).unwrap();
    assert!(answers[..=last].iter().all(|answered| *answered), "{answers:?}");
    assert!(each.ask(&facts, &ExpressionWork::of_check()).is_ok());
}
