//! Segment files: named by the first position they may hold, extended with zeros ahead of the writer.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::error::StoreError;
use crate::wal::record::WalPosition;

/// Zeros written ahead at once: a sync that need not change the file's length costs half as much.
const EXTEND_BYTES: u64 = 4 << 20;
const SUFFIX: &str = "wal";

/// All segments, oldest first; the last one is written to once the log is open.
#[derive(Debug, Default)]
pub(super) struct SegmentList {
    pub(super) segments: Vec<SegmentInfo>,
    pub(super) next: WalPosition,
}

#[derive(Debug, Clone)]
pub(super) struct SegmentInfo {
    pub(super) first: WalPosition,
    pub(super) path: PathBuf,
    /// Bytes of records.
    pub(super) bytes: u64,
}

impl SegmentList {
    pub(super) fn load(dir: &Path) -> Result<Self, StoreError> {
        let mut segments = Vec::new();
        for entry in std::fs::read_dir(dir).map_err(|e| StoreError::io("the log folder", e))? {
            let path = entry.map_err(|e| StoreError::io("the log folder", e))?.path();
            let first = path.file_stem().and_then(|s| s.to_str()).and_then(|s| s.parse().ok());
            if let (Some(first), Some(SUFFIX)) = (first, path.extension().and_then(|e| e.to_str())) {
                segments.push(SegmentInfo { first: WalPosition(first), path, bytes: 0 });
            }
        }
        segments.sort_by_key(|s| s.first);
        Ok(Self { segments, next: WalPosition(0) })
    }

    pub(super) fn size_bytes(&self) -> u64 {
        self.segments.iter().map(|s| s.bytes).sum()
    }

    pub(super) fn flush_target(&self, keep_bytes: u64) -> Option<WalPosition> {
        let mut excess = self.size_bytes().checked_sub(keep_bytes).filter(|excess| *excess > 0)?;
        for pair in self.segments.windows(2) {
            excess = excess.saturating_sub(pair[0].bytes);
            if excess == 0 {
                return Some(WalPosition(pair[1].first.0.saturating_sub(1)));
            }
        }
        Some(WalPosition(self.next.0.saturating_sub(1)))
    }

    pub(super) fn take_before(&mut self, needed: WalPosition) -> Vec<PathBuf> {
        let keep_from = self.segments.windows(2).take_while(|pair| pair[1].first <= needed).count();
        self.segments.drain(..keep_from).map(|s| s.path).collect()
    }
}

/// The segment being written.
pub(super) struct ActiveSegment {
    file: File,
    pub(super) path: PathBuf,
    /// Where the next record goes.
    offset: u64,
    /// How far the file is filled with zeros.
    allocated: u64,
}

impl ActiveSegment {
    pub(super) fn create(dir: &Path, first: WalPosition) -> io::Result<Self> {
        let path = dir.join(format!("{:020}.{SUFFIX}", first.0));
        // A file of this name can only be one that never got a record: it may be overwritten.
        let file = File::options().write(true).create(true).truncate(true).open(&path)?;
        let mut segment = Self { file, path, offset: 0, allocated: 0 };
        segment.extend(1)?;
        segment.file.sync_all()?;
        File::open(dir)?.sync_all()?;
        Ok(segment)
    }

    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Writes and syncs. On an error the segment must be abandoned with [`ActiveSegment::abandon`].
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.extend(bytes.len() as u64)?;
        self.file.write_all_at(bytes, self.offset)?;
        Ok(())
    }

    pub(super) fn sync(&mut self, written: u64) -> io::Result<()> {
        self.file.sync_data()?;
        self.offset += written;
        Ok(())
    }

    /// Cuts off what may have been written after the last good sync, as far as the disk lets us.
    pub(super) fn abandon(self) {
        if self.file.set_len(self.offset).and_then(|()| self.file.sync_all()).is_err() {
            tracing::error!(segment = %self.path.display(), "could not cut an unsynced tail off the log");
        }
    }

    fn extend(&mut self, more: u64) -> io::Result<()> {
        if self.offset + more <= self.allocated {
            return Ok(());
        }
        let zeros = vec![0; 1 << 20];
        let target = (self.offset + more).next_multiple_of(EXTEND_BYTES);
        while self.allocated < target {
            self.file.write_all_at(&zeros, self.allocated)?;
            self.allocated += zeros.len() as u64;
        }
        Ok(())
    }
}
