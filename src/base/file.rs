//! Files that are whole or not there: written beside the target, flushed to the disk, then renamed over it.
//! A full disk, a crash or a `kill -9` in between leaves the old file as it was.

use std::io::Write as _;
use std::path::Path;

use super::text::{Fault, Result};

/// Writes `bytes` to `path` in one step.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<()> {
    write_atomic_with(path, |file| file.write_all(bytes).map_err(|e| Fault::io(path, &e)))
}

/// Lets `fill` write a temporary file beside `path`, then puts it in the place of `path`.
pub fn write_atomic_with(path: &Path, fill: impl FnOnce(&mut std::fs::File) -> Result<()>) -> Result<()> {
    let folder = match path.parent() {
        Some(p) if !p.as_os_str().is_empty() => p,
        _ => Path::new("."),
    };
    let io = |e: std::io::Error| Fault::io(path, &e);
    if path.is_dir() {
        return Err(io(std::io::Error::from(std::io::ErrorKind::IsADirectory)));
    }
    let mut temporary = tempfile::Builder::new().prefix(".whybench-").suffix(".part").tempfile_in(folder).map_err(io)?;
    fill(temporary.as_file_mut())?;
    temporary.as_file_mut().flush().map_err(io)?;
    temporary.as_file().sync_all().map_err(io)?;
    #[cfg(unix)]
    {
        // A temporary file is private; the finished one gets the usual permissions, or keeps those it had.
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(path).map_or(0o644, |m| m.permissions().mode());
        temporary.as_file().set_permissions(std::fs::Permissions::from_mode(mode)).map_err(io)?;
    }
    temporary.persist(path).map_err(|e| io(e.error))?;
    if let Ok(folder) = std::fs::File::open(folder) {
        // The rename itself must survive a power cut; a file system that cannot do this has no say in it.
        drop(folder.sync_all());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_keeps_the_old_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.txt");
        write_atomic(&path, b"old").unwrap();
        let failed = write_atomic_with(&path, |_| Err(Fault::cancelled()));
        assert!(failed.is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "no litter");
        write_atomic(&path, b"new").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
    }
}
