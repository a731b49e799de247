//! The syntax tree of an expression.

use super::function::Function;

/// An expression or an argument.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    Number(f64),
    /// Arguments only.
    Text(String),
    /// Arguments only: `REPEAT`, `DESC`, …
    Keyword(Keyword),
    /// The id of another query.
    Reference(String),
    Negate(Box<Expression>),
    Binary(Operator, Box<Expression>, Box<Expression>),
    List(Vec<Expression>),
    Call(Function, Vec<Expression>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    LessOrEqual,
    GreaterOrEqual,
    Less,
    Greater,
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
}

impl Operator {
    /// The result for two values; not finite where it has no meaning.
    pub fn apply(self, left: f64, right: f64) -> f64 {
        let truth = |holds: bool| if holds { 1.0 } else { 0.0 };
        match self {
            Self::Or => truth(left != 0.0 || right != 0.0),
            Self::And => truth(left != 0.0 && right != 0.0),
            Self::Equal => truth(left == right),
            Self::NotEqual => truth(left != right),
            Self::LessOrEqual => truth(left <= right),
            Self::GreaterOrEqual => truth(left >= right),
            Self::Less => truth(left < right),
            Self::Greater => truth(left > right),
            Self::Add => left + right,
            Self::Subtract => left - right,
            Self::Multiply => left * right,
            Self::Divide => left / right,
            Self::Power => left.powf(right),
        }
    }
}

/// A bare upper-case word that is an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keyword {
    Repeat,
    Linear,
    Ascending,
    Descending,
    Average,
    Minimum,
    Maximum,
    Sum,
}

impl Keyword {
    pub(super) fn by_name(name: &str) -> Option<Self> {
        Some(match name {
            "REPEAT" => Self::Repeat,
            "LINEAR" => Self::Linear,
            "ASC" => Self::Ascending,
            "DESC" => Self::Descending,
            "AVG" => Self::Average,
            "MIN" => Self::Minimum,
            "MAX" => Self::Maximum,
            "SUM" => Self::Sum,
            _ => return None,
        })
    }
}

impl Expression {
    /// Shows every node of the tree to `visit`, the outer before the inner, without recursion along chains of
    /// operators.
    pub fn visit<'a>(&'a self, visit: &mut dyn FnMut(&'a Expression)) {
        let mut pending = vec![self];
        while let Some(expression) = pending.pop() {
            visit(expression);
            match expression {
                Self::Negate(inner) => pending.push(inner),
                Self::Binary(_, left, right) => pending.extend([&**right, &**left]),
                Self::List(items) | Self::Call(_, items) => pending.extend(items.iter().rev()),
                Self::Number(_) | Self::Text(_) | Self::Keyword(_) | Self::Reference(_) => {}
            }
        }
    }

    /// Ids this expression names, in order and with repetitions.
    pub fn references(&self) -> Vec<&str> {
        let mut found = Vec::new();
        self.visit(&mut |expression| {
            if let Self::Reference(id) = expression {
                found.push(id.as_str());
            }
        });
        found
    }

    /// Calls of `function`, in order.
    pub fn calls(&self, function: Function) -> Vec<&[Expression]> {
        let mut found = Vec::new();
        self.visit(&mut |expression| match expression {
            Self::Call(called, arguments) if *called == function => found.push(arguments.as_slice()),
            _ => {}
        });
        found
    }
}
