//! Functions of the engine: what Insights' values need beyond plain columns, one file each.
//!
//! All scalar functions are one [`Apply`] with an [`Operation`], so that each file is only its loop over
//! columns. Text columns are `Utf8View` everywhere.

mod among;
mod compare;
pub(crate) mod dates;
pub(crate) mod discover;
mod encoding;
pub(crate) mod evaluate;
mod extract;
mod formats;
pub(crate) mod json;
mod lookup;
mod numbers;
mod percentile;
pub(crate) mod row;
mod search;
pub(crate) mod structures;
mod tally;
mod texts;
pub(crate) mod value;

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use lang::plan::{BinaryOp, Function, Period};

pub(crate) use among::Among;
pub(crate) use extract::{Extraction, MATCH_INDEX};
pub(crate) use percentile::percentile;
pub(crate) use structures::Within;
pub(crate) use tally::tally;

pub(crate) use lookup::LookupCall;

pub(crate) const TIME: DataType = DataType::Timestamp(TimeUnit::Millisecond, None);

/// A compiled regular expression that compares by its text.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    text: String,
    regex: regex::Regex,
}

impl Pattern {
    pub(crate) fn new(text: &str) -> Result<Self, String> {
        Ok(Self { text: text.to_owned(), regex: lang::text::regex::compile(text)? })
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

impl Hash for Pattern {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

/// What is done to columns.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Operation {
    /// Text → number, missing if it is none.
    ToNumber,
    /// Any → text, by the rendering rules.
    ToText,
    /// Numbers that are not finite become missing.
    Finite,
    Power,
    DateFloor(Period, Option<Period>),
    DateCeil(Period),
    /// Text → bytes in `sort` order.
    SortKey,
    /// The text behind a sort key; a number is rendered as a computed one.
    SortKeyText,
    /// The text behind a sort key as it is.
    SortKeySource,
    /// Text, time, sequence → bytes in order of time, then sequence.
    TimedKey,
    /// The text behind such a key.
    TimedKeyText,
    /// Two values of any kind by Insights' rule.
    Compare(BinaryOp),
    /// The text contains the one given here.
    Contains(String),
    /// The first argument contains the second.
    ContainsText,
    Matches(Pattern),
    /// Group index → name.
    GroupName(Vec<Arc<str>>),
    /// Text → struct of texts.
    Extract(Extraction),
    /// Text → list of structs of texts, one per match.
    ExtractAll(Extraction),
    /// Two timed keys → change per so many milliseconds.
    Rate(i64),
    /// Any → bytes that are equal where values are by the rule of `=`.
    MatchKey,
    /// Any → whether it is among these values.
    Among(Among),
    /// Text → the member at a path, as text or as structure.
    Member {
        path: String,
        within: Within,
        structure: bool,
    },
    /// Message → a discovered field of lines that are not JSON as a whole.
    Discovered {
        name: String,
        embedded: bool,
    },
    /// Text and structure → list of elements.
    Elements {
        in_place: bool,
    },
    /// Key columns → the output columns of a lookup table as a struct of texts.
    Lookup(LookupCall),
    /// Message → the sum of its numbers, without those of these paths.
    SumOfNumbers(Vec<String>),
    /// A function of single values.
    Row(Function, Option<Pattern>),
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Apply {
    operation: Operation,
    signature: Signature,
}

/// The operation applied to these arguments.
pub(crate) fn apply(operation: Operation, arguments: Vec<Expr>) -> Expr {
    let signature = Signature::variadic_any(Volatility::Immutable);
    let function = Arc::new(ScalarUDF::new_from_impl(Apply { operation, signature }));
    Expr::ScalarFunction(ScalarFunction::new_udf(function, arguments))
}

impl ScalarUDFImpl for Apply {
    fn name(&self) -> &str {
        match &self.operation {
            Operation::ToNumber => "to_number",
            Operation::ToText => "to_text",
            Operation::Finite => "finite",
            Operation::Power => "power",
            Operation::DateFloor(..) => "date_floor",
            Operation::DateCeil(_) => "date_ceil",
            Operation::SortKey => "sort_key",
            Operation::SortKeyText => "sort_key_text",
            Operation::TimedKey => "timed_key",
            Operation::TimedKeyText => "timed_key_text",
            Operation::Compare(op) => op.symbol(),
            Operation::Contains(_) | Operation::ContainsText => "contains",
            Operation::Matches(_) => "matches",
            Operation::GroupName(_) => "group_name",
            Operation::Extract(_) => "extract",
            Operation::ExtractAll(_) => "extract_all",
            Operation::SortKeySource => "sort_key_source",
            Operation::Rate(_) => "rate",
            Operation::MatchKey => "match_key",
            Operation::Among(_) => "among",
            Operation::Member { .. } => "member",
            Operation::Discovered { .. } => "discovered",
            Operation::Elements { .. } => "elements",
            Operation::Lookup(_) => "lookup",
            Operation::SumOfNumbers(_) => "sum_of_numbers",
            Operation::Row(..) => "row_function",
        }
    }

    /// Two operations of one name may differ in what they hold, so the schema name holds it too.
    fn schema_name(&self, arguments: &[Expr]) -> Result<String> {
        let arguments: Vec<String> =
            arguments.iter().map(|argument| argument.schema_name().to_string()).collect();
        Ok(format!("{:?}({})", self.operation, arguments.join(", ")))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(match &self.operation {
            Operation::ToNumber
            | Operation::Finite
            | Operation::Power
            | Operation::Rate(_)
            | Operation::SumOfNumbers(_) => DataType::Float64,
            Operation::ToText
            | Operation::SortKeyText
            | Operation::SortKeySource
            | Operation::TimedKeyText
            | Operation::Member { .. }
            | Operation::Discovered { .. }
            | Operation::GroupName(_) => DataType::Utf8View,
            Operation::DateFloor(..) | Operation::DateCeil(_) => TIME,
            Operation::SortKey | Operation::TimedKey | Operation::MatchKey => DataType::Binary,
            Operation::Elements { .. } => structures::elements_type(),
            Operation::Lookup(call) => call.data_type(),
            Operation::ExtractAll(extraction) => extraction.list_type(),
            Operation::Compare(_)
            | Operation::Among(_)
            | Operation::Contains(_)
            | Operation::ContainsText
            | Operation::Matches(_) => DataType::Boolean,
            Operation::Extract(extraction) => extraction.data_type(),
            Operation::Row(function, _) => row::data_type(function),
        })
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let all_scalar = arguments.args.iter().all(|value| matches!(value, ColumnarValue::Scalar(_)));
        let rows = if all_scalar { 1 } else { arguments.number_rows };
        let columns = arguments.args.into_iter().map(|value| value.into_array(rows));
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let result = self.operation.evaluate(&columns)?;
        if all_scalar {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?));
        }
        Ok(ColumnarValue::Array(result))
    }
}

impl Operation {
    fn evaluate(&self, columns: &[ArrayRef]) -> Result<ArrayRef> {
        let Some(first) = columns.first() else { return exec_err!("{self:?} without arguments") };
        match (self, columns.get(1)) {
            (Self::ToNumber, _) => numbers::to_number(first),
            (Self::Finite, _) => numbers::finite(first),
            (Self::Power, Some(exponent)) => numbers::power(first, exponent),
            (Self::DateFloor(period, offset), _) => numbers::date_floor(first, *period, *offset),
            (Self::DateCeil(period), _) => numbers::date_ceil(first, *period),
            (Self::ToText, _) => texts::to_text(first),
            (Self::SortKey, _) => texts::sort_keys(first),
            (Self::TimedKey, _) => match columns {
                [text, time, sequence] => texts::timed_keys(text, time, sequence),
                _ => exec_err!("a timed key has three parts"),
            },
            (Self::TimedKeyText, _) => texts::timed_key_texts(first),
            (Self::SortKeyText, _) => texts::sort_key_texts(first, true),
            (Self::SortKeySource, _) => texts::sort_key_texts(first, false),
            (Self::Rate(millis), Some(last)) => texts::rates(first, last, *millis),
            (Self::MatchKey, _) => texts::match_keys(first),
            (Self::Among(among), _) => among.evaluate(first),
            (Self::Member { path, within, structure }, _) => {
                structures::member(first, path, within, *structure)
            }
            (Self::Discovered { name, embedded }, _) => structures::discovered(first, name, *embedded),
            (Self::Elements { in_place }, Some(structures)) => {
                structures::elements(first, structures, *in_place)
            }
            (Self::Lookup(call), _) => call.evaluate(columns),
            (Self::SumOfNumbers(without), _) => numbers::sum_of_numbers(first, without),
            (Self::ExtractAll(extraction), _) => extraction.extract_all(first),
            (Self::GroupName(names), _) => texts::group_names(first, names),
            (Self::Compare(op), Some(right)) => compare::compare(*op, first, right),
            (Self::Contains(needle), _) => search::contains(first, needle),
            (Self::ContainsText, Some(needle)) => search::contains_text(first, needle),
            (Self::Matches(pattern), _) => search::matches(first, &pattern.regex),
            (Self::Extract(extraction), _) => extraction.extract(first),
            (Self::Row(function, pattern), _) => {
                row::evaluate(function, pattern.as_ref().map(|pattern| &pattern.regex), columns)
            }
            _ => exec_err!("{self:?} with too few arguments"),
        }
    }
}
