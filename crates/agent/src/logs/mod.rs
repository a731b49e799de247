//! Log files: found, followed over rotations, cut into events, and sent.

mod assemble;
mod expression;
mod send;
mod source;
mod state;
mod tail;
#[cfg(test)]
mod tests;
mod timestamp;

use regex::Regex;

use crate::config::FileConfig;
use timestamp::TimestampFormat;

pub(crate) use send::{Batch, LogSender, Target, rejected};
pub(crate) use source::{Follow, follow};

/// An event as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    /// Milliseconds since the epoch.
    pub(crate) timestamp: i64,
    pub(crate) message: String,
}

/// An entry's patterns, ready for use.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    timestamp: Option<TimestampFormat>,
    trim_timestamp: bool,
    /// Begins an event; `None` is every line that starts with a non-blank character.
    start: Option<Regex>,
    /// Whether a match includes, and what is matched.
    filters: Vec<(bool, Regex)>,
    blacklist: Option<Regex>,
}

/// Compiles the patterns of an entry, or says which cannot be.
pub(crate) fn compile(file: &FileConfig) -> Result<Rules, String> {
    let timestamp =
        file.timestamp_format.as_deref().map(|format| TimestampFormat::new(format, file.utc)).transpose()?;
    let start = match file.multi_line_start.as_deref() {
        None => None,
        Some("{timestamp_format}") => match &timestamp {
            Some(format) => Some(format.expression().clone()),
            None => return Err("multi_line_start_pattern needs a timestamp_format".to_owned()),
        },
        Some(pattern) => Some(expression::compile(pattern)?),
    };
    let filter = |filter: &crate::config::Filter| {
        expression::compile(&filter.expression).map(|expression| (filter.include, expression))
    };
    Ok(Rules {
        timestamp,
        trim_timestamp: file.trim_timestamp,
        start,
        filters: file.filters.iter().map(filter).collect::<Result<_, _>>()?,
        blacklist: file.blacklist.as_deref().map(expression::compile).transpose()?,
    })
}

impl Rules {
    fn starts_event(&self, line: &str) -> bool {
        match &self.start {
            Some(start) => start.is_match(line),
            // AWS: the agent's default, `^[\S]`.
            None => line.starts_with(|c: char| !c.is_ascii_whitespace()),
        }
    }

    fn passes(&self, text: &str) -> bool {
        self.filters.iter().all(|(include, expression)| expression.is_match(text) == *include)
    }
}
