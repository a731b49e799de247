//! One generation of the manifest on disk: framed JSON records, the first a snapshot.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::error::StoreError;
use crate::manifest::{ManifestEdit, ManifestState};

/// Length and checksum.
const HEADER_BYTES: usize = 8;

pub(super) struct ManifestFile {
    file: File,
    pub(super) snapshot_bytes: u64,
    pub(super) edit_bytes: u64,
}

impl ManifestFile {
    /// Writes a new generation with a snapshot of `state`; complete once it has its name.
    pub(super) fn create(dir: &Path, generation: u64, state: &ManifestState) -> Result<Self, StoreError> {
        let record = encode(&state.to_snapshot())?;
        let path = path(dir, generation);
        let draft = path.with_extension("draft");
        let write = || -> std::io::Result<File> {
            let mut file = File::create(&draft)?;
            file.write_all(&record)?;
            file.sync_all()?;
            std::fs::rename(&draft, &path)?;
            File::open(dir)?.sync_all()?;
            Ok(file)
        };
        let file = write().map_err(|e| StoreError::io("the manifest", e))?;
        Ok(Self { file, snapshot_bytes: record.len() as u64, edit_bytes: 0 })
    }

    /// Reads a generation. An incomplete last record is an edit nobody was told of, and is cut off; damage
    /// before that could hide parts, so it is an error.
    pub(super) fn load(dir: &Path, generation: u64) -> Result<(ManifestState, Self), StoreError> {
        let path = path(dir, generation);
        let name = path.display().to_string();
        let io = |e| StoreError::io(name.clone(), e);
        let bytes = std::fs::read(&path).map_err(io)?;
        let damaged =
            |offset: usize| StoreError::damaged(name.clone(), format!("bad record at byte {offset}"));
        let (snapshot, snapshot_bytes) = decode(&bytes).ok_or_else(|| damaged(0))?;
        let snapshot = serde_json::from_slice(snapshot).map_err(|e| StoreError::format(name.clone(), e))?;
        let mut state = ManifestState::from_snapshot(&snapshot)?;
        let mut offset = snapshot_bytes;
        while offset < bytes.len() {
            let Some((edit, size)) = decode(&bytes[offset..]) else {
                if record_is_whole(&bytes[offset..]) {
                    return Err(damaged(offset));
                }
                tracing::warn!(
                    file = name,
                    offset,
                    "the manifest ends in an incomplete edit; it never took effect"
                );
                break;
            };
            let edit: ManifestEdit =
                serde_json::from_slice(edit).map_err(|e| StoreError::format(name.clone(), e))?;
            state.apply(&edit)?;
            offset += size;
        }
        let file = File::options().append(true).open(&path).map_err(io)?;
        file.set_len(offset as u64).map_err(io)?;
        let edit_bytes = (offset - snapshot_bytes) as u64;
        Ok((state, Self { file, snapshot_bytes: snapshot_bytes as u64, edit_bytes }))
    }

    pub(super) fn append(&mut self, edit: &ManifestEdit) -> Result<(), StoreError> {
        let record = encode(edit)?;
        self.file
            .write_all(&record)
            .and_then(|()| self.file.sync_data())
            .map_err(|e| StoreError::io("the manifest", e))?;
        self.edit_bytes += record.len() as u64;
        Ok(())
    }
}

/// Numbers of the complete generations in `dir`, ascending.
pub(super) fn generations(dir: &Path) -> Result<Vec<u64>, StoreError> {
    let io = |e| StoreError::io("the manifest folder", e);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(io)? {
        let name = entry.map_err(io)?.file_name();
        let number: Option<u64> =
            name.to_str().and_then(|n| n.strip_prefix("manifest-")?.strip_suffix(".log")?.parse().ok());
        found.extend(number);
    }
    found.sort_unstable();
    Ok(found)
}

pub(super) fn remove(dir: &Path, generation: u64) -> Result<(), StoreError> {
    std::fs::remove_file(path(dir, generation)).map_err(|e| StoreError::io("an old manifest", e))
}

fn path(dir: &Path, generation: u64) -> PathBuf {
    dir.join(format!("manifest-{generation:012}.log"))
}

fn encode(record: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    let mut bytes = vec![0; HEADER_BYTES];
    serde_json::to_writer(&mut bytes, record).map_err(|e| StoreError::format("a manifest record", e))?;
    let length =
        u32::try_from(bytes.len() - HEADER_BYTES).map_err(|e| StoreError::format("a manifest record", e))?;
    let checksum = crc32c::crc32c(&bytes[HEADER_BYTES..]);
    bytes[..4].copy_from_slice(&length.to_le_bytes());
    bytes[4..8].copy_from_slice(&checksum.to_le_bytes());
    Ok(bytes)
}

/// The payload of the record at the start of `bytes` and the record's size; `None` if it is not sound.
fn decode(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let size = record_size(bytes)?;
    let payload = bytes.get(HEADER_BYTES..size)?;
    let checksum = u32::from_le_bytes(bytes[4..8].try_into().ok()?);
    (crc32c::crc32c(payload) == checksum).then_some((payload, size))
}

fn record_size(bytes: &[u8]) -> Option<usize> {
    let length = u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?);
    Some(HEADER_BYTES + length as usize)
}

/// Whether more bytes follow the (unsound) record at the start of `bytes`: then it is damage, because an
/// edit is only written after the one before it was synced.
fn record_is_whole(bytes: &[u8]) -> bool {
    record_size(bytes).is_some_and(|size| size < bytes.len())
}
