//! Data-protection policy documents.

use serde_json::{Map, Value};

use super::detector::custom_regex;
use crate::error::LogsError;

const CHARACTERS_MAX: usize = 30_720;
const CUSTOM_MAX: usize = 10;
const CUSTOM_NAME_CHARACTERS_MAX: usize = 128;
const CUSTOM_REGEX_CHARACTERS_MAX: usize = 200;
const MANAGED: &str = "arn:aws:dataprotection::aws:data-identifier/";

/// What a policy detects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Policy {
    /// Names of managed identifiers.
    pub(crate) managed: Vec<String>,
    /// Regular expressions of custom identifiers.
    pub(crate) custom: Vec<String>,
}

fn refused(what: impl std::fmt::Display) -> LogsError {
    LogsError::invalid(format!("Invalid data protection policy: {what}."))
}

impl Policy {
    pub(crate) fn parse(document: &str) -> Result<Self, LogsError> {
        if document.chars().count() > CHARACTERS_MAX {
            return Err(refused(format!("it is longer than {CHARACTERS_MAX} characters")));
        }
        let document: Map<String, Value> = serde_json::from_str(document).map_err(refused)?;
        if document.get("Version").and_then(Value::as_str) != Some("2021-06-01") {
            return Err(refused("Version must be 2021-06-01"));
        }
        let custom = custom_identifiers(&document)?;
        let statements = document.get("Statement").and_then(Value::as_array);
        let Some([audit, mask]) = statements.map(Vec::as_slice) else {
            return Err(refused("it must have two statements"));
        };
        check_audit(audit)?;
        let config = mask.pointer("/Operation/Deidentify/MaskConfig").and_then(Value::as_object);
        if !config.is_some_and(Map::is_empty) {
            return Err(refused(
                "the second statement must have Operation.Deidentify with an empty MaskConfig",
            ));
        }
        let identifiers = identifiers(audit)?;
        if identifiers != self::identifiers(mask)? {
            return Err(refused("both statements must have the same DataIdentifier list"));
        }
        let mut policy = Self { managed: Vec::new(), custom: Vec::new() };
        for identifier in identifiers {
            if let Some(name) = identifier.strip_prefix(MANAGED) {
                let legal = |c: char| c.is_ascii_alphanumeric() || c == '-';
                if name.is_empty() || !name.chars().all(legal) {
                    return Err(refused(format!("{identifier} is no managed data identifier")));
                }
                policy.managed.push(name.to_owned());
            } else if let Some((_, regex)) = custom.iter().find(|(name, _)| name == identifier) {
                policy.custom.push(regex.clone());
            } else {
                return Err(refused(format!("there is no data identifier {identifier}")));
            }
        }
        Ok(policy)
    }
}

/// AWS: findings may go to a log group, a stream or a bucket. Here they are counted as a metric; a destination would
/// stay empty, so none is accepted.
fn check_audit(statement: &Value) -> Result<(), LogsError> {
    let destination = statement.pointer("/Operation/Audit/FindingsDestination").and_then(Value::as_object);
    let destination = destination
        .ok_or_else(|| refused("the first statement must have Operation.Audit.FindingsDestination"))?;
    match destination.keys().next() {
        Some(kind) => Err(refused(format!("a FindingsDestination of {kind} is not supported"))),
        None => Ok(()),
    }
}

fn identifiers(statement: &Value) -> Result<Vec<&str>, LogsError> {
    let list = statement.get("DataIdentifier").and_then(Value::as_array).filter(|list| !list.is_empty());
    let texts: Option<Vec<&str>> = list.and_then(|list| list.iter().map(Value::as_str).collect());
    texts.ok_or_else(|| refused("a statement must have a DataIdentifier list"))
}

fn custom_identifiers(document: &Map<String, Value>) -> Result<Vec<(String, String)>, LogsError> {
    let Some(configuration) = document.get("Configuration") else { return Ok(Vec::new()) };
    let Some(list) = configuration.get("CustomDataIdentifier") else { return Ok(Vec::new()) };
    let list = list.as_array().filter(|list| list.len() <= CUSTOM_MAX);
    let list = list.ok_or_else(|| refused(format!("at most {CUSTOM_MAX} custom data identifiers")))?;
    let mut found: Vec<(String, String)> = Vec::with_capacity(list.len());
    for identifier in list {
        let text = |member: &str| identifier.get(member).and_then(Value::as_str);
        let (Some(name), Some(regex)) = (text("Name"), text("Regex")) else {
            return Err(refused("a custom data identifier must have Name and Regex"));
        };
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if name.is_empty() || name.len() > CUSTOM_NAME_CHARACTERS_MAX || !name.chars().all(legal) {
            return Err(refused(format!("'{name}' is no name of a custom data identifier")));
        }
        if regex.is_empty() || regex.chars().count() > CUSTOM_REGEX_CHARACTERS_MAX {
            return Err(refused(format!(
                "Regex of {name} must have 1 to {CUSTOM_REGEX_CHARACTERS_MAX} characters"
            )));
        }
        custom_regex(regex).map_err(|error| refused(format!("Regex of {name}: {error}")))?;
        if found.iter().any(|(known, _)| known == name) {
            return Err(refused(format!("the custom data identifier {name} is there twice")));
        }
        found.push((name.to_owned(), regex.to_owned()));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document() -> Value {
        let identifiers = json!([format!("{MANAGED}EmailAddress"), "Employee"]);
        json!({
            "Name": "p", "Version": "2021-06-01",
            "Statement": [
                {"Sid": "a", "DataIdentifier": identifiers, "Operation": {"Audit": {"FindingsDestination": {}}}},
                {"Sid": "b", "DataIdentifier": identifiers, "Operation": {"Deidentify": {"MaskConfig": {}}}},
            ],
            "Configuration": {"CustomDataIdentifier": [{"Name": "Employee", "Regex": "E-\\d{6}"}]},
        })
    }

    #[test]
    fn policies() {
        let policy = Policy::parse(&document().to_string()).unwrap();
        assert_eq!(policy.managed, ["EmailAddress"]);
        assert_eq!(policy.custom, ["E-\\d{6}"]);
        type Change = fn(&mut Value);
        let bad: &[(&str, Change)] = &[
            ("version", |d| d["Version"] = json!("2012-10-17")),
            ("one statement", |d| {
                d["Statement"].as_array_mut().unwrap().pop();
            }),
            ("other lists", |d| d["Statement"][1]["DataIdentifier"] = json!([format!("{MANAGED}IpAddress")])),
            ("no list", |d| d["Statement"][0]["DataIdentifier"] = json!([])),
            ("mask config", |d| d["Statement"][1]["Operation"]["Deidentify"]["MaskConfig"] = json!({"a": 1})),
            ("no audit", |d| d["Statement"][0]["Operation"] = json!({})),
            ("destination", |d| {
                d["Statement"][0]["Operation"]["Audit"]["FindingsDestination"] =
                    json!({"S3": {"Bucket": "b"}});
            }),
            ("unknown custom", |d| d["Configuration"] = json!({})),
            ("bad regex", |d| d["Configuration"]["CustomDataIdentifier"][0]["Regex"] = json!("(")),
            ("long regex", |d| {
                d["Configuration"]["CustomDataIdentifier"][0]["Regex"] = json!("a".repeat(201))
            }),
            ("bad name", |d| d["Configuration"]["CustomDataIdentifier"][0]["Name"] = json!("a b")),
        ];
        for (name, change) in bad {
            let mut document = document();
            change(&mut document);
            assert!(Policy::parse(&document.to_string()).is_err(), "{name}");
        }
        for bad in ["", "[]", "{", "{}"] {
            assert!(Policy::parse(bad).is_err(), "{bad}");
        }
    }
}
