//! Which resources a call touched: found in its parameters by their names.

use serde_json::Value;
use signals::ApiCall;
use signals::audit::AuditResource;

/// Resources noted of one call.
const RESOURCES_MAX: usize = 50;
/// The longest name of any resource.
const NAME_BYTES_MAX: usize = 2048;

/// A resource a call touched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Touched {
    pub(super) kind: &'static str,
    pub(super) name: String,
    pub(super) arn: Option<String>,
}

impl Touched {
    pub(super) fn into_attribute(self) -> AuditResource {
        AuditResource { resource_type: self.kind.to_owned(), resource_name: self.name }
    }
}

/// A kind of resource and how its ARN is made.
struct Kind {
    name: &'static str,
    /// Service in the ARN, and what precedes the name in its last field; `None` where the name alone does
    /// not make an ARN.
    arn: Option<(&'static str, &'static str)>,
    /// What precedes the name in the last field of ARNs that callers pass.
    prefix: &'static str,
}

const fn kind(name: &'static str, service: &'static str, prefix: &'static str) -> Kind {
    Kind { name, arn: Some((service, prefix)), prefix }
}

const LOG_GROUP: Kind = kind("AWS::Logs::LogGroup", "logs", "log-group:");
const LOG_STREAM: Kind = Kind { arn: None, ..kind("AWS::Logs::LogStream", "logs", "log-stream:") };
const QUERY_DEFINITION: Kind = kind("AWS::Logs::QueryDefinition", "logs", "query-definition:");
const DESTINATION: Kind = kind("AWS::Logs::Destination", "logs", "destination:");
const ALARM: Kind = kind("AWS::CloudWatch::Alarm", "cloudwatch", "alarm:");
const INSIGHT_RULE: Kind = kind("AWS::CloudWatch::InsightRule", "cloudwatch", "insight-rule/");
const METRIC_STREAM: Kind = kind("AWS::CloudWatch::MetricStream", "cloudwatch", "metric-stream/");
// A dashboard's ARN has no Region.
const DASHBOARD: Kind = Kind { arn: None, ..kind("AWS::CloudWatch::Dashboard", "cloudwatch", "dashboard/") };
const XRAY_GROUP: Kind = Kind { arn: None, ..kind("AWS::XRay::Group", "xray", "group/") };
const SAMPLING_RULE: Kind = kind("AWS::XRay::SamplingRule", "xray", "sampling-rule/");
const TRAIL: Kind = kind("AWS::CloudTrail::Trail", "cloudtrail", "trail/");
const EVENT_DATA_STORE: Kind = kind("AWS::CloudTrail::EventDataStore", "cloudtrail", "eventdatastore/");
const CHANNEL: Kind = kind("AWS::CloudTrail::Channel", "cloudtrail", "channel/");
const TOPIC: Kind = kind("AWS::SNS::Topic", "sns", "");
const ROLE: Kind = Kind { arn: None, ..kind("AWS::IAM::Role", "iam", "role/") };

/// Event source, operations that begin so, parameter, kind. A parameter holds a name, an ARN, or a list of
/// either.
const PARAMETERS: [(&str, &str, &str, Kind); 37] = [
    ("logs.amazonaws.com", "", "logGroupName", LOG_GROUP),
    ("logs.amazonaws.com", "", "logGroupIdentifier", LOG_GROUP),
    ("logs.amazonaws.com", "", "logGroupNames", LOG_GROUP),
    ("logs.amazonaws.com", "", "logGroupIdentifiers", LOG_GROUP),
    ("logs.amazonaws.com", "", "logGroupArnList", LOG_GROUP),
    ("logs.amazonaws.com", "", "resourceArn", LOG_GROUP),
    ("logs.amazonaws.com", "", "resourceIdentifier", LOG_GROUP),
    ("logs.amazonaws.com", "", "logStreamName", LOG_STREAM),
    ("logs.amazonaws.com", "", "queryDefinitionId", QUERY_DEFINITION),
    ("logs.amazonaws.com", "", "resourceArn", DESTINATION),
    ("logs.amazonaws.com", "", "destinationName", DESTINATION),
    ("monitoring.amazonaws.com", "", "alarmName", ALARM),
    ("monitoring.amazonaws.com", "", "alarmNames", ALARM),
    ("monitoring.amazonaws.com", "", "resourceARN", ALARM),
    ("monitoring.amazonaws.com", "", "resourceARN", INSIGHT_RULE),
    ("monitoring.amazonaws.com", "", "resourceARN", METRIC_STREAM),
    ("monitoring.amazonaws.com", "", "dashboardName", DASHBOARD),
    ("monitoring.amazonaws.com", "", "dashboardNames", DASHBOARD),
    ("monitoring.amazonaws.com", "", "ruleName", INSIGHT_RULE),
    ("monitoring.amazonaws.com", "", "ruleNames", INSIGHT_RULE),
    ("monitoring.amazonaws.com", "PutMetricStream", "name", METRIC_STREAM),
    ("monitoring.amazonaws.com", "GetMetricStream", "name", METRIC_STREAM),
    ("monitoring.amazonaws.com", "DeleteMetricStream", "name", METRIC_STREAM),
    ("xray.amazonaws.com", "", "groupName", XRAY_GROUP),
    ("xray.amazonaws.com", "", "groupARN", XRAY_GROUP),
    ("xray.amazonaws.com", "", "resourceARN", XRAY_GROUP),
    ("xray.amazonaws.com", "", "ruleName", SAMPLING_RULE),
    ("xray.amazonaws.com", "", "ruleARN", SAMPLING_RULE),
    ("xray.amazonaws.com", "", "resourceARN", SAMPLING_RULE),
    ("cloudtrail.amazonaws.com", "", "trailName", TRAIL),
    ("cloudtrail.amazonaws.com", "", "trailNameList", TRAIL),
    ("cloudtrail.amazonaws.com", "", "eventDataStore", EVENT_DATA_STORE),
    ("cloudtrail.amazonaws.com", "", "channel", CHANNEL),
    ("sns.amazonaws.com", "", "topicArn", TOPIC),
    ("sns.amazonaws.com", "", "resourceArn", TOPIC),
    ("sns.amazonaws.com", "CreateTopic", "name", TOPIC),
    ("sts.amazonaws.com", "AssumeRole", "roleArn", ROLE),
];

/// The trail operations call their trail's name just `name`.
const TRAIL_NAME: &str = "name";

/// Structures whose members count as parameters of the call.
const NESTED: [&str; 2] = ["samplingRule", "samplingRuleUpdate"];

/// The resources of `call`, each once.
pub(super) fn of_call(call: &ApiCall) -> Vec<Touched> {
    let mut found = Vec::new();
    let Some(parameters) = &call.request_parameters else { return found };
    let rows = PARAMETERS
        .iter()
        .filter(|(source, operation, _, _)| {
            *source == call.event_source && call.event_name.starts_with(operation)
        })
        .map(|(_, _, parameter, kind)| (*parameter, kind));
    let trail = (call.event_source == "cloudtrail.amazonaws.com"
        && (call.event_name.contains("Trail") || call.event_name.ends_with("Logging")))
    .then_some((TRAIL_NAME, &TRAIL));
    for (parameter, kind) in rows.chain(trail) {
        let nested = NESTED.iter().filter_map(|name| parameters.get(name)?.get(parameter));
        for value in parameters.get(parameter).into_iter().chain(nested) {
            match value {
                Value::String(text) => note(&mut found, call, kind, text),
                Value::Array(items) => {
                    items
                        .iter()
                        .filter_map(Value::as_str)
                        .for_each(|text| note(&mut found, call, kind, text));
                }
                _ => {}
            }
        }
    }
    found
}

fn note(found: &mut Vec<Touched>, call: &ApiCall, kind: &Kind, text: &str) {
    let touched =
        if text.starts_with("arn:") { from_arn(kind, text) } else { Some(from_name(call, kind, text)) };
    let Some(touched) = touched else { return };
    let fits = !touched.name.is_empty() && touched.name.len() <= NAME_BYTES_MAX;
    let known = |other: &Touched| other.kind == touched.kind && other.name == touched.name;
    if fits && found.len() < RESOURCES_MAX && !found.iter().any(known) {
        found.push(touched);
    }
}

fn from_name(call: &ApiCall, kind: &Kind, name: &str) -> Touched {
    let arn = kind.arn.map(|(service, prefix)| call.scope.arn(service, &format!("{prefix}{name}")));
    Touched { kind: kind.name, name: name.to_owned(), arn }
}

/// The resource an ARN names, if it is of this kind.
fn from_arn(kind: &Kind, arn: &str) -> Option<Touched> {
    let last = arn.splitn(6, ':').nth(5)?;
    // AWS: a log group's ARN may end in `:*`, which stands for its streams.
    let name = last.strip_prefix(kind.prefix)?.trim_end_matches(":*");
    // Groups of X-Ray have an id behind their name.
    let name = if kind.name == XRAY_GROUP.name { name.split('/').next()? } else { name };
    Some(Touched { kind: kind.name, name: name.to_owned(), arn: Some(arn.to_owned()) })
}
