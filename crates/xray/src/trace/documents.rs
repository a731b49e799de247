//! The documents of a trace as BatchGetTraces returns them: lone subsegments embedded in their parents,
//! inferred segments beside the received ones. What need not change is returned byte for byte.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use store::tables::traces::StoredTrace;

use super::node::inferred_origin;
use super::{Callee, ItemId, Trace};
use crate::error::XRayError;

/// The quota of a trace's documents.
pub(crate) const TRACE_BYTES_MAX: usize = 500 * 1024;

/// A trace's documents, each with its segment's id.
pub(crate) struct DocumentPage {
    /// In order of start.
    pub(crate) segments: Vec<(u64, String)>,
}

pub(crate) fn documents(trace: &Trace, stored: &StoredTrace) -> Result<DocumentPage, XRayError> {
    let mut raw: HashMap<usize, RawEntity<'_>> = HashMap::new();
    let mut segments: Vec<(f64, u64, String)> = Vec::new();
    for top in trace.tops() {
        let item = &trace.items[top];
        let items = trace.subtree(top);
        let joined = items.iter().skip(1).any(|i| trace.items[*i].is_document);
        let text = if joined {
            let mut text = String::new();
            write_item(trace, stored, top, true, &mut text)?;
            text
        } else {
            as_text(&stored.segments[item.document].document)?.to_owned()
        };
        segments.push((item.entity.start_secs, item.entity.id, text));
        for caller in items {
            if let Some(Callee::Inferred(number)) = trace.items[caller].callees.first().copied() {
                let id = trace.inferred[number].id;
                let start = trace.items[caller].entity.start_secs;
                segments.push((start, id, inferred_document(trace, stored, caller, id, &mut raw)?));
            }
        }
    }
    segments.sort_by(|a, b| a.0.total_cmp(&b.0));
    Ok(DocumentPage { segments: segments.into_iter().map(|(_, id, text)| (id, text)).collect() })
}

/// Writes an item with all that belongs under it.
fn write_item(
    trace: &Trace,
    stored: &StoredTrace,
    item: ItemId,
    is_top: bool,
    out: &mut String,
) -> Result<(), XRayError> {
    let text = as_text(&stored.segments[trace.items[item].document].document)?;
    let document: RawEntity<'_> = serde_json::from_str(text)?;
    let own = if trace.items[item].is_document {
        Some(document)
    } else {
        find(document, trace.items[item].entity.id)?
    };
    let Some(own) = own else { return Ok(()) };
    let mut separator = '{';
    for (key, value) in &own.members {
        let inherited = matches!(key.as_ref(), "trace_id" | "parent_id" | "type");
        if key == "subsegments" || (inherited && !is_top) {
            continue;
        }
        out.push(separator);
        separator = ',';
        out.push_str(&serde_json::to_string(key)?);
        out.push(':');
        out.push_str(value.get());
    }
    let children = &trace.items[item].children;
    if !children.is_empty() {
        out.push_str(",\"subsegments\":");
        let mut separator = '[';
        for child in children {
            out.push(separator);
            separator = ',';
            write_item(trace, stored, *child, false, out)?;
        }
        out.push(']');
    }
    out.push('}');
    Ok(())
}

fn inferred_document<'a>(
    trace: &Trace,
    stored: &'a StoredTrace,
    caller: ItemId,
    id: u64,
    raw: &mut HashMap<usize, RawEntity<'a>>,
) -> Result<String, XRayError> {
    let item = &trace.items[caller];
    if let std::collections::hash_map::Entry::Vacant(entry) = raw.entry(item.document) {
        entry.insert(serde_json::from_str(as_text(&stored.segments[item.document].document)?)?);
    }
    let document = raw[&item.document].clone();
    let call = if item.is_document { Some(document) } else { find(document, item.entity.id)? };
    let call = call.unwrap_or_default();
    let member = |name: &str| call.members.iter().find(|(key, _)| key == name).map(|(_, value)| value.get());
    let quoted = |text: String| serde_json::to_string(&text);
    let mut out = format!("{{\"id\":\"{id:016x}\",\"name\":{}", quoted(item.entity.name.clone())?);
    for name in ["start_time", "end_time", "in_progress"] {
        push_member(&mut out, name, member(name));
    }
    out.push_str(&format!(
        ",\"trace_id\":\"{}\",\"parent_id\":\"{:016x}\",\"inferred\":true",
        trace.id, item.entity.id
    ));
    for name in ["http", "aws", "error", "fault", "throttle"] {
        push_member(&mut out, name, member(name));
    }
    if let Some(origin) = inferred_origin(&item.entity) {
        push_member(&mut out, "origin", Some(&quoted(origin)?));
    }
    out.push('}');
    Ok(out)
}

fn push_member(out: &mut String, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        out.push_str(",\"");
        out.push_str(name);
        out.push_str("\":");
        out.push_str(value);
    }
}

/// The embedded subsegment with this id.
fn find(document: RawEntity<'_>, id: u64) -> Result<Option<RawEntity<'_>>, XRayError> {
    let wanted = format!("\"{id:016x}\"");
    let mut pending = vec![document];
    while let Some(entity) = pending.pop() {
        for (key, value) in &entity.members {
            if key != "subsegments" {
                continue;
            }
            for inner in serde_json::from_str::<Vec<&RawValue>>(value.get())? {
                let inner: RawEntity<'_> = serde_json::from_str(inner.get())?;
                if inner.members.iter().any(|(key, value)| key == "id" && value.get() == wanted) {
                    return Ok(Some(inner));
                }
                pending.push(inner);
            }
        }
    }
    Ok(None)
}

fn as_text(document: &[u8]) -> Result<&str, XRayError> {
    std::str::from_utf8(document).map_err(|error| XRayError::Json(serde::de::Error::custom(error)))
}

/// The members of an object, in order, as they are written.
#[derive(Clone, Default)]
struct RawEntity<'a> {
    members: Vec<(Cow<'a, str>, &'a RawValue)>,
}

impl<'de> Deserialize<'de> for RawEntity<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = RawEntity<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a segment or subsegment")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<RawEntity<'de>, M::Error> {
                let mut members = Vec::new();
                // Compiled documents have keys without escapes at this level.
                while let Some((key, value)) = map.next_entry::<&'de str, &'de RawValue>()? {
                    members.push((Cow::Borrowed(key), value));
                }
                Ok(RawEntity { members })
            }
        }
        deserializer.deserialize_map(Members)
    }
}
