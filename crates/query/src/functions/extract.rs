//! `parse`: fields out of a text by a glob or a regular expression.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, ListArray, StringViewArray, StringViewBuilder, StructArray, UInt32Array,
};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::cast::as_string_view_array;
use datafusion::common::{Result, exec_err};

use super::{Pattern, formats};

/// Where among the matches of a text one stands.
pub(crate) const MATCH_INDEX: &str = "index";

/// A pattern that makes a struct of texts, its fields named `0`, `1`, ….
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Extraction {
    /// See [`lang::plan::Extract::Glob`].
    Glob(Vec<String>),
    Regex(Pattern, Vec<usize>),
    /// So many columns of a CSV line.
    Csv(usize),
}

impl Extraction {
    fn len(&self) -> usize {
        match self {
            Self::Glob(literals) => literals.len().saturating_sub(1),
            Self::Regex(_, groups) => groups.len(),
            Self::Csv(columns) => *columns,
        }
    }

    fn fields(&self) -> Fields {
        (0..self.len()).map(|index| Field::new(index.to_string(), DataType::Utf8View, true)).collect()
    }

    pub(super) fn data_type(&self) -> DataType {
        DataType::Struct(self.fields())
    }

    /// A match's fields, then its place among the matches.
    fn match_fields(&self) -> Fields {
        let place = Arc::new(Field::new(MATCH_INDEX, DataType::UInt32, true));
        self.fields().iter().cloned().chain([place]).collect()
    }

    pub(super) fn list_type(&self) -> DataType {
        DataType::List(Arc::new(Field::new("item", DataType::Struct(self.match_fields()), true)))
    }

    /// One struct per match; a text without a match has one of nulls.
    pub(super) fn extract_all(&self, column: &ArrayRef) -> Result<ArrayRef> {
        let texts = as_string_view_array(column)?;
        let mut builders: Vec<StringViewBuilder> = Vec::with_capacity(self.len());
        builders.resize_with(self.len(), StringViewBuilder::new);
        let mut lengths = Vec::with_capacity(texts.len());
        let mut places: Vec<u32> = Vec::with_capacity(texts.len());
        for text in texts {
            let mut matches = 0;
            if let (Self::Regex(pattern, groups), Some(text)) = (self, text) {
                for captures in pattern.regex.captures_iter(text) {
                    matches += 1;
                    for (builder, group) in builders.iter_mut().zip(groups) {
                        builder.append_option(captures.get(*group).map(|group| group.as_str()));
                    }
                }
            }
            if matches == 0 {
                matches = 1;
                builders.iter_mut().for_each(StringViewBuilder::append_null);
            }
            lengths.push(matches);
            places.extend(0..matches as u32);
        }
        let mut columns: Vec<ArrayRef> =
            builders.iter_mut().map(|builder| Arc::new(builder.finish()) as ArrayRef).collect();
        columns.push(Arc::new(UInt32Array::from(places)));
        let rows = Arc::new(StructArray::try_new(self.match_fields(), columns, None)?);
        let DataType::List(item) = self.list_type() else { return exec_err!("a list type was expected") };
        Ok(Arc::new(ListArray::try_new(item, OffsetBuffer::from_lengths(lengths), rows, None)?))
    }

    fn extract_csv(&self, texts: &StringViewArray, columns: usize) -> Result<ArrayRef> {
        let mut builders: Vec<StringViewBuilder> = Vec::with_capacity(columns);
        builders.resize_with(columns, || StringViewBuilder::with_capacity(texts.len()));
        for text in texts {
            let mut values = text.map(formats::csv).unwrap_or_default().into_iter();
            builders.iter_mut().for_each(|builder| builder.append_option(values.next()));
        }
        let columns = builders.iter_mut().map(|builder| Arc::new(builder.finish()) as ArrayRef).collect();
        Ok(Arc::new(StructArray::try_new(self.fields(), columns, None)?))
    }

    pub(super) fn extract(&self, column: &ArrayRef) -> Result<ArrayRef> {
        let texts = as_string_view_array(column)?;
        if let Self::Csv(columns) = self {
            return self.extract_csv(texts, *columns);
        }
        let mut builders: Vec<StringViewBuilder> = Vec::with_capacity(self.len());
        builders.resize_with(self.len(), || StringViewBuilder::with_capacity(texts.len()));
        let mut found = vec![None; self.len()];
        for text in texts {
            found.fill(None);
            if let Some(text) = text {
                self.find(text, &mut found);
            }
            for (builder, value) in builders.iter_mut().zip(&found) {
                builder.append_option(*value);
            }
        }
        let columns = builders.iter_mut().map(|builder| Arc::new(builder.finish()) as ArrayRef).collect();
        Ok(Arc::new(StructArray::try_new(self.fields(), columns, None)?))
    }

    /// Fills in what the text yields; nothing if it does not match.
    pub(crate) fn find<'t>(&self, text: &'t str, found: &mut [Option<&'t str>]) {
        match self {
            Self::Glob(literals) => {
                if glob(literals, text, found).is_none() {
                    found.fill(None);
                }
            }
            // Its columns are texts of their own; see `extract_csv`.
            Self::Csv(_) => {}
            Self::Regex(pattern, groups) => {
                if let Some(captures) = pattern.regex.captures(text) {
                    for (value, group) in found.iter_mut().zip(groups) {
                        *value = captures.get(*group).map(|group| group.as_str());
                    }
                }
            }
        }
    }
}

/// The first place of each literal after the one before is also what a non-greedy match finds: where it
/// fails, no later start succeeds.
fn glob<'t>(literals: &[String], text: &'t str, found: &mut [Option<&'t str>]) -> Option<()> {
    let (first, others) = literals.split_first()?;
    let mut rest = &text[text.find(first.as_str())? + first.len()..];
    for (index, literal) in others.iter().enumerate() {
        let last = index + 1 == others.len();
        let end = if last && literal.is_empty() { rest.len() } else { rest.find(literal.as_str())? };
        found[index] = Some(&rest[..end]);
        rest = &rest[end + literal.len()..];
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find<'t>(pattern: &str, text: &'t str) -> Vec<Option<&'t str>> {
        let extraction = Extraction::Glob(pattern.split('*').map(str::to_owned).collect());
        let mut found = vec![None; extraction.len()];
        extraction.find(text, &mut found);
        found
    }

    #[test]
    fn globs_are_found_anywhere_and_the_last_star_runs_to_the_end() {
        assert_eq!(find("a=*, *", "x a=1, b, c"), [Some("1"), Some("b, c")]);
        assert_eq!(find("*-*", "1-2-3"), [Some("1"), Some("2-3")]);
        assert_eq!(find("[*]", "x [y] [z]"), [Some("y")]);
        assert_eq!(find("a=* b=* c", "a=1 b=2"), [None, None]);
        assert_eq!(find("é*é", "aébéc"), [Some("b")]);
    }
}
