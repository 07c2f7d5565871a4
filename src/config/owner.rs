//! Who else can write where trust is read from.

use std::{
    fs::{self, Metadata},
    io,
    os::unix::fs::MetadataExt as _,
    path::Path,
};

use rustix::process::geteuid;

/// Write permission of the group and of everybody else.
const OTHERS_WRITE: u32 = 0o022;

/// Ours, and nobody else may write it.
pub fn only_ours(metadata: &Metadata) -> bool {
    metadata.uid() == geteuid().as_raw() && metadata.mode() & OTHERS_WRITE == 0
}

/// A directory whose files only we (and root) can replace, or that can still be made.
pub fn check_directory(path: &Path) -> Result<(), String> {
    let shown = path.display();
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let parent = path.parent().is_some_and(Path::is_dir);
            return if parent {
                Ok(())
            } else {
                Err(format!("{shown} is not there, nor the directory above it; make that one"))
            };
        }
        Err(error) => return Err(format!("{shown} cannot be looked at: {error}")),
    };
    if !metadata.is_dir() {
        return Err(format!("{shown} is no directory; write another path"));
    }
    let (owner, us) = (metadata.uid(), geteuid().as_raw());
    if owner != us && owner != 0 {
        return Err(format!("{shown} belongs to user {owner}; it has to be ours ({us}) or root's"));
    }
    if metadata.mode() & OTHERS_WRITE != 0 {
        return Err(format!(
            "{shown} has mode {:04o}: others can write it; chmod go-w, or name a directory in it \
             that is not there yet",
            metadata.mode() & 0o7777
        ));
    }
    Ok(())
}
