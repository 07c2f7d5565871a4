//! The product itself: the real binary with a configuration file, as a child process.
//!
//! In: a configuration without listeners. Out: a running server with its addresses;
//! it ends when this is dropped.

use std::{fs, net::SocketAddr, path::Path};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    child::Guarded,
    envoy::Endpoint,
    eventually, free_port,
    raw::{Answer, Raw},
};

/// The state to wait for after the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// It has the keys it needs.
    Ready,
    /// The process answers.
    Alive,
}

/// The name of its configuration file.
const CONFIG: &str = "config.yaml";

/// A running server.
#[derive(Debug)]
pub(crate) struct Product {
    endpoint: Endpoint,
    ops: SocketAddr,
    child: Guarded,
    dir: TempDir,
}

impl Product {
    /// Starts one that listens on TCP.
    pub(crate) async fn start(config: Value, until: Until) -> Self {
        Self::launch(config, Endpoint::Tcp(free_port()), until).await
    }

    /// Starts one that listens on a Unix socket.
    pub(crate) async fn start_unix(config: Value, socket: &Path) -> Self {
        Self::launch(config, Endpoint::Unix(socket.to_owned()), Until::Ready).await
    }

    async fn launch(mut config: Value, endpoint: Endpoint, until: Until) -> Self {
        let dir = tempfile::Builder::new()
            .prefix("product-")
            .tempdir_in(env!("CARGO_TARGET_TMPDIR"))
            .expect("a directory for the product");
        let ops = free_port();
        listen(&mut config, &endpoint, ops);
        // JSON is YAML.
        fs::write(dir.path().join(CONFIG), config.to_string()).expect("the configuration file");
        let child = serve(dir.path());
        let mut product = Self { endpoint, ops, child, dir };
        product.wait(until).await;
        product
    }

    async fn wait(&mut self, until: Until) {
        let target = match until {
            Until::Ready => "/readyz",
            Until::Alive => "/livez",
        };
        let (ops, log) = (self.ops, self.dir.path().join("log"));
        let child = &mut self.child;
        eventually(&format!("the product's {target}"), || {
            if let Some(status) = child.ended() {
                let log = fs::read_to_string(&log).unwrap_or_default();
                panic!("the product ended with {status}:\n{log}");
            }
            async move {
                // Until it listens there is nobody to ask.
                tokio::net::TcpStream::connect(ops).await.ok()?;
                let answer = Raw::get(target).send(ops).await;
                (answer.status == 200).then_some(())
            }
        })
        .await;
    }

    /// Kills it as a machine without memory does, and starts it again in the same place.
    pub(crate) async fn kill_and_start(&mut self, until: Until) {
        if self.child.ended().is_none() {
            self.child.signal("KILL");
            self.child.exit().await;
        }
        self.child = serve(self.dir.path());
        self.wait(until).await;
    }

    /// Puts another configuration without listeners in the place of its own.
    pub(crate) fn rewrite(&self, mut config: Value) {
        listen(&mut config, &self.endpoint, self.ops);
        let new = self.dir.path().join("new");
        fs::write(&new, config.to_string()).expect("the new configuration");
        fs::rename(new, self.dir.path().join(CONFIG)).expect("in its place");
    }

    /// Where it is asked.
    pub(crate) fn endpoint(&self) -> Endpoint {
        self.endpoint.clone()
    }

    /// `GET` on the ops listener.
    pub(crate) async fn ops(&self, target: &str) -> Answer {
        Raw::get(target).send(self.ops).await
    }

    /// The sum of a metric over all of its series whose labels hold each of `labels`.
    pub(crate) async fn metric(&self, name: &str, labels: &[&str]) -> f64 {
        let text = self.ops("/metrics").await.text();
        text.lines()
            .filter(|line| {
                line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']))
                    && labels.iter().all(|label| line.contains(label))
            })
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum()
    }

    /// Everything it has written.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).expect("the product's log")
    }

    /// The child process.
    pub(crate) fn child(&mut self) -> &mut Guarded {
        &mut self.child
    }
}

/// The program with the configuration of this directory.
fn serve(dir: &Path) -> Guarded {
    let file = dir.join(CONFIG);
    Guarded::spawn(
        Path::new(env!("CARGO_BIN_EXE_rownd-authz")),
        ["serve".as_ref(), "--config".as_ref(), file.as_os_str()],
        &[],
        &dir.join("log"),
    )
}

fn listen(config: &mut Value, endpoint: &Endpoint, ops: SocketAddr) {
    let address = match endpoint {
        Endpoint::Tcp(address) => address.to_string(),
        Endpoint::Unix(path) => format!("unix:{}", path.display()),
    };
    config["listeners"]["grpc"]["address"] = json!(address);
    config["listeners"]["ops"]["address"] = json!(ops.to_string());
}
