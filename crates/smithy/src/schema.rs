//! Schemas: constant descriptions of shapes, members and operations, generated from the API models.
//!
//! A schema knows what a plain value cannot: that this number is a timestamp, that this list is
//! flattened, that this exception is the sender's fault with status 400.
//! Source: <https://smithy.io/2.0/spec/index.html>.

/// The kind of a shape's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Structure,
    /// A structure of which exactly one member is set.
    Union,
    List,
    Map,
    String,
    /// A string with a closed set of values.
    Enum,
    Boolean,
    Integer,
    Long,
    Float,
    Double,
    Timestamp,
    Blob,
    /// Free-form JSON-like data.
    Document,
}

/// How a timestamp is written where the protocol's default does not apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimestampFormat {
    EpochSeconds,
    DateTime,
    HttpDate,
}

/// A shape. All fields are constants of the model; `members` is empty except for structures and
/// unions, and holds `member` for lists and `key`, `value` for maps.
#[derive(Debug)]
pub struct Schema {
    /// Shape name, e.g. `PutLogEventsRequest`.
    pub name: &'static str,
    pub kind: Kind,
    pub members: &'static [Member],
    /// Length bounds: characters of a string, bytes of a blob, items of a list or map.
    pub length_min: Option<u64>,
    pub length_max: Option<u64>,
    /// Value bounds of a number.
    pub range_min: Option<f64>,
    pub range_max: Option<f64>,
    /// Regular expression a string must match as a whole.
    pub pattern: Option<&'static str>,
    /// Values of an enum, in model order.
    pub enum_values: &'static [&'static str],
    /// Lists and maps written without a wrapping element (AWS Query and XML).
    pub flattened: bool,
    pub sensitive: bool,
    /// A union or structure sent as an event stream.
    pub event_stream: bool,
    pub timestamp_format: Option<TimestampFormat>,
    pub error: Option<ErrorTrait>,
}

impl Schema {
    /// A schema with nothing but a name and a kind; generated code and tests override what they need.
    pub const fn new(name: &'static str, kind: Kind) -> Schema {
        Schema {
            name,
            kind,
            members: &[],
            length_min: None,
            length_max: None,
            range_min: None,
            range_max: None,
            pattern: None,
            enum_values: &[],
            flattened: false,
            sensitive: false,
            event_stream: false,
            timestamp_format: None,
            error: None,
        }
    }

    /// Index of the member called `name`; members are few, so a linear search does.
    pub fn member_index(&self, name: &str) -> Option<usize> {
        self.members.iter().position(|m| m.name == name)
    }

    /// The element schema of a list.
    pub fn list_member(&self) -> &'static Schema {
        (self.members[0].schema)()
    }

    /// The value schema of a map.
    pub fn map_value(&self) -> &'static Schema {
        (self.members[1].schema)()
    }
}

/// One member of a structure, union, list or map.
#[derive(Debug)]
pub struct Member {
    /// Name in the model, which is also the JSON and CBOR member name.
    pub name: &'static str,
    /// A function, because schemas may be recursive and constants may not.
    pub schema: fn() -> &'static Schema,
    pub required: bool,
    /// Element name in XML and AWS Query, where it differs from `name`.
    pub location_name: Option<&'static str>,
    /// Where REST protocols carry the member; `None` is the body.
    pub http: Option<HttpBinding>,
    /// Flattened by the member, not by the target shape.
    pub flattened: bool,
    pub timestamp_format: Option<TimestampFormat>,
    /// Filled by clients with a fresh UUID when absent.
    pub idempotency_token: bool,
}

impl Member {
    pub const fn new(name: &'static str, schema: fn() -> &'static Schema) -> Member {
        Member {
            name,
            schema,
            required: false,
            location_name: None,
            http: None,
            flattened: false,
            timestamp_format: None,
            idempotency_token: false,
        }
    }
}

/// Where a REST protocol carries a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpBinding {
    /// A `{label}` of the URI.
    Label(&'static str),
    Query(&'static str),
    Header(&'static str),
    StatusCode,
}

/// Whose fault an exception is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Sender,
    Receiver,
}

/// Error facts of an exception shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorTrait {
    pub fault: Fault,
    /// HTTP status; 400 or 500 by fault when the model is silent.
    pub status: u16,
    /// Code in AWS Query, where it differs from the shape name.
    pub query_code: Option<&'static str>,
}

/// A wire protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    AwsJson1_0,
    AwsJson1_1,
    RestJson1,
    AwsQuery,
    RpcV2Cbor,
}

/// A service.
#[derive(Debug)]
pub struct ServiceSchema {
    /// Short name used in this code base and by SigV4, e.g. `logs`.
    pub signing_name: &'static str,
    /// `serviceId` of the model, e.g. `CloudWatch Logs`.
    pub service_id: &'static str,
    pub full_name: &'static str,
    pub api_version: &'static str,
    /// In the model's order of preference.
    pub protocols: &'static [Protocol],
    /// Prefix of `X-Amz-Target`, which is also the service name in RPC v2 CBOR paths.
    pub target_prefix: Option<&'static str>,
    pub xml_namespace: Option<&'static str>,
    /// Namespace of error ids, e.g. `com.amazonaws.cloudwatch.v2010_08_01`; `None` writes bare names.
    pub error_namespace: Option<&'static str>,
    pub aws_query_compatible: bool,
    pub operations: &'static [&'static OperationSchema],
}

impl ServiceSchema {
    pub fn operation(&self, name: &str) -> Option<&'static OperationSchema> {
        self.operations.iter().copied().find(|o| o.name == name)
    }

    /// `logs.amazonaws.com`: how CloudTrail names the service.
    pub fn event_source(&self) -> String {
        format!("{}.amazonaws.com", self.signing_name)
    }
}

/// An operation.
#[derive(Debug)]
pub struct OperationSchema {
    pub name: &'static str,
    pub input: fn() -> &'static Schema,
    pub output: fn() -> &'static Schema,
    /// Whether the model gives an output at all: without one, bodies are empty.
    pub has_output: bool,
    pub errors: &'static [fn() -> &'static Schema],
    pub http: HttpTrait,
    /// Accepted unsigned, also in enforced mode.
    pub unauthenticated: bool,
    /// Prefix SDKs may put before the host name, e.g. `stream-`.
    pub host_prefix: Option<&'static str>,
    /// Bodies that SDKs compress.
    pub request_compression: bool,
}

/// Method and URI template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpTrait {
    pub method: &'static str,
    pub uri: &'static str,
    pub status: u16,
}
