//! Types: what an expression gives, and what functions take.

use super::MathError;
use super::function::Function;
use super::syntax::{Expression, Keyword};

/// What an expression gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    Scalar,
    Series,
    /// Several series, or none.
    Array,
}

/// The type of an expression whose references have the types that `resolve` tells; `None` is an id nobody has.
pub fn check(expression: &Expression, resolve: &dyn Fn(&str) -> Option<Type>) -> Result<Type, MathError> {
    // Chains of operators lean to the left: they are followed in a loop, so that only nesting recurses.
    let mut chain = Vec::new();
    let mut first = expression;
    while let Expression::Binary(_, left, right) = first {
        chain.push(&**right);
        first = left;
    }
    let mut result = check_one(first, resolve)?;
    for right in chain.into_iter().rev() {
        result = match (result, check(right, resolve)?) {
            (Type::Array, _) | (_, Type::Array) => Type::Array,
            (Type::Series, _) | (_, Type::Series) => Type::Series,
            (Type::Scalar, Type::Scalar) => Type::Scalar,
        };
    }
    Ok(result)
}

fn check_one(expression: &Expression, resolve: &dyn Fn(&str) -> Option<Type>) -> Result<Type, MathError> {
    match expression {
        Expression::Number(_) => Ok(Type::Scalar),
        Expression::Text(_) => Err(MathError::new("A text can only be an argument of a function")),
        Expression::Keyword(_) => Err(MathError::new("A keyword can only be an argument of a function")),
        Expression::Reference(id) => {
            resolve(id).ok_or_else(|| MathError::new(format!("Undefined variable {id}")))
        }
        Expression::Negate(inner) => check(inner, resolve),
        Expression::Binary(..) => check(expression, resolve),
        Expression::List(items) => {
            for item in items {
                if check(item, resolve)? == Type::Scalar {
                    return Err(MathError::new("An array can only hold time series"));
                }
            }
            Ok(Type::Array)
        }
        Expression::Call(function, arguments) => Call { function: *function, arguments, resolve }.check(),
    }
}

struct Call<'a> {
    function: Function,
    arguments: &'a [Expression],
    resolve: &'a dyn Fn(&str) -> Option<Type>,
}

impl Call<'_> {
    fn check(&self) -> Result<Type, MathError> {
        use Function as F;
        match self.function {
            F::Abs
            | F::Ceil
            | F::Floor
            | F::Log
            | F::Log10
            | F::Diff
            | F::DiffTime
            | F::Rate
            | F::RunningSum => {
                self.count(1, 1)?;
                self.series_or_array(0)
            }
            F::Avg | F::Sum | F::Min | F::Max | F::Stddev | F::DatapointCount => {
                self.count(1, 1)?;
                Ok(match self.series_or_array(0)? {
                    Type::Array => Type::Series,
                    _ => Type::Scalar,
                })
            }
            F::MetricCount => self.arrays(Type::Scalar),
            F::First | F::Last => self.arrays(Type::Series),
            F::RemoveEmpty => self.arrays(Type::Array),
            F::Date | F::Day | F::Epoch | F::Hour | F::Minute | F::Month | F::Year | F::ServiceQuota => {
                self.count(1, 1)?;
                self.is(0, Type::Series)?;
                Ok(Type::Series)
            }
            F::TimeSeries => {
                self.count(1, 1)?;
                self.is(0, Type::Scalar)?;
                Ok(Type::Series)
            }
            F::Period => {
                self.count(1, 1)?;
                if !matches!(self.arguments[0], Expression::Reference(_)) {
                    return Err(self.wrong("the id of a metric"));
                }
                self.is(0, Type::Series)?;
                Ok(Type::Scalar)
            }
            F::Fill => self.fill(),
            F::If => self.condition(),
            F::Metrics => {
                self.count(0, 1)?;
                if !self.arguments.is_empty() {
                    self.text(0)?;
                }
                Ok(Type::Array)
            }
            F::Slice => {
                self.count(2, 3)?;
                self.is(0, Type::Array)?;
                (1..self.arguments.len()).try_for_each(|at| self.is(at, Type::Scalar))?;
                Ok(Type::Array)
            }
            F::Sort => self.sort(),
            F::AnomalyDetectionBand => {
                self.count(1, 2)?;
                self.is(0, Type::Series)?;
                if self.arguments.len() > 1 {
                    self.is(1, Type::Scalar)?;
                }
                Ok(Type::Array)
            }
            F::Search => {
                self.count(2, 3)?;
                (0..2).try_for_each(|at| self.text(at))?;
                match self.arguments.get(2) {
                    None | Some(Expression::Number(_)) => Ok(Type::Array),
                    Some(_) => Err(self.wrong("a period in seconds")),
                }
            }
            F::InsightRuleMetric => {
                self.count(2, 2)?;
                (0..2).try_for_each(|at| self.text(at))?;
                Ok(Type::Series)
            }
            // External data sources: nothing here could answer them.
            F::DbPerfInsights | F::Lambda => {
                Err(MathError::new(format!("Function '{}' is not available", self.function.name())))
            }
        }
    }

    fn fill(&self) -> Result<Type, MathError> {
        self.count(2, 2)?;
        match &self.arguments[1] {
            Expression::Keyword(Keyword::Repeat | Keyword::Linear) => {}
            other => {
                if check(other, self.resolve)? == Type::Array {
                    return Err(self.wrong("a number, a time series, REPEAT or LINEAR to fill with"));
                }
            }
        }
        self.series_or_array(0)
    }

    fn condition(&self) -> Result<Type, MathError> {
        self.count(2, 3)?;
        let mut result = Type::Scalar;
        for argument in self.arguments {
            match check(argument, self.resolve)? {
                Type::Array => return Err(self.wrong("numbers and time series")),
                Type::Series => result = Type::Series,
                Type::Scalar => {}
            }
        }
        Ok(result)
    }

    fn sort(&self) -> Result<Type, MathError> {
        self.count(3, 4)?;
        self.is(0, Type::Array)?;
        let function = [Keyword::Average, Keyword::Minimum, Keyword::Maximum, Keyword::Sum];
        if !matches!(&self.arguments[1], Expression::Keyword(keyword) if function.contains(keyword)) {
            return Err(self.wrong("AVG, MIN, MAX or SUM to sort by"));
        }
        let order = [Keyword::Ascending, Keyword::Descending];
        if !matches!(&self.arguments[2], Expression::Keyword(keyword) if order.contains(keyword)) {
            return Err(self.wrong("ASC or DESC"));
        }
        if self.arguments.len() == 4 {
            self.is(3, Type::Scalar)?;
        }
        Ok(Type::Array)
    }

    fn count(&self, min: usize, max: usize) -> Result<(), MathError> {
        if (min..=max).contains(&self.arguments.len()) {
            return Ok(());
        }
        let wanted = if min == max { min.to_string() } else { format!("{min} to {max}") };
        let found = self.arguments.len();
        let name = self.function.name();
        Err(MathError::new(format!("Function '{name}' expects {wanted} arguments but was given {found}")))
    }

    fn arrays(&self, result: Type) -> Result<Type, MathError> {
        self.count(1, 1)?;
        self.is(0, Type::Array)?;
        Ok(result)
    }

    fn series_or_array(&self, at: usize) -> Result<Type, MathError> {
        match check(&self.arguments[at], self.resolve)? {
            Type::Scalar => Err(self.wrong("a time series or an array of time series")),
            other => Ok(other),
        }
    }

    fn is(&self, at: usize, wanted: Type) -> Result<(), MathError> {
        if check(&self.arguments[at], self.resolve)? == wanted {
            return Ok(());
        }
        Err(self.wrong(match wanted {
            Type::Scalar => "a number",
            Type::Series => "a time series",
            Type::Array => "an array of time series",
        }))
    }

    fn text(&self, at: usize) -> Result<(), MathError> {
        match &self.arguments[at] {
            Expression::Text(_) => Ok(()),
            _ => Err(self.wrong("a text")),
        }
    }

    fn wrong(&self, wanted: &str) -> MathError {
        MathError::new(format!("Function '{}' expects {wanted}", self.function.name()))
    }
}
