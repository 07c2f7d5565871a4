//! The groups of an app, their members and invites.
//!
//! In: requests below `/applications/{app}/groups` with key and secret, and below `/me/groups` with
//! a user's token: users see their own groups and change those that they own. Out: groups, members
//! and invites in Rownd's shapes.

mod group;
mod invited;
mod invites;
mod members;
mod request;

use std::sync::Arc;

use axum::{
    Router,
    routing::{get, post},
};

use crate::{routes::Routes, state::State};

/// The group routes, which are the same for a backend and for a user.
pub(crate) fn routes(on: &dyn Fn(Routes) -> Routes) -> Router<Arc<State>> {
    let below = |base: &str| {
        let group = format!("{base}/{{group}}");
        Router::new()
            .route(base, on(get(group::list).post(group::create)))
            .route(&group, on(get(group::read).put(group::change).delete(group::delete)))
            .route(&format!("{group}/members"), on(get(members::list).post(members::add)))
            .route(
                &format!("{group}/members/{{member}}"),
                on(get(members::read).put(members::change).delete(members::remove)),
            )
            .route(&format!("{group}/invites"), on(get(invites::list).post(invites::create)))
            .route(
                &format!("{group}/invites/{{invite}}"),
                on(get(invites::read).put(invites::change).delete(invites::delete)),
            )
    };
    below("/applications/{app}/groups")
        .merge(below("/me/groups"))
        .route("/me/groups/{group}/invites/{invite}/accept", on(post(invites::accept)))
}
