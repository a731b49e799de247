//! The API models as they are read: botocore's service description format, version 2.0.
//!
//! Unknown keys are refused, so that a trait this generator does not know is noticed at a model bump.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::Result;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Model {
    pub metadata: Metadata,
    pub operations: BTreeMap<String, Operation>,
    pub shapes: BTreeMap<String, Shape>,
    #[serde(rename = "pagination", default)]
    _pagination: Value,
    #[serde(rename = "waiters", default)]
    _waiters: Value,
    #[serde(rename = "version", default)]
    _version: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Metadata {
    pub api_version: String,
    pub endpoint_prefix: String,
    pub json_version: Option<String>,
    pub protocol: String,
    #[serde(default)]
    pub protocols: Vec<String>,
    pub service_full_name: String,
    pub service_id: String,
    pub signing_name: Option<String>,
    pub target_prefix: Option<String>,
    pub xml_namespace: Option<String>,
    pub aws_query_compatible: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Operation {
    pub http: Http,
    pub input: Option<Target>,
    pub output: Option<Target>,
    #[serde(default)]
    pub errors: Vec<Target>,
    pub authtype: Option<String>,
    pub endpoint: Option<Endpoint>,
    pub requestcompression: Option<Value>,
    #[serde(rename = "name")]
    _name: String,
    #[serde(rename = "auth", default)]
    _auth: Value,
    #[serde(rename = "idempotent", default)]
    _idempotent: Value,
    #[serde(rename = "readonly", default)]
    _readonly: Value,
    #[serde(rename = "deprecated", default)]
    _deprecated: Value,
    #[serde(rename = "deprecatedMessage", default)]
    _deprecated_message: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Http {
    pub method: String,
    pub request_uri: String,
    pub response_code: Option<u16>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Endpoint {
    pub host_prefix: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Target {
    pub shape: String,
    /// Always `<Operation>Result`, which the protocol knows.
    #[serde(rename = "resultWrapper", default)]
    _result_wrapper: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Shape {
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub members: BTreeMap<String, MemberRef>,
    #[serde(default)]
    pub required: Vec<String>,
    pub member: Option<MemberRef>,
    pub key: Option<MemberRef>,
    pub value: Option<MemberRef>,
    pub min: Option<f64>,
    pub max: Option<f64>,
    pub pattern: Option<String>,
    #[serde(rename = "enum", default)]
    pub enum_values: Vec<String>,
    #[serde(default)]
    pub flattened: bool,
    #[serde(default)]
    pub sensitive: bool,
    #[serde(default)]
    pub eventstream: bool,
    #[serde(default)]
    pub union: bool,
    #[serde(default)]
    pub document: bool,
    #[serde(default)]
    pub exception: bool,
    #[serde(default)]
    pub fault: bool,
    pub error: Option<ErrorFacts>,
    pub timestamp_format: Option<String>,
    #[serde(rename = "event", default)]
    _event: bool,
    #[serde(rename = "box", default)]
    _boxed: bool,
    #[serde(rename = "synthetic", default)]
    _synthetic: bool,
    #[serde(rename = "xmlOrder", default)]
    _xml_order: Value,
    #[serde(rename = "deprecated", default)]
    _deprecated: Value,
    #[serde(rename = "deprecatedMessage", default)]
    _deprecated_message: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ErrorFacts {
    pub code: Option<String>,
    pub http_status_code: Option<u16>,
    #[serde(default)]
    pub sender_fault: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct MemberRef {
    pub shape: String,
    pub location: Option<String>,
    pub location_name: Option<String>,
    #[serde(default)]
    pub flattened: bool,
    #[serde(default)]
    pub idempotency_token: bool,
    pub timestamp_format: Option<String>,
    #[serde(rename = "box", default)]
    _boxed: bool,
    #[serde(rename = "contextParam", default)]
    _context_param: Value,
    #[serde(rename = "deprecated", default)]
    _deprecated: Value,
    #[serde(rename = "deprecatedMessage", default)]
    _deprecated_message: Value,
    #[serde(rename = "deprecatedSince", default)]
    _deprecated_since: Value,
}

/// One correction of a model. Every patch states why.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Patch {
    reason: String,
    /// JSON pointer; its parent must exist.
    path: String,
    /// `null` removes what is there.
    value: Value,
}

impl Model {
    /// Reads `models/<service>.json` and applies `models/patches/<service>.json`.
    pub(crate) fn load(models: &Path, service: &str) -> Result<Model> {
        let file = models.join(format!("{service}.json"));
        let text = fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))?;
        let mut value: Value = serde_json::from_str(&text).map_err(|e| format!("{}: {e}", file.display()))?;
        let patches = models.join(format!("patches/{service}.json"));
        if patches.exists() {
            let list: Vec<Patch> = serde_json::from_str(&fs::read_to_string(&patches)?)
                .map_err(|e| format!("{}: {e}", patches.display()))?;
            for patch in list {
                apply(&mut value, patch).map_err(|e| format!("{}: {e}", patches.display()))?;
            }
        }
        serde_json::from_value(value).map_err(|e| format!("{}: {e}", file.display()).into())
    }

    pub(crate) fn shape(&self, name: &str) -> Result<&Shape> {
        self.shapes.get(name).ok_or_else(|| format!("no shape {name}").into())
    }
}

fn apply(model: &mut Value, patch: Patch) -> Result<()> {
    let Patch { reason, path, value } = patch;
    if reason.trim().is_empty() {
        return Err(format!("{path}: a patch states its reason").into());
    }
    let (parent, key) = path.rsplit_once('/').ok_or_else(|| format!("{path} is not a JSON pointer"))?;
    let parent = model
        .pointer_mut(parent)
        .and_then(Value::as_object_mut)
        .ok_or_else(|| format!("{path}: {parent} is not in the model"))?;
    if parent.get(key).unwrap_or(&Value::Null) == &value {
        return Err(format!("{path}: the model says so already, drop the patch").into());
    }
    if value.is_null() {
        parent.remove(key);
    } else {
        parent.insert(key.to_owned(), value);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Patch, apply};

    fn patch(reason: &str, path: &str, value: serde_json::Value) -> Patch {
        Patch { reason: reason.into(), path: path.into(), value }
    }

    #[test]
    fn patches_set_and_remove_and_must_change_something() {
        let mut model = json!({ "shapes": { "A": { "type": "structure" } } });
        apply(&mut model, patch("why", "/shapes/A/fault", json!(true))).expect("a patch");
        assert_eq!(model, json!({ "shapes": { "A": { "type": "structure", "fault": true } } }));
        assert!(apply(&mut model, patch("why", "/shapes/A/fault", json!(true))).is_err(), "says so already");
        apply(&mut model, patch("why", "/shapes/A/fault", json!(null))).expect("a patch");
        assert_eq!(model, json!({ "shapes": { "A": { "type": "structure" } } }));
        assert!(apply(&mut model, patch("why", "/shapes/B/fault", json!(true))).is_err(), "no such shape");
        assert!(apply(&mut model, patch(" ", "/shapes/A/fault", json!(true))).is_err(), "no reason");
    }
}
