//! A header whose value is in a file, and is read when it is sent.

use std::path::PathBuf;

use super::{file, secret::Secret};

/// The most bytes of a value.
const MAX_BYTES: u64 = 16 << 10;

/// A header of a request, and the file with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderFile {
    /// The setting that names the file, for messages.
    pub(super) setting: &'static str,
    pub(super) name: String,
    pub(super) file: PathBuf,
    /// The text before the value.
    pub(super) scheme: &'static str,
}

impl HeaderFile {
    /// The name of the header, and the value that the file has now.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or it has no value of a header in it. The text names the file and
    /// repeats nothing of it.
    pub fn read(&self) -> Result<(String, Secret), String> {
        let (setting, shown) = (self.setting, self.file.display());
        let bytes = file::read_bytes(&self.file, MAX_BYTES)
            .map_err(|error| format!("{setting}: {}", file::unreadable(&self.file, &error)))?;
        let value = bytes.trim_ascii();
        if value.is_empty() {
            return Err(format!("{setting}: the file {shown} is empty"));
        }
        // A token has no blanks (RFC 6750 section 2.1); other values may.
        let is_token = !self.scheme.is_empty();
        let good = |byte: &u8| byte.is_ascii_graphic() || !is_token && matches!(byte, b' ' | b'\t');
        let text = str::from_utf8(value).ok().filter(|_| value.iter().all(good));
        let text = text.ok_or_else(|| {
            format!("{setting}: the file {shown} holds more than one value of a header")
        })?;
        Ok((self.name.clone(), Secret::new(&format!("{}{text}", self.scheme))))
    }
}

#[cfg(test)]
mod tests {
    use super::HeaderFile;

    #[test]
    fn a_file_holds_one_value_or_says_why_not() {
        let directory = tempfile::tempdir().unwrap();
        for (content, bearer, other) in [
            (Some(&b"token\n"[..]), Ok("Bearer token"), Ok("token")),
            (Some(b"  token \r\n\r\n"), Ok("Bearer token"), Ok("token")),
            (Some(b"two words"), Err("more than one value"), Ok("two words")),
            (Some(b"two\nlines"), Err("more than one value"), Err("more than one value")),
            (Some(b"a\0b"), Err("more than one value"), Err("more than one value")),
            (Some(b"\xff\xfe"), Err("more than one value"), Err("more than one value")),
            (Some(b""), Err("is empty"), Err("is empty")),
            (Some(b"\n \n"), Err("is empty"), Err("is empty")),
            (Some(&[b'a'; (16 << 10) + 1]), Err("larger than"), Err("larger than")),
            (None, Err("No such file"), Err("No such file")),
        ] {
            let path = directory.path().join("value");
            match content {
                Some(content) => std::fs::write(&path, content).unwrap(),
                None => std::fs::remove_file(&path).unwrap(),
            }
            for (scheme, expected) in [("Bearer ", bearer), ("", other)] {
                let file = HeaderFile {
                    setting: "keys.bearer_file",
                    name: "authorization".to_owned(),
                    file: path.clone(),
                    scheme,
                };
                match (file.read(), expected) {
                    (Ok((name, value)), Ok(expected)) => {
                        assert_eq!((name.as_str(), value.expose()), ("authorization", expected));
                    }
                    (Err(error), Err(said)) => {
                        assert!(
                            error.contains(said) && error.contains("keys.bearer_file"),
                            "{error}"
                        );
                        assert!(!error.contains("token") && !error.contains("two"), "{error}");
                    }
                    (found, _) => panic!("{content:?}: {found:?}, not {expected:?}"),
                }
            }
        }
    }
}
