//! ARNs of topics and subscriptions, and how AWS refuses what is none.

use base::{AccountId, Region, Scope};

use crate::error::SnsError;

/// `arn:PARTITION:sns:REGION:ACCOUNT:NAME`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct TopicArn {
    pub(crate) scope: Scope,
    pub(crate) name: String,
}

impl TopicArn {
    pub(crate) fn new(scope: &Scope, name: &str) -> Self {
        Self { scope: scope.clone(), name: name.to_owned() }
    }

    /// A topic's ARN in a request to `region`; links that are followed without a signature know no Region.
    pub(crate) fn parse(text: &str, region: Option<&Region>) -> Result<Self, SnsError> {
        let fields = fields(text, "TopicArn")?;
        let [_, _, service, arn_region, account, name] = fields.as_slice() else {
            return Err(SnsError::invalid("TopicArn"));
        };
        let scope = scope_of(service, arn_region, account).ok_or_else(|| SnsError::invalid("TopicArn"))?;
        if fields[0] != "arn" || name.is_empty() || region.is_some_and(|region| *region != scope.region) {
            return Err(SnsError::invalid("TopicArn"));
        }
        Ok(Self { scope, name: (*name).to_owned() })
    }

    pub(crate) fn text(&self) -> String {
        self.scope.arn("sns", &self.name)
    }
}

/// A topic's ARN and an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SubscriptionArn {
    pub(crate) topic: TopicArn,
    pub(crate) id: String,
}

impl SubscriptionArn {
    pub(crate) fn parse(text: &str, region: Option<&Region>) -> Result<Self, SnsError> {
        if text.is_empty() {
            return Err(SnsError::invalid("SubscriptionArn Reason: no value for required parameter"));
        }
        let fields = fields(text, "SubscriptionArn")?;
        let Some(id) = fields.get(6).filter(|id| !id.is_empty()) else {
            return Err(SnsError::invalid("SubscriptionId"));
        };
        let topic = TopicArn::parse(&fields[..6].join(":"), region)
            .map_err(|_| SnsError::invalid("SubscriptionArn"))?;
        Ok(Self { topic, id: (*id).to_owned() })
    }
}

fn fields<'a>(text: &'a str, parameter: &str) -> Result<Vec<&'a str>, SnsError> {
    let fields: Vec<&str> = text.split(':').collect();
    if fields.len() < 6 {
        let count = fields.len();
        return Err(SnsError::invalid(format!(
            "{parameter} Reason: An ARN must have at least 6 elements, not {count}"
        )));
    }
    Ok(fields)
}

fn scope_of(service: &str, region: &str, account: &str) -> Option<Scope> {
    let scope = Scope::new(AccountId::new(account).ok()?, Region::new(region).ok()?);
    (service == "sns").then_some(scope)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_arn_is_refused_as_aws_does() {
        let region = Region::new("us-east-1").unwrap();
        let topic = |text: &str| TopicArn::parse(text, Some(&region)).map(|arn| arn.text());
        let good = "arn:aws:sns:us-east-1:123456789012:t";
        assert_eq!(topic(good).unwrap(), good);
        for (text, message) in [
            ("t", "Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 1"),
            (
                "arn:aws:sns:us-east-1:t",
                "Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 5",
            ),
            ("arn:aws:sns:eu-west-1:123456789012:t", "Invalid parameter: TopicArn"),
            ("arn:aws:sqs:us-east-1:123456789012:t", "Invalid parameter: TopicArn"),
            ("arn:aws:sns:us-east-1:1:t", "Invalid parameter: TopicArn"),
            ("arn:aws:sns:us-east-1:123456789012:t:id", "Invalid parameter: TopicArn"),
        ] {
            assert_eq!(topic(text).unwrap_err().to_string(), message, "{text}");
        }
        let subscription = |text: &str| SubscriptionArn::parse(text, Some(&region)).map(|arn| arn.id);
        assert_eq!(subscription(&format!("{good}:id")).unwrap(), "id");
        for (text, message) in [
            ("", "Invalid parameter: SubscriptionArn Reason: no value for required parameter"),
            (good, "Invalid parameter: SubscriptionId"),
            (
                "PendingConfirmation",
                "Invalid parameter: SubscriptionArn Reason: An ARN must have at least 6 elements, not 1",
            ),
        ] {
            assert_eq!(subscription(text).unwrap_err().to_string(), message, "{text}");
        }
    }
}
