//! Expressions over one record, and aggregates over many.

use super::NestedQuery;

/// An expression. Evaluation never fails: what cannot be computed is missing.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    Literal(Value),
    /// A system field (`@timestamp`), a field made by an earlier stage, or a discovered field by its path.
    Field(String),
    Binary {
        op: BinaryOp,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    Not(Box<Expr>),
    Negate(Box<Expr>),
    /// `like "text"`: case-sensitive substring.
    Contains {
        text: Box<Expr>,
        needle: Box<Expr>,
    },
    /// `like /re/`, `=~ /re/`: regular expression search.
    Matches {
        text: Box<Expr>,
        pattern: String,
    },
    In {
        value: Box<Expr>,
        list: Vec<Value>,
        negated: bool,
    },
    /// One of the values of the first column of another query.
    InQuery {
        value: Box<Expr>,
        query: Box<NestedQuery>,
        negated: bool,
    },
    Call {
        function: Function,
        arguments: Vec<Expr>,
    },
    /// Only inside [`crate::plan::Stage::Aggregate`].
    Aggregate(Aggregate),
}

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    String(String),
    /// Finite. An integer keeps its text exact up to 2^53.
    Number(f64),
    Boolean(bool),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Power,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    And,
    Or,
}

/// Functions of one record (`logs-insights.md` §6). Arguments are checked in number; `Sqrt`-like functions
/// take one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Function {
    /// Start of the time bucket that holds the argument; bucket bounds are moved by `offset`.
    DateFloor {
        period: Period,
        offset: Option<Period>,
    },
    /// End of the time bucket that holds the argument; a bound stays itself.
    DateCeil(Period),
    FromMillis,
    ToMillis,
    /// Start of the query, seconds.
    Now,
    /// Bounds of the query's time range, milliseconds.
    QueryStartTime,
    QueryEndTime,
    QueryTimeRange,
    IsPresent,
    IsNumeric,
    Coalesce,
    /// Condition, value if true, value if not.
    If,
    /// Pairs of condition and value, then perhaps a default.
    Case,
    MessageSize,
    Abs,
    Ceil,
    Floor,
    Sqrt,
    Log,
    Greatest,
    Least,
    /// To so many decimals (second argument, default 0), half away from zero.
    Round,
    ToNumber,
    /// Cuts the decimals off.
    ToInteger,
    /// Kilometres between two places (latitude, longitude, latitude, longitude).
    Haversine,
    /// Lower bound of the bucket of that width: `floor(n/w)·w`.
    Histogram,
    IsEmpty,
    IsBlank,
    Concat,
    Trim,
    LeftTrim,
    RightTrim,
    StringLength,
    ToUpper,
    ToLower,
    Substring,
    Replace,
    /// Replaces every match of the pattern, given here, in the first argument by the second.
    RegexReplace(String),
    StringContains,
    StartsWith,
    EndsWith,
    UrlEncode,
    UrlDecode,
    Base64Encode,
    Base64Decode,
    HexToAscii,
    HexToDecimal,
    DecimalToHex,
    Sha256,
    Md5,
    /// A time by a strftime format in a time zone, both given here.
    FormatDate {
        format: String,
        zone: String,
    },
    /// Epoch milliseconds of a text by a pattern of Java's `DateTimeFormatter` in a time zone.
    ParseDate {
        format: String,
        zone: String,
    },
    /// A map or list out of JSON text.
    JsonParse,
    JsonStringify,
    JsonArraySize,
    JsonArrayContains,
    /// A list of the pieces between delimiters.
    Split,
    /// A map of `key=value` pairs.
    ParseLogfmt,
    /// The text of the first match of an XPath, given here, in XML text.
    XmlPath(String),
    /// The member at a path, given here, of JSON text.
    JsonMember(String),
    /// A field of an event without the masking of its group's data protection policy.
    Unmasked,
    IsValidIp(IpVersion),
    IsIpInSubnet(IpVersion),
    IsPrivateIp,
    IsPublicIp,
    IsReservedIp,
    Ipv4ToNumber,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IpVersion {
    Any,
    V4,
    V6,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Period {
    pub count: u32,
    pub unit: PeriodUnit,
}

impl Period {
    /// Its length in milliseconds; months and longer units have none.
    pub fn millis(self) -> Option<i64> {
        let unit = match self.unit {
            PeriodUnit::Millisecond => 1,
            PeriodUnit::Second => 1_000,
            PeriodUnit::Minute => 60_000,
            PeriodUnit::Hour => 3_600_000,
            PeriodUnit::Day => 86_400_000,
            PeriodUnit::Week => 7 * 86_400_000,
            PeriodUnit::Month | PeriodUnit::Quarter | PeriodUnit::Year => return None,
        };
        Some(unit * i64::from(self.count.max(1)))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PeriodUnit {
    Millisecond,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Aggregate {
    /// `None` counts records; `Some` counts records in which the expression is present.
    Count(Option<Box<Expr>>),
    CountDistinct(Box<Expr>),
    Sum(Box<Expr>),
    Average(Box<Expr>),
    Minimum(Box<Expr>),
    Maximum(Box<Expr>),
    /// Nearest rank: sorted[⌈percent/100·n⌉−1], percent 0 → first.
    Percentile(Box<Expr>, f64),
    /// Population standard deviation.
    StandardDeviation(Box<Expr>),
    /// Population variance.
    Variance(Box<Expr>),
    /// Value in the record with the smallest `@timestamp` among those that have one.
    Earliest(Box<Expr>),
    /// Value in the record with the largest `@timestamp` among those that have one.
    Latest(Box<Expr>),
    /// Distinct values as a list, newest first.
    Values(Box<Expr>),
    /// So many of the most frequent values as a list.
    TopK(u32, Box<Expr>),
    /// First value in `sort` order.
    SortsFirst(Box<Expr>),
    /// Last value in `sort` order.
    SortsLast(Box<Expr>),
    /// Change per period: (last − first) / elapsed · period, by time.
    Rate(Box<Expr>, Period),
}

impl Aggregate {
    /// What is aggregated; `None` for records.
    pub fn argument(&self) -> Option<&Expr> {
        match self {
            Self::Count(argument) => argument.as_deref(),
            Self::CountDistinct(e)
            | Self::Sum(e)
            | Self::Average(e)
            | Self::Minimum(e)
            | Self::Maximum(e)
            | Self::Percentile(e, _)
            | Self::StandardDeviation(e)
            | Self::Variance(e)
            | Self::Earliest(e)
            | Self::Latest(e)
            | Self::Values(e)
            | Self::TopK(_, e)
            | Self::SortsFirst(e)
            | Self::SortsLast(e)
            | Self::Rate(e, _) => Some(e),
        }
    }
}

impl Expr {
    /// The expressions right inside this one; not those of a nested query.
    pub fn children(&self) -> Vec<&Expr> {
        match self {
            Self::Literal(_) | Self::Field(_) => Vec::new(),
            Self::Binary { left, right, .. } => vec![left, right],
            Self::Not(inner) | Self::Negate(inner) => vec![inner],
            Self::Contains { text, needle } => vec![text, needle],
            Self::Matches { text, .. } => vec![text],
            Self::In { value, .. } | Self::InQuery { value, .. } => vec![value],
            Self::Call { arguments, .. } => arguments.iter().collect(),
            Self::Aggregate(aggregate) => aggregate.argument().into_iter().collect(),
        }
    }

    /// The same, to be changed in place; what is aggregated is not among them.
    pub fn children_mut(&mut self) -> Vec<&mut Expr> {
        match self {
            Self::Literal(_) | Self::Field(_) | Self::Aggregate(_) => Vec::new(),
            Self::Binary { left, right, .. } => vec![left, right],
            Self::Not(inner) | Self::Negate(inner) => vec![inner],
            Self::Contains { text, needle } => vec![text, needle],
            Self::Matches { text, .. } => vec![text],
            Self::In { value, .. } | Self::InQuery { value, .. } => vec![value],
            Self::Call { arguments, .. } => arguments.iter_mut().collect(),
        }
    }
}
