//! CloudWatch Logs Insights QL: one file per command with its syntax, its step in the plan and its tests.
//!
//! Text → [`Parser`] → spanned commands → [`Planner`] → [`Pipeline`]. What the language has and we do not
//! is refused by name and place, never ignored.

mod count_frequent;
mod dedup;
mod display;
mod explode;
pub(crate) mod expression;
mod fields;
mod fill_missing;
mod filter;
mod filter_index;
pub(crate) mod functions;
mod join;
mod json;
mod limit;
mod lookup;
mod outlier;
pub(crate) mod parse;
pub(crate) mod parser;
mod pattern;
pub(crate) mod planner;
mod relevant;
mod running;
mod sessionize;
mod sort;
mod source;
pub(crate) mod stats;
#[cfg(test)]
mod tests;
mod totals;

use crate::plan::Pipeline;
use crate::text::{QueryError, Span, Symbol, Token};
use parser::Parser;
use planner::Planner;

/// Longest query text, in characters (`StartQuery`'s model).
pub const QUERY_CHARACTERS_MAX: usize = 10_000;

/// Compiles a query text. Errors name the place in characters of the text.
pub fn compile(text: &str) -> Result<Pipeline, QueryError> {
    if text.chars().count() > QUERY_CHARACTERS_MAX {
        let end = text.char_indices().nth(QUERY_CHARACTERS_MAX).map_or(text.len(), |(at, _)| at);
        let message = format!("query is longer than {QUERY_CHARACTERS_MAX} characters");
        return Err(QueryError::at(text, Span::new(end, text.len()), message));
    }
    query(&mut Parser::new(text), Token::End)
}

/// A query up to what ends it, which is left to be read.
fn query(parser: &mut Parser<'_>, end: Token) -> Result<Pipeline, QueryError> {
    let mut planner = Planner::new(parser.text());
    if parser.peek()?.0 == end {
        return planner.finish();
    }
    let from = source::source(parser)?;
    if from.is_some() {
        planner.source = from;
        if parser.peek()?.0 == end {
            return planner.finish();
        }
        parser.expect(Symbol::Pipe)?;
    } else {
        parser.symbol(Symbol::Pipe)?;
    }
    loop {
        command(parser, &mut planner)?;
        let next = &parser.peek()?.0;
        if *next == end {
            return planner.finish();
        }
        parser.expect(Symbol::Pipe)?;
    }
}

/// Reads a command and adds it to the plan.
fn command(parser: &mut Parser<'_>, planner: &mut Planner<'_>) -> Result<(), QueryError> {
    let (name, keyword) = match parser.peek()? {
        (Token::Word { text, quoted: false }, span) => (text.to_ascii_lowercase(), *span),
        _ => return Err(parser.unexpected()?),
    };
    if name == "source" {
        return Err(parser.error(keyword, "SOURCE must be the first command"));
    }
    if !COMMANDS.contains(&name.as_str()) {
        return Err(parser.unexpected()?);
    }
    planner.begin(keyword)?;
    parser.next()?;
    match name.as_str() {
        "fields" => fields::Fields::read(parser)?.plan(planner),
        "display" => display::Display::read(parser)?.plan(planner),
        "unmask" => display::Display::read_unmask(parser)?.plan(planner),
        "filter" | "where" => filter::Filter::read(parser)?.plan(planner),
        "filterindex" => filter_index::FilterIndex::read(parser)?.plan(planner),
        "stats" => stats::Stats::read(parser)?.plan(planner),
        "sort" => sort::Sort::read(parser)?.plan(planner),
        "parse" => parse::Parse::read(parser)?.plan(planner),
        "json" => json::Json::read(parser)?.plan(planner),
        "dedup" => dedup::Dedup::read(parser)?.plan(planner),
        "pattern" => pattern::Pattern::read(parser)?.plan(planner),
        "diff" => pattern::Diff::read(parser)?.plan(planner),
        "logcompare" => pattern::LogCompare::read(parser)?.plan(planner),
        "anomaly" => pattern::anomaly(planner),
        "unnest" => explode::Unnest::read(parser)?.plan(planner),
        "expand" => explode::Expand::read(parser)?.plan(planner),
        "lookup" => lookup::Lookup::read(parser)?.plan(planner),
        "cidrlookup" => lookup::Lookup::read_cidr(parser)?.plan(planner),
        "join" => join::Join::read(parser)?.plan(planner),
        "appendcols" => join::AppendCols::read(parser)?.plan(planner),
        "addtotals" => totals::AddTotals::read(parser)?.plan(planner),
        "accum" => running::Accum::read(parser)?.plan(planner),
        "autoregress" => running::AutoRegress::read(parser)?.plan(planner),
        "filldown" => running::FillDown::read(parser)?.plan(planner),
        "fillmissing" => fill_missing::FillMissing::read(parser)?.plan(planner),
        "outlier" => outlier::Outlier::read(parser)?.plan(planner),
        "sessionize" => sessionize::Sessionize::read(parser)?.plan(planner),
        "countfrequent" | "count_frequent" => count_frequent::CountFrequent::read(parser)?.plan(planner),
        "relevantfields" => relevant::RelevantFields::read(parser)?.plan(planner),
        "estimate" => planner.estimate(),
        // `head n` is the former name of `limit n`.
        _ => limit::Limit::read(parser)?.plan(planner),
    }
}

const COMMANDS: &[&str] = &[
    "accum",
    "addtotals",
    "anomaly",
    "appendcols",
    "autoregress",
    "cidrlookup",
    "count_frequent",
    "countfrequent",
    "dedup",
    "diff",
    "display",
    "estimate",
    "expand",
    "fields",
    "filldown",
    "fillmissing",
    "filter",
    "filterindex",
    "head",
    "join",
    "json",
    "limit",
    "logcompare",
    "lookup",
    "outlier",
    "parse",
    "pattern",
    "relevantfields",
    "sessionize",
    "sort",
    "stats",
    "unmask",
    "unnest",
    "where",
];
