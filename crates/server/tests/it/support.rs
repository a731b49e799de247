//! The test service, the server around it, and a client that says exactly what it is told to.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base::{AccountId, Clock, Region, Scope, SeededEntropy, SimulatedClock, SystemClock, Timestamp};
use parking_lot::Mutex;
use server::{AccessKeys, AuditRules, AuthMode, NoStatus, Parts, Server, ServerConfig};
use signals::{
    ApiCall, ApiCallSink, LogBatch, LogRejections, LogSink, MetricDatum, MetricSink, SegmentRejection,
    SinkError, TraceSink,
};
use smithy::{
    Cx, HttpTrait, Kind, Member, Operation, OperationError, OperationSchema, Protocol, ReadError, Schema,
    ServiceSchema, ServiceTable, Shape, ShapeReader, ShapeWriter, WriteError, WriteShape,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) static TEXT: Schema = Schema { length_max: Some(100_000), ..Schema::new("Text", Kind::String) };
static NOTE: Schema = Schema {
    members: &[Member { required: true, ..Member::new("Text", || &TEXT) }],
    ..Schema::new("Note", Kind::Structure)
};

/// `{"Text": "…"}`, in and out.
#[derive(Debug, Clone, Default)]
pub(crate) struct Note {
    pub(crate) text: String,
}

impl WriteShape for Note {
    fn schema(&self) -> &'static Schema {
        &NOTE
    }
    fn write_members(&self, writer: &mut dyn ShapeWriter) -> Result<(), WriteError> {
        writer.member(&NOTE, 0, &mut |w| w.write_string(&TEXT, &self.text))
    }
}

impl Shape for Note {
    fn shape_schema() -> &'static Schema {
        &NOTE
    }
    fn read(reader: &mut dyn ShapeReader) -> Result<Self, ReadError> {
        let mut note = Note::default();
        reader.read_structure(&NOTE, &mut |_, r| {
            note.text = r.read_string(&TEXT)?;
            Ok(())
        })?;
        Ok(note)
    }
}

const fn operation(name: &'static str, uri: &'static str) -> OperationSchema {
    OperationSchema {
        name,
        input: || &NOTE,
        output: || &NOTE,
        has_output: true,
        errors: &[],
        http: HttpTrait { method: "POST", uri, status: 200 },
        unauthenticated: false,
        host_prefix: None,
        request_compression: true,
    }
}

static ECHO: OperationSchema = operation("Echo", "/");
static FAIL: OperationSchema = operation("Fail", "/");
static PANIC: OperationSchema = operation("Panic", "/");
static WHOAMI: OperationSchema = operation("WhoAmI", "/");
static UNSERVED: OperationSchema = operation("Unserved", "/");
static SERVICE: ServiceSchema = ServiceSchema {
    signing_name: "notes",
    service_id: "Notes",
    full_name: "Notes",
    api_version: "2020-01-01",
    protocols: &[Protocol::RpcV2Cbor, Protocol::AwsJson1_0, Protocol::AwsQuery],
    target_prefix: Some("Notes_20200101"),
    xml_namespace: Some("http://notes.test/"),
    error_namespace: None,
    aws_query_compatible: false,
    operations: &[&ECHO, &FAIL, &PANIC, &WHOAMI, &UNSERVED],
};

static PUT_SEGMENTS: OperationSchema = operation("PutTraceSegments", "/TraceSegments");
static XRAY: ServiceSchema = ServiceSchema {
    signing_name: "xray",
    service_id: "XRay",
    full_name: "X-Ray",
    api_version: "2016-04-12",
    protocols: &[Protocol::RestJson1],
    target_prefix: None,
    xml_namespace: None,
    error_namespace: None,
    aws_query_compatible: false,
    operations: &[&PUT_SEGMENTS],
};

macro_rules! operations {
    ($($name:ident = $schema:ident),*) => {$(
        struct $name;
        impl Operation for $name {
            type Input = Note;
            type Output = Note;
            const SCHEMA: &'static OperationSchema = &$schema;
        }
    )*};
}
operations!(Echo = ECHO, Fail = FAIL, Panic = PANIC, WhoAmI = WHOAMI, PutTraceSegments = PUT_SEGMENTS);

struct Notes;

fn tables() -> Vec<ServiceTable> {
    async fn echo(_: Cx<Notes>, input: Note) -> Result<Note, OperationError> {
        Ok(input)
    }
    async fn fail(_: Cx<Notes>, input: Note) -> Result<Note, OperationError> {
        Err(match input.text.as_str() {
            "validation" => OperationError::Validation("the text is wrong".to_owned()),
            "throttled" => OperationError::Throttled("slow down".to_owned()),
            "unavailable" => OperationError::Unavailable("no room".to_owned()),
            _ => OperationError::internal("secret cause"),
        })
    }
    async fn panics(_: Cx<Notes>, _: Note) -> Result<Note, OperationError> {
        panic!("a defect, on purpose")
    }
    async fn who(cx: Cx<Notes>, _: Note) -> Result<Note, OperationError> {
        Ok(Note { text: format!("{} {}", cx.caller.scope, cx.caller.principal.arn) })
    }
    let notes = ServiceTable::builder(&SERVICE, Arc::new(Notes))
        .on(Echo, echo)
        .on(Fail, fail)
        .on(Panic, panics)
        .on(WhoAmI, who)
        .build();
    let xray = ServiceTable::builder(&XRAY, Arc::new(Notes)).on(PutTraceSegments, who).build();
    vec![notes, xray]
}

/// Keeps what it is given.
#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) calls: Mutex<Vec<ApiCall>>,
    pub(crate) documents: Mutex<Vec<(Scope, String)>>,
    pub(crate) batches: Mutex<Vec<LogBatch>>,
    pub(crate) data: Mutex<Vec<MetricDatum>>,
    /// Set to make the sinks refuse.
    pub(crate) is_full: std::sync::atomic::AtomicBool,
}

impl Kept {
    fn check(&self) -> Result<(), SinkError> {
        if self.is_full.load(std::sync::atomic::Ordering::SeqCst) {
            return Err(SinkError::Overloaded("full".to_owned()));
        }
        Ok(())
    }
}

#[async_trait]
impl ApiCallSink for Kept {
    async fn record(&self, call: ApiCall) -> Result<(), SinkError> {
        self.check()?;
        self.calls.lock().push(call);
        Ok(())
    }
}

#[async_trait]
impl TraceSink for Kept {
    async fn put_segment_documents(
        &self,
        scope: &Scope,
        documents: Vec<String>,
    ) -> Result<Vec<SegmentRejection>, SinkError> {
        self.check()?;
        self.documents.lock().extend(documents.into_iter().map(|d| (scope.clone(), d)));
        Ok(Vec::new())
    }
}

#[async_trait]
impl LogSink for Kept {
    /// As if the group `g` with the stream `s` were all there is, and events without text too old.
    async fn put_log_batch(&self, mut batch: LogBatch) -> Result<LogRejections, SinkError> {
        self.check()?;
        if !batch.create && (batch.log_group.as_str(), batch.log_stream.as_str()) != ("g", "s") {
            return Err(SinkError::NotFound("The specified log group does not exist.".to_owned()));
        }
        let offered = batch.events.len();
        batch.events.retain(|event| !event.text().contains("too old"));
        let too_old = offered - batch.events.len();
        self.batches.lock().push(batch);
        Ok(LogRejections { too_old, ..LogRejections::default() })
    }
}

#[async_trait]
impl MetricSink for Kept {
    async fn put_metric_data(&self, _: &Scope, data: Vec<MetricDatum>) -> Result<(), SinkError> {
        self.check()?;
        self.data.lock().extend(data);
        Ok(())
    }
}

/// A server under test.
pub(crate) struct Harness {
    pub(crate) server: Server,
    pub(crate) kept: Arc<Kept>,
    /// What connections are timed with.
    pub(crate) network: Arc<SimulatedClock>,
}

pub(crate) fn scope() -> Scope {
    Scope::new(AccountId::new("000000000000").unwrap(), Region::new("us-east-1").unwrap())
}

pub(crate) const CREDENTIALS: &str = r#"
[[key]]
access_key_id = "AKIDEXAMPLE"
secret_access_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
account = "111111111111"
arn = "arn:aws:iam::111111111111:user/alice"
"#;

impl Harness {
    pub(crate) async fn open() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn enforced() -> Self {
        Self::with(|config| config.auth = AuthMode::Enforced).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut ServerConfig)) -> Self {
        let mut config = ServerConfig::open(vec![SocketAddr::from(([127, 0, 0, 1], 0))], scope());
        change(&mut config);
        let network = SimulatedClock::new(Timestamp::EPOCH);
        let kept = Arc::new(Kept::default());
        let parts = Parts {
            clock: SystemClock::new(),
            network_clock: network.clone(),
            entropy: SeededEntropy::new(1),
            tables: tables(),
            unserved: Vec::new(),
            keys: Arc::new(AccessKeys::parse(CREDENTIALS).unwrap()),
            audit: kept.clone(),
            audit_rules: AuditRules {
                is_recorded: |_, operation| operation != "WhoAmI",
                is_read_only: |_, operation| operation == "Fail",
            },
            traces: kept.clone(),
            logs: kept.clone(),
            metrics: kept.clone(),
            body_limit: |_, operation| (operation == "WhoAmI").then_some(64),
            status: Arc::new(NoStatus),
            pages: Arc::new(server::NoPages),
        };
        let server = Server::start(config, parts).await.unwrap();
        Self { server, kept, network }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.server.addresses().plain[0]
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.addr()).await.unwrap()
    }

    /// One request on a connection of its own.
    pub(crate) async fn send(&self, request: impl AsRef<[u8]>) -> Answer {
        let mut stream = self.connect().await;
        exchange(&mut stream, request).await
    }

    /// An AWS JSON call.
    pub(crate) async fn json(&self, operation: &str, body: &str) -> Answer {
        self.send(json_request(operation, "", body.as_bytes())).await
    }

    /// Lets connection tasks run until one of them waits on the clock, then moves it.
    pub(crate) async fn let_pass(&self, duration: Duration) {
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
        self.network.advance(duration);
    }
}

pub(crate) fn json_request(operation: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let mut request = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: Notes_20200101.{operation}\r\n\
         Content-Type: application/x-amz-json-1.0\r\n{headers}Content-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(body);
    request
}

/// An HTTP/1.1 answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }
}

pub(crate) async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    request: impl AsRef<[u8]>,
) -> Answer {
    stream.write_all(request.as_ref()).await.unwrap();
    read_answer(stream).await.expect("the server closed without an answer")
}

/// Reads one answer; `None` if the connection ends before it.
pub(crate) async fn read_answer<S: AsyncRead + Unpin>(stream: &mut S) -> Option<Answer> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let mut answer = Answer { status, head, body: bytes.split_off(end + 4) };
    let length: usize = answer.header("content-length").unwrap_or("0").parse().unwrap();
    while answer.body.len() < length {
        assert!(stream.read_buf(&mut answer.body).await.unwrap() > 0, "truncated answer");
    }
    Some(answer)
}

pub(crate) fn gzip(plain: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

/// Time as it passes, for signatures.
pub(crate) fn now() -> Timestamp {
    SystemClock::new().now()
}
