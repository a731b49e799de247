//! The service over a real catalog, on a simulated clock, with endpoints that answer by script.

mod delivering;
mod subscribing;
mod topics;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base::task::Task as _;
use base::{AccountId, Clock as _, Entropy as _, Region, Scope, SeededEntropy, SimulatedClock, Timestamp};
use catalog::{Catalog, MemoryBackend};
use parking_lot::Mutex;
use serde_json::Value;
use shapes::sns::*;
use signals::Principal;
use smithy::{Caller, Cx, OperationError};

use crate::mail::{Mail, MailError, MailTransport};
use crate::target::http::{EndpointRules, HttpAnswer, HttpCall, HttpError, HttpTransport};
use crate::target::{Target, TargetKind, TargetMap, Targets};
use crate::{OutboxLimits, RetryLimits, Sns, SnsParts, tasks};

/// 2024-06-01T00:00:00Z.
pub(crate) const START: i64 = 1_717_200_000;
pub(crate) const ACCOUNT: &str = "123456789012";

/// Endpoints: what they were sent, and the statuses they answer with by host (200 when none is left).
#[derive(Default)]
pub(crate) struct World {
    pub(crate) calls: Mutex<Vec<HttpCall>>,
    pub(crate) statuses: Mutex<HashMap<String, Vec<u16>>>,
    /// Hosts that never answer.
    pub(crate) hanging: Mutex<Vec<String>>,
    pub(crate) mails: Mutex<Vec<Mail>>,
}

#[async_trait]
impl HttpTransport for World {
    async fn post(&self, call: HttpCall) -> Result<HttpAnswer, HttpError> {
        let host = call.url.host_str().unwrap_or_default().to_owned();
        self.calls.lock().push(call);
        if self.hanging.lock().contains(&host) {
            std::future::pending::<()>().await;
        }
        let status = {
            let mut statuses = self.statuses.lock();
            let left = statuses.entry(host).or_default();
            if left.is_empty() { 200 } else { left.remove(0) }
        };
        Ok(HttpAnswer { status, body: bytes::Bytes::from_static(b"ok") })
    }
}

#[async_trait]
impl MailTransport for World {
    async fn send(&self, mail: Mail) -> Result<String, MailError> {
        self.mails.lock().push(mail);
        Ok("250 taken".to_owned())
    }
}

impl World {
    pub(crate) fn bodies(&self, host: &str) -> Vec<String> {
        let calls = self.calls.lock();
        let of_host = calls.iter().filter(|call| call.url.host_str() == Some(host));
        of_host.map(|call| String::from_utf8(call.body.to_vec()).unwrap()).collect()
    }

    pub(crate) fn envelopes(&self, host: &str) -> Vec<Value> {
        self.bodies(host).iter().map(|body| serde_json::from_str(body).unwrap()).collect()
    }
}

pub(crate) struct Fixture {
    pub(crate) backend: Arc<MemoryBackend>,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) clock: Arc<SimulatedClock>,
    pub(crate) world: Arc<World>,
    pub(crate) sns: Arc<Sns>,
    pub(crate) entropy: Arc<SeededEntropy>,
    limits: OutboxLimits,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        Self::with(OutboxLimits::default()).await
    }

    pub(crate) async fn with(limits: OutboxLimits) -> Self {
        let clock = SimulatedClock::new(Timestamp::from_secs(START));
        let (backend, world) = (Arc::new(MemoryBackend::default()), Arc::new(World::default()));
        Self::open(backend, clock, world, SeededEntropy::new(7), limits).await
    }

    async fn open(
        backend: Arc<MemoryBackend>,
        clock: Arc<SimulatedClock>,
        world: Arc<World>,
        entropy: Arc<SeededEntropy>,
        limits: OutboxLimits,
    ) -> Self {
        let catalog = Catalog::with_backend(backend.clone(), clock.clone()).await.unwrap();
        let target = |kind, url: &str| Target {
            kind,
            url: url.parse().unwrap(),
            credentials: None,
            headers: Vec::new(),
            routing_key: Some("R0".to_owned()),
        };
        let map = TargetMap::new([
            ("arn:aws:sqs:*".to_owned(), target(TargetKind::Sqs, "http://queue.test")),
            ("arn:aws:lambda:*".to_owned(), target(TargetKind::Lambda, "http://lambda.test")),
            ("arn:aws:firehose:*".to_owned(), target(TargetKind::Firehose, "http://firehose.test")),
            ("https://hooks.slack.com/*".to_owned(), target(TargetKind::Slack, "https://hooks.slack.com/")),
            (
                "arn:aws:ssm:*".to_owned(),
                target(TargetKind::PagerDuty, "https://events.pagerduty.com/v2/enqueue"),
            ),
        ]);
        let targets = Targets::new(map, world.clone(), clock.clone(), clock.clone());
        let sns = Sns::new(SnsParts {
            catalog: catalog.clone(),
            clock: clock.clone(),
            entropy: entropy.clone(),
            targets,
            mail: Some(world.clone()),
            endpoint_rules: EndpointRules { allow_loopback: false },
            outbox_limits: limits,
            retry_limits: RetryLimits::default(),
        })
        .unwrap();
        sns.set_public_url("http://nephoscope.test/");
        Self { backend, catalog, clock, world, sns, entropy, limits }
    }

    /// The server again after a crash.
    pub(crate) async fn restart(self) -> Self {
        let Self { backend, catalog, clock, world, sns, entropy, limits } = self;
        catalog.close().await.unwrap();
        drop((sns, catalog));
        // Another process makes other ids.
        entropy.next_u64();
        Self::open(backend, clock, world, entropy, limits).await
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Delivers what is due.
    pub(crate) async fn deliver(&self) -> u64 {
        let task = tasks::SnsOutbox { sns: self.sns.clone() };
        task.activate(&tokio_util::sync::CancellationToken::new()).await.unwrap().changes
    }

    /// Lets time pass, delivering at every due time.
    pub(crate) async fn pass(&self, secs: u64) {
        let end = self.now() + Duration::from_secs(secs);
        self.deliver().await;
        while let Some(due) = self.sns.outbox.next_due().filter(|due| *due <= end) {
            self.clock.advance_to(due);
            self.deliver().await;
        }
        self.clock.advance_to(end);
    }

    pub(crate) async fn upkeep(&self) -> u64 {
        let task = tasks::SnsUpkeep { sns: self.sns.clone() };
        task.activate(&tokio_util::sync::CancellationToken::new()).await.unwrap().changes
    }

    /// Calls an operation as the request path does, without a protocol.
    pub(crate) async fn call<I, O, E, F, Fut>(&self, operation: F, input: I) -> Result<O, (String, String)>
    where
        F: FnOnce(Cx<Sns>, I) -> Fut,
        Fut: std::future::Future<Output = Result<O, E>>,
        E: Into<OperationError>,
    {
        self.call_as(caller(ACCOUNT, true), operation, input).await
    }

    pub(crate) async fn call_as<I, O, E, F, Fut>(
        &self,
        caller: Arc<Caller>,
        operation: F,
        input: I,
    ) -> Result<O, (String, String)>
    where
        F: FnOnce(Cx<Sns>, I) -> Fut,
        Fut: std::future::Future<Output = Result<O, E>>,
        E: Into<OperationError>,
    {
        let cx = Cx { service: self.sns.clone(), caller, now: self.now() };
        operation(cx, input).await.map_err(|error| told(error.into()))
    }

    pub(crate) async fn create_topic(&self, name: &str, attributes: &[(&str, &str)]) -> String {
        let input = CreateTopicInput {
            name: name.to_owned(),
            attributes: Some(map(attributes)),
            ..CreateTopicInput::default()
        };
        let created = self.call(crate::operations::topics::create_topic, input).await.unwrap();
        created.topic_arn.unwrap()
    }

    pub(crate) async fn try_subscribe(
        &self,
        topic: &str,
        protocol: &str,
        endpoint: &str,
        attributes: &[(&str, &str)],
    ) -> Result<String, (String, String)> {
        let input = SubscribeInput {
            topic_arn: topic.to_owned(),
            protocol: protocol.to_owned(),
            endpoint: Some(endpoint.to_owned()),
            attributes: Some(map(attributes)),
            return_subscription_arn: Some(true),
        };
        let subscribed = self.call(crate::operations::subscriptions::subscribe, input).await?;
        Ok(subscribed.subscription_arn.unwrap())
    }

    /// Subscribes and, for endpoints that are asked, follows the link they were sent.
    pub(crate) async fn subscribe(
        &self,
        topic: &str,
        protocol: &str,
        endpoint: &str,
        attributes: &[(&str, &str)],
    ) -> String {
        let arn = self.try_subscribe(topic, protocol, endpoint, attributes).await.unwrap();
        self.deliver().await;
        let host = url::Url::parse(endpoint).ok().and_then(|url| url.host_str().map(str::to_owned));
        let asked = host.and_then(|host| {
            let is_confirmation = |e: &Value| e["Type"] == "SubscriptionConfirmation";
            let bodies = self.world.bodies(&host);
            bodies.iter().filter_map(|body| serde_json::from_str(body).ok()).find(is_confirmation)
        });
        if let Some(asked) = asked {
            let confirmed = self.confirm(topic, asked["Token"].as_str().unwrap()).await.unwrap();
            assert_eq!(confirmed, arn);
        }
        arn
    }

    /// By the link, unsigned.
    pub(crate) async fn confirm(&self, topic: &str, token: &str) -> Result<String, (String, String)> {
        let input = ConfirmSubscriptionInput {
            topic_arn: topic.to_owned(),
            token: token.to_owned(),
            authenticate_on_unsubscribe: None,
        };
        let anonymous = caller("000000000000", false);
        let confirm = crate::operations::subscriptions::confirm_subscription;
        Ok(self.call_as(anonymous, confirm, input).await?.subscription_arn.unwrap())
    }

    pub(crate) async fn publish(&self, topic: &str, message: &str) -> String {
        self.try_publish(topic, message, |_| {}).await.unwrap().message_id.unwrap()
    }

    pub(crate) async fn try_publish(
        &self,
        topic: &str,
        message: &str,
        change: impl FnOnce(&mut PublishInput),
    ) -> Result<PublishResponse, (String, String)> {
        let mut input = PublishInput {
            topic_arn: Some(topic.to_owned()),
            message: message.to_owned(),
            ..PublishInput::default()
        };
        change(&mut input);
        self.call(crate::operations::messages::publish, input).await
    }

    pub(crate) async fn subscription_attributes(
        &self,
        arn: &str,
    ) -> Result<BTreeMap<String, String>, (String, String)> {
        let input = GetSubscriptionAttributesInput { subscription_arn: arn.to_owned() };
        let get = crate::operations::subscriptions::get_subscription_attributes;
        Ok(self.call(get, input).await?.attributes.unwrap())
    }
}

pub(crate) fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

pub(crate) fn scope(account: &str) -> Scope {
    Scope::new(AccountId::new(account).unwrap(), Region::new("us-east-1").unwrap())
}

pub(crate) fn caller(account: &str, is_signed: bool) -> Arc<Caller> {
    Arc::new(Caller {
        scope: scope(account),
        principal: Principal {
            arn: format!("arn:aws:iam::{account}:root"),
            kind: "Root".to_owned(),
            principal_id: account.to_owned(),
            user_name: None,
            access_key_id: is_signed.then(|| account.to_owned()),
        },
        source_ip: "127.0.0.1".to_owned(),
        user_agent: "test".to_owned(),
        request_id: "r".to_owned(),
    })
}

/// Exception and message as a client sees them.
fn told(error: OperationError) -> (String, String) {
    match error {
        OperationError::Modelled(error) => {
            (error.schema().name.to_owned(), error.message.as_deref().unwrap_or_default().to_owned())
        }
        OperationError::Throttled(message) => ("Throttled".to_owned(), message),
        other => panic!("{other:?}"),
    }
}
