//! Expressions: precedence, literals, calls and paths, as they were written.
//!
//! From loosest: `or`, `and`, `not`/`!`, comparisons (which do not chain), `+ -`, `* / %`, unary `-`, `^`.

use super::parser::Parser;
use crate::plan::{BinaryOp, NestedQuery, Period, PeriodUnit, Value};
use crate::text::{QueryError, Span, Symbol, Token, regex};

/// Longest chain of `+ - * / %`; each link is one level of the tree.
const CHAIN_MAX: usize = 128;

/// An expression with its place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    Literal(Value),
    Path(String),
    /// `*` as an argument.
    Star,
    /// `5m` as an argument.
    Period(Period),
    Binary(BinaryOp, Box<Node>, Box<Node>),
    /// A chain of `and` or of `or`.
    Chain(BinaryOp, Vec<Node>),
    Not(Box<Node>),
    Negate(Box<Node>),
    Like(Box<Node>, Box<Node>),
    Matches(Box<Node>, String),
    In {
        value: Box<Node>,
        list: Vec<Value>,
        negated: bool,
    },
    InQuery {
        value: Box<Node>,
        query: Box<NestedQuery>,
        negated: bool,
    },
    Call {
        name: String,
        name_span: Span,
        arguments: Vec<Node>,
    },
}

/// An expression and the column it becomes.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) node: Node,
    pub(crate) alias: Option<(String, Span)>,
    /// The alias, else the path, else the text as written.
    pub(crate) name: String,
}

pub(crate) fn items(parser: &mut Parser<'_>) -> Result<Vec<Item>, QueryError> {
    let mut items = vec![item(parser)?];
    while parser.symbol(Symbol::Comma)? {
        items.push(item(parser)?);
    }
    Ok(items)
}

fn item(parser: &mut Parser<'_>) -> Result<Item, QueryError> {
    let node = expression(parser)?;
    let alias = if parser.keyword("as")? { Some(parser.name()?) } else { None };
    let name = match (&alias, &node.kind) {
        (Some((alias, _)), _) => alias.clone(),
        (None, Kind::Path(path)) => path.clone(),
        (None, _) => parser.source(node.span).to_owned(),
    };
    Ok(Item { node, alias, name })
}

pub(crate) fn expression(parser: &mut Parser<'_>) -> Result<Node, QueryError> {
    chain(parser, "or", BinaryOp::Or, |parser| chain(parser, "and", BinaryOp::And, not))
}

fn chain(
    parser: &mut Parser<'_>,
    keyword: &str,
    op: BinaryOp,
    term: fn(&mut Parser<'_>) -> Result<Node, QueryError>,
) -> Result<Node, QueryError> {
    let first = term(parser)?;
    if !parser.is_keyword(keyword)? {
        return Ok(first);
    }
    let mut terms = vec![first];
    while parser.keyword(keyword)? {
        terms.push(term(parser)?);
    }
    let span = terms[0].span.to(terms[terms.len() - 1].span);
    Ok(Node { kind: Kind::Chain(op, terms), span })
}

fn not(parser: &mut Parser<'_>) -> Result<Node, QueryError> {
    let start = parser.peek()?.1;
    if parser.keyword("not")? || parser.symbol(Symbol::Not)? {
        let inner = parser.nested(not)?;
        return Ok(Node { span: start.to(inner.span), kind: Kind::Not(Box::new(inner)) });
    }
    comparison(parser)
}

fn comparison(parser: &mut Parser<'_>) -> Result<Node, QueryError> {
    let left = sum(parser)?;
    let op = match parser.peek()?.0 {
        Token::Symbol(Symbol::Equal) => BinaryOp::Equal,
        Token::Symbol(Symbol::NotEqual) => BinaryOp::NotEqual,
        Token::Symbol(Symbol::Less) => BinaryOp::Less,
        Token::Symbol(Symbol::LessOrEqual) => BinaryOp::LessOrEqual,
        Token::Symbol(Symbol::Greater) => BinaryOp::Greater,
        Token::Symbol(Symbol::GreaterOrEqual) => BinaryOp::GreaterOrEqual,
        Token::Symbol(Symbol::Matches) => {
            parser.next()?;
            return match parser.regex()? {
                Some((pattern, span)) => matches(parser, left, pattern, span),
                None => Err(parser.unexpected()?),
            };
        }
        _ => return word_comparison(parser, left),
    };
    parser.next()?;
    // SQL also writes `<>`.
    let op = match op {
        BinaryOp::Less if parser.ppl && parser.symbol(Symbol::Greater)? => BinaryOp::NotEqual,
        op => op,
    };
    let right = sum(parser)?;
    let span = left.span.to(right.span);
    Ok(Node { kind: Kind::Binary(op, Box::new(left), Box::new(right)), span })
}

/// `[not] like …`, `[not] in […]`, or nothing further.
fn word_comparison(parser: &mut Parser<'_>, left: Node) -> Result<Node, QueryError> {
    let negated = parser.keyword("not")?;
    if parser.keyword("like")? {
        let found = match parser.regex()? {
            Some((pattern, span)) => matches(parser, left, pattern, span)?,
            None => {
                let needle = sum(parser)?;
                let span = left.span.to(needle.span);
                Node { kind: Kind::Like(Box::new(left), Box::new(needle)), span }
            }
        };
        let span = found.span;
        return Ok(if negated { Node { kind: Kind::Not(Box::new(found)), span } } else { found });
    }
    if parser.keyword("in")? {
        if parser.ppl {
            let (values, end) = sql_list(parser)?;
            let span = left.span.to(end);
            return Ok(Node { kind: Kind::In { value: Box::new(left), list: values, negated }, span });
        }
        if parser.peek()?.0 == Token::Symbol(Symbol::OpenParen) {
            let query = Box::new(super::join::nested(parser, true)?);
            let span = left.span.to(parser.last());
            return Ok(Node { kind: Kind::InQuery { value: Box::new(left), query, negated }, span });
        }
        let (list, end) = list(parser)?;
        let span = left.span.to(end);
        return Ok(Node { kind: Kind::In { value: Box::new(left), list, negated }, span });
    }
    if parser.ppl && !negated && parser.is_keyword("is")? {
        let at = parser.peek()?.1;
        parser.next()?;
        let present = parser.keyword("not")?;
        let end = parser.peek()?.1;
        if !parser.keyword("null")? {
            return Err(parser.unexpected()?);
        }
        let span = left.span.to(end);
        let kind = Kind::Call { name: "isnull".to_owned(), name_span: at, arguments: vec![left] };
        let found = Node { kind, span };
        return Ok(if present { Node { kind: Kind::Not(Box::new(found)), span } } else { found });
    }
    if parser.ppl && parser.keyword("between")? {
        let low = sum(parser)?;
        if !parser.keyword("and")? {
            return Err(parser.unexpected()?);
        }
        let high = sum(parser)?;
        let span = left.span.to(high.span);
        let compare =
            |op, bound: Node| Node { kind: Kind::Binary(op, Box::new(left.clone()), Box::new(bound)), span };
        let terms = vec![compare(BinaryOp::GreaterOrEqual, low), compare(BinaryOp::LessOrEqual, high)];
        let found = Node { kind: Kind::Chain(BinaryOp::And, terms), span };
        return Ok(if negated { Node { kind: Kind::Not(Box::new(found)), span } } else { found });
    }
    if negated { Err(parser.unexpected()?) } else { Ok(left) }
}

/// `(value, …)`, as PPL writes lists.
fn sql_list(parser: &mut Parser<'_>) -> Result<(Vec<Value>, Span), QueryError> {
    let (token, open) = parser.peek()?.clone();
    if token == Token::Symbol(Symbol::OpenBracket) {
        return Err(parser.error(open, "subqueries are not supported"));
    }
    parser.expect(Symbol::OpenParen)?;
    let mut values = vec![literal(parser)?];
    while parser.symbol(Symbol::Comma)? {
        values.push(literal(parser)?);
    }
    let end = parser.expect(Symbol::CloseParen)?;
    Ok((values, end))
}

fn matches(parser: &Parser<'_>, text: Node, pattern: String, span: Span) -> Result<Node, QueryError> {
    regex::compile(&pattern).map_err(|message| parser.error(span, message))?;
    let span = text.span.to(span);
    Ok(Node { kind: Kind::Matches(Box::new(text), pattern), span })
}

pub(crate) fn list(parser: &mut Parser<'_>) -> Result<(Vec<Value>, Span), QueryError> {
    parser.expect(Symbol::OpenBracket)?;
    let mut values = Vec::new();
    if parser.peek()?.0 != Token::Symbol(Symbol::CloseBracket) {
        values.push(literal(parser)?);
        while parser.symbol(Symbol::Comma)? {
            values.push(literal(parser)?);
        }
    }
    let end = parser.expect(Symbol::CloseBracket)?;
    Ok((values, end))
}

pub(crate) fn literal(parser: &mut Parser<'_>) -> Result<Value, QueryError> {
    let negative = parser.symbol(Symbol::Minus)?;
    let value = match &parser.peek()?.0 {
        Token::Number(number) => Value::Number(if negative { -number } else { *number }),
        Token::String(text) if !negative => Value::String(text.clone()),
        Token::Word { text, quoted: false } if !negative && text.eq_ignore_ascii_case("true") => {
            Value::Boolean(true)
        }
        Token::Word { text, quoted: false } if !negative && text.eq_ignore_ascii_case("false") => {
            Value::Boolean(false)
        }
        _ => return Err(parser.unexpected()?),
    };
    parser.next()?;
    Ok(value)
}

fn sum(parser: &mut Parser<'_>) -> Result<Node, QueryError> {
    binary(parser, product, |symbol| match symbol {
        Symbol::Plus => Some(BinaryOp::Add),
        Symbol::Minus => Some(BinaryOp::Subtract),
        _ => None,
    })
}

fn product(parser: &mut Parser<'_>) -> Result<Node, QueryError> {
    binary(parser, unary, |symbol| match symbol {
        Symbol::Star => Some(BinaryOp::Multiply),
        Symbol::Slash => Some(BinaryOp::Divide),
        Symbol::Percent => Some(BinaryOp::Modulo),
        _ => None,
    })
}

fn binary(
    parser: &mut Parser<'_>,
    operand: fn(&mut Parser<'_>) -> Result<Node, QueryError>,
    operator: fn(Symbol) -> Option<BinaryOp>,
) -> Result<Node, QueryError> {
    let mut left = operand(parser)?;
    let mut links = 0;
    while let (Token::Symbol(symbol), at) = *parser.peek()? {
        let Some(op) = operator(symbol) else { break };
        parser.next()?;
        let right = operand(parser)?;
        links += 1;
        if links > CHAIN_MAX {
            return Err(parser.error(at, format!("more than {CHAIN_MAX} operators in a row")));
        }
        let span = left.span.to(right.span);
        left = Node { kind: Kind::Binary(op, Box::new(left), Box::new(right)), span };
    }
    Ok(left)
}

fn unary(parser: &mut Parser<'_>) -> Result<Node, QueryError> {
    let start = parser.peek()?.1;
    if !parser.symbol(Symbol::Minus)? {
        return power(parser);
    }
    let inner = parser.nested(unary)?;
    let span = start.to(inner.span);
    Ok(match inner.kind {
        Kind::Literal(Value::Number(number)) => Node { kind: Kind::Literal(Value::Number(-number)), span },
        _ => Node { kind: Kind::Negate(Box::new(inner)), span },
    })
}

fn power(parser: &mut Parser<'_>) -> Result<Node, QueryError> {
    let base = primary(parser)?;
    if !parser.symbol(Symbol::Caret)? {
        return Ok(base);
    }
    let exponent = parser.nested(unary)?;
    let span = base.span.to(exponent.span);
    Ok(Node { kind: Kind::Binary(BinaryOp::Power, Box::new(base), Box::new(exponent)), span })
}

fn primary(parser: &mut Parser<'_>) -> Result<Node, QueryError> {
    let (token, span) = parser.peek()?.clone();
    let kind = match token {
        Token::String(text) => Kind::Literal(Value::String(text)),
        Token::Number(number) => Kind::Literal(Value::Number(number)),
        Token::Symbol(Symbol::OpenParen) => {
            parser.next()?;
            let inner = parser.nested(expression)?;
            let end = parser.expect(Symbol::CloseParen)?;
            return Ok(Node { kind: inner.kind, span: span.to(end) });
        }
        Token::Word { text, quoted } => return word(parser, text, quoted, span),
        _ => return Err(parser.unexpected()?),
    };
    parser.next()?;
    Ok(Node { kind, span })
}

fn word(parser: &mut Parser<'_>, text: String, quoted: bool, span: Span) -> Result<Node, QueryError> {
    let lower = text.to_ascii_lowercase();
    let operator = matches!(lower.as_str(), "and" | "or" | "not" | "like" | "in" | "as" | "by");
    // `like(text, pattern)` is a function there.
    let operator = operator && !(parser.ppl && lower == "like");
    if !quoted && operator {
        return Err(parser.unexpected()?);
    }
    parser.next()?;
    if !quoted && parser.ppl && lower == "case" && parser.is_keyword("when")? {
        return parser.nested(|parser| case(parser, span));
    }
    if !quoted && parser.symbol(Symbol::OpenParen)? {
        let distinct = parser.ppl && lower == "count" && parser.keyword("distinct")?;
        let lower = if distinct { "count_distinct".to_owned() } else { lower };
        let arguments = parser.nested(arguments)?;
        let end = parser.expect(Symbol::CloseParen)?;
        return Ok(Node { kind: Kind::Call { name: lower, name_span: span, arguments }, span: span.to(end) });
    }
    let kind = match lower.as_str() {
        "true" if !quoted => Kind::Literal(Value::Boolean(true)),
        "false" if !quoted => Kind::Literal(Value::Boolean(false)),
        _ => Kind::Path(text),
    };
    Ok(Node { kind, span })
}

/// `case when condition then value … [else value] end`, behind its first word.
fn case(parser: &mut Parser<'_>, start: Span) -> Result<Node, QueryError> {
    let mut arguments = Vec::new();
    while parser.keyword("when")? {
        arguments.push(expression(parser)?);
        if !parser.keyword("then")? {
            return Err(parser.unexpected()?);
        }
        arguments.push(expression(parser)?);
    }
    if parser.keyword("else")? {
        arguments.push(expression(parser)?);
    }
    let end = parser.peek()?.1;
    if !parser.keyword("end")? {
        return Err(parser.unexpected()?);
    }
    let kind = Kind::Call { name: "case".to_owned(), name_span: start, arguments };
    Ok(Node { kind, span: start.to(end) })
}

fn arguments(parser: &mut Parser<'_>) -> Result<Vec<Node>, QueryError> {
    let mut arguments = Vec::new();
    if parser.peek()?.0 == Token::Symbol(Symbol::CloseParen) {
        return Ok(arguments);
    }
    loop {
        let (token, span) = parser.peek()?.clone();
        arguments.push(match token {
            Token::Symbol(Symbol::Star) => {
                parser.next()?;
                Node { kind: Kind::Star, span }
            }
            Token::Quantity { .. } => {
                let (period, span) = period(parser)?;
                Node { kind: Kind::Period(period), span }
            }
            _ => expression(parser)?,
        });
        if !parser.symbol(Symbol::Comma)? {
            return Ok(arguments);
        }
    }
}

/// A period literal such as `5m`.
///
/// AWS: counts of ms, s, m and h above 1000, 60, 60 and 24 are reduced to these
/// (CWL_QuerySyntax-operations-functions, "bin").
pub(crate) fn period(parser: &mut Parser<'_>) -> Result<(Period, Span), QueryError> {
    let (Token::Quantity { count, unit }, span) = parser.peek()?.clone() else {
        return Err(parser.unexpected()?);
    };
    let lower = unit.to_ascii_lowercase();
    let singular = if lower.len() > 2 { lower.strip_suffix('s').unwrap_or(&lower) } else { &lower };
    let (unit, cap) = match singular {
        "ms" | "msec" | "millisecond" => (PeriodUnit::Millisecond, 1000),
        "s" | "sec" | "second" => (PeriodUnit::Second, 60),
        "m" | "min" | "minute" => (PeriodUnit::Minute, 60),
        "h" | "hr" | "hour" => (PeriodUnit::Hour, 24),
        "d" | "day" => (PeriodUnit::Day, 10_000),
        "w" | "week" => (PeriodUnit::Week, 1_000),
        "mo" | "mon" | "month" => (PeriodUnit::Month, 1_000),
        "q" | "qtr" | "quarter" => (PeriodUnit::Quarter, 400),
        "y" | "yr" | "year" => (PeriodUnit::Year, 100),
        _ => return Err(parser.error(span, format!("unknown unit of time '{unit}'"))),
    };
    if count == 0 {
        return Err(parser.error(span, "a period must not be zero"));
    }
    parser.next()?;
    let count = u32::try_from(count.min(cap)).unwrap_or(u32::MAX);
    Ok((Period { count, unit }, span))
}
