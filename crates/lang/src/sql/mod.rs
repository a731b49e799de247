//! SQL over log groups (CWL_AnalyzeLogData_SQL): one `SELECT` over groups with conditions, groups, order and
//! limit, as stages of a [`Pipeline`]. Joins, subqueries, common table expressions, windows and set operations
//! are refused by name.

use crate::insights::QUERY_CHARACTERS_MAX;
use crate::insights::expression::{Item, Kind, Node, expression, items};
use crate::insights::functions::is_aggregate;
use crate::insights::parser::Parser;
use crate::insights::planner::Planner;
use crate::insights::stats::Stats;
use crate::plan::{Expr, Pipeline, SortKey, Source, Stage};
use crate::ppl::rewrite;
use crate::text::{QueryError, Span, Symbol, Token};

/// What may stand in SQL and has no meaning here.
const UNSUPPORTED: &[&str] = &[
    "with",
    "join",
    "inner",
    "left",
    "right",
    "full",
    "cross",
    "natural",
    "union",
    "intersect",
    "except",
    "over",
    "window",
    "offset",
    "lateral",
    "qualify",
    "pivot",
    "values",
    "insert",
    "update",
    "delete",
    "create",
    "drop",
];

/// Compiles a query text. Errors name the place in characters of the text.
pub fn compile(text: &str) -> Result<Pipeline, QueryError> {
    if text.chars().count() > QUERY_CHARACTERS_MAX {
        let end = text.char_indices().nth(QUERY_CHARACTERS_MAX).map_or(text.len(), |(at, _)| at);
        let message = format!("query is longer than {QUERY_CHARACTERS_MAX} characters");
        return Err(QueryError::at(text, Span::new(end, text.len()), message));
    }
    let mut parser = Parser::new(text);
    parser.ppl = true;
    let select = Select::read(&mut parser)?;
    match parser.peek()?.0 {
        Token::End => {}
        _ => return Err(refuse(&mut parser)?),
    }
    select.plan(Planner::new(text))
}

/// The error for a next word that fits nowhere: by name if SQL has it.
fn refuse(parser: &mut Parser<'_>) -> Result<QueryError, QueryError> {
    let (token, span) = parser.peek()?.clone();
    if let Token::Word { text, quoted: false } = &token
        && UNSUPPORTED.contains(&text.to_ascii_lowercase().as_str())
    {
        return Ok(parser.error(span, format!("'{text}' is not supported in SQL queries")));
    }
    parser.unexpected()
}

struct Select {
    distinct: bool,
    /// `None` for `*`.
    items: Option<Vec<Item>>,
    source: Option<Source>,
    alias: Option<String>,
    condition: Option<Node>,
    groups: Vec<Item>,
    having: Option<Node>,
    order: Vec<(Node, bool)>,
    limit: Option<u64>,
}

impl Select {
    fn read(parser: &mut Parser<'_>) -> Result<Self, QueryError> {
        if !parser.keyword("select")? {
            return Err(refuse(parser)?);
        }
        let distinct = parser.keyword("distinct")?;
        let items = match parser.symbol(Symbol::Star)? {
            true => None,
            false => Some(items(parser)?),
        };
        let (source, alias) = match parser.keyword("from")? {
            true => from(parser)?,
            false => (None, None),
        };
        let condition = if parser.keyword("where")? { Some(expression(parser)?) } else { None };
        let mut select = Self {
            distinct,
            items,
            source,
            alias,
            condition,
            groups: Vec::new(),
            having: None,
            order: Vec::new(),
            limit: None,
        };
        if parser.keyword("group")? {
            by(parser)?;
            select.groups = self::items(parser)?;
        }
        if parser.keyword("having")? {
            select.having = Some(expression(parser)?);
        }
        if parser.keyword("order")? {
            by(parser)?;
            loop {
                let key = expression(parser)?;
                let descending = parser.keyword("desc")?;
                parser.keyword("asc")?;
                select.order.push((key, descending));
                if !parser.symbol(Symbol::Comma)? {
                    break;
                }
            }
        }
        if parser.keyword("limit")? {
            select.limit = Some(parser.integer(1, 10_000)?);
        }
        Ok(select)
    }

    fn nodes(&mut self) -> impl Iterator<Item = &mut Node> {
        let items = self.items.iter_mut().flatten().chain(&mut self.groups).map(|item| &mut item.node);
        let conditions = self.condition.iter_mut().chain(&mut self.having);
        items.chain(conditions).chain(self.order.iter_mut().map(|(node, _)| node))
    }

    fn plan(mut self, mut planner: Planner<'_>) -> Result<Pipeline, QueryError> {
        let alias = self.alias.take();
        for node in self.nodes() {
            if let Some(alias) = &alias {
                unqualify(node, &format!("{alias}."));
            }
            rewrite(node);
        }
        if let Some(alias) = &alias {
            let under = format!("{alias}.");
            for item in self.items.iter_mut().flatten().chain(&mut self.groups) {
                if item.alias.is_none() && matches!(item.node.kind, Kind::Path(_)) {
                    item.name = item.name.strip_prefix(&under).unwrap_or(&item.name).to_owned();
                }
            }
        }
        planner.source = self.source.take();
        if let Some(condition) = &self.condition {
            let condition = planner.expr(condition)?;
            planner.push(Stage::Filter(condition))?;
        }
        let aggregated = self.items.iter().flatten().any(|item| has_aggregate(&item.node));
        let columns = match (self.items.take(), aggregated || self.distinct || !self.groups.is_empty()) {
            (Some(items), true) => self.group(items, &mut planner)?,
            (Some(items), false) => {
                let names = planner.extend(items)?;
                planner.display(names.clone());
                names
            }
            (None, true) => {
                let all = planner.error(planner.keyword, "SELECT * cannot be grouped");
                return Err(all);
            }
            (None, false) => Vec::new(),
        };
        if let Some(having) = &self.having {
            if columns.is_empty() || !planner.is_defined() {
                return Err(planner.error(having.span, "HAVING needs GROUP BY"));
            }
            let condition = planner.expr(having)?;
            planner.push(Stage::Filter(condition))?;
        }
        if !self.order.is_empty() {
            let keys = self.order.iter().map(|(key, descending)| {
                planner.no_structure(key, "ORDER BY")?;
                Ok(SortKey {
                    expr: position(key, &columns).map_or_else(|| planner.expr(key), Ok)?,
                    descending: *descending,
                })
            });
            let keys = keys.collect::<Result<_, QueryError>>()?;
            planner.push(Stage::Sort(keys))?;
        }
        if let Some(count) = self.limit {
            planner.push(Stage::Limit { count, any: false })?;
        }
        planner.finish()
    }

    /// Groups, aggregates, and the columns in the order in which they were asked for.
    fn group(&mut self, items: Vec<Item>, planner: &mut Planner<'_>) -> Result<Vec<String>, QueryError> {
        let names: Vec<String> = items.iter().map(|item| item.name.clone()).collect();
        let (aggregates, keys): (Vec<Item>, Vec<Item>) =
            items.into_iter().partition(|item| has_aggregate(&item.node));
        let mut by = std::mem::take(&mut self.groups);
        if self.distinct && by.is_empty() && aggregates.is_empty() {
            by = keys;
        } else {
            for key in keys {
                // A key of the groups may be named by its alias, its text or both.
                let group = by.iter_mut().find(|group| {
                    group.name == key.name || planner.source(group.node.span) == planner.source(key.node.span)
                });
                match group {
                    Some(group) => *group = key,
                    None => {
                        let message = format!(
                            "the column '{}' must stand in GROUP BY or in an aggregate function",
                            key.name
                        );
                        return Err(planner.error(key.node.span, message));
                    }
                }
            }
        }
        Stats::of(aggregates, by).plan(planner)?;
        planner.display(names.clone());
        Ok(names)
    }
}

fn by(parser: &mut Parser<'_>) -> Result<(), QueryError> {
    if parser.keyword("by")? { Ok(()) } else { Err(parser.unexpected()?) }
}

/// `ORDER BY 2`: a column by its place.
fn position(key: &Node, columns: &[String]) -> Option<Expr> {
    let Kind::Literal(crate::plan::Value::Number(number)) = key.kind else { return None };
    columns.get((number as usize).checked_sub(1)?).map(|name| Expr::Field(name.clone()))
}

fn has_aggregate(node: &Node) -> bool {
    match &node.kind {
        Kind::Call { name, arguments, .. } => is_aggregate(name) || arguments.iter().any(has_aggregate),
        Kind::Binary(_, left, right) | Kind::Like(left, right) => has_aggregate(left) || has_aggregate(right),
        Kind::Chain(_, terms) => terms.iter().any(has_aggregate),
        Kind::Not(inner) | Kind::Negate(inner) | Kind::Matches(inner, _) => has_aggregate(inner),
        Kind::In { value, .. } | Kind::InQuery { value, .. } => has_aggregate(value),
        Kind::Literal(_) | Kind::Path(_) | Kind::Star | Kind::Period(_) => false,
    }
}

/// Takes the name of the table off paths.
fn unqualify(node: &mut Node, under: &str) {
    match &mut node.kind {
        Kind::Path(path) => {
            if let Some(rest) = path.strip_prefix(under) {
                *path = rest.to_owned();
            }
        }
        Kind::Binary(_, left, right) | Kind::Like(left, right) => {
            unqualify(left, under);
            unqualify(right, under);
        }
        Kind::Chain(_, terms) => terms.iter_mut().for_each(|term| unqualify(term, under)),
        Kind::Call { arguments, .. } => arguments.iter_mut().for_each(|argument| unqualify(argument, under)),
        Kind::Not(inner) | Kind::Negate(inner) | Kind::Matches(inner, _) => unqualify(inner, under),
        Kind::In { value, .. } | Kind::InQuery { value, .. } => unqualify(value, under),
        Kind::Literal(_) | Kind::Star | Kind::Period(_) => {}
    }
}

/// A group's name, or ``logGroups(logGroupIdentifier: ['A', 'B'])`` in backticks; then perhaps an alias.
fn from(parser: &mut Parser<'_>) -> Result<(Option<Source>, Option<String>), QueryError> {
    let (token, span) = parser.peek()?.clone();
    let text = match token {
        Token::Word { text, .. } | Token::String(text) => text,
        Token::Symbol(Symbol::OpenParen) => {
            return Err(parser.error(span, "subqueries are not supported in SQL queries"));
        }
        _ => return Err(parser.unexpected()?),
    };
    parser.next()?;
    let names = match text.split_once('(') {
        Some((function, arguments)) if function.trim().eq_ignore_ascii_case("loggroups") => {
            let names: Vec<String> =
                arguments.split(['\'', '"']).skip(1).step_by(2).map(str::to_owned).collect();
            if names.is_empty() {
                return Err(parser.error(span, "logGroups names no log group"));
            }
            names
        }
        Some((function, _)) if matches!(function.trim(), "filterIndex" | "dataSource") => {
            return Err(parser.error(span, format!("{} is not supported in SQL queries", function.trim())));
        }
        _ => vec![text],
    };
    if parser.peek()?.0 == Token::Symbol(Symbol::Comma) {
        let at = parser.peek()?.1;
        return Err(parser.error(at, "joins are not supported in SQL queries"));
    }
    let mut alias = None;
    if parser.keyword("as")? {
        alias = Some(parser.name()?.0);
    } else if let Token::Word { text, .. } = &parser.peek()?.0 {
        let lower = text.to_ascii_lowercase();
        let clause = matches!(lower.as_str(), "where" | "group" | "having" | "order" | "limit");
        if !clause && !UNSUPPORTED.contains(&lower.as_str()) {
            alias = Some(parser.name()?.0);
        }
    }
    let place = parser.error(span, "");
    let source = Source {
        names,
        groups: None,
        data_sources: Vec::new(),
        start: None,
        end: None,
        place: (place.start, place.end),
    };
    Ok((Some(source), alias))
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
            Err(error) => error.message,
        }
    }

    #[test]
    fn rows() {
        assert_eq!(
            plan(
                "SELECT `@timestamp`, t.a AS b FROM `/app/w` AS t WHERE t.a <> 1 AND c IS NOT NULL ORDER BY b DESC LIMIT 5"
            ),
            "source [\"/app/w\"]\nfilter (and (!= a 1) (not (not (IsPresent c))))\nextend b=a\nsort b desc\nlimit 5\nevents @timestamp, b"
        );
        assert_eq!(plan("SELECT * FROM `g`"), "source [\"g\"]\nevents @timestamp, @message");
        assert!(
            plan("SELECT a FROM `logGroups(logGroupIdentifier: ['A', 'B'])`")
                .starts_with("source [\"A\", \"B\"]\n")
        );
        assert!(
            plan("SELECT CASE WHEN a > 1 THEN 'x' ELSE 'y' END AS k")
                .starts_with("extend k=(Case (> a 1) \"x\" \"y\")\n")
        );
    }

    #[test]
    fn groups() {
        assert_eq!(
            plan("SELECT count(*) AS c, svc, avg(ms) FROM `g` GROUP BY svc HAVING c > 1 ORDER BY 1 DESC"),
            "source [\"g\"]\naggregate c=(count *), `avg(ms)`=(avg ms) by svc\nfilter (> c 1)\nsort c desc\nrows c, svc, `avg(ms)`"
        );
        assert_eq!(plan("SELECT DISTINCT a FROM `g`"), "source [\"g\"]\naggregate  by a\nrows a");
        assert!(plan("SELECT count(DISTINCT u) AS n FROM `g`").contains("n=(count-distinct u)"));
        assert!(
            plan("SELECT upper(a) AS k, count(*) FROM `g` GROUP BY upper(a)").contains(" by k=(ToUpper a)\n")
        );
    }

    #[test]
    fn what_is_not_supported_is_named() {
        assert!(error("SELECT a FROM `g` JOIN `h` ON a = b").contains("'JOIN' is not supported"));
        assert!(error("WITH x AS (SELECT 1) SELECT a").contains("'WITH' is not supported"));
        assert!(error("SELECT a FROM (SELECT b FROM `g`)").contains("subqueries are not supported"));
        assert!(error("SELECT a, count(*) FROM `g`").contains("must stand in GROUP BY"));
        assert!(error("SELECT a FROM `g` HAVING a > 1").contains("HAVING needs GROUP BY"));
        assert!(error("SELECT a FROM `dataSource(['x.y'])`").contains("dataSource is not supported"));
        for text in [
            "",
            "SELECT",
            "SELECT a FROM",
            "SELECT a WHERE",
            "SELECT CASE WHEN",
            "SELECT a ORDER BY",
            "SELECT count(DISTINCT",
        ] {
            let _ = compile(text);
        }
    }
}
