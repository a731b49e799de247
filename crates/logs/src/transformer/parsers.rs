//! Parsers: from text to members (`spec/logs-more.md` §4.1). Each answers `None` where the text is not of its form.

use std::sync::LazyLock;

use regex::Regex;

use super::value::{Object, Value, parse_object};

/// Columns of a line of values.
const COLUMNS_MAX: usize = 1000;

pub(super) struct Csv<'a> {
    pub(super) delimiter: char,
    pub(super) quote: char,
    pub(super) columns: &'a [String],
}

impl Csv<'_> {
    pub(super) fn parse(&self, line: &str) -> Option<Object> {
        let mut members = Object::new();
        for (index, value) in self.split(line)?.into_iter().enumerate() {
            let name = match self.columns.get(index) {
                Some(name) => name.clone(),
                None => format!("column_{}", index + 1),
            };
            members.insert(name, Value::Text(value));
        }
        Some(members)
    }

    /// A quote opens a value at its start only; doubled inside, it is one quote.
    fn split(&self, line: &str) -> Option<Vec<String>> {
        let mut values = Vec::new();
        let mut value = String::new();
        let (mut quoted, mut fresh) = (false, true);
        let mut rest = line.trim_end_matches(['\r', '\n']).chars().peekable();
        while let Some(c) = rest.next() {
            if quoted && c == self.quote {
                match rest.next_if_eq(&self.quote) {
                    Some(quote) => value.push(quote),
                    None => quoted = false,
                }
            } else if !quoted && c == self.delimiter {
                values.push(std::mem::take(&mut value));
                fresh = true;
                if values.len() > COLUMNS_MAX {
                    return None;
                }
                continue;
            } else if fresh && c == self.quote {
                quoted = true;
            } else {
                value.push(c);
            }
            fresh = false;
        }
        values.push(value);
        (!quoted).then_some(values)
    }
}

pub(super) struct KeyValue<'a> {
    pub(super) field_delimiter: &'a str,
    pub(super) key_value_delimiter: &'a str,
    pub(super) prefix: &'a str,
    pub(super) non_match: Option<&'a str>,
}

impl KeyValue<'_> {
    pub(super) fn parse(&self, text: &str) -> Option<Object> {
        let mut members = Object::new();
        for pair in text.split(self.field_delimiter).take(COLUMNS_MAX) {
            let (key, value) = match (pair.split_once(self.key_value_delimiter), self.non_match) {
                (Some((key, value)), _) => (key, value),
                (None, Some(value)) => (pair, value),
                (None, None) => continue,
            };
            if !key.is_empty() {
                members.insert(format!("{}{key}", self.prefix), Value::text(value));
            }
        }
        (!members.is_empty()).then_some(members)
    }
}

/// Web ACL logs: lists of names and values become maps.
pub(super) fn waf(message: &str) -> Option<Object> {
    let mut root = parse_object(message)?;
    if let Some(Value::Object(request)) = root.get_mut("httpRequest")
        && let Some(headers) = request.get_mut("headers")
    {
        mapped(headers);
    }
    if let Some(labels) = root.get_mut("labels") {
        mapped(labels);
    }
    Some(root)
}

/// `[{"name": n, "value": v}]` → `{n: v}`. What has no value is merged as it is; what repeats becomes a list.
fn mapped(list: &mut Value) {
    let Value::List(elements) = list else { return };
    let mut map = Object::new();
    for element in std::mem::take(elements) {
        let Value::Object(mut members) = element else { continue };
        match (members.shift_remove("name"), members.shift_remove("value")) {
            (Some(Value::Text(name)), Some(value)) => push(&mut map, name, value),
            (Some(name), None) => push(&mut map, "name".to_owned(), name),
            _ => {}
        }
    }
    *list = Value::Object(map);
}

fn push(map: &mut Object, name: String, value: Value) {
    match map.get_mut(&name) {
        None => {
            map.insert(name, value);
        }
        Some(Value::List(values)) => values.push(value),
        Some(earlier) => {
            let first = std::mem::replace(earlier, Value::Null);
            *earlier = Value::List(vec![first, value]);
        }
    }
}

/// `<time>:<host(port)>:<user>@<db>:[<pid>]:<LEVEL>:…`
pub(super) fn postgres(message: &str) -> Option<Object> {
    static LINE: LazyLock<Regex> = LazyLock::new(|| {
        let line = r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? [^:]+):([^:@]*(?:::[^@]*)?):([^@:]*)@([^:]*):\[(\d+)\]:\s*([A-Z0-9]+):";
        Regex::new(line).expect("the expression is well formed")
    });
    let found = LINE.captures(message)?;
    let names = ["logTime", "srcIp", "userName", "dbName", "processId", "logLevel"];
    let member =
        |(index, name): (usize, &str)| Some((name.to_owned(), Value::text(found.get(index + 1)?.as_str())));
    names.into_iter().enumerate().map(member).collect()
}

/// Names of the fields of a line, and whether each is a number where it looks like one.
type Layout = [(&'static str, bool)];

const CLOUDFRONT: &Layout = &[
    ("date", false),
    ("time", false),
    ("x-edge-location", false),
    ("sc-bytes", true),
    ("c-ip", false),
    ("cs-method", false),
    ("cs(Host)", false),
    ("cs-uri-stem", false),
    ("sc-status", true),
    ("cs(Referer)", false),
    ("cs(User-Agent)", false),
    ("cs-uri-query", false),
    ("cs(Cookie)", false),
    ("x-edge-result-type", false),
    ("x-edge-request-id", false),
    ("x-host-header", false),
    ("cs-protocol", false),
    ("cs-bytes", true),
    ("time-taken", true),
    ("x-forwarded-for", false),
    ("ssl-protocol", false),
    ("ssl-cipher", false),
    ("x-edge-response-result-type", false),
    ("cs-protocol-version", false),
    ("fle-status", false),
    ("fle-encrypted-fields", true),
    ("c-port", true),
    ("time-to-first-byte", true),
    ("x-edge-detailed-result-type", false),
    ("sc-content-type", false),
    ("sc-content-len", true),
    ("sc-range-start", true),
    ("sc-range-end", true),
];
const ROUTE53: &Layout = &[
    ("version", true),
    ("queryTimestamp", false),
    ("hostZoneId", false),
    ("queryName", false),
    ("queryType", false),
    ("responseCode", false),
    ("protocol", false),
    ("edgeLocation", false),
    ("resolverIp", false),
    ("ednsClientSubnet", false),
];
const VPC: &Layout = &[
    ("version", true),
    ("accountId", false),
    ("interfaceId", false),
    ("srcAddr", false),
    ("dstAddr", false),
    ("srcPort", true),
    ("dstPort", true),
    ("protocol", true),
    ("packets", true),
    ("bytes", true),
    ("start", true),
    ("end", true),
    ("action", false),
    ("logStatus", false),
];

pub(super) fn cloudfront(message: &str) -> Option<Object> {
    let line = message.trim_end_matches(['\r', '\n']);
    let fields: Vec<String> = line.split('\t').map(percent_decoded).collect();
    laid_out(CLOUDFRONT, fields.iter().map(String::as_str))
}

pub(super) fn route53(message: &str) -> Option<Object> {
    laid_out(ROUTE53, message.split_ascii_whitespace())
}

pub(super) fn vpc(message: &str) -> Option<Object> {
    laid_out(VPC, message.split_ascii_whitespace())
}

fn laid_out<'t>(layout: &Layout, fields: impl Iterator<Item = &'t str>) -> Option<Object> {
    let fields: Vec<&str> = fields.take(layout.len() + 1).collect();
    if fields.len() != layout.len() {
        return None;
    }
    let value =
        |text: &str, number: bool| if number { Value::number_or_text(text) } else { Value::text(text) };
    let members = layout.iter().zip(fields);
    Some(members.map(|((name, number), text)| ((*name).to_owned(), value(text, *number))).collect())
}

/// `%20` and the like; what is no such escape stays. Bytes that are no UTF-8 leave the field as it was.
fn percent_decoded(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = |offset: usize| bytes.get(at + offset).and_then(|b| char::from(*b).to_digit(16));
        match (bytes[at], hex(1), hex(2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            (byte, ..) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_values() {
        let csv = Csv { delimiter: ',', quote: '"', columns: &["a".to_owned()] };
        for (line, expected) in [
            ("1,2", Some(vec!["1", "2"])),
            (r#""a,""b""",c"#, Some(vec![r#"a,"b""#, "c"])),
            (r#"x"y,"#, Some(vec![r#"x"y"#, ""])),
            ("", Some(vec![""])),
            (r#""open,x"#, None),
        ] {
            assert_eq!(
                csv.split(line),
                expected.map(|v| v.into_iter().map(str::to_owned).collect()),
                "{line}"
            );
        }
        let names: Vec<String> = csv.parse("1,2").unwrap().into_keys().collect();
        assert_eq!(names, ["a", "column_2"]);
    }

    #[test]
    fn web_acl_logs() {
        let message = r#"{"action":"BLOCK","httpRequest":{"headers":[{"name":"Host","value":"h"},{"name":"X","value":"1"},{"name":"X","value":"2"}]},"labels":[{"name":"value"}]}"#;
        let found = serde_json::to_string(&Value::Object(waf(message).unwrap())).unwrap();
        assert_eq!(
            found,
            r#"{"action":"BLOCK","httpRequest":{"headers":{"Host":"h","X":["1","2"]}},"labels":{"name":"value"}}"#
        );
        assert!(waf("text").is_none());
    }

    #[test]
    fn cloudfront_lines_are_decoded() {
        let mut fields = vec!["-"; 33];
        (fields[3], fields[10], fields[18]) = ("2390282", "Mozilla/5.0%20(x)%zz", "0.001");
        let found = cloudfront(&fields.join("\t")).unwrap();
        assert_eq!(found["sc-bytes"], Value::Number(2_390_282.into()));
        assert_eq!(found["cs(User-Agent)"], Value::text("Mozilla/5.0 (x)%zz"));
        assert_eq!(found["time-taken"], Value::number_or_text("0.001"));
        assert_eq!(found["c-ip"], Value::text("-"));
        assert!(cloudfront("a\tb").is_none());
    }
}
