//! The way to a server that lies, is silent, or breaks off, before servers that answer as a test says.

use std::{sync::Arc, time::Duration};

use tokio::{net::TcpListener, time::Instant};

use super::{
    fake_server::{Answer, FakeServer},
    link::{Link, Question},
    route::Route,
};
use crate::{
    config::{OutboundTls, RedisAccess, RedisCluster, RedisNode, RedisPlace, Span},
    shared::SharedError,
};

/// Long enough for a busy machine, and the bound of every wait here.
const PATIENCE: Duration = Duration::from_secs(5);

fn text(text: &str) -> Answer {
    Answer::Text(format!("{text}\r\n"))
}

/// The way to the node of a cluster that has a key, by these nodes.
fn route(nodes: &[std::net::SocketAddr]) -> Arc<Route> {
    let node = |address: &std::net::SocketAddr| RedisNode {
        written: format!("redis://{address}"),
        host: address.ip().to_string(),
        port: address.port(),
    };
    let nodes = nodes.iter().map(node).collect();
    let access = RedisAccess {
        place: RedisPlace::Cluster(RedisCluster { nodes, by_tls: false }),
        allow_insecure: false,
        username: None,
        password: None,
        tls: OutboundTls::default(),
        timeout: Span::from_secs(PATIENCE.as_secs()),
    };
    Arc::new(Route::new(&access, "{test}:about").unwrap())
}

async fn append(link: &Link) -> Result<String, SharedError> {
    let question = |_| {
        let mut command = redis::cmd("XADD");
        command.arg("key").arg("*").arg("name").arg("value");
        Question::Command(command)
    };
    link.ask(question).await
}

fn refusal<T: std::fmt::Debug>(answer: Result<T, SharedError>) -> String {
    match answer {
        Err(SharedError::Refused(text)) => text,
        other => panic!("{other:?}"),
    }
}

/// A question that may have been done is not asked again.
#[tokio::test]
async fn a_question_whose_connection_breaks_is_asked_once() {
    let node = FakeServer::start().await;
    node.answers("EXISTS", text(":1"));
    node.answers("XADD", Answer::Close);
    let link = Link::new(route(&[node.address]), PATIENCE);
    for turn in 1..=3 {
        let answer = append(&link).await;
        assert!(matches!(answer, Err(SharedError::Unreachable(_))), "{answer:?}");
        assert_eq!(node.asked("XADD"), turn);
    }
    node.answers("XADD", text("+1-1"));
    assert_eq!(append(&link).await, Ok("1-1".to_owned()), "by a new connection");
}

/// Two nodes that lead to each other end after two steps.
#[tokio::test]
async fn nodes_that_lead_in_a_circle_are_left() {
    let (a, b) = (FakeServer::start().await, FakeServer::start().await);
    for (node, other) in [(&a, &b), (&b, &a)] {
        let moved = format!("-MOVED 7 {}", other.address);
        node.answers("EXISTS", text(&moved));
        node.answers("XADD", text(&moved));
    }
    let link = Link::new(route(&[a.address, b.address]), PATIENCE);
    let said = refusal(append(&link).await);
    assert!(said.contains("MOVED") || said.contains("7 127.0.0.1"), "{said}");
    assert_eq!(a.asked("XADD") + b.asked("XADD"), 2);
}

/// A node that leads to an address of no server is passed over, and the others are asked.
#[tokio::test]
async fn a_node_that_leads_astray_is_passed_over() {
    let (bad, good) = (FakeServer::start().await, FakeServer::start().await);
    good.answers("EXISTS", text(":0"));
    for address in ["169.254.169.254:80", "0.0.0.0:6379", "224.0.0.1:6379", "a/b:6379"] {
        bad.answers("EXISTS", text(&format!("-MOVED 7 {address}")));
        let said = refusal(route(&[bad.address]).find().await);
        assert!(said.contains("it leads to"), "{said}");
        let found = route(&[bad.address, good.address]).find().await.unwrap();
        assert_eq!(found.get_connection_info().addr(), good.client().get_connection_info().addr());
    }
}

/// A server on its own has every key, and is still no node of a cluster.
#[tokio::test]
async fn a_server_on_its_own_is_no_node() {
    let (single, good) = (FakeServer::start().await, FakeServer::start().await);
    let greeting = "*4\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster";
    single.answers("HELLO", text(greeting));
    single.answers("EXISTS", text(":0"));
    good.answers("EXISTS", text(":0"));
    let said = refusal(route(&[single.address]).find().await);
    assert!(said.contains("no node of a cluster"), "{said}");
    let found = route(&[single.address, good.address]).find().await.unwrap();
    assert_eq!(found.get_connection_info().addr(), good.client().get_connection_info().addr());
}

/// The refusal is told, although another node never answers.
#[tokio::test]
async fn a_refusal_is_told_in_time_beside_a_node_that_is_silent() {
    let (down, silent) = (FakeServer::start().await, FakeServer::start().await);
    down.answers("EXISTS", text("-CLUSTERDOWN The cluster is down"));
    silent.answers("EXISTS", Answer::Silence);
    // This one takes connections and reads nothing.
    let deaf = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nodes = [down.address, silent.address, deaf.local_addr().unwrap()];
    let began = Instant::now();
    let said = refusal(append(&Link::new(route(&nodes), PATIENCE)).await);
    assert!(said.contains("cluster is down") || said.contains("CLUSTERDOWN"), "{said}");
    assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
}
