//! The compact binary form of a distribution, in write-ahead log records and in parts. Counts and integers
//! are varints, values are doubles, little-endian. Format: `docs/formats/dist.md`.

use super::{Dist, Shape};

/// Bytes that are not a distribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a distribution: {0}")]
pub struct DistDecodeError(&'static str);

const CONSTANT: u8 = 0;
const EXACT: u8 = 1;
const BUCKETS: u8 = 2;
const OPAQUE: u8 = 3;
/// Items a decoded shape may have; a merge of buckets can never reach it.
const ITEMS_MAX: u64 = 1 << 18;

impl Dist {
    /// Appends the whole distribution.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_count(out, self.count);
        put_f64(out, self.sum);
        put_f64(out, self.min);
        put_f64(out, self.max);
        self.encode_shape(out);
    }

    /// Takes a distribution off the front of `bytes`.
    pub fn decode(bytes: &mut &[u8]) -> Result<Self, DistDecodeError> {
        let count = get_count(bytes)?;
        let (sum, min, max) = (get_f64(bytes)?, get_f64(bytes)?, get_f64(bytes)?);
        let shape = Self::decode_shape(bytes)?;
        Ok(Self { count, sum, min, max, shape })
    }

    /// Appends what is known beyond count, sum and extremes.
    pub fn encode_shape(&self, out: &mut Vec<u8>) {
        match &self.shape {
            Shape::Constant => out.push(CONSTANT),
            Shape::Exact(pairs) => {
                out.push(EXACT);
                put_varint(out, pairs.len() as u64);
                for (value, count) in pairs {
                    put_f64(out, *value);
                    put_count(out, *count);
                }
            }
            Shape::Buckets(buckets) => {
                out.push(BUCKETS);
                put_varint(out, buckets.len() as u64);
                let mut previous = 0i64;
                for (key, count) in buckets {
                    put_varint(out, zigzag(i64::from(*key) - previous));
                    put_count(out, *count);
                    previous = i64::from(*key);
                }
            }
            Shape::Opaque => out.push(OPAQUE),
        }
    }

    /// Takes a shape off the front of `bytes`.
    pub fn decode_shape(bytes: &mut &[u8]) -> Result<Shape, DistDecodeError> {
        let (tag, rest) = bytes.split_first().ok_or(SHORT)?;
        *bytes = rest;
        Ok(match *tag {
            CONSTANT => Shape::Constant,
            OPAQUE => Shape::Opaque,
            EXACT => {
                let len = get_len(bytes)?;
                let mut pairs = Vec::with_capacity(len.min(bytes.len() / 9 + 1));
                for _ in 0..len {
                    pairs.push((get_f64(bytes)?, get_count(bytes)?));
                }
                Shape::Exact(pairs)
            }
            BUCKETS => {
                let len = get_len(bytes)?;
                let mut buckets = Vec::with_capacity(len.min(bytes.len() / 2 + 1));
                let mut previous = 0i64;
                for _ in 0..len {
                    let delta = unzigzag(get_varint(bytes)?);
                    previous = previous.checked_add(delta).ok_or(DistDecodeError("a key overflows"))?;
                    let key = i32::try_from(previous).map_err(|_| DistDecodeError("a key overflows"))?;
                    buckets.push((key, get_count(bytes)?));
                }
                Shape::Buckets(buckets)
            }
            _ => return Err(DistDecodeError("an unknown shape")),
        })
    }
}

const SHORT: DistDecodeError = DistDecodeError("it ends early");

fn get_len(bytes: &mut &[u8]) -> Result<usize, DistDecodeError> {
    let len = get_varint(bytes)?;
    if len > ITEMS_MAX { Err(DistDecodeError("too many items")) } else { Ok(len as usize) }
}

/// A count: whole numbers as twice themselves, others as a 1 and the double.
fn put_count(out: &mut Vec<u8>, count: f64) {
    if count >= 0.0 && count < (1u64 << 53) as f64 && count.fract() == 0.0 {
        put_varint(out, (count as u64) << 1);
    } else {
        put_varint(out, 1);
        put_f64(out, count);
    }
}

fn get_count(bytes: &mut &[u8]) -> Result<f64, DistDecodeError> {
    let number = get_varint(bytes)?;
    if number & 1 == 0 { Ok((number >> 1) as f64) } else { get_f64(bytes) }
}

fn put_f64(out: &mut Vec<u8>, value: f64) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn get_f64(bytes: &mut &[u8]) -> Result<f64, DistDecodeError> {
    let (head, rest) = bytes.split_first_chunk::<8>().ok_or(SHORT)?;
    *bytes = rest;
    Ok(f64::from_le_bytes(*head))
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn get_varint(bytes: &mut &[u8]) -> Result<u64, DistDecodeError> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first().ok_or(SHORT)?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(DistDecodeError("a varint is too long"))
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(dist: &Dist) {
        let mut bytes = Vec::new();
        dist.encode(&mut bytes);
        bytes.push(0xAA);
        let mut rest = bytes.as_slice();
        assert_eq!(Dist::decode(&mut rest).unwrap(), *dist);
        assert_eq!(rest, [0xAA]);
        for cut in 0..bytes.len() - 1 {
            assert!(Dist::decode(&mut &bytes[..cut]).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn every_shape_comes_back_and_no_prefix_passes() {
        round_trip(&Dist::single(1.5));
        round_trip(&Dist::constant(-3.0, 0.25));
        round_trip(&Dist::from_statistic_set(3.0, 6.0, 1.0, 3.0));
        round_trip(&Dist::from_pairs([(1.0, 2.0), (0.5, 1.5), (7.0, 1e18)]).unwrap());
        let many = Dist::from_pairs((0..1500).map(|i| (f64::from(i) - 700.0, 1.0))).unwrap();
        assert!(matches!(many.shape, Shape::Buckets(_)));
        round_trip(&many);
    }
}
