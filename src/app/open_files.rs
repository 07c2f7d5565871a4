//! The limit of open files: how many connections it allows, and what to write where it is too low.
//!
//! In: the settings, the limit of this process, an error of the operating system. Out: numbers, and
//! messages that name the limit that stands there, the one that is needed, and where to write it.

use std::io;

use rustix::io::Errno;

use crate::config::Config;

/// File descriptors kept free for everything that is not a connection of the gRPC listener or of the
/// listeners `http` and `public_http`. The ops listener may use half of them.
const RESERVED: u64 = 128;
/// The limit that a message suggests at least: the one of the systemd unit.
const SUGGESTED: u64 = 65_536;

/// The number of connections that the limit of open files allows.
pub(super) struct Affordable {
    pub(super) connections: usize,
    /// The limit.
    pub(super) open_files: u64,
}

impl Affordable {
    /// With so many file descriptors for everything else.
    pub(super) fn on_this_machine(reserved: u64) -> Self {
        let open_files = limit();
        let room = open_files.saturating_sub(reserved).max(open_files / 2).max(1);
        Self { connections: usize::try_from(room).unwrap_or(usize::MAX), open_files }
    }
}

/// The limit of this process, raised to the most that it may have.
fn limit() -> u64 {
    rlimit::increase_nofile_limit(u64::MAX).unwrap_or(1024)
}

/// The file descriptors to keep free for everything that is not a connection of the gRPC listener.
pub(super) fn reserved(config: &Config) -> u64 {
    let over_http = config.listeners.over_http().map(|http| http.max_connections);
    let http = over_http.fold(0, usize::saturating_add).max(64);
    RESERVED.saturating_add(u64::try_from(http).unwrap_or(u64::MAX))
}

/// The limit that these settings need.
pub(super) fn needed(config: &Config) -> u64 {
    let connections = config.listeners.grpc.max_connections;
    reserved(config).saturating_add(u64::try_from(connections).unwrap_or(u64::MAX))
}

/// The places where a limit is written.
pub(super) fn remedy(needed: u64) -> String {
    format!(
        "write LimitNOFILE={needed} in the systemd unit, --ulimit nofile={needed} for a container, or \
         ulimit -n {needed} in the shell that starts it"
    )
}

/// The text of an error of the operating system. Where the limit of open files is its cause, it says
/// what to write.
#[must_use]
pub fn told(error: &io::Error) -> String {
    match Errno::from_io_error(error) {
        Some(Errno::MFILE) => {
            let limit = limit();
            let needed = SUGGESTED.max(limit.saturating_mul(2));
            format!(
                "{error}: all {limit} that this process may open are in use; {}",
                remedy(needed)
            )
        }
        Some(Errno::NFILE) => {
            format!("{error}: the whole machine has no more; raise its limit, sysctl fs.file-max")
        }
        Some(_) | None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use rustix::io::Errno;

    use super::told;

    #[test]
    fn an_error_of_the_limit_of_open_files_says_what_to_write_and_no_other_does() {
        for (errno, expected) in [
            (Errno::MFILE, &["that this process may open", "LimitNOFILE=", "ulimit -n "][..]),
            (Errno::NFILE, &["fs.file-max"]),
            (Errno::ADDRINUSE, &["in use"]),
        ] {
            let text = told(&io::Error::from(errno));
            assert!(expected.iter().all(|part| text.contains(part)), "{text}");
            assert_eq!(text.contains("LimitNOFILE"), errno == Errno::MFILE, "{text}");
        }
    }
}
