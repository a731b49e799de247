//! Numbers for group keys: of each key's values, then of their combinations.

use std::mem::size_of;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, StringViewBuilder, TimestampMillisecondArray, UInt32Array,
};
use datafusion::arrow::compute;
use datafusion::arrow::datatypes::{DataType, Field, Int32Type, Schema, TimestampMillisecondType};
use datafusion::common::{HashMap, Result};
use datafusion::logical_expr::EmitTo;
use datafusion::physical_plan::aggregates::group_values::{GroupValues, new_group_values};
use datafusion::physical_plan::aggregates::order::GroupOrdering;

const UNSET: u32 = u32::MAX;
/// Combinations are found in a table up to this size, by hashing beyond.
const TABLE_MAX: usize = 1 << 22;

/// Numbers of the values of one key.
pub(super) enum KeyCodes {
    Texts(TextCodes),
    Times(TimeCodes),
    Others { values: Box<dyn GroupValues>, codes: Vec<usize> },
}

impl KeyCodes {
    pub(super) fn new(kind: &DataType) -> Result<Self> {
        Ok(match kind {
            DataType::Dictionary(..) => Self::Texts(TextCodes::default()),
            DataType::Timestamp(..) => Self::Times(TimeCodes::default()),
            other => {
                let schema = Arc::new(Schema::new(vec![Field::new("key", other.clone(), true)]));
                Self::Others { values: new_group_values(schema, &GroupOrdering::None)?, codes: Vec::new() }
            }
        })
    }

    /// Appends the number of each row's value.
    pub(super) fn encode(&mut self, column: &ArrayRef, out: &mut Vec<u32>) -> Result<()> {
        match self {
            Self::Texts(texts) => texts.encode(column, out),
            Self::Times(times) => times.encode(column.as_primitive(), out),
            Self::Others { values, codes } => {
                values.intern(std::slice::from_ref(column), codes)?;
                out.extend(codes.iter().map(|code| *code as u32));
            }
        }
        Ok(())
    }

    /// All values by number; forgets them.
    pub(super) fn take(&mut self) -> Result<ArrayRef> {
        Ok(match self {
            Self::Texts(texts) => std::mem::take(texts).into_array(),
            Self::Times(times) => {
                Arc::new(TimestampMillisecondArray::from(std::mem::take(times).values)) as ArrayRef
            }
            Self::Others { values, .. } => values.emit(EmitTo::All)?.remove(0),
        })
    }

    pub(super) fn size(&self) -> usize {
        match self {
            Self::Texts(texts) => texts.size,
            Self::Times(times) => times.values.capacity() * 48,
            Self::Others { values, codes } => values.size() + codes.capacity() * size_of::<usize>(),
        }
    }
}

/// Texts that come in dictionaries; a dictionary is mapped when it is first met.
#[derive(Default)]
pub(super) struct TextCodes {
    numbers: HashMap<Box<str>, u32>,
    missing: Option<u32>,
    count: u32,
    /// The dictionary met last, and its values' numbers so far.
    known: Option<(ArrayRef, Vec<u32>)>,
    size: usize,
}

impl TextCodes {
    fn encode(&mut self, column: &ArrayRef, out: &mut Vec<u32>) {
        let dictionary = column.as_dictionary::<Int32Type>();
        let values = dictionary.values();
        let same =
            |(known, _): &(ArrayRef, Vec<u32>)| Arc::ptr_eq(known, values) || same_texts(known, values);
        let mut mapping = match self.known.take().filter(same) {
            Some((_, mapping)) => mapping,
            None => vec![UNSET; values.len()],
        };
        let texts = values.as_string::<i32>();
        let keys = dictionary.keys();
        for (row, key) in keys.values().iter().enumerate() {
            if keys.is_null(row) {
                out.push(self.missing());
                continue;
            }
            let code = &mut mapping[*key as usize];
            if *code == UNSET {
                *code = if texts.is_null(*key as usize) {
                    self.missing()
                } else {
                    self.number(texts.value(*key as usize))
                };
            }
            out.push(*code);
        }
        self.known = Some((Arc::clone(values), mapping));
    }

    fn missing(&mut self) -> u32 {
        *self.missing.get_or_insert_with(|| {
            self.count += 1;
            self.count - 1
        })
    }

    fn number(&mut self, text: &str) -> u32 {
        if let Some(known) = self.numbers.get(text) {
            return *known;
        }
        self.numbers.insert(text.into(), self.count);
        self.size += text.len() + 48;
        self.count += 1;
        self.count - 1
    }

    fn into_array(self) -> ArrayRef {
        let mut texts: Vec<Option<&str>> = vec![None; self.count as usize];
        for (text, number) in &self.numbers {
            texts[*number as usize] = Some(text);
        }
        let mut out = StringViewBuilder::with_capacity(texts.len()).with_fixed_block_size(64 << 10);
        texts.into_iter().for_each(|text| out.append_option(text));
        Arc::new(out.finish())
    }
}

/// Whether two arrays are views of the same memory: a reader may wrap a dictionary anew for each batch.
fn same_texts(a: &ArrayRef, b: &ArrayRef) -> bool {
    let (a, b) = (a.as_string::<i32>(), b.as_string::<i32>());
    a.value_offsets().as_ptr() == b.value_offsets().as_ptr()
        && a.len() == b.len()
        && a.null_count() == b.null_count()
}

/// Times, of which neighbours are mostly equal.
#[derive(Default)]
pub(super) struct TimeCodes {
    numbers: HashMap<Option<i64>, u32>,
    values: Vec<Option<i64>>,
    last: Option<(Option<i64>, u32)>,
}

impl TimeCodes {
    fn encode(
        &mut self,
        times: &datafusion::arrow::array::PrimitiveArray<TimestampMillisecondType>,
        out: &mut Vec<u32>,
    ) {
        let whole = times.null_count() == 0;
        for (row, time) in times.values().iter().enumerate() {
            let time = (whole || times.is_valid(row)).then_some(*time);
            let code = match self.last {
                Some((last, code)) if last == time => code,
                _ => self.number(time),
            };
            out.push(code);
        }
    }

    fn number(&mut self, time: Option<i64>) -> u32 {
        let code = *self.numbers.entry(time).or_insert_with(|| {
            self.values.push(time);
            self.values.len() as u32 - 1
        });
        self.last = Some((time, code));
        code
    }
}

/// Numbers for pairs of numbers, from 0 on, in the order in which they are met.
#[derive(Default)]
pub(super) struct Pairs {
    /// By first × `stride` + second, until it would be too large.
    table: Vec<u32>,
    stride: usize,
    hashed: Option<HashMap<u64, u32>>,
    pairs: Vec<(u32, u32)>,
}

impl Pairs {
    /// Replaces each number by that of its pair with the other.
    pub(super) fn encode(&mut self, firsts: &mut [u32], seconds: &[u32]) {
        let most = |codes: &[u32]| codes.iter().copied().max().map_or(0, |most| most as usize + 1);
        self.make_room(most(firsts), most(seconds));
        for (first, second) in firsts.iter_mut().zip(seconds) {
            *first = self.number(*first, *second);
        }
    }

    fn number(&mut self, first: u32, second: u32) -> u32 {
        let next = self.pairs.len() as u32;
        let slot = match &mut self.hashed {
            None => &mut self.table[first as usize * self.stride + second as usize],
            Some(hashed) => hashed.entry(u64::from(first) << 32 | u64::from(second)).or_insert(UNSET),
        };
        if *slot == UNSET {
            *slot = next;
            self.pairs.push((first, second));
        }
        *slot
    }

    fn make_room(&mut self, firsts: usize, seconds: usize) {
        if self.hashed.is_some() {
            return;
        }
        let stride = self.stride.max(seconds.next_power_of_two());
        let rows = (self.table.len() / self.stride.max(1)).max(firsts);
        if stride == self.stride && rows * stride <= self.table.len() {
            return;
        }
        let rows = rows.next_power_of_two();
        if rows * stride > TABLE_MAX {
            let key = |(first, second): &(u32, u32)| u64::from(*first) << 32 | u64::from(*second);
            self.hashed = Some(self.pairs.iter().map(key).zip(0..).collect());
            self.table = Vec::new();
            return;
        }
        let mut table = vec![UNSET; rows * stride];
        for (number, (first, second)) in self.pairs.iter().enumerate() {
            table[*first as usize * stride + *second as usize] = number as u32;
        }
        (self.table, self.stride) = (table, stride);
    }

    pub(super) fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Both halves of the pairs with these numbers.
    pub(super) fn split(&self, numbers: &[u32]) -> (Vec<u32>, Vec<u32>) {
        numbers.iter().map(|number| self.pairs[*number as usize]).unzip()
    }

    pub(super) fn size(&self) -> usize {
        let hashed = self.hashed.as_ref().map_or(0, |hashed| hashed.capacity() * 24);
        self.table.capacity() * 4 + self.pairs.capacity() * 8 + hashed
    }
}

/// The values with these numbers.
pub(super) fn pick(values: &ArrayRef, numbers: Vec<u32>) -> Result<ArrayRef> {
    Ok(compute::take(values, &UInt32Array::from(numbers), None)?)
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{DictionaryArray, Int32Array, Int64Array, StringArray};

    use super::*;

    fn texts(keys: &[Option<i32>], values: &[&str]) -> ArrayRef {
        let values: ArrayRef = Arc::new(StringArray::from(values.to_vec()));
        Arc::new(DictionaryArray::<Int32Type>::try_new(Int32Array::from(keys.to_vec()), values).unwrap())
    }

    #[test]
    fn equal_values_have_equal_numbers_whatever_the_dictionary() {
        let mut codes = KeyCodes::new(texts(&[], &[]).data_type()).unwrap();
        let mut out = Vec::new();
        codes.encode(&texts(&[Some(1), None, Some(0), Some(1)], &["a", "b", "never"]), &mut out).unwrap();
        codes.encode(&texts(&[Some(0), Some(1), None], &["b", "c"]), &mut out).unwrap();
        assert_eq!(out, [0, 1, 2, 0, 0, 3, 1]);
        let values = codes.take().unwrap();
        let values: Vec<Option<&str>> = values.as_string_view().iter().collect();
        assert_eq!(values, [Some("b"), None, Some("a"), Some("c")]);
        out.clear();
        codes.encode(&texts(&[Some(0)], &["z"]), &mut out).unwrap();
        assert_eq!(out, [0], "what was taken is forgotten");
    }

    #[test]
    fn times_and_other_kinds_are_numbered_too() {
        let times: ArrayRef =
            Arc::new(TimestampMillisecondArray::from(vec![Some(5), Some(5), None, Some(7), Some(5)]));
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![Some(5), Some(5), None, Some(7), Some(5)]));
        for column in [times, numbers] {
            let mut codes = KeyCodes::new(column.data_type()).unwrap();
            let mut out = Vec::new();
            codes.encode(&column, &mut out).unwrap();
            assert_eq!(out, [0, 0, 1, 2, 0]);
            let values = codes.take().unwrap();
            assert_eq!(&pick(&values, out).unwrap(), &column);
        }
    }

    #[test]
    fn pairs_are_numbered_in_tables_and_by_hashing() {
        let mut pairs = Pairs::default();
        let mut expected: HashMap<(u32, u32), u32> = HashMap::new();
        for round in 1..60u32 {
            // The last rounds leave the table behind.
            let spread = if round < 40 { round } else { round * 100 };
            let firsts: Vec<u32> = (0..200).map(|i| i * 7919 % (spread * 3)).collect();
            let seconds: Vec<u32> = (0..200).map(|i| i * 104_729 % (spread * 2)).collect();
            let mut codes = firsts.clone();
            pairs.encode(&mut codes, &seconds);
            for ((first, second), code) in firsts.iter().zip(&seconds).zip(&codes) {
                let next = expected.len() as u32;
                assert_eq!(*code, *expected.entry((*first, *second)).or_insert(next));
            }
            assert_eq!(pairs.split(&codes), (firsts, seconds));
        }
        assert!(pairs.hashed.is_some());
        assert_eq!(pairs.len(), expected.len());
    }
}
