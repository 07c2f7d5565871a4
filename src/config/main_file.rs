//! The configuration file itself: its text, within bounds of size and of time.
//!
//! In: its path. Out: a text with at least one setting in it, or the problem. The file may be a pipe,
//! as shells make them, but somebody has to write into it.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _},
    os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _},
    path::Path,
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::OFlags,
};

use super::{
    document::YamlDocument,
    file_problem::{one, unreadable},
    problem::Problems,
    yaml_error::UnreadableYaml,
};

/// The most bytes of a configuration file.
pub(super) const MOST_BYTES: u64 = 16 << 20;
/// The longest time in which a pipe may send nothing. A program that renders a file may think for
/// some seconds; a pipe without a writer sends nothing at all.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// The most bytes, without comments, of a file that may still say nothing, such as `---` or `null`.
const MOST_OF_NOTHING: usize = 64;

/// The text of the configuration file, which may be empty.
///
/// # Errors
///
/// It cannot be read, is too large, or is not UTF-8.
pub(super) fn read(path: &Path) -> Result<String, Problems> {
    let name = path.display().to_string();
    let bytes = read_within(path, LONGEST_PAUSE)
        .map_err(|error| one(name.clone(), format!("cannot be read: {error}")))?;
    String::from_utf8(bytes).map_err(|error| {
        let good = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
        unreadable(&name, UnreadableYaml::not_utf8(good))
    })
}

/// The text of a configuration file with at least one setting; no text where there is no file.
///
/// # Errors
///
/// Those of [`read`], and a file without a setting: it may be cut short by a full disk or made by a
/// broken template, and would let a process run without a rule.
pub(super) fn read_settings(file: Option<&Path>) -> Result<String, Problems> {
    let Some(path) = file else { return Ok(String::new()) };
    let text = read(path)?;
    if says_nothing(&text) {
        let message = "is empty, so that no rule and no guard would be in force; write at least \
                       `routes: []`, or start without a file to run on variables alone";
        return Err(one(path.display().to_string(), message.to_owned()));
    }
    Ok(text)
}

/// Whether a text has neither a setting nor a map: blanks, comments, `---` or `null`.
fn says_nothing(text: &str) -> bool {
    let lines = text.lines().map(str::trim);
    let said = lines.filter(|line| !line.starts_with('#')).map(str::len);
    said.sum::<usize>() <= MOST_OF_NOTHING
        && YamlDocument::parse(text)
            .is_ok_and(|document| !document.is_of_a_file() || document.value.is_null())
}

/// The bytes of a file, or of a pipe that is never silent for longer than this.
fn read_within(path: &Path, pause: Duration) -> io::Result<Vec<u8>> {
    // Without it, a pipe that nobody writes into would hold up the process here.
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let mut bytes = Vec::new();
    if !file.metadata()?.file_type().is_fifo() {
        (&file).take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
        return within_bounds(bytes);
    }
    let mut part = [0; 1 << 16];
    loop {
        wait_for_bytes(&file, pause)?;
        match (&file).read(&mut part) {
            Ok(0) => return within_bounds(bytes),
            Ok(length) => bytes.extend_from_slice(part.get(..length).unwrap_or_default()),
            Err(error) if is_to_be_repeated(&error) => {}
            Err(error) => return Err(error),
        }
        if exceeds(&bytes) {
            return within_bounds(bytes);
        }
    }
}

/// Waits until a pipe has bytes or has ended.
fn wait_for_bytes(pipe: &File, pause: Duration) -> io::Result<()> {
    let pause_of_poll = Timespec::try_from(pause).map_err(io::Error::other)?;
    loop {
        match poll(&mut [PollFd::new(pipe, PollFlags::IN)], Some(&pause_of_poll)) {
            Ok(0) => {
                let seconds = pause.as_secs();
                return Err(io::Error::other(format!(
                    "it is a pipe, and nobody has written into it for {seconds} s; write the path of \
                     a regular file"
                )));
            }
            Ok(_) => return Ok(()),
            Err(error) if is_to_be_repeated(&error.into()) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn is_to_be_repeated(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock)
}

fn exceeds(bytes: &[u8]) -> bool {
    u64::try_from(bytes.len()).map_or(true, |length| length > MOST_BYTES)
}

fn within_bounds(bytes: Vec<u8>) -> io::Result<Vec<u8>> {
    if exceeds(&bytes) { Err(io::Error::other("it is larger than 16 MiB")) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use std::{fs, process::Command, thread, time::Duration};

    use super::{read_settings, read_within};

    #[test]
    fn a_file_without_a_setting_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rownd-authz.yaml");
        let nothing = [
            "",
            "\n \n",
            "# routes: []\n",
            "---",
            "---\n",
            "~",
            "null\n",
            "--- # x\n~\n...\n",
            "\u{feff}",
            "\u{feff}# a\n",
            "!!null ''",
        ];
        for text in nothing {
            fs::write(&path, text).unwrap();
            let problems = read_settings(Some(&path)).expect_err(text).0;
            assert_eq!(problems.len(), 1, "{text:?}");
            assert_eq!(problems[0].place, path.display().to_string(), "{text:?}");
            let message = &problems[0].message;
            assert!(message.contains("is empty") && message.contains("routes: []"), "{message}");
        }
        for text in ["routes: []", "{}", "no: [ yaml", "# a\nlog: {}\n", "a"] {
            fs::write(&path, text).unwrap();
            assert_eq!(read_settings(Some(&path)).unwrap(), text);
        }
        assert!(read_settings(Some("/dev/null".as_ref())).is_err());
        assert_eq!(read_settings(None).unwrap(), "", "variables alone are a configuration");
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the writer ends with its test")]
    fn a_pipe_without_a_writer_does_not_hang() {
        let directory = tempfile::tempdir().unwrap();
        let pipe = directory.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let error = read_within(&pipe, Duration::from_millis(20)).unwrap_err().to_string();
        assert!(error.contains("it is a pipe") && error.contains("write the path"), "{error}");
        let writer = thread::spawn({
            let pipe = pipe.clone();
            move || fs::write(pipe, "routes: []")
        });
        assert_eq!(read_within(&pipe, Duration::from_secs(30)).unwrap(), b"routes: []");
        writer.join().unwrap().unwrap();
    }
}
