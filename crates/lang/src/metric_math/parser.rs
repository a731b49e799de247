//! Reads expressions. Depth is limited, so that no text can exhaust the stack; chains of operators are not deep.

use super::function::Function;
use super::lexer::{Token, tokens, unexpected};
use super::syntax::{Expression, Keyword, Operator};
use super::{EXPRESSION_MAX, MathError};

/// Parentheses, brackets, calls and signs inside one another.
const DEPTH_MAX: usize = 64;

pub(super) fn parse(text: &str) -> Result<Expression, MathError> {
    if text.chars().count() > EXPRESSION_MAX {
        return Err(MathError::new(format!("Expression is longer than {EXPRESSION_MAX} characters")));
    }
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0 };
    let expression = parser.any_of(0)?;
    match parser.tokens.get(parser.at) {
        None => Ok(expression),
        Some((at, token)) => Err(unexpected(&spelled(token), *at)),
    }
}

struct Parser {
    tokens: Vec<(usize, Token)>,
    at: usize,
    depth: usize,
}

/// Left-associative operators by level, the loosest first. Comparisons don't chain.
const LEVELS: [&[(&str, Operator)]; 5] = [
    &[("||", Operator::Or), ("OR", Operator::Or)],
    &[("&&", Operator::And), ("AND", Operator::And)],
    &[
        ("==", Operator::Equal),
        ("!=", Operator::NotEqual),
        ("<=", Operator::LessOrEqual),
        (">=", Operator::GreaterOrEqual),
        ("<", Operator::Less),
        (">", Operator::Greater),
    ],
    &[("+", Operator::Add), ("-", Operator::Subtract)],
    &[("*", Operator::Multiply), ("/", Operator::Divide)],
];
const COMPARISON: usize = 2;

impl Parser {
    fn any_of(&mut self, level: usize) -> Result<Expression, MathError> {
        let Some(operators) = LEVELS.get(level) else { return self.unary() };
        let mut left = self.any_of(level + 1)?;
        while let Some(operator) = self.operator(operators) {
            let right = self.any_of(level + 1)?;
            left = Expression::Binary(operator, Box::new(left), Box::new(right));
            if level == COMPARISON {
                break;
            }
        }
        Ok(left)
    }

    fn operator(&mut self, operators: &[(&str, Operator)]) -> Option<Operator> {
        let found = match self.tokens.get(self.at)? {
            (_, Token::Symbol(symbol)) => operators.iter().find(|(text, _)| text == symbol),
            (_, Token::Word(word)) => operators.iter().find(|(text, _)| text == word),
            _ => None,
        };
        let (_, operator) = found?;
        self.at += 1;
        Some(*operator)
    }

    fn unary(&mut self) -> Result<Expression, MathError> {
        if !self.take("-") {
            return self.power();
        }
        self.deeper(|parser| Ok(Expression::Negate(Box::new(parser.unary()?))))
    }

    fn power(&mut self) -> Result<Expression, MathError> {
        let base = self.primary()?;
        if !self.take("^") {
            return Ok(base);
        }
        let exponent = self.deeper(Self::unary)?;
        Ok(Expression::Binary(Operator::Power, Box::new(base), Box::new(exponent)))
    }

    fn primary(&mut self) -> Result<Expression, MathError> {
        let Some((at, token)) = self.tokens.get(self.at).cloned() else {
            return Err(MathError::new("Unexpected end of expression"));
        };
        self.at += 1;
        match token {
            Token::Number(value) => Ok(Expression::Number(value)),
            Token::Text(text) => Ok(Expression::Text(text)),
            Token::Symbol("(") => self.deeper(|parser| {
                let inner = parser.any_of(0)?;
                parser.expect(")")?;
                Ok(inner)
            }),
            Token::Symbol("[") => self.deeper(|parser| {
                let items = parser.items("]")?;
                if items.is_empty() { Err(unexpected("]", at)) } else { Ok(Expression::List(items)) }
            }),
            Token::Word(word) if self.take("(") => match Function::by_name(&word) {
                Some(function) => self.deeper(|parser| Ok(Expression::Call(function, parser.items(")")?))),
                None => Err(MathError::new(format!("Function '{word}' not found"))),
            },
            Token::Word(word) if word.starts_with(|c: char| c.is_ascii_lowercase()) => {
                Ok(Expression::Reference(word))
            }
            Token::Word(word) => match Keyword::by_name(&word) {
                Some(keyword) => Ok(Expression::Keyword(keyword)),
                None => Err(unexpected(&word, at)),
            },
            Token::Symbol(symbol) => Err(unexpected(symbol, at)),
        }
    }

    /// Items up to the closing symbol, which is taken.
    fn items(&mut self, close: &str) -> Result<Vec<Expression>, MathError> {
        let mut items = Vec::new();
        if self.take(close) {
            return Ok(items);
        }
        loop {
            items.push(self.any_of(0)?);
            if self.take(",") {
                continue;
            }
            self.expect(close)?;
            return Ok(items);
        }
    }

    fn deeper(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<Expression, MathError>,
    ) -> Result<Expression, MathError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(MathError::new(format!("Expression is nested more than {DEPTH_MAX} deep")));
        }
        let expression = read(self)?;
        self.depth -= 1;
        Ok(expression)
    }

    fn take(&mut self, symbol: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some((_, Token::Symbol(next))) if *next == symbol);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, symbol: &str) -> Result<(), MathError> {
        if self.take(symbol) {
            return Ok(());
        }
        match self.tokens.get(self.at) {
            Some((at, token)) => Err(unexpected(&spelled(token), *at)),
            None => Err(MathError::new(format!("Expected '{symbol}' at the end of the expression"))),
        }
    }
}

fn spelled(token: &Token) -> String {
    match token {
        Token::Number(value) => value.to_string(),
        Token::Text(text) => text.clone(),
        Token::Word(word) => word.clone(),
        Token::Symbol(symbol) => (*symbol).to_owned(),
    }
}
