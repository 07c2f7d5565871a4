//! The memory for the largest pages of users, read by many callers at once.

use rownd_authz::grpc::pb::rownd::auth::v1::{
    ListUsersRequest, user_service_client::UserServiceClient,
};
use rownd_emulator::{Endpoint, Fault};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tonic::transport::Endpoint as Target;

use crate::{
    it::rownd_auth::{
        Bearer, settings,
        user_service::{KEEPER, RIGHTS, rig_with},
    },
    support::binary::Binary,
};

/// Calls at the same time, and pages one after the other of each.
const CALLS: usize = 64;
const PAGES: usize = 3;
/// The memory for pages under way: eight at a time are read (docs/users.md), each as text, as values and
/// as a message, and every caller may have one page on its way.
const MOST: u64 = 8 * (32 << 20) + CALLS as u64 * (5 << 20);

#[tokio::test]
async fn the_largest_pages_for_many_callers_take_bounded_memory() {
    let rig = rig_with(|_| {}).await;
    let row = |number| json!({ "rownd_user": format!("u{number:04}"), "data": { "bio": "x".repeat(3_900) } });
    let rows: Vec<Value> = (0..1_000).map(row).collect();
    let page = json!({ "total_results": 1_000_000, "results": rows }).to_string();
    rig.controls.inject(Fault::body(Endpoint::UserList, page)).unwrap();
    let mut settings = settings(&format!("http://{}", rig.emulator));
    let keeper = json!({ "name": "keeper", "secret": KEEPER, "allow": RIGHTS });
    settings["rownd_auth"]["callers"].as_array_mut().unwrap().push(keeper);
    settings["rownd_auth"]["timeout"] = json!("60s");
    let binary = Binary::start(&settings).await;
    binary.is_ready().await;
    let at_rest = binary.resident();
    let mut calls = JoinSet::new();
    for _ in 0..CALLS {
        let target = Target::from_shared(format!("http://{}", binary.grpc)).unwrap();
        calls.spawn(async move {
            let channel = target.connect().await.unwrap();
            let stub = UserServiceClient::with_interceptor(channel, Bearer(KEEPER.into()));
            let mut stub = stub.max_decoding_message_size(8 << 20);
            let mut users = 0;
            for _ in 0..PAGES {
                let request = ListUsersRequest { page_size: 1_000, ..ListUsersRequest::default() };
                users += stub.list_users(request).await.unwrap().into_inner().users.len();
            }
            users
        });
    }
    let read: usize = calls.join_all().await.into_iter().sum();
    assert_eq!(read, CALLS * PAGES * 1_000);
    let grown = binary.peak().saturating_sub(at_rest);
    println!("{read} users in pages of 4 MB: {} MiB more than at rest", grown >> 20);
    assert!(grown < MOST, "{} MiB more than at rest", grown >> 20);
}
