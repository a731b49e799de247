//! Hand-made schemas that have every kind of member, and the two services the cases address.

use smithy::{
    ErrorTrait, Fault, HttpBinding, HttpTrait, Kind, Member, OperationSchema, Protocol, Schema,
    ServiceSchema, TimestampFormat,
};

const fn member(name: &'static str, schema: fn() -> &'static Schema) -> Member {
    Member::new(name, schema)
}

const fn bound(name: &'static str, schema: fn() -> &'static Schema, binding: HttpBinding) -> Member {
    Member { http: Some(binding), ..Member::new(name, schema) }
}

const fn formatted(name: &'static str, format: TimestampFormat) -> Member {
    Member { timestamp_format: Some(format), ..Member::new(name, || &TIMESTAMP) }
}

const fn list(name: &'static str, members: &'static [Member]) -> Schema {
    Schema { members, ..Schema::new(name, Kind::List) }
}

const fn structure(name: &'static str, members: &'static [Member]) -> Schema {
    Schema { members, ..Schema::new(name, Kind::Structure) }
}

const fn error(
    name: &'static str,
    status: u16,
    query_code: Option<&'static str>,
    members: &'static [Member],
) -> Schema {
    let fault = if status < 500 { Fault::Sender } else { Fault::Receiver };
    Schema { error: Some(ErrorTrait { fault, status, query_code }), ..structure(name, members) }
}

pub(crate) static STRING: Schema = Schema::new("String", Kind::String);
pub(crate) static BOOLEAN: Schema = Schema::new("Boolean", Kind::Boolean);
pub(crate) static INTEGER: Schema = Schema::new("Integer", Kind::Integer);
pub(crate) static LONG: Schema = Schema::new("Long", Kind::Long);
pub(crate) static FLOAT: Schema = Schema::new("Float", Kind::Float);
pub(crate) static DOUBLE: Schema = Schema::new("Double", Kind::Double);
pub(crate) static TIMESTAMP: Schema = Schema::new("Timestamp", Kind::Timestamp);
pub(crate) static BLOB: Schema = Schema::new("Blob", Kind::Blob);
pub(crate) static DOCUMENT: Schema = Schema::new("Document", Kind::Document);
pub(crate) static SECRET: Schema = Schema { sensitive: true, ..Schema::new("Secret", Kind::String) };
pub(crate) static FOO_ENUM: Schema =
    Schema { enum_values: &["Foo", "Baz", "Bar", "1", "0"], ..Schema::new("FooEnum", Kind::Enum) };

pub(crate) static STRING_LIST: Schema = list("StringList", &[member("member", || &STRING)]);
pub(crate) static INTEGER_LIST: Schema = list("IntegerList", &[member("member", || &INTEGER)]);
pub(crate) static TIMESTAMP_LIST: Schema = list("TimestampList", &[member("member", || &TIMESTAMP)]);
pub(crate) static DOUBLE_LIST: Schema = list("DoubleList", &[member("member", || &DOUBLE)]);
pub(crate) static NAMED_LIST: Schema =
    list("NamedList", &[Member { location_name: Some("item"), ..Member::new("member", || &STRING) }]);
pub(crate) static FLAT_LIST: Schema =
    Schema { flattened: true, ..list("FlatList", &[member("member", || &STRING)]) };
pub(crate) static PAIR_LIST: Schema = list("PairList", &[member("member", || &PAIR)]);
pub(crate) static NESTED_LIST: Schema = list("NestedList", &[member("member", || &STRING_LIST)]);
pub(crate) static STRING_MAP: Schema = Schema {
    members: &[member("key", || &STRING), member("value", || &STRING)],
    ..Schema::new("StringMap", Kind::Map)
};
pub(crate) static PAIR_MAP: Schema = Schema {
    members: &[member("key", || &STRING), member("value", || &PAIR)],
    ..Schema::new("PairMap", Kind::Map)
};
pub(crate) static NAMED_MAP: Schema = Schema {
    members: &[
        Member { location_name: Some("Name"), ..Member::new("key", || &STRING) },
        Member { location_name: Some("Setting"), ..Member::new("value", || &STRING) },
    ],
    ..Schema::new("NamedMap", Kind::Map)
};
pub(crate) static PAIR: Schema = structure("Pair", &[member("a", || &STRING), member("b", || &INTEGER)]);
pub(crate) static CHOICE: Schema = Schema {
    members: &[member("text", || &STRING), member("number", || &INTEGER), member("pair", || &PAIR)],
    ..Schema::new("Choice", Kind::Union)
};

/// One member of every kind.
pub(crate) static SINK: Schema = structure(
    "Sink",
    &[
        member("string", || &STRING),
        member("boolean", || &BOOLEAN),
        member("integer", || &INTEGER),
        member("long", || &LONG),
        member("float", || &FLOAT),
        member("double", || &DOUBLE),
        member("timestamp", || &TIMESTAMP),
        formatted("dateTime", TimestampFormat::DateTime),
        formatted("httpDate", TimestampFormat::HttpDate),
        formatted("epochSeconds", TimestampFormat::EpochSeconds),
        member("blob", || &BLOB),
        member("enum", || &FOO_ENUM),
        member("document", || &DOCUMENT),
        member("stringList", || &STRING_LIST),
        member("integerList", || &INTEGER_LIST),
        member("timestampList", || &TIMESTAMP_LIST),
        member("doubleList", || &DOUBLE_LIST),
        member("nestedList", || &NESTED_LIST),
        member("namedList", || &NAMED_LIST),
        member("flatList", || &FLAT_LIST),
        Member { flattened: true, ..Member::new("flatMap", || &STRING_MAP) },
        member("pairList", || &PAIR_LIST),
        member("stringMap", || &STRING_MAP),
        member("pairMap", || &PAIR_MAP),
        member("namedMap", || &NAMED_MAP),
        member("pair", || &PAIR),
        member("union", || &CHOICE),
        member("nested", || &SINK),
        Member { location_name: Some("Renamed"), ..Member::new("original", || &STRING) },
        member("secret", || &SECRET),
    ],
);

pub(crate) static EMPTY: Schema = structure("Empty", &[]);

pub(crate) static REST_INPUT: Schema = structure(
    "RestInput",
    &[
        bound("bucket", || &STRING, HttpBinding::Label("bucket")),
        bound("key", || &STRING, HttpBinding::Label("key")),
        bound("page", || &INTEGER, HttpBinding::Query("page")),
        bound("since", || &TIMESTAMP, HttpBinding::Query("since")),
        bound("tags", || &STRING_LIST, HttpBinding::Query("tag")),
        bound("count", || &LONG, HttpBinding::Header("x-count")),
        bound("flag", || &BOOLEAN, HttpBinding::Header("x-flag")),
        bound("date", || &TIMESTAMP, HttpBinding::Header("x-date")),
        bound("numbers", || &INTEGER_LIST, HttpBinding::Header("x-numbers")),
        member("name", || &STRING),
        Member { location_name: Some("jsonName"), ..Member::new("modelName", || &STRING) },
    ],
);
pub(crate) static REST_OUTPUT: Schema = structure(
    "RestOutput",
    &[
        bound("status", || &INTEGER, HttpBinding::StatusCode),
        bound("count", || &LONG, HttpBinding::Header("x-count")),
        bound("date", || &TIMESTAMP, HttpBinding::Header("x-date")),
        bound("words", || &STRING_LIST, HttpBinding::Header("x-words")),
        member("name", || &STRING),
        Member { location_name: Some("jsonName"), ..Member::new("modelName", || &STRING) },
    ],
);

pub(crate) static NOT_FOUND: Schema = error("ResourceNotFound", 404, None, &[member("message", || &STRING)]);
pub(crate) static INVALID_VALUE: Schema = error(
    "InvalidParameterValueException",
    400,
    Some("InvalidParameterValue"),
    &[member("message", || &STRING)],
);
pub(crate) static DASHBOARD_ERROR: Schema = error(
    "DashboardInvalidInputError",
    400,
    Some("InvalidParameterInput"),
    &[member("message", || &STRING), member("dashboardValidationMessages", || &PAIR_LIST)],
);
pub(crate) static CAPITAL_ERROR: Schema =
    error("InvalidRequestException", 400, None, &[member("Message", || &STRING)]);
pub(crate) static THROTTLED: Schema =
    error("ThrottledException", 429, None, &[member("Message", || &STRING)]);
pub(crate) static FAULT: Schema =
    error("InternalServiceFault", 500, Some("InternalServiceError"), &[member("Message", || &STRING)]);
pub(crate) static INVALID_PARAMETER: Schema =
    error("InvalidParameterException", 400, None, &[member("message", || &STRING)]);

const fn operation(
    name: &'static str,
    input: fn() -> &'static Schema,
    output: fn() -> &'static Schema,
    errors: &'static [fn() -> &'static Schema],
) -> OperationSchema {
    OperationSchema {
        name,
        input,
        output,
        has_output: true,
        errors,
        http: HttpTrait { method: "POST", uri: "/", status: 200 },
        unauthenticated: false,
        host_prefix: None,
        request_compression: false,
    }
}

pub(crate) static SINK_OPERATION: OperationSchema = operation("Sink", || &SINK, || &SINK, &[]);
pub(crate) static SILENT: OperationSchema =
    OperationSchema { has_output: false, ..operation("Silent", || &SINK, || &EMPTY, &[]) };
pub(crate) static NOTHING: OperationSchema = operation("Nothing", || &EMPTY, || &EMPTY, &[]);
pub(crate) static REST: OperationSchema = OperationSchema {
    http: HttpTrait { method: "PUT", uri: "/things/{bucket}/{key+}", status: 201 },
    ..operation("Rest", || &REST_INPUT, || &REST_OUTPUT, &[|| &CAPITAL_ERROR, || &THROTTLED])
};
pub(crate) static LOGS_LIKE: OperationSchema =
    operation("LogsLike", || &SINK, || &SINK, &[|| &INVALID_PARAMETER]);

/// A service as CloudWatch is one: three protocols, ids with a namespace.
pub(crate) static MONITORING: ServiceSchema = ServiceSchema {
    signing_name: "monitoring",
    service_id: "CloudWatch",
    full_name: "Amazon CloudWatch",
    api_version: "2010-08-01",
    protocols: &[Protocol::RpcV2Cbor, Protocol::AwsJson1_0, Protocol::AwsQuery],
    target_prefix: Some("GraniteServiceVersion20100801"),
    xml_namespace: Some("http://monitoring.amazonaws.com/doc/2010-08-01/"),
    error_namespace: Some("com.amazonaws.cloudwatch.v2010_08_01"),
    aws_query_compatible: true,
    operations: &[&SINK_OPERATION, &SILENT, &NOTHING],
};

/// A service with bare error names and no Query.
pub(crate) static PLAIN: ServiceSchema = ServiceSchema {
    signing_name: "plain",
    service_id: "Plain",
    full_name: "A plain service",
    api_version: "2014-03-28",
    protocols: &[Protocol::AwsJson1_1, Protocol::RestJson1],
    target_prefix: Some("Plain_20140328"),
    xml_namespace: None,
    error_namespace: None,
    aws_query_compatible: false,
    operations: &[&REST, &LOGS_LIKE],
};

pub(crate) fn operation_named(name: &str) -> &'static OperationSchema {
    [&SINK_OPERATION, &SILENT, &NOTHING, &REST, &LOGS_LIKE].into_iter().find(|o| o.name == name).unwrap()
}

pub(crate) fn error_named(name: &str) -> &'static Schema {
    [&NOT_FOUND, &INVALID_VALUE, &DASHBOARD_ERROR, &CAPITAL_ERROR, &THROTTLED, &FAULT, &INVALID_PARAMETER]
        .into_iter()
        .find(|e| e.name == name)
        .unwrap()
}
