//! The service in this process, from a configuration to the end of its drain.

use std::{collections::BTreeMap, net::SocketAddr, path::Path, sync::Arc};

use rownd_authz::{
    app::{self, BuildError, ListenAddress, ReloadHandle, ReloadOutcome},
    config::{self, ConfigSource},
    grpc::pb::authorization_client::AuthorizationClient,
    health::Readiness,
    metrics::Metrics,
};
use serde_json::{Value, json};
use tokio::{sync::oneshot, task::JoinHandle};
use tonic::transport::{Channel, Endpoint};

use super::{
    Answer, Ask, Issuer,
    forge::APP,
    in_time,
    page::{self, Page},
    until,
};

/// The settings of one issuer, by its name.
pub(crate) fn issuer_settings(name: &str, issuer: &Issuer) -> Value {
    json!({
        "name": name,
        "kind": "rownd",
        "base_url": issuer.url(),
        "apps": [{ "id": APP }],
        // The shortest there is: a test need not wait for it. And long enough for a reply that
        // a test holds back.
        "keys": { "cooldown": "100ms", "fetch_timeout": "30s" },
    })
}

/// A configuration with one issuer and a route of each kind.
pub(crate) fn config(issuer: &Issuer) -> Value {
    json!({
        "listeners": {
            "grpc": { "address": "127.0.0.1:0", "workers": 1 },
            "ops": { "address": "127.0.0.1:0" },
        },
        "issuers": [issuer_settings("rownd", issuer)],
        "credentials": [{ "header": "authorization" }, { "cookie": "app_session" }],
        "routes": [
            { "id": "public", "match": { "path": { "prefix": "/public" } }, "auth": "none" },
            { "id": "optional", "match": { "path": { "prefix": "/optional" } }, "auth": "optional" },
            {
                "id": "verified", "match": { "path": { "prefix": "/verified" } },
                "auth_level": "verified",
            },
        ],
        // Generous: a loaded machine is no fault of the service.
        "check": { "timeout": "20s" },
        "shutdown": { "drain_delay": "0s", "grace": "5s" },
    })
}

/// Makes [`config`], and changes it.
pub(crate) fn config_with(issuer: &Issuer, change: impl FnOnce(&mut Value)) -> Value {
    let mut value = config(issuer);
    change(&mut value);
    value
}

/// A running service.
pub(crate) struct TestApp {
    pub(crate) grpc: ListenAddress,
    pub(crate) ops: SocketAddr,
    pub(crate) probes: Option<SocketAddr>,
    pub(crate) http: Option<ListenAddress>,
    pub(crate) public_http: Option<ListenAddress>,
    pub(crate) readiness: Readiness,
    pub(crate) metrics: Arc<Metrics>,
    reload: ReloadHandle,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<Result<(), BuildError>>,
    channel: Option<Channel>,
}

impl TestApp {
    /// Builds and runs it; it need not be ready.
    pub(crate) async fn start(settings: &Value) -> Self {
        Self::run(Self::build(settings).await.unwrap())
    }

    /// Builds and runs it with these variables of the environment.
    pub(crate) async fn start_in(settings: &Value, environment: &BTreeMap<String, String>) -> Self {
        let config = config::parse("test.yaml", &settings.to_string(), environment)
            .unwrap_or_else(|problems| panic!("{problems}"));
        Self::run(app::build(config).await.unwrap())
    }

    /// Builds and runs what a file says, which it reads again when it changes.
    pub(crate) async fn follow(file: &Path) -> Self {
        let source = ConfigSource::new(Some(file.to_owned()), BTreeMap::new());
        let config = source
            .judge(rownd_authz::app::problems, |_| Vec::new())
            .outcome
            .unwrap_or_else(|problems| panic!("{problems}"));
        let mut bound = app::build(config).await.unwrap();
        bound.follow(source);
        Self::run(bound)
    }

    fn run(bound: app::Bound) -> Self {
        let (grpc, ops) = (bound.grpc_address().clone(), bound.ops_address());
        let (probes, http) = (bound.probe_address(), bound.http_address().cloned());
        let public_http = bound.public_http_address().cloned();
        let (readiness, metrics) = (bound.readiness().clone(), bound.metrics().clone());
        let reload = bound.reload_handle();
        let (stop, stopped) = oneshot::channel::<()>();
        // A sender that is dropped stops it as well: the test has ended.
        let task = tokio::spawn(bound.run(async { stopped.await.unwrap_or(()) }));
        let channel = match &grpc {
            ListenAddress::Tcp(address) => {
                let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
                Some(endpoint.connect_lazy())
            }
            ListenAddress::Unix(_) => None,
        };
        Self {
            grpc,
            ops,
            probes,
            http,
            public_http,
            readiness,
            metrics,
            reload,
            stop: Some(stop),
            task,
            channel,
        }
    }

    /// Builds it only.
    pub(crate) async fn build(settings: &Value) -> Result<app::Bound, BuildError> {
        let config = config::parse("test.yaml", &settings.to_string(), &BTreeMap::new())
            .unwrap_or_else(|problems| panic!("{problems}"));
        app::build(config).await
    }

    /// Builds and runs it, and waits until it is ready.
    pub(crate) async fn ready(settings: &Value) -> Self {
        let app = Self::start(settings).await;
        app.is_ready().await;
        app
    }

    /// Waits until it is ready.
    pub(crate) async fn is_ready(&self) {
        until("readiness", || self.readiness.is_ready()).await;
    }

    /// Has it read everything again.
    pub(crate) async fn reload(&self) -> ReloadOutcome {
        in_time("a reload", self.reload.reload()).await
    }

    /// Has the files read again, after which what is new has to be in force under this number.
    pub(crate) async fn put_in_force(&self, expected: u64) {
        match self.reload().await {
            // The files may have been found changed before this was asked.
            ReloadOutcome::InForce(epoch) | ReloadOutcome::Unchanged(epoch) => {
                assert_eq!(epoch, expected)
            }
            ReloadOutcome::Refused(problems) => panic!("{problems:?}"),
            ReloadOutcome::Ending => panic!("the process is ending"),
        }
    }

    /// Its gRPC listener's address, which is TCP.
    pub(crate) fn address(&self) -> SocketAddr {
        match &self.grpc {
            ListenAddress::Tcp(address) => *address,
            ListenAddress::Unix(path) => panic!("it listens at {}", path.display()),
        }
    }

    /// A gRPC channel to it.
    pub(crate) fn channel(&self) -> Channel {
        self.channel.clone().expect("it listens on TCP")
    }

    /// Asks as Envoy does. An RPC error ends the test: Envoy may take one for "let it through".
    pub(crate) async fn check(&self, ask: &Ask) -> Answer {
        let asked = AuthorizationClient::new(self.channel()).check(ask.message()).await;
        Answer::sound(asked.expect("never an RPC error").into_inner())
    }

    /// A page of its ops listener.
    pub(crate) async fn page(&self, path: &str) -> Page {
        page::get(self.ops, path).await
    }

    /// The parts in the background that are at fault, by `/status`.
    pub(crate) async fn faults(&self) -> Vec<Value> {
        self.page("/status").await.json()["faults"].as_array().unwrap().clone()
    }

    /// The sum of the series of a name whose labels hold all of these.
    pub(crate) fn metric(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        page::metric(&self.metrics.render(), name, labels)
    }

    /// Checks that ended with this reason so far.
    pub(crate) fn counted(&self, reason: &str) -> f64 {
        self.metric("rownd_authz_checks_total", &[("reason", reason)])
    }

    /// Says that it is to end. [`ended`](Self::ended) waits for it.
    pub(crate) fn stop(&mut self) {
        let stop = self.stop.take().expect("it was not told yet");
        stop.send(()).expect("it listens");
    }

    /// Waits for the end of its drain.
    pub(crate) async fn ended(&mut self) {
        let task = &mut self.task;
        in_time("the end of the drain", task).await.unwrap().unwrap();
    }

    /// It has ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.task.is_finished()
    }
}
