//! OpenSearch's Piped Processing Language as CloudWatch Logs takes it (CWL_AnalyzeLogData_PPL): commands and
//! functions that have a meaning as stages of a [`Pipeline`]. The others are refused by name.

mod commands;
mod functions;
mod source;

pub(crate) use functions::rewrite;

use crate::insights::QUERY_CHARACTERS_MAX;
use crate::insights::parser::Parser;
use crate::insights::planner::Planner;
use crate::plan::Pipeline;
use crate::text::{QueryError, Span, Symbol, Token};

/// Compiles a query text. Errors name the place in characters of the text.
pub fn compile(text: &str) -> Result<Pipeline, QueryError> {
    if text.chars().count() > QUERY_CHARACTERS_MAX {
        let end = text.char_indices().nth(QUERY_CHARACTERS_MAX).map_or(text.len(), |(at, _)| at);
        let message = format!("query is longer than {QUERY_CHARACTERS_MAX} characters");
        return Err(QueryError::at(text, Span::new(end, text.len()), message));
    }
    let mut parser = Parser::new(text);
    let mut planner = Planner::new(text);
    parser.ppl = true;
    parser.keyword("search")?;
    planner.source = source::source(&mut parser)?;
    let mut first = planner.source.is_none();
    if first {
        parser.symbol(Symbol::Pipe)?;
    }
    loop {
        if parser.peek()?.0 == Token::End {
            return planner.finish();
        }
        if !first {
            parser.expect(Symbol::Pipe)?;
        }
        first = false;
        commands::command(&mut parser, &mut planner)?;
    }
}

#[cfg(test)]
mod tests {
    use super::compile;

    fn plan(text: &str) -> String {
        compile(text).unwrap_or_else(|error| panic!("{text}: {error}")).to_string()
    }

    fn error(text: &str) -> String {
        match compile(text) {
            Ok(pipeline) => panic!("{text} compiled to {pipeline}"),
            Err(error) => format!("{}..{} {}", error.start, error.end, error.message),
        }
    }

    #[test]
    fn sources() {
        assert_eq!(
            plan("source = [lg:`/aws/lambda/f`, lg:`b`] | fields a"),
            "source [\"/aws/lambda/f\", \"b\"]\nevents a"
        );
        assert_eq!(plan("fields @timestamp, a | head 5"), "limit 5\nevents @timestamp, a");
        assert!(error("source = [ds:`x.y`] | fields a").contains("data sources are not supported"));
    }

    #[test]
    fn rows() {
        assert_eq!(
            plan("where a = 1 and upper(b) like '%X_' | eval c = length(b) + 1, d = c * 2 | fields c, d"),
            "filter (and (= a 1) (like (ToUpper b) /(?s)^.*X.$/))\nextend c=(+ (StringLength b) 1)\nextend d=(* c 2)\nevents c, d"
        );
        assert_eq!(plan("sort - a, + b | head 3 | fields a").lines().next(), Some("sort a desc, b asc"));
        assert_eq!(
            plan("where isnull(a) or b in ('x', 2)").lines().next(),
            Some("filter (or (not (IsPresent a)) (in b [\"x\", 2]))")
        );
        assert_eq!(
            plan("parse @message '(?<n>x)' | fields n"),
            "regex @message /(?<n>x)/ [1] -> n\nevents n"
        );
        assert_eq!(plan("dedup a | fields a"), "filter (IsPresent a)\ndedup a\nevents a");
        assert_eq!(plan("rename a as b | fields b"), "extend b=a\nevents b");
        assert_eq!(
            plan("fillnull with 0 in a, b | fields a").lines().next(),
            Some("extend a=(Coalesce a 0), b=(Coalesce b 0)")
        );
        assert_eq!(
            plan("where cidrmatch(ip, '10.0.0.0/8')").lines().next(),
            Some("filter (IsIpInSubnet(Any) ip \"10.0.0.0/8\")")
        );
        assert_eq!(plan("where a between 1 and 3").lines().next(), Some("filter (and (>= a 1) (<= a 3))"));
    }

    #[test]
    fn groups() {
        assert_eq!(
            plan("stats count() as c, avg(ms) by svc, span(@timestamp, 5m) as t | sort - c"),
            "aggregate c=(count *), `avg(ms)`=(avg ms) by svc, t=(DateFloor 5m @timestamp)\nsort c desc\nrows c, `avg(ms)`, svc, t"
        );
        assert_eq!(
            plan("top 3 a, b"),
            "aggregate count=(count *) by a, b\nsort count desc\nlimit 3\nrows a, b, count"
        );
        assert_eq!(plan("rare a").lines().nth(1), Some("sort count asc"));
    }

    #[test]
    fn what_is_not_supported_is_named() {
        assert_eq!(
            error("fields a | trendline sma(2, a)"),
            "11..20 the command 'trendline' is not supported"
        );
        assert!(error("eval a = json_keys(b)").contains("unknown function 'json_keys'"));
        assert!(
            error("where a in [search source = lg:`x` | fields b]").contains("subqueries are not supported")
        );
        assert!(error("nonsense").contains("unexpected symbol found nonsense"));
        assert!(error("head 3 from 2").contains("'from' is not supported"));
        for text in
            ["", "|", "fields", "where", "stats", "eval a", "sort -", "source = [", "top 0 a", "parse a '('"]
        {
            let _ = compile(text);
        }
    }
}
