//! Expressions over one record, and aggregates over many.

/// An expression. Evaluation never fails: what cannot be computed is missing.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    Literal(Value),
    /// A system field (`@timestamp`), a field made by an earlier stage, or a discovered field by its path.
    Field(String),
    Binary { op: BinaryOp, left: Box<Expr>, right: Box<Expr> },
    Not(Box<Expr>),
    Negate(Box<Expr>),
    /// `like "text"`: case-sensitive substring.
    Contains { text: Box<Expr>, needle: Box<Expr> },
    /// `like /re/`, `=~ /re/`: regular expression search.
    Matches { text: Box<Expr>, pattern: String },
    In { value: Box<Expr>, list: Vec<Value>, negated: bool },
    Call { function: Function, arguments: Vec<Expr> },
    /// Only inside [`crate::plan::Stage::Aggregate`].
    Aggregate(Aggregate),
}

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    String(String),
    /// An integer literal keeps its text exact up to 2^53.
    Number(f64),
    Boolean(bool),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// Functions of one record. More are added as languages need them, one file each where they are lowered.
#[derive(Debug, Clone, PartialEq)]
pub enum Function {
    /// Start of the time bucket that holds the argument.
    DateFloor(Period),
    DateCeil(Period),
    FromMillis,
    ToMillis,
    IsPresent,
    Coalesce,
    Abs,
    Ceil,
    Floor,
    Sqrt,
    Log,
    Greatest,
    Least,
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
    StringContains,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    pub count: u32,
    pub unit: PeriodUnit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
}
