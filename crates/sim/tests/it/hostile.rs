//! Requests that are almost right: whatever bytes of a good request are changed, cut or repeated, the answer is
//! complete and never a server error.

use base::{Entropy, SeededEntropy, SimulatedClock};

use crate::harness::{Harness, START};

struct Template {
    method: &'static str,
    path: &'static str,
    service: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: &'static [u8],
}

const JSON_1_0: (&str, &str) = ("Content-Type", "application/x-amz-json-1.0");
const JSON_1_1: (&str, &str) = ("Content-Type", "application/x-amz-json-1.1");
const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");
const CBOR: (&str, &str) = ("Content-Type", "application/cbor");

const TEMPLATES: &[Template] = &[
    Template {
        method: "POST",
        path: "/",
        service: "logs",
        headers: &[JSON_1_1, ("X-Amz-Target", "Logs_20140328.PutLogEvents")],
        body: br#"{"logGroupName":"/g","logStreamName":"s","logEvents":[{"timestamp":1767225600000,"message":"{\"a\":[1,2.50,null],\"b\":\"\u00fc\"}"}]}"#,
    },
    Template {
        method: "POST",
        path: "/",
        service: "logs",
        headers: &[JSON_1_1, ("X-Amz-Target", "Logs_20140328.StartQuery")],
        body: br#"{"logGroupName":"/g","startTime":1767225000,"endTime":1767229200,"queryString":"fields @timestamp, a.0 as x | parse @message /(?<n>[0-9]+)/ | filter x >= 1 and @message like \"b\" | stats count(*), pct(x, 99) by bin(5m) | sort bin(5m) desc | limit 20"}"#,
    },
    Template {
        method: "POST",
        path: "/",
        service: "logs",
        headers: &[JSON_1_1, ("X-Amz-Target", "Logs_20140328.FilterLogEvents")],
        body: br#"{"logGroupName":"/g","filterPattern":"\"two words\" term -not ?any","limit":10,"startTime":0,"endTime":1767229200000}"#,
    },
    Template {
        method: "POST",
        path: "/",
        service: "monitoring",
        headers: &[JSON_1_0, ("X-Amz-Target", "GraniteServiceVersion20100801.GetMetricData")],
        body: br#"{"StartTime":1767225600,"EndTime":1767229200,"MetricDataQueries":[{"Id":"m1","MetricStat":{"Metric":{"Namespace":"N","MetricName":"m","Dimensions":[{"Name":"a","Value":"b"}]},"Period":60,"Stat":"p99.5"},"Label":"${MAX} x"}]}"#,
    },
    Template {
        method: "POST",
        path: "/",
        service: "monitoring",
        headers: &[FORM],
        body: b"Action=PutMetricData&Version=2010-08-01&Namespace=App&MetricData.member.1.MetricName=Hits&MetricData.member.1.Timestamp=2026-01-01T00%3A00%3A00Z&MetricData.member.1.Values.member.1=1.5&MetricData.member.1.Counts.member.1=2&MetricData.member.1.Dimensions.member.1.Name=Svc&MetricData.member.1.Dimensions.member.1.Value=a",
    },
    Template {
        method: "POST",
        path: "/service/GraniteServiceVersion20100801/operation/PutMetricData",
        service: "monitoring",
        headers: &[CBOR, ("smithy-protocol", "rpc-v2-cbor")],
        body: b"\xa2\x69Namespace\x63App\x6aMetricData\x81\xa3\x6aMetricName\x64Hits\x65Value\xfb\x3f\xf8\0\0\0\0\0\0\x69Timestamp\xc1\x1a\x69\x55\xb9\x00",
    },
    Template {
        method: "POST",
        path: "/TraceSegments",
        service: "xray",
        headers: &[("Content-Type", "application/json")],
        body: br#"{"TraceSegmentDocuments":["{\"name\":\"w\",\"id\":\"00000000000000aa\",\"trace_id\":\"1-6955b900-0000000000000000000000aa\",\"start_time\":1767225600.1,\"end_time\":1767225600.5,\"http\":{\"response\":{\"status\":500}},\"annotations\":{\"k\":1.5},\"subsegments\":[{\"name\":\"c\",\"id\":\"00000000000000ab\",\"start_time\":1767225600.1,\"end_time\":1767225600.2}]}"]}"#,
    },
    Template {
        method: "POST",
        path: "/TraceSummaries",
        service: "xray",
        headers: &[("Content-Type", "application/json")],
        body: br#"{"StartTime":1767225000,"EndTime":1767229200,"TimeRangeType":"Event","FilterExpression":"service(\"w\") { responsetime > 0.1 } AND !fault OR annotation[k] = 1.5"}"#,
    },
    Template {
        method: "POST",
        path: "/",
        service: "cloudtrail",
        headers: &[JSON_1_1, ("X-Amz-Target", "CloudTrail_20131101.LookupEvents")],
        body: br#"{"LookupAttributes":[{"AttributeKey":"EventName","AttributeValue":"CreateLogGroup"}],"StartTime":1767225000,"EndTime":1767229200,"MaxResults":5}"#,
    },
    Template {
        method: "POST",
        path: "/v1/traces",
        service: "xray",
        headers: &[("Content-Type", "application/json")],
        body: br#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"w"}}]},"scopeSpans":[{"spans":[{"traceId":"6955b900000000000000000000000001","spanId":"0000000000000001","name":"GET /","kind":2,"startTimeUnixNano":"1767225600000000000","endTimeUnixNano":"1767225600500000000"}]}]}]}"#,
    },
];

const MUTATIONS: u64 = 300;

fn mutate(body: &[u8], chance: &dyn Entropy) -> Vec<u8> {
    let mut bytes = body.to_vec();
    for _ in 0..=chance.next_u64() % 4 {
        let at = |bytes: &[u8]| (chance.next_u64() as usize) % bytes.len().max(1);
        if bytes.is_empty() {
            return bytes;
        }
        let i = at(&bytes);
        match chance.next_u64() % 6 {
            0 => bytes[i] = chance.next_u64() as u8,
            1 => bytes.truncate(i),
            2 => drop(bytes.remove(i)),
            3 => bytes.insert(i, chance.next_u64() as u8),
            4 => {
                let j = at(&bytes);
                let piece = bytes[i.min(j)..i.max(j)].to_vec();
                bytes.splice(i..i, piece);
            }
            _ => bytes[i] = b"{}[]\",:\\0-9eE.|%&="[at(b"{}[]\",:\\0-9eE.|%&=")],
        }
    }
    bytes
}

#[test]
fn no_mutation_of_a_request_is_the_servers_fault() {
    let folder = tempfile::tempdir().unwrap();
    let server = Harness::start(folder.path(), SimulatedClock::new(START));
    let mut client = server.client();
    for (target, body) in [
        ("Logs_20140328.CreateLogGroup", r#"{"logGroupName":"/g"}"#),
        ("Logs_20140328.CreateLogStream", r#"{"logGroupName":"/g","logStreamName":"s"}"#),
    ] {
        assert_eq!(client.call(target, &serde_json::from_str(body).unwrap()).unwrap().status, 200);
    }
    let chance = SeededEntropy::new(20_260_101);
    for template in TEMPLATES {
        let Template { method, path, service, headers, body } = template;
        let good = client.send(method, path, service, headers, body).unwrap();
        assert_eq!(good.status, 200, "{path} {headers:?}: {}", String::from_utf8_lossy(&good.body));
        for _ in 0..MUTATIONS {
            let mutated = mutate(body, chance.as_ref());
            let answer = client.send(method, path, service, headers, &mutated).unwrap();
            let text = String::from_utf8_lossy(&answer.body);
            assert!(
                answer.status < 500,
                "{path} {}: {} {text}",
                String::from_utf8_lossy(&mutated),
                answer.status
            );
            assert!(
                answer.status < 400 || !answer.body.is_empty(),
                "{path}: {} without a word",
                answer.status
            );
        }
    }
    server.stop();
}
