//! Records of the log: length, checksum, position, table, payload.

use smallvec::{SmallVec, smallvec};

/// Number of a record; increases by one per record and is never reused.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub(crate) struct WalPosition(pub(crate) u64);

/// Whose record it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[repr(u8)]
pub(crate) enum TableId {
    Logs = 1,
    Metrics = 2,
    Traces = 3,
    Audit = 4,
}

impl TableId {
    pub(crate) const ALL: [TableId; 4] = [TableId::Logs, TableId::Metrics, TableId::Traces, TableId::Audit];

    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|t| *t as u8 == byte)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            TableId::Logs => "logs",
            TableId::Metrics => "metrics",
            TableId::Traces => "traces",
            TableId::Audit => "audit",
        }
    }
}

/// What a record holds.
pub(crate) enum Payload {
    One(TableId, Vec<u8>),
    /// Of several tables, durable and replayed together or not at all. Each table once.
    Joint(Vec<(TableId, Vec<u8>)>),
}

impl Payload {
    /// Bytes it takes in the log, less the header.
    pub(crate) fn size(&self) -> usize {
        match self {
            Payload::One(_, bytes) => bytes.len(),
            Payload::Joint(entries) => 1 + entries.iter().map(|(_, b)| ENTRY_BYTES + b.len()).sum::<usize>(),
        }
    }
}

/// Bytes of a record before its payload: length, checksum, position, table.
pub(super) const HEADER_BYTES: usize = 4 + 4 + 8 + 1;
/// In the place of the table: the payload is of several.
const JOINT: u8 = 0x80;
const JOINT_VERSION: u8 = 1;
/// Bytes before the payload of each table of a joint record: table, length.
const ENTRY_BYTES: usize = 1 + 4;

pub(super) fn encode(buffer: &mut Vec<u8>, position: WalPosition, payload: &Payload) {
    let length = |bytes: usize| u32::try_from(bytes).expect("records are limited to RECORD_BYTES_MAX");
    let start = buffer.len();
    buffer.extend_from_slice(&length(payload.size()).to_le_bytes());
    buffer.extend_from_slice(&[0; 4]);
    buffer.extend_from_slice(&position.0.to_le_bytes());
    match payload {
        Payload::One(table, bytes) => {
            buffer.push(*table as u8);
            buffer.extend_from_slice(bytes);
        }
        Payload::Joint(entries) => {
            buffer.extend_from_slice(&[JOINT, JOINT_VERSION]);
            for (table, bytes) in entries {
                buffer.push(*table as u8);
                buffer.extend_from_slice(&length(bytes.len()).to_le_bytes());
                buffer.extend_from_slice(bytes);
            }
        }
    }
    let checksum = checksum(&buffer[start..]);
    buffer[start + 4..start + 8].copy_from_slice(&checksum.to_le_bytes());
}

/// CRC32C over everything but the checksum itself.
fn checksum(record: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&record[..4]), &record[8..])
}

/// The tables a record is of, and each one's payload.
pub(super) type Entries<'a> = SmallVec<[(TableId, &'a [u8]); 2]>;

/// What stands at the start of `bytes`.
pub(super) enum Decoded<'a> {
    Record {
        position: WalPosition,
        entries: Entries<'a>,
        size: usize,
    },
    /// Nothing was written here: the end of the segment.
    End,
    /// Something was, but it is incomplete or not what was written.
    Damaged,
}

pub(super) fn decode(bytes: &[u8]) -> Decoded<'_> {
    if bytes.len() < HEADER_BYTES {
        return if bytes.iter().all(|b| *b == 0) { Decoded::End } else { Decoded::Damaged };
    }
    let header = &bytes[..HEADER_BYTES];
    if header.iter().all(|b| *b == 0) {
        return Decoded::End;
    }
    let word = |at: usize| u32::from_le_bytes(header[at..at + 4].try_into().expect("four bytes"));
    let size = HEADER_BYTES + word(0) as usize;
    if size > bytes.len()
        || size > HEADER_BYTES + super::RECORD_BYTES_MAX
        || checksum(&bytes[..size]) != word(4)
    {
        return Decoded::Damaged;
    }
    let position = WalPosition(u64::from_le_bytes(header[8..16].try_into().expect("eight bytes")));
    let payload = &bytes[HEADER_BYTES..size];
    let entries = match header[16] {
        JOINT => joint_entries(payload),
        table => TableId::from_byte(table).map(|table| smallvec![(table, payload)]),
    };
    entries.map_or(Decoded::Damaged, |entries| Decoded::Record { position, entries, size })
}

fn joint_entries(payload: &[u8]) -> Option<Entries<'_>> {
    let mut rest = payload.strip_prefix(&[JOINT_VERSION])?;
    let mut entries = Entries::new();
    while let Some((table, after)) = rest.split_first() {
        let (length, after) = after.split_first_chunk::<4>()?;
        let (bytes, after) = after.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        entries.push((TableId::from_byte(*table)?, bytes));
        rest = after;
    }
    Some(entries)
}
