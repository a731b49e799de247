//! What an expression says, with all keywords resolved and all types checked.

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expression {
    All(Vec<Expression>),
    Any(Vec<Expression>),
    Not(Box<Expression>),
    /// A flag, compared with `true` or `false`.
    Flag(Flag, bool),
    /// `None` asks whether there is a value.
    Number(Number, Option<(Order, f64)>),
    /// `None` asks whether there is a value.
    Text(Text, Option<(TextTest, String)>),
    Annotation(String, AnnotationTest),
    Service(NodePattern, Option<Box<Expression>>),
}

/// A yes-or-no property of a trace or of one segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flag {
    Ok,
    Error,
    Fault,
    Throttle,
    Partial,
    Inferred,
    Root,
}

/// A number of a trace or of one segment; times in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Number {
    ResponseTime,
    Duration,
    HttpStatus,
}

/// A text, or a set of texts, of a trace or of one segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Text {
    HttpUrl,
    HttpMethod,
    HttpUserAgent,
    HttpClientIp,
    User,
    AvailabilityZone,
    InstanceId,
    ResourceArn,
    /// Of one segment's node only.
    Name,
    /// Of one segment's node only.
    Type,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Order {
    pub(super) fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Order::Equal => left == right,
            Order::NotEqual => left != right,
            Order::Less => left < right,
            Order::LessOrEqual => left <= right,
            Order::Greater => left > right,
            Order::GreaterOrEqual => left >= right,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TextTest {
    Equal,
    NotEqual,
    Contains,
    BeginsWith,
    EndsWith,
}

impl TextTest {
    pub(super) fn holds(self, text: &str, value: &str) -> bool {
        match self {
            TextTest::Equal => text == value,
            TextTest::NotEqual => text != value,
            TextTest::Contains => text.contains(value),
            TextTest::BeginsWith => text.starts_with(value),
            TextTest::EndsWith => text.ends_with(value),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum AnnotationTest {
    /// Is set, and is not `false`.
    Set,
    Flag(bool, /* equal */ bool),
    Number(Order, f64),
    Text(TextTest, String),
}

/// Which nodes a function means; a part that is absent fits any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct NodePattern {
    pub(super) name: Option<String>,
    pub(super) kind: Option<String>,
    pub(super) account: Option<String>,
}
