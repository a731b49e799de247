//! Headers of a frame: typed values under short names.

use base::Timestamp;

use super::frame::FrameError;

/// A header's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderValue {
    Boolean(bool),
    Byte(i8),
    Short(i16),
    Integer(i32),
    Long(i64),
    Bytes(Vec<u8>),
    String(String),
    Timestamp(Timestamp),
    Uuid([u8; 16]),
}

const TRUE: u8 = 0;
const FALSE: u8 = 1;
const BYTE: u8 = 2;
const SHORT: u8 = 3;
const INTEGER: u8 = 4;
const LONG: u8 = 5;
const BYTES: u8 = 6;
const STRING: u8 = 7;
const TIMESTAMP: u8 = 8;
const UUID: u8 = 9;

/// Appends one header.
pub(super) fn push(out: &mut Vec<u8>, name: &str, value: &HeaderValue) -> Result<(), FrameError> {
    let length = u8::try_from(name.len()).ok().filter(|length| *length > 0).ok_or(FrameError::Header)?;
    out.push(length);
    out.extend_from_slice(name.as_bytes());
    match value {
        HeaderValue::Boolean(true) => out.push(TRUE),
        HeaderValue::Boolean(false) => out.push(FALSE),
        HeaderValue::Byte(value) => push_fixed(out, BYTE, &value.to_be_bytes()),
        HeaderValue::Short(value) => push_fixed(out, SHORT, &value.to_be_bytes()),
        HeaderValue::Integer(value) => push_fixed(out, INTEGER, &value.to_be_bytes()),
        HeaderValue::Long(value) => push_fixed(out, LONG, &value.to_be_bytes()),
        HeaderValue::Bytes(value) => push_sized(out, BYTES, value)?,
        HeaderValue::String(value) => push_sized(out, STRING, value.as_bytes())?,
        HeaderValue::Timestamp(value) => push_fixed(out, TIMESTAMP, &value.as_millis().to_be_bytes()),
        HeaderValue::Uuid(value) => push_fixed(out, UUID, value),
    }
    Ok(())
}

fn push_fixed(out: &mut Vec<u8>, kind: u8, value: &[u8]) {
    out.push(kind);
    out.extend_from_slice(value);
}

fn push_sized(out: &mut Vec<u8>, kind: u8, value: &[u8]) -> Result<(), FrameError> {
    let length = u16::try_from(value.len()).map_err(|_| FrameError::Header)?;
    out.push(kind);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(value);
    Ok(())
}

/// Reads all headers of a frame.
pub(super) fn parse(mut rest: &[u8]) -> Result<Vec<(String, HeaderValue)>, FrameError> {
    let mut headers = Vec::new();
    while !rest.is_empty() {
        let [length] = take_array(&mut rest)?;
        if length == 0 {
            return Err(FrameError::Header);
        }
        let name = text(take(&mut rest, usize::from(length))?)?;
        let [kind] = take_array(&mut rest)?;
        let value = match kind {
            TRUE => HeaderValue::Boolean(true),
            FALSE => HeaderValue::Boolean(false),
            BYTE => HeaderValue::Byte(i8::from_be_bytes(take_array(&mut rest)?)),
            SHORT => HeaderValue::Short(i16::from_be_bytes(take_array(&mut rest)?)),
            INTEGER => HeaderValue::Integer(i32::from_be_bytes(take_array(&mut rest)?)),
            LONG => HeaderValue::Long(i64::from_be_bytes(take_array(&mut rest)?)),
            BYTES => HeaderValue::Bytes(take_sized(&mut rest)?.to_vec()),
            STRING => HeaderValue::String(text(take_sized(&mut rest)?)?),
            TIMESTAMP => {
                HeaderValue::Timestamp(Timestamp::from_millis(i64::from_be_bytes(take_array(&mut rest)?)))
            }
            UUID => HeaderValue::Uuid(take_array(&mut rest)?),
            _ => return Err(FrameError::Header),
        };
        headers.push((name, value));
    }
    Ok(headers)
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], FrameError> {
    let (head, tail) = rest.split_at_checked(length).ok_or(FrameError::Header)?;
    *rest = tail;
    Ok(head)
}

fn take_array<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], FrameError> {
    let (head, tail) = rest.split_first_chunk::<N>().ok_or(FrameError::Header)?;
    *rest = tail;
    Ok(*head)
}

fn take_sized<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], FrameError> {
    let length = u16::from_be_bytes(take_array(rest)?);
    take(rest, usize::from(length))
}

fn text(bytes: &[u8]) -> Result<String, FrameError> {
    String::from_utf8(bytes.to_vec()).map_err(|_| FrameError::Header)
}
