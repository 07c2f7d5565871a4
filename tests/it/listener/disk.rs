//! A disk that hangs: `open(2)` of a file on which another process holds a lease does not return
//! before that process gives way (fcntl(2), "Leases").

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use serde_json::json;

use crate::support::{Issuer, Key, binary::Binary, config_with, until};

/// Says `leased`, and then `asked` when somebody tries to open the file. Never gives way.
const HOLDER: &str = "
import fcntl, os, signal, sys
signal.signal(signal.SIGIO, lambda *_: print('asked', flush=True))
file = open(sys.argv[1], 'r+')
fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
print('leased', flush=True)
while True:
    signal.pause()
";

/// Holds the file until dropped.
struct Lease(Child);

impl Drop for Lease {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn a_disk_that_hangs_does_not_hold_up_the_end() {
    let issuer = Issuer::with_keys(&[&Key::new("sig-1")]);
    let mut binary = Binary::start(&config_with(&issuer, |c| {
        c["log"] = json!({ "level": "info", "format": "json" });
        c["shutdown"] = json!({ "drain_delay": "0s", "grace": "300ms" });
    }))
    .await;
    binary.is_ready().await;
    // The file may be open just now, for a look whether it has changed: then there is no lease.
    let mut lines = None;
    let mut lease = None;
    until("the lease", || {
        let mut child = Command::new("python3")
            .args(["-c", HOLDER])
            .arg(binary.file())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("python3");
        let mut reader = BufReader::new(child.stdout.take().unwrap());
        lease = Some(Lease(child));
        let mut line = String::new();
        let leased = reader.read_line(&mut line).is_ok() && line.trim() == "leased";
        lines = Some(reader);
        leased
    })
    .await;
    // The process looks for changes each second, and hangs in that.
    let mut reader = lines.unwrap();
    let asked = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        reader.read_line(&mut line).map(|_| line)
    });
    assert_eq!(asked.await.unwrap().unwrap().trim(), "asked");
    binary.signal("TERM");
    // The lease is broken after 45 s, which is later than anybody waits here.
    assert_eq!(binary.ended().await.code(), Some(0));
    drop(lease);
}
