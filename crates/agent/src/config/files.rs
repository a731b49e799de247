//! Configuration files: one, several, or a folder of them, merged.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::ConfigError;

/// Reads and merges files, folders being all their `*.json` in name order. Objects merge, arrays append, and a
/// single value must not be set twice to different things.
pub fn read(paths: &[PathBuf]) -> Result<Value, ConfigError> {
    let mut merged = Value::Object(Map::new());
    let mut origins = BTreeMap::new();
    for path in paths {
        for file in files_of(path)? {
            let value = read_file(&file)?;
            merge(&mut merged, value, "", &file.display().to_string(), &mut origins)?;
        }
    }
    Ok(merged)
}

fn files_of(path: &Path) -> Result<Vec<PathBuf>, ConfigError> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let unreadable = |source| ConfigError::Read { path: path.display().to_string(), source };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        if file.extension().is_some_and(|extension| extension == "json") {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

fn read_file(path: &Path) -> Result<Value, ConfigError> {
    let shown = path.display().to_string();
    let text =
        std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: shown.clone(), source })?;
    if path.extension().is_some_and(|extension| extension == "toml") {
        return from_toml(&text).map_err(|detail| ConfigError::Toml { path: shown, detail });
    }
    serde_json::from_str(&text).map_err(|error| ConfigError::Json { path: shown, detail: error.to_string() })
}

/// The short form: the same members, with `metrics.collect = ["cpu", …]` for sections with their usual fields
/// and `[[files]]` for `logs.logs_collected.files.collect_list`.
pub(super) fn from_toml(text: &str) -> Result<Value, String> {
    let value: Value = toml::from_str(text).map_err(|error| error.to_string())?;
    let Value::Object(mut root) = value else { return Err("it is no table".to_owned()) };
    if let Some(files) = root.remove("files") {
        let collected = child(child(child(&mut root, "logs")?, "logs_collected")?, "files")?;
        collected.insert("collect_list".to_owned(), files);
    }
    if let Some(Value::Object(metrics)) = root.get_mut("metrics")
        && let Some(names) = metrics.remove("collect")
    {
        let Value::Array(names) = names else { return Err("metrics.collect is no array".to_owned()) };
        let sections = child(metrics, "metrics_collected")?;
        for name in names {
            let Value::String(name) = name else { return Err("metrics.collect holds no names".to_owned()) };
            sections.entry(name).or_insert_with(|| Value::Object(Map::new()));
        }
    }
    Ok(Value::Object(root))
}

fn child<'a>(map: &'a mut Map<String, Value>, name: &str) -> Result<&'a mut Map<String, Value>, String> {
    let entry = map.entry(name).or_insert_with(|| Value::Object(Map::new()));
    entry.as_object_mut().ok_or_else(|| format!("{name} is no table"))
}

fn merge(
    into: &mut Value,
    from: Value,
    path: &str,
    file: &str,
    origins: &mut BTreeMap<String, String>,
) -> Result<(), ConfigError> {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                match into.get_mut(&name) {
                    Some(existing) => merge(existing, value, &path, file, origins)?,
                    None => {
                        note_origins(&value, &path, file, origins);
                        into.insert(name, value);
                    }
                }
            }
            Ok(())
        }
        (Value::Array(into), Value::Array(mut from)) => {
            into.append(&mut from);
            Ok(())
        }
        (into, from) if *into == from => Ok(()),
        _ => Err(ConfigError::Conflict {
            member: path.to_owned(),
            first: origins.get(path).cloned().unwrap_or_default(),
            second: file.to_owned(),
        }),
    }
}

fn note_origins(value: &Value, path: &str, file: &str, origins: &mut BTreeMap<String, String>) {
    origins.insert(path.to_owned(), file.to_owned());
    if let Value::Object(members) = value {
        for (name, value) in members {
            note_origins(value, &format!("{path}.{name}"), file, origins);
        }
    }
}
