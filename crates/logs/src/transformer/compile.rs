//! A transformer ready to run: processors checked once, then applied to message after message. Pure.

use chrono_tz::Tz;
use regex::Regex;

use super::config::Step;
use super::datetime::Pattern;
use super::grok::Grok;
use super::mutators::{self, Kept, Replacement};
use super::parsers::{self, Csv, KeyValue};
use super::value::{Object, Value, get, object_at, parse_object, set, take};
use crate::error::LogsError;

/// Processors of a transformer, and parsers among them.
const STEPS_MAX: usize = 20;
const PARSERS_MAX: usize = 5;
/// Names in a path.
const DEPTH_MAX: usize = 3;
/// AWS: back-references of a replacement (CloudWatch-Logs-Transformation-StringMutate.html).
const REFERENCES_MAX: usize = 10;
const MESSAGE: &str = "@message";
/// AWS: the default of `targetFormat` (API_DateTimeConverter.html).
const TARGET_FORMAT: &str = "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'";
/// Bytes of a transformed message; what would be longer has none. As long as the longest log event.
const TRANSFORMED_BYTES_MAX: usize = 1_048_550;

/// Where a message comes from, for `copyValue`.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Origin<'a> {
    pub(crate) account: &'a str,
    pub(crate) region: &'a str,
    pub(crate) group: &'a str,
    pub(crate) stream: &'a str,
}

/// A compiled transformer.
#[derive(Debug, Clone)]
pub(crate) struct Transformer(Vec<Processor>);

/// A processor with what its texts were compiled to.
#[derive(Debug, Clone)]
struct Processor {
    step: Step,
    compiled: Compiled,
}

#[derive(Debug, Clone)]
enum Compiled {
    Nothing,
    Grok(Grok),
    Replacements(Vec<Replacement>),
    Date { patterns: Vec<Pattern>, target: Pattern, from: Tz, to: Tz },
}

impl Transformer {
    pub(crate) fn compile(steps: &[Step]) -> Result<Self, LogsError> {
        check(steps)?;
        let compile = |step: &Step| Ok(Processor { step: step.clone(), compiled: compiled(step)? });
        steps.iter().map(compile).collect::<Result<_, LogsError>>().map(Self)
    }

    /// The transformed message; none where no parser could read the message.
    pub(crate) fn apply(&self, message: &str, origin: Origin<'_>) -> Option<String> {
        let mut state = State { root: Object::new(), message, origin, parsed: false };
        for processor in &self.0 {
            state.apply(processor);
        }
        if !state.parsed {
            return None;
        }
        let text = serde_json::to_string(&Value::Object(state.root)).ok()?;
        (text.len() <= TRANSFORMED_BYTES_MAX).then_some(text)
    }
}

fn refused(what: impl std::fmt::Display) -> LogsError {
    LogsError::invalid(format!("Invalid transformer configuration: {what}."))
}

/// `Some` for a parser: its source, and whether it reads only whole messages and must come first.
fn parser(step: &Step) -> Option<(Option<&str>, bool)> {
    let (source, built_in) = match step {
        Step::ParseJson { source, .. }
        | Step::Grok { source, .. }
        | Step::Csv { source, .. }
        | Step::ParseKeyValue { source, .. } => (source, false),
        Step::ParseWaf { source }
        | Step::ParsePostgres { source }
        | Step::ParseCloudfront { source }
        | Step::ParseRoute53 { source }
        | Step::ParseVpc { source } => (source, true),
        _ => return None,
    };
    Some((source.as_deref(), built_in))
}

/// Tells steps of one kind.
type IsKind = fn(&Step) -> bool;

fn check(steps: &[Step]) -> Result<(), LogsError> {
    if steps.is_empty() || steps.len() > STEPS_MAX {
        return Err(refused(format!("a transformer has 1 to {STEPS_MAX} processors")));
    }
    for (index, step) in steps.iter().enumerate() {
        match parser(step) {
            None if index == 0 => return Err(refused("the first processor must be a parser")),
            Some((_, true)) if index > 0 => {
                return Err(refused("a built-in parser must be the first processor"));
            }
            Some((Some(source), built_in))
                if source != MESSAGE
                    && (built_in || (index == 0 && matches!(step, Step::ParseJson { .. }))) =>
            {
                return Err(refused("the parser can only read @message here"));
            }
            _ => {}
        }
        paths(step).into_iter().try_for_each(check_path)?;
    }
    if steps.iter().filter(|step| parser(step).is_some()).count() > PARSERS_MAX {
        return Err(refused(format!("more than {PARSERS_MAX} parsers")));
    }
    let count = |is: IsKind| steps.iter().filter(|step| is(step)).count();
    let single: [(&str, IsKind); 3] = [
        ("grok", |step| matches!(step, Step::Grok { .. })),
        ("addKeys", |step| matches!(step, Step::AddKeys { .. })),
        ("copyValue", |step| matches!(step, Step::CopyValue { .. })),
    ];
    match single.into_iter().find(|(_, is)| count(*is) > 1) {
        Some((name, _)) => Err(refused(format!("more than one {name} processor"))),
        None => Ok(()),
    }
}

fn paths(step: &Step) -> Vec<&str> {
    match step {
        Step::ParseJson { source, destination }
        | Step::Csv { source, destination, .. }
        | Step::ParseKeyValue { source, destination, .. } => {
            [source, destination].into_iter().flatten().map(String::as_str).collect()
        }
        Step::Grok { source, .. } => source.as_deref().into_iter().collect(),
        Step::AddKeys { entries } => entries.iter().map(|e| e.key.as_str()).collect(),
        Step::CopyValue { entries } | Step::MoveKeys { entries } => {
            entries.iter().flat_map(|e| [e.source.as_str(), e.target.as_str()]).collect()
        }
        Step::RenameKeys { entries } => {
            entries.iter().flat_map(|e| [e.key.as_str(), e.rename_to.as_str()]).collect()
        }
        Step::DeleteKeys { with_keys }
        | Step::LowerCaseString { with_keys }
        | Step::UpperCaseString { with_keys }
        | Step::TrimString { with_keys } => with_keys.iter().map(String::as_str).collect(),
        Step::SplitString { entries } => entries.iter().map(|e| e.source.as_str()).collect(),
        Step::SubstituteString { entries } => entries.iter().map(|e| e.source.as_str()).collect(),
        Step::TypeConverter { entries } => entries.iter().map(|e| e.key.as_str()).collect(),
        Step::DateTimeConverter { source, target, .. } => vec![source, target],
        Step::ListToMap { source, target, .. } => {
            std::iter::once(source).chain(target).map(String::as_str).collect()
        }
        _ => Vec::new(),
    }
}

fn check_path(path: &str) -> Result<(), LogsError> {
    let names: Vec<&str> = path.split('.').collect();
    if names.len() > DEPTH_MAX || names.iter().any(|name| name.is_empty()) {
        return Err(refused(format!("'{path}' is no path of 1 to {DEPTH_MAX} names")));
    }
    Ok(())
}

fn compiled(step: &Step) -> Result<Compiled, LogsError> {
    Ok(match step {
        Step::Grok { pattern, .. } => Compiled::Grok(Grok::compile(pattern)?),
        Step::Csv { delimiter, quote_character, .. } => {
            let single = |text: &Option<String>| text.as_deref().is_none_or(|text| character(text).is_some());
            if !single(delimiter) || !single(quote_character) {
                return Err(refused("a delimiter or quote of csv must be one character"));
            }
            Compiled::Nothing
        }
        Step::SubstituteString { entries } => Compiled::Replacements(
            entries.iter().map(|e| replacement(&e.from, &e.to)).collect::<Result<_, _>>()?,
        ),
        Step::TypeConverter { entries } => {
            let known = ["integer", "double", "string", "boolean"];
            if let Some(bad) = entries.iter().find(|e| !known.contains(&e.kind.as_str())) {
                return Err(refused(format!("'{}' is no type", bad.kind)));
            }
            Compiled::Nothing
        }
        Step::ListToMap { flatten, flattened_element, .. } => {
            let kept = flattened_element.as_deref();
            if *flatten == Some(true) && !matches!(kept, Some("first" | "last")) {
                return Err(refused("flattenedElement must be first or last where flatten is true"));
            }
            Compiled::Nothing
        }
        Step::DateTimeConverter {
            match_patterns, target_format, source_timezone, target_timezone, ..
        } => {
            let zone = |name: &Option<String>| {
                let name = name.as_deref().unwrap_or("UTC");
                name.parse::<Tz>().map_err(|_| refused(format!("'{name}' is no time zone")))
            };
            Compiled::Date {
                patterns: match_patterns.iter().map(|p| Pattern::parse(p)).collect::<Result<_, _>>()?,
                target: Pattern::parse(target_format.as_deref().unwrap_or(TARGET_FORMAT))?,
                from: zone(source_timezone)?,
                to: zone(target_timezone)?,
            }
        }
        _ => Compiled::Nothing,
    })
}

/// One character, or `\t` and `\s` as they are written.
fn character(text: &str) -> Option<char> {
    match text {
        "\\t" => Some('\t'),
        "\\s" => Some(' '),
        _ => {
            let mut characters = text.chars();
            characters.next().filter(|_| characters.next().is_none())
        }
    }
}

fn replacement(from: &str, to: &str) -> Result<Replacement, LogsError> {
    let regex: Regex = lang::text::regex::compile(from).map_err(refused)?;
    if to.matches('$').count() > REFERENCES_MAX {
        return Err(refused(format!("more than {REFERENCES_MAX} back-references")));
    }
    let with = mutators::java_replacement(to, regex.captures_len());
    Ok(Replacement { regex, with })
}

/// A message on its way through the processors.
struct State<'a> {
    root: Object,
    message: &'a str,
    origin: Origin<'a>,
    /// Whether a parser could read something.
    parsed: bool,
}

impl State<'_> {
    fn apply(&mut self, Processor { step, compiled }: &Processor) {
        if parser(step).is_some() {
            self.parse(step, compiled);
        } else {
            self.mutate(step, compiled);
        }
    }

    /// The text at a path, or the whole message.
    fn source(&self, path: Option<&str>) -> Option<String> {
        match path {
            None | Some(MESSAGE) => Some(self.message.to_owned()),
            Some(path) => get(&self.root, path)?.as_text().map(str::to_owned),
        }
    }

    fn parse(&mut self, step: &Step, compiled: &Compiled) {
        let (source, _) = parser(step).expect("only parsers come here");
        let Some(text) = self.source(source) else { return };
        let (members, destination, overwrite) = match step {
            Step::Grok { .. } => {
                if let Compiled::Grok(grok) = compiled {
                    self.parsed |= grok.apply(&text, &mut self.root);
                }
                return;
            }
            Step::ParseJson { destination, .. } => (parse_object(&text), destination.as_deref(), true),
            Step::Csv { delimiter, quote_character, columns, destination, .. } => {
                let one =
                    |text: &Option<String>, default| text.as_deref().and_then(character).unwrap_or(default);
                let csv = Csv {
                    delimiter: one(delimiter, ','),
                    quote: one(quote_character, '"'),
                    columns: columns.as_deref().unwrap_or_default(),
                };
                (csv.parse(&text), destination.as_deref(), true)
            }
            Step::ParseKeyValue {
                destination,
                field_delimiter,
                key_value_delimiter,
                key_prefix,
                non_match_value,
                overwrite_if_exists,
                ..
            } => {
                let pairs = KeyValue {
                    field_delimiter: field_delimiter.as_deref().unwrap_or("&"),
                    key_value_delimiter: key_value_delimiter.as_deref().unwrap_or("="),
                    prefix: key_prefix.as_deref().unwrap_or_default(),
                    non_match: non_match_value.as_deref(),
                };
                (pairs.parse(&text), destination.as_deref(), overwrite_if_exists.unwrap_or(false))
            }
            Step::ParseWaf { .. } => (parsers::waf(&text), None, true),
            Step::ParsePostgres { .. } => (parsers::postgres(&text), None, true),
            Step::ParseCloudfront { .. } => (parsers::cloudfront(&text), None, true),
            Step::ParseRoute53 { .. } => (parsers::route53(&text), None, true),
            Step::ParseVpc { .. } => (parsers::vpc(&text), None, true),
            _ => return,
        };
        let Some(members) = members else { return };
        let Some(target) = object_at(&mut self.root, destination.unwrap_or_default()) else { return };
        for (name, value) in members {
            if overwrite || !target.contains_key(&name) {
                target.insert(name, value);
            }
        }
        self.parsed = true;
    }

    fn mutate(&mut self, step: &Step, compiled: &Compiled) {
        let root = &mut self.root;
        let given = |overwrite: &Option<bool>| overwrite.unwrap_or(false);
        match step {
            Step::AddKeys { entries } => {
                for e in entries {
                    set(root, &e.key, Value::text(e.value.as_str()), given(&e.overwrite_if_exists));
                }
            }
            Step::CopyValue { entries } => {
                for e in entries {
                    let value = match e.source.as_str() {
                        "@logGroupName" => named(self.origin.group),
                        "@logGroupStream" => named(self.origin.stream),
                        "@accountId" => named(self.origin.account),
                        "@regionName" => named(self.origin.region),
                        path => get(root, path).cloned(),
                    };
                    if let Some(value) = value {
                        set(root, &e.target, value, given(&e.overwrite_if_exists));
                    }
                }
            }
            Step::MoveKeys { entries } => entries.iter().for_each(|e| {
                mutators::move_key(root, &e.source, &e.target, given(&e.overwrite_if_exists));
            }),
            Step::RenameKeys { entries } => entries.iter().for_each(|e| {
                mutators::rename_key(root, &e.key, &e.rename_to, given(&e.overwrite_if_exists));
            }),
            Step::DeleteKeys { with_keys } => {
                for key in with_keys {
                    take(root, key);
                }
            }
            Step::LowerCaseString { with_keys } => with_keys
                .iter()
                .for_each(|key| mutators::on_text(root, key, |text| Value::Text(text.to_lowercase()))),
            Step::UpperCaseString { with_keys } => with_keys
                .iter()
                .for_each(|key| mutators::on_text(root, key, |text| Value::Text(text.to_uppercase()))),
            Step::TrimString { with_keys } => {
                with_keys
                    .iter()
                    .for_each(|key| mutators::on_text(root, key, |text| Value::text(text.trim())));
            }
            Step::SplitString { entries } => entries.iter().for_each(|e| {
                let split =
                    |text: &str| Value::List(text.split(e.delimiter.as_str()).map(Value::text).collect());
                mutators::on_text(root, &e.source, split);
            }),
            Step::SubstituteString { entries } => {
                let Compiled::Replacements(replacements) = compiled else { return };
                for (e, replacement) in entries.iter().zip(replacements) {
                    let change = |text: &str| {
                        let replaced = replacement.regex.replace_all(text, replacement.with.as_str());
                        Value::text(if replaced.len() > TRANSFORMED_BYTES_MAX { text } else { &replaced })
                    };
                    mutators::on_text(root, &e.source, change);
                }
            }
            Step::TypeConverter { entries } => {
                entries.iter().for_each(|e| mutators::convert(root, &e.key, &e.kind));
            }
            Step::DateTimeConverter { source, target, .. } => convert_date(root, source, target, compiled),
            Step::ListToMap { source, key, value_key, target, flatten, flattened_element } => {
                let kept = match (flatten, flattened_element.as_deref()) {
                    (Some(true), Some("first")) => Kept::First,
                    (Some(true), _) => Kept::Last,
                    _ => Kept::All,
                };
                let target = target.as_deref().unwrap_or_default();
                mutators::list_to_map(root, source, (key, value_key.as_deref()), target, kept);
            }
            _ => {}
        }
    }
}

fn named(name: &str) -> Option<Value> {
    (!name.is_empty()).then(|| Value::text(name))
}

fn convert_date(root: &mut Object, source: &str, target: &str, compiled: &Compiled) {
    let Compiled::Date { patterns, target: format, from, to } = compiled else { return };
    let text = match get(root, source) {
        Some(Value::Text(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => return,
    };
    if let Some(instant) = patterns.iter().find_map(|pattern| pattern.read(&text, *from)) {
        set(root, target, Value::Text(format.write(instant, *to)), true);
    }
}
