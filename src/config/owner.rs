//! Checks that no other user can write to the files that trust is read from.

use std::{
    fs::{self, Metadata},
    io,
    os::unix::fs::MetadataExt as _,
    path::Path,
};

use rustix::process::geteuid;

/// Write permission of the group and of everybody else.
const OTHERS_WRITE: u32 = 0o022;

/// Whether the file belongs to the user of the process, and no other user may write to it.
pub fn only_ours(metadata: &Metadata) -> bool {
    metadata.uid() == geteuid().as_raw() && metadata.mode() & OTHERS_WRITE == 0
}

/// Checks that only the user of the process and root can replace files of a directory, or that it
/// can still be made.
///
/// # Errors
///
/// The problem of the directory, and what to do.
pub fn check_directory(path: &Path) -> Result<(), String> {
    let shown = path.display();
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let parent = path.parent().is_some_and(Path::is_dir);
            return if parent {
                Ok(())
            } else {
                Err(format!(
                    "{shown} does not exist, nor does the directory above it; make that one"
                ))
            };
        }
        Err(error) => return Err(format!("{shown} cannot be examined: {error}")),
    };
    if !metadata.is_dir() {
        return Err(format!("{shown} is not a directory; write another path"));
    }
    let (owner, us) = (metadata.uid(), geteuid().as_raw());
    if owner != us && owner != 0 {
        return Err(format!(
            "{shown} belongs to user {owner}; it has to belong to user {us}, which the process runs as, or to root"
        ));
    }
    if metadata.mode() & OTHERS_WRITE != 0 {
        return Err(format!(
            "{shown} has mode {:04o}: others can write it; chmod go-w, or name a directory in it \
             that does not exist yet",
            metadata.mode() & 0o7777
        ));
    }
    Ok(())
}
