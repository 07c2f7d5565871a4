//! Claims of the wrong type, the wrong value or the wrong kind (findings F2, F3 and F4).

use rownd_authz::model::DenyReason;
use serde_json::json;

use super::{Court, Kind};
use crate::support::forge::{APP, now};

for_every_kind!(
    an_audience_is_text_or_a_list_of_texts_with_our_app_in_it,
    an_audience_without_our_app_is_another,
    an_issuer_is_one_text_equal_to_the_last_byte,
    times_are_finite_numbers_in_range,
    times_that_are_over_or_not_yet_are_refused,
    good_times_pass_within_the_leeway
);

async fn an_audience_is_text_or_a_list_of_texts_with_our_app_in_it(kind: Kind) {
    let court = Court::of(kind).await;
    let ours = court.audience();
    for good in [
        json!(ours),
        json!([ours]),
        json!(["x", ours]),
        json!([ours, ours]),
        json!(["app:other", ours]),
    ] {
        let token = court.key.token(&court.claims().with("aud", good.clone()));
        court.takes(&good.to_string(), token).await;
    }
    // Each of these passes the audience check of the JWT library.
    let mistyped = [
        json!(5),
        json!({}),
        json!(true),
        json!([[ours]]),
        json!([ours, 5]),
        json!(null),
        json!([null]),
        json!({ "aud": ours }),
        json!([{ "aud": ours }]),
        json!([ours, null]),
        json!(1.5),
    ];
    for aud in mistyped {
        let token = court.key.token(&court.claims().with("aud", aud.clone()));
        court.refuses(&format!("aud {aud}"), &token, DenyReason::TokenMalformed).await;
    }
    court.adjourns().await;
}

async fn an_audience_without_our_app_is_another(kind: Kind) {
    let court = Court::of(kind).await;
    let ours = court.audience();
    let foreign = [
        json!([]),
        json!(""),
        json!("app:other"),
        json!(["app:other"]),
        json!(APP),
        json!([APP]),
        json!("app:"),
        json!(format!("APP:{APP}")),
        json!(format!("{ours} ")),
        json!(format!(" {ours}")),
        json!(format!("{ours}x")),
        json!(&ours[..ours.len() - 1]),
        json!(format!("x{ours}")),
        json!(format!("{ours},app:other")),
        json!(format!("app_variant:{APP}")),
        json!(format!("app:app:{APP}")),
        json!(ours.to_uppercase()),
        json!("*"),
        json!("app:*"),
        json!(court.iss()),
    ];
    for aud in foreign {
        let token = court.key.token(&court.claims().with("aud", aud.clone()));
        court.refuses(&format!("aud {aud}"), &token, DenyReason::AudienceMismatch).await;
    }
    let token = court.key.token(&court.claims().without("aud"));
    court.refuses("no aud", &token, DenyReason::AudienceMismatch).await;
    court.adjourns().await;
}

async fn an_issuer_is_one_text_equal_to_the_last_byte(kind: Kind) {
    let court = Court::of(kind).await;
    let ours = court.iss();
    let mistyped = [
        json!(["https://evil.example", ours]),
        json!([ours]),
        json!(5),
        json!({}),
        json!(null),
        json!(true),
        json!({ "iss": ours }),
    ];
    for iss in mistyped {
        let token = court.key.token(&court.claims().with("iss", iss.clone()));
        court.refuses(&format!("iss {iss}"), &token, DenyReason::TokenMalformed).await;
    }
    let foreign = [
        String::new(),
        format!("{ours}/"),
        format!("{ours} "),
        format!(" {ours}"),
        ours.to_uppercase(),
        ours.replacen("http", if ours.starts_with("https") { "httpx" } else { "https" }, 1),
        format!("{ours}\u{0}"),
        ours[..ours.len() - 1].to_owned(),
        format!("{ours}.evil.example"),
        format!("https://evil.example/{ours}"),
        ours.replace("//", "//localhost@"),
        ours.replace(':', "："),
        "https://api.rownd.io".to_owned(),
        "rownd".to_owned(),
    ];
    for iss in foreign {
        let token = court.key.token(&court.claims().with("iss", iss.clone()));
        court.refuses(&format!("iss {iss:?}"), &token, DenyReason::IssuerUntrusted).await;
    }
    let token = court.key.token(&court.claims().without("iss"));
    court.refuses("no iss", &token, DenyReason::IssuerUntrusted).await;
    court.adjourns().await;
}

async fn times_are_finite_numbers_in_range(kind: Kind) {
    let court = Court::of(kind).await;
    let tricks = [
        json!("1"),
        json!(now().to_string()),
        json!(true),
        json!(null),
        json!([]),
        json!({}),
        json!(1e300),
        json!(-1),
        json!(-1.5),
        json!(9_223_372_036_854_775_808_u64),
        json!(u64::MAX),
        json!(1e20),
        json!(253_402_300_800_u64),
        json!([now()]),
        json!(""),
        json!("never"),
    ];
    for name in ["exp", "nbf", "iat"] {
        for value in &tricks {
            let token = court.key.token(&court.claims().with(name, value.clone()));
            court.refuses(&format!("{name} {value}"), &token, DenyReason::TokenMalformed).await;
        }
    }
    for raw in ["NaN", "Infinity", "-Infinity", "1e999", "0x7fffffff", "01", "1.", "+1", "1_000"] {
        let text = court.claims().with("exp", "EXP").json().to_string().replace("\"EXP\"", raw);
        let token = court.key.sign(court.key.header().to_string(), text);
        court.refuses(&format!("exp {raw}"), &token, DenyReason::TokenMalformed).await;
    }
    court.adjourns().await;
}

async fn times_that_are_over_or_not_yet_are_refused(kind: Kind) {
    let court = Court::of(kind).await;
    for past in [json!(0), json!(1), json!(0.0), json!(1.5), json!(now() - 3600), json!(now() - 31)]
    {
        let token = court.key.token(&court.claims().with("exp", past.clone()));
        court.refuses(&format!("exp {past}"), &token, DenyReason::TokenExpired).await;
    }
    let token = court.key.token(&court.claims().without("exp"));
    court.refuses("no exp", &token, DenyReason::ClaimsInvalid).await;
    for (name, value) in [("nbf", now() + 60), ("iat", now() + 60), ("nbf", 253_402_300_799)] {
        let token = court.key.token(&court.claims().with(name, value));
        court.refuses(&format!("{name} {value}"), &token, DenyReason::TokenNotYetValid).await;
    }
    court.adjourns().await;
}

async fn good_times_pass_within_the_leeway(kind: Kind) {
    let court = Court::of(kind).await;
    let rows = [
        // 30 s by default, and a machine that may be slow.
        court.claims().with("exp", now() - 20),
        court.claims().with("nbf", now() + 25),
        court.claims().with("iat", now() + 25),
        court.claims().with("exp", json!(3600.75 + now() as f64)),
        court.claims().with("exp", 253_402_300_799_i64),
        court.claims().with("nbf", 0),
        court.claims().without("iat").without("nbf"),
    ];
    for claims in rows {
        court.takes(&claims.json().to_string(), court.key.token(&claims)).await;
    }
    // No leeway at all, and the edges are sharp.
    let strict = Court::of_with(kind, |c| c["issuers"][0]["leeway"] = json!("0s")).await;
    let token = strict.key.token(&strict.claims().with("exp", now() - 1));
    strict.refuses("just over", &token, DenyReason::TokenExpired).await;
    strict.adjourns().await;
    court.adjourns().await;
}

#[tokio::test]
async fn a_token_without_an_end_passes_where_the_operator_says_so() {
    let court = Court::sit_with(|c| c["issuers"][0]["allow_missing_exp"] = json!(true)).await;
    court.takes("no exp", court.key.token(&court.claims().without("exp"))).await;
    let token = court.key.token(&court.claims().with("exp", now() - 3600));
    court.refuses("an old exp", &token, DenyReason::TokenExpired).await;
    let token = court.key.token(&court.claims().with("exp", json!(null)));
    court.refuses("null", &token, DenyReason::TokenMalformed).await;
    court.adjourns().await;
}
