//! The `schemas` module of a generated file: one static and one function per shape.

use std::fmt::Write as _;

use super::emit::Context;
use super::model::{MemberRef, Shape};
use crate::Result;

pub(crate) fn emit(out: &mut String, cx: &Context<'_>) -> Result<()> {
    out.push_str(
        "/// Schemas, one per shape of the model.\npub mod schemas {\n\
         #[allow(unused_imports, reason = \"not every model uses every kind\")]\n\
         use smithy::{ErrorTrait, Fault, HttpBinding, Kind, Member, Schema, TimestampFormat};\n\n\
         #[allow(unused_imports, reason = \"not every model uses every kind\")]\n\
         use crate::put::{optional, required};\n\n",
    );
    for (name, shape) in &cx.model.shapes {
        schema(out, cx, name, shape)?;
    }
    out.push_str("}\n");
    Ok(())
}

fn schema(out: &mut String, cx: &Context<'_>, name: &str, shape: &Shape) -> Result<()> {
    let function = cx.function(name);
    let capitals = function.to_uppercase();
    write!(out, "pub static {capitals}: Schema = Schema {{ ")?;
    let members = members(cx, shape)?;
    if !members.is_empty() {
        write!(out, "members: &[{}], ", members.join(", "))?;
    }
    bounds(out, shape)?;
    if let Some(pattern) = &shape.pattern {
        write!(out, "pattern: Some({pattern:?}), ")?;
    }
    if !shape.enum_values.is_empty() {
        write!(out, "enum_values: &{:?}, ", shape.enum_values)?;
    }
    for (set, field) in
        [(shape.flattened, "flattened"), (shape.sensitive, "sensitive"), (shape.eventstream, "event_stream")]
    {
        if set {
            write!(out, "{field}: true, ")?;
        }
    }
    if let Some(format) = &shape.timestamp_format {
        write!(out, "timestamp_format: Some({}), ", timestamp_format(format)?)?;
    }
    if shape.exception {
        write!(out, "error: Some({}), ", error_trait(name, shape))?;
    }
    writeln!(
        out,
        "..Schema::new({name:?}, Kind::{}) }};\npub fn {function}() -> &'static Schema {{ &{capitals} }}\n",
        kind(shape)?
    )?;
    Ok(())
}

fn members(cx: &Context<'_>, shape: &Shape) -> Result<Vec<String>> {
    let mut list = Vec::new();
    for (name, member) in &shape.members {
        list.push(one_member(cx, name, member, shape.required.contains(name))?);
    }
    for (name, member) in [("member", &shape.member), ("key", &shape.key), ("value", &shape.value)] {
        if let Some(member) = member {
            list.push(one_member(cx, name, member, false)?);
        }
    }
    Ok(list)
}

fn one_member(cx: &Context<'_>, name: &str, member: &MemberRef, required: bool) -> Result<String> {
    cx.model.shape(&member.shape)?;
    let base = format!(
        "{}({name:?}, {})",
        if required { "required" } else { "optional" },
        cx.function(&member.shape)
    );
    let mut traits = String::new();
    let location_name = member.location_name.as_deref().unwrap_or(name);
    match member.location.as_deref() {
        None if location_name != name => write!(traits, "location_name: Some({location_name:?}), ")?,
        None => {}
        Some("uri") => write!(traits, "http: Some(HttpBinding::Label({location_name:?})), ")?,
        Some("querystring") => write!(traits, "http: Some(HttpBinding::Query({location_name:?})), ")?,
        Some("header") => write!(traits, "http: Some(HttpBinding::Header({location_name:?})), ")?,
        Some("statusCode") => traits.push_str("http: Some(HttpBinding::StatusCode), "),
        Some(other) => return Err(format!("member {name}: unknown location {other}").into()),
    }
    if member.flattened {
        traits.push_str("flattened: true, ");
    }
    if let Some(format) = &member.timestamp_format {
        write!(traits, "timestamp_format: Some({}), ", timestamp_format(format)?)?;
    }
    if member.idempotency_token {
        traits.push_str("idempotency_token: true, ");
    }
    Ok(if traits.is_empty() { base } else { format!("Member {{ {traits}..{base} }}") })
}

fn bounds(out: &mut String, shape: &Shape) -> Result<()> {
    let number = matches!(shape.kind.as_str(), "integer" | "long" | "float" | "double");
    for (bound, length, range) in
        [(shape.min, "length_min", "range_min"), (shape.max, "length_max", "range_max")]
    {
        match bound {
            Some(value) if number => write!(out, "{range}: Some({value:?}), ")?,
            // A length is whole and not negative; the models write it as a number.
            Some(value) => write!(out, "{length}: Some({value:.0}), ")?,
            None => {}
        }
    }
    Ok(())
}

fn kind(shape: &Shape) -> Result<&'static str> {
    Ok(match shape.kind.as_str() {
        "structure" if shape.document => "Document",
        "structure" if shape.union || shape.eventstream => "Union",
        "structure" => "Structure",
        "list" => "List",
        "map" => "Map",
        "string" if shape.enum_values.is_empty() => "String",
        "string" => "Enum",
        "boolean" => "Boolean",
        "integer" => "Integer",
        "long" => "Long",
        "float" => "Float",
        "double" => "Double",
        "timestamp" => "Timestamp",
        "blob" => "Blob",
        other => return Err(format!("unknown type {other}").into()),
    })
}

fn timestamp_format(format: &str) -> Result<&'static str> {
    Ok(match format {
        "unixTimestamp" => "TimestampFormat::EpochSeconds",
        "iso8601" => "TimestampFormat::DateTime",
        "rfc822" => "TimestampFormat::HttpDate",
        other => return Err(format!("unknown timestamp format {other}").into()),
    })
}

fn error_trait(name: &str, shape: &Shape) -> String {
    let facts = shape.error.as_ref();
    let sender = !shape.fault || facts.is_some_and(|f| f.sender_fault);
    let status = facts.and_then(|f| f.http_status_code).unwrap_or(if sender { 400 } else { 500 });
    let sender = sender && status < 500;
    let code = facts.and_then(|f| f.code.as_deref()).filter(|code| *code != name);
    format!(
        "ErrorTrait {{ fault: Fault::{}, status: {status}, query_code: {code:?} }}",
        if sender { "Sender" } else { "Receiver" }
    )
}
