//! Audit events as the payload of a record of the log. Format: `docs/formats/audit.md`.

use base::{AccountId, Region, Scope, Timestamp};
use signals::AuditEvent;
use signals::audit::AuditResource;

use crate::error::StoreError;
use crate::wal::WalPosition;

const VERSION: u8 = 1;

const READ_ONLY: u8 = 1;
const HAS_USER_NAME: u8 = 2;
const HAS_ACCESS_KEY: u8 = 4;

pub(super) fn encode(events: &[AuditEvent]) -> Vec<u8> {
    let bytes: usize = events.iter().map(|e| e.record.len() + 256).sum();
    let mut out = Vec::with_capacity(bytes + 5);
    out.push(VERSION);
    push_length(&mut out, events.len());
    for event in events {
        encode_event(&mut out, event);
    }
    out
}

pub(super) fn decode(position: WalPosition, payload: &[u8]) -> Result<Vec<AuditEvent>, StoreError> {
    let mut reader = Reader { bytes: payload };
    let events = reader.events();
    events
        .filter(|_| reader.bytes.is_empty())
        .ok_or_else(|| StoreError::damaged(format!("audit record {}", position.0), "it cannot be decoded"))
}

fn encode_event(out: &mut Vec<u8>, event: &AuditEvent) {
    let flags = [
        (event.read_only, READ_ONLY),
        (event.user_name.is_some(), HAS_USER_NAME),
        (event.access_key_id.is_some(), HAS_ACCESS_KEY),
    ];
    out.push(flags.iter().filter(|(set, _)| *set).map(|(_, bit)| bit).sum());
    out.extend_from_slice(&event.event_time.as_millis().to_le_bytes());
    for text in [
        event.scope.account.as_str(),
        event.scope.region.as_str(),
        &event.event_id,
        &event.event_name,
        &event.event_source,
    ] {
        push_text(out, text);
    }
    for text in [&event.user_name, &event.access_key_id].into_iter().flatten() {
        push_text(out, text);
    }
    push_length(out, event.resources.len());
    for resource in &event.resources {
        push_text(out, &resource.resource_type);
        push_text(out, &resource.resource_name);
    }
    push_text(out, &event.record);
}

fn push_text(out: &mut Vec<u8>, text: &str) {
    push_length(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

fn push_length(out: &mut Vec<u8>, length: usize) {
    let length = u32::try_from(length).expect("a record of the log is far below 4 GiB");
    out.extend_from_slice(&length.to_le_bytes());
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    fn events(&mut self) -> Option<Vec<AuditEvent>> {
        let (version, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        if *version != VERSION {
            return None;
        }
        let count = self.length()?;
        // Nothing is reserved for a count that may be damaged.
        (0..count).map(|_| self.event()).collect()
    }

    fn event(&mut self) -> Option<AuditEvent> {
        let (flags, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        let (millis, rest) = self.bytes.split_first_chunk::<8>()?;
        self.bytes = rest;
        let account = AccountId::new(self.text()?).ok()?;
        let region = Region::new(self.text()?).ok()?;
        let (event_id, event_name, event_source) = (self.owned()?, self.owned()?, self.owned()?);
        let user_name = if flags & HAS_USER_NAME == 0 { None } else { Some(self.owned()?) };
        let access_key_id = if flags & HAS_ACCESS_KEY == 0 { None } else { Some(self.owned()?) };
        let resources = self.length()?;
        let resource = |_| Some(AuditResource { resource_type: self.owned()?, resource_name: self.owned()? });
        let resources = (0..resources).map(resource).collect::<Option<Vec<_>>>()?;
        Some(AuditEvent {
            scope: Scope::new(account, region),
            event_id,
            event_time: Timestamp::from_millis(i64::from_le_bytes(*millis)),
            event_name,
            event_source,
            user_name,
            access_key_id,
            read_only: flags & READ_ONLY != 0,
            resources,
            record: self.owned()?,
        })
    }

    fn length(&mut self) -> Option<usize> {
        let (length, rest) = self.bytes.split_first_chunk::<4>()?;
        self.bytes = rest;
        usize::try_from(u32::from_le_bytes(*length)).ok()
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = self.length()?;
        let (text, rest) = self.bytes.split_at_checked(length)?;
        self.bytes = rest;
        std::str::from_utf8(text).ok()
    }

    fn owned(&mut self) -> Option<String> {
        self.text().map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::audit::table::tests::event;

    #[test]
    fn events_come_back_and_damage_is_noticed() {
        let mut second = event(2, "second");
        second.user_name = None;
        second.resources.clear();
        let events = vec![event(1, "first"), second];
        let bytes = encode(&events);
        assert_eq!(decode(WalPosition(1), &bytes).unwrap(), events);
        for cut in 0..bytes.len() {
            assert!(decode(WalPosition(1), &bytes[..cut]).is_err(), "cut at {cut}");
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert!(decode(WalPosition(1), &longer).is_err());
        assert!(decode(WalPosition(1), &[2, 0, 0, 0, 0]).is_err(), "another version");
    }
}
