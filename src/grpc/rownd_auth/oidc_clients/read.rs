//! `ListOidcClients` and `GetOidcClient`.

use std::sync::Arc;

use prost::Message as _;

use super::{check, wire};
use crate::{
    config::Right,
    grpc::{
        pb::rownd::auth::v1::{
            GetOidcClientRequest, GetOidcClientResponse, ListOidcClientsRequest,
            ListOidcClientsResponse,
        },
        rownd_auth::{
            administered::{Administered, administered},
            administration::{Request, Subject},
            call::ServiceCall,
            fault::{Fault, MAX_RESPONSE_BYTES},
            page::{Page, PageBounds, next_page_token},
            structure::Structures,
        },
    },
    issuer_api::{
        ApiError,
        administration::oidc_clients::{OidcClientAdministration, OidcClientRange},
    },
};

const BOUNDS: PageBounds = PageBounds { default: 100, most: 1000 };
/// Room for what is behind the clients of a page.
const ROOM: usize = 64 << 10;

/// The app of a request and the part of its issuer's API.
pub(super) type Target<'a> = Administered<'a, Arc<dyn OidcClientAdministration>>;

/// The app that a request is about.
///
/// # Errors
///
/// The faults of [`administered`].
pub(super) fn target<'a>(
    call: &'a ServiceCall,
    issuer: Option<&str>,
    app: Option<&str>,
) -> Result<Target<'a>, Fault> {
    let named = (issuer.unwrap_or_default(), app.unwrap_or_default());
    administered(call, Right::ManageOidcClients, named, |api| api.oidc_clients.as_ref())
}

/// The fault of a request that changes nothing.
pub(super) fn not_read(error: ApiError) -> Fault {
    Fault::Administration(Request::Read(Subject::OidcClient), error)
}

pub(super) async fn list(
    call: &ServiceCall,
    request: ListOidcClientsRequest,
) -> Result<ListOidcClientsResponse, Fault> {
    let ListOidcClientsRequest { issuer, app_id, order_by, page_size, page_token } = request;
    let descending = match order_by.as_str() {
        "" | "id" | "id asc" => false,
        "id desc" => true,
        _ => return Err(Fault::field("order_by", "must be `id` or `id desc`")),
    };
    let target = target(call, issuer.as_deref(), app_id.as_deref())?;
    let order = if descending { "desc" } else { "asc" };
    let filters = ["oidc_clients", target.issuer.name(), target.app.id, order];
    let page = Page::of(page_size, &page_token, BOUNDS, &filters)?;
    let range = OidcClientRange {
        size: usize::try_from(page.size).unwrap_or(1),
        after: page.after.as_deref(),
        descending,
    };
    let found = target.api.list(target.app, range, call.issuer_timeout()).await;
    let found = found.map_err(not_read)?;
    let mut structures = Structures::default();
    let mut answer = ListOidcClientsResponse {
        total_size: found.total.and_then(|total| i64::try_from(total).ok()),
        ..Default::default()
    };
    let (mut bytes, mut more) = (0, found.more);
    // A page that has only the client that is repeated does not move on.
    let mut last = page.after.clone();
    for document in &found.clients {
        let at = format!("oidc_clients[{}].", answer.oidc_clients.len());
        let client = wire::client(document, &at, &mut structures);
        bytes += client.encoded_len() + 16;
        if bytes > MAX_RESPONSE_BYTES - ROOM && !answer.oidc_clients.is_empty() {
            more = true;
            break;
        }
        last = Some(document.id.clone());
        answer.oidc_clients.push(client);
    }
    // A list that does not go on would be asked for without end.
    let goes_on = last != page.after;
    if more && goes_on {
        answer.next_page_token = next_page_token(last.as_deref().unwrap_or_default(), &filters);
    }
    answer.omitted = structures.omitted();
    Ok(answer)
}

pub(super) async fn get(
    call: &ServiceCall,
    request: &GetOidcClientRequest,
) -> Result<GetOidcClientResponse, Fault> {
    let GetOidcClientRequest { issuer, app_id, id } = request;
    check::id("id", id)?;
    let target = target(call, issuer.as_deref(), app_id.as_deref())?;
    let found = target.api.read(target.app, id, call.issuer_timeout()).await;
    let mut structures = Structures::default();
    let client = wire::client(&found.map_err(not_read)?, "", &mut structures);
    Ok(GetOidcClientResponse { oidc_client: Some(client), omitted: structures.omitted() })
}
