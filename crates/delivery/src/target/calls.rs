//! The calls AWS would make, in AWS's own forms: Lambda's Invoke, Firehose's PutRecordBatch, Kinesis's PutRecords,
//! SQS's SendMessage; signed where credentials are configured.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value, json};
use signals::TargetError;
use url::Url;

use super::config::Target;
use super::http::{HttpAnswer, HttpCall, Trust};
use super::{QueueMessage, QueueValue, Targets, region_of, sign};

/// Records of one PutRecordBatch or PutRecords (API_PutRecordBatch.html, API_PutRecords.html).
const RECORDS_MAX: usize = 500;
/// Their size together: Firehose's 4 MiB is the smaller of the two.
const BATCH_BYTES_MAX: usize = 4 << 20;
/// Calls until every record of a batch is taken.
const PARTIAL_TRIES: u32 = 4;
const PARTIAL_PAUSE: Duration = Duration::from_millis(200);

impl Targets {
    /// `POST /2015-03-31/functions/NAME/invocations`, asynchronously. A URL that has a path is used as it is: the
    /// emulators of single functions have one of their own.
    pub(super) async fn invoke_function(
        &self,
        target: &Target,
        arn: &str,
        event: Bytes,
    ) -> Result<HttpAnswer, TargetError> {
        let resource = arn.splitn(6, ':').nth(5).unwrap_or_default();
        let mut parts = resource.split(':').skip(1);
        let (name, qualifier) = (parts.next().unwrap_or("function"), parts.next());
        let mut url = target.url.clone();
        if url.path() == "/" {
            let path = ["2015-03-31", "functions", name, "invocations"];
            if let Ok(mut segments) = url.path_segments_mut() {
                segments.clear().extend(path);
            }
            if let Some(qualifier) = qualifier {
                url.query_pairs_mut().append_pair("Qualifier", qualifier);
            }
        }
        let headers = [
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (HeaderName::from_static("x-amz-invocation-type"), HeaderValue::from_static("Event")),
        ];
        self.call_service(target, url, "lambda", arn, headers, event).await
    }

    /// PutRecordBatch, in as many calls as its limits ask for; records that were not taken are put again.
    pub(super) async fn put_record_batch(
        &self,
        target: &Target,
        arn: &str,
        records: Vec<Bytes>,
    ) -> Result<HttpAnswer, TargetError> {
        let name = arn.rsplit('/').next().unwrap_or_default();
        let entries = records.iter().map(|data| json!({ "Data": BASE64.encode(data) })).collect();
        let form = Batch {
            service: "firehose",
            operation: "Firehose_20150804.PutRecordBatch",
            stream: ("DeliveryStreamName", name),
            failed: "FailedPutCount",
            results: "RequestResponses",
        };
        self.put_all(target, arn, &form, entries).await
    }

    /// PutRecords, likewise.
    pub(super) async fn put_records(
        &self,
        target: &Target,
        arn: &str,
        records: Vec<(String, Bytes)>,
    ) -> Result<HttpAnswer, TargetError> {
        let entry = |(key, data): &(String, Bytes)| {
            // AWS: a partition key has 1 to 256 characters.
            let key: String = if key.is_empty() { "-".to_owned() } else { key.chars().take(256).collect() };
            json!({ "PartitionKey": key, "Data": BASE64.encode(data) })
        };
        let name = arn.rsplit('/').next().unwrap_or_default();
        let form = Batch {
            service: "kinesis",
            operation: "Kinesis_20131202.PutRecords",
            stream: ("StreamName", name),
            failed: "FailedRecordCount",
            results: "Records",
        };
        self.put_all(target, arn, &form, records.iter().map(entry).collect()).await
    }

    async fn put_all(
        &self,
        target: &Target,
        arn: &str,
        form: &Batch<'_>,
        entries: Vec<Value>,
    ) -> Result<HttpAnswer, TargetError> {
        let mut last = HttpAnswer { status: 200, body: Bytes::new() };
        for batch in split(entries) {
            last = self.put_batch(target, arn, form, batch).await?;
        }
        Ok(last)
    }

    async fn put_batch(
        &self,
        target: &Target,
        arn: &str,
        form: &Batch<'_>,
        mut entries: Vec<Value>,
    ) -> Result<HttpAnswer, TargetError> {
        for attempt in 1..=PARTIAL_TRIES {
            let body = json!({ form.stream.0: form.stream.1, "Records": entries }).to_string();
            let headers = json_call(form.operation, "application/x-amz-json-1.1");
            let url = target.url.clone();
            let answer = self.call_service(target, url, form.service, arn, headers, body.into()).await?;
            entries = form.refused(&answer.body, entries);
            if entries.is_empty() {
                return Ok(answer);
            }
            if attempt < PARTIAL_TRIES {
                self.network_clock.sleep(PARTIAL_PAUSE * attempt).await;
            }
        }
        Err(TargetError::Unavailable(format!("{} records were not taken", entries.len())))
    }

    pub(super) async fn send_message(
        &self,
        target: &Target,
        arn: &str,
        message: &QueueMessage,
    ) -> Result<HttpAnswer, TargetError> {
        let mut call = Map::new();
        call.insert("QueueUrl".to_owned(), queue_url(&target.url, arn).as_str().into());
        call.insert("MessageBody".to_owned(), message.body.as_str().into());
        if !message.attributes.is_empty() {
            let attributes = message.attributes.iter().map(|(name, kind, value)| {
                let value = match value {
                    QueueValue::Text(text) => json!({ "DataType": kind, "StringValue": text }),
                    QueueValue::Bytes(bytes) => {
                        json!({ "DataType": kind, "BinaryValue": BASE64.encode(bytes) })
                    }
                };
                (name.clone(), value)
            });
            call.insert("MessageAttributes".to_owned(), Value::Object(attributes.collect()));
        }
        for (name, value) in
            [("MessageGroupId", &message.group_id), ("MessageDeduplicationId", &message.deduplication_id)]
        {
            if let Some(value) = value {
                call.insert(name.to_owned(), value.as_str().into());
            }
        }
        let headers = json_call("AmazonSQS.SendMessage", "application/x-amz-json-1.0");
        let mut url = target.url.clone();
        url.set_path("/");
        self.call_service(target, url, "sqs", arn, headers, Value::Object(call).to_string().into()).await
    }

    pub(super) async fn post_json(&self, target: &Target, body: Bytes) -> Result<HttpAnswer, TargetError> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        add_configured(&mut headers, target);
        self.post(HttpCall { url: target.url.clone(), headers, body, trust: Trust::Configured }).await
    }

    /// Records as Firehose posts them to HTTP endpoints (firehose/latest/dev/httpdeliveryrequestresponse.html).
    pub(super) async fn post_records(
        &self,
        target: &Target,
        records: Vec<Bytes>,
    ) -> Result<HttpAnswer, TargetError> {
        let now = self.clock.now();
        let records: Vec<Value> = records.iter().map(|data| json!({ "data": BASE64.encode(data) })).collect();
        let body = json!({
            "requestId": now.as_millis().to_string(),
            "timestamp": now.as_millis(),
            "records": records,
        });
        self.post_json(target, body.to_string().into()).await
    }

    async fn call_service(
        &self,
        target: &Target,
        url: Url,
        service: &str,
        arn: &str,
        headers: [(HeaderName, HeaderValue); 2],
        body: Bytes,
    ) -> Result<HttpAnswer, TargetError> {
        let mut headers: HeaderMap = headers.into_iter().collect();
        add_configured(&mut headers, target);
        if let Some(credentials) = &target.credentials {
            let region = region_of(arn, None);
            headers = sign::signed(&url, &headers, &body, credentials, service, region, self.clock.now())
                .map_err(|reason| TargetError::Refused(format!("the call could not be signed: {reason}")))?;
        }
        self.post(HttpCall { url, headers, body, trust: Trust::Configured }).await
    }
}

fn add_configured(headers: &mut HeaderMap, target: &Target) {
    for (name, value) in &target.headers {
        headers.insert(name.clone(), value.clone());
    }
}

fn json_call(operation: &str, content_type: &'static str) -> [(HeaderName, HeaderValue); 2] {
    let operation = HeaderValue::from_str(operation).expect("operation names are ASCII");
    [
        (CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (HeaderName::from_static("x-amz-target"), operation),
    ]
}

/// A URL that has a path is the queue's; otherwise the queue is at `/ACCOUNT/NAME`.
fn queue_url(endpoint: &Url, arn: &str) -> Url {
    let mut url = endpoint.clone();
    if url.path() == "/" {
        let mut fields = arn.split(':').skip(4);
        let (account, name) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
        url.set_path(&format!("/{account}/{name}"));
    }
    url
}

/// How a batch operation names its things.
struct Batch<'a> {
    service: &'a str,
    operation: &'a str,
    stream: (&'a str, &'a str),
    failed: &'a str,
    results: &'a str,
}

impl Batch<'_> {
    /// The entries an answer says were not taken.
    fn refused(&self, answer: &[u8], entries: Vec<Value>) -> Vec<Value> {
        let Ok(answer) = serde_json::from_slice::<Value>(answer) else { return Vec::new() };
        if answer[self.failed].as_u64().unwrap_or(0) == 0 {
            return Vec::new();
        }
        let results = answer[self.results].as_array().cloned().unwrap_or_default();
        let failed = |index: usize| results.get(index).is_some_and(|result| !result["ErrorCode"].is_null());
        entries.into_iter().enumerate().filter(|(index, _)| failed(*index)).map(|(_, entry)| entry).collect()
    }
}

/// Batches within the limits of one call.
fn split(entries: Vec<Value>) -> Vec<Vec<Value>> {
    let mut batches: Vec<Vec<Value>> = Vec::new();
    let mut size = 0;
    for entry in entries {
        let length = entry["Data"].as_str().map_or(0, str::len) / 4 * 3;
        match batches.last_mut() {
            Some(batch) if batch.len() < RECORDS_MAX && size + length <= BATCH_BYTES_MAX => {
                batch.push(entry);
                size += length;
            }
            _ => {
                batches.push(vec![entry]);
                size = length;
            }
        }
    }
    batches
}
