//! Reads queries: a sequence of clauses, none of which nests.

use super::lexer::{Token, tokens};
use super::{Aggregate, Condition, InsightsQuery, Key, Operand, Order, QUERY_MAX};
use crate::text::{QueryError, Span};

/// LIMIT's largest value.
const LIMIT_MAX: usize = 500;

/// Words that need double quotes where a name is meant.
const RESERVED: [&str; 24] = [
    "AND", "AS", "ASC", "AVG", "BETWEEN", "BY", "COUNT", "DESC", "FROM", "GROUP", "HAVING", "IN", "IS",
    "LIKE", "LIMIT", "MAX", "MIN", "NOT", "NULL", "OR", "ORDER", "SCHEMA", "SELECT", "WHERE",
];

pub(super) fn parse(text: &str) -> Result<InsightsQuery, QueryError> {
    if text.chars().count() > QUERY_MAX {
        let span = Span::new(0, text.len());
        return Err(QueryError::at(text, span, format!("The query is longer than {QUERY_MAX} characters")));
    }
    Parser { text, tokens: tokens(text)?, at: 0 }.query()
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<(Span, Token)>,
    at: usize,
}

impl Parser<'_> {
    fn query(mut self) -> Result<InsightsQuery, QueryError> {
        self.keyword("SELECT")?;
        let function = self.function()?;
        self.symbol("(")?;
        let metric = self.name("the name of a metric")?;
        self.symbol(")")?;
        self.keyword("FROM")?;
        let (namespace, schema) = self.source()?;
        let mut query = InsightsQuery {
            function,
            metric,
            namespace,
            schema,
            conditions: Vec::new(),
            group_by: Vec::new(),
            order_by: None,
            limit: None,
        };
        if self.take_keyword("WHERE") {
            query.conditions.push(self.condition()?);
            while self.take_keyword("AND") {
                query.conditions.push(self.condition()?);
            }
        }
        if self.take_keyword("GROUP") {
            self.keyword("BY")?;
            query.group_by.push(self.key()?);
            while self.take_symbol(",") {
                query.group_by.push(self.key()?);
            }
        }
        if self.take_keyword("ORDER") {
            self.keyword("BY")?;
            let function = self.function()?;
            self.symbol("(")?;
            self.symbol(")")?;
            let descending = self.take_keyword("DESC");
            if !descending {
                self.take_keyword("ASC");
            }
            query.order_by = Some(Order { function, descending });
        }
        if self.take_keyword("LIMIT") {
            query.limit = Some(self.limit()?);
        }
        if self.at < self.tokens.len() { Err(self.unexpected("the end of the query")) } else { Ok(query) }
    }

    /// `namespace`, `SCHEMA(namespace)` or `SCHEMA(namespace, dimension, …)`.
    fn source(&mut self) -> Result<(String, Option<Vec<String>>), QueryError> {
        if !self.take_keyword("SCHEMA") {
            return Ok((self.name("a namespace")?, None));
        }
        self.symbol("(")?;
        let namespace = self.name("a namespace")?;
        let mut dimensions = Vec::new();
        while self.take_symbol(",") {
            dimensions.push(self.name("the name of a dimension")?);
        }
        self.symbol(")")?;
        dimensions.sort();
        dimensions.dedup();
        Ok((namespace, Some(dimensions)))
    }

    fn condition(&mut self) -> Result<Condition, QueryError> {
        let key = self.key()?;
        let equal = if self.take_symbol("=") {
            true
        } else if self.take_symbol("!=") {
            false
        } else {
            return Err(self.unexpected("= or !="));
        };
        let value = match self.tokens.get(self.at) {
            Some((_, Token::Text(text))) => {
                let text = text.clone();
                self.at += 1;
                Operand::Text(text)
            }
            Some((_, Token::Word(word)))
                if key == Key::Account && word.eq_ignore_ascii_case("CURRENT_ACCOUNT_ID") =>
            {
                self.at += 1;
                self.symbol("(")?;
                self.symbol(")")?;
                Operand::CurrentAccount
            }
            _ => return Err(self.unexpected("a value in single quotes")),
        };
        Ok(Condition { key, equal, value })
    }

    fn key(&mut self) -> Result<Key, QueryError> {
        let prefix = match (self.tokens.get(self.at), self.tokens.get(self.at + 1)) {
            (Some((_, Token::Word(word))), Some((_, Token::Symbol(".")))) => word.clone(),
            _ => return Ok(Key::Dimension(self.name("the name of a dimension")?)),
        };
        if prefix.eq_ignore_ascii_case("tag") {
            self.at += 2;
            return Ok(Key::Tag(self.name("the key of a tag")?));
        }
        if prefix == "AWS" {
            self.at += 2;
            if matches!(self.tokens.get(self.at), Some((_, Token::Word(word))) if word == "AccountId") {
                self.at += 1;
                return Ok(Key::Account);
            }
        }
        Err(self.unexpected("AWS.AccountId, tag. or the name of a dimension"))
    }

    fn limit(&mut self) -> Result<usize, QueryError> {
        let limit = match self.tokens.get(self.at) {
            Some((_, Token::Word(word))) => word.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit)),
            _ => None,
        };
        let limit = limit.ok_or_else(|| self.unexpected("a number from 1 to 500"))?;
        self.at += 1;
        Ok(limit)
    }

    fn function(&mut self) -> Result<Aggregate, QueryError> {
        let function = match self.tokens.get(self.at) {
            Some((_, Token::Word(word))) => match word.to_ascii_uppercase().as_str() {
                "AVG" => Some(Aggregate::Avg),
                "COUNT" => Some(Aggregate::Count),
                "MAX" => Some(Aggregate::Max),
                "MIN" => Some(Aggregate::Min),
                "SUM" => Some(Aggregate::Sum),
                _ => None,
            },
            _ => None,
        };
        let function = function.ok_or_else(|| self.unexpected("AVG, COUNT, MAX, MIN or SUM"))?;
        self.at += 1;
        Ok(function)
    }

    fn name(&mut self, what: &str) -> Result<String, QueryError> {
        let name = match self.tokens.get(self.at) {
            Some((_, Token::Quoted(name))) if !name.is_empty() => name.clone(),
            Some((_, Token::Word(word)))
                if !RESERVED.contains(&word.to_ascii_uppercase().as_str())
                    && !word.starts_with(|c: char| c.is_ascii_digit()) =>
            {
                word.clone()
            }
            _ => return Err(self.unexpected(what)),
        };
        self.at += 1;
        Ok(name)
    }

    fn take_keyword(&mut self, wanted: &str) -> bool {
        let is = |token: &Token| matches!(token, Token::Word(word) if word.eq_ignore_ascii_case(wanted));
        let found = self.tokens.get(self.at).is_some_and(|(_, token)| is(token));
        self.at += usize::from(found);
        found
    }

    fn keyword(&mut self, wanted: &str) -> Result<(), QueryError> {
        if self.take_keyword(wanted) { Ok(()) } else { Err(self.unexpected(wanted)) }
    }

    fn take_symbol(&mut self, wanted: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some((_, Token::Symbol(s))) if *s == wanted);
        self.at += usize::from(found);
        found
    }

    fn symbol(&mut self, wanted: &str) -> Result<(), QueryError> {
        if self.take_symbol(wanted) { Ok(()) } else { Err(self.unexpected(wanted)) }
    }

    fn unexpected(&self, wanted: &str) -> QueryError {
        match self.tokens.get(self.at) {
            Some((span, _)) => {
                let found = self.text.get(span.start..span.end).unwrap_or_default();
                QueryError::at(self.text, *span, format!("Expected {wanted} but found {found}"))
            }
            None => {
                let end = Span::new(self.text.len(), self.text.len());
                QueryError::at(self.text, end, format!("Expected {wanted} but the query ends"))
            }
        }
    }
}
