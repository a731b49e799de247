//! Secrets never reach a record, also where the model does not mark them. Source: `spec/cloudtrail.md` §6.2.

use serde_json::Value;

const HIDDEN: &str = "HIDDEN_DUE_TO_SECURITY_REASONS";

/// Members whose value is hidden, in lower case.
const SECRETS: [&str; 6] =
    ["secretaccesskey", "secretstring", "secretbinary", "plaintext", "ciphertextblob", "privatekey"];

/// Members left out, in lower case: customers' payload rather than parameters.
const PAYLOAD: [&str; 4] = ["logeventmessages", "logevents", "metricdata", "tracesegmentdocuments"];

/// `value` without secrets and payload.
pub(super) fn redacted(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .filter_map(|(name, value)| {
                let lower = name.to_ascii_lowercase();
                if PAYLOAD.contains(&lower.as_str()) {
                    return None;
                }
                let secret = lower.starts_with("password") || SECRETS.contains(&lower.as_str());
                Some((name.clone(), if secret { Value::from(HIDDEN) } else { redacted(value) }))
            })
            .collect(),
        Value::Array(items) => items.iter().map(redacted).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn hides_secrets_at_any_depth() {
        let value = json!({
            "password": "a", "passwordResetRequired": true, "userName": "u",
            "credentials": {"secretAccessKey": "k", "sessionToken": "t"},
            "list": [{"plaintext": "p"}],
            "logEventMessages": ["m"],
        });
        assert_eq!(
            redacted(&value),
            json!({
                "password": HIDDEN, "passwordResetRequired": HIDDEN, "userName": "u",
                "credentials": {"secretAccessKey": HIDDEN, "sessionToken": "t"},
                "list": [{"plaintext": HIDDEN}],
            })
        );
    }
}
