//! The files of a [`File`](crate::store::file::File). All of this blocks.

use std::fs::{self, DirBuilder, Metadata};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::store::error::StoreError;
use crate::store::file::lock::{Lock, private};
use crate::store::file::problem::Problem;
use crate::store::seal::MAX_BYTES;
use crate::store::stored::{Stored, Version};

/// How long a write waits for another process's write, which takes a few of them.
const PAUSE: Duration = Duration::from_millis(1);
const MOST_PAUSES: u32 = 2000;

#[derive(Debug)]
pub(super) struct Disk {
    directory: PathBuf,
}

/// The files of one name.
struct Paths {
    record: PathBuf,
    /// What becomes the record.
    next: PathBuf,
    /// Locked for a lease.
    lease: PathBuf,
    /// Locked for a write.
    write: PathBuf,
}

impl Disk {
    pub(super) fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(super) fn load(&self, name: &str) -> Result<Option<Stored>, StoreError> {
        let paths = self.paths(name)?;
        self.check_directory()?;
        read(&paths.record)
    }

    pub(super) fn compare_and_set(
        &self,
        name: &str,
        expected: Option<&Version>,
        record: &[u8],
    ) -> Result<Option<Version>, StoreError> {
        let paths = self.paths(name)?;
        self.make_directory()?;
        let _lock = lock_for_write(&paths.write)?;
        let found = read(&paths.record)?;
        if found.as_ref().map(Stored::version) != expected {
            return Ok(None);
        }
        let problem = |error| Problem::new("writing", &paths.record, error);
        self.replace(&paths, record).map_err(problem)?;
        Ok(Some(Version::of(record)))
    }

    pub(super) fn remove(&self, name: &str, expected: &Version) -> Result<bool, StoreError> {
        let paths = self.paths(name)?;
        self.make_directory()?;
        let _lock = lock_for_write(&paths.write)?;
        let found = read(&paths.record)?;
        if found.is_none_or(|found| found.version() != expected) {
            return Ok(false);
        }
        let problem = |error| Problem::new("removing", &paths.record, error);
        fs::remove_file(&paths.record).map_err(problem)?;
        self.sync().map_err(problem)?;
        Ok(true)
    }

    pub(super) fn try_lease(&self, name: &str) -> Result<Option<Lock>, StoreError> {
        let paths = self.paths(name)?;
        self.make_directory()?;
        let problem = |error| Problem::new("locking", &paths.lease, error);
        Ok(Lock::try_on(&paths.lease).map_err(problem)?)
    }

    pub(super) fn is_leased(&self, name: &str, lock: &Lock) -> Result<bool, StoreError> {
        let paths = self.paths(name)?;
        let problem = |error| Problem::new("reading", &paths.lease, error);
        Ok(lock.is_at(&paths.lease).map_err(problem)?)
    }

    fn replace(&self, paths: &Paths, record: &[u8]) -> io::Result<()> {
        // One that was left behind by a crash may have any mode.
        match fs::remove_file(&paths.next) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut next = private().write(true).create_new(true).open(&paths.next)?;
        next.write_all(record)?;
        next.sync_all()?;
        fs::rename(&paths.next, &paths.record)?;
        self.sync()
    }

    /// Makes a rename durable.
    fn sync(&self) -> io::Result<()> {
        if cfg!(unix) {
            fs::File::open(&self.directory)?.sync_all()?;
        }
        Ok(())
    }

    fn make_directory(&self) -> Result<(), StoreError> {
        let problem = |error| Problem::new("creating", &self.directory, error);
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&self.directory).map_err(problem)?;
        self.check_directory()
    }

    /// Other users with write access could put any record there.
    fn check_directory(&self) -> Result<(), StoreError> {
        let problem = |error| Problem::new("opening", &self.directory, error);
        match fs::metadata(&self.directory) {
            Ok(metadata) if is_open_to_others(&metadata, 0o022) => {
                let error = "other users can write to it: `chmod 700` it, or use another one";
                Err(problem(io::Error::new(ErrorKind::PermissionDenied, error)).into())
            }
            Err(error) if error.kind() != ErrorKind::NotFound => Err(problem(error).into()),
            _ => Ok(()),
        }
    }

    fn paths(&self, name: &str) -> Result<Paths, StoreError> {
        let is_good = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        if name.is_empty() || name.len() > 100 || !name.bytes().all(is_good) {
            return Err(StoreError::refused("this is not a valid record name"));
        }
        let path = |extension: &str| self.directory.join(format!("{name}.{extension}"));
        Ok(Paths {
            record: path("record"),
            next: path("next"),
            lease: path("lease"),
            write: path("write"),
        })
    }
}

/// What others may read is as if it were not there: it is replaced.
fn read(path: &Path) -> Result<Option<Stored>, StoreError> {
    let problem = |error| Problem::new("reading", path, error);
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(problem(error).into()),
    };
    let metadata = file.metadata().map_err(problem)?;
    if is_open_to_others(&metadata, 0o077) {
        return Ok(None);
    }
    // A buffer that grew would leave an unwiped copy behind. A larger record is garbage.
    let mut record = Zeroizing::new(Vec::with_capacity(MAX_BYTES + 1));
    let mut file = file.take(MAX_BYTES as u64 + 1);
    file.read_to_end(&mut record).map_err(problem)?;
    let version = Version::of(&record);
    let stored = Stored::new(std::mem::take(&mut *record), version);
    let written = metadata.modified().map_err(problem)?;
    // One from the future has no age.
    Ok(Some(stored.age(written.elapsed().unwrap_or_default())))
}

/// Another process has it for as long as it takes to write a file.
fn lock_for_write(path: &Path) -> Result<Lock, StoreError> {
    for _ in 0..MOST_PAUSES {
        let problem = |error| Problem::new("locking", path, error);
        if let Some(lock) = Lock::try_on(path).map_err(problem)? {
            return Ok(lock);
        }
        sleep(PAUSE);
    }
    Err(StoreError::timed_out(PAUSE * MOST_PAUSES))
}

#[cfg(unix)]
fn is_open_to_others(metadata: &Metadata, mask: u32) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & mask != 0
}

#[cfg(not(unix))]
fn is_open_to_others(_: &Metadata, _: u32) -> bool {
    false
}
