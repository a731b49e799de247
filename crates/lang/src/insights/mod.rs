//! CloudWatch Logs Insights QL: one file per command with its syntax, its step in the plan and its tests.
//!
//! Text → [`Parser`] → spanned commands → [`Planner`] → [`Pipeline`]. What the language has and we do not
//! is refused by name and place, never ignored.

mod dedup;
mod display;
mod expression;
mod fields;
mod filter;
mod functions;
mod limit;
mod parse;
mod parser;
mod planner;
mod sort;
mod stats;
#[cfg(test)]
mod tests;

use crate::plan::Pipeline;
use crate::text::{QueryError, Span, Symbol, Token};
use parser::Parser;
use planner::Planner;

/// Longest query text, in characters (`StartQuery`'s model).
pub const QUERY_CHARACTERS_MAX: usize = 10_000;

/// Commands of the language that this server does not have.
const UNSUPPORTED: &[&str] = &[
    "accum",
    "addtotals",
    "anomaly",
    "appendcols",
    "autoregress",
    "cidrlookup",
    "count_frequent",
    "countfrequent",
    "diff",
    "estimate",
    "expand",
    "filldown",
    "fillmissing",
    "filterindex",
    "join",
    "json",
    "logcompare",
    "lookup",
    "outlier",
    "pattern",
    "relevantfields",
    "sessionize",
    "source",
    "tail",
    "unmask",
    "unnest",
];

/// Compiles a query text. Errors name the place in characters of the text.
pub fn compile(text: &str) -> Result<Pipeline, QueryError> {
    if text.chars().count() > QUERY_CHARACTERS_MAX {
        let end = text.char_indices().nth(QUERY_CHARACTERS_MAX).map_or(text.len(), |(at, _)| at);
        let message = format!("query is longer than {QUERY_CHARACTERS_MAX} characters");
        return Err(QueryError::at(text, Span::new(end, text.len()), message));
    }
    let mut parser = Parser::new(text);
    let mut planner = Planner::new(text);
    if parser.peek()?.0 == Token::Symbol(Symbol::Pipe) {
        parser.next()?;
    } else if parser.peek()?.0 == Token::End {
        return planner.finish();
    }
    loop {
        let (command, keyword) = command(&mut parser)?;
        planner.begin(keyword);
        command.plan(&mut planner)?;
        match parser.peek()?.0 {
            Token::End => return planner.finish(),
            Token::Symbol(Symbol::Pipe) => parser.next()?,
            _ => return Err(parser.unexpected()?),
        };
    }
}

/// A command as it was written.
enum Command {
    Fields(fields::Fields),
    Display(display::Display),
    Filter(filter::Filter),
    Stats(stats::Stats),
    Sort(sort::Sort),
    Limit(limit::Limit),
    Parse(parse::Parse),
    Dedup(dedup::Dedup),
}

impl Command {
    fn plan(self, planner: &mut Planner<'_>) -> Result<(), QueryError> {
        match self {
            Self::Fields(command) => command.plan(planner),
            Self::Display(command) => command.plan(planner),
            Self::Filter(command) => command.plan(planner),
            Self::Stats(command) => command.plan(planner),
            Self::Sort(command) => command.plan(planner),
            Self::Limit(command) => command.plan(planner),
            Self::Parse(command) => command.plan(planner),
            Self::Dedup(command) => command.plan(planner),
        }
    }
}

/// A command and its keyword.
fn command(parser: &mut Parser<'_>) -> Result<(Command, Span), QueryError> {
    let (name, keyword) = match parser.peek()? {
        (Token::Word { text, quoted: false }, span) => (text.to_ascii_lowercase(), *span),
        _ => return Err(parser.unexpected()?),
    };
    if UNSUPPORTED.contains(&name.as_str()) {
        return Err(parser.error(keyword, format!("the command '{name}' is not supported")));
    }
    let known = matches!(
        name.as_str(),
        "fields" | "display" | "filter" | "where" | "stats" | "sort" | "limit" | "head" | "parse" | "dedup"
    );
    if !known {
        return Err(parser.unexpected()?);
    }
    parser.next()?;
    let command = match name.as_str() {
        "fields" => Command::Fields(fields::Fields::read(parser)?),
        "display" => Command::Display(display::Display::read(parser)?),
        "filter" | "where" => Command::Filter(filter::Filter::read(parser)?),
        "stats" => Command::Stats(stats::Stats::read(parser)?),
        "sort" => Command::Sort(sort::Sort::read(parser)?),
        "parse" => Command::Parse(parse::Parse::read(parser)?),
        "dedup" => Command::Dedup(dedup::Dedup::read(parser)?),
        // `head n` is the former name of `limit n`.
        _ => Command::Limit(limit::Limit::read(parser)?),
    };
    Ok((command, keyword))
}
