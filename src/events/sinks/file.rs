//! A file of events: made, renamed when it is large, and made again when somebody else moved it.

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io::{self, ErrorKind, Write},
    os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::PathBuf,
};

use super::lines::LineWriter;
use crate::config::FileSink;

/// A file of events.
#[derive(Debug)]
pub(in crate::events) struct EventFile {
    settings: FileSink,
    open: Option<OpenFile>,
}

#[derive(Debug)]
struct OpenFile {
    file: File,
    bytes: u64,
    /// The device and the number of the file: another one under the same path is another file.
    identity: (u64, u64),
}

impl EventFile {
    pub(in crate::events) fn new(settings: &FileSink) -> Self {
        Self { settings: settings.clone(), open: None }
    }

    fn open(&mut self) -> io::Result<&mut OpenFile> {
        let found = match fs::metadata(&self.settings.path) {
            Ok(metadata) => Some((metadata.dev(), metadata.ino())),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let known = self.open.take().filter(|open| Some(open.identity) == found);
        let open = match known {
            Some(open) => open,
            None => {
                // Events tell about people: nobody else may read them.
                let mut options = OpenOptions::new();
                let options = options.read(true).append(true).create(true).mode(0o600);
                let mut file = options.open(&self.settings.path)?;
                let metadata = file.metadata()?;
                let identity = (metadata.dev(), metadata.ino());
                let bytes = metadata.len() + end_line(&mut file, &metadata)?;
                OpenFile { file, bytes, identity }
            }
        };
        Ok(self.open.insert(open))
    }

    /// `PATH.2` becomes `PATH.3`, and so on; the oldest is replaced.
    fn rename(&mut self) -> io::Result<()> {
        if self.settings.fsync
            && let Some(open) = &self.open
        {
            open.file.sync_all()?;
        }
        self.open = None;
        let path = |number: u32| match number {
            0 => PathBuf::from(&self.settings.path),
            _ => PathBuf::from(format!("{}.{number}", self.settings.path)),
        };
        for number in (0..self.settings.keep).rev() {
            match fs::rename(path(number), path(number + 1)) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }
}

/// Ends a line of which an earlier process wrote only a part, so that the next event has a line of its
/// own; the number of bytes that this takes.
fn end_line(file: &mut File, metadata: &Metadata) -> io::Result<u64> {
    // A pipe or a device has no last byte to look at.
    let Some(last) = metadata.len().checked_sub(1).filter(|_| metadata.is_file()) else {
        return Ok(0);
    };
    let mut byte = [0];
    file.read_exact_at(&mut byte, last)?;
    if byte == *b"\n" {
        return Ok(0);
    }
    file.write_all(b"\n")?;
    Ok(1)
}

impl LineWriter for EventFile {
    fn begin(&mut self, bytes: usize) -> io::Result<()> {
        let most = self.settings.max_bytes;
        let open = self.open()?;
        if most > 0 && open.bytes > 0 && open.bytes + bytes as u64 > most {
            self.rename()?;
            self.open()?;
        }
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(open) = &mut self.open else { return Err(ErrorKind::NotFound.into()) };
        let written = open.file.write(bytes)?;
        open.bytes += written as u64;
        Ok(written)
    }

    fn end(&mut self) -> io::Result<()> {
        match &self.open {
            Some(open) if self.settings.fsync => open.file.sync_data(),
            Some(_) | None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{EventFile, LineWriter as _};
    use crate::config::FileSink;

    fn put(file: &mut EventFile, text: &str) {
        file.begin(text.len()).unwrap();
        assert_eq!(file.write(text.as_bytes()).unwrap(), text.len());
        file.end().unwrap();
    }

    #[test]
    fn a_large_file_is_renamed_and_a_moved_one_is_made_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("events.jsonl");
        let settings = FileSink {
            path: path.to_str().unwrap().to_owned(),
            max_bytes: 10,
            keep: 2,
            fsync: true,
        };
        let mut file = EventFile::new(&settings);
        for text in ["one\n", "two\n", "three\n", "four four\n", "five five\n"] {
            put(&mut file, text);
        }
        let read = |end: &str| fs::read_to_string(format!("{}{end}", settings.path)).ok();
        assert_eq!(read("").as_deref(), Some("five five\n"));
        assert_eq!(read(".1").as_deref(), Some("four four\n"));
        assert_eq!(read(".2").as_deref(), Some("three\n"));
        assert_eq!(read(".3"), None, "not more than `keep`");
        fs::rename(&path, directory.path().join("moved")).unwrap();
        put(&mut file, "six\n");
        assert_eq!(read("").as_deref(), Some("six\n"));
        fs::remove_file(&path).unwrap();
        put(&mut file, "seven\n");
        assert_eq!(read("").as_deref(), Some("seven\n"));
        // Another process of the same program takes it up where it is.
        put(&mut EventFile::new(&settings), "8\n");
        assert_eq!(read("").as_deref(), Some("seven\n8\n"));
        // It was killed within a line, or the disk was full.
        fs::write(&path, "ni").unwrap();
        put(&mut EventFile::new(&settings), "10\n");
        assert_eq!(read("").as_deref(), Some("ni\n10\n"));
    }
}
