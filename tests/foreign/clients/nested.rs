//! Tokens with claims of many levels: a verdict that protobuf's library for Python can decode,
//! whatever stands in them.

use serde_json::{Map, Value, json};

use super::{
    super::{talk, tool},
    stage::{Over, Stage},
};

/// The levels that every library takes.
const MAX_DEPTH: usize = 20;

/// So many levels, each made of the one below.
fn nested(depth: usize, wrap: impl Fn(usize, Value) -> Value) -> Value {
    (0..depth).fold(json!(1), |inner, level| wrap(level, inner))
}

#[tokio::test]
async fn a_verdict_on_deeply_nested_claims_is_decoded() {
    let stage = Stage::set(Over::Tcp).await;
    let object = |_, inner| json!({ "a": inner });
    let list = |_, inner| json!([inner]);
    let mixed = |level: usize, inner| {
        if level.is_multiple_of(2) { json!([inner, 1]) } else { object(0, inner) }
    };
    let mut tokens = Map::new();
    for depth in (19..=60).chain([100, 120]) {
        for (shape, deep) in [
            ("object", nested(depth, object)),
            ("list", nested(depth, list)),
            ("mixed", nested(depth, mixed)),
        ] {
            tokens.insert(format!("{shape} {depth}"), json!(stage.token_with("deep", deep)));
        }
    }
    let question = json!({
        "target": stage.target(),
        "stubs": tool("clients/python"),
        "tokens": tokens,
    });
    let answers = talk::python("tests/foreign/python/nested.py", &question).await;
    for (name, answer) in answers.as_object().unwrap() {
        let depth: usize = name.rsplit_once(' ').unwrap().1.parse().unwrap();
        assert_eq!(answer["outcome"], "identity", "{name}");
        let claims = answer["claims"].as_array().unwrap();
        assert!(claims.contains(&json!("iss")), "{name}: {claims:?}");
        let kept = depth <= MAX_DEPTH;
        assert_eq!(claims.contains(&json!("deep")), kept, "{name}");
        let omitted = if kept { json!([]) } else { json!(["claims.deep"]) };
        assert_eq!(answer["omitted"], omitted, "{name}");
    }
    assert_eq!(answers.as_object().unwrap().len(), 44 * 3);
    stage.end().await;
}
