//! Notifications in the words of chats and pagers: Slack's message and PagerDuty's event.
//!
//! Sources: <https://docs.slack.dev/legacy/legacy-messaging/legacy-secondary-message-attachments>,
//! <https://developer.pagerduty.com/docs/events-api-v2/trigger-events/>.

use base::Timestamp;
use serde_json::{Map, Value, json};

use super::Note;

const RED: &str = "#c0392b";
const GREEN: &str = "#2e8b57";
const GREY: &str = "#8a8f98";
/// Longest summary PagerDuty takes.
const SUMMARY_CHARACTERS_MAX: usize = 1024;
/// Longest text a Slack attachment shows in full.
const TEXT_CHARACTERS_MAX: usize = 3000;

/// The members of an alarm's message that adapters speak of.
struct Alarm<'a> {
    name: &'a str,
    arn: &'a str,
    state: &'a str,
    previous: &'a str,
    reason: &'a str,
    region: &'a str,
    description: Option<&'a str>,
    changed: &'a str,
}

impl<'a> Alarm<'a> {
    fn of(message: &'a Value) -> Option<Self> {
        let text = |name: &str| message.get(name).and_then(Value::as_str);
        Some(Self {
            name: text("AlarmName")?,
            state: text("NewStateValue")?,
            arn: text("AlarmArn").unwrap_or_default(),
            previous: text("OldStateValue").unwrap_or_default(),
            reason: text("NewStateReason").unwrap_or_default(),
            region: text("Region").unwrap_or_default(),
            description: text("AlarmDescription"),
            changed: text("StateChangeTime").unwrap_or_default(),
        })
    }

    fn color(&self) -> &'static str {
        match self.state {
            "ALARM" => RED,
            "OK" => GREEN,
            _ => GREY,
        }
    }
}

pub(super) fn slack_message(note: &Note, now: Timestamp) -> Value {
    let parsed = serde_json::from_str::<Value>(&note.message).unwrap_or_default();
    let Some(alarm) = Alarm::of(&parsed) else {
        let title = note.subject.clone().unwrap_or_else(|| note.source.clone());
        return json!({
            "text": escaped(&title),
            "attachments": [{
                "color": GREY,
                "fallback": escaped(&title),
                "text": escaped(&cut(&note.message, TEXT_CHARACTERS_MAX)),
                "footer": escaped(&note.source),
                "ts": now.as_secs(),
            }],
        });
    };
    let title = format!("{}: {}", alarm.state, alarm.name);
    let field = |title: &str, value: &str, short: bool| json!({ "title": title, "value": escaped(value), "short": short });
    let mut fields = vec![field("Reason", &cut(alarm.reason, TEXT_CHARACTERS_MAX), false)];
    if let Some(description) = alarm.description.filter(|text| !text.is_empty()) {
        fields.push(field("Description", description, false));
    }
    fields.push(field("Before", alarm.previous, true));
    fields.push(field("Region", alarm.region, true));
    json!({
        "text": escaped(&title),
        "attachments": [{
            "color": alarm.color(),
            "fallback": escaped(&title),
            "title": escaped(note.subject.as_deref().unwrap_or(&title)),
            "fields": fields,
            "footer": escaped(alarm.arn),
            "ts": now.as_secs(),
        }],
    })
}

/// Slack's control characters (<https://docs.slack.dev/messaging/formatting-message-text#escaping>).
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

pub(super) fn pagerduty_event(note: &Note, routing_key: &str, now: Timestamp) -> Value {
    let parsed = serde_json::from_str::<Value>(&note.message).unwrap_or_default();
    let alarm = Alarm::of(&parsed);
    let mut event = Map::new();
    event.insert("routing_key".to_owned(), routing_key.into());
    let (action, dedup_key, summary, source, severity, details) = match &alarm {
        Some(alarm) => {
            // A state without data resolves nothing and is worth a look.
            let (action, severity) = match alarm.state {
                "OK" => ("resolve", "info"),
                "ALARM" => ("trigger", "critical"),
                _ => ("trigger", "warning"),
            };
            let dedup_key = if alarm.arn.is_empty() { alarm.name } else { alarm.arn };
            let summary = format!("{}: {} ({})", alarm.state, alarm.name, alarm.reason);
            (action, dedup_key, summary, dedup_key, severity, parsed.clone())
        }
        None => {
            let summary = note.subject.clone().unwrap_or_else(|| note.message.clone());
            (
                "trigger",
                note.id.as_str(),
                summary,
                note.source.as_str(),
                "info",
                json!({ "message": note.message }),
            )
        }
    };
    event.insert("event_action".to_owned(), action.into());
    event.insert("dedup_key".to_owned(), cut(dedup_key, 255).into());
    let timestamp = alarm.as_ref().map(|a| a.changed).filter(|t| !t.is_empty());
    let payload = json!({
        "summary": cut(&summary, SUMMARY_CHARACTERS_MAX),
        "source": source,
        "severity": severity,
        "timestamp": timestamp.map_or_else(|| now.to_iso8601_millis(), str::to_owned),
        "custom_details": details,
    });
    event.insert("payload".to_owned(), payload);
    event.insert("client".to_owned(), "Nephoscope".into());
    Value::Object(event)
}

fn cut(text: &str, characters: usize) -> String {
    text.chars().take(characters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alarm(state: &str) -> Note {
        Note {
            subject: Some(format!("{state}: \"disk\" in US East (N. Virginia)")),
            message: json!({
                "AlarmName": "disk", "AlarmArn": "arn:aws:cloudwatch:us-east-1:1:alarm:disk",
                "NewStateValue": state, "OldStateValue": "OK", "NewStateReason": "91 > 90 & rising",
                "StateChangeTime": "2024-06-01T00:00:00.000+0000", "Region": "US East (N. Virginia)",
                "AlarmDescription": null,
            })
            .to_string(),
            source: "arn:aws:sns:us-east-1:1:t".to_owned(),
            id: "m".to_owned(),
        }
    }

    #[test]
    fn an_alarm_triggers_an_incident_and_its_end_resolves_the_same_one() {
        let now = Timestamp::from_secs(1_717_200_000);
        let trigger = pagerduty_event(&alarm("ALARM"), "R0", now);
        let resolve = pagerduty_event(&alarm("OK"), "R0", now);
        assert_eq!(trigger["event_action"], "trigger");
        assert_eq!(trigger["payload"]["severity"], "critical");
        assert_eq!(trigger["payload"]["timestamp"], "2024-06-01T00:00:00.000+0000");
        assert_eq!(trigger["payload"]["custom_details"]["AlarmName"], "disk");
        assert_eq!(resolve["event_action"], "resolve");
        assert_eq!(trigger["dedup_key"], resolve["dedup_key"]);
    }

    #[test]
    fn a_plain_message_is_one_incident_by_its_id() {
        let note = Note { subject: None, message: "backup failed".to_owned(), ..alarm("ALARM") };
        let event = pagerduty_event(&note, "R0", Timestamp::EPOCH);
        assert_eq!(event["dedup_key"], "m");
        assert_eq!(event["payload"]["summary"], "backup failed");
        assert_eq!(event["payload"]["source"], "arn:aws:sns:us-east-1:1:t");
    }

    #[test]
    fn slack_shows_state_and_reason_with_its_control_characters_escaped() {
        let message = slack_message(&alarm("ALARM"), Timestamp::from_secs(5));
        assert_eq!(message["text"], "ALARM: disk");
        let attachment = &message["attachments"][0];
        assert_eq!(attachment["color"], RED);
        assert_eq!(attachment["fields"][0]["value"], "91 &gt; 90 &amp; rising");
        assert_eq!(attachment["ts"], 5);
        let note = Note { subject: Some("S".to_owned()), message: "hello".to_owned(), ..alarm("OK") };
        assert_eq!(slack_message(&note, Timestamp::EPOCH)["attachments"][0]["text"], "hello");
    }
}
