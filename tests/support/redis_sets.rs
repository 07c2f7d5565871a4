//! Real sets of servers for the shared state: a master with a copy and Sentinels, a cluster; and the
//! single server, so that one test runs on each.
//!
//! In: a form. Out: its settings; the loss of the server that takes the writes, and its return.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::{
    free_port,
    redis::{Kind, RedisServer},
    until,
};

/// The name of the master.
pub(crate) const MASTER: &str = "mymaster";
/// A node that is silent for so many milliseconds is lost, for Sentinels and in a cluster.
const LOST_AFTER: u32 = 1000;
/// The slots of a cluster, in three parts.
const PARTS: [(u16, u16); 3] = [(0, 5460), (5461, 10_922), (10_923, 16_383)];

/// The forms in which the state is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    One(Kind),
    Sentinels,
    Cluster,
}

/// Every form.
pub(crate) const FORMS: [Form; 4] =
    [Form::One(Kind::Redis), Form::One(Kind::Valkey), Form::Sentinels, Form::Cluster];

/// The servers of one form, running.
pub(crate) struct RedisSet {
    pub(crate) form: Form,
    /// Those with data.
    pub(crate) servers: Vec<RedisServer>,
    pub(crate) sentinels: Vec<RedisServer>,
    prefix: String,
}

impl RedisSet {
    /// One that works, without anything that would outlive the loss of a server.
    pub(crate) async fn start(form: Form) -> Self {
        Self::for_prefix(form, "rownd-authz").await
    }

    /// The same for keys of this prefix.
    pub(crate) async fn for_prefix(form: Form, prefix: &str) -> Self {
        let (servers, sentinels) = match form {
            Form::One(kind) => (vec![RedisServer::start(kind).await], Vec::new()),
            Form::Sentinels => {
                let master = RedisServer::start(Kind::Redis).await;
                let sentinel = sentinel_of(master.address, 1).await;
                (vec![master], vec![sentinel])
            }
            Form::Cluster => (masters().await, Vec::new()),
        };
        let set = Self { form, servers, sentinels, prefix: prefix.to_owned() };
        set.works().await;
        set
    }

    /// One that goes on without any one of its servers.
    pub(crate) async fn that_fails_over(form: Form) -> Self {
        let mut set = Self::start(form).await;
        match form {
            Form::One(_) => panic!("one server does not fail over"),
            Form::Sentinels => {
                let master = set.servers[0].address;
                let port = master.port().to_string();
                let copy = ["--replicaof", "127.0.0.1", &port];
                set.servers.push(RedisServer::with(Kind::Redis, &copy).await);
                set.sentinels.clear();
                for _ in 0..3 {
                    set.sentinels.push(sentinel_of(master, 2).await);
                }
                until("Sentinels that know all", || {
                    set.sentinels.iter().all(|sentinel| {
                        let known = |name| field(sentinel, name);
                        known("num-other-sentinels") == "2" && known("num-slaves") == "1"
                    })
                })
                .await;
            }
            Form::Cluster => {
                let owner = set.writer();
                let copy = node().await;
                join(&copy, &set.servers[0]);
                let id: String = set.servers[owner].tell(&["CLUSTER", "MYID"]);
                until("the copy in the cluster", || {
                    copy.try_tell::<()>(&["CLUSTER", "REPLICATE", &id]).is_ok()
                })
                .await;
                set.servers.push(copy);
                set.works().await;
            }
        }
        let copy = set.servers.last().unwrap();
        until("a copy that follows", || {
            let info: String = copy.tell(&["INFO", "replication"]);
            info.contains("master_link_status:up")
        })
        .await;
        if form == Form::Cluster {
            // Each node has to know who the copy is of.
            let id: String = copy.tell(&["CLUSTER", "MYID"]);
            until("nodes that know the copy", || {
                set.servers.iter().all(|node| {
                    let nodes: String = node.tell(&["CLUSTER", "NODES"]);
                    nodes.lines().any(|line| line.starts_with(&id) && line.contains("slave"))
                })
            })
            .await;
        }
        set
    }

    /// The settings that say where it is.
    pub(crate) fn place(&self) -> Value {
        let urls =
            |servers: &[RedisServer]| servers.iter().map(RedisServer::url).collect::<Vec<_>>();
        match self.form {
            Form::One(_) => json!({ "url": self.servers[0].url() }),
            Form::Sentinels => {
                json!({ "sentinel": { "master": MASTER, "nodes": urls(&self.sentinels) } })
            }
            Form::Cluster => json!({ "cluster": { "nodes": urls(&self.servers) } }),
        }
    }

    /// The number of the server that takes the writes.
    pub(crate) fn writer(&self) -> usize {
        let key = format!("{{{}}}:probe", self.prefix);
        let takes = |server: &RedisServer| match self.form {
            Form::One(_) => true,
            Form::Sentinels => {
                let port = field(&self.sentinels[0], "port");
                port == server.address.port().to_string()
            }
            Form::Cluster => server.try_tell::<()>(&["DEL", &key]).is_ok(),
        };
        self.servers.iter().position(takes).expect("a server that takes writes")
    }

    /// The server that takes the writes.
    pub(crate) fn server(&self) -> &RedisServer {
        &self.servers[self.writer()]
    }

    /// Waits until a key can be written.
    async fn works(&self) {
        if self.form == Form::Cluster {
            until("a cluster that works", || {
                self.servers.iter().all(|node| {
                    let info: String = node.tell(&["CLUSTER", "INFO"]);
                    info.contains("cluster_state:ok")
                })
            })
            .await;
        }
    }
}

/// A field of the master, as a Sentinel knows it.
fn field(sentinel: &RedisServer, name: &str) -> String {
    let fields: Vec<String> =
        sentinel.try_tell(&["SENTINEL", "MASTER", MASTER]).unwrap_or_default();
    let found = fields.chunks(2).find(|pair| pair[0] == name);
    found.map(|pair| pair[1].clone()).unwrap_or_default()
}

async fn sentinel_of(master: SocketAddr, quorum: u8) -> RedisServer {
    let port = master.port();
    let lines = format!(
        "sentinel monitor {MASTER} 127.0.0.1 {port} {quorum}\n\
         sentinel down-after-milliseconds {MASTER} {LOST_AFTER}\n\
         sentinel failover-timeout {MASTER} 3000\n"
    );
    RedisServer::sentinel(&lines, None).await
}

/// Three masters with all slots.
async fn masters() -> Vec<RedisServer> {
    let mut nodes = Vec::new();
    for (first, last) in PARTS {
        let node = node().await;
        let (first, last) = (first.to_string(), last.to_string());
        let () = node.tell(&["CLUSTER", "ADDSLOTSRANGE", &first, &last]);
        nodes.push(node);
    }
    for node in &nodes[1..] {
        join(node, &nodes[0]);
    }
    nodes
}

/// An empty node of a cluster.
async fn node() -> RedisServer {
    let (bus, lost) = (free_port().port().to_string(), LOST_AFTER.to_string());
    let settings =
        [["--cluster-enabled", "yes"], ["--cluster-port", &bus], ["--cluster-node-timeout", &lost]];
    RedisServer::with(Kind::Redis, settings.as_flattened()).await
}

fn join(node: &RedisServer, known: &RedisServer) {
    let info: Vec<String> = known.tell(&["CONFIG", "GET", "cluster-port"]);
    let port = known.address.port().to_string();
    let () = node.tell(&["CLUSTER", "MEET", "127.0.0.1", &port, &info[1]]);
}
