//! Functions of the time of a place, in UTC.

use base::Timestamp;
use lang::metric_math::Function;

/// MINUTE, HOUR, DAY, DATE, MONTH, YEAR or EPOCH of a time; `None` for other functions.
pub(crate) fn calendar(function: Function, at: Timestamp) -> Option<f64> {
    let secs = at.as_secs();
    let days = secs.div_euclid(86_400);
    let second_of_day = secs.rem_euclid(86_400);
    Some(match function {
        Function::Epoch => secs as f64,
        Function::Minute => (second_of_day / 60 % 60) as f64,
        Function::Hour => (second_of_day / 3600) as f64,
        // The epoch was a Thursday; Monday is 1.
        Function::Day => (days + 3).rem_euclid(7) as f64 + 1.0,
        Function::Date | Function::Month | Function::Year => {
            let (year, month, date) = civil(days);
            (match function {
                Function::Date => date,
                Function::Month => month,
                _ => year,
            }) as f64
        }
        _ => return None,
    })
}

/// Year, month and day of month of a day counted from the epoch, in the proleptic Gregorian calendar. Counted
/// in eras of 400 years that begin on 1 March, so that leap days come last.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let date = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calendar_is_that_of_timestamps() {
        for day in (-800_000..800_000).step_by(97) {
            let at = Timestamp::from_secs(day * 86_400 + 3_725);
            let text = at.to_iso8601_secs();
            let (year, month, date) = civil(day);
            if (0..10_000).contains(&year) {
                assert!(text.starts_with(&format!("{year:04}-{month:02}-{date:02}")), "{text}");
            }
        }
        // 2024-02-29 was a Thursday.
        let at = Timestamp::from_secs(1_709_251_080);
        let of = |function| calendar(function, at).unwrap();
        assert_eq!((of(Function::Day), of(Function::Date), of(Function::Hour)), (4.0, 29.0, 23.0));
        assert_eq!(calendar(Function::Sum, at), None);
    }
}
