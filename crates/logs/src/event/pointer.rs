//! `@ptr`: an opaque, durable name of one event.

use base::{AccountId, Region, Scope, Timestamp};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use store::tables::logs::{LogGroupKey, LogPosition};

const VERSION: u8 = 1;

/// The pointer to the event at `position` of `group`: base64url of version, incarnation, time, sequence and
/// `account/region/name`, with a checksum against mistyped ones.
pub(crate) fn encode(group: &LogGroupKey, position: LogPosition) -> String {
    let mut bytes = vec![VERSION];
    bytes.extend_from_slice(&group.incarnation.to_be_bytes());
    bytes.extend_from_slice(&position.timestamp.as_millis().to_be_bytes());
    bytes.extend_from_slice(&position.sequence.to_be_bytes());
    bytes.extend_from_slice(format!("{}/{}", group.scope, group.name).as_bytes());
    let check = checksum(&bytes);
    bytes.extend_from_slice(&check.to_be_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Back from [`encode`]; `None` for any other text.
pub(crate) fn decode(pointer: &str) -> Option<(LogGroupKey, LogPosition)> {
    let bytes = URL_SAFE_NO_PAD.decode(pointer).ok()?;
    let (body, check) = bytes.split_last_chunk::<4>()?;
    if checksum(body).to_be_bytes() != *check {
        return None;
    }
    let (version, rest) = body.split_first()?;
    let (incarnation, rest) = rest.split_first_chunk::<8>()?;
    let (time, rest) = rest.split_first_chunk::<8>()?;
    let (sequence, place) = rest.split_first_chunk::<8>()?;
    let mut place = std::str::from_utf8(place).ok()?.splitn(3, '/');
    let account = AccountId::new(place.next()?).ok()?;
    let region = Region::new(place.next()?).ok()?;
    let name = place.next()?.into();
    let incarnation = u64::from_be_bytes(*incarnation);
    let group = LogGroupKey { scope: Scope::new(account, region), name, incarnation };
    let timestamp = Timestamp::from_millis(i64::from_be_bytes(*time));
    let position = LogPosition { timestamp, sequence: u64::from_be_bytes(*sequence) };
    (*version == VERSION).then_some((group, position))
}

/// FNV-1a, 32 bits.
fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_round_trip_and_others_are_refused() {
        let scope = Scope::new(AccountId::new("123456789012").unwrap(), Region::new("us-east-1").unwrap());
        let group = LogGroupKey { scope, name: "/aws/lambda/f".into(), incarnation: 9 };
        let position =
            LogPosition { timestamp: Timestamp::from_millis(1_700_000_000_123), sequence: u64::MAX };
        let pointer = encode(&group, position);
        assert!(pointer.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
        assert_eq!(decode(&pointer), Some((group, position)));
        let mut other = pointer.clone();
        other.replace_range(5..6, if &other[5..6] == "A" { "B" } else { "A" });
        for bad in ["", "AAAA", "not a pointer", &pointer[1..], &other] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }
}
