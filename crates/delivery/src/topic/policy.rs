//! Policies of topics: the default one, statements of AddPermission, and whether another account may act.
//!
//! Principals of the topic's own account are subject to explicit denials only: there are no identity-based
//! policies here that could allow less.

use base::AccountId;
use serde_json::{Map, Value, json};

use super::FoundTopic;
use crate::error::SnsError;

/// The actions a topic policy may speak of (sns-access-policy-language-api-permissions-reference).
const ACTIONS: [&str; 8] = [
    "GetTopicAttributes",
    "SetTopicAttributes",
    "AddPermission",
    "RemovePermission",
    "DeleteTopic",
    "Subscribe",
    "ListSubscriptionsByTopic",
    "Publish",
];

/// The policy a topic has until it is given one.
fn default(topic_arn: &str, owner: &AccountId) -> Value {
    json!({
        "Version": "2008-10-17",
        "Id": "__default_policy_ID",
        "Statement": [{
            "Sid": "__default_statement_ID",
            "Effect": "Allow",
            "Principal": { "AWS": "*" },
            "Action": ACTIONS.map(|action| format!("SNS:{action}")),
            "Resource": topic_arn,
            "Condition": { "StringEquals": { "AWS:SourceOwner": owner.as_str() } },
        }],
    })
}

/// The text in force.
pub(crate) fn text(topic: &FoundTopic) -> String {
    match topic.record.attribute("Policy") {
        Some(text) => text.to_owned(),
        None => default(&topic.arn.text(), &topic.arn.scope.account).to_string(),
    }
}

fn document(topic: &FoundTopic) -> Value {
    serde_json::from_str(&text(topic)).unwrap_or_default()
}

/// Refuses what is no policy.
pub(crate) fn check(text: &str, topic_arn: &str) -> Result<(), SnsError> {
    let malformed = || SnsError::invalid("Policy Error: null");
    let document: Value = serde_json::from_str(text).map_err(|_| malformed())?;
    let statements = statements(&document);
    if !document.is_object() || statements.is_empty() {
        return Err(malformed());
    }
    for statement in statements {
        let effect = statement["Effect"].as_str().unwrap_or_default();
        if !matches!(effect, "Allow" | "Deny") {
            return Err(malformed());
        }
        if statement.get("Principal").or(statement.get("NotPrincipal")).is_none() {
            return Err(malformed());
        }
        let actions: Vec<&str> = texts(&statement["Action"]).chain(texts(&statement["NotAction"])).collect();
        let in_scope = |action: &&str| *action == "*" || is_sns_action(action);
        if actions.is_empty() || !actions.iter().all(in_scope) {
            return Err(SnsError::invalid("Policy statement action out of service scope!"));
        }
        let is_ours = |resource: &str| resource == "*" || crate::topic::policy::glob(resource, topic_arn);
        if statement.get("Resource").is_some() && !texts(&statement["Resource"]).all(is_ours) {
            return Err(SnsError::invalid("Policy Error: null"));
        }
    }
    Ok(())
}

/// `SNS:Publish`, `sns:*`, `SNS:Get*`.
fn is_sns_action(action: &str) -> bool {
    match action.split_once(':') {
        Some((service, name)) => {
            service.eq_ignore_ascii_case("sns")
                && (name.contains('*')
                    || name.contains('?')
                    || ACTIONS.iter().any(|a| a.eq_ignore_ascii_case(name))
                    || name == "Receive")
        }
        None => false,
    }
}

/// Whether `caller`'s principals may do `action`.
pub(super) fn allows(topic: &FoundTopic, caller: &AccountId, action: &str) -> bool {
    let owner = &topic.arn.scope.account;
    if topic.record.attribute("Policy").is_none() {
        // AWS: the default policy's condition names the owner.
        return caller == owner;
    }
    let document = document(topic);
    let applies = |statement: &&Value| {
        let full = format!("sns:{action}").to_ascii_lowercase();
        let named = |action: &str| glob(&action.to_ascii_lowercase(), &full);
        let by_action = match statement.get("NotAction") {
            Some(others) => !texts(others).any(named),
            None => texts(&statement["Action"]).any(named),
        };
        by_action && principal_matches(statement, caller) && conditions_hold(statement, caller)
    };
    let statements = statements(&document);
    let with_effect = |effect: &'static str| {
        statements.iter().copied().filter(move |s| s["Effect"] == effect).any(|s| applies(&s))
    };
    !with_effect("Deny") && (caller == owner || with_effect("Allow"))
}

fn principal_matches(statement: &Value, caller: &AccountId) -> bool {
    let is_caller = |principal: &str| {
        principal == "*"
            || principal == caller.as_str()
            || principal.split(':').nth(4) == Some(caller.as_str()) && principal.starts_with("arn:")
    };
    let matches = |principal: &Value| match principal {
        Value::String(text) => text == "*",
        Value::Object(kinds) => texts(kinds.get("AWS").unwrap_or(&Value::Null)).any(is_caller),
        _ => false,
    };
    match statement.get("NotPrincipal") {
        Some(others) => !matches(others),
        None => matches(&statement["Principal"]),
    }
}

/// Conditions on the caller's account are understood; any other is taken as not met, so that it allows nothing.
fn conditions_hold(statement: &Value, caller: &AccountId) -> bool {
    let Some(operators) = statement.get("Condition").and_then(Value::as_object) else { return true };
    let is_deny = statement["Effect"] == "Deny";
    operators.iter().all(|(operator, keys)| {
        let is_equals = matches!(operator.as_str(), "StringEquals" | "StringLike");
        keys.as_object().into_iter().flatten().all(|(key, values)| {
            let names_account = ["aws:sourceowner", "aws:sourceaccount", "aws:principalaccount"]
                .contains(&key.to_ascii_lowercase().as_str());
            // A denial whose condition isn't understood stands.
            if !is_equals || !names_account {
                return is_deny;
            }
            texts(values).any(|value| glob(value, caller.as_str()))
        })
    })
}

fn statements(document: &Value) -> Vec<&Value> {
    match &document["Statement"] {
        Value::Array(statements) => statements.iter().collect(),
        statement @ Value::Object(_) => vec![statement],
        _ => Vec::new(),
    }
}

/// A text, or each text of a list.
fn texts(value: &Value) -> impl Iterator<Item = &str> {
    let list = match value {
        Value::Array(items) => items.as_slice(),
        single => std::slice::from_ref(single),
    };
    list.iter().filter_map(Value::as_str)
}

/// IAM's patterns: `*` for any run, `?` for one character.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        if p < pattern.len() && pattern[p] == '*' {
            star = Some((p, t));
            p += 1;
        } else if p < pattern.len() && (pattern[p] == '?' || pattern[p] == text[t]) {
            p += 1;
            t += 1;
        } else if let Some((at, from)) = star {
            p = at + 1;
            t = from + 1;
            star = Some((at, t));
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// The policy with a statement more.
pub(crate) fn with_permission(
    topic: &FoundTopic,
    label: &str,
    accounts: &[String],
    actions: &[String],
) -> Result<String, SnsError> {
    let mut document = document(topic);
    if statements(&document).iter().any(|statement| statement["Sid"] == label) {
        return Err(SnsError::invalid("Statement already exists"));
    }
    let known = |action: &String| {
        let name = action.strip_prefix("SNS:").or(action.strip_prefix("sns:")).unwrap_or(action);
        name == "*" || ACTIONS.iter().any(|a| a.eq_ignore_ascii_case(name))
    };
    if actions.is_empty() || !actions.iter().all(known) {
        return Err(SnsError::invalid("Policy statement action out of service scope!"));
    }
    if accounts.is_empty() || !accounts.iter().all(|account| AccountId::new(account).is_ok()) {
        return Err(SnsError::invalid("AWSAccountId"));
    }
    let partition = topic.arn.scope.region.partition().as_str();
    let principals: Vec<String> =
        accounts.iter().map(|account| format!("arn:{partition}:iam::{account}:root")).collect();
    let names: Vec<String> = actions
        .iter()
        .map(|action| {
            format!("SNS:{}", action.strip_prefix("SNS:").or(action.strip_prefix("sns:")).unwrap_or(action))
        })
        .collect();
    // AWS: a list of one is written as its element (observed).
    let single = |list: Vec<String>| if list.len() == 1 { json!(list[0]) } else { json!(list) };
    let statement = json!({
        "Sid": label,
        "Effect": "Allow",
        "Principal": { "AWS": single(principals) },
        "Action": single(names),
        "Resource": topic.arn.text(),
    });
    let mut all: Vec<Value> = statements(&document).into_iter().cloned().collect();
    all.push(statement);
    object(&mut document).insert("Statement".to_owned(), Value::Array(all));
    Ok(document.to_string())
}

/// The policy without the statement of this label; without it already, the same.
pub(crate) fn without_permission(topic: &FoundTopic, label: &str) -> String {
    let mut document = document(topic);
    let rest: Vec<Value> =
        statements(&document).into_iter().filter(|statement| statement["Sid"] != label).cloned().collect();
    object(&mut document).insert("Statement".to_owned(), Value::Array(rest));
    document.to_string()
}

fn object(document: &mut Value) -> &mut Map<String, Value> {
    if !document.is_object() {
        *document = json!({});
    }
    document.as_object_mut().expect("it was made an object")
}

#[cfg(test)]
mod tests {
    use base::{Region, Scope};
    use catalog::Versioned;
    use std::sync::Arc;

    use super::*;
    use crate::arn::TopicArn;
    use crate::topic::Topic;

    fn topic(policy: Option<&str>) -> FoundTopic {
        let scope = Scope::new(AccountId::new("111111111111").unwrap(), Region::new("us-east-1").unwrap());
        let mut record = Topic::default();
        if let Some(policy) = policy {
            record.attributes.insert("Policy".to_owned(), policy.to_owned());
        }
        FoundTopic {
            arn: TopicArn::new(&scope, "t"),
            record: Versioned { version: 1, record: Arc::new(record) },
        }
    }

    fn may(topic: &FoundTopic, account: &str, action: &str) -> bool {
        allows(topic, &AccountId::new(account).unwrap(), action)
    }

    #[test]
    fn other_accounts_need_a_statement() {
        let plain = topic(None);
        assert!(may(&plain, "111111111111", "Publish"));
        assert!(!may(&plain, "222222222222", "Publish"));
        let accounts = ["222222222222".to_owned()];
        let shared = with_permission(&plain, "share", &accounts, &["Publish".to_owned()]).unwrap();
        let shared = topic(Some(&shared));
        assert!(may(&shared, "222222222222", "Publish"));
        assert!(!may(&shared, "222222222222", "DeleteTopic"));
        assert!(!may(&shared, "333333333333", "Publish"));
        let again = with_permission(&shared, "share", &accounts, &["Publish".to_owned()]).unwrap_err();
        assert_eq!(again.to_string(), "Invalid parameter: Statement already exists");
        let out = with_permission(&plain, "x", &accounts, &["SendMessage".to_owned()]).unwrap_err();
        assert_eq!(out.to_string(), "Invalid parameter: Policy statement action out of service scope!");
        let removed = topic(Some(&without_permission(&shared, "share")));
        assert!(!may(&removed, "222222222222", "Publish"));
    }

    #[test]
    fn denials_bind_the_owner_too_and_unknown_conditions_allow_nothing() {
        let deny = r#"{"Statement":[{"Effect":"Deny","Principal":"*","Action":"sns:Publish"},{"Effect":"Allow","Principal":"*","Action":"sns:*"}]}"#;
        assert!(!may(&topic(Some(deny)), "111111111111", "Publish"));
        assert!(may(&topic(Some(deny)), "222222222222", "Subscribe"));
        let conditional = r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"sns:Publish","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}]}"#;
        assert!(!may(&topic(Some(conditional)), "222222222222", "Publish"));
    }

    #[test]
    fn what_is_no_policy_is_refused() {
        for text in ["", "[]", "{}", r#"{"Statement":[{"Effect":"Maybe"}]}"#] {
            assert!(check(text, "arn").is_err(), "{text}");
        }
        let text = default("arn:t", &AccountId::new("111111111111").unwrap()).to_string();
        assert!(check(&text, "arn:t").is_ok());
    }
}
