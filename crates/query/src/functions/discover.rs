//! Fields of lines that are no JSON: Lambda's, VPC flow logs' and Route 53's (`logs-insights.md` §2).
//!
//! What a line is shows in its shape: its first word, the number of words and their kinds.

use std::borrow::Cow;
use std::net::IpAddr;

/// AWS: CWL_AnalyzeLogData-discoverable-fields.
const LAMBDA: [&str; 9] = [
    "@requestId",
    "@type",
    "@duration",
    "@billedDuration",
    "@initDuration",
    "@memorySize",
    "@maxMemoryUsed",
    "@xrayTraceId",
    "@xraySegmentId",
];

const FLOW: [&str; 14] = [
    "version",
    "accountId",
    "interfaceId",
    "srcAddr",
    "dstAddr",
    "srcPort",
    "dstPort",
    "protocol",
    "packets",
    "bytes",
    "startTime",
    "endTime",
    "action",
    "logStatus",
];

const ROUTE_53: [&str; 10] = [
    "version",
    "queryTimestamp",
    "hostZoneId",
    "queryName",
    "queryType",
    "responseCode",
    "protocol",
    "edgeLocation",
    "resolverIp",
    "ednsClientSubnet",
];

/// Whether lines that are no JSON may have a field of that name.
pub(crate) fn is_known(name: &str) -> bool {
    LAMBDA.contains(&name) || FLOW.contains(&name) || ROUTE_53.contains(&name)
}

/// The field in a line that has it.
pub(crate) fn field<'m>(message: &'m str, name: &str) -> Option<Cow<'m, str>> {
    let message = message.trim_end();
    if message.starts_with('{') {
        return None;
    }
    if name.starts_with('@') {
        return lambda(message, name);
    }
    let value = match FLOW.iter().position(|field| *field == name).and_then(|at| flow(message, at)) {
        Some(value) => value,
        None => ROUTE_53.iter().position(|field| *field == name).and_then(|at| route_53(message, at))?,
    };
    (value != "-").then_some(Cow::Borrowed(value))
}

fn flow(message: &str, at: usize) -> Option<&str> {
    let words: [&str; 14] = words(message)?;
    let number = |word: &str| word == "-" || word.bytes().all(|byte| byte.is_ascii_digit());
    let shape = number(words[0])
        && words[0].len() <= 2
        && words[2].starts_with("eni-")
        && (words[3] == "-" || words[3].parse::<IpAddr>().is_ok())
        && words[5..12].iter().all(|word| number(word))
        && matches!(words[12], "ACCEPT" | "REJECT" | "-")
        && matches!(words[13], "OK" | "NODATA" | "SKIPDATA");
    shape.then_some(words[at])
}

/// Ten words: version, time, zone, name, type, code, protocol, edge, address, subnet.
fn route_53(message: &str, at: usize) -> Option<&str> {
    let words: [&str; 10] = words(message)?;
    let time = words[1].as_bytes();
    let shape = words[0].starts_with("1.")
        && time.len() >= 20
        && time[4] == b'-'
        && time[10] == b'T'
        && words[1].ends_with('Z')
        && matches!(words[6], "UDP" | "TCP")
        && words[8].parse::<IpAddr>().is_ok();
    shape.then_some(words[at])
}

/// The words of a line that has exactly so many.
fn words<const N: usize>(message: &str) -> Option<[&str; N]> {
    let mut words = [""; N];
    let mut found = message.split_ascii_whitespace();
    for word in &mut words {
        *word = found.next()?;
    }
    found.next().is_none().then_some(words)
}

fn lambda<'m>(message: &'m str, name: &str) -> Option<Cow<'m, str>> {
    let kind = platform_line(message);
    match name {
        "@type" => return kind.map(Cow::Borrowed),
        "@requestId" => return request_id(message, kind).map(Cow::Borrowed),
        "@xrayTraceId" => return labelled(message, "XRAY TraceId: ").map(first_word).map(Cow::Borrowed),
        "@xraySegmentId" if message.contains("XRAY TraceId: ") => {
            return labelled(message, "SegmentId: ").map(first_word).map(Cow::Borrowed);
        }
        _ if kind != Some("REPORT") => return None,
        _ => {}
    }
    let (label, unit) = match name {
        "@duration" => ("Duration: ", "ms"),
        "@billedDuration" => ("Billed Duration: ", "ms"),
        "@initDuration" => ("Init Duration: ", "ms"),
        "@memorySize" => ("Memory Size: ", "MB"),
        "@maxMemoryUsed" => ("Max Memory Used: ", "MB"),
        _ => return None,
    };
    let value = message.split('\t').find_map(|part| {
        // The first part holds the request id; `REPORT RequestId: … Duration: …` also comes with blanks.
        part.trim().strip_prefix(label)
    });
    let value = value.or_else(|| labelled(message, &format!("\t{label}")))?.trim();
    let (number, found) = value.split_once(' ')?;
    let number: f64 = number.parse().ok()?;
    let scale = if unit == "MB" { 1e6 } else { 1.0 };
    found.starts_with(unit).then(|| Cow::Owned(double(number * scale)))
}

/// Lines that the platform writes.
fn platform_line(message: &str) -> Option<&str> {
    let word = message.split([' ', '\t']).next()?;
    let known = match word {
        "START" | "END" | "REPORT" => message[word.len()..].starts_with(" RequestId: "),
        "EXTENSION" | "LOGS" | "TELEMETRY" => message[word.len()..].trim_start().starts_with("Name:"),
        "INIT_START" | "INIT_REPORT" | "RESTORE_START" | "RESTORE_REPORT" => true,
        "XRAY" => message.starts_with("XRAY TraceId: "),
        _ => false,
    };
    known.then_some(word)
}

fn request_id<'m>(message: &'m str, kind: Option<&str>) -> Option<&'m str> {
    if kind.is_some() {
        return labelled(message, "RequestId: ").map(first_word);
    }
    // `<time> \t <uuid> \t <level> \t <text>`
    let mut parts = message.split('\t');
    let time = parts.next()?.trim();
    let id = parts.next()?.trim();
    (time.len() >= 20 && time.as_bytes()[4] == b'-' && is_uuid(id)).then_some(id)
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn labelled<'m>(message: &'m str, label: &str) -> Option<&'m str> {
    message.find(label).map(|at| &message[at + label.len()..])
}

fn first_word(text: &str) -> &str {
    text.split_ascii_whitespace().next().unwrap_or_default()
}

/// A double as Java writes it: at least one decimal, an exponent from 10^7 on.
fn double(number: f64) -> String {
    if number != 0.0 && !(1e-3..1e7).contains(&number.abs()) {
        let text = format!("{number:e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let point = if mantissa.contains('.') { "" } else { ".0" };
        return format!("{mantissa}{point}E{exponent}");
    }
    if number.fract() == 0.0 { format!("{number:.1}") } else { number.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(message: &str, name: &str) -> Option<String> {
        field(message, name).map(Cow::into_owned)
    }

    #[test]
    fn lambda_lines() {
        let report = "REPORT RequestId: 8286a188-ba32-4475-8077-530cd35c09a9\tDuration: 3.01 ms\tBilled Duration: 4 ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB\tInit Duration: 110.10 ms\t\nXRAY TraceId: 1-5e3d-ab\tSegmentId: 4dd1\tSampled: true";
        for (name, value) in [
            ("@requestId", "8286a188-ba32-4475-8077-530cd35c09a9"),
            ("@type", "REPORT"),
            ("@duration", "3.01"),
            ("@billedDuration", "4.0"),
            ("@memorySize", "1.28E8"),
            ("@maxMemoryUsed", "3.6E7"),
            ("@initDuration", "110.1"),
            ("@xrayTraceId", "1-5e3d-ab"),
            ("@xraySegmentId", "4dd1"),
        ] {
            assert_eq!(get(report, name).as_deref(), Some(value), "{name}");
        }
        let line = "2024-05-01T10:00:00.000Z\t8286a188-ba32-4475-8077-530cd35c09a9\tINFO\thello";
        assert_eq!(get(line, "@requestId").as_deref(), Some("8286a188-ba32-4475-8077-530cd35c09a9"));
        assert_eq!(get(line, "@type"), None);
        assert_eq!(get("START of it", "@type"), None);
        assert_eq!(get("REPORT RequestId: x", "@duration"), None);
        assert_eq!(double(0.0), "0.0");
    }

    #[test]
    fn flow_logs_and_queries() {
        let flow = "2 123456789010 eni-abc123de 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK";
        assert_eq!(get(flow, "srcAddr").as_deref(), Some("172.31.16.139"));
        assert_eq!(get(flow, "bytes").as_deref(), Some("4249"));
        assert_eq!(get(flow, "queryName"), None);
        let none = "2 123456789010 eni-1 - - - - - - - 1418530010 1418530070 - NODATA";
        assert_eq!(get(none, "srcAddr"), None);
        assert_eq!(get(none, "logStatus").as_deref(), Some("NODATA"));
        let dns = "1.0 2017-12-13T08:16:02.130Z Z123412341234 example.com A NOERROR UDP FRA6 2001:db8::1234 2001:db8:abcd::/48";
        assert_eq!(get(dns, "queryName").as_deref(), Some("example.com"));
        assert_eq!(get(dns, "protocol").as_deref(), Some("UDP"));
        assert_eq!(get("a b c d e f g h i j", "queryName"), None);
    }
}
