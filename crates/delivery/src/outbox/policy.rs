//! Delivery policies: when a delivery that failed is tried again.
//!
//! Four phases follow the first attempt: retries without delay, retries at the minimum delay, a back-off from the
//! minimum to the maximum, and retries at the maximum
//! (<https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html>).

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(crate) const DEFAULT_CONTENT_TYPE: &str = "text/plain; charset=UTF-8";
/// AWS: an HTTP delivery policy lasts an hour at most.
const TOTAL_SECS_MAX: f64 = 3600.0;
const RETRIES_MAX: u32 = 100;
const CONTENT_TYPES: [&str; 18] = [
    "application/json",
    "application/x-www-form-urlencoded",
    "application/xml",
    "application/octet-stream",
    "application/soap+xml",
    "application/xhtml+xml",
    "application/pdf",
    "application/rss+xml",
    "application/atom+xml",
    "text/css",
    "text/csv",
    "text/html",
    "text/plain",
    "text/xml",
    "image/svg+xml",
    "image/jpeg",
    "image/png",
    "multipart/form-data",
];

/// How the back-off phase grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Backoff {
    Linear,
    Arithmetic,
    Geometric,
    Exponential,
}

/// `healthyRetryPolicy`. Delays are in seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RetryPolicy {
    pub(crate) min_delay_target: u32,
    pub(crate) max_delay_target: u32,
    pub(crate) num_retries: u32,
    #[serde(default)]
    pub(crate) num_max_delay_retries: u32,
    #[serde(default)]
    pub(crate) num_no_delay_retries: u32,
    #[serde(default)]
    pub(crate) num_min_delay_retries: u32,
    #[serde(default = "linear")]
    pub(crate) backoff_function: Backoff,
}

fn linear() -> Backoff {
    Backoff::Linear
}

impl Default for RetryPolicy {
    /// AWS: three retries, 20 seconds apart (observed effective policy).
    fn default() -> Self {
        Self {
            min_delay_target: 20,
            max_delay_target: 20,
            num_retries: 3,
            num_max_delay_retries: 0,
            num_no_delay_retries: 0,
            num_min_delay_retries: 0,
            backoff_function: Backoff::Linear,
        }
    }
}

impl RetryPolicy {
    /// AWS: queues, functions and delivery streams get 3 retries at once, 2 a second apart, 10 backing off to 20
    /// seconds, and then one every 20 seconds.
    pub(crate) fn of_services() -> Self {
        Self {
            min_delay_target: 1,
            max_delay_target: 20,
            num_retries: 100_015,
            num_no_delay_retries: 3,
            num_min_delay_retries: 2,
            num_max_delay_retries: 100_000,
            backoff_function: Backoff::Exponential,
        }
    }

    /// AWS: mail gets 2 retries 10 seconds apart, 10 backing off to 600 seconds, and 38 every 600 seconds.
    pub(crate) fn of_mail() -> Self {
        Self {
            min_delay_target: 10,
            max_delay_target: 600,
            num_retries: 50,
            num_no_delay_retries: 0,
            num_min_delay_retries: 2,
            num_max_delay_retries: 38,
            backoff_function: Backoff::Exponential,
        }
    }

    /// How long to wait before retry `retry` (counted from 1); `None` when there is no such retry.
    pub(crate) fn delay_before(&self, retry: u32) -> Option<Duration> {
        if retry == 0 || retry > self.num_retries {
            return None;
        }
        let (min, max) = (f64::from(self.min_delay_target), f64::from(self.max_delay_target));
        let mut left = retry - 1;
        if left < self.num_no_delay_retries {
            return Some(Duration::ZERO);
        }
        left -= self.num_no_delay_retries;
        if left < self.num_min_delay_retries {
            return Some(Duration::from_secs_f64(min));
        }
        left -= self.num_min_delay_retries;
        let steps = self.backoff_retries();
        let secs = if left < steps { self.backoff(left, steps, min, max) } else { max };
        Some(Duration::from_millis((secs * 1000.0).round() as u64))
    }

    fn backoff_retries(&self) -> u32 {
        let others = self.num_no_delay_retries + self.num_min_delay_retries + self.num_max_delay_retries;
        self.num_retries.saturating_sub(others)
    }

    /// The delay of step `step` of `steps`, from the minimum (first) to the maximum (last).
    fn backoff(&self, step: u32, steps: u32, min: f64, max: f64) -> f64 {
        if steps <= 1 {
            return min;
        }
        let (n, last) = (f64::from(step), f64::from(steps - 1));
        let part = n / last;
        let delay = match self.backoff_function {
            Backoff::Linear => min + (max - min) * part,
            Backoff::Arithmetic => min + (max - min) * (n * (n + 1.0)) / (last * (last + 1.0)),
            Backoff::Geometric => min.max(0.001) * (max.max(0.001) / min.max(0.001)).powf(part),
            Backoff::Exponential => min + (max - min) * (n.exp2() - 1.0) / (last.exp2() - 1.0),
        };
        delay.clamp(min.min(max), max.max(min))
    }

    fn total_secs(&self) -> f64 {
        (1..=self.num_retries).filter_map(|retry| self.delay_before(retry)).map(|d| d.as_secs_f64()).sum()
    }

    fn check(&self) -> Result<(), String> {
        let in_range = |value: u32| value <= 3600;
        if self.min_delay_target < 1 || !in_range(self.min_delay_target) {
            return Err("healthyRetryPolicy.minDelayTarget must be between 1 and 3600".to_owned());
        }
        if !in_range(self.max_delay_target) {
            return Err("healthyRetryPolicy.maxDelayTarget must be less than or equal to 3600".to_owned());
        }
        if self.min_delay_target > self.max_delay_target {
            return Err(
                "healthyRetryPolicy.minDelayTarget must be less than or equal to maxDelayTarget".to_owned()
            );
        }
        if self.num_retries > RETRIES_MAX {
            return Err("healthyRetryPolicy.numRetries must be less than or equal to 100".to_owned());
        }
        let phases = [self.num_no_delay_retries, self.num_min_delay_retries, self.num_max_delay_retries];
        if phases.iter().map(|n| u64::from(*n)).sum::<u64>() > u64::from(self.num_retries) {
            return Err(
                "healthyRetryPolicy.numRetries must be at least the sum of the retries of its phases"
                    .to_owned(),
            );
        }
        if self.total_secs() > TOTAL_SECS_MAX {
            return Err("the total delay must be less than or equal to 3600 seconds".to_owned());
        }
        Ok(())
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Throttle {
    #[serde(default)]
    max_receives_per_second: Option<u32>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RequestPolicy {
    #[serde(default)]
    header_content_type: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TopicDocument {
    #[serde(default)]
    http: TopicHttp,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TopicHttp {
    default_healthy_retry_policy: Option<RetryPolicy>,
    #[serde(default)]
    disable_subscription_overrides: bool,
    default_throttle_policy: Option<Throttle>,
    default_request_policy: Option<RequestPolicy>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SubscriptionDocument {
    healthy_retry_policy: Option<RetryPolicy>,
    /// AWS: shown in effective policies and accepted back.
    #[serde(default, rename = "sicklyRetryPolicy")]
    _sickly: Option<Value>,
    throttle_policy: Option<Throttle>,
    request_policy: Option<RequestPolicy>,
    #[serde(default, rename = "guaranteed")]
    _guaranteed: Option<bool>,
}

/// What holds for one subscription, or for all of a topic that say nothing.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DeliveryPolicy {
    pub(crate) retry: RetryPolicy,
    pub(crate) receives_per_second_max: Option<u32>,
    pub(crate) content_type: String,
    disable_subscription_overrides: bool,
}

impl Default for DeliveryPolicy {
    fn default() -> Self {
        Self {
            retry: RetryPolicy::default(),
            receives_per_second_max: None,
            content_type: DEFAULT_CONTENT_TYPE.to_owned(),
            disable_subscription_overrides: false,
        }
    }
}

impl DeliveryPolicy {
    /// The topic's `DeliveryPolicy`.
    pub(crate) fn of_topic(text: &str) -> Result<Self, String> {
        let document: TopicDocument = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let http = document.http;
        let disable_subscription_overrides = http.disable_subscription_overrides;
        let mut policy = Self { disable_subscription_overrides, ..Self::default() };
        policy.put(
            http.default_healthy_retry_policy,
            http.default_throttle_policy,
            http.default_request_policy,
        )?;
        Ok(policy)
    }

    /// The policy of a subscription, over that of its topic. Texts were checked when they were set; one that
    /// isn't understood any more counts as absent.
    pub(crate) fn effective(topic: Option<&str>, subscription: Option<&str>) -> Self {
        let base = topic.and_then(|text| Self::of_topic(text).ok()).unwrap_or_default();
        match subscription {
            Some(text) if !base.disable_subscription_overrides => {
                base.clone().overridden(text).unwrap_or(base)
            }
            _ => base,
        }
    }

    fn overridden(mut self, text: &str) -> Result<Self, String> {
        let document: SubscriptionDocument = serde_json::from_str(text).map_err(|error| error.to_string())?;
        self.put(document.healthy_retry_policy, document.throttle_policy, document.request_policy)?;
        Ok(self)
    }

    /// Refuses what is no policy of a subscription.
    pub(crate) fn check_subscription(text: &str) -> Result<(), String> {
        Self::default().overridden(text).map(drop)
    }

    fn put(
        &mut self,
        retry: Option<RetryPolicy>,
        throttle: Option<Throttle>,
        request: Option<RequestPolicy>,
    ) -> Result<(), String> {
        if let Some(retry) = retry {
            retry.check()?;
            self.retry = retry;
        }
        if let Some(rate) = throttle.and_then(|throttle| throttle.max_receives_per_second) {
            if rate == 0 {
                return Err("throttlePolicy.maxReceivesPerSecond must be at least 1".to_owned());
            }
            self.receives_per_second_max = Some(rate);
        }
        if let Some(kind) = request.and_then(|request| request.header_content_type) {
            let media_type = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
            if !CONTENT_TYPES.contains(&media_type.as_str())
                || kind.chars().any(|c| c.is_control() || !c.is_ascii())
            {
                return Err(format!("requestPolicy.headerContentType {kind} is not supported"));
            }
            self.content_type = kind;
        }
        Ok(())
    }

    fn retry_json(&self) -> Value {
        serde_json::to_value(&self.retry).unwrap_or_default()
    }

    fn throttle_json(&self) -> Value {
        self.receives_per_second_max.map_or(Value::Null, |rate| json!({ "maxReceivesPerSecond": rate }))
    }
}

/// `EffectiveDeliveryPolicy` of a topic.
pub(crate) fn effective_topic_policy(text: Option<&str>) -> String {
    let policy = DeliveryPolicy::effective(text, None);
    let mut http = json!({
        "defaultHealthyRetryPolicy": policy.retry_json(),
        "disableSubscriptionOverrides": policy.disable_subscription_overrides,
        "defaultRequestPolicy": { "headerContentType": policy.content_type },
    });
    if policy.receives_per_second_max.is_some() {
        http["defaultThrottlePolicy"] = policy.throttle_json();
    }
    json!({ "http": http }).to_string()
}

/// `EffectiveDeliveryPolicy` of a subscription.
pub(crate) fn effective_subscription_policy(topic: Option<&str>, subscription: Option<&str>) -> String {
    let policy = DeliveryPolicy::effective(topic, subscription);
    json!({
        "healthyRetryPolicy": policy.retry_json(),
        "sicklyRetryPolicy": null,
        "throttlePolicy": policy.throttle_json(),
        "requestPolicy": { "headerContentType": policy.content_type },
        "guaranteed": false,
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delays(policy: &RetryPolicy, count: u32) -> Vec<f64> {
        (1..=count).map_while(|retry| policy.delay_before(retry)).map(|d| d.as_secs_f64()).collect()
    }

    #[test]
    fn the_default_is_three_retries_twenty_seconds_apart() {
        assert_eq!(delays(&RetryPolicy::default(), 9), [20.0, 20.0, 20.0]);
    }

    #[test]
    fn phases_come_in_order() {
        let policy = |function: &str| {
            let text = format!(
                r#"{{"healthyRetryPolicy":{{"minDelayTarget":1,"maxDelayTarget":9,"numRetries":9,"numNoDelayRetries":1,
                "numMinDelayRetries":2,"numMaxDelayRetries":1,"backoffFunction":"{function}"}}}}"#
            );
            DeliveryPolicy::effective(None, Some(&text)).retry
        };
        assert_eq!(delays(&policy("linear"), 20), [0.0, 1.0, 1.0, 1.0, 3.0, 5.0, 7.0, 9.0, 9.0]);
        for function in ["arithmetic", "geometric", "exponential"] {
            let delays = delays(&policy(function), 20);
            assert_eq!((delays[3], delays[7]), (1.0, 9.0), "{function}");
            assert!(delays[3..8].windows(2).all(|pair| pair[0] < pair[1]), "{function}: {delays:?}");
            assert!(delays[5] < 5.0, "{function} starts slower than linear: {delays:?}");
        }
    }

    #[test]
    fn services_and_mail_have_schedules_of_their_own() {
        let services = delays(&RetryPolicy::of_services(), 20);
        assert_eq!(services[..6], [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
        assert_eq!(services[14..], [20.0; 6]);
        let mail = RetryPolicy::of_mail();
        assert_eq!(delays(&mail, 60).len(), 50);
        let hours = mail.total_secs() / 3600.0;
        assert!((6.0..8.0).contains(&hours), "{hours}");
    }

    #[test]
    fn what_is_refused() {
        for (text, words) in [
            ("{", "EOF"),
            (
                r#"{"healthyRetryPolicy":{"minDelayTarget":1,"maxDelayTarget":2,"numRetries":101}}"#,
                "numRetries",
            ),
            (
                r#"{"healthyRetryPolicy":{"minDelayTarget":3,"maxDelayTarget":2,"numRetries":1}}"#,
                "minDelayTarget",
            ),
            (
                r#"{"healthyRetryPolicy":{"minDelayTarget":1,"maxDelayTarget":4000,"numRetries":1}}"#,
                "maxDelayTarget",
            ),
            (
                r#"{"healthyRetryPolicy":{"minDelayTarget":60,"maxDelayTarget":60,"numRetries":100}}"#,
                "3600 seconds",
            ),
            (
                r#"{"healthyRetryPolicy":{"minDelayTarget":1,"maxDelayTarget":2,"numRetries":1,"numMinDelayRetries":2}}"#,
                "sum",
            ),
            (r#"{"throttlePolicy":{"maxReceivesPerSecond":0}}"#, "maxReceivesPerSecond"),
            (r#"{"requestPolicy":{"headerContentType":"a/b"}}"#, "headerContentType"),
            (r#"{"other":1}"#, "other"),
        ] {
            let error = DeliveryPolicy::check_subscription(text).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn a_topic_may_forbid_overrides() {
        let topic = r#"{"http":{"disableSubscriptionOverrides":true,"defaultThrottlePolicy":{"maxReceivesPerSecond":5}}}"#;
        let own = r#"{"healthyRetryPolicy":{"minDelayTarget":1,"maxDelayTarget":1,"numRetries":1}}"#;
        let policy = DeliveryPolicy::effective(Some(topic), Some(own));
        assert_eq!(policy.retry, RetryPolicy::default());
        assert_eq!(policy.receives_per_second_max, Some(5));
        let text = effective_topic_policy(None);
        let parsed: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(parsed["http"]["defaultHealthyRetryPolicy"]["numRetries"], 3);
    }
}
