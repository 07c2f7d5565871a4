//! The OpenAPI document, by the schema of OpenAPI 3.1, and against what is really sent.

use serde_json::{Value, json};

use super::{address, call, call_as, start};
use crate::{it::rownd_auth::Rig, support::http::request};

async fn document(rig: &Rig) -> Value {
    let answer = request(address(rig), "GET /openapi.json", "", "").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    answer.json()
}

#[tokio::test]
async fn the_document_is_one_of_openapi_3_1_and_needs_no_secret() {
    let rig = start().await;
    let document = document(&rig).await;
    // Of the OpenAPI Initiative, Apache-2.0.
    let schema: Value = serde_json::from_str(include_str!("openapi-3.1.schema.json")).unwrap();
    let validator = jsonschema::options().build(&schema).unwrap();
    let faults: Vec<String> =
        validator.iter_errors(&document).map(|error| error.to_string()).collect();
    assert!(faults.is_empty(), "{faults:#?}");
    let mut broken = document.clone();
    broken["paths"]["/rownd.auth.v1.RowndAuth/Verify"]["post"]["responses"] = json!({ "ok": {} });
    assert!(!validator.is_valid(&broken), "the schema finds a fault");
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    let head = request(address(&rig), "HEAD /openapi.json", "", "").await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
}

/// Every request and response here is as the document says.
#[tokio::test]
async fn the_document_describes_what_is_sent() {
    let rig = start().await;
    let document = document(&rig).await;
    let valid = |schema: &Value, value: &Value, what: &str| {
        let mut schema = schema.clone();
        schema["components"] = document["components"].clone();
        let validator = jsonschema::draft202012::options().build(&schema).unwrap();
        let faults: Vec<String> = validator.iter_errors(value).map(|e| e.to_string()).collect();
        assert!(faults.is_empty(), "{what}: {faults:?}\n{value}");
    };
    for (method, body, status) in [
        ("Verify", json!({ "token": rig.token("ann"), "includeMemberships": true }), 200),
        ("Verify", json!({ "token": "x.y.z" }), 200),
        ("Verify", json!({ "token": "" }), 400),
        ("GetUser", json!({ "userId": "ann", "issuer": "rownd", "maxAge": "1.5s" }), 200),
        ("GetUser", json!({ "userId": "nobody", "issuer": "rownd" }), 404),
        (
            "Exchange",
            json!({ "issuer": "rownd", "guest": { "authLevel": "AUTH_LEVEL_INSTANT" } }),
            200,
        ),
        ("BuildAuthorizationUrl", json!({ "oidcClient": "web", "scopes": ["openid"] }), 200),
    ] {
        let path = format!("/rownd.auth.v1.RowndAuth/{method}");
        let operation = &document["paths"][&path]["post"];
        let asked = &operation["requestBody"]["content"]["application/json"]["schema"];
        valid(asked, &body, method);
        let answer = call(&rig, method, &body).await;
        assert_eq!(answer.status, status, "{method}: {}", answer.body);
        let response = if status == 200 { "200" } else { "default" };
        let said = &operation["responses"][response]["content"]["application/json"]["schema"];
        valid(said, &answer.json(), method);
    }
    let refused = call_as(&rig, "Verify", "", "{}").await;
    valid(&json!({ "$ref": "#/components/schemas/connect.Error" }), &refused.json(), "refused");
}
