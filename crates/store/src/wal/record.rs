//! Records of the log: length, checksum, position, table, payload.

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

/// Bytes of a record before its payload: length, checksum, position, table.
pub(super) const HEADER_BYTES: usize = 4 + 4 + 8 + 1;

pub(super) fn encode(buffer: &mut Vec<u8>, position: WalPosition, table: TableId, payload: &[u8]) {
    let length = u32::try_from(payload.len()).expect("records are limited to RECORD_BYTES_MAX");
    let start = buffer.len();
    buffer.extend_from_slice(&length.to_le_bytes());
    buffer.extend_from_slice(&[0; 4]);
    buffer.extend_from_slice(&position.0.to_le_bytes());
    buffer.push(table as u8);
    buffer.extend_from_slice(payload);
    let checksum = checksum(&buffer[start..]);
    buffer[start + 4..start + 8].copy_from_slice(&checksum.to_le_bytes());
}

/// CRC32C over everything but the checksum itself.
fn checksum(record: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&record[..4]), &record[8..])
}

/// What stands at the start of `bytes`.
pub(super) enum Decoded<'a> {
    Record {
        position: WalPosition,
        table: TableId,
        payload: &'a [u8],
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
    match TableId::from_byte(header[16]) {
        Some(table) => Decoded::Record { position, table, payload: &bytes[HEADER_BYTES..size], size },
        None => Decoded::Damaged,
    }
}
