//! A service whose alarms are evaluated minute by minute and whose actions and events are noted down.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base::task::Task;
use base::{AccountId, Clock, NoFaults, Region, Scope, SeededEntropy, SimulatedClock, Timestamp};
use catalog::{Catalog, MemoryBackend};
use object_store::memory::InMemory;
use parking_lot::Mutex;
use shapes::cloudwatch::{
    ComparisonOperator, DescribeAlarmHistoryInput, DescribeAlarmsInput, MetricAlarm, PutCompositeAlarmInput,
    PutMetricAlarmInput, SetAlarmStateInput, StateValue, Statistic,
};
use signals::{
    AlarmAction, AlarmActionSink, BusEvent, BusSink, Dimension, MetricDatum, MetricIdentity, MetricValue,
    Principal, Resolution, SinkError, TargetError,
};
use smithy::{Caller, Cx, OperationError};
use store::{Store, StoreCapabilities, StoreConfig};
use tokio_util::sync::CancellationToken;

use crate::alarm::error::AlarmError;
use crate::operations::alarms::describe_alarm_history::describe_alarm_history;
use crate::operations::alarms::describe_alarms::describe_alarms;
use crate::operations::alarms::put_composite_alarm::put_composite_alarm;
use crate::operations::alarms::put_metric_alarm::put_metric_alarm;
use crate::operations::alarms::set_alarm_state::set_alarm_state;
use crate::tasks::dispatch::AlarmDispatch;
use crate::tasks::evaluation::AlarmEvaluation;
use crate::{AlarmOutlets, CloudWatch, CloudWatchConfig, CloudWatchParts};

pub(super) const TOPIC: &str = "arn:aws:sns:eu-west-1:123456789012:t";
pub(super) const OK_TOPIC: &str = "arn:aws:sns:eu-west-1:123456789012:ok";

/// 2026-02-03T00:00:00Z.
pub(super) const START: Timestamp = Timestamp::from_secs(1_770_076_800);

/// Takes actions and events, and fails when told to.
#[derive(Default)]
pub(super) struct Recorder {
    pub(super) actions: Mutex<Vec<AlarmAction>>,
    pub(super) events: Mutex<Vec<BusEvent>>,
    pub(super) failure: Mutex<Option<TargetError>>,
}

#[async_trait]
impl AlarmActionSink for Recorder {
    async fn act(&self, action: AlarmAction) -> Result<(), TargetError> {
        self.actions.lock().push(action);
        self.failure.lock().clone().map_or(Ok(()), Err)
    }
}

#[async_trait]
impl BusSink for Recorder {
    async fn put_bus_events(&self, events: Vec<BusEvent>) -> Result<(), SinkError> {
        self.events.lock().extend(events);
        Ok(())
    }
}

pub(super) struct Bench {
    _dir: tempfile::TempDir,
    store: Arc<Store>,
    pub(super) clock: Arc<SimulatedClock>,
    pub(super) cw: Arc<CloudWatch>,
    pub(super) recorder: Arc<Recorder>,
    evaluation: AlarmEvaluation,
    dispatch: AlarmDispatch,
}

impl Bench {
    pub(super) async fn new() -> Self {
        let clock = SimulatedClock::new(START);
        let catalog = Catalog::with_backend(Arc::new(MemoryBackend::default()), clock.clone()).await.unwrap();
        Self::over(catalog, clock)
    }

    /// Over a catalog in a file, which outlives the bench.
    pub(super) async fn open(file: &Path, clock: Arc<SimulatedClock>) -> Self {
        let catalog = Catalog::open(file, clock.clone()).await.unwrap();
        Self::over(catalog, clock)
    }

    fn over(catalog: Arc<Catalog>, clock: Arc<SimulatedClock>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let capabilities = StoreCapabilities {
            objects: Arc::new(InMemory::new()),
            clock: clock.clone(),
            entropy: SeededEntropy::new(1),
            faults: Arc::new(NoFaults),
        };
        let store = Store::open(StoreConfig::new(dir.path()), capabilities).unwrap();
        let recorder = Arc::new(Recorder::default());
        let parts = CloudWatchParts {
            metrics: store.metrics().clone(),
            catalog,
            clock: clock.clone(),
            entropy: SeededEntropy::new(clock.now().as_millis().unsigned_abs()),
            outlets: AlarmOutlets { actions: recorder.clone(), bus: vec![recorder.clone()] },
            targets: Arc::new(crate::tests::DeliveryStreams::default()),
            config: CloudWatchConfig::default(),
        };
        let cw = CloudWatch::new(parts).unwrap();
        Self {
            _dir: dir,
            store,
            clock,
            evaluation: AlarmEvaluation::new(cw.clone()),
            dispatch: AlarmDispatch { cw: cw.clone() },
            cw,
            recorder,
        }
    }

    pub(super) fn cx(&self) -> Cx<CloudWatch> {
        let principal = Principal {
            arn: "arn:aws:iam::123456789012:root".to_owned(),
            kind: "Root".to_owned(),
            principal_id: "123456789012".to_owned(),
            user_name: None,
            access_key_id: None,
        };
        let caller = Caller {
            scope: scope(),
            principal,
            source_ip: "127.0.0.1".to_owned(),
            user_agent: "test".to_owned(),
            request_id: "1".to_owned(),
        };
        Cx { service: self.cw.clone(), caller: Arc::new(caller), now: self.clock.now() }
    }

    /// One value of NS/m, now.
    pub(super) async fn value(&self, value: f64) {
        self.value_of("m", &[], value).await;
    }

    /// One value of a metric of NS, now.
    pub(super) async fn value_of(&self, name: &str, dimensions: &[(&str, &str)], value: f64) {
        let dimensions =
            dimensions.iter().map(|(name, value)| Dimension { name: (*name).into(), value: (*value).into() });
        let metric = MetricIdentity::new("NS", name, dimensions.collect());
        self.append(vec![datum(metric, self.clock.now(), value)]).await;
    }

    /// Values of a metric of NS.
    pub(super) async fn values_of(&self, name: &str, values: Vec<(Timestamp, f64)>) {
        let metric = MetricIdentity::new("NS", name, Vec::new());
        self.append(values.into_iter().map(|(at, value)| datum(metric.clone(), at, value)).collect()).await;
    }

    /// The same value of a metric of NS for each of many hosts, now.
    pub(super) async fn values_of_hosts(&self, name: &str, hosts: &[String], value: f64) {
        let now = self.clock.now();
        let of_host = |host: &String| {
            let dimension = Dimension { name: "Host".into(), value: host.as_str().into() };
            datum(MetricIdentity::new("NS", name, vec![dimension]), now, value)
        };
        self.append(hosts.iter().map(of_host).collect()).await;
    }

    async fn append(&self, data: Vec<MetricDatum>) {
        self.store.metrics().append(&scope(), data).await.unwrap();
    }

    pub(super) async fn evaluate(&self) {
        self.evaluation.activate(&CancellationToken::new()).await.unwrap();
    }

    pub(super) async fn dispatch(&self) {
        self.dispatch.activate(&CancellationToken::new()).await.unwrap();
    }

    /// Both tasks, as they are woken by an operation.
    pub(super) async fn settle(&self) {
        self.evaluate().await;
        self.dispatch().await;
    }

    pub(super) fn next_evaluation(&self) -> Option<Timestamp> {
        self.evaluation.next_activation()
    }

    pub(super) fn next_dispatch(&self) -> Option<Timestamp> {
        self.dispatch.next_activation()
    }

    /// A minute passes, with this value at its beginning.
    pub(super) async fn minute(&self, value: Option<f64>) {
        if let Some(value) = value {
            self.value(value).await;
        }
        self.clock.advance(Duration::from_secs(60));
        self.settle().await;
    }

    pub(super) async fn put(&self, input: PutMetricAlarmInput) {
        put_metric_alarm(self.cx(), input).await.unwrap();
    }

    pub(super) async fn put_composite(&self, input: PutCompositeAlarmInput) {
        put_composite_alarm(self.cx(), input).await.unwrap();
    }

    pub(super) async fn set(&self, alarm: &str, state: StateValue) {
        let input = SetAlarmStateInput {
            alarm_name: alarm.to_owned(),
            state_reason: "by hand".to_owned(),
            state_reason_data: None,
            state_value: state,
        };
        set_alarm_state(self.cx(), input).await.unwrap();
        self.settle().await;
    }

    pub(super) async fn alarm(&self, name: &str) -> MetricAlarm {
        let input = DescribeAlarmsInput {
            alarm_names: Some(vec![name.to_owned()]),
            ..DescribeAlarmsInput::default()
        };
        describe_alarms(self.cx(), input).await.unwrap().metric_alarms.unwrap().pop().unwrap()
    }

    pub(super) async fn state(&self, name: &str) -> String {
        let key = crate::alarm::record::alarm_key(&scope(), name);
        self.cw.alarms().alarms.get(&key).unwrap().state.value.as_str().to_owned()
    }

    /// `state of the message → action`, and forgets them.
    pub(super) fn actions(&self) -> Vec<String> {
        let taken: Vec<AlarmAction> = self.recorder.actions.lock().drain(..).collect();
        taken.iter().map(shown).collect()
    }

    /// `from → to` of state change events, and forgets all events.
    pub(super) fn transitions(&self) -> Vec<String> {
        let taken: Vec<BusEvent> = self.recorder.events.lock().drain(..).collect();
        taken
            .iter()
            .filter(|event| event.detail_type == "CloudWatch Alarm State Change")
            .map(|event| {
                let text = |pointer| event.detail.pointer(pointer).unwrap().as_str().unwrap().to_owned();
                format!("{} {} to {}", text("/alarmName"), text("/previousState/value"), text("/state/value"))
            })
            .collect()
    }

    /// Summaries of the history of an alarm, oldest first.
    pub(super) async fn history(&self, alarm: &str) -> Vec<String> {
        let input = DescribeAlarmHistoryInput {
            alarm_name: Some(alarm.to_owned()),
            alarm_types: Some(vec!["MetricAlarm".into(), "CompositeAlarm".into()]),
            scan_by: Some("TimestampAscending".into()),
            ..DescribeAlarmHistoryInput::default()
        };
        let items = describe_alarm_history(self.cx(), input).await.unwrap().alarm_history_items.unwrap();
        items.into_iter().map(|item| item.history_summary.unwrap()).collect()
    }
}

fn datum(metric: MetricIdentity, timestamp: Timestamp, value: f64) -> MetricDatum {
    let value = MetricValue::Single(value);
    MetricDatum { metric, timestamp, unit: "None".into(), resolution: Resolution::Standard, value }
}

fn shown(action: &AlarmAction) -> String {
    let message: serde_json::Value = serde_json::from_str(&action.message).unwrap();
    let after_mute = match message["ActionExecutedAfterMuteWindow"].as_bool() {
        Some(true) => " after mute",
        _ => "",
    };
    let name = action.action_arn.rsplit(':').next().unwrap();
    format!(
        "{} {} to {}{after_mute}: {name}",
        action.alarm_name,
        message["OldStateValue"].as_str().unwrap(),
        message["NewStateValue"].as_str().unwrap()
    )
}

pub(super) fn scope() -> Scope {
    Scope::new(AccountId::new("123456789012").unwrap(), Region::new("eu-west-1").unwrap())
}

/// NS/m, average over a minute, > 3, with actions for ALARM and OK.
pub(super) fn alarm(name: &str) -> PutMetricAlarmInput {
    PutMetricAlarmInput {
        alarm_name: name.to_owned(),
        namespace: Some("NS".to_owned()),
        metric_name: Some("m".to_owned()),
        statistic: Some(Statistic::Average),
        period: Some(60),
        evaluation_periods: Some(1),
        threshold: Some(3.0),
        comparison_operator: Some(ComparisonOperator::GreaterThanThreshold),
        alarm_actions: Some(vec![TOPIC.to_owned()]),
        ok_actions: Some(vec![OK_TOPIC.to_owned()]),
        ..PutMetricAlarmInput::default()
    }
}

pub(super) fn composite(name: &str, rule: &str) -> PutCompositeAlarmInput {
    PutCompositeAlarmInput {
        alarm_name: name.to_owned(),
        alarm_rule: rule.to_owned(),
        alarm_actions: Some(vec![TOPIC.to_owned()]),
        ok_actions: Some(vec![OK_TOPIC.to_owned()]),
        ..PutCompositeAlarmInput::default()
    }
}

/// `Code: message` of an error, with the code clients see.
pub(super) fn error_text(error: AlarmError) -> String {
    match OperationError::from(error) {
        OperationError::Validation(message) => format!("ValidationError: {message}"),
        OperationError::Modelled(error) => {
            format!("{}: {}", error.schema().name, error.message.clone().unwrap_or_default())
        }
        other => panic!("{other:?}"),
    }
}
