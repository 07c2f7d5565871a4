//! The HTTP routes of the emulator: Rownd's, its OpenID provider's, SuperTokens' and the controls.
//!
//! In: HTTP requests. Out: the JSON of the API that was asked, or errors in its shape, also for
//! unknown paths. A fault that is injected at an endpoint comes before the endpoint.

mod access;
mod apps;
mod control;
mod form;
mod groups;
mod injection;
mod links;
mod oidc;
mod oidc_clients;
pub(crate) mod outbox;
mod platform;
pub(crate) mod public;
mod request;
mod supertokens;
mod tokens;
mod users;

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware,
    routing::{MethodRouter, any, get, post},
};

pub use access::PLATFORM_APP;
pub use control::Controls;

use crate::state::{Endpoint, State};
use request::{MAX_BODY, MAX_FILE_BODY};
use users::{account, data, lists, me};

/// The methods of one path.
type Routes = MethodRouter<Arc<State>>;

/// All routes of an emulator.
pub(crate) fn router(state: &Arc<State>) -> Router {
    api(state)
        .merge(control::router(state))
        .merge(outbox::controls(state))
        .method_not_allowed_fallback(public::wrong_method)
}

fn api(state: &Arc<State>) -> Router {
    let on = |endpoint: Endpoint, routes: Routes| {
        let state = Arc::clone(state);
        routes.layer(middleware::from_fn(move |request, next| {
            injection::pass_or_fail(Arc::clone(&state), endpoint, request, next)
        }))
    };
    Router::new()
        .route("/hub/app-config", on(Endpoint::AppConfig, get(public::app_config)))
        .route(
            "/hub/auth/.well-known/oauth-authorization-server",
            on(Endpoint::Metadata, get(public::metadata)),
        )
        // Verifiers that know OpenID alone look for the same document here.
        .route("/.well-known/openid-configuration", on(Endpoint::Metadata, get(public::metadata)))
        .route("/hub/auth/keys", on(Endpoint::Keys, get(public::keys)))
        .route("/applications/{app}/public", on(Endpoint::AppConfig, get(apps::public)))
        .route(
            "/applications/{app}/schema",
            on(Endpoint::AppConfig, get(apps::schema).put(apps::put_schema)),
        )
        .route("/ready", on(Endpoint::Ready, get(public::healthy)))
        .route("/service_health", on(Endpoint::ServiceHealth, get(public::healthy)))
        .route("/hub/auth/token", on(Endpoint::Token, post(tokens::token)))
        .route("/hub/auth/instant", on(Endpoint::Instant, post(tokens::instant)))
        .route("/hub/auth/magic", on(Endpoint::Magic, post(links::create)))
        .route("/hub/auth/magic/{id}", on(Endpoint::Magic, get(links::redeem)))
        .route("/me/auth/magic", on(Endpoint::Magic, post(links::create_own)))
        .route(
            "/applications/{app}",
            on(Endpoint::Platform, get(platform::read).patch(platform::patch)),
        )
        .route("/applications/{app}/variants", on(Endpoint::Platform, get(platform::variants)))
        .merge(oidc_clients::routes(&|routes| on(Endpoint::OidcClients, routes)))
        .merge(oidc::routes(&|routes| on(Endpoint::Oidc, routes)))
        .merge(outbox::routes(&|routes| on(Endpoint::Oidc, routes)))
        .merge(groups::routes(&|routes| on(Endpoint::Groups, routes)))
        .merge(supertokens::routes(&|routes| on(Endpoint::Supertokens, routes), &|routes| {
            on(Endpoint::SupertokensCore, routes)
        }))
        .merge(user_routes(&on))
        .merge(me_routes(&on))
        .fallback_service(on(Endpoint::Unknown, any(public::unknown)).with_state(Arc::clone(state)))
        .layer(middleware::from_fn({
            let state = Arc::clone(state);
            move |request, next| outbox::announce(Arc::clone(&state), request, next)
        }))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(Arc::clone(state))
}

/// The same routes, whose bodies may hold files.
fn with_files(routes: Routes) -> Routes {
    routes.layer(DefaultBodyLimit::max(MAX_FILE_BODY))
}

/// The routes for backends, with key and secret.
fn user_routes(on: &dyn Fn(Endpoint, Routes) -> Routes) -> Router<Arc<State>> {
    Router::new()
        .route(
            "/applications/{app}/users/{user}/data",
            on(
                Endpoint::UserData,
                with_files(get(data::read).put(data::put).patch(data::patch).delete(data::delete)),
            ),
        )
        .route(
            "/applications/{app}/users/{user}/data/fields/{field}",
            on(Endpoint::UserData, with_files(get(data::read_field).put(data::put_field))),
        )
        .route(
            "/applications/{app}/users/data",
            on(Endpoint::UserList, get(lists::list).put(lists::put_many)),
        )
        .route("/applications/{app}/users/actions", on(Endpoint::UserList, post(lists::act)))
        .route(
            "/applications/{app}/users/{user}/state",
            on(Endpoint::UserState, post(account::set_state)),
        )
        .route(
            "/applications/{app}/users/{user}/signout",
            on(Endpoint::SignOut, post(account::sign_out)),
        )
}

/// The routes for users, with a bearer token.
fn me_routes(on: &dyn Fn(Endpoint, Routes) -> Routes) -> Router<Arc<State>> {
    Router::new()
        .route("/me", on(Endpoint::Me, get(me::me)))
        .route("/me/meta", on(Endpoint::Me, get(me::meta).put(me::put_meta)))
        .route("/me/applications/{app}/schema", on(Endpoint::Me, get(apps::my_schema)))
        .route(
            "/me/applications/{app}/data",
            on(Endpoint::Me, with_files(get(me::read).put(me::put).delete(me::delete))),
        )
        .route(
            "/me/applications/{app}/data/fields/{field}",
            on(Endpoint::Me, with_files(get(me::read_field).put(me::put_field))),
        )
        .route("/me/applications/{app}/signout", on(Endpoint::Me, post(me::sign_out)))
}
