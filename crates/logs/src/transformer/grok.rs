//! Grok: named patterns that a line is made of (`spec/logs-more.md` §4.1).
//!
//! The patterns are those of the documentation's list, written for the `regex` crate: no look-around, so numbers and
//! words are bounded by what surrounds them in the line's own pattern.

use regex::Regex;

use super::value::{Object, Value, set};
use crate::error::LogsError;

/// Named patterns of one expression.
const PATTERNS_MAX: usize = 20;
/// AWS: how often patterns that may match anything may be used (CloudWatch-Logs-Transformation-Configurable.html).
const WIDE: [&str; 7] =
    ["SPACE", "DATA", "GREEDYDATA", "GREEDYDATA_MULTILINE", "URI", "URIPARAM", "URIPATHPARAM"];
const WIDE_MAX: usize = 5;
const NEST_MAX: usize = 8;

#[derive(Debug, Clone)]
pub(super) struct Grok {
    regex: Regex,
    /// By number of the group: where its text goes.
    captures: Vec<(usize, Capture)>,
}

#[derive(Debug, Clone)]
struct Capture {
    path: String,
    form: Form,
}

/// How a captured text is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    /// Without the quotes around it.
    Unquoted,
    Number,
    /// `10/Oct/2000:13:25:15 -0700`, kept as ISO 8601.
    HttpDate,
    /// Left out when it is `-`.
    Optional,
}

impl Grok {
    pub(super) fn compile(expression: &str) -> Result<Self, LogsError> {
        let mut builder = Builder::default();
        match whole_line(expression) {
            Some(line) => builder.whole_line(line)?,
            None => builder.expression(expression)?,
        }
        if builder.captures.is_empty() {
            return Err(refused("it captures nothing"));
        }
        let regex = lang_regex(&builder.out)?;
        let index = |name: &str| {
            let mut names = regex.capture_names();
            names.position(|known| known == Some(name)).unwrap_or_default()
        };
        let captures = builder
            .captures
            .into_iter()
            .enumerate()
            .map(|(number, capture)| (index(&format!("g{number}")), capture))
            .collect();
        Ok(Self { captures, regex })
    }

    /// Puts what the text holds into `root`; false if it does not match.
    pub(super) fn apply(&self, text: &str, root: &mut Object) -> bool {
        let Some(found) = self.regex.captures(text) else { return false };
        for (group, capture) in &self.captures {
            if let Some(text) = found.get(*group)
                && let Some(value) = capture.form.value(text.as_str())
            {
                set(root, &capture.path, value, true);
            }
        }
        true
    }
}

impl Form {
    fn value(self, text: &str) -> Option<Value> {
        match self {
            Self::Text => Some(Value::text(text)),
            Self::Unquoted => {
                let inner = ['"', '\'', '`']
                    .iter()
                    .find_map(|quote| text.strip_prefix(*quote).and_then(|text| text.strip_suffix(*quote)));
                Some(Value::text(inner.unwrap_or(text)))
            }
            Self::Number => Some(Value::number_or_text(text)).filter(|_| text != "-"),
            Self::HttpDate => {
                let date = chrono::DateTime::parse_from_str(text, "%d/%b/%Y:%H:%M:%S %z").ok()?;
                Some(Value::text(date.to_utc().format("%Y-%m-%dT%H:%M:%SZ").to_string()))
            }
            Self::Optional => Some(Value::text(text)).filter(|_| text != "-"),
        }
    }
}

/// The patterns for whole lines, with the fields they make.
const APACHE: &str = "%{NOTSPACE:remote_host} %{NOTSPACE:-} %{NOTSPACE:-} \\[%{HTTPDATE:timestamp!date}\\] \
                      \"%{WORD:http_method} %{NOTSPACE:request} HTTP/%{NUMBER:http_version}\" \
                      %{NOTSPACE:status_code!number} %{NOTSPACE:response_size!number}";
const NGINX: &str = "%{NOTSPACE:remote_host} %{NOTSPACE:-} %{NOTSPACE:auth_user!optional} \
                     \\[%{HTTPDATE:timestamp!date}\\] \"%{WORD:http_method} %{NOTSPACE:request} \
                     HTTP/%{NUMBER:http_version}\" %{NOTSPACE:status_code!number} \
                     %{NOTSPACE:response_size!number} \"%{DATA:referrer!optional}\" \"%{DATA:agent!optional}\"";
const SYSLOG: &str = "<%{NONNEGINT:pri!number}>%{NONNEGINT:version!number} %{NOTSPACE:timestamp!optional} \
                      %{NOTSPACE:hostname!optional} %{NOTSPACE:app!optional} %{NOTSPACE:-} \
                      %{NOTSPACE:msg_id!optional} %{SYSLOGDATA:structured_data!optional}%{SYSLOGTEXT:message}";

/// The expression of a whole-line pattern and what follows it.
fn whole_line(expression: &str) -> Option<(&'static str, &str)> {
    let lines = [("%{APACHE_ACCESS_LOG}", APACHE), ("%{NGINX_ACCESS_LOG}", NGINX), ("%{SYSLOG5424}", SYSLOG)];
    lines.into_iter().find_map(|(name, line)| Some((line, expression.strip_prefix(name)?)))
}

#[derive(Default)]
struct Builder {
    out: String,
    captures: Vec<Capture>,
    used: usize,
    wide: usize,
    not_space: usize,
}

impl Builder {
    fn whole_line(&mut self, (line, rest): (&'static str, &str)) -> Result<(), LogsError> {
        self.out.push('^');
        self.line(line)?;
        self.out.push_str("\\s*");
        if rest.trim().is_empty() {
            self.out.push('$');
            return Ok(());
        }
        // AWS: at most one pattern follows, and it takes all the rest.
        let name = |rest: &str| rest.trim().strip_prefix("%{")?.split([':', '}']).next().map(str::to_owned);
        let wide = ["DATA", "GREEDYDATA", "GREEDYDATA_MULTILINE"];
        if !name(rest).is_some_and(|name| wide.contains(&name.as_str())) || rest.matches("%{").count() != 1 {
            return Err(refused("only one DATA or GREEDYDATA may follow a pattern for whole lines"));
        }
        self.expression(rest.trim())?;
        self.out.push('$');
        Ok(())
    }

    /// One of the lines above: the form is behind a `!`, and `-` names nothing.
    fn line(&mut self, line: &str) -> Result<(), LogsError> {
        let mut rest = line;
        while let Some((before, after)) = rest.split_once("%{") {
            self.out.push_str(before);
            let (inner, after) = after.split_once('}').expect("the lines above are closed");
            let (name, field) = inner.split_once(':').expect("the lines above name fields");
            let (field, form) = field.split_once('!').unwrap_or((field, ""));
            let form = match form {
                "number" => Form::Number,
                "date" => Form::HttpDate,
                "optional" => Form::Optional,
                _ => Form::Text,
            };
            let pattern = expand(name, 0)?;
            if field == "-" {
                self.out.push_str(&format!("(?:{pattern})"));
            } else {
                self.capture(field, form, &pattern);
            }
            rest = after;
        }
        self.out.push_str(rest);
        Ok(())
    }

    fn capture(&mut self, path: &str, form: Form, pattern: &str) {
        self.out.push_str(&format!("(?P<g{}>{pattern})", self.captures.len()));
        self.captures.push(Capture { path: path.to_owned(), form });
    }

    fn expression(&mut self, expression: &str) -> Result<(), LogsError> {
        let mut rest = expression;
        while let Some((before, after)) = rest.split_once("%{") {
            self.out.push_str(before);
            let (inner, after) = after.split_once('}').ok_or_else(|| refused("a %{ is not closed"))?;
            let (name, field) = inner.split_once(':').unwrap_or((inner, ""));
            self.count(name)?;
            let pattern = expand(name, 0)?;
            let legal = |c: char| c.is_alphanumeric() || "_-.@".contains(c);
            if !field.chars().all(legal) {
                return Err(refused(format!("'{field}' is no field name")));
            }
            if field.is_empty() {
                self.out.push_str(&format!("(?:{pattern})"));
            } else {
                let form = if name == "QUOTEDSTRING" { Form::Unquoted } else { Form::Text };
                self.capture(field, form, &pattern);
            }
            rest = after;
        }
        self.out.push_str(rest);
        Ok(())
    }

    fn count(&mut self, name: &str) -> Result<(), LogsError> {
        self.used += 1;
        self.wide += usize::from(WIDE.contains(&name));
        self.not_space += usize::from(name == "NOTSPACE");
        if self.used > PATTERNS_MAX {
            return Err(refused(format!("more than {PATTERNS_MAX} patterns")));
        }
        if self.wide > WIDE_MAX || self.not_space > WIDE_MAX {
            return Err(refused(format!("a pattern is used more than {WIDE_MAX} times")));
        }
        Ok(())
    }
}

fn refused(what: impl std::fmt::Display) -> LogsError {
    LogsError::invalid(format!("Invalid grok pattern: {what}."))
}

fn lang_regex(source: &str) -> Result<Regex, LogsError> {
    lang::text::regex::compile(source).map_err(refused)
}

/// The regular expression of a named pattern, with the patterns in it.
fn expand(name: &str, depth: usize) -> Result<String, LogsError> {
    let known = PATTERNS.binary_search_by_key(&name, |(known, _)| known);
    let Ok(index) = known else { return Err(refused(format!("there is no pattern {name}"))) };
    if depth > NEST_MAX {
        return Err(refused("the patterns are nested too deeply"));
    }
    let mut out = String::new();
    let mut rest = PATTERNS[index].1;
    while let Some((before, after)) = rest.split_once("%{") {
        let (inner, after) = after.split_once('}').expect("the patterns below are closed");
        out.push_str(before);
        out.push_str(&format!("(?:{})", expand(inner, depth + 1)?));
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// Sorted by name.
const PATTERNS: &[(&str, &str)] = &[
    ("ARN", r"arn:[a-z0-9-]+:[a-z0-9-]*:[a-z0-9-]*:[0-9]*:\S+"),
    ("BASE10NUM", r"[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)"),
    ("BASE16NUM", r"[+-]?(?:0x)?[0-9A-Fa-f]+"),
    ("CISCOMAC", r"(?:[A-Fa-f0-9]{4}\.){2}[A-Fa-f0-9]{4}"),
    ("COMMONMAC", r"(?:[A-Fa-f0-9]{2}:){5}[A-Fa-f0-9]{2}"),
    ("DATA", r".*?"),
    ("DATE", r"%{DATE_US}|%{DATE_EU}"),
    ("DATESTAMP", r"%{DATE}[- ]%{TIME}"),
    ("DATESTAMP_EVENTLOG", r"%{YEAR}%{MONTHNUM2}%{MONTHDAY}%{HOUR}%{MINUTE}%{SECOND}"),
    ("DATESTAMP_OTHER", r"%{DAY} %{MONTH} %{MONTHDAY} %{TIME} %{TZ} %{YEAR}"),
    ("DATESTAMP_RFC2822", r"%{DAY}, %{MONTHDAY} %{MONTH} %{YEAR} %{TIME} %{ISO8601_TIMEZONE}"),
    ("DATESTAMP_RFC822", r"%{DAY} %{MONTH} %{MONTHDAY} %{YEAR} %{TIME} %{TZ}"),
    ("DATE_EU", r"%{MONTHDAY}[./-]%{MONTHNUM}[./-]%{YEAR}"),
    ("DATE_US", r"%{MONTHNUM}[/-]%{MONTHDAY}[/-]%{YEAR}"),
    ("DAY", r"(?:Mon|Tue|Tues|Wed|Thu|Thur|Thurs|Fri|Sat|Sun)(?:day|nesday|rsday|urday)?"),
    ("GREEDYDATA", r".*"),
    ("GREEDYDATA_MULTILINE", r"(?s:.*)"),
    ("HOST", r"%{HOSTNAME}"),
    ("HOSTNAME", r"[0-9A-Za-z][0-9A-Za-z-]{0,62}(?:\.[0-9A-Za-z][0-9A-Za-z-]{0,62})*\.?"),
    ("HOSTPORT", r"%{IPORHOST}:%{POSINT}"),
    ("HOUR", r"2[0123]|[01]?[0-9]"),
    ("HTTPDATE", r"%{MONTHDAY}/%{MONTH}/%{YEAR}:%{TIME} [+-]?[0-9]+"),
    ("INT", r"[+-]?[0-9]+"),
    ("IP", r"%{IPV6}|%{IPV4}"),
    ("IPORHOST", r"%{IP}|%{HOSTNAME}"),
    (
        "IPV4",
        r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\.(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])){3}",
    ),
    (
        "IPV6",
        r"(?:(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}|(?:[0-9A-Fa-f]{1,4}:){1,6}:[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,4}|(?:[0-9A-Fa-f]{1,4}:){1,7}:|::(?:[0-9A-Fa-f]{1,4}:){0,6}[0-9A-Fa-f]{1,4}|::)(?:%[0-9A-Za-z]+)?",
    ),
    ("ISO8601_SECOND", r"%{SECOND}|60"),
    ("ISO8601_TIMEZONE", r"Z|[+-]%{HOUR}:?%{MINUTE}"),
    (
        "LOGLEVEL",
        r"[Aa]lert|ALERT|[Tt]race|TRACE|[Dd]ebug|DEBUG|[Nn]otice|NOTICE|[Ii]nfo(?:rmation)?|INFO(?:RMATION)?|[Ww]arn(?:ing)?|WARN(?:ING)?|[Ee]rr(?:or)?|ERR(?:OR)?|[Cc]rit(?:ical)?|CRIT(?:ICAL)?|[Ff]atal|FATAL|[Ss]evere|SEVERE|[Ee]merg(?:ency)?|EMERG(?:ENCY)?",
    ),
    ("MAC", r"%{CISCOMAC}|%{WINDOWSMAC}|%{COMMONMAC}"),
    ("MINUTE", r"[0-5][0-9]"),
    (
        "MONTH",
        r"Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sep(?:tember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?",
    ),
    ("MONTHDAY", r"0[1-9]|[12][0-9]|3[01]|[1-9]"),
    ("MONTHNUM", r"0[1-9]|1[0-2]|[1-9]"),
    ("MONTHNUM2", r"0[1-9]|1[0-2]"),
    ("NONNEGINT", r"[0-9]+"),
    ("NOTSPACE", r"\S+"),
    ("NUMBER", r"%{BASE10NUM}"),
    ("PATH", r"%{UNIXPATH}|%{WINPATH}"),
    ("POSINT", r"[1-9][0-9]*"),
    ("PROG", r"[!-Z^-~]+"),
    ("QUOTEDSTRING", r#""(?:\\.|[^\\"])*"|'(?:\\.|[^\\'])*'|`(?:\\.|[^\\`])*`"#),
    ("SECOND", r"(?:[0-5]?[0-9]|60)(?:[:.,][0-9]+)?"),
    ("SPACE", r"\s*"),
    ("SYSLOGDATA", r"-|(?:\[(?:[^\]\\]|\\.)*\])+"),
    ("SYSLOGFACILITY", r"<%{NONNEGINT}\.%{NONNEGINT}>"),
    ("SYSLOGHOST", r"%{IPORHOST}"),
    ("SYSLOGPROG", r"%{PROG}(?:\[%{POSINT}\])?"),
    ("SYSLOGTEXT", r"(?: (?s:.*))?"),
    ("SYSLOGTIMESTAMP", r"%{MONTH} +%{MONTHDAY} %{TIME}"),
    ("TIME", r"%{HOUR}:%{MINUTE}(?::%{SECOND})?"),
    (
        "TIMESTAMP_ISO8601",
        r"%{YEAR}-%{MONTHNUM}-%{MONTHDAY}[T ]%{HOUR}:?%{MINUTE}(?::?%{SECOND})?(?:%{ISO8601_TIMEZONE})?",
    ),
    ("TTY", r"/dev/(?:pts|tty(?:[pq])?)(?:\w+)?/?(?:[0-9]+)?"),
    ("TZ", r"[PMCE][SD]T|UTC|GMT"),
    ("UNIXPATH", r"(?:/[\w_%!$@:.,~+-]*)+"),
    ("URI", r"%{URIPROTO}://(?:%{USER}(?::[^@]*)?@)?(?:%{URIHOST})?(?:%{URIPATHPARAM})?"),
    ("URIHOST", r"%{IPORHOST}(?::%{POSINT})?"),
    ("URIPARAM", r"\?[A-Za-z0-9$.+!*'|(){},~@#%&/=:;_?\-\[\]<>]*"),
    ("URIPATH", r"(?:/[A-Za-z0-9$.+!*'(){},~:;=@#%&_\-]*)+"),
    ("URIPATHPARAM", r"%{URIPATH}(?:%{URIPARAM})?"),
    ("URIPROTO", r"[A-Za-z][A-Za-z0-9+.-]+"),
    ("URN", r"urn:[0-9A-Za-z][0-9A-Za-z-]{0,31}:\S+"),
    ("USER", r"%{USERNAME}"),
    ("USERNAME", r"[a-zA-Z0-9._-]+"),
    ("UUID", r"[A-Fa-f0-9]{8}-(?:[A-Fa-f0-9]{4}-){3}[A-Fa-f0-9]{12}"),
    ("WINDOWSMAC", r"(?:[A-Fa-f0-9]{2}-){5}[A-Fa-f0-9]{2}"),
    ("WINPATH", r"(?:[A-Za-z]+:|\\)(?:\\[^\\?*]*)+"),
    ("WORD", r"\w+"),
    ("YEAR", r"[0-9]{4}|[0-9]{2}"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_is_found_and_compiles() {
        assert!(PATTERNS.is_sorted_by_key(|(name, _)| *name));
        for (name, _) in PATTERNS {
            Grok::compile(&format!("%{{{name}:x}}")).unwrap();
        }
    }

    #[test]
    fn samples_of_patterns() {
        for (name, text) in [
            ("IP", "2001:db8::ff00:42:8329"),
            ("IP", "::1"),
            ("IPV4", "10.0.255.1"),
            ("MAC", "01-23-45-67-89-ab"),
            ("HTTPDATE", "10/Oct/2000:13:25:15 -0700"),
            ("TIMESTAMP_ISO8601", "2024-01-02T03:04:05.678Z"),
            ("SYSLOGTIMESTAMP", "Oct  9 22:33:20"),
            ("LOGLEVEL", "WARNING"),
            ("URI", "https://user:pw@example.com:8080/a/b?c=d"),
            ("UUID", "550e8400-e29b-41d4-a716-446655440000"),
            ("DATESTAMP_RFC2822", "Mon, 15 Aug 2005 15:52:01 +0000"),
            ("ARN", "arn:aws:iam::123456789012:user/x"),
        ] {
            let mut root = Object::new();
            assert!(Grok::compile(&format!("^%{{{name}:x}}$")).unwrap().apply(text, &mut root), "{name}");
            assert_eq!(root["x"], Value::text(text), "{name}");
        }
    }

    #[test]
    fn limits_and_nonsense() {
        for bad in [
            "%{NOPE:x}",
            "%{WORD:x",
            "no capture",
            "%{WORD}",
            "%{WORD:a b}",
            "(%{WORD:x}",
            &"%{WORD:x}".repeat(21),
            &"%{DATA:x}".repeat(6),
            &"%{NOTSPACE:x} ".repeat(6),
            "%{APACHE_ACCESS_LOG} %{WORD:x}",
        ] {
            assert!(Grok::compile(bad).is_err(), "{bad}");
        }
        assert!(Grok::compile(&"%{WORD:x} ".repeat(20)).is_ok());
        assert!(Grok::compile("%{NGINX_ACCESS_LOG} %{GREEDYDATA:rest}").is_ok());
    }
}
