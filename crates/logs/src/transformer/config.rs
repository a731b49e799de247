//! A transformer as it is configured and kept: the processors of the API, by the API's names.

use serde::{Deserialize, Serialize};
use shapes::logs as api;

use crate::error::LogsError;

/// One processor. Written as the API and account policies write it: an object with one member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(crate) enum Step {
    #[serde(rename = "parseJSON")]
    ParseJson {
        source: Option<String>,
        destination: Option<String>,
    },
    Grok {
        source: Option<String>,
        #[serde(rename = "match")]
        pattern: String,
    },
    Csv {
        source: Option<String>,
        delimiter: Option<String>,
        quote_character: Option<String>,
        columns: Option<Vec<String>>,
        destination: Option<String>,
    },
    ParseKeyValue {
        source: Option<String>,
        destination: Option<String>,
        field_delimiter: Option<String>,
        key_value_delimiter: Option<String>,
        key_prefix: Option<String>,
        non_match_value: Option<String>,
        overwrite_if_exists: Option<bool>,
    },
    #[serde(rename = "parseWAF")]
    ParseWaf {
        source: Option<String>,
    },
    ParsePostgres {
        source: Option<String>,
    },
    ParseCloudfront {
        source: Option<String>,
    },
    ParseRoute53 {
        source: Option<String>,
    },
    #[serde(rename = "parseVPC")]
    ParseVpc {
        source: Option<String>,
    },
    AddKeys {
        entries: Vec<AddKey>,
    },
    CopyValue {
        entries: Vec<Movement>,
    },
    MoveKeys {
        entries: Vec<Movement>,
    },
    RenameKeys {
        entries: Vec<Renaming>,
    },
    DeleteKeys {
        with_keys: Vec<String>,
    },
    LowerCaseString {
        with_keys: Vec<String>,
    },
    UpperCaseString {
        with_keys: Vec<String>,
    },
    TrimString {
        with_keys: Vec<String>,
    },
    SplitString {
        entries: Vec<Split>,
    },
    SubstituteString {
        entries: Vec<Substitution>,
    },
    TypeConverter {
        entries: Vec<Conversion>,
    },
    DateTimeConverter {
        source: String,
        target: String,
        match_patterns: Vec<String>,
        target_format: Option<String>,
        source_timezone: Option<String>,
        target_timezone: Option<String>,
        locale: Option<String>,
    },
    ListToMap {
        source: String,
        key: String,
        value_key: Option<String>,
        target: Option<String>,
        flatten: Option<bool>,
        flattened_element: Option<String>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AddKey {
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) overwrite_if_exists: Option<bool>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Movement {
    pub(crate) source: String,
    pub(crate) target: String,
    pub(crate) overwrite_if_exists: Option<bool>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Renaming {
    pub(crate) key: String,
    pub(crate) rename_to: String,
    pub(crate) overwrite_if_exists: Option<bool>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Split {
    pub(crate) source: String,
    pub(crate) delimiter: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Substitution {
    pub(crate) source: String,
    pub(crate) from: String,
    pub(crate) to: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Conversion {
    pub(crate) key: String,
    /// `integer`, `double`, `string` or `boolean`.
    #[serde(rename = "type")]
    pub(crate) kind: String,
}

/// The processors of a request. Each element must hold exactly one.
pub(crate) fn of_request(processors: Vec<api::Processor>) -> Result<Vec<Step>, LogsError> {
    processors.into_iter().map(of_processor).collect()
}

fn of_processor(processor: api::Processor) -> Result<Step, LogsError> {
    if processor.parse_to_ocsf.is_some() {
        return Err(LogsError::invalid("The processor parseToOCSF is not supported."));
    }
    let mut steps = members(processor);
    match (steps.pop(), steps.is_empty()) {
        (Some(step), true) => Ok(step),
        _ => Err(LogsError::invalid("Each element of transformerConfig must have exactly one processor.")),
    }
}

fn members(p: api::Processor) -> Vec<Step> {
    let mut steps = Vec::new();
    steps.extend(p.parse_json.map(|p| Step::ParseJson { source: p.source, destination: p.destination }));
    steps.extend(p.grok.map(|p| Step::Grok { source: p.source, pattern: p.r#match }));
    steps.extend(p.csv.map(|p| Step::Csv {
        source: p.source,
        delimiter: p.delimiter,
        quote_character: p.quote_character,
        columns: p.columns,
        destination: p.destination,
    }));
    steps.extend(p.parse_key_value.map(|p| Step::ParseKeyValue {
        source: p.source,
        destination: p.destination,
        field_delimiter: p.field_delimiter,
        key_value_delimiter: p.key_value_delimiter,
        key_prefix: p.key_prefix,
        non_match_value: p.non_match_value,
        overwrite_if_exists: p.overwrite_if_exists,
    }));
    steps.extend(p.parse_waf.map(|p| Step::ParseWaf { source: p.source }));
    steps.extend(p.parse_postgres.map(|p| Step::ParsePostgres { source: p.source }));
    steps.extend(p.parse_cloudfront.map(|p| Step::ParseCloudfront { source: p.source }));
    steps.extend(p.parse_route53.map(|p| Step::ParseRoute53 { source: p.source }));
    steps.extend(p.parse_vpc.map(|p| Step::ParseVpc { source: p.source }));
    steps.extend(p.add_keys.map(|p| {
        Step::AddKeys {
            entries: p
                .entries
                .into_iter()
                .map(|e| AddKey { key: e.key, value: e.value, overwrite_if_exists: e.overwrite_if_exists })
                .collect(),
        }
    }));
    steps.extend(p.copy_value.map(|p| {
        Step::CopyValue {
            entries: p
                .entries
                .into_iter()
                .map(|e| Movement {
                    source: e.source,
                    target: e.target,
                    overwrite_if_exists: e.overwrite_if_exists,
                })
                .collect(),
        }
    }));
    steps.extend(p.move_keys.map(|p| {
        Step::MoveKeys {
            entries: p
                .entries
                .into_iter()
                .map(|e| Movement {
                    source: e.source,
                    target: e.target,
                    overwrite_if_exists: e.overwrite_if_exists,
                })
                .collect(),
        }
    }));
    steps.extend(p.rename_keys.map(|p| {
        Step::RenameKeys {
            entries: p
                .entries
                .into_iter()
                .map(|e| Renaming {
                    key: e.key,
                    rename_to: e.rename_to,
                    overwrite_if_exists: e.overwrite_if_exists,
                })
                .collect(),
        }
    }));
    steps.extend(p.delete_keys.map(|p| Step::DeleteKeys { with_keys: p.with_keys }));
    steps.extend(p.lower_case_string.map(|p| Step::LowerCaseString { with_keys: p.with_keys }));
    steps.extend(p.upper_case_string.map(|p| Step::UpperCaseString { with_keys: p.with_keys }));
    steps.extend(p.trim_string.map(|p| Step::TrimString { with_keys: p.with_keys }));
    steps.extend(p.split_string.map(|p| Step::SplitString {
        entries: p.entries.into_iter().map(|e| Split { source: e.source, delimiter: e.delimiter }).collect(),
    }));
    steps.extend(
        p.substitute_string.map(|p| Step::SubstituteString {
            entries: p
                .entries
                .into_iter()
                .map(|e| Substitution { source: e.source, from: e.from, to: e.to })
                .collect(),
        }),
    );
    steps.extend(p.type_converter.map(|p| {
        Step::TypeConverter {
            entries: p
                .entries
                .into_iter()
                .map(|e| Conversion { key: e.key, kind: e.r#type.as_str().to_owned() })
                .collect(),
        }
    }));
    steps.extend(p.date_time_converter.map(|p| Step::DateTimeConverter {
        source: p.source,
        target: p.target,
        match_patterns: p.match_patterns,
        target_format: p.target_format,
        source_timezone: p.source_timezone,
        target_timezone: p.target_timezone,
        locale: p.locale,
    }));
    steps.extend(p.list_to_map.map(|p| Step::ListToMap {
        source: p.source,
        key: p.key,
        value_key: p.value_key,
        target: p.target,
        flatten: p.flatten,
        flattened_element: p.flattened_element.map(|element| element.as_str().to_owned()),
    }));
    steps
}

/// The processors as GetTransformer shows them.
pub(crate) fn shapes(steps: &[Step]) -> Vec<api::Processor> {
    steps.iter().cloned().map(shape).collect()
}

fn shape(step: Step) -> api::Processor {
    let mut p = api::Processor::default();
    match step {
        Step::ParseJson { source, destination } => {
            p.parse_json = Some(api::ParseJSON { source, destination })
        }
        Step::Grok { source, pattern } => p.grok = Some(api::Grok { source, r#match: pattern }),
        Step::Csv { source, delimiter, quote_character, columns, destination } => {
            p.csv = Some(api::CSV { source, delimiter, quote_character, columns, destination });
        }
        Step::ParseKeyValue {
            source,
            destination,
            field_delimiter,
            key_value_delimiter,
            key_prefix,
            non_match_value,
            overwrite_if_exists,
        } => {
            p.parse_key_value = Some(api::ParseKeyValue {
                source,
                destination,
                field_delimiter,
                key_value_delimiter,
                key_prefix,
                non_match_value,
                overwrite_if_exists,
            });
        }
        Step::ParseWaf { source } => p.parse_waf = Some(api::ParseWAF { source }),
        Step::ParsePostgres { source } => p.parse_postgres = Some(api::ParsePostgres { source }),
        Step::ParseCloudfront { source } => p.parse_cloudfront = Some(api::ParseCloudfront { source }),
        Step::ParseRoute53 { source } => p.parse_route53 = Some(api::ParseRoute53 { source }),
        Step::ParseVpc { source } => p.parse_vpc = Some(api::ParseVPC { source }),
        Step::AddKeys { entries } => {
            p.add_keys = Some(api::AddKeys { entries: entries.into_iter().map(added).collect() })
        }
        Step::CopyValue { entries } => {
            let entry = |e: Movement| api::CopyValueEntry {
                source: e.source,
                target: e.target,
                overwrite_if_exists: e.overwrite_if_exists,
            };
            p.copy_value = Some(api::CopyValue { entries: entries.into_iter().map(entry).collect() });
        }
        Step::MoveKeys { entries } => {
            let entry = |e: Movement| api::MoveKeyEntry {
                source: e.source,
                target: e.target,
                overwrite_if_exists: e.overwrite_if_exists,
            };
            p.move_keys = Some(api::MoveKeys { entries: entries.into_iter().map(entry).collect() });
        }
        Step::RenameKeys { entries } => {
            let entry = |e: Renaming| api::RenameKeyEntry {
                key: e.key,
                rename_to: e.rename_to,
                overwrite_if_exists: e.overwrite_if_exists,
            };
            p.rename_keys = Some(api::RenameKeys { entries: entries.into_iter().map(entry).collect() });
        }
        Step::DeleteKeys { with_keys } => p.delete_keys = Some(api::DeleteKeys { with_keys }),
        Step::LowerCaseString { with_keys } => p.lower_case_string = Some(api::LowerCaseString { with_keys }),
        Step::UpperCaseString { with_keys } => p.upper_case_string = Some(api::UpperCaseString { with_keys }),
        Step::TrimString { with_keys } => p.trim_string = Some(api::TrimString { with_keys }),
        Step::SplitString { entries } => {
            let entry = |e: Split| api::SplitStringEntry { source: e.source, delimiter: e.delimiter };
            p.split_string = Some(api::SplitString { entries: entries.into_iter().map(entry).collect() });
        }
        Step::SubstituteString { entries } => {
            let entry =
                |e: Substitution| api::SubstituteStringEntry { source: e.source, from: e.from, to: e.to };
            p.substitute_string =
                Some(api::SubstituteString { entries: entries.into_iter().map(entry).collect() });
        }
        Step::TypeConverter { entries } => {
            let entry = |e: Conversion| api::TypeConverterEntry { key: e.key, r#type: e.kind.into() };
            p.type_converter = Some(api::TypeConverter { entries: entries.into_iter().map(entry).collect() });
        }
        Step::DateTimeConverter {
            source,
            target,
            match_patterns,
            target_format,
            source_timezone,
            target_timezone,
            locale,
        } => {
            p.date_time_converter = Some(api::DateTimeConverter {
                source,
                target,
                match_patterns,
                target_format,
                source_timezone,
                target_timezone,
                locale,
            });
        }
        Step::ListToMap { source, key, value_key, target, flatten, flattened_element } => {
            let flattened_element = flattened_element.map(Into::into);
            p.list_to_map =
                Some(api::ListToMap { source, key, value_key, target, flatten, flattened_element });
        }
    }
    p
}

fn added(e: AddKey) -> api::AddKeyEntry {
    api::AddKeyEntry { key: e.key, value: e.value, overwrite_if_exists: e.overwrite_if_exists }
}
