//! Records that somebody writes over.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use tower::BoxError;
use tower_bearer::store::{TokenStore, Version};

/// As long as the rest of a run.
const HOUR: Duration = Duration::from_secs(3600);

/// What somebody writes over a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Damage {
    Cut,
    BitFlipped,
    Empty,
    Random,
    /// Into that of the other account.
    Copied,
    /// Others may read the file.
    OpenToOthers,
    NewerVersion,
    UnknownKey,
}

impl Damage {
    /// Whether nobody writes over it again.
    pub(super) fn is_left_alone(self) -> bool {
        matches!(self, Self::NewerVersion | Self::UnknownKey)
    }

    /// Returns how many records there were.
    pub(super) async fn done_to(
        self,
        store: &impl TokenStore,
        names: BTreeSet<String>,
    ) -> Result<usize, BoxError> {
        let mut found = Vec::new();
        for name in names {
            let stored = store.load(&name).await?;
            let stored = stored.filter(|stored| !stored.record().is_empty());
            found.extend(stored.map(|stored| (name, stored)));
        }
        let first = found.first().map(|(_, first)| first.record().to_vec());
        for (name, stored) in &found {
            let damaged = match self {
                Self::Copied => first.clone().unwrap_or_default(),
                _ => self.of(name, stored.record()),
            };
            // Somebody may have written meanwhile: that one is as good as another.
            let version = Some(stored.version());
            store.compare_and_set(name, version, &damaged, HOUR).await?;
        }
        Ok(found.len())
    }

    /// Of a newer version, and of another key, is what says so and is whole.
    fn of(self, name: &str, record: &[u8]) -> Vec<u8> {
        let mut damaged = record.to_vec();
        let middle = damaged.len() / 2;
        match self {
            Self::Cut => damaged.truncate(middle),
            Self::BitFlipped => damaged[middle] ^= 1,
            Self::Random => damaged.iter_mut().for_each(|it| *it = it.rotate_left(3)),
            Self::NewerVersion => damaged[4] = 2,
            Self::UnknownKey => damaged[6..14].fill(1),
            Self::Empty | Self::Copied | Self::OpenToOthers => damaged.clear(),
        }
        if self.is_left_alone() {
            damaged.truncate(damaged.len() - 8);
            let covered = [name.as_bytes(), &[0], &damaged].concat();
            let checksum = Version::of(&covered);
            damaged.extend_from_slice(&checksum.as_bytes()[..8]);
        }
        damaged
    }
}

/// Returns how many records there were.
#[cfg(unix)]
pub(super) fn open_to_others(directory: &Path) -> Result<usize, BoxError> {
    use std::os::unix::fs::PermissionsExt;
    let mut opened = 0;
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|it| it == "record") {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644))?;
            opened += 1;
        }
    }
    Ok(opened)
}

#[cfg(not(unix))]
pub(super) fn open_to_others(directory: &Path) -> Result<usize, BoxError> {
    Ok(fs::read_dir(directory)?.count())
}
