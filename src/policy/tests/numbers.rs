//! Numbers of claims are compared exactly: whole ones of 64 bits, fractions, and both with each other.

use serde_json::{Value, json};

use super::requirements::{Caller, ISSUERS, ask, asking};

/// Whether a claim of this value holds against less, equal and more, each by its own test.
fn compared(value: &Value, limit: &str) -> [bool; 3] {
    let caller = Caller::of("rownd").claims(&json!({ "level": value }));
    ["lt", "equals", "gt"].map(|test| {
        // Beyond 64 bits neighbours cannot be told from each other: refused, when it is loaded.
        if test == "equals" && limit.contains('e') {
            return false;
        }
        let policy =
            asking(&format!("{{ issuer: rownd, claim: {{ name: level, {test}: {limit} }} }}"));
        ask(&policy, "/", Some(&caller)).is_ok()
    })
}

#[test]
fn numbers_are_compared_without_rounding() {
    let (less, equal, more) = ([true, false, false], [false, true, false], [false, false, true]);
    #[rustfmt::skip] // one case a line
    let cases = [
        (json!(6), "7", less),
        (json!(7), "7", equal),
        (json!(8), "7", more),
        (json!(-8), "-7", less),
        (json!(i64::MIN), "-9223372036854775808", equal),
        (json!(u64::MAX), "18446744073709551615", equal),
        (json!(u64::MAX), "18446744073709551614", more),
        (json!(i64::MIN), "18446744073709551615", less),
        // A fraction with a whole number.
        (json!(1.5), "1", more),
        (json!(1.5), "2", less),
        (json!(-1.5), "-1", less),
        (json!(-1.5), "-2", more),
        (json!(2.0), "2", equal),
        (json!(-2.0), "-2", equal),
        // A whole number with a fraction.
        (json!(1), "1.5", less),
        (json!(2), "1.5", more),
        (json!(-1), "-1.5", more),
        (json!(-2), "-1.5", less),
        (json!(2), "2.0", equal),
        // Two fractions.
        (json!(0.25), "0.5", less),
        (json!(0.5), "0.5", equal),
        (json!(0.75), "0.5", more),
        // Beyond the numbers that a fraction holds exactly, and beyond 64 bits.
        (json!(9_007_199_254_740_993_u64), "9007199254740992.0", more),
        (json!(9_007_199_254_740_992.0), "9007199254740993", less),
        (json!(u64::MAX), "1.8446744073709551616e19", less),
        (json!(18_446_744_073_709_551_616.0), "18446744073709551615", more),
        (json!(1e20), "18446744073709551615", more),
        (json!(-1e20), "-9223372036854775808", less),
        (json!(1e300), "18446744073709551615", more),
        (json!(-1e300), "1", less),
        (json!(7), "1e300", less),
        (json!(7), "-1e300", more),
    ];
    for (value, limit, expected) in cases {
        assert_eq!(compared(&value, limit), expected, "{value} {limit}");
    }
}

#[test]
fn a_number_that_is_rounded_is_refused_where_it_has_to_be_equal() {
    for (test, refused) in [
        ("equals: 18446744073709551615", false),
        ("equals: -9223372036854775808", false),
        ("equals: 18446744073709551616", true),
        ("equals: 100000000000000000000001", true),
        ("equals: -9223372036854775809", true),
        ("in: [1, 1e300]", true),
        ("contains: 1e20", true),
        ("gt: 1e20", false),
    ] {
        let yaml = format!(
            "{ISSUERS}routes: [{{ id: it, match: any, require: {{ issuer: rownd, claim: {{ name: level, {test} }} }} }}]"
        );
        let found = crate::config::parse("test.yaml", &yaml, &std::collections::BTreeMap::new());
        let told = found.err().map(|problems| problems.to_string()).unwrap_or_default();
        assert_eq!(
            told.contains("is too large to be told from its neighbours"),
            refused,
            "{test}: {told}"
        );
    }
}
