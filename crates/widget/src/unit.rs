//! How values are written: scaled by thousands, with a short form of their CloudWatch unit.

/// How all values of an axis, or a number for itself, are written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ValueFormat {
    divisor: f64,
    suffix: String,
}

/// A unit that is written with a prefix for powers of a thousand.
struct Scaled {
    /// What one of the unit is in the base unit.
    factor: f64,
    symbol: &'static str,
}

const PREFIXES: [&str; 7] = ["", "k", "M", "G", "T", "P", "E"];

fn scaled(unit: &str) -> Option<(Scaled, &'static str)> {
    let (unit, per) = match unit.strip_suffix("/Second") {
        Some(unit) => (unit, "/s"),
        None => (unit, ""),
    };
    let (power, rest) = match () {
        () if unit.starts_with("Kilo") => (1, &unit[4..]),
        () if unit.starts_with("Mega") => (2, &unit[4..]),
        () if unit.starts_with("Giga") => (3, &unit[4..]),
        () if unit.starts_with("Tera") => (4, &unit[4..]),
        () => (0, unit),
    };
    let symbol = match rest {
        "Bytes" | "bytes" => "B",
        "Bits" | "bits" => "bit",
        "Count" if power == 0 => "",
        _ => return None,
    };
    Some((Scaled { factor: 1000f64.powi(power), symbol }, per))
}

impl ValueFormat {
    /// For values of `unit`, if it is to be shown, the largest of them of size `magnitude`.
    pub(crate) fn new(unit: Option<&str>, magnitude: f64) -> Self {
        let magnitude = magnitude.abs();
        match unit {
            Some("Percent") => Self { divisor: 1.0, suffix: "%".to_owned() },
            Some("Seconds") => Self::time(1.0, magnitude),
            Some("Milliseconds") => Self::time(1e-3, magnitude),
            Some("Microseconds") => Self::time(1e-6, magnitude),
            other => match other.and_then(scaled) {
                Some((Scaled { factor, symbol }, per)) => {
                    let power = thousands(magnitude * factor);
                    let gap = if symbol.is_empty() { "" } else { " " };
                    let suffix = format!("{gap}{}{symbol}{per}", PREFIXES[power]);
                    Self { divisor: 1000f64.powi(power as i32) / factor, suffix }
                }
                None => {
                    let power = thousands(magnitude);
                    Self { divisor: 1000f64.powi(power as i32), suffix: PREFIXES[power].to_owned() }
                }
            },
        }
    }

    fn time(factor: f64, magnitude: f64) -> Self {
        let secs = magnitude * factor;
        let (size, suffix) = match secs {
            0.0 => (
                factor,
                if factor == 1.0 {
                    " s"
                } else if factor == 1e-3 {
                    " ms"
                } else {
                    " µs"
                },
            ),
            secs if secs >= 1.0 => (1.0, " s"),
            secs if secs >= 1e-3 => (1e-3, " ms"),
            _ => (1e-6, " µs"),
        };
        Self { divisor: size / factor, suffix: suffix.to_owned() }
    }

    /// A value of an axis whose ticks are `step` apart.
    pub(crate) fn tick(&self, value: f64, step: f64) -> String {
        let step = step / self.divisor;
        let decimals = (0..9).find(|d| is_whole(step * 10f64.powi(*d))).unwrap_or(9) as usize;
        let text = format!("{:.decimals$}", value / self.divisor);
        if value == 0.0 || text.trim_matches(['-', '0', '.']).is_empty() {
            return format!("0{}", if self.suffix == "%" { "%" } else { "" });
        }
        text + &self.suffix
    }

    /// A value for itself, with up to three significant decimals.
    pub(crate) fn number(&self, value: f64) -> (String, String) {
        let shown = value / self.divisor;
        let decimals = match shown.abs() {
            size if size >= 100.0 => 1,
            size if size >= 1.0 || size == 0.0 => 2,
            size => (2.0 - size.log10().floor()).clamp(2.0, 9.0) as usize,
        };
        let text = format!("{shown:.decimals$}");
        let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
        (text.to_owned(), self.suffix.clone())
    }

    /// [`ValueFormat::number`] in one piece, of a unit.
    pub(crate) fn of(value: f64, unit: Option<&str>) -> String {
        let (number, suffix) = Self::new(unit, value).number(value);
        number + &suffix
    }
}

fn thousands(magnitude: f64) -> usize {
    let mut power = 0;
    let mut rest = magnitude;
    while rest >= 1000.0 && power + 1 < PREFIXES.len() {
        rest /= 1000.0;
        power += 1;
    }
    power
}

fn is_whole(value: f64) -> bool {
    (value - value.round()).abs() < 1e-6 * value.abs().max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_with_their_unit() {
        for (value, unit, text) in [
            (0.0, None, "0"),
            (12.3456, None, "12.35"),
            (0.001234, None, "0.00123"),
            (1234.0, None, "1.23k"),
            (-1_500_000.0, Some("Count"), "-1.5M"),
            (42.5, Some("Percent"), "42.5%"),
            (2048.0, Some("Bytes"), "2.05 kB"),
            (3.0, Some("Megabytes"), "3 MB"),
            (1500.0, Some("Kilobytes/Second"), "1.5 MB/s"),
            (8.0, Some("Bits/Second"), "8 bit/s"),
            (12.0, Some("Count/Second"), "12/s"),
            (0.25, Some("Seconds"), "250 ms"),
            (1500.0, Some("Milliseconds"), "1.5 s"),
            (0.0, Some("Milliseconds"), "0 ms"),
            (5.0, Some("None"), "5"),
            (1e25, None, "10000000E"),
        ] {
            assert_eq!(ValueFormat::of(value, unit), text, "{value} {unit:?}");
        }
    }

    #[test]
    fn ticks_have_as_many_decimals_as_their_step() {
        let format = ValueFormat::new(Some("Bytes"), 2_500_000.0);
        let ticks: Vec<String> = (0..4).map(|n| format.tick(f64::from(n) * 500_000.0, 500_000.0)).collect();
        assert_eq!(ticks, ["0", "0.5 MB", "1.0 MB", "1.5 MB"]);
        assert_eq!(ValueFormat::new(Some("Percent"), 100.0).tick(20.0, 20.0), "20%");
        assert_eq!(ValueFormat::new(None, 0.4).tick(0.30000000000000004, 0.1), "0.3");
        assert_eq!(ValueFormat::new(Some("Seconds"), 0.4).tick(0.1, 0.1), "100 ms");
    }
}
