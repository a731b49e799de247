//! Attributes of subscriptions: which can be set, to what, and how they are shown.

use std::collections::BTreeMap;

use catalog::Versioned;

use super::{Protocol, Subscription, subscription_arn};
use crate::error::SnsError;
use crate::filter_policy::{FilterPolicy, PolicyError, PolicyScope};
use crate::outbox::policy::{DeliveryPolicy, effective_subscription_policy};
use crate::topic::FoundTopic;

/// Which operation is told: Subscribe's texts have a few words more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    Subscribing,
    Setting,
}

impl Told {
    fn refuse<T>(self, text: &str) -> Result<T, SnsError> {
        let start = if self == Self::Subscribing { "Attributes Reason: " } else { "" };
        Err(SnsError::invalid(format!("{start}{text}")))
    }
}

/// Checks all attributes together, as they would be. Attributes set to nothing are gone.
pub(crate) fn checked(
    given: &BTreeMap<String, String>,
    protocol: Protocol,
    told: Told,
) -> Result<BTreeMap<String, String>, SnsError> {
    let mut attributes = BTreeMap::new();
    for (name, value) in given {
        if check(name, value, protocol, told)? {
            attributes.insert(name.clone(), value.clone());
        }
    }
    if let Some(policy) = attributes.get("FilterPolicy") {
        let scope = attributes.get("FilterPolicyScope").and_then(|name| PolicyScope::by_name(name));
        let scope = scope.unwrap_or(PolicyScope::MessageAttributes);
        FilterPolicy::parse(policy, scope).map_err(|error| match error {
            PolicyError::Refused(text) => match told.refuse::<()>(&format!("FilterPolicy: {text}")) {
                Err(error) => error,
                Ok(()) => SnsError::invalid(text),
            },
            PolicyError::Plain(text) => SnsError::invalid(text),
        })?;
    }
    Ok(attributes)
}

/// Whether the value is kept.
fn check(name: &str, value: &str, protocol: Protocol, told: Told) -> Result<bool, SnsError> {
    match name {
        "RawMessageDelivery" => {
            if !matches!(value, "true" | "false") {
                return told.refuse(&format!(
                    "RawMessageDelivery: Invalid value [{value}]. Must be true or false."
                ));
            }
            let can = protocol.is_http() || matches!(protocol, Protocol::Sqs | Protocol::Firehose);
            if value == "true" && !can {
                return told.refuse(&format!(
                    "RawMessageDelivery: Delivery protocol [{}] does not support raw message delivery.",
                    protocol.name()
                ));
            }
            Ok(true)
        }
        "FilterPolicyScope" => match PolicyScope::by_name(value) {
            Some(_) => Ok(true),
            None => told.refuse(&format!(
                "FilterPolicyScope: Invalid value [{value}]. Please use either MessageBody or MessageAttributes"
            )),
        },
        "FilterPolicy" => Ok(!value.is_empty()),
        "RedrivePolicy" => {
            if value.is_empty() {
                return Ok(false);
            }
            let policy: serde_json::Value = match serde_json::from_str(value) {
                Ok(policy @ serde_json::Value::Object(_)) => policy,
                _ => return told.refuse("RedrivePolicy: failed to parse JSON."),
            };
            let arn = policy["deadLetterTargetArn"].as_str().unwrap_or_default();
            match base::Arn::parse(arn) {
                Ok(arn) if arn.service == "sqs" => Ok(true),
                _ => told.refuse("RedrivePolicy: deadLetterTargetArn is an invalid arn"),
            }
        }
        "DeliveryPolicy" => {
            if value.is_empty() {
                return Ok(false);
            }
            if let Err(error) = DeliveryPolicy::check_subscription(value) {
                return told.refuse(&format!("DeliveryPolicy: {error}"));
            }
            Ok(true)
        }
        "SubscriptionRoleArn" => match value {
            "" => Ok(false),
            arn if arn.starts_with("arn:") => Ok(true),
            _ => told.refuse("SubscriptionRoleArn: must be a valid ARN"),
        },
        "ReplayPolicy" if value.is_empty() => Ok(false),
        "ReplayPolicy" => told.refuse("ReplayPolicy: message archiving is not supported here"),
        _ => Err(SnsError::invalid("AttributeName")),
    }
}

/// GetSubscriptionAttributes.
pub(crate) fn shown(
    topic: &FoundTopic,
    id: &str,
    subscription: &Versioned<Subscription>,
) -> BTreeMap<String, String> {
    let mut shown = subscription.attributes.clone();
    let mut put = |name: &str, value: String| {
        shown.insert(name.to_owned(), value);
    };
    put("SubscriptionArn", subscription_arn(&topic.arn, id));
    put("TopicArn", topic.arn.text());
    put("Owner", subscription.owner.to_string());
    put("Protocol", subscription.protocol.name().to_owned());
    put("Endpoint", subscription.shown_endpoint());
    put("ConfirmationWasAuthenticated", subscription.confirmation_was_authenticated.to_string());
    put("PendingConfirmation", subscription.is_pending().to_string());
    put("RawMessageDelivery", subscription.is_raw().to_string());
    put("SubscriptionPrincipal", subscription.principal.clone());
    if subscription.attribute("FilterPolicy").is_some() {
        let scope = subscription.attribute("FilterPolicyScope").unwrap_or("MessageAttributes");
        put("FilterPolicyScope", scope.to_owned());
    }
    if subscription.protocol.is_http() {
        let topic_policy = topic.record.attribute("DeliveryPolicy");
        let policy = effective_subscription_policy(topic_policy, subscription.attribute("DeliveryPolicy"));
        put("EffectiveDeliveryPolicy", policy);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_differ_by_operation() {
        let told = |name: &str, value: &str, told| {
            let given = BTreeMap::from([(name.to_owned(), value.to_owned())]);
            checked(&given, Protocol::Https, told).unwrap_err().to_string()
        };
        // N3.
        assert_eq!(
            told("RawMessageDelivery", "wrongvalue", Told::Subscribing),
            "Invalid parameter: Attributes Reason: RawMessageDelivery: Invalid value [wrongvalue]. Must be true or false."
        );
        assert_eq!(
            told("RawMessageDelivery", "x", Told::Setting),
            "Invalid parameter: RawMessageDelivery: Invalid value [x]. Must be true or false."
        );
        assert_eq!(told("Colour", "x", Told::Setting), "Invalid parameter: AttributeName");
        assert_eq!(
            told("RedrivePolicy", r#"{"deadLetterTargetArn":"q"}"#, Told::Setting),
            "Invalid parameter: RedrivePolicy: deadLetterTargetArn is an invalid arn"
        );
        assert!(told("FilterPolicy", r#"{"a":1}"#, Told::Subscribing).starts_with(
            "Invalid parameter: Attributes Reason: FilterPolicy: \"a\" must be an object or an array\n at "
        ));
        assert_eq!(
            told("FilterPolicy", r#"{"a":{"b":["c"]}}"#, Told::Subscribing),
            "Invalid parameter: Filter policy scope MessageAttributes does not support nested filter policy"
        );
    }
}
