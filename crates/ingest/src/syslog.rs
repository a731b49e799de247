//! Syslog messages (RFC 5424 and RFC 3164) as log events: the message is stored as it came, and what it says of its
//! time, host and program decides when it happened and where it goes.
//!
//! Source: RFC 5424, RFC 3164, RFC 6587; and `spec/agent.md` §7.2.

use base::Timestamp;
use chrono::{Datelike, Utc};
use signals::LogEvent;
use syslog_loose::{Variant, parse_message_with_year_tz};

/// How far a message's own time may be behind and ahead of its receipt to be believed.
const BEHIND_MILLIS_MAX: i64 = 24 * 3_600_000;
const AHEAD_MILLIS_MAX: i64 = 2 * 3_600_000;

/// A message and what decides where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyslogMessage {
    pub event: LogEvent,
    /// The host the message names.
    pub hostname: Option<String>,
    pub app_name: Option<String>,
}

/// Reads a message received at `now`. Every text is a message: one that is neither RFC's form names nobody.
pub fn message(text: &str, now: Timestamp) -> SyslogMessage {
    let text = text.trim_end_matches(['\r', '\n', '\0']);
    let today = now.to_datetime();
    // A date without a year is the last one before now, give or take a month of clock trouble.
    let year = |(month, ..): (u32, u32, u32, u32, u32)| {
        if month > today.month() + 1 { today.year() - 1 } else { today.year() }
    };
    let parsed = parse_message_with_year_tz(text, year, Some(Utc), Variant::Either);
    let said = parsed.timestamp.map(|time| Timestamp::from_millis(time.timestamp_millis()));
    let is_believable = |time: &Timestamp| {
        let age = now.as_millis().saturating_sub(time.as_millis());
        (-AHEAD_MILLIS_MAX..=BEHIND_MILLIS_MAX).contains(&age)
    };
    let owned = |name: Option<&str>| name.filter(|name| !name.is_empty() && *name != "-").map(str::to_owned);
    SyslogMessage {
        event: LogEvent::new(said.filter(is_believable).unwrap_or(now), text),
        hostname: owned(parsed.hostname),
        app_name: owned(parsed.appname),
    }
}

/// A name of a group or stream from a template with `{hostname}`, `{app_name}` and `{source_ip}`. What the message
/// does not say is `unknown`; characters that names cannot have become `_`.
pub fn name_of(template: &str, message: &SyslogMessage, source_ip: &str) -> String {
    let or_unknown = |name: &Option<String>| name.clone().unwrap_or_else(|| "unknown".to_owned());
    let filled = template
        .replace("{hostname}", &or_unknown(&message.hostname))
        .replace("{app_name}", &or_unknown(&message.app_name))
        .replace("{source_ip}", source_ip);
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/' | '#');
    filled.chars().take(512).map(|c| if allowed(c) { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-01-02T03:04:05Z
    const NOW: Timestamp = Timestamp::from_secs(1_767_323_045);

    fn shown(text: &str) -> (i64, Option<String>, Option<String>) {
        let SyslogMessage { event, hostname, app_name } = message(text, NOW);
        assert_eq!(event.text(), text.trim_end_matches('\n'));
        (event.timestamp.as_millis() - NOW.as_millis(), hostname, app_name)
    }

    fn expected(offset: i64, host: &str, app: &str) -> (i64, Option<String>, Option<String>) {
        let name = |name: &str| (!name.is_empty()).then(|| name.to_owned());
        (offset, name(host), name(app))
    }

    #[test]
    fn both_forms_are_read() {
        let modern = "<34>1 2026-01-02T03:04:04.500Z web su - ID47 - 'su root' failed\n";
        assert_eq!(shown(modern), expected(-500, "web", "su"));
        assert_eq!(shown("<34>Jan  2 03:04:00 web sshd[12]: hello"), expected(-5_000, "web", "sshd"));
        assert_eq!(
            shown("<34>Dec 31 23:59:59 web cron: last year"),
            (0, Some("web".into()), Some("cron".into()))
        );
    }

    #[test]
    fn a_time_that_cannot_be_is_not_believed() {
        assert_eq!(shown("<34>1 2020-01-02T03:04:05Z web su - - - old").0, 0);
        assert_eq!(shown("<34>1 2026-01-02T09:04:05Z web su - - - ahead").0, 0);
    }

    #[test]
    fn anything_is_a_message() {
        for text in ["", "hello", "<999>x", "<34>", "é\u{0}x"] {
            assert_eq!(shown(text).0, 0, "{text:?}");
        }
    }

    #[test]
    fn names_are_filled_and_made_valid() {
        let found = message("<34>1 2026-01-02T03:04:05Z web:1 su - - - x", NOW);
        assert_eq!(name_of("/syslog/{hostname}/{app_name}", &found, "::1"), "/syslog/web_1/su");
        assert_eq!(name_of("{source_ip}", &found, "::1"), "__1");
        assert_eq!(name_of("{hostname}", &message("x", NOW), "::1"), "unknown");
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,80}", framed in "<[0-9]{0,4}>[0-9]? ?[A-Za-z0-9: .\\[\\]\"=-]{0,60}") {
            message(&text, NOW);
            message(&framed, NOW);
        }
    }
}
