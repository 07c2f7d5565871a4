//! Custom claims as messages and as Rownd writes them.

use std::collections::HashMap;

use prost_types::value::Kind;
use serde_json::{Map, Value as Json, json};

use super::names;
use crate::grpc::{
    pb::rownd::auth::v1::{CustomClaim, custom_claim::Source},
    rownd_auth::{etag, fault::Fault, structure::Structures},
};

const AT: &str = "custom_claims";
/// The most claims of an app, and the most bytes of a value.
const MAX_CLAIMS: usize = 100;
const MAX_VALUE: usize = 4096;

/// The claims of an app as a message. One of another shape is named as left out.
pub(super) fn wire(
    claims: &Map<String, Json>,
    structures: &mut Structures,
) -> HashMap<String, CustomClaim> {
    let mut shown = HashMap::with_capacity(claims.len());
    for (name, claim) in claims {
        match source_of(claim) {
            Some(source) => {
                shown.insert(name.clone(), CustomClaim { source: Some(source) });
            }
            None => structures.leave_out(format!("{AT}.{name}")),
        }
    }
    shown
}

/// The entity tag of the claims of an app.
pub(super) fn etag_of(claims: &Map<String, Json>) -> String {
    etag::of_json(&Json::Object(claims.clone()))
}

fn source_of(claim: &Json) -> Option<Source> {
    let value = claim.get("value")?;
    match claim.get("source")?.as_str()? {
        "user_profile" => value.as_str().map(|field| Source::UserProfileField(field.to_owned())),
        "static_value" => {
            let kind = match value {
                Json::Bool(flag) => Kind::BoolValue(*flag),
                Json::Number(number) => Kind::NumberValue(number.as_f64()?),
                Json::String(text) => Kind::StringValue(text.clone()),
                Json::Null | Json::Array(_) | Json::Object(_) => return None,
            };
            Some(Source::StaticValue(prost_types::Value { kind: Some(kind) }))
        }
        _ => None,
    }
}

/// The claims that a request sets, as Rownd writes them.
pub(super) fn written(claims: &HashMap<String, CustomClaim>) -> Result<Map<String, Json>, Fault> {
    if claims.len() > MAX_CLAIMS {
        return Err(Fault::field(AT, format!("has more than {MAX_CLAIMS} claims")));
    }
    claims
        .iter()
        .map(|(name, claim)| match names::problem(name) {
            Some(problem) => Err(Fault::field(AT, problem)),
            None => Ok((name.clone(), written_claim(claim)?)),
        })
        .collect()
}

fn written_claim(claim: &CustomClaim) -> Result<Json, Fault> {
    let bounded = |text: &str| {
        let fits = text.len() <= MAX_VALUE;
        let why = format!("has a claim whose value has more than {MAX_VALUE} bytes");
        if fits { Ok(json!(text)) } else { Err(Fault::field(AT, why)) }
    };
    match &claim.source {
        None => Err(Fault::field(
            AT,
            "has a claim without `user_profile_field` and without `static_value`",
        )),
        Some(Source::UserProfileField(field)) if field.trim().is_empty() => {
            Err(Fault::field(AT, "has a claim whose `user_profile_field` is empty"))
        }
        Some(Source::UserProfileField(field)) => {
            Ok(json!({ "source": "user_profile", "value": bounded(field)? }))
        }
        Some(Source::StaticValue(value)) => {
            let value = match &value.kind {
                Some(Kind::BoolValue(flag)) => json!(flag),
                Some(Kind::StringValue(text)) => bounded(text)?,
                Some(Kind::NumberValue(number)) if number.is_finite() => whole(*number),
                Some(
                    Kind::NumberValue(_)
                    | Kind::NullValue(_)
                    | Kind::ListValue(_)
                    | Kind::StructValue(_),
                )
                | None => {
                    let why =
                        "has a claim whose `static_value` is no text, no number, not true or false";
                    return Err(Fault::field(AT, why));
                }
            };
            Ok(json!({ "source": "static_value", "value": value }))
        }
    }
}

/// A whole number stays one: `3`, not `3.0`.
fn whole(number: f64) -> Json {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "whole and within 2^53")]
        return Json::from(number as i64);
    }
    Json::from(number)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use prost_types::{ListValue, NullValue, Value, value::Kind};
    use serde_json::{Value as Json, json};

    use super::{CustomClaim, Source, Structures, wire, written};

    fn constant(kind: Kind) -> CustomClaim {
        CustomClaim { source: Some(Source::StaticValue(Value { kind: Some(kind) })) }
    }

    #[test]
    fn claims_are_written_as_rownd_reads_them() {
        let field = CustomClaim { source: Some(Source::UserProfileField("plan".to_owned())) };
        for (claim, expected) in [
            (field, Some(json!({ "source": "user_profile", "value": "plan" }))),
            (
                constant(Kind::StringValue("x".to_owned())),
                Some(json!({ "source": "static_value", "value": "x" })),
            ),
            (
                constant(Kind::NumberValue(3.0)),
                Some(json!({ "source": "static_value", "value": 3 })),
            ),
            (
                constant(Kind::NumberValue(0.5)),
                Some(json!({ "source": "static_value", "value": 0.5 })),
            ),
            (
                constant(Kind::BoolValue(false)),
                Some(json!({ "source": "static_value", "value": false })),
            ),
            (constant(Kind::NumberValue(f64::NAN)), None),
            (constant(Kind::NullValue(NullValue::NullValue.into())), None),
            (constant(Kind::ListValue(ListValue::default())), None),
            (constant(Kind::StringValue("x".repeat(4097))), None),
            (CustomClaim { source: None }, None),
            (CustomClaim { source: Some(Source::StaticValue(Value { kind: None })) }, None),
            (CustomClaim { source: Some(Source::UserProfileField(String::new())) }, None),
        ] {
            let claims = HashMap::from([("plan".to_owned(), claim)]);
            let found = written(&claims).ok();
            assert_eq!(found.as_ref().map(|all| &all["plan"]), expected.as_ref(), "{claims:?}");
            // A claim that is written can be read.
            if let Some(written) = found {
                let mut structures = Structures::default();
                assert_eq!(wire(&written, &mut structures), claims);
                assert_eq!(structures.omitted(), [] as [String; 0]);
            }
        }
    }

    #[test]
    fn claims_of_another_shape_are_named() {
        for odd in [
            json!(7),
            json!({}),
            json!({ "source": "user_profile", "value": 7 }),
            json!({ "source": "static_value", "value": [1] }),
            json!({ "source": "static_value" }),
            json!({ "source": "script", "value": "x" }),
        ] {
            let claims: serde_json::Map<String, Json> =
                [("a".to_owned(), odd.clone())].into_iter().collect();
            let mut structures = Structures::default();
            assert!(wire(&claims, &mut structures).is_empty(), "{odd}");
            assert_eq!(structures.omitted(), ["custom_claims.a"], "{odd}");
        }
    }
}
