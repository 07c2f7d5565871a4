//! Reading the files that a configuration names: regular files of a bounded size. A pipe would wait
//! for a writer, and a device may never end.

use std::{
    fs::OpenOptions,
    io::{self, Read as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use rustix::fs::OFlags;

/// The ends of names of files that people write without a directory.
const FILE_ENDINGS: [&str; 12] = [
    ".pem", ".crt", ".cer", ".der", ".key", ".pub", ".json", ".jwks", ".txt", ".yaml", ".yml",
    ".p12",
];
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
    let path = Path::new(path);
    let read = read_bytes(path, MAX_BYTES).and_then(|content| {
        String::from_utf8(content).map_err(|_| io::Error::other("it is not text in UTF-8"))
    });
    read.map_err(|error| unreadable(path, &error))
}

/// The message about a file that cannot be read: the cause, and what to write or do.
pub(super) fn unreadable(path: &Path, error: &io::Error) -> String {
    if let Some(message) = content_as_path(path) {
        return message.to_owned();
    }
    let shown = path.display();
    let text = path.to_string_lossy();
    let advice = match error.kind() {
        _ if text.starts_with("file:") => "a path stands here as it is; leave `file:` out",
        _ if text.trim() != text => "the path begins or ends with a blank; leave it out",
        _ if text.starts_with('~') => "`~` has no meaning here; write the whole path",
        io::ErrorKind::NotFound => "correct the path, or put the file there",
        io::ErrorKind::PermissionDenied => "let the user of the process read it",
        _ => "write the path of a regular file that can be read",
    };
    format!("the file {shown} cannot be read: {error}; {advice}")
}

/// The message about a text in the place of a path that is no path, most likely the content of the
/// file. It does not repeat the text, which may be a key or a secret.
pub(super) fn content_as_path(path: &Path) -> Option<&'static str> {
    let text = path.to_string_lossy();
    if text.contains("-----BEGIN ") {
        return Some(
            "holds PEM itself (not shown here), and a path belongs here; put that into a file, and \
             write its path, such as /etc/rownd-authz/tls.pem",
        );
    }
    let is_path = ["/", "./", "../", "~", "file:"].iter().any(|lead| text.starts_with(lead))
        || FILE_ENDINGS.iter().any(|end| text.trim_end().ends_with(end));
    (!is_path).then_some(
        "is no path of a file (not shown here, because it may be a secret); write an absolute \
         path, such as /run/secrets/app-secret",
    )
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
            (path("absent"), "put the file there"),
            (format!("{} ", path("good")), "ends with a blank"),
            (format!("file:{}", path("good")), "leave `file:` out"),
            ("~/secret".to_owned(), "write the whole path"),
            (path(""), "not a regular file"),
            ("/dev/zero".to_owned(), "not a regular file"),
            ("/dev/null".to_owned(), "not a regular file"),
        ] {
            let error = read_text(&path).expect_err(&path);
            assert!(error.contains(expected), "{path}: {error}");
        }
    }

    /// The content of a file stands where its path belongs: nothing of it gets into a message.
    #[test]
    fn a_secret_in_the_place_of_a_path_is_not_repeated() {
        for (text, expected) in [
            ("ras_0123456789abcdef", "is no path"),
            ("eyJhbGciOiJSUzI1NiJ9.e30.c2VjcmV0", "is no path"),
            (
                "-----BEGIN PRIVATE KEY-----\nMIISECRET\n-----END PRIVATE KEY-----\n",
                "holds PEM itself",
            ),
            ("", "is no path"),
        ] {
            let error = read_text(text).expect_err(text);
            assert!(error.contains(expected) && error.contains("write"), "{text}: {error}");
            for part in ["0123456789", "eyJ", "MIISECRET"] {
                assert!(!error.contains(part), "{error}");
            }
        }
    }
}
