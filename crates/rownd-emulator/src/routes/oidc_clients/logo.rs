//! The logos of OpenID clients.
//!
//! In: a picture in PNG or SVG, with its name in `x-rownd-filename`. Out: the client, whose
//! configuration has the address of the logo; there everybody gets the picture, because sign-in pages
//! show it.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{State as Shared, rejection::BytesRejection},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::IntoResponse as _,
};

use crate::{
    data::oidc_clients::{Logo, Secrets, Shade},
    routes::{
        access,
        request::{ApiError, ApiResult, PathParams, bad_request, ok},
    },
    state::State,
};

/// The most bytes of a logo.
const MAX_LOGO: usize = 5 * 1024 * 1024;
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
/// A picture is no page: an SVG runs no script, wherever it is opened.
const POLICY: HeaderValue =
    HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; sandbox");

pub(super) async fn upload(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    PathParams((app, client, shade)): PathParams<(String, String, Shade)>,
    body: Result<Bytes, BytesRejection>,
) -> ApiResult {
    access::for_app(&state, &headers, &app)?;
    let content = body.map_err(|rejection| bad_request(rejection.body_text()))?;
    let logo = logo(&headers, content)?;
    let mut records = state.records_mut();
    let app_records = records.app_mut(&app)?;
    app_records.client_of(&client)?;
    app_records.check_room(logo.content.len())?;
    let client = app_records.client_mut(&client)?;
    let shade_word = shade.as_str();
    let uri = format!(
        "{}/applications/{app}/oidc-clients/{}/logo/{shade_word}",
        state.base_url, client.id
    );
    client.put_logo(shade, logo, &uri);
    ok(client.to_json(Secrets::Hashed))
}

fn logo(headers: &HeaderMap, content: Bytes) -> Result<Logo, ApiError> {
    let file = access::header_text(headers, "x-rownd-filename").unwrap_or_default().trim();
    if file.is_empty() {
        return Err(bad_request("the header `x-rownd-filename` is missing"));
    }
    if content.len() > MAX_LOGO {
        return Err(bad_request(format!("a logo has at most {MAX_LOGO} bytes")));
    }
    let kind = access::header_text(headers, header::CONTENT_TYPE.as_str()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let kind = match kind.as_str() {
        "image/png" if content.starts_with(PNG) => "image/png",
        // The specification has the one name, the manual the other.
        "image/svg" | "image/svg+xml" if is_svg(&content) => "image/svg+xml",
        "image/png" | "image/svg" | "image/svg+xml" => {
            return Err(bad_request("the content is not what the content type says"));
        }
        _ => return Err(bad_request("a logo is `image/png` or `image/svg+xml`")),
    };
    Ok(Logo { kind, file: safe_name(file), content })
}

fn is_svg(content: &[u8]) -> bool {
    std::str::from_utf8(content).is_ok_and(|text| text.contains("<svg"))
}

/// The name with `_` in the place of everything that a header or a disk could misread.
fn safe_name(file: &str) -> String {
    let safe = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_');
    file.chars().take(200).map(|letter| if safe(letter) { letter } else { '_' }).collect()
}

pub(super) async fn read(
    Shared(state): Shared<Arc<State>>,
    PathParams((app, client, shade)): PathParams<(String, String, Shade)>,
) -> ApiResult {
    let records = state.records();
    let logo = records.app(&app)?.client_of(&client)?.logo(shade)?;
    let name = HeaderValue::from_str(&format!("inline; filename=\"{}\"", logo.file));
    let name = name.map_err(|error| ApiError::internal(&error))?;
    let headers: [(HeaderName, HeaderValue); 4] = [
        (header::CONTENT_TYPE, HeaderValue::from_static(logo.kind)),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, logo.content.clone()).into_response())
}
