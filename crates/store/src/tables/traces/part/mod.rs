//! A part: one Parquet file of segment rows sorted by (trace id, segment id, sequence). The columns a time
//! scan needs stand apart from the documents, so it never reads them. Every block of the file has a
//! checksum in the manifest. Format: `docs/formats/trace-part.md`.

mod object;
mod read;
mod rows;
mod write;

use std::sync::{Arc, Weak};

use base::Timestamp;
use parquet::arrow::arrow_reader::ArrowReaderMetadata;
use signals::TraceId;
use tokio::sync::OnceCell;

use crate::core::Core;
use crate::manifest::PartEntry;

pub(super) use write::{EncodedPart, PartWriter};

/// What the manifest keeps of a part beyond what it keeps of all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PartMeta {
    pub(super) span: PartSpan,
    /// CRC32C of each block of the object.
    pub(super) checksums: Arc<[u32]>,
}

/// What a part's rows cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PartSpan {
    /// Bounds of the rows' trace times.
    pub(super) trace_time: (Timestamp, Timestamp),
    /// Bounds of the rows' ends; `MAX, MIN` if none has one.
    pub(super) end_time: (Timestamp, Timestamp),
    /// Bounds of what the rows' documents cover; the last is `MAX` if any is unfinished.
    pub(super) activity: (Timestamp, Timestamp),
    pub(super) received: (Timestamp, Timestamp),
    pub(super) ids: (TraceId, TraceId),
}

/// Bounds of nothing.
const NO_IDS: (TraceId, TraceId) = (TraceId::from_bits(u128::MAX), TraceId::from_bits(0));

const META_VERSION: u8 = 1;

impl PartSpan {
    pub(super) const EMPTY: PartSpan = {
        let none = (Timestamp::MAX, Timestamp::MIN);
        PartSpan { trace_time: none, end_time: none, activity: none, received: none, ids: NO_IDS }
    };

    fn fields(&self) -> [(Timestamp, Timestamp); 4] {
        [self.trace_time, self.end_time, self.activity, self.received]
    }

    fn encode(&self, meta: &mut Vec<u8>) {
        for (low, high) in self.fields() {
            meta.extend_from_slice(&low.as_millis().to_le_bytes());
            meta.extend_from_slice(&high.as_millis().to_le_bytes());
        }
        for id in [self.ids.0, self.ids.1] {
            meta.extend_from_slice(&id.bits().to_be_bytes());
        }
    }

    fn decode(fields: &[u8; SPAN_BYTES]) -> Option<Self> {
        let time = |number: usize| {
            let bytes = fields.get(number * 8..number * 8 + 8)?.try_into().ok()?;
            Some(Timestamp::from_millis(i64::from_le_bytes(bytes)))
        };
        let bounds = |number: usize| Some((time(number * 2)?, time(number * 2 + 1)?));
        let id = |from: usize| {
            let bytes = fields.get(from..from + 16)?.try_into().ok()?;
            Some(TraceId::from_bits(u128::from_be_bytes(bytes)))
        };
        Some(Self {
            trace_time: bounds(0)?,
            end_time: bounds(1)?,
            activity: bounds(2)?,
            received: bounds(3)?,
            ids: (id(64)?, id(80)?),
        })
    }
}

/// Four pairs of times and one of trace ids.
const SPAN_BYTES: usize = 96;

impl PartMeta {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut meta = vec![META_VERSION];
        self.span.encode(&mut meta);
        for checksum in self.checksums.iter() {
            meta.extend_from_slice(&checksum.to_le_bytes());
        }
        meta
    }

    pub(super) fn decode(meta: &[u8]) -> Option<Self> {
        let (version, fields) = meta.split_first()?;
        let (span, checksums) = fields.split_first_chunk()?;
        let (checksums, rest) = checksums.as_chunks::<4>();
        if *version != META_VERSION || !rest.is_empty() {
            return None;
        }
        let checksums = checksums.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect();
        Some(Self { span: PartSpan::decode(span)?, checksums })
    }
}

/// An open part. Its object is deleted when it was removed and the last reader lets go of it.
pub(super) struct Part {
    pub(super) entry: Arc<PartEntry>,
    pub(super) meta: PartMeta,
    core: Weak<Core>,
    metadata: OnceCell<ArrowReaderMetadata>,
    removed: std::sync::atomic::AtomicBool,
}

impl Part {
    pub(super) fn new(core: &Arc<Core>, entry: Arc<PartEntry>, meta: PartMeta) -> Arc<Self> {
        let (core, metadata) = (Arc::downgrade(core), OnceCell::new());
        Arc::new(Self { entry, meta, core, metadata, removed: false.into() })
    }

    /// To be called once the manifest no longer lists the part.
    pub(super) fn mark_removed(&self) {
        self.removed.store(true, std::sync::atomic::Ordering::Release);
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if self.removed.load(std::sync::atomic::Ordering::Acquire)
            && let Some(core) = self.core.upgrade()
        {
            core.discard(self.entry.path.clone());
        }
    }
}
