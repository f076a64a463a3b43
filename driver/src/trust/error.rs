//! Why there is nobody to trust, and the files that trust comes from.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// Why there is nobody to trust
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// A log in a list has not the id that belongs to its key
    #[error("log {number} in the list of certificate transparency logs has not the id of its key")]
    LogId {
        /// Which one, from 1
        number: usize,
    },
    /// A log list is no list of certificate transparency logs
    #[error("{}: {error}", path.display())]
    LogList {
        /// The file
        path: PathBuf,
        /// What is wrong with it
        error: LogListError,
    },
    /// Certificate transparency is required, and there is no list of logs to judge it by
    #[error("certificate transparency is required, but no log list is given")]
    NoLogList,
    /// Neither the system's roots nor others were asked for
    #[error("no certificate authority to trust")]
    NoRoots,
    /// The cryptographic provider has no SHA-256, by which logs and keys are told apart (RFC 6962 §2.1)
    #[error("the cryptographic provider has no SHA-256, which certificate transparency needs")]
    NoSha256,
    /// The operating system has no root that can be read
    #[error("the operating system has no usable certificate authority")]
    NoSystemRoots,
    /// A file has no certificate or revocation list, or a broken one
    #[error("{}: {error}", path.display())]
    Pem {
        /// The file
        path: PathBuf,
        /// What is wrong with it
        error: PemError,
    },
    /// The cryptographic provider supports neither TLS 1.2 nor 1.3
    #[error("the cryptographic provider supports no usable TLS version")]
    Provider,
    /// A file is larger than any that has its place here: 64 MiB
    #[error("{}: larger than 64 MiB", path.display())]
    TooLarge {
        /// The file
        path: PathBuf,
    },
    /// A file could not be read
    #[error("{}: {error}", path.display())]
    Unreadable {
        /// The file
        path: PathBuf,
        /// Why not
        error: io::ErrorKind,
    },
}

/// What is wrong with a PEM text (RFC 7468)
///
/// Parts are counted from 1, whatever they hold: each `-----BEGIN` begins one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PemError {
    /// It has no certificate
    #[error("no certificate in PEM format")]
    Empty,
    /// A part of it is broken
    #[error("part {part} is malformed")]
    Malformed {
        /// Which one
        part: usize,
    },
    /// A revocation list in it is broken, or of a kind that is not supported, such as a delta
    #[error("revocation list in part {part} is malformed or unsupported")]
    MalformedRevocationList {
        /// Which one
        part: usize,
    },
    /// It has no revocation list
    #[error("no revocation list in PEM or DER format")]
    NoRevocationList,
    /// A part of it holds what was looked for, but in another form, such as OpenSSL's `TRUSTED CERTIFICATE`
    #[error("part {part} is a {label}, and only a {expected} can be read")]
    OtherForm {
        /// Which one
        part: usize,
        /// The label of that part
        label: String,
        /// The label that can be read
        expected: &'static str,
    },
}

/// What is wrong with a log list
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LogListError {
    /// It has no log
    #[error("no certificate transparency log in it")]
    Empty,
    /// Not the JSON of a log list
    #[error("no log list (version 3) in JSON, at line {line} column {column}")]
    Json {
        /// The line, from 1
        line: usize,
        /// The column, from 1; 0 where the line itself is missing
        column: usize,
    },
    /// A log's key, id or date is malformed
    #[error("log {number} has a malformed key, id or date")]
    Log {
        /// Which one, from 1
        number: usize,
    },
}

/// A file, or the error that names it
pub(super) fn read(path: &Path) -> Result<Vec<u8>, TrustError> {
    let unreadable = |error: io::Error| TrustError::Unreadable {
        path: path.into(),
        error: error.kind(),
    };
    let file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    // One byte more tells a file that is too large; a device may have no end
    file.take(MAX_FILE + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(TrustError::TooLarge { path: path.into() });
    }
    Ok(bytes)
}

/// The text behind a byte order mark in UTF-8, which editors on Windows write
#[must_use]
pub fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text)
}

/// U+FEFF in UTF-8 (RFC 3629 §6)
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// The largest file that is read, in bytes. Revocation lists of public authorities have up to 10 MiB; our choice
const MAX_FILE: u64 = 64 << 20;
