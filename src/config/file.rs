//! Reading the files that a configuration names: regular files of a bounded size. A pipe would wait
//! for a writer, and a device may never end.

use std::{
    fs::OpenOptions,
    io::{self, Read as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use rustix::fs::OFlags;

/// The most bytes of a secret, a key set or a certificate file.
pub(super) const MAX_BYTES: u64 = 1 << 20;

/// The content of a regular file of at most `most` bytes.
pub(super) fn read_bytes(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let flags = i32::try_from(flags.bits()).unwrap_or_default();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut content = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut content)?;
    if u64::try_from(content.len()).unwrap_or(u64::MAX) > most {
        return Err(io::Error::other(format!("it is larger than {most} bytes")));
    }
    Ok(content)
}

/// The text of a file that a setting or a variable names. The message names the file.
pub(super) fn read_text(path: &str) -> Result<String, String> {
    let read = read_bytes(Path::new(path), MAX_BYTES).and_then(|content| {
        String::from_utf8(content).map_err(|_| io::Error::other("it is not text in UTF-8"))
    });
    read.map_err(|error| format!("the file {path} cannot be read: {error}"))
}

/// The text without the one line end that editors and `echo` add at the end.
pub(super) fn without_line_end(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::{read_text, without_line_end};

    #[test]
    fn one_line_end_is_left_out() {
        for (text, expected) in [
            ("a", "a"),
            ("a\n", "a"),
            ("a\r\n", "a"),
            ("a\n\n", "a\n"),
            ("a ", "a "),
            ("\n", ""),
            ("", ""),
        ] {
            assert_eq!(without_line_end(text), expected, "{text:?}");
        }
    }

    #[test]
    fn only_a_regular_file_of_bounded_size_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
        std::fs::write(path("good"), "text").unwrap();
        std::fs::write(path("large"), vec![b'a'; (1 << 20) + 1]).unwrap();
        std::fs::write(path("bytes"), [0xff]).unwrap();
        let pipe = std::process::Command::new("mkfifo").arg(path("pipe")).status().unwrap();
        assert!(pipe.success());
        assert_eq!(read_text(&path("good")).as_deref(), Ok("text"));
        for (path, expected) in [
            (path("large"), "larger than"),
            (path("bytes"), "not text"),
            (path("pipe"), "not a regular file"),
            (path("absent"), "No such file"),
            (path(""), "not a regular file"),
            ("/dev/zero".to_owned(), "not a regular file"),
            ("/dev/null".to_owned(), "not a regular file"),
        ] {
            let error = read_text(&path).expect_err(&path);
            assert!(error.contains(expected), "{path}: {error}");
        }
    }
}
