//! Child processes that never outlive the tests.
//!
//! In: a program with its arguments. Out: a guard that kills the process when it is
//! dropped. Stacks that tests share live in statics, which are never dropped, and a
//! test binary can be killed; so each child also has a leash: a small shell that
//! kills it as soon as the pipe to this process breaks.

use std::{
    ffi::OsStr,
    io::Write as _,
    path::Path,
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
};

use super::eventually;

/// `exec` keeps the process id, so `$$` in the watcher is the child itself. A line on
/// the pipe says that the child is already being taken care of.
const LEASH: &str = "exec 3<&0; (read -r line <&3 || kill -KILL $$) >/dev/null 2>&1 & \
                     exec 3<&-; exec \"$@\" </dev/null";

/// A running child process; killed on drop.
#[derive(Debug)]
pub(crate) struct Guarded {
    child: Child,
    leash: Option<ChildStdin>,
}

impl Guarded {
    /// Starts `program`, its standard output and error going to `log`.
    pub(crate) fn spawn<A: AsRef<OsStr>>(
        program: &Path,
        args: impl IntoIterator<Item = A>,
        env: &[(&str, &str)],
        log: &Path,
    ) -> Self {
        let log = std::fs::File::create(log).expect("the child's log file");
        let mut child = Command::new("/bin/sh")
            .args(["-c", LEASH, "leash"])
            .arg(program)
            .args(args)
            .envs(env.iter().copied())
            .stdin(Stdio::piped())
            .stdout(log.try_clone().expect("the log file twice"))
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not start: {error}", program.display()));
        let leash = child.stdin.take();
        Self { child, leash }
    }

    /// The process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The exit status, if the process has ended.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("the state of an own child")
    }

    /// Sends a signal by its name (`TERM`).
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("/bin/sh")
            .args(["-c", "kill -s \"$0\" \"$1\"", name, &self.pid().to_string()])
            .status()
            .expect("a shell that sends a signal");
        assert!(status.success(), "no signal {name} to process {}", self.pid());
    }

    /// Waits until the process has ended by itself.
    pub(crate) async fn exit(&mut self) -> ExitStatus {
        let pid = self.pid();
        eventually(&format!("the end of process {pid}"), || std::future::ready(self.ended())).await
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        if let Some(mut leash) = self.leash.take() {
            // The watcher goes first; the process id may be given away after `wait`.
            let _ = leash.write_all(b"\n");
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
