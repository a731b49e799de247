//! The pipeline under construction: which fields exist, what is shown, what may still follow.

use std::collections::HashSet;

use super::expression::{Item, Kind, Node};
use super::functions;
use crate::plan::{BinaryOp, Expr, Function, Named, Period, Pipeline, Source, Stage};
use crate::text::{QueryError, Span};

/// Groups by a time bucket, which `fillmissing` completes.
#[derive(Debug, Clone)]
pub(crate) struct Buckets {
    pub(crate) time: String,
    pub(crate) period: Period,
    pub(crate) offset: Option<Period>,
    /// The other keys.
    pub(crate) keys: Vec<String>,
}

pub(crate) struct Planner<'a> {
    text: &'a str,
    /// Keyword of the command being planned.
    pub(crate) keyword: Span,
    stages: Vec<Stage>,
    /// After `stats`, the only fields there are; before, any field may be in an event.
    defined: Option<Vec<String>>,
    /// Columns of `fields`, in order.
    shown: Vec<String>,
    /// Fields that other commands make to be shown, in order.
    aliases: Vec<String>,
    /// Whether they are shown beside what is shown anyway.
    beside: bool,
    /// Columns of the last `display`.
    displayed: Option<Vec<String>>,
    ordered: bool,
    deduplicated: bool,
    pub(crate) stats_count: usize,
    pub(crate) source: Option<Source>,
    /// Time buckets of the last `stats`.
    pub(crate) buckets: Option<Buckets>,
    /// Fields that are maps or lists as a whole.
    structures: HashSet<String>,
    /// Lists that `split` made.
    splits: HashSet<String>,
    /// Fields that `parse` made.
    parsed: HashSet<String>,
    /// Sides of a join.
    joined: Option<[String; 2]>,
    /// Fields of commands so far, all of them.
    made: HashSet<String>,
    indexed: Vec<String>,
    unmasks: bool,
    estimated: bool,
}

impl<'a> Planner<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self {
            text,
            keyword: Span::new(0, 0),
            stages: Vec::new(),
            defined: None,
            shown: Vec::new(),
            aliases: Vec::new(),
            beside: false,
            displayed: None,
            ordered: false,
            deduplicated: false,
            stats_count: 0,
            source: None,
            buckets: None,
            structures: HashSet::new(),
            splits: HashSet::new(),
            parsed: HashSet::new(),
            joined: None,
            made: HashSet::new(),
            indexed: Vec::new(),
            unmasks: false,
            estimated: false,
        }
    }

    /// A command begins with this keyword.
    pub(crate) fn begin(&mut self, keyword: Span) -> Result<(), QueryError> {
        self.keyword = keyword;
        // `estimate` is the last command.
        if self.estimated { Err(self.unexpected(keyword)) } else { Ok(()) }
    }

    pub(crate) fn error(&self, span: Span, message: impl Into<String>) -> QueryError {
        QueryError::at(self.text, span, message)
    }

    pub(crate) fn source(&self, span: Span) -> &'a str {
        self.text.get(span.start..span.end).unwrap_or_default().trim()
    }

    pub(crate) fn unexpected(&self, span: Span) -> QueryError {
        super::parser::unexpected(self.text, span)
    }

    /// Adds a stage. AWS: after `dedup` only `limit` may follow (CWL_QuerySyntax-Dedup).
    pub(crate) fn push(&mut self, stage: Stage) -> Result<(), QueryError> {
        if self.deduplicated && !matches!(stage, Stage::Limit { .. }) {
            return Err(self.unexpected(self.keyword));
        }
        match &stage {
            // AWS: `sort` and `limit` must come after the last `stats` (CWL_QuerySyntax-Stats).
            // AWS: nor may `pattern` follow them (CWL_QuerySyntax-Pattern).
            Stage::Aggregate { .. } | Stage::Pattern(_) | Stage::Relevant { .. } if self.ordered => {
                return Err(self.unexpected(self.keyword));
            }
            Stage::Sort(_) | Stage::Limit { .. } => self.ordered = true,
            Stage::Dedup(_) => self.deduplicated = true,
            Stage::Extend(items) => {
                for item in items {
                    self.made(&item.name, &item.expr);
                }
                self.define(items.iter().map(|item| &item.name));
            }
            Stage::Extract(extract) | Stage::ExtractAll(extract) => self.define(extract.fields()),
            Stage::Explode(explode) => {
                self.structures.remove(&explode.into);
                self.define([&explode.into]);
            }
            Stage::Lookup(lookup) => self.define(lookup.outputs.iter().map(|(_, name)| name)),
            _ => {}
        }
        self.stages.push(stage);
        Ok(())
    }

    fn define<'n>(&mut self, names: impl IntoIterator<Item = &'n String>) {
        for name in names {
            self.made.insert(name.clone());
            if let Some(defined) = &mut self.defined
                && !defined.contains(name)
            {
                defined.push(name.clone());
            }
        }
    }

    /// Remembers what kind of value a field of this expression is.
    fn made(&mut self, name: &str, expr: &Expr) {
        let known = |set: &HashSet<String>| matches!(expr, Expr::Field(other) if set.contains(other));
        let function = match expr {
            Expr::Call { function, .. } => Some(function),
            _ => None,
        };
        let split = function == Some(&Function::Split) || known(&self.splits);
        let structure = split
            || matches!(function, Some(Function::JsonParse | Function::ParseLogfmt))
            || known(&self.structures);
        for (set, holds) in [(&mut self.splits, split), (&mut self.structures, structure)] {
            if holds {
                set.insert(name.to_owned());
            } else {
                set.remove(name);
            }
        }
        self.parsed.remove(name);
    }

    /// The field is a map or list.
    pub(crate) fn structure(&mut self, name: &str) {
        self.structures.insert(name.to_owned());
    }

    pub(crate) fn is_split(&self, name: &str) -> bool {
        self.splits.contains(name)
    }

    /// The fields were made by `parse`.
    pub(crate) fn parsed<'n>(&mut self, names: impl IntoIterator<Item = &'n String>) {
        self.parsed.extend(names.into_iter().cloned());
    }

    pub(crate) fn is_parsed(&self, name: &str) -> bool {
        self.parsed.contains(name)
    }

    /// AWS: maps and lists cannot be used as wholes in `dedup`, `pattern`, `sort` and `stats` (CWL_QuerySyntax).
    pub(crate) fn no_structure(&self, node: &Node, command: &str) -> Result<(), QueryError> {
        match &node.kind {
            Kind::Path(name) => self.no_structure_field(name, node.span, command),
            _ => Ok(()),
        }
    }

    pub(crate) fn no_structure_field(&self, name: &str, span: Span, command: &str) -> Result<(), QueryError> {
        if self.structures.contains(name) {
            let message = format!("'{name}' is a map or list and cannot be used in {command}");
            return Err(self.error(span, message));
        }
        Ok(())
    }

    /// `filterIndex` on this field.
    pub(crate) fn index(&mut self, name: String, span: Span) -> Result<(), QueryError> {
        if self.defined.is_some() || self.made.contains(&name) {
            let message = format!("the field '{name}' was made by an earlier command and has no index");
            return Err(self.error(span, message));
        }
        if !self.indexed.contains(&name) {
            self.indexed.push(name);
        }
        Ok(())
    }

    /// A join of these sides comes next; AWS: one per query (CWL_QuerySyntax-Join).
    pub(crate) fn join(&mut self, left: &str, right: &str) -> Result<(), QueryError> {
        if self.joined.is_some() {
            return Err(self.error(self.keyword, "a query can have only one join"));
        }
        self.joined = Some([left.to_owned(), right.to_owned()]);
        self.shown.clear();
        self.aliases.clear();
        self.beside = false;
        self.displayed = None;
        self.buckets = None;
        Ok(())
    }

    /// The last stage, if a command may still change it.
    pub(crate) fn last_stage(&mut self) -> Option<&mut Stage> {
        self.stages.last_mut()
    }

    /// The last stage has further columns.
    pub(crate) fn define_columns(&mut self, names: &[&str]) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        self.define(&names);
    }

    /// What would be shown if the query ended here.
    pub(crate) fn columns(&self) -> Vec<String> {
        let sides = || {
            let columns = |side: &String| [format!("{side}.@timestamp"), format!("{side}.@message")];
            self.joined.as_ref().map(|sides| sides.iter().flat_map(columns).collect::<Vec<_>>())
        };
        let (mut columns, alone) = match (&self.displayed, &self.defined) {
            (Some(displayed), _) => (displayed.clone(), true),
            (None, _) if !self.shown.is_empty() => (self.shown.clone(), false),
            (None, Some(defined)) if self.joined.is_none() => (defined.clone(), true),
            (None, _) if !self.aliases.is_empty() && !self.beside => (Vec::new(), false),
            // AWS: without `fields` or `display`, time and message (CWL_QuerySyntax-Display).
            (None, _) => {
                (sides().unwrap_or_else(|| vec!["@timestamp".to_owned(), "@message".to_owned()]), false)
            }
        };
        if !alone {
            add_new(&mut columns, self.aliases.iter().cloned());
        }
        columns
    }

    /// Shows fields beside what is shown already.
    pub(crate) fn show_beside(&mut self, names: impl IntoIterator<Item = String>) {
        let names: Vec<String> = names.into_iter().collect();
        self.define(&names);
        if let Some(displayed) = &mut self.displayed {
            add_new(displayed, names);
            return;
        }
        self.beside |= self.aliases.is_empty();
        self.show_made(names);
    }

    /// Whether only fields exist that commands made.
    pub(crate) fn is_defined(&self) -> bool {
        self.defined.is_some()
    }

    /// Adds a `dedup` after which any command may follow, as in PPL.
    pub(crate) fn push_dedup(&mut self, keys: Vec<Expr>) -> Result<(), QueryError> {
        self.push(Stage::Dedup(keys))?;
        self.deduplicated = false;
        Ok(())
    }

    /// A field is shown under another name, and gone under its own.
    pub(crate) fn rename(&mut self, old: &str, new: &str) {
        let lists =
            [Some(&mut self.shown), Some(&mut self.aliases), self.displayed.as_mut(), self.defined.as_mut()];
        for list in lists.into_iter().flatten() {
            if let Some(at) = list.iter().position(|name| name == old) {
                list.retain(|name| name != new);
                let at = at.min(list.len().saturating_sub(1));
                if let Some(name) = list.get_mut(at) {
                    *name = new.to_owned();
                }
            }
        }
    }

    /// `estimate`: nothing is read.
    pub(crate) fn estimate(&mut self) -> Result<(), QueryError> {
        self.push(Stage::Estimate)?;
        self.redefine(vec!["estimatedBytes".to_owned(), "estimatedRecords".to_owned()]);
        self.estimated = true;
        Ok(())
    }

    /// From here on only these fields exist, and they are the columns.
    pub(crate) fn redefine(&mut self, names: Vec<String>) {
        self.defined = Some(names);
        self.shown.clear();
        self.aliases.clear();
        self.beside = false;
        self.displayed = None;
        self.structures.clear();
        self.splits.clear();
        self.parsed.clear();
        self.buckets = None;
        self.joined = None;
    }

    pub(crate) fn show(&mut self, names: impl IntoIterator<Item = String>) {
        add_new(&mut self.shown, names);
    }

    /// Shows fields that a command such as `parse` makes.
    pub(crate) fn show_made(&mut self, names: impl IntoIterator<Item = String>) {
        add_new(&mut self.aliases, names);
    }

    pub(crate) fn display(&mut self, names: Vec<String>) {
        let mut columns = Vec::new();
        for name in names {
            if !columns.contains(&name) {
                columns.push(name);
            }
        }
        self.displayed = Some(columns);
    }

    /// As [`Self::extend`], with fields of events as they are without masking.
    pub(crate) fn extend_unmasked(&mut self, items: Vec<Item>) -> Result<Vec<String>, QueryError> {
        self.unmasks = true;
        self.extend_with(items, true)
    }

    /// Adds a stage for those items that are not simply a field under its own name; returns all names.
    pub(crate) fn extend(&mut self, items: Vec<Item>) -> Result<Vec<String>, QueryError> {
        self.extend_with(items, false)
    }

    fn extend_with(&mut self, items: Vec<Item>, unmasked: bool) -> Result<Vec<String>, QueryError> {
        let mut names = Vec::with_capacity(items.len());
        let mut computed: Vec<Named> = Vec::new();
        for item in items {
            let mut expr = self.expr(&item.node)?;
            if unmasked && self.defined.is_none() {
                self.unmask(&mut expr);
            }
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

    /// Fields of events in it lose their masking.
    fn unmask(&self, expr: &mut Expr) {
        if let Expr::Field(name) = expr {
            if !self.made.contains(name) {
                let field = Expr::Field(std::mem::take(name));
                *expr = Expr::Call { function: Function::Unmasked, arguments: vec![field] };
            }
            return;
        }
        expr.children_mut().into_iter().for_each(|child| self.unmask(child));
    }

    pub(crate) fn finish(self) -> Result<Pipeline, QueryError> {
        let yields_events = self.defined.is_none() && self.joined.is_none();
        let mut output = self.columns();
        if yields_events {
            // Every event row ends with its pointer anyway.
            output.retain(|name| name != "@ptr");
        }
        Ok(Pipeline {
            source: self.source,
            stages: self.stages,
            output,
            yields_events,
            index_fields: self.indexed,
            unmasks: self.unmasks,
        })
    }

    /// A field by name, if it may exist here.
    pub(crate) fn field(&self, name: &str, span: Span) -> Result<Expr, QueryError> {
        match &self.defined {
            Some(defined) if !self.is_beside(name) && !defined.iter().any(|known| holds(known, name)) => {
                Err(self.error(span, format!("the field '{name}' is not defined after stats")))
            }
            _ => Ok(Expr::Field(name.to_owned())),
        }
    }

    /// Whether it is a field of one side of a join.
    fn is_beside(&self, name: &str) -> bool {
        self.joined.iter().flatten().any(|side| holds(side, name))
    }

    /// An expression over one record.
    pub(crate) fn expr(&self, node: &Node) -> Result<Expr, QueryError> {
        self.lower(node, None)
    }

    /// An expression that may hold aggregates of expressions over records; outside of them only literals.
    pub(crate) fn aggregate_expr(&self, node: &Node) -> Result<Expr, QueryError> {
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
            Kind::InQuery { value, query, negated } => {
                Expr::InQuery { value: lower(value)?, query: query.clone(), negated: *negated }
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
    pub(crate) fn aggregated(&self, node: &Node) -> Result<Box<Expr>, QueryError> {
        self.lower(node, None).map(Box::new)
    }
}

fn add_new(names: &mut Vec<String>, more: impl IntoIterator<Item = String>) {
    for name in more {
        if !names.contains(&name) {
            names.push(name);
        }
    }
}

/// Whether a path is the name or leads into it.
fn holds(name: &str, path: &str) -> bool {
    path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
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
