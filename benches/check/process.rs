//! The processes of the bench. Comes in: a program and the core it is held to.
//! Goes out: a child that ends with its handle, and the CPU time it has used.
//!
//! CPU time is the scheduler's own nanosecond account of every thread
//! (`/proc/PID/task/*/schedstat`; the one at `/proc/PID` covers the main thread
//! only). Its second figure, the time a thread stood ready but not running,
//! says how far the machine was shared while we measured.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::process::{Child, Command};

use crate::Result;

/// Where the servers run, one at a time under load, and where the load comes from.
#[derive(Clone, Copy)]
pub(crate) struct Cores {
    pub(crate) server: usize,
    pub(crate) load: usize,
}

impl Cores {
    /// The first two cores this process may use; on a machine with one, that one twice.
    pub(crate) fn find() -> Result<Self> {
        let status = fs::read_to_string("/proc/self/status")?;
        let list = status
            .lines()
            .find_map(|line| line.strip_prefix("Cpus_allowed_list:"))
            .ok_or("no list of cores in /proc/self/status")?;
        let mut cores = Vec::new();
        for range in list.trim().split(',') {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            cores.extend(first.parse::<usize>()?..=last.parse::<usize>()?);
        }
        let server = *cores.first().ok_or("no core to run on")?;
        Ok(Self { server, load: cores.get(1).copied().unwrap_or(server) })
    }

    /// Holds this process to the core of the load. Threads started later inherit it.
    pub(crate) fn hold_self(self) -> Result<()> {
        let status = std::process::Command::new("taskset")
            .args(["-c", "-p", &self.load.to_string(), &std::process::id().to_string()])
            .stdout(Stdio::null())
            .status()
            .map_err(|error| format!("taskset (Debian package util-linux): {error}"))?;
        if status.success() { Ok(()) } else { Err(format!("taskset: {status}").into()) }
    }
}

/// A program, and the file for the count of its instructions, if they are counted.
#[derive(Clone)]
pub(crate) struct Program {
    path: PathBuf,
    counts: Option<PathBuf>,
}

impl Program {
    pub(crate) fn plain(path: &Path) -> Self {
        Self { path: path.to_owned(), counts: None }
    }

    /// Run by callgrind, which writes the counts of each thread to a file when the program ends: this
    /// path, a hyphen and the number of the thread.
    pub(crate) fn counted(path: &Path, counts: &Path) -> Self {
        Self { path: path.to_owned(), counts: Some(counts.to_owned()) }
    }

    pub(crate) fn name(&self) -> std::path::Display<'_> {
        self.path.display()
    }
}

/// A command held to the core; it dies with its handle.
pub(crate) fn held(core: usize, program: &Program) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", &core.to_string()]);
    if let Some(counts) = &program.counts {
        command.args(["valgrind", "--quiet", "--tool=callgrind", "--separate-threads=yes"]);
        command.arg(format!("--callgrind-out-file={}", counts.display()));
    }
    command.arg(&program.path);
    for (name, _) in std::env::vars_os() {
        // The bench must not read the settings of a real Rownd account.
        if name.to_string_lossy().starts_with("ROWND_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

pub(crate) fn pid(child: &Child) -> Result<u32> {
    child.id().ok_or_else(|| "the server has ended".into())
}

/// Time since the process began.
#[derive(Clone, Copy, Default)]
pub(crate) struct Times {
    pub(crate) cpu: Duration,
    pub(crate) waited: Duration,
}

pub(crate) fn times(pid: u32) -> Result<Times> {
    let mut sum = Times::default();
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        // A thread may end between the two reads; its time is then not ours to count.
        let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else {
            continue;
        };
        let mut figures = text.split_whitespace().map(str::parse::<u64>);
        let mut next = || figures.next().ok_or("a short schedstat");
        sum.cpu += Duration::from_nanos(next()??);
        sum.waited += Duration::from_nanos(next()??);
    }
    Ok(sum)
}
