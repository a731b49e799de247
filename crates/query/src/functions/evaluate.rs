//! Functions of one record, value by value (`logs-insights.md` §6).
//!
//! Arguments come coerced as [`signature`] asks; a function that does not mention missing arguments is
//! missing when one is.

use std::borrow::Cow;
use std::net::IpAddr;

use lang::plan::{Function, IpVersion};

use super::value::{Datum, parse_number};
use super::{encoding, formats, json};

/// What an argument is coerced to before the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Wanted {
    Text,
    Number,
    Boolean,
    /// The JSON text of a map or list, also of one that an event holds.
    Structure,
}

/// What a function returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Returned {
    Text,
    Number,
    Boolean,
    Time,
    /// A map or list, as compact JSON text.
    Structure,
}

/// How the `index`th argument is coerced, and what comes out; `None` for functions that are lowered without
/// a call (conditions, dates, constants).
pub(crate) fn signature(function: &Function, index: usize) -> Option<(Wanted, Returned)> {
    use Function as F;
    Some(match function {
        F::FromMillis => (Wanted::Number, Returned::Time),
        F::Abs
        | F::Ceil
        | F::Floor
        | F::Sqrt
        | F::Log
        | F::Greatest
        | F::Least
        | F::Round
        | F::ToNumber
        | F::ToInteger
        | F::Haversine
        | F::Histogram => (Wanted::Number, Returned::Number),
        F::IsNumeric | F::IsEmpty | F::IsBlank | F::StartsWith | F::EndsWith => {
            (Wanted::Text, Returned::Boolean)
        }
        F::IsValidIp(_) | F::IsIpInSubnet(_) | F::IsPrivateIp | F::IsPublicIp | F::IsReservedIp => {
            (Wanted::Text, Returned::Boolean)
        }
        F::JsonArrayContains if index == 0 => (Wanted::Structure, Returned::Boolean),
        F::JsonArrayContains => (Wanted::Text, Returned::Boolean),
        F::JsonArraySize => (Wanted::Structure, Returned::Number),
        F::JsonStringify => (Wanted::Structure, Returned::Text),
        F::JsonParse | F::Split | F::ParseLogfmt => (Wanted::Text, Returned::Structure),
        F::FormatDate { .. } => (Wanted::Number, Returned::Text),
        F::ParseDate { .. } => (Wanted::Text, Returned::Number),
        F::StringContains if index == 2 => (Wanted::Boolean, Returned::Boolean),
        F::StringContains => (Wanted::Text, Returned::Boolean),
        F::MessageSize | F::StringLength | F::HexToDecimal | F::Ipv4ToNumber => {
            (Wanted::Text, Returned::Number)
        }
        F::Substring if index > 0 => (Wanted::Number, Returned::Text),
        F::DecimalToHex => (Wanted::Number, Returned::Text),
        F::Concat
        | F::Trim
        | F::LeftTrim
        | F::RightTrim
        | F::ToUpper
        | F::ToLower
        | F::Substring
        | F::Replace
        | F::RegexReplace(_)
        | F::UrlEncode
        | F::UrlDecode
        | F::Base64Encode
        | F::Base64Decode
        | F::HexToAscii
        | F::Sha256
        | F::Md5
        | F::XmlPath(_) => (Wanted::Text, Returned::Text),
        _ => return None,
    })
}

/// The function applied. `regex` is the compiled pattern of `RegexReplace`.
pub(crate) fn evaluate<'a>(
    function: &Function,
    regex: Option<&regex::Regex>,
    arguments: &'a [Datum<'a>],
) -> Datum<'a> {
    match function {
        Function::Greatest => return extreme(arguments, f64::max),
        Function::Least => return extreme(arguments, f64::min),
        Function::Concat => {
            return Datum::Text(arguments.iter().filter_map(Datum::text).collect::<String>().into());
        }
        Function::IsEmpty => return Datum::Boolean(text(arguments, 0).is_none_or(str::is_empty)),
        Function::IsBlank => {
            return Datum::Boolean(text(arguments, 0).is_none_or(|text| text.trim().is_empty()));
        }
        Function::JsonArrayContains
        | Function::IsValidIp(_)
        | Function::IsIpInSubnet(_)
        | Function::IsPrivateIp
        | Function::IsPublicIp
        | Function::IsReservedIp
        | Function::IsNumeric => {
            return Datum::Boolean(test(function, arguments).unwrap_or(false));
        }
        _ => {}
    }
    if arguments.contains(&Datum::Missing) {
        return Datum::Missing;
    }
    let value = match signature(function, 0) {
        Some((_, Returned::Number)) => numeric(function, arguments).and_then(finite),
        Some((_, Returned::Time)) => number(arguments, 0).map(|millis| Datum::Time(millis as i64)),
        Some((_, Returned::Boolean)) => test(function, arguments).map(Datum::Boolean),
        _ => textual(function, regex, arguments).map(Datum::Text),
    };
    value.unwrap_or(Datum::Missing)
}

fn text<'a>(arguments: &'a [Datum<'a>], index: usize) -> Option<&'a str> {
    match arguments.get(index) {
        Some(Datum::Text(text)) => Some(text),
        _ => None,
    }
}

fn number(arguments: &[Datum<'_>], index: usize) -> Option<f64> {
    arguments.get(index).and_then(Datum::number)
}

fn finite<'a>(number: f64) -> Option<Datum<'a>> {
    number.is_finite().then_some(Datum::Number(number))
}

/// Missing arguments are ignored.
fn extreme<'a>(arguments: &[Datum<'_>], better: fn(f64, f64) -> f64) -> Datum<'a> {
    arguments.iter().filter_map(Datum::number).reduce(better).and_then(finite).unwrap_or(Datum::Missing)
}

fn numeric(function: &Function, arguments: &[Datum<'_>]) -> Option<f64> {
    let first = || number(arguments, 0);
    Some(match function {
        Function::Abs => first()?.abs(),
        Function::Ceil => first()?.ceil(),
        Function::Floor => first()?.floor(),
        Function::Sqrt => first()?.sqrt(),
        Function::Log => first()?.ln(),
        Function::Round => {
            let decimals = number(arguments, 1).unwrap_or(0.0).clamp(-300.0, 300.0);
            let scale = 10f64.powi(decimals as i32);
            let scaled = first()? * scale;
            if scaled.is_finite() { scaled.round() / scale } else { first()? }
        }
        Function::ToNumber => first()?,
        Function::ToInteger => first()?.trunc(),
        Function::Histogram => {
            let width = number(arguments, 1)?;
            (first()? / width).floor() * width
        }
        Function::Haversine => {
            haversine(first()?, number(arguments, 1)?, number(arguments, 2)?, number(arguments, 3)?)
        }
        Function::MessageSize => text(arguments, 0)?.len() as f64,
        Function::StringLength => text(arguments, 0)?.chars().count() as f64,
        Function::ParseDate { format, zone } => formats::parse_date(text(arguments, 0)?, format, zone)?,
        Function::JsonArraySize => {
            let list = text(arguments, 0)?;
            if !list.starts_with('[') {
                return None;
            }
            json::elements(list).len() as f64
        }
        Function::HexToDecimal => encoding::hex_to_decimal(text(arguments, 0)?)?,
        Function::Ipv4ToNumber => match text(arguments, 0)?.parse().ok()? {
            IpAddr::V4(address) => f64::from(u32::from(address)),
            IpAddr::V6(_) => return None,
        },
        _ => return None,
    })
}

/// Kilometres on a sphere of 6371 km radius.
fn haversine(latitude_a: f64, longitude_a: f64, latitude_b: f64, longitude_b: f64) -> f64 {
    let (a, b) = (latitude_a.to_radians(), latitude_b.to_radians());
    let half_latitude = ((b - a) / 2.0).sin();
    let half_longitude = ((longitude_b - longitude_a).to_radians() / 2.0).sin();
    let chord = half_latitude.powi(2) + a.cos() * b.cos() * half_longitude.powi(2);
    2.0 * 6371.0 * chord.sqrt().min(1.0).asin()
}

fn test(function: &Function, arguments: &[Datum<'_>]) -> Option<bool> {
    let first = text(arguments, 0)?;
    Some(match function {
        Function::IsNumeric => parse_number(first).is_some(),
        Function::StartsWith => first.starts_with(text(arguments, 1)?),
        Function::EndsWith => first.ends_with(text(arguments, 1)?),
        Function::StringContains if arguments.get(2) == Some(&Datum::Boolean(true)) => {
            first.to_lowercase().contains(&text(arguments, 1)?.to_lowercase())
        }
        Function::StringContains => first.contains(text(arguments, 1)?),
        Function::IsValidIp(version) => of_version(first.parse().ok()?, *version),
        Function::IsIpInSubnet(version) => {
            let address: IpAddr = first.parse().ok()?;
            of_version(address, *version) && in_subnet(address, text(arguments, 1)?)?
        }
        Function::JsonArrayContains => {
            let (wanted, number) = (text(arguments, 1)?, parse_number(text(arguments, 1)?));
            first.starts_with('[')
                && json::elements(first).into_iter().any(|element| match json::value(element) {
                    Some(json::Value::Scalar(value)) => {
                        value == wanted || (number.is_some() && parse_number(&value) == number)
                    }
                    _ => false,
                })
        }
        Function::IsPublicIp => {
            let address = first.parse().ok()?;
            !is_private(address) && !is_reserved(address)
        }
        Function::IsReservedIp => is_reserved(first.parse().ok()?),
        // RFC 1918.
        Function::IsPrivateIp => match first.parse().ok()? {
            IpAddr::V4(address) => address.is_private(),
            IpAddr::V6(_) => false,
        },
        _ => return None,
    })
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_private(),
        IpAddr::V6(address) => address.segments()[0] & 0xfe00 == 0xfc00,
    }
}

/// Set apart by IANA for another use than the public network, and not private.
fn is_reserved(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            address.is_loopback()
                || address.is_link_local()
                || address.is_multicast()
                || address.is_documentation()
                || a == 0
                || a >= 240
                || (a == 100 && b & 0xc0 == 64)
                || (a == 192 && b == 0 && c == 0)
                || (a == 198 && b & 0xfe == 18)
        }
        IpAddr::V6(address) => {
            let segments = address.segments();
            address.is_loopback()
                || address.is_unspecified()
                || address.is_multicast()
                || segments[0] & 0xffc0 == 0xfe80
                || (segments[0] == 0x2001 && segments[1] == 0xdb8)
        }
    }
}

fn of_version(address: IpAddr, version: IpVersion) -> bool {
    match version {
        IpVersion::Any => true,
        IpVersion::V4 => address.is_ipv4(),
        IpVersion::V6 => address.is_ipv6(),
    }
}

fn in_subnet(address: IpAddr, subnet: &str) -> Option<bool> {
    let (network, bits) = subnet.split_once('/')?;
    let bits: u32 = bits.parse().ok()?;
    let (address, network, width) = match (address, network.parse().ok()?) {
        (IpAddr::V4(a), IpAddr::V4(n)) => (u128::from(u32::from(a)), u128::from(u32::from(n)), 32),
        (IpAddr::V6(a), IpAddr::V6(n)) => (u128::from(a), u128::from(n), 128),
        _ => return Some(false),
    };
    let host_bits = u32::checked_sub(width, bits)?;
    let shifted = |value: u128| value.checked_shr(host_bits).unwrap_or(0);
    Some(shifted(address) == shifted(network))
}

fn textual<'a>(
    function: &Function,
    regex: Option<&regex::Regex>,
    arguments: &'a [Datum<'a>],
) -> Option<Cow<'a, str>> {
    match function {
        Function::DecimalToHex => return Some(encoding::decimal_to_hex(number(arguments, 0)?).into()),
        Function::FormatDate { format, zone } => {
            return formats::format_date(number(arguments, 0)?, format, zone).map(Cow::Owned);
        }
        _ => {}
    }
    let first = text(arguments, 0)?;
    let trimmed = |c: char| text(arguments, 1).map_or(c.is_whitespace(), |set| set.contains(c));
    Some(match function {
        Function::Trim => first.trim_matches(trimmed).into(),
        Function::LeftTrim => first.trim_start_matches(trimmed).into(),
        Function::RightTrim => first.trim_end_matches(trimmed).into(),
        Function::ToUpper => first.to_uppercase().into(),
        Function::ToLower => first.to_lowercase().into(),
        Function::Substring => {
            let length = number(arguments, 2).unwrap_or(f64::INFINITY);
            substring(first, number(arguments, 1)?, length).into()
        }
        Function::Replace => match text(arguments, 1)? {
            "" => first.into(),
            find => first.replace(find, text(arguments, 2)?).into(),
        },
        Function::RegexReplace(_) => {
            let replacement = encoding::replacement(text(arguments, 1)?);
            regex?.replace_all(first, replacement.as_str()).into_owned().into()
        }
        Function::UrlEncode => encoding::url_encode(first).into(),
        Function::UrlDecode => encoding::url_decode(first)?.into(),
        Function::Base64Encode => encoding::base64_encode(first.as_bytes()).into(),
        Function::Base64Decode => encoding::base64_decode(first)?.into(),
        Function::HexToAscii => encoding::hex_to_ascii(first)?.into(),
        Function::Sha256 => encoding::sha256(first).into(),
        Function::Md5 => encoding::md5(first).into(),
        Function::JsonStringify => first.into(),
        Function::JsonParse => json::compact(first)?.into(),
        Function::ParseLogfmt => formats::logfmt(first)?.into(),
        Function::XmlPath(path) => formats::xml(first, path)?.into(),
        Function::Split => {
            let pieces: Vec<String> = match text(arguments, 1)? {
                "" => first.chars().map(|c| json::quote(c.encode_utf8(&mut [0; 4]))).collect(),
                delimiter => first.split(delimiter).map(json::quote).collect(),
            };
            format!("[{}]", pieces.join(",")).into()
        }
        _ => return None,
    })
}

/// From a zero-based code point, so many of them.
fn substring(text: &str, start: f64, length: f64) -> &str {
    let count = |value: f64| if value >= 0.0 { value as usize } else { 0 };
    let skip =
        |text: &str, characters: usize| text.char_indices().nth(characters).map_or(text.len(), |(at, _)| at);
    let from = &text[skip(text, count(start))..];
    &from[..skip(from, count(length))]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(function: Function, arguments: &[Datum<'static>]) -> Option<String> {
        evaluate(&function, None, arguments).text().map(Cow::into_owned)
    }

    fn t(text: &'static str) -> Datum<'static> {
        Datum::Text(text.into())
    }

    const N: fn(f64) -> Datum<'static> = Datum::Number;

    #[test]
    fn numbers() {
        assert_eq!(call(Function::Round, &[N(2.346), N(2.0)]).as_deref(), Some("2.35"));
        assert_eq!(call(Function::Round, &[N(-2.5)]).as_deref(), Some("-3"));
        assert_eq!(call(Function::Sqrt, &[N(-1.0)]), None);
        assert_eq!(call(Function::Log, &[N(0.0)]), None);
        assert_eq!(call(Function::Greatest, &[N(1.0), Datum::Missing, N(30.0)]).as_deref(), Some("30"));
        assert_eq!(call(Function::Histogram, &[N(39.0), N(20.0)]).as_deref(), Some("20"));
        assert_eq!(call(Function::Histogram, &[N(39.0), N(0.0)]), None);
        assert_eq!(call(Function::Haversine, &[N(0.0), N(0.0), N(0.0), N(1.0)]).as_deref(), Some("111.1949"));
    }

    #[test]
    fn texts() {
        assert_eq!(call(Function::Substring, &[t("xyZfooxyZ"), N(3.0), N(3.0)]).as_deref(), Some("foo"));
        assert_eq!(call(Function::Substring, &[t("héé"), N(1.0)]).as_deref(), Some("éé"));
        assert_eq!(call(Function::Substring, &[t("abc"), N(9.0)]).as_deref(), Some(""));
        assert_eq!(call(Function::Substring, &[t("abc"), N(-1.0), N(2.0)]).as_deref(), Some("ab"));
        assert_eq!(call(Function::Trim, &[t("xyZxyfooxyxyZ"), t("xyZ")]).as_deref(), Some("foo"));
        assert_eq!(call(Function::Trim, &[t(" a ")]).as_deref(), Some("a"));
        assert_eq!(call(Function::Replace, &[t("aba"), t("a"), t("A")]).as_deref(), Some("AbA"));
        assert_eq!(call(Function::Concat, &[t("a"), Datum::Missing, t("b")]).as_deref(), Some("ab"));
        assert_eq!(call(Function::ToUpper, &[Datum::Missing]), None);
        assert_eq!(
            call(Function::StringContains, &[t("aPi"), t("p"), Datum::Boolean(true)]).as_deref(),
            Some("1")
        );
        assert_eq!(call(Function::StringContains, &[t("aPi"), t("p")]).as_deref(), Some("0"));
        let regex = regex::Regex::new("([ap])").unwrap();
        let arguments = [t("api"), t("<$1>")];
        let replaced = evaluate(&Function::RegexReplace("([ap])".into()), Some(&regex), &arguments);
        assert_eq!(replaced.text().as_deref(), Some("<a><p>i"));
    }

    #[test]
    fn structures() {
        assert_eq!(call(Function::Split, &[t("a,b\"c"), t(",")]).as_deref(), Some(r#"["a","b\"c"]"#));
        assert_eq!(call(Function::JsonParse, &[t(" {\"a\": 1} ")]).as_deref(), Some(r#"{"a":1}"#));
        assert_eq!(call(Function::JsonParse, &[t("12")]), None);
        assert_eq!(call(Function::JsonArraySize, &[t("[1,[2,3]]")]).as_deref(), Some("2"));
        assert_eq!(call(Function::JsonArraySize, &[t("{}")]), None);
        let contains = |list, value| call(Function::JsonArrayContains, &[t(list), t(value)]);
        assert_eq!(contains(r#"["a",1.0]"#, "a").as_deref(), Some("1"));
        assert_eq!(contains(r#"["a",1.0]"#, "1").as_deref(), Some("1"));
        assert_eq!(contains("{}", "a").as_deref(), Some("0"));
    }

    #[test]
    fn addresses() {
        let within = |address, subnet| call(Function::IsIpInSubnet(IpVersion::Any), &[t(address), t(subnet)]);
        assert_eq!(within("192.0.2.9", "192.0.2.0/24").as_deref(), Some("1"));
        assert_eq!(within("192.0.3.9", "192.0.2.0/24").as_deref(), Some("0"));
        assert_eq!(within("192.0.3.9", "0.0.0.0/0").as_deref(), Some("1"));
        assert_eq!(within("::1", "::/0").as_deref(), Some("1"));
        assert_eq!(within("nonsense", "::/0").as_deref(), Some("0"));
        assert_eq!(within("192.0.3.9", "192.0.2.0/99").as_deref(), Some("0"));
        assert_eq!(call(Function::IsValidIp(IpVersion::V6), &[t("10.0.0.1")]).as_deref(), Some("0"));
        assert_eq!(call(Function::IsPrivateIp, &[t("10.1.2.3")]).as_deref(), Some("1"));
        assert_eq!(call(Function::IsPublicIp, &[t("8.8.8.8")]).as_deref(), Some("1"));
        assert_eq!(call(Function::IsPublicIp, &[t("10.1.2.3")]).as_deref(), Some("0"));
        assert_eq!(call(Function::IsPublicIp, &[t("x")]).as_deref(), Some("0"));
        assert_eq!(call(Function::IsReservedIp, &[t("127.0.0.1")]).as_deref(), Some("1"));
        assert_eq!(call(Function::IsReservedIp, &[t("8.8.8.8")]).as_deref(), Some("0"));
        assert_eq!(call(Function::Ipv4ToNumber, &[t("192.0.2.1")]).as_deref(), Some("3221225985"));
    }
}
