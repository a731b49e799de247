//! Which members a compiled document keeps, and of what type. A member that does not comply is dropped,
//! as X-Ray does; a document is refused only for the few members every document must have.

/// What a value must be to be kept.
#[derive(Debug)]
pub(super) enum Rule {
    Text,
    /// A finite number.
    Number,
    /// A finite number, or text (clients send `content_length` as either).
    NumberOrText,
    Flag,
    /// Any JSON.
    Any,
    Object(&'static ObjectRule),
    List(&'static Rule),
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// An object whose values are text, numbers or booleans.
    Annotations,
    /// The id of an exception, or an object with exceptions.
    Cause,
}

/// The members of an object.
#[derive(Debug)]
pub(super) struct ObjectRule {
    /// At most 64.
    pub members: &'static [(&'static str, Rule)],
    /// Whether unknown members are kept: under `aws` they are, because AWS's own samples show several
    /// that its field list does not name.
    pub open: bool,
}

const fn closed(members: &'static [(&'static str, Rule)]) -> ObjectRule {
    ObjectRule { members, open: false }
}

const fn open(members: &'static [(&'static str, Rule)]) -> ObjectRule {
    ObjectRule { members, open: true }
}

use Rule::{Annotations, Any, Cause, Flag, List, Number, NumberOrText, Object, OneOf, Text};

/// Members of segments and subsegments alike, apart from those that [`super::compile`] treats itself
/// (`id`, `trace_id`, `parent_id`, `name`, the times, `in_progress`, `type`, `subsegments`).
pub(super) static ENTITY: ObjectRule = closed(&[
    ("http", Object(&HTTP)),
    ("aws", Object(&AWS)),
    ("annotations", Annotations),
    ("metadata", Object(&METADATA)),
    ("fault", Flag),
    ("error", Flag),
    ("throttle", Flag),
    ("namespace", OneOf(&["aws", "remote"])),
    ("origin", Text),
    ("cause", Cause),
    ("sql", Object(&SQL)),
    ("user", Text),
    ("service", Object(&SERVICE)),
    ("resource_arn", Text),
    ("links", List(&Object(&LINK))),
    ("precursor_ids", List(&Text)),
]);

static HTTP: ObjectRule = closed(&[("request", Object(&HTTP_REQUEST)), ("response", Object(&HTTP_RESPONSE))]);
static HTTP_REQUEST: ObjectRule = closed(&[
    ("method", Text),
    ("url", Text),
    ("user_agent", Text),
    ("client_ip", Text),
    ("x_forwarded_for", Flag),
    ("traced", Flag),
]);
static HTTP_RESPONSE: ObjectRule = closed(&[("status", Number), ("content_length", NumberOrText)]);
static AWS: ObjectRule = open(&[
    ("account_id", Text),
    ("operation", Text),
    ("region", Text),
    ("request_id", Text),
    ("queue_url", Text),
    ("table_name", Text),
    ("bucket_name", Text),
    ("function_name", Text),
    ("stream_name", Text),
    ("topic_arn", Text),
    ("function_arn", Text),
    ("resource_names", List(&Text)),
    ("ec2", Object(&EC2)),
    ("ecs", Object(&ECS)),
]);
static EC2: ObjectRule = open(&[("instance_id", Text), ("availability_zone", Text)]);
static ECS: ObjectRule = open(&[("container_arn", Text), ("availability_zone", Text)]);
static METADATA: ObjectRule = open(&[]);
static SERVICE: ObjectRule = closed(&[
    ("version", Text),
    ("compiler", Text),
    ("compiler_version", Text),
    ("runtime", Text),
    ("runtime_version", Text),
]);
static LINK: ObjectRule = closed(&[("trace_id", Text), ("id", Text), ("attributes", Any)]);
static SQL: ObjectRule = closed(&[
    ("connection_string", Text),
    ("url", Text),
    ("sanitized_query", Text),
    ("database_type", Text),
    ("database_version", Text),
    ("driver_version", Text),
    ("user", Text),
    ("preparation", Text),
]);
pub(super) static CAUSE: ObjectRule =
    closed(&[("working_directory", Text), ("paths", List(&Text)), ("exceptions", List(&Object(&EXCEPTION)))]);
static EXCEPTION: ObjectRule = closed(&[
    ("id", Text),
    ("message", Text),
    ("type", Text),
    ("remote", Flag),
    ("truncated", Number),
    ("skipped", Number),
    ("cause", Text),
    ("stack", List(&Object(&FRAME))),
]);
static FRAME: ObjectRule = closed(&[("path", Text), ("line", Number), ("label", Text)]);
