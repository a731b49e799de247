//! The routing vectors of `spec/protocols.md` §2.2, on miniature models of the services they name.

use http::{HeaderName, HeaderValue};
use smithy::{HttpTrait, Kind, Schema};

use super::*;

static EMPTY: Schema = Schema::new("Empty", Kind::Structure);

const fn operation(name: &'static str, method: &'static str, uri: &'static str) -> OperationSchema {
    OperationSchema {
        name,
        input: || &EMPTY,
        output: || &EMPTY,
        has_output: true,
        errors: &[],
        http: HttpTrait { method, uri, status: 200 },
        unauthenticated: false,
        host_prefix: None,
        request_compression: false,
    }
}

const fn service(
    signing_name: &'static str,
    api_version: &'static str,
    protocols: &'static [Protocol],
    target_prefix: Option<&'static str>,
    operations: &'static [&'static OperationSchema],
) -> ServiceSchema {
    ServiceSchema {
        signing_name,
        service_id: signing_name,
        full_name: signing_name,
        api_version,
        protocols,
        target_prefix,
        xml_namespace: None,
        error_namespace: None,
        aws_query_compatible: false,
        operations,
    }
}

static LIST_METRICS: OperationSchema = operation("ListMetrics", "POST", "/");
static CONFIRM: OperationSchema = operation("ConfirmSubscription", "POST", "/");
static PUT_SEGMENTS: OperationSchema = operation("PutTraceSegments", "POST", "/TraceSegments");
static TAG_XRAY: OperationSchema = operation("TagResource", "POST", "/TagResource");
static TAG_OAM: OperationSchema = operation("TagResource", "PUT", "/tags/{ResourceArn+}");
static TAG_OTHER: OperationSchema = operation("TagResource", "POST", "/TagResource");

static MONITORING: ServiceSchema = service(
    "monitoring",
    "2010-08-01",
    &[Protocol::RpcV2Cbor, Protocol::AwsJson1_0, Protocol::AwsQuery],
    Some("GraniteServiceVersion20100801"),
    &[&LIST_METRICS],
);
static CLOUDTRAIL: ServiceSchema = service(
    "cloudtrail",
    "2013-11-01",
    &[Protocol::AwsJson1_1],
    Some("com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101"),
    &[],
);
static SNS: ServiceSchema = service("sns", "2010-03-31", &[Protocol::AwsQuery], None, &[&CONFIRM]);
static STS: ServiceSchema = service("sts", "2011-06-15", &[Protocol::AwsQuery], None, &[]);
static XRAY: ServiceSchema =
    service("xray", "2016-04-12", &[Protocol::RestJson1], None, &[&PUT_SEGMENTS, &TAG_XRAY]);
static OAM: ServiceSchema = service("oam", "2022-06-10", &[Protocol::RestJson1], None, &[&TAG_OAM]);
static OTHER: ServiceSchema = service("other", "2020-01-01", &[Protocol::RestJson1], None, &[&TAG_OTHER]);

#[derive(Default, Clone)]
struct Ask {
    method: Method,
    path: &'static str,
    query: Option<&'static str>,
    headers: HeaderMap,
    body: &'static str,
    scope: Option<&'static str>,
}

fn ask(method: &str, uri: &'static str) -> Ask {
    let (path, query) = uri.split_once('?').map_or((uri, None), |(p, q)| (p, Some(q)));
    Ask { method: method.parse().unwrap(), path, query, ..Ask::default() }
}

impl Ask {
    fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        self
    }
    fn form(self, body: &'static str) -> Self {
        Self { body, ..self.header("content-type", "application/x-www-form-urlencoded; charset=utf-8") }
    }
    fn cbor(self) -> Self {
        self.header("smithy-protocol", "rpc-v2-cbor")
    }
    fn target(self, target: &'static str) -> Self {
        self.header("x-amz-target", target)
    }
    fn scope(self, scope: &'static str) -> Self {
        Self { scope: Some(scope), ..self }
    }

    /// `service protocol operation`, or `protocol error`.
    fn answer(&self) -> String {
        let services =
            Services::new(Vec::new(), vec![&MONITORING, &CLOUDTRAIL, &SNS, &STS, &XRAY, &OAM, &OTHER]);
        let question = Question {
            method: &self.method,
            path: self.path,
            query: self.query,
            headers: &self.headers,
            scope_service: self.scope,
        };
        let mut route = services.route(&question);
        if matches!(route, Route::Form) {
            route = services.resolve_form(&question, self.body.as_bytes());
        }
        match route {
            Route::Operation(t) => {
                format!("{} {:?} {}", t.service.schema.signing_name, t.protocol, t.operation)
            }
            Route::Refused { protocol, error, .. } => format!("{protocol:?} {error:?}"),
            Route::Form => "form".to_owned(),
            Route::S3 => "s3".to_owned(),
        }
    }
}

const PUT_METRIC_DATA: &str = "/service/GraniteServiceVersion20100801/operation/PutMetricData";

#[test]
fn vectors_r1_to_r12() {
    let cases = [
        ("R1", ask("POST", PUT_METRIC_DATA).cbor(), "monitoring RpcV2Cbor PutMetricData"),
        (
            "R2",
            ask("POST", "/v1/service/GraniteServiceVersion20100801/operation/ListMetrics").cbor(),
            "monitoring RpcV2Cbor ListMetrics",
        ),
        (
            "R3",
            ask("POST", PUT_METRIC_DATA),
            r#"RestJson1 UnknownOperation { operation: "/service/GraniteServiceVersion20100801/operation/PutMetricData" }"#,
        ),
        (
            "R4",
            ask("POST", PUT_METRIC_DATA).cbor().target("GraniteServiceVersion20100801.PutMetricData"),
            r#"RpcV2Cbor Serialization("X-Amz-Target must not be sent with smithy-protocol: rpc-v2-cbor")"#,
        ),
        (
            "R5",
            ask("POST", "/").target("GraniteServiceVersion20100801.GetMetricData"),
            "monitoring AwsJson1_0 GetMetricData",
        ),
        (
            "R6",
            ask("POST", "/").target("com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents"),
            "cloudtrail AwsJson1_1 LookupEvents",
        ),
        (
            "R7",
            ask("POST", "/").form("Action=ListMetrics&Version=2010-08-01"),
            "monitoring AwsQuery ListMetrics",
        ),
        (
            "R8",
            ask("GET", "/?Action=ConfirmSubscription&TopicArn=a&Token=b"),
            "sns AwsQuery ConfirmSubscription",
        ),
        ("R9", ask("POST", "/TraceSegments"), "xray RestJson1 PutTraceSegments"),
        (
            "R10",
            ask("POST", "/").form("Action=GetCallerIdentity&Version=2011-06-15"),
            "sts AwsQuery GetCallerIdentity",
        ),
        ("R11", ask("PUT", "/tags/arn%3Aaws%3Aoam%3Aus-east-1"), "oam RestJson1 TagResource"),
        ("R12", ask("POST", "/TagResource").scope("xray"), "xray RestJson1 TagResource"),
    ];
    for (name, ask, expected) in cases {
        assert_eq!(ask.answer(), expected, "{name}");
    }
}

#[test]
fn other_forms_and_refusals() {
    let cases = [
        // The short CloudTrail prefix, and an absolute service name over CBOR.
        (ask("POST", "/").target("CloudTrail_20131101.LookupEvents"), "cloudtrail AwsJson1_1 LookupEvents"),
        (
            ask("POST", "/service/com.amazonaws.x.GraniteServiceVersion20100801/operation/ListMetrics")
                .cbor(),
            "monitoring RpcV2Cbor ListMetrics",
        ),
        // The content type decides the JSON version of the answer.
        (
            ask("POST", "/")
                .target("CloudTrail_20131101.X")
                .header("content-type", "application/x-amz-json-1.0"),
            "cloudtrail AwsJson1_0 X",
        ),
        // The body's Action wins over the URL's; the scope decides without a Version.
        (ask("POST", "/?Action=A&Version=2010-08-01").form("Action=B&Version=2011-06-15"), "sts AwsQuery B"),
        (ask("POST", "/").form("Action=A").scope("sns"), "sns AwsQuery A"),
        (ask("POST", "/").form("Action=ListMetrics"), "monitoring AwsQuery ListMetrics"),
        // Services that are not here.
        (
            ask("POST", "/service/CloudWatchOmniFrontend/operation/X").cbor(),
            r#"RpcV2Cbor UnknownOperation { operation: "CloudWatchOmniFrontend.X" }"#,
        ),
        (
            ask("POST", "/").form("Action=DescribeRegions&Version=2016-11-15").scope("ec2"),
            r#"AwsQuery UnknownOperation { operation: "DescribeRegions" }"#,
        ),
        (
            ask("POST", "/").target("TrentService.ListKeys"),
            r#"AwsJson1_1 UnknownOperation { operation: "TrentService.ListKeys" }"#,
        ),
        (ask("GET", "/bucket/key").scope("s3"), "s3"),
        // Broken requests.
        (ask("POST", "/").form("Version=2010-08-01"), "AwsQuery MissingAction"),
        (ask("POST", "/").form("%%%=&=&&"), "AwsQuery MissingAction"),
        (ask("POST", "/TraceSegments").form("{}"), "xray RestJson1 PutTraceSegments"),
        (ask("GET", "/").target("Logs_20140328.X"), "AwsJson1_1 MethodNotAllowed"),
        (ask("GET", "/TraceSegments"), "RestJson1 MethodNotAllowed"),
        (ask("POST", "/nowhere"), r#"RestJson1 UnknownOperation { operation: "/nowhere" }"#),
        (
            ask("POST", "/").header("content-type", "application/x-amz-json-1.1"),
            r#"AwsJson1_1 UnknownOperation { operation: "/" }"#,
        ),
        (
            ask("POST", "/service/x/operation/a.b").cbor(),
            r#"RpcV2Cbor UnknownOperation { operation: "/service/x/operation/a.b" }"#,
        ),
        // A form by its content type only.
        (ask("POST", "/TraceSegments").form("{}"), "xray RestJson1 PutTraceSegments"),
        // A shared path goes to the scope's service, and unsigned to the first.
        (ask("POST", "/TagResource").scope("other"), "other RestJson1 TagResource"),
        (ask("POST", "/TagResource"), "xray RestJson1 TagResource"),
    ];
    for (ask, expected) in cases {
        assert_eq!(ask.answer(), expected);
    }
}
