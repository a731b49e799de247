//! Rust types of the shapes: structures, unions, enums, exceptions, and how each reads and writes itself.

use std::fmt::Write as _;

use super::emit::Context;
use super::model::{MemberRef, Shape};
use super::names::{field, type_name, variant};
use crate::Result;

pub(crate) fn emit(out: &mut String, cx: &Context<'_>) -> Result<()> {
    for (name, shape) in &cx.model.shapes {
        match shape.kind.as_str() {
            "structure" if shape.document => {}
            "structure" if shape.union || shape.eventstream => union(out, cx, name, shape)?,
            "structure" => structure(out, cx, name, shape)?,
            "string" if !shape.enum_values.is_empty() => enumeration(out, cx, name, shape)?,
            "list" => list(out, cx, name, shape)?,
            "map" => map(out, cx, name, shape)?,
            _ => {}
        }
    }
    Ok(())
}

/// The Rust type of a value of `shape`.
fn rust_type(cx: &Context<'_>, name: &str) -> Result<String> {
    let shape = cx.model.shape(name)?;
    Ok(match shape.kind.as_str() {
        "structure" if shape.document => "Document".to_owned(),
        "structure" => type_name(name),
        "string" if !shape.enum_values.is_empty() => type_name(name),
        "string" => "String".to_owned(),
        "list" => format!("Vec<{}>", rust_type(cx, &element(shape)?.shape)?),
        "map" => format!("BTreeMap<String, {}>", rust_type(cx, &map_value(shape)?.shape)?),
        "boolean" => "bool".to_owned(),
        "integer" => "i32".to_owned(),
        "long" => "i64".to_owned(),
        "float" | "double" => "f64".to_owned(),
        "timestamp" => "Timestamp".to_owned(),
        "blob" => "Vec<u8>".to_owned(),
        other => return Err(format!("{name}: unknown type {other}").into()),
    })
}

fn element(shape: &Shape) -> Result<&MemberRef> {
    shape.member.as_ref().ok_or_else(|| "a list without a member".into())
}

fn map_value(shape: &Shape) -> Result<&MemberRef> {
    shape.value.as_ref().ok_or_else(|| "a map without a value".into())
}

/// An expression reading a value of shape `name` from `r`.
fn read(cx: &Context<'_>, name: &str) -> Result<String> {
    let shape = cx.model.shape(name)?;
    let schema = format!("&{}", cx.schema(name));
    Ok(match shape.kind.as_str() {
        "structure" if shape.document => format!("r.read_document({schema})?"),
        "structure" => format!("{}::read(r)?", type_name(name)),
        "string" if !shape.enum_values.is_empty() => format!("r.read_string({schema})?.into()"),
        "string" => format!("r.read_string({schema})?"),
        "list" | "map" => format!("read_{}(r)?", cx.function(name)),
        "boolean" => format!("r.read_boolean({schema})?"),
        // The codec refuses what is out of the kind's range.
        "integer" => format!("r.read_integer({schema})? as i32"),
        "long" => format!("r.read_integer({schema})?"),
        "float" | "double" => format!("r.read_double({schema})?"),
        "timestamp" => format!("r.read_timestamp({schema})?"),
        "blob" => format!("r.read_blob({schema})?"),
        other => return Err(format!("{name}: unknown type {other}").into()),
    })
}

/// An expression writing `place` (`&T`, or `T` where small) of shape `name` as a value to `w`.
fn write_value(cx: &Context<'_>, name: &str, place: &str) -> Result<String> {
    let shape = cx.model.shape(name)?;
    let schema = format!("&{}", cx.schema(name));
    Ok(match shape.kind.as_str() {
        "structure" if shape.document => format!("w.write_document({schema}, {place})"),
        "structure" => format!("w.write_structure({schema}, {place})"),
        "string" if !shape.enum_values.is_empty() => format!("w.write_string({schema}, {place}.as_str())"),
        "string" => format!("w.write_string({schema}, {place})"),
        "list" | "map" => format!("write_{}({place}, w)", cx.function(name)),
        "boolean" => format!("w.write_boolean({schema}, *{place})"),
        "integer" => format!("w.write_integer({schema}, i64::from(*{place}))"),
        "long" => format!("w.write_integer({schema}, *{place})"),
        "float" | "double" => format!("w.write_double({schema}, *{place})"),
        "timestamp" => format!("w.write_timestamp({schema}, *{place})"),
        "blob" => format!("w.write_blob({schema}, {place})"),
        other => return Err(format!("{name}: unknown type {other}").into()),
    })
}

/// A statement's expression writing member `index`, held by the reference `place`.
fn write_member(cx: &Context<'_>, parent: &str, index: usize, target: &str, place: &str) -> Result<String> {
    let shape = cx.model.shape(target)?;
    let head = format!("w, &{}, {index}, &{}", cx.schema(parent), cx.schema(target));
    Ok(match shape.kind.as_str() {
        "structure" if !shape.document => format!("put::structure({head}, {place})?"),
        "string" if !shape.enum_values.is_empty() => format!("put::string({head}, {place}.as_str())?"),
        "string" => format!("put::string({head}, {place})?"),
        "boolean" => format!("put::boolean({head}, *{place})?"),
        "integer" => format!("put::integer({head}, i64::from(*{place}))?"),
        "long" => format!("put::integer({head}, *{place})?"),
        "float" | "double" => format!("put::double({head}, *{place})?"),
        "timestamp" => format!("put::timestamp({head}, *{place})?"),
        _ => format!(
            "w.member(&{}, {index}, &mut |w| {})?",
            cx.schema(parent),
            write_value(cx, target, place)?
        ),
    })
}

fn structure(out: &mut String, cx: &Context<'_>, name: &str, shape: &Shape) -> Result<()> {
    let rust = type_name(name);
    let schema = cx.schema(name);
    let (mut fields, mut reads, mut writes) = (String::new(), String::new(), String::new());
    for (index, (member_name, member)) in shape.members.iter().enumerate() {
        let is_message = shape.exception && member_name.eq_ignore_ascii_case("message");
        let optional = is_message || !shape.required.contains(member_name);
        let field = if is_message { "message".to_owned() } else { field(member_name) };
        let mut ty = rust_type(cx, &member.shape)?;
        let mut value = read(cx, &member.shape)?;
        let boxed = cx.boxed.contains(&(name.to_owned(), member_name.clone()));
        if boxed {
            ty = format!("Box<{ty}>");
            value = format!("Box::new({value})");
        }
        if optional {
            writeln!(fields, "pub {field}: Option<{ty}>,")?;
            writeln!(reads, "{index} => v.{field} = Some({value}),")?;
            let place = if boxed { "v.as_ref()" } else { "v" };
            let write = write_member(cx, name, index, &member.shape, place)?;
            writeln!(writes, "if let Some(v) = &self.{field} {{ {write}; }}")?;
        } else {
            writeln!(fields, "pub {field}: {ty},")?;
            writeln!(reads, "{index} => v.{field} = {value},")?;
            let place = if boxed { format!("self.{field}.as_ref()") } else { format!("&self.{field}") };
            let write = write_member(cx, name, index, &member.shape, &place)?;
            writeln!(
                writes,
                "{};",
                write
                    .replace("*&", "")
                    .replace(&format!("&self.{field}.as_str()"), &format!("self.{field}.as_str()"))
            )?;
        }
    }
    let has_message = shape.members.keys().any(|m| m.eq_ignore_ascii_case("message"));
    if shape.exception && !has_message {
        writeln!(
            fields,
            "/// Not a member of the model; protocols write it where clients look for it.\npub message: Option<String>,"
        )?;
    }
    writeln!(out, "#[derive(Debug, Clone, Default, PartialEq)]\npub struct {rust} {{\n{fields}}}\n")?;
    let read_body = if shape.members.is_empty() {
        format!("r.read_structure(&{schema}, &mut |_, _| Ok(()))?;\nOk(Self::default())")
    } else {
        format!(
            "let mut v = Self::default();\nr.read_structure(&{schema}, &mut |index, r| {{ match index {{ {reads} _ => {{}} }} Ok(()) }})?;\nOk(v)"
        )
    };
    let w = if writes.is_empty() { "_w" } else { "w" };
    shape_impls(out, &rust, &schema, &read_body, w, &format!("{writes} Ok(())"))?;
    if shape.exception {
        exception(out, &rust)?;
    }
    Ok(())
}

fn shape_impls(out: &mut String, rust: &str, schema: &str, read: &str, w: &str, write: &str) -> Result<()> {
    writeln!(
        out,
        "impl WriteShape for {rust} {{\nfn schema(&self) -> &'static Schema {{ &{schema} }}\n\n\
         fn write_members(&self, {w}: &mut dyn ShapeWriter) -> Result<(), WriteError> {{ {write} }}\n}}\n\n\
         impl Shape for {rust} {{\nfn shape_schema() -> &'static Schema {{ &{schema} }}\n\n\
         fn read(r: &mut dyn ShapeReader) -> Result<Self, ReadError> {{ {read} }}\n}}\n"
    )?;
    Ok(())
}

fn exception(out: &mut String, rust: &str) -> Result<()> {
    writeln!(
        out,
        "impl {rust} {{\n/// The exception with a text for the client.\n\
         pub fn new(message: impl Into<String>) -> Self {{ Self {{ message: Some(message.into()), ..Self::default() }} }}\n}}\n\n\
         impl From<{rust}> for OperationError {{\n\
         fn from(e: {rust}) -> Self {{ let message = e.message.clone(); put::modelled(Box::new(e), message) }}\n}}\n"
    )?;
    Ok(())
}

fn union(out: &mut String, cx: &Context<'_>, name: &str, shape: &Shape) -> Result<()> {
    let rust = type_name(name);
    let schema = cx.schema(name);
    let (mut variants, mut reads, mut writes) = (String::new(), String::new(), String::new());
    for (index, (member_name, member)) in shape.members.iter().enumerate() {
        let variant = match type_name(member_name) {
            name if name == "Unknown" => "UnknownValue".to_owned(),
            name => name,
        };
        let boxed = cx.boxed.contains(&(name.to_owned(), member_name.clone()));
        let (ty, value) = (rust_type(cx, &member.shape)?, read(cx, &member.shape)?);
        let (ty, value, place) = if boxed {
            (format!("Box<{ty}>"), format!("Box::new({value})"), "v.as_ref()")
        } else {
            (ty, value, "v")
        };
        writeln!(variants, "{variant}({ty}),")?;
        writeln!(reads, "{index} => v = Self::{variant}({value}),")?;
        writeln!(writes, "Self::{variant}(v) => {},", write_member(cx, name, index, &member.shape, place)?)?;
    }
    writeln!(
        out,
        "#[derive(Debug, Clone, Default, PartialEq)]\npub enum {rust} {{\n{variants}\
         /// No member, or one the model does not list.\n#[default]\nUnknown,\n}}\n"
    )?;
    let read_body = format!(
        "let mut v = Self::Unknown;\nr.read_structure(&{schema}, &mut |index, r| {{ match index {{ {reads} _ => {{}} }} Ok(()) }})?;\nOk(v)"
    );
    shape_impls(
        out,
        &rust,
        &schema,
        &read_body,
        "w",
        &format!("match self {{ {writes} Self::Unknown => {{}} }} Ok(())"),
    )
}

fn enumeration(out: &mut String, _cx: &Context<'_>, name: &str, shape: &Shape) -> Result<()> {
    let rust = type_name(name);
    let mut variants: Vec<(String, &str)> = Vec::new();
    for value in &shape.enum_values {
        let mut variant = variant(value);
        while variants.iter().any(|(taken, _)| *taken == variant) {
            variant.push('_');
        }
        variants.push((variant, value));
    }
    writeln!(out, "#[derive(Debug, Clone, PartialEq, Eq, Hash)]\npub enum {rust} {{")?;
    for (variant, _) in &variants {
        writeln!(out, "{variant},")?;
    }
    writeln!(out, "/// A value the model does not list.\nUnknown(String),\n}}\n")?;
    writeln!(out, "impl {rust} {{\npub fn as_str(&self) -> &str {{ match self {{")?;
    for (variant, value) in &variants {
        writeln!(out, "Self::{variant} => {value:?},")?;
    }
    writeln!(out, "Self::Unknown(value) => value,\n}} }}\n")?;
    writeln!(out, "fn known(value: &str) -> Option<Self> {{ Some(match value {{")?;
    for (variant, value) in &variants {
        writeln!(out, "{value:?} => Self::{variant},")?;
    }
    writeln!(out, "_ => return None,\n}}) }}\n}}\n\nput::enumeration!({rust});\n")?;
    Ok(())
}

fn list(out: &mut String, cx: &Context<'_>, name: &str, shape: &Shape) -> Result<()> {
    let (function, schema) = (cx.function(name), cx.schema(name));
    let target = &element(shape)?.shape;
    let ty = rust_type(cx, target)?;
    let value = read(cx, target)?;
    let write =
        write_value(cx, target, "&v[i]")?.replace("*&", "").replace("&v[i].as_str()", "v[i].as_str()");
    writeln!(
        out,
        "fn read_{function}(r: &mut dyn ShapeReader) -> Result<Vec<{ty}>, ReadError> {{\nlet mut v = Vec::new();\n\
         r.read_list(&{schema}, &mut |r| {{ v.push({value}); Ok(()) }})?;\nOk(v)\n}}\n\n\
         fn write_{function}(v: &[{ty}], w: &mut dyn ShapeWriter) -> Result<(), WriteError> {{\n\
         w.write_list(&{schema}, v.len(), &mut |i, w| {write})\n}}\n"
    )?;
    Ok(())
}

fn map(out: &mut String, cx: &Context<'_>, name: &str, shape: &Shape) -> Result<()> {
    let (function, schema) = (cx.function(name), cx.schema(name));
    let target = &map_value(shape)?.shape;
    let ty = rust_type(cx, target)?;
    let value = read(cx, target)?;
    let write = write_value(cx, target, "values[i]")?;
    writeln!(
        out,
        "fn read_{function}(r: &mut dyn ShapeReader) -> Result<BTreeMap<String, {ty}>, ReadError> {{\n\
         let mut v = BTreeMap::new();\n\
         r.read_map(&{schema}, &mut |key, r| {{ v.insert(key, {value}); Ok(()) }})?;\nOk(v)\n}}\n\n\
         fn write_{function}(v: &BTreeMap<String, {ty}>, w: &mut dyn ShapeWriter) -> Result<(), WriteError> {{\n\
         let (keys, values): (Vec<&str>, Vec<&{ty}>) = v.iter().map(|(key, value)| (key.as_str(), value)).unzip();\n\
         w.write_map(&{schema}, &keys, &mut |i, w| {write})\n}}\n"
    )?;
    Ok(())
}
