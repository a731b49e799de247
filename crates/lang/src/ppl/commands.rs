//! Commands of PPL as stages.

use super::functions::rewrite;
use crate::insights::expression::{Node, expression, literal};
use crate::insights::parse::plan_regex;
use crate::insights::parser::Parser;
use crate::insights::planner::Planner;
use crate::insights::stats::Stats;
use crate::plan::{Aggregate, Expr, Function, Named, SortKey, Stage};
use crate::text::{QueryError, Symbol, Token};

/// Commands of the language that this server does not have.
const UNSUPPORTED: &[&str] = &[
    "ad",
    "append",
    "appendcol",
    "describe",
    "eventstats",
    "expand",
    "fieldsummary",
    "flatten",
    "grok",
    "join",
    "kmeans",
    "left",
    "lookup",
    "ml",
    "patterns",
    "reverse",
    "right",
    "show",
    "subquery",
    "trendline",
];

const TOP: u64 = 10;

/// Reads a command and adds it to the plan.
pub(super) fn command(parser: &mut Parser<'_>, planner: &mut Planner<'_>) -> Result<(), QueryError> {
    let (name, keyword) = match parser.peek()? {
        (Token::Word { text, quoted: false }, span) => (text.to_ascii_lowercase(), *span),
        _ => return Err(parser.unexpected()?),
    };
    if UNSUPPORTED.contains(&name.as_str()) {
        return Err(parser.error(keyword, format!("the command '{name}' is not supported")));
    }
    planner.begin(keyword)?;
    let next = |parser: &mut Parser<'_>| parser.next().map(|_| ());
    match name.as_str() {
        "fields" => {
            next(parser)?;
            fields(parser, planner)
        }
        "where" => {
            next(parser)?;
            let condition = condition(parser)?;
            let condition = planner.expr(&condition)?;
            planner.push(Stage::Filter(condition))
        }
        "eval" => {
            next(parser)?;
            eval(parser, planner)
        }
        "stats" => {
            next(parser)?;
            let mut stats = Stats::read(parser)?;
            stats.nodes(rewrite);
            stats.plan_aggregates_first(planner)
        }
        "sort" => {
            next(parser)?;
            sort(parser, planner)
        }
        "head" => {
            next(parser)?;
            let count = match parser.peek()?.0 {
                Token::Number(_) => parser.integer(1, 100_000)?,
                _ => TOP,
            };
            if parser.is_keyword("from")? {
                let at = parser.peek()?.1;
                return Err(parser.error(at, "head with 'from' is not supported"));
            }
            planner.push(Stage::Limit { count, any: false })
        }
        "top" | "rare" => {
            next(parser)?;
            frequent(parser, planner, name == "top")
        }
        "dedup" => {
            next(parser)?;
            dedup(parser, planner)
        }
        "rename" => {
            next(parser)?;
            rename(parser, planner)
        }
        "fillnull" => {
            next(parser)?;
            fill(parser, planner)
        }
        "parse" => {
            next(parser)?;
            let (field, span) = parser.name()?;
            let source = planner.field(&field, span)?;
            let (Token::String(pattern), at) = parser.peek()?.clone() else {
                return Err(parser.unexpected()?);
            };
            parser.next()?;
            plan_regex(planner, source, pattern, at)
        }
        _ => Err(parser.unexpected()?),
    }
}

/// An expression; `a between b and c` is two comparisons.
fn condition(parser: &mut Parser<'_>) -> Result<Node, QueryError> {
    let mut node = expression(parser)?;
    rewrite(&mut node);
    Ok(node)
}

fn fields(parser: &mut Parser<'_>, planner: &mut Planner<'_>) -> Result<(), QueryError> {
    if parser.peek()?.0 == Token::Symbol(Symbol::Minus) {
        let at = parser.peek()?.1;
        parser.next()?;
        let names = parser.names()?;
        if !planner.is_defined() {
            return Err(parser.error(at, "fields can leave out columns only after stats"));
        }
        let kept =
            planner.columns().into_iter().filter(|column| !names.iter().any(|(name, _)| name == column));
        planner.display(kept.collect());
        return Ok(());
    }
    parser.symbol(Symbol::Plus)?;
    let names = parser.names()?;
    for (name, span) in &names {
        planner.field(name, *span)?;
    }
    planner.display(names.into_iter().map(|(name, _)| name).collect());
    Ok(())
}

/// Later items see earlier ones.
fn eval(parser: &mut Parser<'_>, planner: &mut Planner<'_>) -> Result<(), QueryError> {
    loop {
        let (name, _) = parser.name()?;
        parser.expect(Symbol::Equal)?;
        let node = condition(parser)?;
        let expr = planner.expr(&node)?;
        planner.push(Stage::Extend(vec![Named::new(name.clone(), expr)]))?;
        planner.show_beside([name]);
        if !parser.symbol(Symbol::Comma)? {
            return Ok(());
        }
    }
}

fn sort(parser: &mut Parser<'_>, planner: &mut Planner<'_>) -> Result<(), QueryError> {
    let mut keys = Vec::new();
    loop {
        let mut descending = parser.symbol(Symbol::Minus)?;
        if !descending {
            parser.symbol(Symbol::Plus)?;
        }
        let (name, span) = parser.name()?;
        descending |= parser.keyword("desc")?;
        parser.keyword("asc")?;
        planner.no_structure_field(&name, span, "sort")?;
        keys.push(SortKey { expr: planner.field(&name, span)?, descending });
        if !parser.symbol(Symbol::Comma)? {
            return planner.push(Stage::Sort(keys));
        }
    }
}

/// `top [n] field, …`, `rare field, …`
fn frequent(parser: &mut Parser<'_>, planner: &mut Planner<'_>, most: bool) -> Result<(), QueryError> {
    let count = match parser.peek()?.0 {
        Token::Number(_) => parser.integer(1, 10_000)?,
        _ => TOP,
    };
    let fields = parser.names()?;
    if parser.is_keyword("by")? {
        let at = parser.peek()?.1;
        return Err(parser.error(at, "top and rare with 'by' are not supported"));
    }
    let mut names: Vec<String> = Vec::new();
    let mut by = Vec::with_capacity(fields.len());
    for (name, span) in fields {
        by.push(Named::new(name.clone(), planner.field(&name, span)?));
        names.push(name);
    }
    names.push("count".to_owned());
    let aggregates = vec![Named::new("count", Expr::Aggregate(Aggregate::Count(None)))];
    planner.push(Stage::Aggregate { by, aggregates })?;
    planner.redefine(names);
    planner.push(Stage::Sort(vec![SortKey { expr: Expr::Field("count".to_owned()), descending: most }]))?;
    planner.push(Stage::Limit { count, any: false })
}

fn present(field: Expr) -> Expr {
    Expr::Call { function: Function::IsPresent, arguments: vec![field] }
}

/// Rows with a missing key are dropped.
fn dedup(parser: &mut Parser<'_>, planner: &mut Planner<'_>) -> Result<(), QueryError> {
    if let (Token::Number(count), at) = *parser.peek()? {
        parser.next()?;
        if count != 1.0 {
            return Err(parser.error(at, "dedup keeps one row of each here"));
        }
    }
    let names = parser.names()?;
    let keys = names.iter().map(|(name, span)| planner.field(name, *span)).collect::<Result<Vec<_>, _>>()?;
    for key in &keys {
        planner.push(Stage::Filter(present(key.clone())))?;
    }
    planner.push_dedup(keys)
}

fn rename(parser: &mut Parser<'_>, planner: &mut Planner<'_>) -> Result<(), QueryError> {
    let mut renamed = Vec::new();
    loop {
        let (old, span) = parser.name()?;
        if !parser.keyword("as")? {
            return Err(parser.unexpected()?);
        }
        let (new, _) = parser.name()?;
        renamed.push((old.clone(), Named::new(new, planner.field(&old, span)?)));
        if !parser.symbol(Symbol::Comma)? {
            break;
        }
    }
    let items = renamed.iter().map(|(_, item)| item.clone()).collect();
    planner.push(Stage::Extend(items))?;
    for (old, item) in renamed {
        planner.rename(&old, &item.name);
    }
    Ok(())
}

/// `fillnull with value in field, …`, `fillnull using field = value, …`
fn fill(parser: &mut Parser<'_>, planner: &mut Planner<'_>) -> Result<(), QueryError> {
    let mut filled: Vec<Named> = Vec::new();
    let coalesce =
        |field: Expr, value: Expr| Expr::Call { function: Function::Coalesce, arguments: vec![field, value] };
    if parser.keyword("with")? {
        let value = match parser.peek()?.0 {
            Token::Word { .. } => {
                let (name, span) = parser.name()?;
                planner.field(&name, span)?
            }
            _ => Expr::Literal(literal(parser)?),
        };
        if !parser.keyword("in")? {
            return Err(parser.unexpected()?);
        }
        for (name, span) in parser.names()? {
            filled.push(Named::new(name.clone(), coalesce(planner.field(&name, span)?, value.clone())));
        }
    } else if parser.keyword("using")? {
        loop {
            let (name, span) = parser.name()?;
            parser.expect(Symbol::Equal)?;
            let value = planner.expr(&condition(parser)?)?;
            filled.push(Named::new(name.clone(), coalesce(planner.field(&name, span)?, value)));
            if !parser.symbol(Symbol::Comma)? {
                break;
            }
        }
    } else {
        return Err(parser.unexpected()?);
    }
    planner.push(Stage::Extend(filled))
}
