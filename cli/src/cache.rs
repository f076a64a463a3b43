//! `--cache`: what is known, kept in a file between two runs.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fedway_core::Snapshot;
use fedway_driver::dns::Dns;
use fedway_driver::{Io, Resolver};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tempfile::NamedTempFile;

use crate::failure::{Failure, complain};

/// A file in which what is known is kept
pub(crate) struct Cache {
    path: PathBuf,
}

#[derive(Deserialize, Serialize)]
struct Kept<'a> {
    /// In seconds since 1970-01-01T00:00:00Z
    written: u64,
    #[serde(borrow)]
    pool: &'a RawValue,
}

impl Cache {
    /// A file that can be kept, later: whether it is there already or not
    pub(crate) fn new(path: &Path) -> Result<Self, Failure> {
        let folder = folder(path);
        // Whether one can be written there is tried before anything is asked
        NamedTempFile::new_in(folder).map_err(|error| unusable(path, &error))?;
        match fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self { path: path.into() }),
            Err(error) => Err(unusable(path, &error)),
            Ok(metadata) if !metadata.is_file() => {
                Err(unusable(path, &io::Error::other("not a file")))
            }
            // Of a link, what it leads to
            Ok(_) => match path.canonicalize() {
                Ok(path) => Ok(Self { path }),
                Err(error) => Err(unusable(path, &error)),
            },
        }
    }

    /// Takes in what is there; what cannot be read is said, and left out
    pub(crate) fn read<I: Io, D: Dns>(&self, resolver: &Resolver<I, D>) {
        if let Err(reason) = self.try_read(resolver) {
            let path = self.path.display();
            complain(&format!("{path}: {reason}; begins with nothing known"));
        }
    }

    fn try_read<I: Io, D: Dns>(&self, resolver: &Resolver<I, D>) -> Result<(), String> {
        let text = match fs::read(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            text => text.map_err(|error| error.to_string())?,
        };
        let kept: Kept<'_> = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
        let elapsed = now().checked_sub(kept.written);
        let elapsed = elapsed.ok_or("written at a time that has not come yet")?;
        let snapshot = Snapshot::from_json(kept.pool.get().as_bytes());
        let snapshot = snapshot.map_err(|error| error.to_string())?;
        // What is a fraction of a second old is a second old
        let elapsed = Duration::from_secs(elapsed.saturating_add(1));
        resolver
            .restore(snapshot, elapsed)
            .map_err(|error| error.to_string())
    }

    /// Keeps what is known, whole or not at all
    pub(crate) fn write<I: Io, D: Dns>(&self, resolver: &Resolver<I, D>) -> Result<(), Failure> {
        let unusable = |error: &io::Error| unusable(&self.path, error);
        let pool = RawValue::from_string(resolver.snapshot().to_json());
        let pool = pool.map_err(|error| unusable(&error.into()))?;
        let kept = Kept {
            written: now(),
            pool: &pool,
        };
        let text = serde_json::to_vec(&kept).map_err(|error| unusable(&error.into()))?;
        let file = NamedTempFile::new_in(folder(&self.path));
        let mut file = file.map_err(|error| unusable(&error))?;
        let written = file
            .write_all(&text)
            .and_then(|()| file.as_file().sync_all());
        written.map_err(|error| unusable(&error))?;
        let persisted = file.persist(&self.path);
        persisted.map(drop).map_err(|error| unusable(&error.error))
    }
}

/// Where a file is, or is to be
fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        Some(_) | None => Path::new("."),
    }
}

fn unusable(path: &Path, error: &io::Error) -> Failure {
    Failure::usage(format_args!("--cache {}: {error}", path.display()))
}

/// Seconds since 1970-01-01T00:00:00Z; before then nothing was written
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
