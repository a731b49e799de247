//! Event ids: 56 decimal digits that grow with (timestamp, order of acceptance).

use base::Timestamp;
use store::tables::logs::LogPosition;

/// The id of the event at `position`.
pub(crate) fn event_id(position: LogPosition) -> String {
    digits(position.timestamp, position.sequence)
}

/// 28 digits of time, then 28 of sequence.
pub(crate) fn digits(timestamp: Timestamp, sequence: u64) -> String {
    format!("{:028}{sequence:028}", timestamp.as_millis().max(0))
}

/// Back from [`digits`].
pub(crate) fn parse_digits(text: &str) -> Option<(Timestamp, u64)> {
    if text.len() != 56 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (time, sequence) = text.split_at(28);
    Some((Timestamp::from_millis(time.parse().ok()?), sequence.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_56_digits_and_order_as_positions() {
        let at = |ms, sequence| LogPosition { timestamp: Timestamp::from_millis(ms), sequence };
        let positions = [at(0, 1), at(0, 2), at(1, 0), at(1_700_000_000_000, u64::MAX), at(i64::MAX, 0)];
        let ids: Vec<_> = positions.iter().map(|p| event_id(*p)).collect();
        assert!(ids.windows(2).all(|w| w[0] < w[1]));
        for (id, position) in ids.iter().zip(positions) {
            assert_eq!(id.len(), 56);
            assert_eq!(parse_digits(id), Some((position.timestamp, position.sequence)));
        }
        for bad in ["", "1", &"9".repeat(56), &"1".repeat(55), &"a".repeat(56), &"é".repeat(28)] {
            assert_eq!(parse_digits(bad), None, "{bad}");
        }
    }
}
