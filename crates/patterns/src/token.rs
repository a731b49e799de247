//! A message as tokens: words that may be part of a pattern, values of a recognised form, and delimiters.

/// The form of a value, as AWS names it in a pattern's `<Type-n>`.
/// Source: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData_Patterns.html>.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum Kind {
    /// A date with or without a time.
    Date,
    /// A time of day or an amount of hours, minutes and seconds.
    Time,
    /// IPv4 or IPv6, with or without port or prefix length.
    IPAddress,
    Uuid,
    /// A word with a digit, or a long hexadecimal number.
    Id,
    /// Digits with sign, decimals, exponent, unit or per cent.
    Number,
    /// Any other word whose place takes several values.
    Token,
}

impl Kind {
    /// As it is written in a pattern.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Date => "Date",
            Kind::Time => "Time",
            Kind::IPAddress => "IPAddress",
            Kind::Uuid => "UUID",
            Kind::Id => "ID",
            Kind::Number => "Number",
            Kind::Token => "Token",
        }
    }

    /// What two values of these kinds have in common.
    pub(crate) fn with(self, other: Kind) -> Kind {
        match (self, other) {
            (a, b) if a == b => a,
            (Kind::Number | Kind::Id | Kind::Uuid, Kind::Number | Kind::Id | Kind::Uuid) => Kind::Id,
            _ => Kind::Token,
        }
    }
}

/// One token of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) text: &'a str,
    pub(crate) form: Form,
    /// White space stood before it.
    pub(crate) spaced: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Form {
    /// Could be part of the pattern.
    Word,
    Value(Kind),
    Delimiter(u8),
}

/// Splits words beside white space; each is a token of its own.
const DELIMITERS: &[u8] = b"[](){},;:=\"'<>|";

fn is_delimiter(byte: u8) -> bool {
    DELIMITERS.contains(&byte)
}

/// Where a word ends.
fn is_boundary(byte: u8) -> bool {
    byte.is_ascii_whitespace() || is_delimiter(byte)
}

/// Cuts a message into at most `tokens_max` tokens, which it appends to `out`. Text beyond is left out.
pub(crate) fn tokenise<'a>(message: &'a str, tokens_max: usize, out: &mut Vec<Token<'a>>) {
    let bytes = message.as_bytes();
    let (mut at, mut spaced) = (0, false);
    while at < bytes.len() && out.len() < tokens_max {
        let byte = bytes[at];
        if byte.is_ascii_whitespace() {
            spaced = true;
            at += 1;
            continue;
        }
        let (end, form) = token_at(message, at);
        out.push(Token { text: &message[at..end], form, spaced });
        spaced = false;
        at = end;
    }
}

/// The token that begins at `at`, which is not white space.
fn token_at(message: &str, at: usize) -> (usize, Form) {
    let bytes = message.as_bytes();
    let rest = &bytes[at..];
    if let Some((length, kind)) = composite(rest) {
        return (at + length, Form::Value(kind));
    }
    if is_delimiter(bytes[at]) {
        return (at + 1, Form::Delimiter(bytes[at]));
    }
    let length = rest.iter().position(|byte| is_boundary(*byte)).unwrap_or(rest.len());
    let (body, trailing) = without_trailing_stops(&message[at..at + length]);
    let form = word(body);
    // A full stop after a value ends a sentence and is no part of it.
    let end = at + length - if matches!(form, Form::Value(_)) { trailing } else { 0 };
    (end.max(at + 1), form)
}

fn without_trailing_stops(word: &str) -> (&str, usize) {
    let body = word.trim_end_matches(['.', '!', '?']);
    if body.is_empty() { (word, 0) } else { (body, word.len() - body.len()) }
}

/// The form of a word without delimiters.
fn word(text: &str) -> Form {
    let bytes = text.as_bytes();
    if is_uuid(bytes) {
        return Form::Value(Kind::Uuid);
    }
    if is_number(bytes) {
        return Form::Value(Kind::Number);
    }
    if bytes.iter().any(u8::is_ascii_digit) || is_long_hex(bytes) {
        return Form::Value(Kind::Id);
    }
    Form::Word
}

/// Values that contain delimiters or white space: dates, times, addresses.
fn composite(rest: &[u8]) -> Option<(usize, Kind)> {
    let first = *rest.first()?;
    if first == b'/' {
        // Java writes socket addresses as `/10.0.0.1:80`.
        return ipv4(&rest[1..]).map(|length| (1 + length, Kind::IPAddress));
    }
    if !(first.is_ascii_alphanumeric() || first == b':') {
        return None;
    }
    let found = date_time(rest)
        .or_else(|| clf_date(rest))
        .or_else(|| syslog_date(rest))
        .or_else(|| time(rest).map(|length| (length, Kind::Time)))
        .or_else(|| ipv4(rest).map(|length| (length, Kind::IPAddress)))
        .or_else(|| ipv6(rest).map(|length| (length, Kind::IPAddress)))?;
    let ends = rest.get(found.0).is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_');
    ends.then_some(found)
}

fn digits(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

fn at(bytes: &[u8], index: usize) -> u8 {
    bytes.get(index).copied().unwrap_or(0)
}

/// `2026-01-02`, `2026/01/02`, `02.01.2026` or `01/02/2026`, with `T12:34:56.789Z` or ` 12:34:56,789` behind it.
fn date_time(bytes: &[u8]) -> Option<(usize, Kind)> {
    let first = digits(bytes);
    let separator = at(bytes, first);
    if !matches!(separator, b'-' | b'/' | b'.') || !matches!(first, 1 | 2 | 4) {
        return None;
    }
    let middle = digits(&bytes[first + 1..]);
    let second_separator = first + 1 + middle;
    if !(1..=2).contains(&middle) || at(bytes, second_separator) != separator {
        return None;
    }
    let last = digits(&bytes[second_separator + 1..]);
    let is_date =
        if first == 4 { (1..=2).contains(&last) } else { last == 4 || (last == 2 && separator == b'/') };
    if !is_date {
        return None;
    }
    let date = second_separator + 1 + last;
    if matches!(at(bytes, date), b'T' | b' ' | b'-' | b'.')
        && let Some(length) = time(&bytes[date + 1..])
    {
        return Some((date + 1 + length, Kind::Date));
    }
    Some((date, Kind::Date))
}

/// `02/Jan/2026:12:34:56 +0000` of web servers.
fn clf_date(bytes: &[u8]) -> Option<(usize, Kind)> {
    let is_date = digits(bytes) == 2
        && at(bytes, 2) == b'/'
        && is_month(bytes.get(3..6)?)
        && at(bytes, 6) == b'/'
        && digits(&bytes[7..]) == 4
        && at(bytes, 11) == b':';
    let length = 12 + time(bytes.get(12..).filter(|_| is_date)?)?;
    let zone = &bytes[length..];
    let has_zone =
        zone.len() >= 6 && zone[0] == b' ' && matches!(zone[1], b'+' | b'-') && digits(&zone[2..]) == 4;
    Some((length + if has_zone { 6 } else { 0 }, Kind::Date))
}

/// `Jan  2 12:34:56` of syslog, perhaps after `Mon `, and `Jan 02 12:34:56 2026` of C's `ctime`.
fn syslog_date(bytes: &[u8]) -> Option<(usize, Kind)> {
    let mut start = 0;
    if bytes.len() > 4 && is_weekday(&bytes[..3]) && bytes[3] == b' ' {
        start = 4;
    }
    if !is_month(bytes.get(start..start + 3)?) {
        return None;
    }
    let mut here = start + 3;
    let spaces = bytes[here..].iter().take_while(|byte| **byte == b' ').count();
    let day = digits(&bytes[here + spaces..]);
    if !(1..=2).contains(&spaces) || !(1..=2).contains(&day) {
        return None;
    }
    here += spaces + day;
    if at(bytes, here) != b' ' {
        return None;
    }
    here += 1 + time(&bytes[here + 1..])?;
    // Without the weekday it is syslog's form, and what follows could be any number.
    let has_year = start > 0 && at(bytes, here) == b' ' && digits(&bytes[here + 1..]) == 4;
    if has_year && bytes.get(here + 5).is_none_or(|byte| is_boundary(*byte)) {
        here += 5;
    }
    Some((here, Kind::Date))
}

fn is_month(bytes: &[u8]) -> bool {
    const MONTHS: [&[u8]; 12] =
        [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
    MONTHS.contains(&bytes)
}

fn is_weekday(bytes: &[u8]) -> bool {
    const DAYS: [&[u8]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];
    DAYS.contains(&bytes)
}

/// `12:34`, `12:34:56`, `12:34:56.789`, `12:34:56,789Z`, `12:34:56+01:00`: the length.
fn time(bytes: &[u8]) -> Option<usize> {
    let hours = digits(bytes);
    if !(1..=2).contains(&hours) || at(bytes, hours) != b':' || digits(&bytes[hours + 1..]) != 2 {
        return None;
    }
    let mut here = hours + 3;
    if at(bytes, here) == b':' && digits(&bytes[here + 1..]) == 2 {
        here += 3;
        if matches!(at(bytes, here), b'.' | b',') {
            let fraction = digits(&bytes[here + 1..]);
            if (1..=9).contains(&fraction) {
                here += 1 + fraction;
            }
        }
    } else if at(bytes, here) == b':' {
        return None;
    }
    match at(bytes, here) {
        b'Z' => here += 1,
        b'+' | b'-' if digits(&bytes[here + 1..]) == 4 => here += 5,
        b'+' | b'-'
            if digits(&bytes[here + 1..]) == 2
                && at(bytes, here + 3) == b':'
                && digits(&bytes[here + 4..]) == 2 =>
        {
            here += 6;
        }
        _ => {}
    }
    Some(here)
}

/// `10.0.0.1`, `10.0.0.1:80`, `10.0.0.0/16`: the length.
fn ipv4(bytes: &[u8]) -> Option<usize> {
    let mut here = 0;
    for part in 0..4 {
        let length = digits(&bytes[here..]);
        let value = std::str::from_utf8(&bytes[here..here + length.min(4)]).ok()?.parse::<u16>().ok()?;
        if !(1..=3).contains(&length) || value > 255 {
            return None;
        }
        here += length;
        if part < 3 {
            if at(bytes, here) != b'.' {
                return None;
            }
            here += 1;
        }
    }
    if at(bytes, here) == b'.' && at(bytes, here + 1).is_ascii_digit() {
        return None;
    }
    let (separator, suffix) = (at(bytes, here), digits(bytes.get(here + 1..).unwrap_or_default()));
    let suffix_max = match separator {
        b':' => 5,
        b'/' => 2,
        _ => 0,
    };
    Some(if (1..=suffix_max).contains(&suffix) { here + 1 + suffix } else { here })
}

/// Hexadecimal groups with at least two colons, as `fe80::1` and `2001:db8:0:0:0:0:0:1`: the length. Times look
/// alike and are tried before.
fn ipv6(bytes: &[u8]) -> Option<usize> {
    let length = bytes.iter().take_while(|byte| byte.is_ascii_hexdigit() || **byte == b':').count();
    let text = std::str::from_utf8(&bytes[..length]).ok()?;
    let text = text.strip_suffix(':').filter(|text| !text.ends_with(':')).unwrap_or(text);
    // Shorter ones could be the `a::b` of a program.
    let is_long = text.len() >= 6 || text == "::1";
    (is_long && text.parse::<std::net::Ipv6Addr>().is_ok()).then_some(text.len())
}

fn is_uuid(bytes: &[u8]) -> bool {
    bytes.len() == 36
        && bytes.iter().enumerate().all(|(i, byte)| match i {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Sixteen or more hexadecimal digits are an id even where, by chance, none of them is a digit.
fn is_long_hex(bytes: &[u8]) -> bool {
    bytes.len() >= 16 && bytes.iter().all(u8::is_ascii_hexdigit)
}

/// `-12`, `3.5`, `1e-9`, `12ms`, `3.4MB`, `50%`, `$12`, `#7`, `1/2`, `0x1f`.
fn is_number(bytes: &[u8]) -> bool {
    let start = bytes.iter().take_while(|byte| matches!(byte, b'-' | b'+' | b'$' | b'#' | b'~')).count();
    let body = &bytes[start..];
    if start > 1 || !body.first().is_some_and(u8::is_ascii_digit) {
        return false;
    }
    if let Some(hex) = body.strip_prefix(b"0x") {
        return !hex.is_empty() && hex.iter().all(u8::is_ascii_hexdigit);
    }
    let number = body.iter().take_while(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'/')).count();
    let unit = &body[number..];
    const UNITS: [&[u8]; 31] = [
        b"",
        b"%",
        b"ns",
        b"us",
        b"\xc2\xb5s",
        b"ms",
        b"s",
        b"sec",
        b"secs",
        b"m",
        b"min",
        b"mins",
        b"h",
        b"d",
        b"B",
        b"b",
        b"k",
        b"K",
        b"kB",
        b"KB",
        b"KiB",
        b"M",
        b"MB",
        b"MiB",
        b"G",
        b"GB",
        b"GiB",
        b"TB",
        b"x",
        b"L",
        b"Hz",
    ];
    UNITS.contains(&unit)
        || matches!(unit, [b'e' | b'E', rest @ ..] if {
            let rest = rest.strip_prefix(b"-").or_else(|| rest.strip_prefix(b"+")).unwrap_or(rest);
            !rest.is_empty() && rest.iter().all(u8::is_ascii_digit)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forms(message: &str) -> String {
        let mut tokens = Vec::new();
        tokenise(message, 500, &mut tokens);
        let mut out = String::new();
        for token in tokens {
            if token.spaced && !out.is_empty() {
                out.push(' ');
            }
            match token.form {
                Form::Word => out.push_str(token.text),
                Form::Value(kind) => out.push_str(&format!("<{}>", kind.name())),
                Form::Delimiter(byte) => out.push(byte as char),
            }
        }
        out
    }

    #[test]
    fn values_of_known_form_are_recognised() {
        for (message, expected) in [
            ("2026-01-02T03:04:05.678Z start", "<Date> start"),
            ("2026-01-02 03:04:05,678 INFO x", "<Date> INFO x"),
            ("at 2026/01/02, at 02.01.2026.", "at <Date>, at <Date>."),
            ("[02/Jan/2026:03:04:05 +0000] GET", "[<Date>] GET"),
            ("Jan  2 03:04:05 host sshd[12]: hi", "<Date> host sshd[<Number>]: hi"),
            ("Mon Jan 02 03:04:05 2026: hi", "<Date>: hi"),
            ("took 03:04:05.5 or 3:04", "took <Time> or <Time>"),
            ("from 10.0.0.1:8080 to 10.0.0.0/16", "from <IPAddress> to <IPAddress>"),
            ("client /10.0.0.1:80, /usr/bin", "client <IPAddress>, /usr/bin"),
            ("via fe80::1 and 2001:db8:0:0:0:0:0:1.", "via <IPAddress> and <IPAddress>."),
            ("id=3b241101-e2bb-4255-8caf-4136c566a962", "id=<UUID>"),
            ("blk_123 0x1f deadbeefdeadbeefdead", "<ID> <Number> <ID>"),
            (
                "-12 3.5 1e-9 12ms 3.4MB 50% v1.2",
                "<Number> <Number> <Number> <Number> <Number> <Number> <ID>",
            ),
            ("version 1.2.3.4.5", "version <Number>"),
            ("well 12: done", "well <Number>: done"),
            ("a:b c::d", "a:b c::d"),
            ("e.g. 7.", "e.g. <Number>."),
            ("{\"level\":\"info\",\"n\":1}", "{\"level\":\"info\",\"n\":<Number>}"),
        ] {
            assert_eq!(forms(message), expected, "{message}");
        }
    }

    #[test]
    fn a_message_of_anything_is_cut_without_losing_place() {
        for message in
            ["", " ", "...", "é12é", "12:", ":::", "1.1.1.", "2026-", "Jan ", "Jan 2 ", "\u{7f}\u{0}"]
        {
            let mut tokens = Vec::new();
            tokenise(message, 500, &mut tokens);
            let joined: String = tokens.iter().map(|token| token.text).collect();
            let expected: String = message.chars().filter(|c| !c.is_ascii_whitespace()).collect();
            assert_eq!(joined.replace(' ', ""), expected, "{message:?}");
        }
    }
}
