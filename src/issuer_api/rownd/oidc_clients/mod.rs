//! OpenID clients: `/applications/{app}/oidc-clients`.
//!
//! In: an app with its key and secret, ids, members, logos. Out: documents without secrets; those of
//! a new client are handed on once, beside its document.

mod open_points;
mod secrets;
#[cfg(test)]
mod tests;

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Map, Value};

use super::{
    client::{APP_KEY, APP_SECRET, RowndClient},
    user_id::segment,
};
use crate::{
    issuer_api::{
        administration::oidc_clients::{
            LogoBackground, LogoFile, LogoFormat, NewOidcClient, OidcClientAdministration,
            OidcClientChange, OidcClientDocument, OidcClientPage, OidcClientRange, OidcClientReply,
        },
        api::{ApiCall, Target, done, from_json, json},
        error::ApiError,
        grants::AppCredentials,
        operation::Operation,
        rejection::Rejection,
    },
    upstream::HttpAnswer,
};

/// The name of the uploaded file.
const FILE_NAME: &str = "x-rownd-filename";

impl OidcClientAdministration for RowndClient {
    /// Rownd does not say whether a page begins behind `after` or with it. So one more client is
    /// asked for, and the one with that id is left out.
    fn list<'a>(
        &'a self,
        app: AppCredentials<'a>,
        range: OidcClientRange<'a>,
        timeout: Duration,
    ) -> OidcClientReply<'a, OidcClientPage> {
        Box::pin(async move {
            let asked = (range.size + 1).min(MAX_PAGE);
            let order = if range.descending { "desc" } else { "asc" };
            let after = range.after.map(|id| Ok::<_, ApiError>(format!("&after={}", segment(id)?)));
            let after = after.transpose()?.unwrap_or_default();
            let clients = clients(app)?;
            let path = format!("{clients}?page_size={asked}&sort={order}{after}");
            let request = self.request(Operation::RowndOidcClientList, app, &path, timeout);
            request.send(Bytes::new(), |answer| read_page(answer, range, asked)).await
        })
    }

    fn read<'a>(
        &'a self,
        app: AppCredentials<'a>,
        id: &'a str,
        timeout: Duration,
    ) -> OidcClientReply<'a, OidcClientDocument> {
        Box::pin(async move {
            let path = client(app, id)?;
            let request = self.request(Operation::RowndOidcClientRead, app, &path, timeout);
            request.send(Bytes::new(), |answer| document_of(id, from_json(answer)?)).await
        })
    }

    fn create<'a>(
        &'a self,
        app: AppCredentials<'a>,
        members: Map<String, Value>,
        timeout: Duration,
    ) -> OidcClientReply<'a, NewOidcClient> {
        Box::pin(async move {
            let path = clients(app)?;
            let request = self.request(Operation::RowndOidcClientCreate, app, &path, timeout);
            request
                .send(json(&members)?, |answer| {
                    let mut members = from_json(answer)?;
                    let secrets = secrets::take(&mut members);
                    Ok(NewOidcClient { client: document(members)?, secrets })
                })
                .await
        })
    }

    fn update<'a>(
        &'a self,
        app: AppCredentials<'a>,
        change: OidcClientChange<'a>,
        timeout: Duration,
    ) -> OidcClientReply<'a, OidcClientDocument> {
        Box::pin(async move {
            let id = change.known.id.as_str();
            let path = client(app, id)?;
            let body = json(&open_points::body_of_put(change, self.answers.oidc_client_put))?;
            let request = self.request(Operation::RowndOidcClientUpdate, app, &path, timeout);
            request.send(body, |answer| document_of(id, from_json(answer)?)).await
        })
    }

    fn delete<'a>(
        &'a self,
        app: AppCredentials<'a>,
        id: &'a str,
        timeout: Duration,
    ) -> OidcClientReply<'a, ()> {
        Box::pin(async move {
            let path = client(app, id)?;
            let request = self.request(Operation::RowndOidcClientDelete, app, &path, timeout);
            request.send(Bytes::new(), done).await
        })
    }

    fn upload_logo<'a>(
        &'a self,
        app: AppCredentials<'a>,
        id: &'a str,
        logo: LogoFile<'a>,
        timeout: Duration,
    ) -> OidcClientReply<'a, OidcClientDocument> {
        Box::pin(async move {
            let background = match logo.background {
                LogoBackground::Light => "light",
                LogoBackground::Dark => "dark",
            };
            let operation = match logo.format {
                LogoFormat::Png => Operation::RowndPngLogo,
                LogoFormat::Svg => Operation::RowndSvgLogo,
            };
            let (app_id, client_id) = (segment(app.id)?, segment(id)?);
            let mut paths =
                open_points::logo_paths(self.answers.logo_path, &app_id, &client_id, background);
            let last = paths.pop().unwrap_or_default();
            let upload = |path: String| {
                let content = logo.content.clone();
                async move {
                    let mut request = self.request(operation, app, &path, timeout);
                    request.file_name = Some(logo.name);
                    request.send(content, |answer| read_logo_answer(id, answer)).await
                }
            };
            for path in paths {
                match upload(path).await {
                    // No file was written.
                    Err(
                        ApiError::Rejected(Rejection { status: 404, .. })
                        | ApiError::NotOfIssuer(404),
                    ) => {}
                    Ok(Some(client)) => return Ok(client),
                    Ok(None) => return self.read(app, id, timeout).await,
                    Err(error) => return Err(error),
                }
            }
            match upload(last).await? {
                Some(client) => Ok(client),
                // No document says what the answer is.
                None => self.read(app, id, timeout).await,
            }
        })
    }
}

/// The most clients of a page.
const MAX_PAGE: usize = 1000;

/// A request with the key and secret of an app.
struct AppRequest<'a> {
    client: &'a RowndClient,
    operation: Operation,
    app: AppCredentials<'a>,
    path: &'a str,
    file_name: Option<&'a str>,
    timeout: Duration,
}

impl RowndClient {
    const fn request<'a>(
        &'a self,
        operation: Operation,
        app: AppCredentials<'a>,
        path: &'a str,
        timeout: Duration,
    ) -> AppRequest<'a> {
        AppRequest { client: self, operation, app, path, file_name: None, timeout }
    }
}

impl AppRequest<'_> {
    async fn send<T>(
        self,
        body: Bytes,
        read: impl Fn(&HttpAnswer) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let Self { client, operation, app, path, file_name, timeout } = self;
        let mut headers = vec![(APP_KEY, app.key.expose()), (APP_SECRET, app.secret.expose())];
        headers.extend(file_name.map(|name| (FILE_NAME, name)));
        let call = ApiCall {
            operation,
            app: Some(app.id),
            target: Target::Path(path),
            headers: &headers,
            body,
            timeout,
        };
        let answer = client.api.call(call, read).await.map_err(ApiError::of_secret);
        client.api.apps.note(app.id, answer)
    }
}

fn clients(app: AppCredentials<'_>) -> Result<String, ApiError> {
    Ok(format!("/applications/{}/oidc-clients", segment(app.id)?))
}

fn client(app: AppCredentials<'_>, id: &str) -> Result<String, ApiError> {
    Ok(format!("{}/{}", clients(app)?, segment(id)?))
}

/// The client of an answer that must be about this one, without secrets.
fn document_of(id: &str, mut members: Map<String, Value>) -> Result<OidcClientDocument, ApiError> {
    secrets::take(&mut members);
    let client = document(members)?;
    if client.id == id { Ok(client) } else { Err(ApiError::Shape) }
}

fn document(members: Map<String, Value>) -> Result<OidcClientDocument, ApiError> {
    match members.get("id") {
        Some(Value::String(id)) if !id.is_empty() => {
            Ok(OidcClientDocument { id: id.clone(), members })
        }
        _ => Err(ApiError::Shape),
    }
}

/// The client after an upload, if the answer is the client.
fn read_logo_answer(id: &str, answer: &HttpAnswer) -> Result<Option<OidcClientDocument>, ApiError> {
    done(answer)?;
    let members: Map<String, Value> = from_json(answer).unwrap_or_default();
    let is_client = members.get("config").is_some_and(Value::is_object);
    Ok(document_of(id, members).ok().filter(|_| is_client))
}

#[derive(serde::Deserialize)]
struct Listed {
    results: Vec<Map<String, Value>>,
    total_results: Option<u64>,
}

fn read_page(
    answer: &HttpAnswer,
    range: OidcClientRange<'_>,
    asked: usize,
) -> Result<OidcClientPage, ApiError> {
    let Listed { results, total_results } = from_json(answer)?;
    let full = results.len() >= asked;
    let mut clients: Vec<OidcClientDocument> = Vec::with_capacity(results.len());
    for mut members in results {
        secrets::take(&mut members);
        let client = document(members)?;
        let repeated = range.after == Some(client.id.as_str())
            || clients.last().is_some_and(|last| last.id == client.id);
        if !repeated {
            clients.push(client);
        }
    }
    let more = full || clients.len() > range.size;
    clients.truncate(range.size);
    Ok(OidcClientPage { clients, more, total: total_results })
}
