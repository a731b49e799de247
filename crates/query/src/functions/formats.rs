//! Texts in formats of their own: dates by a pattern, `key=value` pairs, XML.

use std::str::FromStr;

use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeZone, Utc};
use chrono_tz::Tz;
use lang::text::date_format::{self, Part};
use lang::text::xpath::{self, Path};
use quick_xml::events::Event;

use super::json::quote;

/// A time zone by name or offset.
enum Zone {
    Named(Tz),
    Fixed(FixedOffset),
}

fn zone(name: &str) -> Option<Zone> {
    let name = name.trim();
    if matches!(name, "Z" | "z") {
        return Some(Zone::Named(Tz::UTC));
    }
    if let Ok(named) = Tz::from_str(name) {
        return Some(Zone::Named(named));
    }
    let offset = name.trim_start_matches("UTC").trim_start_matches("GMT");
    FixedOffset::from_str(offset).ok().map(Zone::Fixed)
}

/// Epoch milliseconds by a strftime format.
pub(super) fn format_date(millis: f64, format: &str, zone_name: &str) -> Option<String> {
    let at = DateTime::<Utc>::from_timestamp_millis(millis as i64)?;
    let items: Vec<Item<'_>> = StrftimeItems::new(format).collect();
    if items.contains(&Item::Error) {
        return None;
    }
    Some(match zone(zone_name)? {
        Zone::Named(named) => at.with_timezone(&named).format_with_items(items.iter()).to_string(),
        Zone::Fixed(fixed) => at.with_timezone(&fixed).format_with_items(items.iter()).to_string(),
    })
}

/// What of a date a text gave.
#[derive(Default)]
struct Fields {
    year: Option<i32>,
    month: Option<u32>,
    day: Option<u32>,
    day_of_year: Option<u32>,
    hour: Option<u32>,
    half_day_hour: Option<u32>,
    afternoon: Option<bool>,
    minute: u32,
    second: u32,
    nanos: u32,
    offset: Option<FixedOffset>,
    named: Option<Tz>,
}

/// Epoch milliseconds of a text by a pattern of Java's `DateTimeFormatter`; missing fields of the time are 0.
pub(super) fn parse_date(text: &str, pattern: &str, zone_name: &str) -> Option<f64> {
    let parts = date_format::java(pattern).ok()?;
    let mut fields = Fields::default();
    let mut rest = text.trim();
    for (index, part) in parts.iter().enumerate() {
        match part {
            Part::Literal(literal) => rest = rest.strip_prefix(literal.as_str())?,
            Part::Field(letter, count) => {
                // Fields that touch have as many digits as letters.
                let touches = matches!(parts.get(index + 1), Some(Part::Field(..)));
                rest = fields.read(*letter, *count, touches, rest)?;
            }
        }
    }
    if !rest.is_empty() {
        return None;
    }
    fields.millis(zone_name).map(|millis| millis as f64)
}

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

impl Fields {
    /// Takes a field off the text.
    fn read<'t>(&mut self, letter: char, count: usize, touches: bool, text: &'t str) -> Option<&'t str> {
        let digits = |least: usize, most: usize| {
            let length = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
            (length >= least).then(|| text.split_at(length))
        };
        let number = |most: usize| {
            let most = if touches { count } else { most.max(count) };
            let (number, rest) = digits(1, most)?;
            Some((number.parse::<u32>().ok()?, rest))
        };
        match letter {
            'y' | 'u' => {
                let most = if count == 2 || touches { count } else { 9 };
                let (year, rest) = digits(1, most)?;
                let year: i32 = year.parse().ok()?;
                self.year = Some(if count == 2 { 2000 + year } else { year });
                Some(rest)
            }
            'M' | 'L' if count >= 3 => {
                let length = text.chars().take_while(|c| c.is_alphabetic()).map(char::len_utf8).sum();
                let (name, rest) = text.split_at(length);
                let name = name.to_lowercase();
                let month = MONTHS.iter().position(|month| name.starts_with(month))?;
                self.month = u32::try_from(month + 1).ok();
                Some(rest)
            }
            'M' | 'L' => number(2).map(|(month, rest)| self.set(|f| f.month = Some(month), rest)),
            'd' => number(2).map(|(day, rest)| self.set(|f| f.day = Some(day), rest)),
            'D' => number(3).map(|(day, rest)| self.set(|f| f.day_of_year = Some(day), rest)),
            'H' => number(2).map(|(hour, rest)| self.set(|f| f.hour = Some(hour), rest)),
            'k' => number(2).map(|(hour, rest)| self.set(|f| f.hour = Some(hour % 24), rest)),
            'h' => number(2).map(|(hour, rest)| self.set(|f| f.half_day_hour = Some(hour % 12), rest)),
            'K' => number(2).map(|(hour, rest)| self.set(|f| f.half_day_hour = Some(hour), rest)),
            'm' => number(2).map(|(minute, rest)| self.set(|f| f.minute = minute, rest)),
            's' => number(2).map(|(second, rest)| self.set(|f| f.second = second, rest)),
            'n' => number(9).map(|(nanos, rest)| self.set(|f| f.nanos = nanos, rest)),
            'S' => {
                let (fraction, rest) = digits(count, if touches { count } else { count.max(9) })?;
                let nanos = format!("{fraction:0<9}");
                self.nanos = nanos.get(..9)?.parse().ok()?;
                Some(rest)
            }
            'a' => {
                let half = text.get(..2)?.to_ascii_lowercase();
                self.afternoon = Some(match half.as_str() {
                    "am" => false,
                    "pm" => true,
                    _ => return None,
                });
                Some(&text[2..])
            }
            // A name of a day says nothing that the date does not.
            'E' => Some(text.trim_start_matches(char::is_alphabetic)),
            _ => self.zone(text),
        }
    }

    fn set<'t>(&mut self, set: impl FnOnce(&mut Self), rest: &'t str) -> &'t str {
        set(self);
        rest
    }

    fn zone<'t>(&mut self, text: &'t str) -> Option<&'t str> {
        if let Some(rest) = text.strip_prefix('Z') {
            self.offset = Some(Utc.fix());
            return Some(rest);
        }
        if text.starts_with(['+', '-']) {
            let length = text[1..].bytes().take_while(|b| b.is_ascii_digit() || *b == b':').count() + 1;
            let (offset, rest) = text.split_at(length);
            let digits: String = offset[1..].chars().filter(char::is_ascii_digit).collect();
            let (hours, minutes) = match digits.len() {
                1 | 2 => (digits.parse::<i32>().ok()?, 0),
                4 => (digits[..2].parse().ok()?, digits[2..].parse::<i32>().ok()?),
                _ => return None,
            };
            let seconds = hours * 3600 + minutes * 60;
            self.offset = FixedOffset::east_opt(if offset.starts_with('-') { -seconds } else { seconds });
            return self.offset.map(|_| rest);
        }
        let length = text
            .chars()
            .take_while(|c| c.is_alphanumeric() || matches!(c, '/' | '_' | '-' | '+'))
            .map(char::len_utf8)
            .sum();
        let (name, rest) = text.split_at(length);
        self.named = Some(Tz::from_str(name).ok()?);
        Some(rest)
    }

    fn millis(&self, zone_name: &str) -> Option<i64> {
        let year = self.year.unwrap_or(1970);
        let date = match self.day_of_year {
            Some(day) => NaiveDate::from_yo_opt(year, day)?,
            None => NaiveDate::from_ymd_opt(year, self.month.unwrap_or(1), self.day.unwrap_or(1))?,
        };
        let hour = match (self.hour, self.half_day_hour) {
            (Some(hour), _) => hour,
            (None, Some(hour)) => hour + if self.afternoon == Some(true) { 12 } else { 0 },
            (None, None) => 0,
        };
        let time = NaiveTime::from_hms_nano_opt(hour, self.minute, self.second, self.nanos)?;
        let local = NaiveDateTime::new(date, time);
        if let Some(offset) = self.offset {
            return offset.from_local_datetime(&local).earliest().map(|at| at.timestamp_millis());
        }
        let zone = match self.named {
            Some(named) => Zone::Named(named),
            None => zone(zone_name)?,
        };
        match zone {
            Zone::Named(named) => {
                named.from_local_datetime(&local).earliest().map(|at| at.timestamp_millis())
            }
            Zone::Fixed(fixed) => {
                fixed.from_local_datetime(&local).earliest().map(|at| at.timestamp_millis())
            }
        }
    }
}

/// A line of `key=value` pairs as the JSON text of a map. A bare key is `true`.
pub(super) fn logfmt(text: &str) -> Option<String> {
    let mut out = String::from("{");
    let mut rest = text.trim_start();
    let mut pairs = 0;
    while !rest.is_empty() {
        let length = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
        let (key, tail) = rest.split_at(length);
        let mut value = None;
        rest = tail;
        if let Some(tail) = tail.strip_prefix('=') {
            let (found, tail) = logfmt_value(tail);
            (value, rest) = (Some(found), tail);
        }
        if !key.is_empty() {
            if out.len() > 1 {
                out.push(',');
            }
            pairs += usize::from(value.is_some());
            out.push_str(&quote(key));
            out.push(':');
            out.push_str(&value.map_or("true".to_owned(), |value| quote(&value)));
        }
        rest = rest.trim_start();
    }
    out.push('}');
    // A text without any pair is no logfmt.
    (pairs > 0).then_some(out)
}

fn logfmt_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let length = text.find(char::is_whitespace).unwrap_or(text.len());
        return (text[..length].to_owned(), &text[length..]);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => match characters.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, 't')) => value.push('\t'),
                Some((_, escaped)) => value.push(escaped),
                None => break,
            },
            c => value.push(c),
        }
    }
    (value, "")
}

/// Elements deeper than this are not looked at.
const XML_DEPTH_MAX: usize = 128;

/// The text of the first element that a path finds, or its attribute.
pub(super) fn xml(text: &str, path: &str) -> Option<String> {
    let path = xpath::parse(path).ok()?;
    let start = text.find('<')?;
    let mut reader = quick_xml::Reader::from_str(&text[start..]);
    reader.config_mut().expand_empty_elements = true;
    // For each open element: its name, how many children of each name it had, and its place among siblings.
    let mut open: Vec<Element> = vec![Element::default()];
    let mut taking: Option<(usize, String)> = None;
    loop {
        match reader.read_event().ok()? {
            Event::Start(element) => {
                let name = element.name().as_ref().to_owned();
                let index = open.last_mut().map_or(1, |parent| parent.count(&name));
                open.push(Element { name, index, children: Vec::new() });
                if open.len() > XML_DEPTH_MAX {
                    return None;
                }
                if taking.is_none() && matches(&path, &open[1..]) {
                    if let Some(attribute) = &path.attribute {
                        let found = element
                            .attributes()
                            .flatten()
                            .find(|found| found.key.as_ref() == attribute.as_str());
                        if let Some(found) = found {
                            let raw = found.value.into_owned();
                            let plain = quick_xml::escape::unescape(&raw).ok().map(|text| text.into_owned());
                            return Some(plain.unwrap_or(raw));
                        }
                    } else {
                        taking = Some((open.len(), String::new()));
                    }
                }
            }
            Event::End(_) => {
                if let Some((depth, text)) = &taking
                    && *depth == open.len()
                {
                    return Some(text.trim().to_owned());
                }
                open.pop();
                if open.is_empty() {
                    return None;
                }
            }
            Event::Text(text) => {
                if let Some((_, taken)) = &mut taking {
                    taken.push_str(&text);
                }
            }
            Event::CData(text) => {
                if let Some((_, taken)) = &mut taking {
                    taken.push_str(&text);
                }
            }
            Event::GeneralRef(entity) => {
                if let Some((_, taken)) = &mut taking {
                    let text = format!("&{};", &*entity);
                    taken.push_str(
                        &quick_xml::escape::unescape(&text).map_or(text.clone(), |t| t.into_owned()),
                    );
                }
            }
            Event::Eof => return None,
            _ => {}
        }
    }
}

#[derive(Default)]
struct Element {
    name: String,
    /// Its place among siblings of its name, from one.
    index: usize,
    children: Vec<(String, usize)>,
}

impl Element {
    fn count(&mut self, name: &str) -> usize {
        match self.children.iter_mut().find(|(known, _)| known == name) {
            Some((_, count)) => {
                *count += 1;
                *count
            }
            None => {
                self.children.push((name.to_owned(), 1));
                1
            }
        }
    }
}

/// Whether the path leads exactly to the innermost of these elements.
fn matches(path: &Path, open: &[Element]) -> bool {
    fn from(path: &[xpath::Step], open: &[Element]) -> bool {
        let Some((step, rest)) = path.split_first() else { return open.is_empty() };
        let fits = |element: &Element| {
            step.name.as_ref().is_none_or(|name| *name == element.name)
                && step.index.is_none_or(|index| index == element.index)
        };
        let places = if step.anywhere { open.len() } else { open.len().min(1) };
        (0..places).any(|at| fits(&open[at]) && from(rest, &open[at + 1..]))
    }
    from(&path.steps, open)
}

/// The columns of a line of RFC 4180.
pub(super) fn csv(text: &str) -> Vec<String> {
    let mut columns = Vec::new();
    let mut rest = text.trim_end_matches(['\r', '\n']);
    loop {
        let trimmed = rest.trim_start_matches(' ');
        if let Some(quoted) = trimmed.strip_prefix('"') {
            let mut value = String::new();
            let mut tail = quoted;
            loop {
                let Some(at) = tail.find('"') else {
                    // A quote that is not closed runs to the end.
                    value.push_str(tail);
                    columns.push(value);
                    return columns;
                };
                value.push_str(&tail[..at]);
                tail = &tail[at + 1..];
                match tail.strip_prefix('"') {
                    Some(next) => {
                        value.push('"');
                        tail = next;
                    }
                    None => break,
                }
            }
            columns.push(value);
            match tail.find(',') {
                Some(at) => rest = &tail[at + 1..],
                None => return columns,
            }
        } else {
            match rest.split_once(',') {
                Some((value, tail)) => {
                    columns.push(value.to_owned());
                    rest = tail;
                }
                None => {
                    columns.push(rest.to_owned());
                    return columns;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        assert_eq!(parse_date("2024-05-01", "yyyy-MM-dd", "UTC"), Some(1_714_521_600_000.0));
        assert_eq!(
            parse_date("01/May/2024:10:00:00 +0200", "dd/MMM/yyyy:HH:mm:ss Z", "UTC"),
            Some(1_714_550_400_000.0)
        );
        assert_eq!(parse_date("20240501100000", "yyyyMMddHHmmss", "UTC"), Some(1_714_557_600_000.0));
        assert_eq!(parse_date("5/1/24 1:05 PM", "M/d/yy h:mm a", "Europe/Berlin"), Some(1_714_561_500_000.0));
        assert_eq!(
            parse_date("2024-05-01T10:00:00.25Z", "yyyy-MM-dd'T'HH:mm:ss.SSX", "UTC"),
            Some(1_714_557_600_250.0)
        );
        assert_eq!(parse_date("2024-13-01", "yyyy-MM-dd", "UTC"), None);
        assert_eq!(parse_date("2024-05-01 x", "yyyy-MM-dd", "UTC"), None);
        assert_eq!(parse_date("2024-05-01", "yyyy-MM-dd", "Nowhere"), None);
        assert_eq!(
            format_date(1_714_557_600_000.0, "%Y-%m-%d %H:%M", "Asia/Tokyo").as_deref(),
            Some("2024-05-01 19:00")
        );
        assert_eq!(format_date(1_714_557_600_000.0, "%H", "+05:30").as_deref(), Some("15"));
    }

    #[test]
    fn pairs() {
        assert_eq!(
            logfmt(r#"level=error msg="a \"b\"" debug n=1"#).as_deref(),
            Some(r#"{"level":"error","msg":"a \"b\"","debug":true,"n":"1"}"#)
        );
        assert_eq!(logfmt("just words"), None);
        assert_eq!(logfmt("a=\"open").as_deref(), Some(r#"{"a":"open"}"#));
    }

    #[test]
    fn xml_paths() {
        let text = "x <a><b id='1'>one</b><b id='2'>t&amp;wo<c/></b></a>";
        assert_eq!(xml(text, "/a/b").as_deref(), Some("one"));
        assert_eq!(xml(text, "/a/b[2]").as_deref(), Some("t&wo"));
        assert_eq!(xml(text, "//b[2]/@id").as_deref(), Some("2"));
        assert_eq!(xml(text, "/b"), None);
        assert_eq!(xml(text, "*/b").as_deref(), Some("one"));
        assert_eq!(xml("<a><b>", "/a/c"), None);
    }

    #[test]
    fn lines_of_csv() {
        assert_eq!(csv(r#"a,"b, c",d"#), ["a", "b, c", "d"]);
        assert_eq!(csv(r#""x ""y""",,"#), [r#"x "y""#, "", ""]);
        assert_eq!(csv("\"open, x"), ["open, x"]);
    }
}
