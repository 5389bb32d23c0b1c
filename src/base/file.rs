//! Files that are whole or not there: written beside the target, flushed to the disk, then renamed over it.
//! A full disk, a crash or a `kill -9` in between leaves the old file as it was.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::text::{Fault, Result};

/// Writes `bytes` to `path` in one step.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<()> {
    write_atomic_with(path, |file| file.write_all(bytes).map_err(|e| Fault::io(path, &e)))
}

/// Lets `fill` write a temporary file beside `path`, then puts it in the place of `path`.
pub fn write_atomic_with(path: &Path, fill: impl FnOnce(&mut File) -> Result<()>) -> Result<()> {
    let mut draft = Draft::begin(path)?;
    fill(draft.file())?;
    draft.finish()
}

/// A file that is being written and takes its place when it is whole; dropped before that, it leaves no trace.
#[derive(Debug)]
pub struct Draft {
    /// As the caller calls it.
    path: PathBuf,
    /// What is replaced: where a link leads.
    target: PathBuf,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Beside(tempfile::NamedTempFile),
    /// Devices and pipes are written, never replaced.
    Straight(File),
}

impl Draft {
    /// Begins a file; a place that cannot be written is said at once.
    pub fn begin(path: &Path) -> Result<Self> {
        use std::io::ErrorKind::{IsADirectory, PermissionDenied};
        let io = |e: std::io::Error| Fault::io(path, &e);
        let mut target = path.to_path_buf();
        if let Ok(there) = std::fs::metadata(path) {
            if there.is_dir() {
                return Err(io(IsADirectory.into()));
            }
            // A rename would not ask: who protects a file from writing wants to be asked.
            if there.permissions().readonly() {
                return Err(io(PermissionDenied.into()));
            }
            if !there.is_file() {
                let place = Place::Straight(File::options().write(true).open(path).map_err(io)?);
                return Ok(Self { path: path.to_path_buf(), target, place });
            }
            if path.is_symlink() {
                target = std::fs::canonicalize(path).map_err(io)?;
            }
        }
        let folder = match target.parent() {
            Some(p) if !p.as_os_str().is_empty() => p,
            _ => Path::new("."),
        };
        let temporary = tempfile::Builder::new().prefix(".whybench-").suffix(".part").tempfile_in(folder).map_err(io)?;
        Ok(Self { path: path.to_path_buf(), target, place: Place::Beside(temporary) })
    }

    /// What to write to.
    pub fn file(&mut self) -> &mut File {
        match &mut self.place {
            Place::Beside(temporary) => temporary.as_file_mut(),
            Place::Straight(file) => file,
        }
    }

    /// Puts the file in its place.
    pub fn finish(mut self) -> Result<()> {
        let path = self.path.clone();
        let io = |e: std::io::Error| Fault::io(&path, &e);
        self.file().flush().map_err(io)?;
        let Place::Beside(temporary) = self.place else { return Ok(()) };
        temporary.as_file().sync_all().map_err(io)?;
        #[cfg(unix)]
        {
            // A temporary file is private; the finished one gets the usual permissions, or keeps those it had.
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(&self.target).map_or(0o644, |m| m.permissions().mode());
            temporary.as_file().set_permissions(std::fs::Permissions::from_mode(mode)).map_err(io)?;
        }
        temporary.persist(&self.target).map_err(|e| io(e.error))?;
        if let Some(Ok(folder)) = self.target.parent().map(File::open) {
            // The rename itself must survive a power cut; a file system that cannot do this has no say in it.
            drop(folder.sync_all());
        }
        Ok(())
    }
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

    #[cfg(unix)]
    #[test]
    fn links_and_devices_stay_what_they_are() {
        use std::os::unix::fs::FileTypeExt as _;
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("a.txt"), dir.path().join("link.txt"));
        write_atomic(&file, b"old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write_atomic(&link, b"new").unwrap();
        assert!(link.is_symlink());
        assert_eq!(std::fs::read(&file).unwrap(), b"new");
        // Through a link, so that a mistake replaces the link and not the machine's device.
        let full = dir.path().join("full");
        std::os::unix::fs::symlink("/dev/full", &full).unwrap();
        assert_eq!(write_atomic(&full, b"x").unwrap_err().0.code, "base.disk_full");
        assert!(std::fs::metadata(&full).unwrap().file_type().is_char_device());
    }

    #[test]
    fn a_protected_file_is_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.txt");
        write_atomic(&path, b"old").unwrap();
        let mut protected = std::fs::metadata(&path).unwrap().permissions();
        protected.set_readonly(true);
        std::fs::set_permissions(&path, protected).unwrap();
        assert_eq!(write_atomic(&path, b"new").unwrap_err().0.code, "base.no_permission");
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
    }
}
