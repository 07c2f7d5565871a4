//! The files and directories that this program writes to: each is for one purpose alone, however its
//! path is written.

use std::path::{Component, Path, PathBuf};

use crate::config::{document::readable, findings::Findings, sections::WrittenConfig};

/// A file or a directory that something writes to.
struct Occupied {
    /// The JSON pointer of its setting.
    pointer: String,
    path: PathBuf,
    use_of: UseOf,
}

/// The use of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum UseOf {
    /// A directory that nothing else may write to.
    OwnDirectory,
    /// A directory whose files have names of their own.
    Directory,
    /// A file, and so many older ones beside it (`PATH.1`).
    File { kept: u32 },
}

/// Adds the problem of each path that is another one's too.
pub(super) fn check(config: &WrittenConfig, found: &mut Findings) {
    let mut known: Vec<Occupied> = Vec::new();
    for occupied in all(config).filter(|occupied| occupied.path.is_absolute()) {
        let occupied = Occupied { path: resolved(&occupied.path), ..occupied };
        let problem = known.iter().find_map(|other| collision(&occupied, other));
        if let Some(problem) = problem.filter(|_| !found.has_within(&occupied.pointer)) {
            found.add(occupied.pointer.as_str(), problem);
        }
        known.push(occupied);
    }
}

fn all(config: &WrittenConfig) -> impl Iterator<Item = Occupied> {
    let keys = config.key_snapshots.iter().map(|kept| Occupied {
        pointer: "/key_snapshots/directory".to_owned(),
        path: PathBuf::from(&kept.directory),
        use_of: UseOf::Directory,
    });
    let sinks = config.events.sinks.iter().enumerate().flat_map(|(index, sink)| {
        let at = format!("/events/sinks/{index}");
        let directory = sink.http.as_ref().map(|http| Occupied {
            pointer: format!("{at}/http/directory"),
            path: PathBuf::from(&http.directory),
            use_of: UseOf::OwnDirectory,
        });
        let stream = sink.redis_stream.as_ref().map(|stream| Occupied {
            pointer: format!("{at}/redis_stream/directory"),
            path: PathBuf::from(&stream.directory),
            use_of: UseOf::OwnDirectory,
        });
        let file = sink.file.as_ref().map(|file| Occupied {
            pointer: format!("{at}/file/path"),
            path: PathBuf::from(&file.path),
            use_of: UseOf::File { kept: if file.max_bytes == 0 { 0 } else { file.keep } },
        });
        directory.into_iter().chain(stream).chain(file)
    });
    keys.chain(sinks)
}

/// The problem of a path beside another one before it.
fn collision(new: &Occupied, other: &Occupied) -> Option<String> {
    let setting = readable(&other.pointer);
    if new.path == other.path {
        return Some(format!("is the path of {setting} too; write another"));
    }
    if let Some(path) = older_file(new, other).or_else(|| older_file(other, new)) {
        return Some(format!(
            "and {setting}: older events are kept in `{}` when a file is full, which is the path of \
             the other; write another path",
            path.display()
        ));
    }
    let is_inside = |file: &Occupied, directory: &Occupied| {
        matches!(file.use_of, UseOf::File { .. })
            && directory.use_of == UseOf::OwnDirectory
            && file.path.starts_with(&directory.path)
    };
    if is_inside(new, other) {
        return Some(format!(
            "lies in {setting}, which is for that sink alone; write another path"
        ));
    }
    is_inside(other, new)
        .then(|| format!("holds {setting}, and is for this sink alone; write another directory"))
}

/// The path of the second one, if the first one keeps older events there.
fn older_file<'a>(file: &Occupied, other: &'a Occupied) -> Option<&'a Path> {
    let UseOf::File { kept } = file.use_of else { return None };
    let own = file.path.to_str()?;
    let number = other.path.to_str()?.strip_prefix(own)?.strip_prefix('.')?;
    let is_kept = number.parse::<u32>().is_ok_and(|number| (1..=kept).contains(&number));
    is_kept.then_some(&*other.path)
}

/// The path with its links followed, as far as it exists; else without `.` and `..`.
fn resolved(path: &Path) -> PathBuf {
    let in_directory = || Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?));
    path.canonicalize().ok().or_else(in_directory).unwrap_or_else(|| {
        path.components().fold(PathBuf::new(), |mut plain, part| {
            match part {
                Component::ParentDir => {
                    plain.pop();
                }
                Component::CurDir => {}
                Component::Prefix(_) | Component::RootDir | Component::Normal(_) => {
                    plain.push(part);
                }
            }
            plain
        })
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::resolved;

    #[test]
    fn one_place_has_one_path() {
        for (path, expected) in [
            ("/no/such/../e.jsonl", "/no/e.jsonl"),
            ("/no/./such/e", "/no/such/e"),
            ("/no/such/", "/no/such"),
            ("/../no", "/no"),
        ] {
            assert_eq!(resolved(Path::new(path)), Path::new(expected), "{path}");
        }
    }
}
