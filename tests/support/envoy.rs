//! The real Envoy as a child process.
//!
//! In: gates (listeners) and the clusters they ask. Out: a running Envoy with the
//! address of each gate, its counters and its access log. The binaries are
//! `.tools/envoy*/envoy`, fetched by `make tools`.

use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{child::Guarded, eventually, free_port, gate::Gate, raw::Raw};

/// A release of Envoy. All tests run on the newest; `e2e::releases` runs on each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Release {
    /// The oldest that is supported.
    V1_36,
    /// One between.
    V1_38,
    /// The newest.
    #[default]
    V1_40,
}

impl Release {
    /// All of them, the oldest first.
    pub(crate) const ALL: [Self; 3] = [Self::V1_36, Self::V1_38, Self::V1_40];

    /// The version as people write it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::V1_36 => "1.36",
            Self::V1_38 => "1.38",
            Self::V1_40 => "1.40",
        }
    }

    fn binary(self) -> PathBuf {
        let folder = match self {
            Self::V1_40 => "envoy".to_owned(),
            older => format!("envoy-{}", older.name()),
        };
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools").join(folder).join("envoy");
        assert!(path.is_file(), "{} is missing: run `make tools` first", path.display());
        path
    }
}

/// Where an authorizer listens.
#[derive(Debug, Clone)]
pub(crate) enum Endpoint {
    /// Address and port.
    Tcp(SocketAddr),
    /// Path of a Unix socket.
    Unix(PathBuf),
}

/// Envoy's configuration while it is put together.
#[derive(Debug)]
pub(crate) struct EnvoyBuilder {
    release: Release,
    clusters: Vec<Value>,
    gates: Vec<Gate>,
    listeners: Vec<Value>,
}

impl EnvoyBuilder {
    /// An Envoy in front of this service.
    pub(crate) fn new(upstream: SocketAddr) -> Self {
        let upstream = json!({
            "name": "upstream",
            "type": "STATIC",
            "connect_timeout": "5s",
            "circuit_breakers": breakers(),
            "load_assignment": assignment("upstream", &[Endpoint::Tcp(upstream)]),
            "typed_extension_protocol_options": protocol(json!({
                "use_downstream_protocol_config": {
                    "http2_protocol_options": { "allow_connect": true },
                }
            })),
        });
        let collector = json!({
            "name": "collector",
            "type": "STATIC",
            "load_assignment": assignment("collector", &[Endpoint::Tcp(free_port())]),
            "typed_extension_protocol_options": protocol(json!({
                "explicit_http_config": { "http2_protocol_options": {} },
            })),
        });
        Self {
            release: Release::default(),
            clusters: vec![upstream, collector],
            gates: Vec::new(),
            listeners: Vec::new(),
        }
    }

    /// Another release than the newest.
    pub(crate) fn release(mut self, release: Release) -> Self {
        self.release = release;
        self
    }

    /// An authorizer, under the name that gates give it.
    pub(crate) fn authz(mut self, name: &str, endpoints: &[Endpoint]) -> Self {
        self.clusters.push(json!({
            "name": name,
            "type": "STATIC",
            "connect_timeout": "1s",
            "circuit_breakers": breakers(),
            "load_assignment": assignment(name, endpoints),
            "typed_extension_protocol_options": protocol(json!({
                "explicit_http_config": { "http2_protocol_options": {
                    "connection_keepalive": { "interval": "10s", "timeout": "5s" },
                } }
            })),
        }));
        self
    }

    /// Changes the cluster that was added last.
    pub(crate) fn with(mut self, key: &str, value: Value) -> Self {
        self.clusters.last_mut().expect("a cluster")[key] = value;
        self
    }

    /// One more listener.
    pub(crate) fn gate(mut self, gate: Gate) -> Self {
        self.gates.push(gate);
        self
    }

    /// One more listener of any kind.
    pub(crate) fn listener(mut self, listener: Value) -> Self {
        self.listeners.push(listener);
        self
    }

    /// Starts Envoy and waits until it serves.
    pub(crate) async fn start(self) -> Envoy {
        let dir = directory();
        let access_log = dir.path().join("access.log");
        let access_log = access_log.to_str().expect("a UTF-8 path");
        let gates = self.gates.iter().map(|gate| gate.listener(access_log));
        let listeners: Vec<_> = gates.chain(self.listeners).collect();
        let bootstrap = json!({
            "admin": { "address": { "socket_address": {
                "address": "127.0.0.1", "port_value": 0,
            } } },
            "static_resources": { "listeners": listeners, "clusters": self.clusters },
            // Envoy warns when there is no such limit, and a test needs none.
            "overload_manager": { "resource_monitors": [{
                "name": "envoy.resource_monitors.global_downstream_max_connections",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.resource_monitors\
                              .downstream_connections.v3.DownstreamConnectionsConfig",
                    "max_active_downstream_connections": 100_000,
                },
            }] },
        });
        Envoy::launch(self.release, dir, &bootstrap).await
    }
}

fn directory() -> TempDir {
    tempfile::Builder::new()
        .prefix("envoy-")
        .tempdir_in(env!("CARGO_TARGET_TMPDIR"))
        .expect("a directory for Envoy")
}

/// A running Envoy; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Envoy {
    admin: SocketAddr,
    gates: BTreeMap<String, SocketAddr>,
    access_log: PathBuf,
    child: Guarded,
    dir: TempDir,
}

impl Envoy {
    /// Starts Envoy with a configuration of any origin; every port should be 0.
    pub(crate) async fn with_bootstrap(bootstrap: &Value) -> Self {
        Self::of_release(Release::default(), bootstrap).await
    }

    /// The same on any release.
    pub(crate) async fn of_release(release: Release, bootstrap: &Value) -> Self {
        Self::launch(release, directory(), bootstrap).await
    }

    async fn launch(release: Release, dir: TempDir, bootstrap: &Value) -> Self {
        let at = |name: &str| dir.path().join(name);
        // JSON is YAML, and needs no quoting of our own.
        let file = at("bootstrap.yaml");
        fs::write(&file, serde_json::to_string_pretty(bootstrap).expect("JSON"))
            .expect("Envoy's configuration");
        let admin_file = at("admin");
        let child = Guarded::spawn(
            &release.binary(),
            [
                "-c".as_ref(),
                file.as_os_str(),
                "--disable-hot-restart".as_ref(),
                "--concurrency".as_ref(),
                "2".as_ref(),
                "--admin-address-path".as_ref(),
                admin_file.as_os_str(),
                "--file-flush-interval-msec".as_ref(),
                "20".as_ref(),
                "--log-level".as_ref(),
                "warning".as_ref(),
            ],
            &[],
            &at("envoy.log"),
        );
        let mut envoy = Self {
            admin: SocketAddr::from(([127, 0, 0, 1], 0)),
            gates: BTreeMap::new(),
            access_log: at("access.log"),
            child,
            dir,
        };
        envoy.wait_until_ready(&admin_file).await;
        envoy
    }

    /// The address of a gate.
    pub(crate) fn gate(&self, name: &str) -> SocketAddr {
        *self.gates.get(name).unwrap_or_else(|| panic!("no gate {name}: {:?}", self.gates))
    }

    /// The counters of a gate's authorization filter (`ok`, `denied`, `error`,
    /// `failure_mode_allowed`, ...).
    pub(crate) async fn counters(&self, gate: &str) -> Counters {
        let prefix = format!("http.{gate}.ext_authz.");
        Counters { gate: gate.to_owned(), values: self.stats(&prefix).await }
    }

    /// Every counter and gauge whose name starts with `prefix`, without it.
    pub(crate) async fn stats(&self, prefix: &str) -> BTreeMap<String, u64> {
        let target = format!("/stats?filter=^{}&format=json", prefix.replace('.', "%5C."));
        let answer = Raw::get(target).send(self.admin).await;
        answer.json()["stats"]
            .as_array()
            .expect("a list of stats")
            .iter()
            .filter_map(|stat| {
                let name = stat["name"].as_str()?.strip_prefix(prefix)?;
                Some((name.to_owned(), stat["value"].as_u64()?))
            })
            .collect()
    }

    /// The access log line of the request with this `x-request-id`.
    pub(crate) async fn access(&self, id: &str) -> Value {
        eventually(&format!("the access log line of {id}"), || async {
            fs::read_to_string(&self.access_log)
                .ok()?
                .lines()
                .filter_map(|line| serde_json::from_str::<Value>(line).ok())
                .find(|line| line["id"] == id)
        })
        .await
    }

    async fn wait_until_ready(&mut self, admin_file: &Path) {
        let log = self.dir.path().join("envoy.log");
        let child = &mut self.child;
        self.admin = eventually("Envoy's admin address", || {
            if let Some(status) = child.ended() {
                let log = fs::read_to_string(&log).unwrap_or_default();
                panic!("Envoy ended with {status}:\n{log}");
            }
            let address = fs::read_to_string(admin_file).ok();
            std::future::ready(address.and_then(|address| address.trim().parse().ok()))
        })
        .await;
        let admin = self.admin;
        eventually("Envoy to be ready", || async move {
            (Raw::get("/ready").send(admin).await.status == 200).then_some(())
        })
        .await;
        let listeners = Raw::get("/listeners?format=json").send(admin).await.json();
        for listener in listeners["listener_statuses"].as_array().expect("listeners") {
            let name = listener["name"].as_str().expect("a listener's name");
            let port = &listener["local_address"]["socket_address"]["port_value"];
            let port = u16::try_from(port.as_u64().expect("a port")).expect("a port");
            self.gates.insert(name.to_owned(), SocketAddr::from(([127, 0, 0, 1], port)));
        }
    }
}

/// Counters of one gate at one moment.
#[derive(Debug, Clone)]
pub(crate) struct Counters {
    gate: String,
    values: BTreeMap<String, u64>,
}

impl Counters {
    /// One of them; a name that Envoy does not know is a fault of the test.
    pub(crate) fn get(&self, name: &str) -> u64 {
        *self
            .values
            .get(name)
            .unwrap_or_else(|| panic!("no counter {name} at gate {}: {:?}", self.gate, self.values))
    }

    /// The names of those that moved since, with by how much.
    pub(crate) fn moved_since(&self, before: &Self) -> BTreeMap<&str, u64> {
        self.values
            .iter()
            .map(|(name, value)| (name.as_str(), value - before.values.get(name).unwrap_or(&0)))
            .filter(|(_, moved)| *moved > 0)
            .collect()
    }
}

/// Whether a release takes this configuration file; its own words if not.
pub(crate) fn validate(release: Release, file: &Path) -> Result<(), String> {
    let output = Command::new(release.binary())
        .args(["--mode", "validate", "--disable-hot-restart", "--log-level", "warning", "-c"])
        .arg(file)
        .output()
        .expect("Envoy starts");
    if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

fn breakers() -> Value {
    json!({ "thresholds": [{
        "max_connections": 100_000,
        "max_pending_requests": 100_000,
        "max_requests": 100_000,
        "max_retries": 100_000,
    }] })
}

fn assignment(name: &str, endpoints: &[Endpoint]) -> Value {
    let endpoints: Vec<_> = endpoints
        .iter()
        .map(|endpoint| {
            let address = match endpoint {
                Endpoint::Tcp(address) => json!({ "socket_address": {
                    "address": address.ip().to_string(), "port_value": address.port(),
                } }),
                Endpoint::Unix(path) => json!({ "pipe": { "path": path } }),
            };
            json!({ "endpoint": { "address": address } })
        })
        .collect();
    json!({ "cluster_name": name, "endpoints": [{ "lb_endpoints": endpoints }] })
}

fn protocol(mut options: Value) -> Value {
    options["@type"] =
        json!("type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions");
    json!({ "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options })
}
