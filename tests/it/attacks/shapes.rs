//! Text that is no token, or not one alone: parts, encodings, duplicates, depth, size.

use rownd_authz::model::DenyReason;
use serde_json::{Value, json};

use super::{Court, Kind};
use crate::support::{
    Ask,
    forge::{b64, unb64},
};

for_every_kind!(
    a_token_is_three_parts_of_base64url_and_nothing_else,
    a_signature_has_one_spelling,
    tokens_of_other_forms_are_refused_by_their_shape,
    no_member_stands_twice_at_any_depth,
    the_payload_is_one_object_in_utf_8,
    depth_is_bounded,
    sizes_are_judged_before_anything_is_parsed,
    a_token_in_the_wrong_place_is_no_credential
);

fn parts(token: &str) -> [&str; 3] {
    token.split('.').collect::<Vec<_>>().try_into().unwrap()
}

async fn a_token_is_three_parts_of_base64url_and_nothing_else(kind: Kind) {
    let court = Court::of(kind).await;
    let token = court.key.token(&court.claims());
    let [header, claims, signature] = parts(&token);
    let rows = [
        String::new(),
        ".".into(),
        "..".into(),
        "...".into(),
        header.into(),
        format!("{header}.{claims}"),
        format!("{header}.{claims}."),
        format!("{header}..{signature}"),
        format!(".{claims}.{signature}"),
        format!("{token}."),
        format!(".{token}"),
        format!("{token}.{signature}"),
        format!("{header}.{claims}.{signature}.{signature}.{signature}"),
        format!("{token}="),
        format!("{header}=.{claims}.{signature}"),
        format!("{header}.{claims}.{signature}=="),
        format!("{header}.{claims}.{}", &signature[1..]),
        format!("{header}.{claims}.{}", signature.replace(['-', '_'], "+")) + "+",
        format!("{header}.{claims}. {signature}"),
        format!("{header} .{claims}.{signature}"),
        format!("{header}.{claims}.{signature}\u{0}"),
        format!("{header}.{claims}.{signature}!"),
        format!("{header}.{claims}.{signature}%3D"),
        format!("\u{feff}{token}"),
        token.replace('.', "%2e"),
        token.to_uppercase(),
        "null".into(),
        "undefined".into(),
        "[object Object]".into(),
        "\"".to_owned() + &token + "\"",
    ];
    for row in rows {
        let answer = court.judge(&row).await;
        let good = ["token_malformed", "signature_invalid"].contains(&answer.reason());
        assert!(good && !answer.is_allowed(), "{row:?}: {answer:?}");
    }
    court.adjourns().await;
}

async fn a_signature_has_one_spelling(kind: Kind) {
    let court = Court::of(kind).await;
    let token = court.key.token(&court.claims());
    // 64 bytes are 86 characters, and the last holds two bits that mean nothing.
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (rest, last) = token.split_at(token.len() - 1);
    let meant = alphabet.find(last).unwrap();
    let mut siblings = 0;
    for (index, other) in alphabet.char_indices() {
        if index / 16 == meant / 16 && index != meant {
            siblings += 1;
            let other = format!("{rest}{other}");
            court.refuses(&other, &other, DenyReason::TokenMalformed).await;
        }
    }
    assert_eq!(siblings, 15, "and these are fifteen");
    let [header, claims, signature] = parts(&token);
    for length in [0, 1, 31, 32, 62, 63] {
        let short = b64(&unb64(signature)[..length]);
        let answer = court.judge(format!("{header}.{claims}.{short}")).await;
        assert!(!answer.is_allowed(), "{length} bytes: {answer:?}");
    }
    court.adjourns().await;
}

async fn tokens_of_other_forms_are_refused_by_their_shape(kind: Kind) {
    let court = Court::of(kind).await;
    let token = court.key.token(&court.claims());
    let [header, claims, signature] = parts(&token);
    let jwe =
        b64(json!({ "alg": "PBES2-HS256+A128KW", "enc": "A128GCM", "p2c": 2_147_483_647 })
            .to_string());
    for form in [
        format!("{jwe}.AAAA.AAAA.AAAA.AAAA"),
        format!(
            "{}.AAAA.AAAA.AAAA.AAAA",
            b64(json!({ "alg": "dir", "enc": "A256GCM" }).to_string())
        ),
        format!("v4.public.{}", b64("{}")),
        "MDAxY2xvY2F0aW9uIGh0dHA6Ly9teWJhbmsv".to_owned(),
    ] {
        court.refuses(&form, &form, DenyReason::TokenMalformed).await;
    }
    let flattened = json!({ "payload": claims, "protected": header, "signature": signature });
    let general = json!({
        "payload": claims, "signatures": [{ "protected": header, "signature": signature }],
    });
    for form in [flattened, general] {
        // The commas alone make it more than one credential.
        court.refuses("JSON", form.to_string(), DenyReason::CredentialsAmbiguous).await;
        court.refuses("JSON in base64url", b64(form.to_string()), DenyReason::TokenMalformed).await;
    }
    // A whole token inside of a token.
    let nested = court.key.sign(court.key.header().to_string(), &token);
    court.refuses("nested", &nested, DenyReason::TokenMalformed).await;
    let nested = court.key.sign(court.key.header().to_string(), json!(token).to_string());
    court.refuses("nested as text", &nested, DenyReason::TokenMalformed).await;
    court.adjourns().await;
}

async fn no_member_stands_twice_at_any_depth(kind: Kind) {
    let court = Court::of(kind).await;
    let header = court.key.header().to_string();
    let claims = court.claims().json().to_string();
    let twice = |object: &str, member: &str| object.replacen('{', &format!("{{{member},"), 1);
    for member in [
        r#""alg":"none""#,
        &format!("\"alg\":\"{}\"", court.alg()),
        r#""kid":"sig-2""#,
        r#""kid":"sig-1""#,
        r#""x":{"a":1,"a":2}"#,
        r#""\u0061lg":"none""#,
    ] {
        let token = court.key.sign(twice(&header, member), &claims);
        court.refuses(&format!("header {member}"), &token, DenyReason::TokenMalformed).await;
    }
    for member in [
        r#""aud":"app:other""#,
        r#""exp":99999999999"#,
        r#""iss":"https://evil.example""#,
        r#""sub":"somebody""#,
        r#""https://auth.rownd.io/app_user_id":"somebody""#,
        r#""https://auth.rownd.io/auth_level":"verified""#,
        r#""https:\/\/auth.rownd.io/auth_level":"guest""#,
        r#""custom":{"role":"user","role":"admin"}"#,
        r#""custom":[[{"a":1,"a":1}]]"#,
        r#""\u0065xp":99999999999"#,
    ] {
        let token = court.key.sign(&header, twice(&claims, member));
        court.refuses(&format!("claims {member}"), &token, DenyReason::TokenMalformed).await;
    }
    court.takes("once", court.key.sign(&header, twice(&claims, r#""custom":{"a":{"a":1}}"#))).await;
    court.adjourns().await;
}

/// Payloads that a lenient reader takes for these claims, and that are not one object in UTF-8.
fn no_object(claims: &str) -> Vec<(&'static str, Vec<u8>)> {
    let utf_16: Vec<u8> = claims.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let utf_32: Vec<u8> = claims.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect();
    let inner = |member: &str| claims.replacen('{', &format!("{{{member},"), 1).into_bytes();
    vec![
        ("a byte order mark", [b"\xef\xbb\xbf", claims.as_bytes()].concat()),
        ("UTF-16", utf_16.clone()),
        ("UTF-16 with a mark", [&[0xfe, 0xff], &utf_16[..]].concat()),
        ("UTF-32", utf_32),
        ("a lone surrogate", inner(r#""x":"\ud800""#)),
        ("a low surrogate first", inner(r#""x":"\udc00\ud800""#)),
        ("bytes that are no UTF-8", [&inner("\"x\":\"")[..12], b"\xff\xfe\"}"].concat()),
        ("an overlong NUL", inner("\"x\":\"").into_iter().chain(*b"\xc0\x80\"").collect()),
        ("a control character in a text", inner("\"x\":\"\u{1}\"")),
        ("two objects", [claims.as_bytes(), claims.as_bytes()].concat()),
        ("something behind", [claims.as_bytes(), b" x"].concat()),
        ("a comment", [b"/* */".as_slice(), claims.as_bytes()].concat()),
        ("single quotes", claims.replace('"', "'").into_bytes()),
        ("a comma at the end", claims.replacen('}', ",}", 1).into_bytes()),
        ("a list", format!("[{claims}]").into_bytes()),
        ("a text", json!(claims).to_string().into_bytes()),
        ("null", b"null".to_vec()),
        ("a number", b"1".to_vec()),
        ("nothing", Vec::new()),
    ]
}

async fn the_payload_is_one_object_in_utf_8(kind: Kind) {
    let court = Court::of(kind).await;
    let header = court.key.header().to_string();
    let claims = court.claims().json().to_string();
    for (what, payload) in no_object(&claims) {
        court.refuses(what, court.key.sign(&header, &payload), DenyReason::TokenMalformed).await;
        if what != "nothing" {
            let odd_header = payload.clone();
            let token = court.key.sign(odd_header, &claims);
            court.refuses(&format!("{what} as header"), &token, DenyReason::TokenMalformed).await;
        }
    }
    court.adjourns().await;
}

async fn depth_is_bounded(kind: Kind) {
    let court = Court::of(kind).await;
    depths_up_to(&court, 6_000).await;
    let huge = "[".repeat(100_000);
    let token = court.key.sign(court.key.header().to_string(), &huge);
    court.refuses("100 000 deep", &token, DenyReason::RequestTooLarge).await;
    court.adjourns().await;
    let largest = Court::of_with(kind, largest).await;
    depths_up_to(&largest, 20_000).await;
    largest.adjourns().await;
}

async fn depths_up_to(court: &Court, most: usize) {
    let header = court.key.header().to_string();
    let claims = court.claims().json().to_string();
    let member = |value: &str| claims.replacen('{', &format!("{{\"x\":{value},"), 1);
    for depth in [130, 1_000, 2_500, most] {
        let list = member(&format!("{}{}", "[".repeat(depth), "]".repeat(depth)));
        let open = member(&"[".repeat(depth));
        let object = member(&format!("{}1{}", "{\"a\":".repeat(depth / 3), "}".repeat(depth / 3)));
        for payload in [list, open] {
            let token = court.key.sign(&header, &payload);
            court.refuses(&format!("{depth} deep"), &token, DenyReason::TokenMalformed).await;
        }
        if depth > 400 {
            let token = court.key.sign(&header, &object);
            court.refuses(&format!("{depth} objects"), &token, DenyReason::TokenMalformed).await;
        }
    }
}

/// The largest tokens that a configuration can allow.
const LARGEST: usize = 65_536;
/// The default.
const USUAL: usize = 24_576;

fn largest(settings: &mut Value) {
    settings["check"]["max_headers_bytes"] = json!(4_194_304);
    settings["check"]["max_token_bytes"] = json!(LARGEST);
}

async fn sizes_are_judged_before_anything_is_parsed(kind: Kind) {
    let court = Court::of(kind).await;
    sizes_around(&court, USUAL).await;
    for byte in [".", "a", "["] {
        for length in [131_072, 1 << 20] {
            let what = format!("{length} {byte}");
            court.refuses(&what, byte.repeat(length), DenyReason::RequestTooLarge).await;
        }
    }
    court.adjourns().await;
    let wide = Court::of_with(kind, largest).await;
    sizes_around(&wide, LARGEST).await;
    wide.refuses("1 MiB", "a.".repeat(1 << 19), DenyReason::TokenTooLarge).await;
    wide.adjourns().await;
}

async fn sizes_around(court: &Court, most: usize) {
    // The content does not matter: above the limit it is not read.
    for (length, reason) in [
        (most - 1, DenyReason::TokenMalformed),
        (most, DenyReason::TokenMalformed),
        (most + 1, DenyReason::TokenTooLarge),
        (100_000, DenyReason::TokenTooLarge),
    ] {
        for byte in [".", "a", "["] {
            court.refuses(&format!("{length} {byte}"), byte.repeat(length), reason).await;
        }
    }
    // Neither claims nor header have a limit of their own: each may take the whole token, less
    // what the other and a signature take.
    let whole = most * 3 / 4;
    let padded = |length: usize| court.key.token(&court.claims().with("pad", "x".repeat(length)));
    court.takes("large claims", padded(whole - 1_200)).await;
    court.refuses("larger claims", padded(whole), DenyReason::TokenTooLarge).await;
    let under = |length: usize| {
        let mut header = court.key.header();
        header["pad"] = Value::from("x".repeat(length));
        court.key.token_under(&header, &court.claims())
    };
    court.takes("a large header", under(whole - 1_200)).await;
    court.refuses("a larger header", under(whole), DenyReason::TokenTooLarge).await;
}

async fn a_token_in_the_wrong_place_is_no_credential(kind: Kind) {
    let court = Court::of(kind).await;
    let token = court.key.token(&court.claims());
    for ask in [
        Ask::get(format!("/?access_token={token}")),
        Ask::get("/").header("x-access-token", &token),
        Ask::get("/").header("proxy-authorization", format!("Bearer {token}")),
        Ask::get("/").header("authorization", format!("Basic {token}")),
        Ask::get("/").header("authorization", format!("DPoP {token}")),
        Ask::get("/").header("cookie", format!("other={token}")),
        Ask::get("/").header("cookie", format!("app_sessions={token}; xapp_session={token}")),
        Ask::get("/").header("x-forwarded-authorization", format!("Bearer {token}")),
    ] {
        let answer = court.app.check(&ask).await;
        answer.assert_denied("elsewhere", DenyReason::CredentialMissing);
        assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"rownd\""));
    }
    // In the right header, but not in its form.
    for value in [token.clone(), format!("Bearer{token}"), format!("Bearer: {token}")] {
        for path in ["/", "/optional"] {
            let answer = court.app.check(&Ask::get(path).header("authorization", &value)).await;
            answer.assert_denied("without its scheme", DenyReason::AuthorizationMalformed);
            assert_eq!(answer.http_status(), 401);
        }
        let public = Ask::get("/public").header("authorization", &value);
        court.app.check(&public).await.assert_allowed("public", "public");
    }
    court.adjourns().await;
}
