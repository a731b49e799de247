//! Times written as `2026-01-31T23:59:59.123Z`, to and from epoch milliseconds, exactly.

const LENGTH: usize = 24;
const DAY_MILLIS: i64 = 86_400_000;

/// Epoch milliseconds of a time in exactly this form that exists in the calendar.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let b: &[u8; LENGTH] = text.as_bytes().try_into().ok()?;
    let fixed = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'.'), (23, b'Z')];
    if fixed.iter().any(|(at, c)| b[*at] != *c) {
        return None;
    }
    let number = |from: usize, to: usize| {
        b[from..to].iter().try_fold(0i64, |n, d| d.is_ascii_digit().then(|| n * 10 + i64::from(d - b'0')))
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second, millis) = (number(11, 13)?, number(14, 16)?, number(17, 19)?, number(20, 23)?);
    if !(1..=12).contains(&month) || day < 1 || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let days = days_from_civil(year, month, day);
    // A day beyond the month's end is another month's day.
    (civil_from_days(days) == (year, month, day))
        .then_some(days * DAY_MILLIS + ((hour * 60 + minute) * 60 + second) * 1000 + millis)
}

/// Appends the text of a time that [`parse`] gave.
pub(crate) fn write(millis: i64, out: &mut Vec<u8>) {
    let (days, rest) = (millis.div_euclid(DAY_MILLIS), millis.rem_euclid(DAY_MILLIS));
    let (year, month, day) = civil_from_days(days);
    let mut text = *b"0000-00-00T00:00:00.000Z";
    let mut put = |from: usize, to: usize, mut value: i64| {
        for at in (from..to).rev() {
            text[at] = b'0' + (value % 10) as u8;
            value /= 10;
        }
    };
    put(0, 4, year);
    put(5, 7, month);
    put(8, 10, day);
    put(11, 13, rest / 3_600_000);
    put(14, 16, rest / 60_000 % 60);
    put(17, 19, rest / 1000 % 60);
    put(20, 23, rest % 1000);
    out.extend_from_slice(&text);
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar. Years begin in March here, so that the leap
/// day is the last of its year.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_survive_both_ways() {
        for text in [
            "1970-01-01T00:00:00.000Z",
            "2026-11-22T17:55:51.123Z",
            "2024-02-29T23:59:59.999Z",
            "1969-12-31T23:59:59.999Z",
            "0000-01-01T00:00:00.000Z",
            "9999-12-31T23:59:59.999Z",
            "2000-02-29T12:00:00.001Z",
        ] {
            let millis = parse(text).expect(text);
            let mut out = Vec::new();
            write(millis, &mut out);
            assert_eq!(std::str::from_utf8(&out).expect("ascii"), text);
            let by_chrono = base::Timestamp::from_millis(millis).to_iso8601_millis();
            assert_eq!(by_chrono, text);
        }
    }

    #[test]
    fn other_texts_are_not_times() {
        for text in [
            "2026-02-29T00:00:00.000Z",
            "2026-13-01T00:00:00.000Z",
            "2026-01-00T00:00:00.000Z",
            "2026-01-01T24:00:00.000Z",
            "2026-01-01T00:00:60.000Z",
            "2026-01-01T00:00:00.00Z",
            "2026-01-01 00:00:00.000Z",
            "2026-01-01T00:00:00.000z",
            "+026-01-01T00:00:00.000Z",
            "",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
