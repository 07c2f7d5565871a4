//! Profiles written as forms with files, numeric phones, and the attribute of the sub-brands.

use serde_json::{Value, json};

use super::{Emulator, text};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\x00\xff--not the boundary";

/// Name, file name, content type and content.
type Part<'a> = (&'a str, Option<&'a str>, Option<&'a str>, &'a [u8]);

/// A form of these parts.
fn form(parts: &[Part<'_>]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, file, kind, content) in parts {
        let mut head = format!("--frontier\r\ncontent-disposition: form-data; name=\"{name}\"");
        if let Some(file) = file {
            head.push_str(&format!("; filename=\"{file}\""));
        }
        if let Some(kind) = kind {
            head.push_str(&format!("\r\ncontent-type: {kind}"));
        }
        body.extend(format!("{head}\r\n\r\n").as_bytes());
        body.extend(*content);
        body.extend(b"\r\n");
    }
    body.extend(b"--frontier--\r\n");
    body
}

fn send(emulator: &Emulator, method: &str, path: &str, body: &[u8]) -> (u16, Value) {
    let headers = [
        ("x-rownd-app-key", emulator.settings.app_key.as_str()),
        ("x-rownd-app-secret", emulator.settings.app_secret.as_str()),
        ("content-type", "multipart/form-data; boundary=frontier"),
    ];
    let path = format!("/applications/{}{path}", emulator.settings.app_id);
    let answer = emulator.raw(method, &path, &headers, body);
    (answer.status, answer.json())
}

fn with_picture() -> Emulator {
    let emulator = Emulator::start();
    let schema = json!({ "schema": {
        "picture": { "type": "image" }, "seats": { "type": "number" }, "first_name": {},
        "likes": { "type": "array" },
    } });
    emulator.done("PUT", "/schema", Some(schema));
    emulator
}

#[test]
fn a_profile_is_written_as_a_form_with_a_file() {
    let emulator = with_picture();
    let body = form(&[
        ("data", None, None, b"{\"email\": \"form@example.com\"}"),
        ("data[first_name]", None, None, b"Form"),
        ("data.seats", None, None, b"12"),
        ("likes", None, Some("application/json"), b"[\"a\"]"),
        ("attributes", None, None, b"{\"my:tags\": [\"x\"]}"),
        ("picture", Some("me.png"), Some("image/png"), PNG),
    ]);
    let (status, made) = send(&emulator, "PUT", "/users/form/data", &body);
    assert_eq!(status, 200, "{made}");
    let data = &made["data"];
    assert_eq!((&data["email"], &data["first_name"]), (&json!("form@example.com"), &json!("Form")));
    assert_eq!((&data["seats"], &data["likes"]), (&json!(12), &json!(["a"])));
    assert!(text(&data["picture"]).starts_with("data:image/png;base64,"));
    assert_eq!(made["attributes"], json!({ "my:tags": ["x"] }));

    let path = format!("/applications/{}/users/form/data/fields/picture", emulator.settings.app_id);
    let file = emulator.with_secret("GET", &format!("{path}?preview=small"), None);
    assert_eq!((file.status, file.header("content-type")), (200, "image/png"));
    assert_eq!(file.body, PNG);
    assert_eq!(file.header("x-content-type-options"), "nosniff");
    let headers = [
        ("x-rownd-app-key", emulator.settings.app_key.as_str()),
        ("x-rownd-app-secret", emulator.settings.app_secret.as_str()),
        ("accept", "application/json"),
    ];
    let value = emulator.ask("GET", &path, &headers, None).json();
    assert_eq!(value["value"], data["picture"]);
    // Only a file is answered as one, and only with a type that a header can hold.
    for (field, value) in [
        ("first_name", "data:text/html;base64,PGI+"),
        ("picture", "data:a\r\nx: y;base64,PGI+"),
        ("picture", "https://example.com/me.png"),
    ] {
        let at = format!("/users/form/data/fields/{field}");
        emulator.done("PUT", &at, Some(json!({ "value": value })));
        assert_eq!(emulator.done("GET", &at, None), json!({ "value": value }), "{field}");
    }
}

#[test]
fn a_field_and_the_users_own_profile_take_forms() {
    let emulator = with_picture();
    emulator.done("PUT", "/users/form/data", Some(json!({ "data": { "first_name": "A" } })));
    let body = form(&[("value", Some("b.png"), Some("image/png"), PNG)]);
    let (status, written) = send(&emulator, "PUT", "/users/form/data/fields/picture", &body);
    assert_eq!((status, written.get("rownd_user")), (200, None));
    assert_eq!(written["data"]["first_name"], "A", "the rest stays");
    let (_, written) = send(
        &emulator,
        "PUT",
        "/users/form/data/fields/seats",
        &form(&[("value", None, None, b"3")]),
    );
    assert_eq!(written["data"]["seats"], 3);
    let (_, patched) =
        send(&emulator, "PATCH", "/users/form/data", &form(&[("first_name", None, None, b"B")]));
    assert_eq!(
        (&patched["data"]["first_name"], &patched["data"]["seats"]),
        (&json!("B"), &json!(3))
    );

    let bearer = format!("Bearer {}", emulator.token(&rownd_emulator::TokenOrder::of("guest")));
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "multipart/form-data; boundary=frontier"),
    ];
    let own = format!("/me/applications/{}/data", emulator.settings.app_id);
    let body = form(&[("picture", Some("c.png"), Some("image/png"), PNG)]);
    let written = emulator.raw("PUT", &own, &headers, &body);
    assert_eq!((written.status, written.json().get("rownd_user")), (200, None));
    let picture = emulator.user("guest", "GET", &format!("{own}/fields/picture"), None);
    assert_eq!(picture.body, PNG);
    let grab = form(&[("attributes", None, None, b"{\"my:admin\": [\"yes\"]}")]);
    assert_eq!(emulator.raw("PUT", &own, &headers, &grab).status, 403, "attributes");
}

#[test]
fn a_field_for_files_takes_the_file_itself() {
    let emulator = with_picture();
    emulator.done("PUT", "/users/form/data", Some(json!({ "data": { "first_name": "A" } })));
    let path = |field: &str| {
        format!("/applications/{}/users/form/data/fields/{field}", emulator.settings.app_id)
    };
    let put = |field: &str, kind: &str, body: &[u8]| {
        let headers = [
            ("x-rownd-app-key", emulator.settings.app_key.as_str()),
            ("x-rownd-app-secret", emulator.settings.app_secret.as_str()),
            ("content-type", kind),
        ];
        emulator.raw("PUT", &path(field), &headers, body)
    };
    let large = [PNG, &vec![7; 5 * 1024 * 1024]].concat();
    for (kind, body) in
        [("image/png", PNG), ("image/webp; q=1", b"\0\xff".as_slice()), ("image/png", &large)]
    {
        let written = put("picture", kind, body);
        assert_eq!((written.status, &written.json()["data"]["first_name"]), (200, &json!("A")));
        for preview in ["", "?preview=small", "?preview=medium", "?preview=large&fail_on_error"] {
            let at = format!("{}{preview}", path("picture"));
            let file = emulator.with_secret("GET", &at, None);
            assert_eq!((file.status, file.header("content-type")), (200, kind), "{preview}");
            assert!(file.body == body, "{preview}");
        }
    }
    for (case, field, kind, body) in [
        ("no file", "first_name", "image/png", PNG),
        ("a web form", "picture", "application/x-www-form-urlencoded", b"value=x".as_slice()),
        ("no JSON", "picture", "application/json", PNG),
        ("too large", "picture", "image/png", &vec![0; 8 * 1024 * 1024 + 1]),
    ] {
        assert_eq!(put(field, kind, body).status, 400, "{case}");
    }
    assert_eq!(put("unknown", "image/png", PNG).status, 400);
    let huge = emulator.with_secret("GET", &format!("{}?preview=huge", path("picture")), None);
    assert_eq!(huge.status, 400);
}

#[test]
fn a_form_that_does_not_fit_is_refused() {
    let emulator = with_picture();
    let at = "/users/form/data";
    for (case, body, field) in [
        ("no number", form(&[("seats", None, None, b"many")]), Some("seats")),
        ("a file for a text", form(&[("email", Some("x"), Some("image/png"), PNG)]), Some("email")),
        ("no object", form(&[("data", None, None, b"[]")]), None),
        (
            "cut off",
            b"--frontier\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\nx".to_vec(),
            None,
        ),
    ] {
        let (status, answer) = send(&emulator, "PUT", at, &body);
        assert_eq!(status, 400, "{case}: {answer}");
        let said = field.map(|field| answer["field_errors"].get(field).is_some());
        assert_ne!(said, Some(false), "{case}: {answer}");
    }
    let (status, _) =
        send(&emulator, "PUT", "/users/form/data/fields/seats", &form(&[("x", None, None, b"1")]));
    assert!([400, 404].contains(&status), "a field needs `value`: {status}");
    assert_eq!(emulator.backend("GET", at, None).status, 404, "nothing was kept");
}

#[test]
fn the_sub_brands_of_a_user_are_written_and_other_reserved_attributes_are_not() {
    let emulator = Emulator::start();
    let write = |attributes: Value| {
        let body = json!({ "data": {}, "attributes": attributes });
        emulator.backend("PUT", "/users/u/data", Some(body))
    };
    let brands = json!({ "rownd:app_variants": ["cmdemovariant000000000001", "another"] });
    let answer = write(brands.clone());
    assert_eq!((answer.status, &answer.json()["attributes"]), (200, &brands));
    let read = emulator.done("GET", "/users/u/data", None);
    assert_eq!(read["attributes"], brands);
    for refused in [
        json!({ "rownd:app_variants": "one" }),
        json!({ "rownd:app_variants": [1] }),
        json!({ "rownd:other": ["x"] }),
        json!({ "system:x": ["x"] }),
    ] {
        assert_eq!(write(refused.clone()).status, 400, "{refused}");
    }
    let own = format!("/me/applications/{}/data", emulator.settings.app_id);
    let grab = json!({ "data": {}, "attributes": { "rownd:app_variants": ["x"] } });
    assert_eq!(emulator.user("guest", "PUT", &own, Some(grab)).status, 403);
}

#[test]
fn a_phone_number_may_be_a_number() {
    let emulator = Emulator::start();
    let id = emulator.make_user(&json!({ "phone_number": 19_195_550_104_u64 }));
    let read = emulator.done("GET", &format!("/users/{id}/data"), None);
    assert_eq!(read["data"]["phone_number"], "+19195550104");
    for wrong in [json!(5), json!(-19_195_550_104_i64), json!(1.5), json!("555"), json!(true)] {
        let body = json!({ "data": { "phone_number": wrong } });
        let answer = emulator.backend("PUT", "/users/u/data", Some(body));
        assert_eq!(answer.status, 400, "{wrong}");
    }
}
