//! The pipeline under construction: which fields exist, what is shown, what may still follow.

use super::expression::{Item, Kind, Node};
use super::functions;
use crate::plan::{BinaryOp, Expr, Named, Pipeline, Stage};
use crate::text::{QueryError, Span};

pub(super) struct Planner<'a> {
    text: &'a str,
    /// Keyword of the command being planned.
    pub(super) keyword: Span,
    stages: Vec<Stage>,
    /// After `stats`, the only fields there are; before, any field may be in an event.
    defined: Option<Vec<String>>,
    /// Columns of `fields`, and fields made by `parse`, in order.
    shown: Vec<String>,
    /// Columns of the last `display`.
    displayed: Option<Vec<String>>,
    ordered: bool,
    deduplicated: bool,
    pub(super) stats_count: usize,
}

impl<'a> Planner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            keyword: Span::new(0, 0),
            stages: Vec::new(),
            defined: None,
            shown: Vec::new(),
            displayed: None,
            ordered: false,
            deduplicated: false,
            stats_count: 0,
        }
    }

    /// A command begins with this keyword.
    pub(super) fn begin(&mut self, keyword: Span) {
        self.keyword = keyword;
    }

    pub(super) fn error(&self, span: Span, message: impl Into<String>) -> QueryError {
        QueryError::at(self.text, span, message)
    }

    pub(super) fn source(&self, span: Span) -> &'a str {
        self.text.get(span.start..span.end).unwrap_or_default().trim()
    }

    pub(super) fn unexpected(&self, span: Span) -> QueryError {
        super::parser::unexpected(self.text, span)
    }

    /// Adds a stage. AWS: after `dedup` only `limit` may follow (CWL_QuerySyntax-Dedup).
    pub(super) fn push(&mut self, stage: Stage) -> Result<(), QueryError> {
        if self.deduplicated && !matches!(stage, Stage::Limit { .. }) {
            return Err(self.unexpected(self.keyword));
        }
        match &stage {
            // AWS: `sort` and `limit` must come after the last `stats` (CWL_QuerySyntax-Stats).
            Stage::Aggregate { .. } if self.ordered => return Err(self.unexpected(self.keyword)),
            Stage::Sort(_) | Stage::Limit { .. } => self.ordered = true,
            Stage::Dedup(_) => self.deduplicated = true,
            Stage::Extend(items) => self.define(items.iter().map(|item| &item.name)),
            Stage::Extract(extract) => self.define(extract.fields()),
            _ => {}
        }
        self.stages.push(stage);
        Ok(())
    }

    fn define<'n>(&mut self, names: impl IntoIterator<Item = &'n String>) {
        if let Some(defined) = &mut self.defined {
            for name in names {
                if !defined.contains(name) {
                    defined.push(name.clone());
                }
            }
        }
    }

    /// From here on only these fields exist, and they are the columns.
    pub(super) fn redefine(&mut self, names: Vec<String>) {
        self.defined = Some(names);
        self.shown.clear();
        self.displayed = None;
    }

    pub(super) fn show(&mut self, names: impl IntoIterator<Item = String>) {
        for name in names {
            if !self.shown.contains(&name) {
                self.shown.push(name);
            }
        }
    }

    pub(super) fn display(&mut self, names: Vec<String>) {
        let mut columns = Vec::new();
        for name in names {
            if !columns.contains(&name) {
                columns.push(name);
            }
        }
        self.displayed = Some(columns);
    }

    /// Adds a stage for those items that are not simply a field under its own name; returns all names.
    pub(super) fn extend(&mut self, items: Vec<Item>) -> Result<Vec<String>, QueryError> {
        let mut names = Vec::with_capacity(items.len());
        let mut computed: Vec<Named> = Vec::new();
        for item in items {
            let expr = self.expr(&item.node)?;
            names.push(item.name.clone());
            if expr == Expr::Field(item.name.clone()) {
                continue;
            }
            if let Some((alias, span)) = &item.alias
                && computed.iter().any(|other| other.name == *alias)
            {
                return Err(self.error(*span, format!("the name '{alias}' is given twice")));
            }
            computed.push(Named { name: item.name, expr });
        }
        if !computed.is_empty() || self.deduplicated {
            self.push(Stage::Extend(computed))?;
        }
        Ok(names)
    }

    pub(super) fn finish(self) -> Result<Pipeline, QueryError> {
        let yields_events = self.defined.is_none();
        let mut output = match (self.displayed, self.shown, self.defined) {
            (Some(displayed), ..) => displayed,
            (None, shown, _) if !shown.is_empty() => shown,
            (None, _, Some(defined)) => defined,
            // AWS: without `fields` or `display`, time and message (CWL_QuerySyntax-Display).
            (None, ..) => vec!["@timestamp".to_owned(), "@message".to_owned()],
        };
        if yields_events {
            // Every event row ends with its pointer anyway.
            output.retain(|name| name != "@ptr");
        }
        Ok(Pipeline { stages: self.stages, output, yields_events })
    }

    /// A field by name, if it may exist here.
    pub(super) fn field(&self, name: &str, span: Span) -> Result<Expr, QueryError> {
        match &self.defined {
            Some(defined) if !defined.iter().any(|known| known == name) => {
                Err(self.error(span, format!("the field '{name}' is not defined after stats")))
            }
            _ => Ok(Expr::Field(name.to_owned())),
        }
    }

    /// An expression over one record.
    pub(super) fn expr(&self, node: &Node) -> Result<Expr, QueryError> {
        self.lower(node, None)
    }

    /// An expression that may hold aggregates of expressions over records; outside of them only literals.
    pub(super) fn aggregate_expr(&self, node: &Node) -> Result<Expr, QueryError> {
        let mut found = 0;
        let expr = self.lower(node, Some(&mut found))?;
        match found {
            0 => Err(self.error(node.span, "stats needs an aggregate function here")),
            _ => Ok(expr),
        }
    }

    /// `aggregates` is given where aggregates may stand, and counts them.
    fn lower(&self, node: &Node, mut aggregates: Option<&mut usize>) -> Result<Expr, QueryError> {
        let source = self.source(node.span);
        if let (Some(defined), None, Kind::Call { .. }) = (&self.defined, &aggregates, &node.kind)
            && defined.iter().any(|name| name == source)
        {
            // `sort count(*)` after `stats count(*)` means the column.
            return Ok(Expr::Field(source.to_owned()));
        }
        let outside = aggregates.is_none();
        if matches!(node.kind, Kind::Call { .. }) {
            return self.lower_call(node, aggregates);
        }
        let mut lower = |inner: &Node| self.lower(inner, aggregates.as_deref_mut()).map(Box::new);
        Ok(match &node.kind {
            Kind::Literal(value) => Expr::Literal(value.clone()),
            Kind::Path(name) if outside => self.field(name, node.span)?,
            Kind::Path(name) => {
                return Err(
                    self.error(node.span, format!("the field '{name}' must stand in an aggregate function"))
                );
            }
            Kind::Star | Kind::Period(_) | Kind::Call { .. } => return Err(self.unexpected(node.span)),
            Kind::Binary(op, left, right) => {
                Expr::Binary { op: *op, left: lower(left)?, right: lower(right)? }
            }
            Kind::Chain(op, terms) => {
                let terms =
                    terms.iter().map(|term| lower(term).map(|term| *term)).collect::<Result<Vec<_>, _>>()?;
                balanced(*op, terms)
            }
            Kind::Not(inner) => Expr::Not(lower(inner)?),
            Kind::Negate(inner) => Expr::Negate(lower(inner)?),
            Kind::Like(text, needle) => Expr::Contains { text: lower(text)?, needle: lower(needle)? },
            Kind::Matches(text, pattern) => Expr::Matches { text: lower(text)?, pattern: pattern.clone() },
            Kind::In { value, list, negated } => {
                Expr::In { value: lower(value)?, list: list.clone(), negated: *negated }
            }
        })
    }

    fn lower_call(&self, node: &Node, mut aggregates: Option<&mut usize>) -> Result<Expr, QueryError> {
        let Kind::Call { name, name_span, arguments } = &node.kind else {
            return Err(self.unexpected(node.span));
        };
        if let Some(aggregate) = functions::aggregate(self, name, node.span, arguments)? {
            let Some(found) = aggregates else {
                let message = format!("the aggregate function '{name}' may only stand in stats");
                return Err(self.error(*name_span, message));
            };
            *found += 1;
            return Ok(Expr::Aggregate(aggregate));
        }
        let call = functions::call(self, name, *name_span, node.span, arguments)?;
        let mut lowered = Vec::with_capacity(call.arguments.len());
        for argument in call.arguments {
            lowered.push(match argument {
                functions::Argument::Node(node) => self.lower(node, aggregates.as_deref_mut())?,
                functions::Argument::Field(field) => self.field(field, *name_span)?,
            });
        }
        Ok(Expr::Call { function: call.function, arguments: lowered })
    }

    /// The argument of an aggregate.
    pub(super) fn aggregated(&self, node: &Node) -> Result<Box<Expr>, QueryError> {
        self.lower(node, None).map(Box::new)
    }
}

/// A tree of one associative operator, as flat as can be: long chains must not nest deeply.
fn balanced(op: BinaryOp, mut terms: Vec<Expr>) -> Expr {
    while terms.len() > 1 {
        let mut paired = Vec::with_capacity(terms.len().div_ceil(2));
        let mut rest = terms.into_iter();
        while let Some(left) = rest.next() {
            paired.push(match rest.next() {
                Some(right) => Expr::Binary { op, left: Box::new(left), right: Box::new(right) },
                None => left,
            });
        }
        terms = paired;
    }
    terms.pop().unwrap_or(Expr::Literal(crate::plan::Value::Boolean(op == BinaryOp::And)))
}
