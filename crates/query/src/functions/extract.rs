//! `parse`: fields out of a text by a glob or a regular expression.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, StringViewBuilder, StructArray};
use datafusion::arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::Result;
use datafusion::common::cast::as_string_view_array;

use super::Pattern;

/// A pattern that makes a struct of texts, its fields named `0`, `1`, ….
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Extraction {
    /// See [`lang::plan::Extract::Glob`].
    Glob(Vec<String>),
    Regex(Pattern, Vec<usize>),
}

impl Extraction {
    fn len(&self) -> usize {
        match self {
            Self::Glob(literals) => literals.len().saturating_sub(1),
            Self::Regex(_, groups) => groups.len(),
        }
    }

    fn fields(&self) -> Fields {
        (0..self.len()).map(|index| Field::new(index.to_string(), DataType::Utf8View, true)).collect()
    }

    pub(super) fn data_type(&self) -> DataType {
        DataType::Struct(self.fields())
    }

    pub(super) fn extract(&self, column: &ArrayRef) -> Result<ArrayRef> {
        let texts = as_string_view_array(column)?;
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
