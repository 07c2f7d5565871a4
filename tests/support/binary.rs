//! The real binary as a child process.
//!
//! In: a configuration. Out: where it listens, what it logs, how it ends.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::SocketAddr,
    process::{Child, ChildStderr, Command, ExitStatus, Output, Stdio},
    sync::{Arc, Mutex},
    thread,
};

use rownd_authz::grpc::pb::authorization_client::AuthorizationClient;
use serde_json::Value;
use tempfile::TempDir;
use tonic::transport::{Channel, Endpoint};

use super::{Answer, Ask, eventually, page, until};

/// The binary under test.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_rownd-authz");

/// Names another build of it, for what differs between builds: `make memory`.
const OTHER_BUILD: &str = "BINARY_UNDER_TEST";

/// The name of its configuration file.
const CONFIG: &str = "rownd-authz.yaml";

/// Runs a command of the binary to its end, without settings of the test's own environment.
pub(crate) fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    command(BINARY).args(arguments).envs(environment.iter().copied()).output().unwrap()
}

/// Runs like [`run`], with text on its standard input.
pub(crate) fn run_reading(arguments: &[&str], input: &str) -> Output {
    let mut command = command(BINARY);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // One that does not read has closed its end, which is no fault here.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    for (name, _) in rownd_authz::config::environment() {
        if name.starts_with("ROWND_") {
            command.env_remove(name);
        }
    }
    command
}

/// The treatment of the log.
pub(crate) enum Log {
    /// It is collected.
    Read,
    /// It is read up to the line that says where the service listens, and no further.
    Abandoned,
    /// It is read up to that line, and then its reader goes.
    Closed,
}

/// A running service.
pub(crate) struct Binary {
    pub(crate) grpc: SocketAddr,
    pub(crate) ops: SocketAddr,
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    channel: Channel,
    _unread: Option<BufReader<ChildStderr>>,
    files: TempDir,
}

impl Drop for Binary {
    fn drop(&mut self) {
        // Both fail only if it has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Binary {
    /// Starts `serve` with this configuration.
    pub(crate) async fn start(settings: &Value) -> Self {
        Self::start_with(settings, Log::Read, None).await
    }

    /// Starts it with a log that nobody reads, or behind a line of shell.
    pub(crate) async fn start_with(settings: &Value, log: Log, shell: Option<&str>) -> Self {
        let files = TempDir::new().unwrap();
        let file = files.path().join(CONFIG);
        fs::write(&file, settings.to_string()).unwrap();
        let binary = std::env::var(OTHER_BUILD).unwrap_or_else(|_unset| BINARY.to_owned());
        let mut command = match shell {
            None => command(&binary),
            Some(line) => {
                let mut command = command("sh");
                command.args(["-c", &format!("{line}; exec \"$0\" \"$@\""), &binary]);
                command
            }
        };
        command.arg("serve").arg("--config").arg(&file);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut reader = BufReader::new(child.stderr.take().unwrap());
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (grpc, ops) = addresses(&mut reader, &lines);
        let unread = match log {
            Log::Abandoned => Some(reader),
            Log::Closed => None,
            Log::Read => {
                let lines = lines.clone();
                thread::spawn(move || {
                    for line in reader.lines().map_while(Result::ok) {
                        lines.lock().unwrap().push(line);
                    }
                });
                None
            }
        };
        let channel = Endpoint::from_shared(format!("http://{grpc}")).unwrap().connect_lazy();
        Self { grpc, ops, child, lines, channel, _unread: unread, files }
    }

    /// Waits until it is ready.
    pub(crate) async fn is_ready(&self) {
        eventually("the binary's readiness", async || {
            (page::get(self.ops, "/readyz").await.status == 200).then_some(())
        })
        .await;
    }

    /// Asks as Envoy does.
    pub(crate) async fn check(&self, ask: &Ask) -> Answer {
        let asked = AuthorizationClient::new(self.channel.clone()).check(ask.message()).await;
        Answer::sound(asked.expect("never an RPC error").into_inner())
    }

    /// The sum of the series of a name whose labels hold all of these.
    pub(crate) async fn metric(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        page::metric(&page::get(self.ops, "/metrics").await.body, name, labels)
    }

    /// The log so far.
    pub(crate) fn log(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    /// Waits for a line with all of these in it, and gives it.
    pub(crate) async fn logged(&self, words: &[&str]) -> Value {
        let found = || self.log().into_iter().find(|line| words.iter().all(|w| line.contains(w)));
        until(&format!("a line with {words:?}"), || found().is_some()).await;
        serde_json::from_str(&found().unwrap()).unwrap()
    }

    /// Puts another configuration in the place of its own.
    pub(crate) fn rewrite(&self, settings: &Value) {
        let new = self.files.path().join("new");
        fs::write(&new, settings.to_string()).unwrap();
        fs::rename(new, self.files.path().join(CONFIG)).unwrap();
    }

    /// The file of its configuration.
    pub(crate) fn file(&self) -> std::path::PathBuf {
        self.files.path().join(CONFIG)
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal, `TERM` for one.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap();
        assert!(sent.success(), "kill -{name} {pid}");
    }

    /// Waits for its end.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let child = &mut self.child;
        let mut status = None;
        until("the binary's end", || {
            status = child.try_wait().unwrap();
            status.is_some()
        })
        .await;
        status.unwrap()
    }

    /// Resident memory in bytes.
    pub(crate) fn resident(&self) -> u64 {
        self.memory("VmRSS:")
    }

    /// The most resident memory so far, in bytes.
    pub(crate) fn peak(&self) -> u64 {
        self.memory("VmHWM:")
    }

    /// Restarts the count of the peak, if the process is root's (proc_pid_clear_refs(5)).
    pub(crate) fn forget_peak(&self) {
        let _ = fs::write(format!("/proc/{}/clear_refs", self.pid()), "5");
    }

    fn memory(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    /// Processor time used so far, in hundredths of a second.
    pub(crate) fn ticks(&self) -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap();
        // The name in brackets may hold spaces; user and system time are fields 14 and 15.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    }
}

/// Reads the log up to the line that says where the service listens.
fn addresses(
    reader: &mut BufReader<ChildStderr>,
    lines: &Mutex<Vec<String>>,
) -> (SocketAddr, SocketAddr) {
    loop {
        let mut line = String::new();
        assert!(reader.read_line(&mut line).unwrap() > 0, "it ended: {:?}", lines.lock().unwrap());
        let fields: BTreeMap<String, Value> = serde_json::from_str(&line).unwrap_or_default();
        lines.lock().unwrap().push(line.trim_end().to_owned());
        let address = |name: &str| fields.get(name).and_then(Value::as_str)?.parse().ok();
        if let (Some(grpc), Some(ops)) = (address("grpc"), address("ops")) {
            return (grpc, ops);
        }
    }
}
