//! Targets of subscriptions, told apart by the service in their ARN.

use std::sync::Arc;

use base::{Entropy, Scope, Timestamp};
use bytes::Bytes;
use signals::{TargetCall, TargetError, TargetPayload};

use super::{Distribution, payload};
use crate::Logs;
use crate::destination::destination_of_arn;
use crate::error::LogsError;

/// What kind of thing an ARN names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TargetKind {
    DataStream,
    DeliveryStream,
    Function,
}

impl TargetKind {
    /// `None` for an ARN that no subscription can have.
    pub(crate) fn of_arn(arn: &str) -> Option<Self> {
        let fields: Vec<&str> = arn.splitn(6, ':').collect();
        let ["arn", _, service, _, account, resource] = fields[..] else { return None };
        let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
        let kind = match service {
            "kinesis" if resource.starts_with("stream/") => Self::DataStream,
            "firehose" if resource.starts_with("deliverystream/") => Self::DeliveryStream,
            "lambda" if resource.starts_with("function:") => Self::Function,
            _ => return None,
        };
        is_account.then_some(kind)
    }

    /// As in control messages and in the dimension `DestinationType`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::DataStream => "Kinesis",
            Self::DeliveryStream => "Firehose",
            Self::Function => "Lambda",
        }
    }

    /// Messages that one call may carry.
    pub(crate) fn messages_max(self) -> usize {
        match self {
            // AWS: PutRecords and PutRecordBatch take up to 500 records (and 4 MiB, see `deliver`).
            Self::DataStream | Self::DeliveryStream => 500,
            Self::Function => 1,
        }
    }
}

/// Where a subscription's events go now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) kind: TargetKind,
    pub(crate) arn: String,
    /// On whose behalf it is called.
    pub(crate) scope: Scope,
}

impl Target {
    /// The call that carries `messages`, each with the log stream it is of.
    pub(crate) fn call(
        &self,
        messages: Vec<(Arc<str>, Bytes)>,
        distribution: Distribution,
        entropy: &dyn Entropy,
    ) -> TargetCall {
        let partition_key = |stream: &str| match distribution {
            Distribution::ByLogStream => stream_key(stream),
            Distribution::Random => entropy.uuid().simple().to_string(),
        };
        let payload = match self.kind {
            TargetKind::DataStream => {
                let record = |(stream, message): (Arc<str>, Bytes)| (partition_key(&stream), message);
                TargetPayload::DataStream(messages.into_iter().map(record).collect())
            }
            TargetKind::DeliveryStream => {
                TargetPayload::DeliveryStream(messages.into_iter().map(|(_, message)| message).collect())
            }
            TargetKind::Function => {
                let message = messages.into_iter().next().map(|(_, message)| message);
                TargetPayload::Invocation(payload::invocation(&message.unwrap_or_default()))
            }
        };
        TargetCall { scope: self.scope.clone(), arn: self.arn.clone(), payload }
    }
}

/// A partition key that is constant for a stream: FNV-1a, 128 bits, in hexadecimal digits. A name may be longer
/// than the 256 characters a key may have.
fn stream_key(stream: &str) -> String {
    let mut hash = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128;
    for byte in stream.bytes() {
        hash = (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
    }
    format!("{hash:032x}")
}

impl Logs {
    /// What `destination_arn` leads to now: a destination is followed to its target.
    pub(crate) fn target_of(&self, scope: &Scope, destination_arn: &str) -> Result<Target, String> {
        if let Some(kind) = TargetKind::of_arn(destination_arn) {
            return Ok(Target { kind, arn: destination_arn.to_owned(), scope: scope.clone() });
        }
        let Some((owner, name)) = destination_of_arn(destination_arn) else {
            return Err(format!("{destination_arn} names nothing that takes log events"));
        };
        let destination = self
            .destinations
            .get(&owner, &name)
            .ok_or_else(|| format!("the destination {destination_arn} does not exist"))?;
        let arn = destination.target_arn.clone();
        match TargetKind::of_arn(&arn) {
            Some(kind) => Ok(Target { kind, arn, scope: owner }),
            None => Err(format!("{arn} names nothing that takes log events")),
        }
    }

    /// Checks that a subscription of `scope` may have this destination and that it answers.
    pub(crate) async fn check_target(
        &self,
        scope: &Scope,
        destination_arn: &str,
        role_arn: Option<&str>,
        now: Timestamp,
    ) -> Result<(), LogsError> {
        if let Some((owner, name)) = destination_of_arn(destination_arn) {
            let destination = self.destinations.get(&owner, &name).ok_or_else(|| {
                LogsError::invalid(format!("The specified destination {destination_arn} does not exist."))
            })?;
            if owner.account != scope.account && !destination.admits(scope) {
                return Err(LogsError::invalid(
                    "User with accountId: ".to_owned()
                        + scope.account.as_str()
                        + " is not authorized to perform: logs:PutSubscriptionFilter on resource: "
                        + destination_arn,
                ));
            }
            return Ok(());
        }
        let kind = TargetKind::of_arn(destination_arn)
            .ok_or_else(|| LogsError::invalid(format!("Invalid destinationArn: {destination_arn}")))?;
        let vendor = match kind {
            TargetKind::DataStream => "kinesis",
            TargetKind::DeliveryStream => "firehose",
            TargetKind::Function => return self.check_function(scope, destination_arn),
        };
        if role_arn.is_none() {
            return Err(LogsError::invalid(format!(
                "destinationArn for vendor {vendor} cannot be used without roleArn"
            )));
        }
        let target = Target { kind, arn: destination_arn.to_owned(), scope: scope.clone() };
        let message = vec![("".into(), payload::control_message(kind, now))];
        let call = target.call(message, Distribution::Random, self.entropy.as_ref());
        self.neighbours.targets.call(call).await.map_err(|error| {
            let stream = format!("{} stream", kind.name());
            LogsError::invalid(format!(
                "Could not deliver test message to specified {stream}. Check if the given {vendor} stream is in \
                 ACTIVE state. ({error})"
            ))
        })
    }

    fn check_function(&self, scope: &Scope, arn: &str) -> Result<(), LogsError> {
        if arn.split(':').nth(4) != Some(scope.account.as_str()) {
            return Err(LogsError::invalid(
                "Cross-account lambda invocation passing is not allowed. You must use DestinationPolicies to \
                 create cross account lambda triggers.",
            ));
        }
        if !self.neighbours.targets.is_mapped(arn) {
            // The reason is ours: whoever reads only AWS's sentence would look for a permission.
            let reason = TargetError::Unmapped(arn.to_owned());
            return Err(LogsError::invalid(format!(
                "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission to \
                 execute your function. ({reason})"
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_by_arn() {
        for (arn, kind) in [
            ("arn:aws:kinesis:us-east-1:123456789012:stream/s", Some(TargetKind::DataStream)),
            ("arn:aws:firehose:us-east-1:123456789012:deliverystream/d", Some(TargetKind::DeliveryStream)),
            ("arn:aws:lambda:us-east-1:123456789012:function:f", Some(TargetKind::Function)),
            ("arn:aws:lambda:us-east-1:123456789012:function:f:live", Some(TargetKind::Function)),
            ("arn:aws:lambda:us-east-1:1:function:f", None),
            ("arn:aws:sqs:us-east-1:123456789012:q", None),
            ("arn:aws:logs:us-east-1:123456789012:destination:d", None),
            ("lambda", None),
        ] {
            assert_eq!(TargetKind::of_arn(arn), kind, "{arn}");
        }
    }

    #[test]
    fn a_stream_keeps_its_partition() {
        assert_eq!(stream_key("a"), stream_key("a"));
        assert_ne!(stream_key("a"), stream_key("b"));
        assert_eq!(stream_key(&"x".repeat(512)).len(), 32);
    }
}
