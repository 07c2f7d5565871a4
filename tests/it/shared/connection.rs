//! The ways to the store: users of its access control list, TLS, sockets; and which of them fail.

use std::fs;

use rownd_authz::config;
use serde_json::json;

use super::{Fleet, KEY, section};
use crate::support::{
    certs::Authority,
    redis::{Kind, RedisServer},
    tls_front::TlsFront,
};

fn page() -> String {
    fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/scaling.md")).unwrap()
}

#[test]
fn the_configuration_of_the_page_is_one() {
    let page = page();
    let block = page.split("# configuration with keys").nth(1).unwrap();
    let block = block.split("```").next().unwrap();
    let files = tempfile::tempdir().unwrap();
    for (name, text) in
        [("password", "pass-word"), ("key", KEY), ("ca.pem", &Authority::new().pem())]
    {
        fs::write(files.path().join(name), text).unwrap();
    }
    let block = block.replace("/etc/rownd-authz/shared", files.path().to_str().unwrap());
    let app = [("ROWND_APP_ID".to_owned(), "app".to_owned())].into();
    let config = config::parse("page", &block, &app).unwrap_or_else(|all| panic!("{all}"));
    assert!(config.shared.is_some());
}

#[tokio::test]
async fn a_user_of_the_access_control_list_needs_few_rights() {
    let server = RedisServer::start(Kind::Redis).await;
    let page = page();
    let line = page.lines().find(|line| line.starts_with("ACL SETUSER ")).expect("the rights");
    let line = line.replace("PASSWORD", "pass-word");
    let () = server.tell(&line.split_whitespace().collect::<Vec<_>>());
    let fleet = Fleet::new();
    let password = fleet.files.path().join("password");
    fs::write(&password, "pass-word\n").unwrap();
    let mut shared = section(&server.url());
    shared["username"] = json!("authz");
    shared["password"] = json!(format!("file:{}", password.display()));
    let (a, b) = (fleet.ready("a", &shared).await, fleet.ready("b", &shared).await);
    let answer = a.order("/revoke", json!({ "jti": "stolen" })).await;
    assert_eq!(answer["replicas"]["have"], 2, "{answer}");
    assert!(b.denies(&fleet.token("stolen")).await);
    // With another password nothing is read, and the page says why without it.
    fs::write(&password, "other-word").unwrap();
    let c = fleet.start("c", &shared).await;
    let error = c.last_error().await;
    assert!(error.contains("WRONGPASS") || error.contains("authentication"), "{error}");
    assert!(!c.status().await.to_string().contains("other-word"));
}

#[tokio::test]
async fn by_tls_only_a_certificate_of_the_authority_is_trusted() {
    let server = RedisServer::start(Kind::Redis).await;
    let (authority, other) = (Authority::new(), Authority::new());
    let fleet = Fleet::new();
    let file = fleet.files.path().join("ca.pem");
    fs::write(&file, authority.pem()).unwrap();
    let good = TlsFront::start(&authority.issue(), server.address).await;
    let bad = TlsFront::start(&other.issue(), server.address).await;
    let at = |front: &TlsFront| {
        let mut shared = section(&front.url().replace("https://", "rediss://"));
        shared["tls"] = json!({ "ca_file": file });
        shared
    };
    let (a, b) = (fleet.ready("a", &at(&good)).await, fleet.ready("b", &at(&good)).await);
    a.order("/revoke", json!({ "jti": "stolen" })).await;
    assert!(b.denies(&fleet.token("stolen")).await);
    let c = fleet.start("c", &at(&bad)).await;
    let error = c.last_error().await;
    assert!(error.contains("certificate"), "{error}");
}

#[tokio::test]
async fn a_socket_of_this_machine_will_do() {
    let files = tempfile::tempdir().unwrap();
    let socket = files.path().join("redis.sock");
    let _server =
        RedisServer::with(Kind::Valkey, &["--unixsocket", socket.to_str().unwrap()]).await;
    let fleet = Fleet::new();
    let shared = section(&format!("unix:{}", socket.display()));
    let (a, b) = (fleet.ready("a", &shared).await, fleet.ready("b", &shared).await);
    a.order("/revoke", json!({ "jti": "stolen" })).await;
    assert!(b.denies(&fleet.token("stolen")).await);
}

/// Another database of one server is another store.
#[tokio::test]
async fn a_database_is_chosen_by_its_number() {
    let server = RedisServer::start(Kind::Redis).await;
    let fleet = Fleet::new();
    let a = fleet.ready("a", &section(&format!("{}/1", server.url()))).await;
    let b = fleet.ready("b", &section(&server.url())).await;
    let answer = a.order("/revoke", json!({ "jti": "stolen" })).await;
    assert_eq!(answer["replicas"], json!({ "have": 1, "known": 1 }));
    assert!(!b.denies(&fleet.token("stolen")).await);
}
