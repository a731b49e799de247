//! The whole server in this process: what is put can be read, is audited, and is there after a restart.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say so")]

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use base::faults::NoFaults;
use base::{Clock, SystemClock, SystemEntropy};
use nephoscope::config::{Config, Settings};
use nephoscope::{Capabilities, Nephoscope};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

async fn start(folder: &Path) -> Nephoscope {
    let settings: Settings = toml::from_str(&format!(
        "listen = ['127.0.0.1:0']\nxray-daemon = '127.0.0.1:0'\ndata-dir = '{}'",
        folder.display()
    ))
    .unwrap();
    let config = Config::new(settings).unwrap();
    let capabilities = Capabilities {
        clock: SystemClock::new(),
        network_clock: SystemClock::new(),
        entropy: SystemEntropy::new(),
        objects: store::durable_local(&folder.join("objects")).unwrap(),
        faults: Arc::new(NoFaults),
    };
    Nephoscope::start(&config, capabilities).await.unwrap()
}

/// Sends a request and gives status and body.
async fn send(addr: SocketAddr, service: &str, path: &str, headers: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\
         Authorization: AWS4-HMAC-SHA256 Credential=123456789012/20260101/eu-west-1/{service}/aws4_request, \
         SignedHeaders=host, Signature=0\r\nX-Amz-Date: 20260101T000000Z\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

async fn json(addr: SocketAddr, service: &str, target: &str, body: &str) -> String {
    let headers = format!("X-Amz-Target: {target}\r\nContent-Type: application/x-amz-json-1.1\r\n");
    let (status, answer) = send(addr, service, "/", &headers, body).await;
    assert_eq!(status, 200, "{target}: {answer}");
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path()).await;
    let addr = server.addresses().plain[0];
    let now = SystemClock::new().now();
    json(addr, "logs", "Logs_20140328.CreateLogGroup", r#"{"logGroupName":"g"}"#).await;
    json(addr, "logs", "Logs_20140328.CreateLogStream", r#"{"logGroupName":"g","logStreamName":"s"}"#).await;
    let events = format!(
        r#"{{"logGroupName":"g","logStreamName":"s","logEvents":[{{"timestamp":{},"message":"hello"}}]}}"#,
        now.as_millis()
    );
    json(addr, "logs", "Logs_20140328.PutLogEvents", &events).await;
    let datum = r#"{"Namespace":"App","MetricData":[{"MetricName":"Hits","Value":1.5}]}"#;
    json(addr, "monitoring", "GraniteServiceVersion20100801.PutMetricData", datum).await;
    let trace = format!("1-{:08x}-0123456789abcdef01234567", now.as_secs());
    let segment = format!(
        r#"{{"TraceSegmentDocuments":["{{\"name\":\"shop\",\"id\":\"70de5b6f19ff9a0a\",\"start_time\":{0},\"end_time\":{0},\"trace_id\":\"{trace}\"}}"]}}"#,
        now.as_secs()
    );
    let (status, answer) = send(addr, "xray", "/TraceSegments", "", &segment).await;
    assert_eq!((status, answer.contains("70de5b6f19ff9a0a")), (200, false), "{answer}");
    server.shutdown().await;
    assert!(TcpStream::connect(addr).await.is_err());

    let server = start(folder.path()).await;
    let addr = server.addresses().plain[0];
    let events =
        json(addr, "logs", "Logs_20140328.GetLogEvents", r#"{"logGroupName":"g","logStreamName":"s"}"#).await;
    assert!(events.contains("hello"), "{events}");
    let metrics = json(addr, "monitoring", "GraniteServiceVersion20100801.ListMetrics", "{}").await;
    assert!(metrics.contains("Hits"), "{metrics}");
    let (_, traces) = send(addr, "xray", "/Traces", "", &format!(r#"{{"TraceIds":["{trace}"]}}"#)).await;
    assert!(traces.contains("shop"), "{traces}");
    let lookup = r#"{"LookupAttributes":[{"AttributeKey":"EventName","AttributeValue":"CreateLogGroup"}]}"#;
    let target = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents";
    let audit = json(addr, "cloudtrail", target, lookup).await;
    assert!(audit.contains("CreateLogGroup") && audit.contains("logs.amazonaws.com"), "{audit}");
    server.shutdown().await;
}

/// Vector N2 of `spec/neighbours.md` §11, across a restart.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_assumed_role_is_who_it_says_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path()).await;
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let body =
        "Action=AssumeRole&Version=2011-06-15&RoleArn=arn:aws:iam::111111111111:role/r&RoleSessionName=s1";
    let (status, answer) = send(server.addresses().plain[0], "sts", "/", form, body).await;
    assert_eq!(status, 200, "{answer}");
    let field = |name: &str| {
        let start = answer.find(&format!("<{name}>")).unwrap() + name.len() + 2;
        answer[start..].split('<').next().unwrap().to_owned()
    };
    let (key, token) = (field("AccessKeyId"), field("SessionToken"));
    server.shutdown().await;

    let server = start(folder.path()).await;
    let mut stream = TcpStream::connect(server.addresses().plain[0]).await.unwrap();
    let body = "Action=GetCallerIdentity&Version=2011-06-15";
    let request = format!(
        "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{form}X-Amz-Security-Token: {token}\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential={key}/20260101/us-east-1/sts/aws4_request, SignedHeaders=host, \
         Signature=0\r\nX-Amz-Date: 20260101T000000Z\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains("<Arn>arn:aws:sts::111111111111:assumed-role/r/s1</Arn>"), "{answer}");
    assert!(answer.contains("<Account>111111111111</Account>"), "{answer}");
    server.shutdown().await;
}
