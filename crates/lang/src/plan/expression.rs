//! Expressions over one record, and aggregates over many.

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
    IsValidIp(IpVersion),
    IsIpInSubnet(IpVersion),
    IsPrivateIp,
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
            | Self::Latest(e) => Some(e),
        }
    }
}
