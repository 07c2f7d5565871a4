//! The three servers under load, side by side on one core; only the one that is
//! asked runs. Comes in: programs, the key set's address. Goes out: servers that
//! are ready and proven to judge: a good token allowed with its user named, a
//! forged one refused.

use std::{
    fs::{self, File},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use envoy_types::pb::envoy::service::auth::v3::{CheckResponse, check_response::HttpResponse};
use prost::Message as _;
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    process::Child,
    time::{sleep, timeout},
};

use crate::{
    Result,
    frame::Template,
    issuer,
    load::{self, Call},
    mint,
    process::{self, Program},
};
use test_support::forge::Algorithm;

const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(20);
const USER_HEADER: &str = "x-rownd-user-id";

/// A server ready for load.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) pid: u32,
    /// Where it tells its metrics; `None`: it has none.
    ops: Option<SocketAddr>,
    child: Child,
}

impl Server {
    pub(crate) async fn stop(mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }

    /// The value of this series.
    pub(crate) async fn metric(&self, series: &str) -> Result<f64> {
        let answer = get(self.ops.ok_or("no metrics")?, "/metrics").await?;
        let value = answer.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        Ok(value.ok_or("no such series")?.parse()?)
    }

    /// Bytes of the process in memory (proc(5)).
    pub(crate) fn resident(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kilobytes << 10)
    }

    /// Asks it to end, and waits until it has.
    pub(crate) async fn terminate(mut self) -> Result<()> {
        let pid = Pid::from_raw(i32::try_from(self.pid)?).ok_or("no process")?;
        kill_process(pid, Signal::TERM)?;
        timeout(PATIENCE, self.child.wait()).await??;
        Ok(())
    }
}

/// `mode` is `tonic` or `bare_h2`.
pub(crate) async fn floor(core: usize, program: &Program, mode: &str) -> Result<Server> {
    let mut child =
        process::held(core, program).args([mode, "127.0.0.1:0"]).stdout(Stdio::piped()).spawn()?;
    let output = child.stdout.take().ok_or("no output from the floor")?;
    let mut line = String::new();
    timeout(PATIENCE, BufReader::new(output).read_line(&mut line)).await??;
    let address =
        line.trim().parse().map_err(|error| format!("the floor said {line:?}: {error}"))?;
    Ok(Server { address, pid: process::pid(&child)?, ops: None, child })
}

/// A configuration and the ports in it: where one rownd-authz after the other can be.
pub(crate) struct Place {
    pub(crate) address: SocketAddr,
    pub(crate) log: PathBuf,
    ops: SocketAddr,
    core: usize,
    program: Program,
    file: PathBuf,
}

impl Place {
    pub(crate) fn new(
        name: &str,
        core: usize,
        program: &Program,
        directory: &Path,
        issuers: SocketAddr,
        check: &str,
    ) -> Result<Self> {
        let others = [Algorithm::Es256, Algorithm::Rs256];
        Self::with(name, core, program, directory, issuers, &others, check)
    }

    /// The same with issuers of these algorithms beside Rownd's own.
    pub(crate) fn with(
        name: &str,
        core: usize,
        program: &Program,
        directory: &Path,
        issuers: SocketAddr,
        others: &[Algorithm],
        check: &str,
    ) -> Result<Self> {
        let [address, ops] = free_addresses()?;
        let file = directory.join(format!("{name}.yaml"));
        fs::write(&file, config(address, ops, issuers, others) + check)?;
        let log = directory.join(format!("{name}.log"));
        Ok(Self { address, log, ops, core, program: program.clone(), file })
    }

    /// The same as [`Self::new`], with a key and a secret of the app, and with more sections.
    pub(crate) fn with_app(
        name: &str,
        core: usize,
        program: &Program,
        directory: &Path,
        issuers: SocketAddr,
        sections: &str,
    ) -> Result<Self> {
        let place = Self::new(name, core, program, directory, issuers, sections)?;
        let (app, whole) = (
            format!("{{ id: {} }}", mint::APP),
            format!("{{ id: {}, key: key_bench, secret: ras_bench }}", mint::APP),
        );
        let text = fs::read_to_string(&place.file)?;
        fs::write(&place.file, text.replacen(&app, &whole, 1))?;
        Ok(place)
    }

    /// The same as [`Self::new`], with these rules before all others and with more sections.
    pub(crate) fn with_rules(
        name: &str,
        core: usize,
        program: &Program,
        directory: &Path,
        issuers: SocketAddr,
        (rules, sections): &(String, String),
    ) -> Result<Self> {
        let place = Self::new(name, core, program, directory, issuers, sections)?;
        let text = fs::read_to_string(&place.file)?;
        fs::write(&place.file, text.replacen("routes:\n", &format!("routes:\n{rules}"), 1))?;
        Ok(place)
    }

    /// Starts one; it may not listen yet.
    pub(crate) fn spawn(&self) -> Result<Child> {
        let output = File::create(&self.log)?;
        let child = process::held(self.core, &self.program)
            .args(["serve", "--config"])
            .arg(&self.file)
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()?;
        Ok(child)
    }

    /// Starts one, and waits until it is ready.
    pub(crate) async fn start(&self) -> Result<Server> {
        let mut child = self.spawn()?;
        let fail = |error: Box<dyn std::error::Error + Send + Sync>| {
            failure(&self.program, &self.log, error.as_ref())
        };
        ready(self.ops, &mut child).await.map_err(fail)?;
        Ok(Server { address: self.address, pid: process::pid(&child)?, ops: Some(self.ops), child })
    }
}

/// rownd-authz, as a user would start it; and with room for a handful of claims only.
pub(crate) async fn product(
    core: usize,
    program: &Program,
    directory: &Path,
    issuers: SocketAddr,
    claims_cache_bytes: Option<u64>,
) -> Result<Server> {
    let name = if claims_cache_bytes.is_some() { "handful" } else { "rownd-authz" };
    let check =
        claims_cache_bytes.map(|bytes| format!("check: {{ claims_cache_bytes: {bytes} }}\n"));
    let check = check.unwrap_or_default();
    Place::new(name, core, program, directory, issuers, &check)?.start().await
}

fn failure(program: &Program, log: &Path, error: &dyn std::error::Error) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let tail = text.lines().rev().take(5).collect::<Vec<_>>();
    let tail = tail.into_iter().rev().collect::<Vec<_>>().join("\n  ");
    format!("{}: {error}\nthe end of {}:\n  {tail}", program.name(), log.display())
}

/// A few routes, so that policy has something to choose from.
fn config(grpc: SocketAddr, ops: SocketAddr, issuers: SocketAddr, others: &[Algorithm]) -> String {
    let others: String = others.iter().map(|algorithm| other(*algorithm, issuers)).collect();
    format!(
        r#"listeners:
  grpc: {{ address: "{grpc}", workers: 1 }}
  ops: {{ address: "{ops}" }}
issuers:
  - name: rownd
    kind: rownd
    base_url: "http://{issuers}"
    issuer: "{}"
    jwks_url: "http://{issuers}{}"
    apps: [{{ id: {app} }}]
{others}credentials: [{{ header: authorization }}, {{ cookie: rownd-session, format: rownd }}]
routes:
  - {{ id: health, match: {{ path: {{ exact: /healthz }} }}, auth: none }}
  - {{ id: public, match: {{ path: {{ prefix: /public }} }}, auth: none }}
  - {{ id: api, match: {{ hosts: [api.example.com], path: {{ prefix: /v1 }}, methods: [GET, POST] }}, auth: required, auth_level: verified }}
default: {{ auth: required }}
"#,
        mint::issuer(Algorithm::EdDsa),
        issuer::keys(Algorithm::EdDsa),
        app = mint::APP,
    )
}

/// An issuer that is not Rownd, by its preset.
fn other(algorithm: Algorithm, issuers: SocketAddr) -> String {
    let name = algorithm.name();
    format!(
        r#"  - name: {}
    kind: oidc
    issuer: "{}"
    jwks_url: "http://{issuers}{}"
    audiences: ["app:{}"]
    algorithms: [{name}]
    auth_level: verified
"#,
        name.to_lowercase(),
        mint::issuer(algorithm),
        issuer::keys(algorithm),
        mint::APP,
    )
}

/// Two ports that were free a moment ago: the server wants to be told which to take.
fn free_addresses() -> Result<[SocketAddr; 2]> {
    let (first, second) = (TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?);
    Ok([first.local_addr()?, second.local_addr()?])
}

async fn ready(ops: SocketAddr, child: &mut Child) -> Result<()> {
    let start = Instant::now();
    let mut last = String::from("nothing");
    while start.elapsed() < PATIENCE {
        if let Some(status) = child.try_wait()? {
            return Err(format!("ended before it was ready: {status}").into());
        }
        match readiness(ops).await {
            Ok(line) if line.starts_with("HTTP/1.1 200") => return Ok(()),
            Ok(line) => last = line,
            Err(error) => last = error.to_string(),
        }
        sleep(PAUSE).await;
    }
    Err(format!("not ready after {PATIENCE:?}: /readyz said {last}").into())
}

async fn readiness(ops: SocketAddr) -> Result<String> {
    Ok(get(ops, "/readyz").await?.lines().next().unwrap_or_default().to_owned())
}

/// The answer to a GET, head and body.
async fn get(ops: SocketAddr, path: &str) -> Result<String> {
    let mut socket = TcpStream::connect(ops).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {ops}\r\nconnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    timeout(PATIENCE, socket.read_to_end(&mut answer)).await??;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Speed without a verdict is no speed: both sides of it are seen before any load.
pub(crate) async fn prove(
    server: &Server,
    template: &Template,
    serial: u64,
    token: &[u8],
) -> Result<()> {
    let client = load::connect(server.address).await?;
    let call = Call::new(server.address, load::ENVOYS_PATIENCE)?;
    let good = call.ask(client.clone(), template.frame(token)).await?;
    let response = CheckResponse::decode(good.message.clone())?;
    if !good.allows() {
        return Err(format!("a good token was refused: {response:?}").into());
    }
    let user = mint::user(serial);
    let named = matches!(&response.http_response, Some(HttpResponse::OkResponse(ok)) if ok.headers.iter().any(|option| {
        option.header.as_ref().is_some_and(|header| header.key == USER_HEADER && header.value == user)
    }));
    if !named {
        return Err(format!("no {USER_HEADER}: {user} in {response:?}").into());
    }
    let forged = call.ask(client, template.frame(&forge(token))).await?;
    if forged.allows() { Err("a forged token was allowed".into()) } else { Ok(()) }
}

/// The same token with one bit of its signature turned.
fn forge(token: &[u8]) -> Vec<u8> {
    let mut forged = token.to_vec();
    // In the middle of the signature: its last character has bits that mean nothing.
    let middle = forged.len() - 43;
    forged[middle] = if forged[middle] == b'A' { b'B' } else { b'A' };
    forged
}

/// Where cargo put the other bench, which it builds if need be.
pub(crate) async fn floor_program() -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = tokio::process::Command::new(cargo)
        .args(["bench", "--no-run", "--quiet", "--bench", "floor", "--message-format=json"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output()
        .await?;
    String::from_utf8(output.stdout)?
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["target"]["name"] == "floor")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .ok_or_else(|| "cargo built no bench named floor".into())
}
