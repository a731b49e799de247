//! Recursive descent over the tokens. AND may be left out; `!` binds tighter than AND, AND tighter than OR.

use super::TraceFilterError;
use super::lexer::{Token, tokens};
use super::syntax::{AnnotationTest, Expression, Flag, NodePattern, Number, Order, Text, TextTest};

/// `None` for an empty expression.
pub(super) fn parse(text: &str) -> Result<Option<Expression>, TraceFilterError> {
    let mut parser = Parser { tokens: tokens(text)?, next: 0, depth: 0 };
    if *parser.peek() == Token::End {
        return Ok(None);
    }
    let expression = parser.expression(Place::Trace)?;
    match parser.peek() {
        Token::End => Ok(Some(expression)),
        other => Err(parser.error(format!("unexpected {}", other.describe()))),
    }
}

/// Parentheses, negations and blocks inside one another.
const DEPTH_MAX: usize = 64;

/// What keywords refer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Trace,
    /// One segment, inside the block of `service()`.
    Service,
}

struct Parser {
    tokens: Vec<(Token, usize)>,
    next: usize,
    depth: usize,
}

impl Parser {
    fn expression(&mut self, place: Place) -> Result<Expression, TraceFilterError> {
        let mut branches = vec![self.conjunction(place)?];
        while self.take_word("OR") {
            branches.push(self.conjunction(place)?);
        }
        Ok(if branches.len() == 1 { branches.remove(0) } else { Expression::Any(branches) })
    }

    fn conjunction(&mut self, place: Place) -> Result<Expression, TraceFilterError> {
        let mut terms = vec![self.negation(place)?];
        loop {
            let explicit = self.take_word("AND");
            let ends = match self.peek() {
                Token::End | Token::Symbol(")" | "}") => true,
                Token::Word(word) => word.eq_ignore_ascii_case("OR"),
                _ => false,
            };
            if ends && !explicit {
                return Ok(if terms.len() == 1 { terms.remove(0) } else { Expression::All(terms) });
            }
            terms.push(self.negation(place)?);
        }
    }

    fn negation(&mut self, place: Place) -> Result<Expression, TraceFilterError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.error("it is nested too deeply"));
        }
        let result = if self.take_symbol("!") {
            self.negation(place).map(|inner| Expression::Not(Box::new(inner)))
        } else {
            self.primary(place)
        };
        self.depth -= 1;
        result
    }

    fn primary(&mut self, place: Place) -> Result<Expression, TraceFilterError> {
        if self.take_symbol("(") {
            let inner = self.expression(place)?;
            self.expect(")")?;
            return Ok(inner);
        }
        let position = self.position();
        let word = match self.peek() {
            Token::Word(word) => word.clone(),
            other => return Err(self.error(format!("expected a keyword, not {}", other.describe()))),
        };
        self.next += 1;
        let keyword = word.to_ascii_lowercase();
        let fail = |reason: String| Err(TraceFilterError { reason, position });
        if keyword == "service" && place == Place::Trace {
            return self.service();
        }
        if let Some(construct) = unsupported(&keyword) {
            return fail(format!("{construct} is not supported"));
        }
        // Keys keep their case.
        if keyword == "annotation" || keyword.starts_with("annotation.") {
            if place == Place::Service {
                return fail("annotations are not allowed inside service()".to_owned());
            }
            let key = self.annotation_key(&word)?;
            return self.annotation(key);
        }
        if let Some(flag) = flag(&keyword) {
            return self.flag(flag);
        }
        if let Some(number) = number(&keyword) {
            return self.number(number);
        }
        match text(&keyword, place) {
            Some(text) => self.text(text),
            None => fail(format!("unknown keyword '{word}'")),
        }
    }

    fn service(&mut self) -> Result<Expression, TraceFilterError> {
        self.expect("(")?;
        let node = match self.peek().clone() {
            Token::Symbol(")") => NodePattern::default(),
            Token::String(name) => {
                self.next += 1;
                NodePattern { name: Some(name), ..NodePattern::default() }
            }
            Token::Word(word) if word.eq_ignore_ascii_case("id") => {
                self.next += 1;
                self.id()?
            }
            other => {
                return Err(self.error(format!("expected a service name or id(), not {}", other.describe())));
            }
        };
        self.expect(")")?;
        let block = if self.take_symbol("{") {
            let inner = self.expression(Place::Service)?;
            self.expect("}")?;
            Some(Box::new(inner))
        } else {
            None
        };
        Ok(Expression::Service(node, block))
    }

    fn id(&mut self) -> Result<NodePattern, TraceFilterError> {
        self.expect("(")?;
        let mut node = NodePattern::default();
        loop {
            let part = match self.peek() {
                Token::Word(word) => word.to_ascii_lowercase(),
                other => return Err(self.error(format!("expected a part of id(), not {}", other.describe()))),
            };
            let field = match part.as_str() {
                "name" => &mut node.name,
                "type" => &mut node.kind,
                "account.id" => &mut node.account,
                _ => return Err(self.error(format!("id() has no part '{part}'"))),
            };
            self.next += 1;
            self.expect(":")?;
            match self.peek().clone() {
                Token::String(value) => *field = Some(value),
                other => return Err(self.error(format!("expected a string, not {}", other.describe()))),
            }
            self.next += 1;
            if !self.take_symbol(",") {
                self.expect(")")?;
                return Ok(node);
            }
        }
    }

    /// The key of `annotation.key` or `annotation[key]`.
    fn annotation_key(&mut self, word: &str) -> Result<String, TraceFilterError> {
        match word.split_once('.') {
            Some((_, "")) => Err(self.error("an annotation needs a key")),
            Some((_, key)) => Ok(key.to_owned()),
            None => {
                self.expect("[")?;
                let key = match self.peek().clone() {
                    Token::Word(key) | Token::String(key) => key,
                    other => {
                        return Err(
                            self.error(format!("expected an annotation key, not {}", other.describe()))
                        );
                    }
                };
                self.next += 1;
                self.expect("]")?;
                Ok(key)
            }
        }
    }

    fn annotation(&mut self, key: String) -> Result<Expression, TraceFilterError> {
        let Some((operator, at)) = self.operator() else {
            return Ok(Expression::Annotation(key, AnnotationTest::Set));
        };
        let mismatch = |kind: &str| TraceFilterError {
            reason: format!("operator {} cannot be applied to {kind}", operator.name()),
            position: at,
        };
        let test = match self.value()? {
            Value::Flag(flag) => {
                AnnotationTest::Flag(flag, operator.equality().ok_or_else(|| mismatch("a boolean"))?)
            }
            Value::Number(value) => {
                AnnotationTest::Number(operator.order().ok_or_else(|| mismatch("a number"))?, value)
            }
            Value::Text(value) => {
                AnnotationTest::Text(operator.text_test().ok_or_else(|| mismatch("a string"))?, value)
            }
        };
        Ok(Expression::Annotation(key, test))
    }

    fn flag(&mut self, flag: Flag) -> Result<Expression, TraceFilterError> {
        let Some((operator, at)) = self.operator() else { return Ok(Expression::Flag(flag, true)) };
        let position = self.position();
        match (operator.equality(), self.value()?) {
            (Some(equal), Value::Flag(value)) => Ok(Expression::Flag(flag, value == equal)),
            (None, _) => Err(TraceFilterError {
                reason: format!("operator {} cannot be applied to a boolean", operator.name()),
                position: at,
            }),
            (Some(_), _) => Err(TraceFilterError { reason: "expected true or false".to_owned(), position }),
        }
    }

    fn number(&mut self, number: Number) -> Result<Expression, TraceFilterError> {
        let Some((operator, at)) = self.operator() else { return Ok(Expression::Number(number, None)) };
        let position = self.position();
        match (operator.order(), self.value()?) {
            (Some(order), Value::Number(value)) => Ok(Expression::Number(number, Some((order, value)))),
            (None, _) => Err(TraceFilterError {
                reason: format!("operator {} cannot be applied to a number", operator.name()),
                position: at,
            }),
            (Some(_), _) => Err(TraceFilterError { reason: "expected a number".to_owned(), position }),
        }
    }

    fn text(&mut self, text: Text) -> Result<Expression, TraceFilterError> {
        let Some((operator, at)) = self.operator() else { return Ok(Expression::Text(text, None)) };
        let position = self.position();
        match (operator.text_test(), self.value()?) {
            (Some(test), Value::Text(value)) => Ok(Expression::Text(text, Some((test, value)))),
            (None, _) => Err(TraceFilterError {
                reason: format!("operator {} cannot be applied to a string", operator.name()),
                position: at,
            }),
            (Some(_), _) => Err(TraceFilterError { reason: "expected a string".to_owned(), position }),
        }
    }

    /// The operator that stands here, and where, if one does.
    fn operator(&mut self) -> Option<(Operator, usize)> {
        let position = self.position();
        let operator = match self.peek() {
            Token::Symbol("=") => Operator::Order(Order::Equal),
            Token::Symbol("!=") => Operator::Order(Order::NotEqual),
            Token::Symbol("<") => Operator::Order(Order::Less),
            Token::Symbol("<=") => Operator::Order(Order::LessOrEqual),
            Token::Symbol(">") => Operator::Order(Order::Greater),
            Token::Symbol(">=") => Operator::Order(Order::GreaterOrEqual),
            Token::Word(word) => match word.to_ascii_uppercase().as_str() {
                "CONTAINS" => Operator::Text(TextTest::Contains),
                "BEGINSWITH" => Operator::Text(TextTest::BeginsWith),
                "ENDSWITH" => Operator::Text(TextTest::EndsWith),
                _ => return None,
            },
            _ => return None,
        };
        self.next += 1;
        Some((operator, position))
    }

    fn value(&mut self) -> Result<Value, TraceFilterError> {
        let value = match self.peek().clone() {
            Token::String(text) => Value::Text(text),
            Token::Number(number) => Value::Number(number),
            Token::Word(word) if word.eq_ignore_ascii_case("true") => Value::Flag(true),
            Token::Word(word) if word.eq_ignore_ascii_case("false") => Value::Flag(false),
            // AWS: a sample of the documentation leaves the quotes out.
            Token::Word(word) if !["AND", "OR"].contains(&word.to_ascii_uppercase().as_str()) => {
                Value::Text(word)
            }
            other => return Err(self.error(format!("expected a value, not {}", other.describe()))),
        };
        self.next += 1;
        Ok(value)
    }

    fn peek(&self) -> &Token {
        &self.tokens[self.next].0
    }

    fn position(&self) -> usize {
        self.tokens[self.next].1
    }

    fn take_symbol(&mut self, symbol: &str) -> bool {
        let found = matches!(self.peek(), Token::Symbol(s) if *s == symbol);
        self.next += usize::from(found);
        found
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Token::Word(w) if w.eq_ignore_ascii_case(word));
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, symbol: &str) -> Result<(), TraceFilterError> {
        if self.take_symbol(symbol) {
            Ok(())
        } else {
            Err(self.error(format!("expected '{symbol}', not {}", self.peek().describe())))
        }
    }

    fn error(&self, reason: impl Into<String>) -> TraceFilterError {
        TraceFilterError { reason: reason.into(), position: self.position() }
    }
}

enum Value {
    Text(String),
    Number(f64),
    Flag(bool),
}

#[derive(Clone, Copy)]
enum Operator {
    Order(Order),
    Text(TextTest),
}

impl Operator {
    /// For booleans: whether it asks for equality.
    fn equality(self) -> Option<bool> {
        match self {
            Operator::Order(Order::Equal) => Some(true),
            Operator::Order(Order::NotEqual) => Some(false),
            _ => None,
        }
    }

    fn order(self) -> Option<Order> {
        match self {
            Operator::Order(order) => Some(order),
            Operator::Text(_) => None,
        }
    }

    fn text_test(self) -> Option<TextTest> {
        match self {
            Operator::Text(test) => Some(test),
            Operator::Order(Order::Equal) => Some(TextTest::Equal),
            Operator::Order(Order::NotEqual) => Some(TextTest::NotEqual),
            Operator::Order(_) => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Operator::Order(Order::Equal) => "=",
            Operator::Order(Order::NotEqual) => "!=",
            Operator::Order(Order::Less) => "<",
            Operator::Order(Order::LessOrEqual) => "<=",
            Operator::Order(Order::Greater) => ">",
            Operator::Order(Order::GreaterOrEqual) => ">=",
            Operator::Text(TextTest::Contains) => "CONTAINS",
            Operator::Text(TextTest::BeginsWith) => "BEGINSWITH",
            Operator::Text(TextTest::EndsWith) => "ENDSWITH",
            Operator::Text(TextTest::Equal | TextTest::NotEqual) => "=",
        }
    }
}

fn flag(keyword: &str) -> Option<Flag> {
    Some(match keyword {
        "ok" => Flag::Ok,
        "error" => Flag::Error,
        "fault" => Flag::Fault,
        "throttle" => Flag::Throttle,
        "partial" => Flag::Partial,
        "inferred" => Flag::Inferred,
        "root" => Flag::Root,
        _ => return None,
    })
}

fn number(keyword: &str) -> Option<Number> {
    Some(match keyword {
        "responsetime" => Number::ResponseTime,
        "duration" => Number::Duration,
        "http.status" => Number::HttpStatus,
        _ => return None,
    })
}

fn text(keyword: &str, place: Place) -> Option<Text> {
    Some(match keyword {
        "http.url" => Text::HttpUrl,
        "http.method" => Text::HttpMethod,
        "http.useragent" => Text::HttpUserAgent,
        "http.clientip" => Text::HttpClientIp,
        "user" => Text::User,
        "availabilityzone" => Text::AvailabilityZone,
        "instance.id" => Text::InstanceId,
        "resource.arn" => Text::ResourceArn,
        "name" if place == Place::Service => Text::Name,
        "type" if place == Place::Service => Text::Type,
        _ => return None,
    })
}

/// Constructs of the language that this server does not evaluate yet, as messages name them.
fn unsupported(keyword: &str) -> Option<String> {
    match keyword {
        "edge" => Some("edge()".to_owned()),
        "group.name" | "group.arn" => Some(keyword.to_owned()),
        _ if keyword == "rootcause" || keyword.starts_with("rootcause.") => Some(keyword.to_owned()),
        _ => None,
    }
}
