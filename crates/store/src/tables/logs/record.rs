//! The log table's records in the write-ahead log. Format: `docs/formats/log-record.md`.

use std::sync::Arc;

use base::{AccountId, Region, Scope, Timestamp};
use bytes::Bytes;
use signals::LogEvent;

use super::api::LogGroupKey;
use super::layout::{put_bytes, put_count, put_i64, put_u64, take_byte, take_bytes, take_count, take_i64};
use super::layout::{take_text, take_u64};
use crate::error::StoreError;
use crate::wal::WalPosition;

const VERSION: u8 = 1;
const EVENTS: u8 = 0;
const GROUP_DELETED: u8 = 1;

/// Events one record may hold; longer appends become several records.
pub(crate) const EVENTS_MAX: usize = 1 << SEQUENCE_BITS;
const SEQUENCE_BITS: u32 = 14;

/// Sequence of the first event of a record. Derived from the record's position, so that replay gives every
/// event the sequence it had.
pub(crate) fn base_sequence(position: WalPosition) -> u64 {
    position.0 << SEQUENCE_BITS
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Record {
    Events { group: LogGroupKey, stream: Arc<str>, ingestion_time: Timestamp, events: Vec<LogEvent> },
    GroupDeleted { group: LogGroupKey },
}

fn put_group(out: &mut Vec<u8>, group: &LogGroupKey) {
    put_bytes(out, group.scope.account.as_str().as_bytes());
    put_bytes(out, group.scope.region.as_str().as_bytes());
    put_bytes(out, group.name.as_bytes());
    put_u64(out, group.incarnation);
}

pub(crate) fn encode_events(
    group: &LogGroupKey,
    stream: &str,
    ingestion_time: Timestamp,
    events: &[LogEvent],
) -> Vec<u8> {
    let text: usize = events.iter().map(|e| e.message.len()).sum();
    let mut out = Vec::with_capacity(text + events.len() * 6 + 128 + group.name.len() + stream.len());
    out.extend_from_slice(&[VERSION, EVENTS]);
    put_group(&mut out, group);
    put_bytes(&mut out, stream.as_bytes());
    put_i64(&mut out, ingestion_time.as_millis());
    put_count(&mut out, events.len());
    let mut previous = ingestion_time.as_millis();
    for event in events {
        let at = event.timestamp.as_millis();
        put_i64(&mut out, at.wrapping_sub(previous));
        put_bytes(&mut out, &event.message);
        previous = at;
    }
    out
}

pub(crate) fn encode_group_deleted(group: &LogGroupKey) -> Vec<u8> {
    let mut out = vec![VERSION, GROUP_DELETED];
    put_group(&mut out, group);
    out
}

pub(crate) fn decode(payload: &[u8]) -> Result<Record, StoreError> {
    try_decode(payload)
        .ok_or_else(|| StoreError::damaged("a record of the log table", "it cannot be decoded"))
}

fn try_decode(payload: &[u8]) -> Option<Record> {
    let input = &mut &payload[..];
    if take_byte(input)? != VERSION {
        return None;
    }
    let kind = take_byte(input)?;
    let group = LogGroupKey {
        scope: Scope::new(AccountId::new(take_text(input)?).ok()?, Region::new(take_text(input)?).ok()?),
        name: take_text(input)?.into(),
        incarnation: take_u64(input)?,
    };
    match kind {
        GROUP_DELETED => Some(Record::GroupDeleted { group }),
        EVENTS => {
            let stream = take_text(input)?.into();
            let ingested = take_i64(input)?;
            let count = take_count(input)?;
            if count > EVENTS_MAX {
                return None;
            }
            let mut previous = ingested;
            let mut events = Vec::with_capacity(count);
            for _ in 0..count {
                previous = previous.wrapping_add(take_i64(input)?);
                let message = take_bytes(input)?;
                std::str::from_utf8(message).ok()?;
                let message = Bytes::copy_from_slice(message);
                events.push(LogEvent { timestamp: Timestamp::from_millis(previous), message });
            }
            let ingestion_time = Timestamp::from_millis(ingested);
            input.is_empty().then_some(Record::Events { group, stream, ingestion_time, events })
        }
        _ => None,
    }
}

/// A group's name among the partitions of the manifest.
pub(crate) fn partition(group: &LogGroupKey) -> String {
    let LogGroupKey { scope, name, incarnation } = group;
    format!("{}/{}/{incarnation}/{name}", scope.account.as_str(), scope.region.as_str())
}

pub(crate) fn group_of_partition(partition: &str) -> Option<LogGroupKey> {
    let mut words = partition.splitn(4, '/');
    let scope = Scope::new(AccountId::new(words.next()?).ok()?, Region::new(words.next()?).ok()?);
    let incarnation = words.next()?.parse().ok()?;
    Some(LogGroupKey { scope, name: words.next()?.into(), incarnation })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group() -> LogGroupKey {
        let account = AccountId::new("123456789012").expect("digits");
        let scope = Scope::new(account, Region::new("eu-west-1").expect("name"));
        LogGroupKey { scope, name: "/aws/lambda/f".into(), incarnation: 7 }
    }

    #[test]
    fn records_survive_and_damage_is_seen() {
        let events = vec![
            LogEvent::new(Timestamp::from_millis(1_000), "a"),
            LogEvent::new(Timestamp::from_millis(5), "ü\n"),
            LogEvent::new(Timestamp::MAX, ""),
        ];
        let ingestion_time = Timestamp::from_millis(2_000);
        let bytes = encode_events(&group(), "s", ingestion_time, &events);
        let expected = Record::Events { group: group(), stream: "s".into(), ingestion_time, events };
        assert_eq!(decode(&bytes).expect("decodes"), expected);
        for cut in 0..bytes.len() {
            assert!(decode(&bytes[..cut]).is_err());
        }
        let deleted = encode_group_deleted(&group());
        assert_eq!(decode(&deleted).expect("decodes"), Record::GroupDeleted { group: group() });
    }

    #[test]
    fn a_partition_names_its_group() {
        assert_eq!(group_of_partition(&partition(&group())), Some(group()));
    }
}
