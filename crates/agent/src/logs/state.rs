//! How far each file was sent, durable: a small file for each, replaced as a whole.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

const VERSION: u32 = 1;
/// Bytes at the beginning that tell a file from another with the same inode.
const HEAD_MAX: u64 = 1024;

/// What is kept of a source: the file read last, and how far its events were confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileState {
    v: u32,
    pub(crate) path: PathBuf,
    pub(crate) dev: u64,
    pub(crate) ino: u64,
    pub(crate) head_len: u64,
    pub(crate) head_sha256: String,
    /// The byte after the last event the server confirmed.
    pub(crate) acked: u64,
    pub(crate) last_ts: Option<i64>,
}

/// Which file it is, whatever it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileIdentity {
    pub(crate) dev: u64,
    pub(crate) ino: u64,
    pub(crate) head_len: u64,
    pub(crate) head_sha256: String,
}

impl FileIdentity {
    pub(crate) fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let head_len = metadata.len().min(HEAD_MAX);
        let head_sha256 = head_hash(file, head_len)?;
        Ok(Self { dev: metadata.dev(), ino: metadata.ino(), head_len, head_sha256 })
    }
}

/// The hash of a file's first bytes.
pub(crate) fn head_hash(file: &File, length: u64) -> io::Result<String> {
    let mut bytes = vec![0; length as usize];
    std::os::unix::fs::FileExt::read_exact_at(file, &mut bytes, 0)?;
    Ok(hex::encode(Sha256::digest(&bytes)))
}

impl FileState {
    pub(crate) fn new(path: &Path, identity: FileIdentity, acked: u64, last_ts: Option<i64>) -> Self {
        let FileIdentity { dev, ino, head_len, head_sha256 } = identity;
        Self { v: VERSION, path: path.to_owned(), dev, ino, head_len, head_sha256, acked, last_ts }
    }

    /// Whether `file` is the one this state is of, and holds what was confirmed.
    pub(crate) fn continues(&self, file: &File) -> io::Result<bool> {
        let metadata = file.metadata()?;
        let same = (metadata.dev(), metadata.ino()) == (self.dev, self.ino);
        if !same || metadata.len() < self.acked || metadata.len() < self.head_len {
            return Ok(false);
        }
        Ok(head_hash(file, self.head_len)? == self.head_sha256)
    }
}

/// The state of one source in the folder of states.
#[derive(Debug, Clone)]
pub(crate) struct StateFile {
    path: PathBuf,
}

impl StateFile {
    /// `source` names the source uniquely.
    pub(crate) fn new(folder: &Path, source: &str) -> Self {
        let name = hex::encode(&Sha256::digest(source.as_bytes())[..16]);
        Self { path: folder.join(format!("{name}.json")) }
    }

    /// `None` where there is none, or it cannot be understood; the latter is logged.
    pub(crate) fn load(&self) -> Option<FileState> {
        let mut text = String::new();
        File::open(&self.path).and_then(|mut file| file.read_to_string(&mut text)).ok()?;
        match serde_json::from_str::<FileState>(&text) {
            Ok(state) if state.v == VERSION => Some(state),
            Ok(state) => {
                tracing::warn!(path = %self.path.display(), version = state.v, "state of another version is not used");
                None
            }
            Err(error) => {
                tracing::warn!(path = %self.path.display(), %error, "damaged state is not used");
                None
            }
        }
    }

    /// Durable when it returns.
    pub(crate) fn store(&self, state: &FileState) -> io::Result<()> {
        let temporary = self.path.with_extension("tmp");
        let mut file = File::create(&temporary)?;
        file.write_all(&serde_json::to_vec(state)?)?;
        file.sync_all()?;
        fs::rename(&temporary, &self.path)?;
        match self.path.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    }
}
