//! The clients of an app's OpenID provider, for backends: `/applications/{app}/oidc-clients`.
//!
//! In: key and secret, and configurations. Out: clients, with the secret in the answer that creates
//! one and never again. A client that was made here works at the provider at once.
//!
//! A page of Rownd's manual writes `/application/{app}/oidc_clients`: both work.

mod logo;

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, State as Shared},
    http::HeaderMap,
    routing::get,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Routes, access,
    request::{
        ApiResult, JsonBody, MAX_FILE_BODY, PathParams, QueryParams, bad_request, no_content, ok,
    },
};
use crate::{
    data::oidc_clients::{ClientWrite, OidcClient, Secrets},
    state::State,
};

/// The largest page of the list.
const MAX_PAGE: usize = 1_000;

pub(crate) fn routes(on: &dyn Fn(Routes) -> Routes) -> Router<Arc<State>> {
    let mut routes = Router::new();
    for (app, clients) in [("applications", "oidc-clients"), ("application", "oidc_clients")] {
        let all = format!("/{app}/{{app}}/{clients}");
        let one = format!("{all}/{{client}}");
        let logo = get(logo::read).put(logo::upload).layer(DefaultBodyLimit::max(MAX_FILE_BODY));
        routes = routes
            .route(&all, on(get(list).post(create)))
            .route(&one, on(get(read).put(update).delete(delete)))
            .route(&format!("{one}/logo/{{shade}}"), on(logo));
    }
    routes
}

#[derive(Deserialize)]
struct ListQuery {
    page_size: Option<usize>,
    /// The last id of the previous page.
    after: Option<String>,
    #[serde(default)]
    sort: Sort,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Sort {
    #[default]
    Asc,
    Desc,
}

async fn list(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    PathParams(app): PathParams<String>,
    query: QueryParams<ListQuery>,
) -> ApiResult {
    access::for_app(&state, &headers, &app)?;
    let query = query.read()?;
    let size = query.page_size.unwrap_or(MAX_PAGE);
    if size == 0 || size > MAX_PAGE {
        return Err(bad_request(format!("`page_size` is from 1 to {MAX_PAGE}")));
    }
    let records = state.records();
    let clients = &records.app(&app)?.clients;
    let mut found: Vec<&OidcClient> = clients.values().collect();
    if query.sort == Sort::Desc {
        found.reverse();
    }
    let after = query.after.as_deref();
    let results: Vec<Value> = found
        .into_iter()
        .filter(|client| {
            after.is_none_or(|after| match query.sort {
                Sort::Asc => client.id.as_str() > after,
                Sort::Desc => client.id.as_str() < after,
            })
        })
        .take(size)
        .map(|client| client.to_json(Secrets::Hashed))
        .collect();
    ok(json!({ "total_results": clients.len(), "results": results }))
}

async fn create(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    PathParams(app): PathParams<String>,
    body: JsonBody<ClientWrite>,
) -> ApiResult {
    access::for_app(&state, &headers, &app)?;
    let client = OidcClient::create(&app, body.read()?)?;
    let shown = client.to_json(Secrets::Shown);
    state.records_mut().app_mut(&app)?.add_client(client)?;
    ok(shown)
}

async fn read(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    PathParams((app, client)): PathParams<(String, String)>,
) -> ApiResult {
    access::for_app(&state, &headers, &app)?;
    ok(state.records().app(&app)?.client_of(&client)?.to_json(Secrets::Hashed))
}

async fn update(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    PathParams((app, client)): PathParams<(String, String)>,
    body: JsonBody<ClientWrite>,
) -> ApiResult {
    access::for_app(&state, &headers, &app)?;
    let mut records = state.records_mut();
    let app_records = records.app_mut(&app)?;
    let rest = app_records.app.oidc_client_put;
    let client = app_records.client_mut(&client)?;
    client.update(body.read()?, rest)?;
    ok(client.to_json(Secrets::Hashed))
}

/// Removes a client. Its tokens do not work any more.
async fn delete(
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    PathParams((app, client)): PathParams<(String, String)>,
) -> ApiResult {
    access::for_app(&state, &headers, &app)?;
    let mut records = state.records_mut();
    records.app_mut(&app)?.remove_client(&client)?;
    records.grants.revoke_client(&app, &client);
    no_content()
}
