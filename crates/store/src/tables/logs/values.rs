//! How the values of one field are held in columns: typed when every value's text can be rebuilt from the
//! typed value byte for byte, as text otherwise.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, DictionaryArray, FixedSizeBinaryArray, Float64Array, Int32Array,
    Int64Array, StringArray, new_null_array,
};
use arrow::buffer::{BooleanBuffer, Buffer, MutableBuffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::compute;
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type};
use hashbrown::HashTable;

use super::iso;
use super::json::{Class, write_integer};
use crate::error::StoreError;

/// The physical form of a column of fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Encoding {
    /// Dictionary of texts. Strings are kept as they stand between the quotes, escapes and all.
    Dictionary,
    Text,
    /// Lower-case hexadecimal strings of this many bytes.
    Hex(u8),
    /// Strings like `2026-01-31T23:59:59.123Z`, as epoch milliseconds.
    Time,
    /// Canonical integers.
    Integer,
    /// Numbers with exactly so many decimals, scaled to integers below 2^53.
    Decimal(u8),
    /// Numbers that are the shortest text of their double, without exponent.
    Double,
    Bool,
}

const DECIMALS_MAX: usize = 9;
/// Scaled decimals stay below this, so that dividing by the scale gives the double nearest to the text.
const DECIMAL_MAX: i64 = 1 << 53;
const HEX_DIGITS: std::ops::RangeInclusive<usize> = 8..=64;
/// A dictionary larger than this (bytes of text) is not one.
const DICTIONARY_BYTES_MAX: usize = 4 << 20;
/// Columns with fewer distinct values are dictionaries whatever their share.
const DICTIONARY_ALWAYS: usize = 256;
/// Texts that are joined become a dictionary if each occurs so often on average,
const JOINED_REPEATS_MIN: usize = 4;
/// which is first looked at after so many rows: until then most texts are new.
const JOINED_TRIAL_ROWS: usize = 65_536;

impl Encoding {
    pub(crate) fn data_type(self) -> DataType {
        match self {
            Encoding::Dictionary => DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
            Encoding::Text => DataType::Utf8,
            Encoding::Hex(bytes) => DataType::FixedSizeBinary(i32::from(bytes)),
            Encoding::Time | Encoding::Integer | Encoding::Decimal(_) => DataType::Int64,
            Encoding::Double => DataType::Float64,
            Encoding::Bool => DataType::Boolean,
        }
    }

    /// Two bytes in a part's layout.
    pub(crate) fn to_bytes(self) -> [u8; 2] {
        match self {
            Encoding::Dictionary => [0, 0],
            Encoding::Text => [1, 0],
            Encoding::Hex(n) => [2, n],
            Encoding::Time => [3, 0],
            Encoding::Integer => [4, 0],
            Encoding::Decimal(n) => [5, n],
            Encoding::Double => [6, 0],
            Encoding::Bool => [7, 0],
        }
    }

    pub(crate) fn from_bytes(bytes: [u8; 2]) -> Option<Self> {
        Some(match bytes {
            [0, 0] => Encoding::Dictionary,
            [1, 0] => Encoding::Text,
            [2, n] if HEX_DIGITS.contains(&(usize::from(n) * 2)) => Encoding::Hex(n),
            [3, 0] => Encoding::Time,
            [4, 0] => Encoding::Integer,
            [5, n] if (1..=DECIMALS_MAX).contains(&usize::from(n)) => Encoding::Decimal(n),
            [6, 0] => Encoding::Double,
            [7, 0] => Encoding::Bool,
            _ => return None,
        })
    }
}

/// Ten to the power of a decimal's scale.
pub(crate) fn power_of_ten(scale: u8) -> f64 {
    10f64.powi(i32::from(scale))
}

/// A value of a column: its row, and its text in the message.
pub(crate) type Cell<'a> = (u32, &'a str);

/// Finds the tightest form for these cells (ascending rows, each at most once).
pub(crate) fn encode(class: Class, rows: usize, cells: &[Cell<'_>]) -> (Encoding, ArrayRef) {
    let typed = match class {
        Class::Bool => {
            let values = BooleanBuffer::from_iter(Dense::new(rows, cells).map(|t| t == Some("true")));
            return (Encoding::Bool, Arc::new(BooleanArray::new(values, nulls(rows, cells))));
        }
        Class::String => encode_hex(rows, cells).or_else(|| {
            let array = encode_i64(rows, cells, iso::parse)?;
            Some((Encoding::Time, array))
        }),
        Class::Number => encode_number(rows, cells),
    };
    typed.or_else(|| encode_dictionary(rows, cells)).unwrap_or_else(|| encode_text(rows, cells))
}

/// Walks all rows, giving the text of those that have one.
struct Dense<'c, 'a> {
    cells: std::iter::Peekable<std::slice::Iter<'c, Cell<'a>>>,
    row: u32,
    rows: u32,
}

impl<'c, 'a> Dense<'c, 'a> {
    fn new(rows: usize, cells: &'c [Cell<'a>]) -> Self {
        Self { cells: cells.iter().peekable(), row: 0, rows: rows as u32 }
    }
}

impl<'a> Iterator for Dense<'_, 'a> {
    type Item = Option<&'a str>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.row == self.rows {
            return None;
        }
        let row = self.row;
        self.row += 1;
        Some(self.cells.next_if(|(at, _)| *at == row).map(|(_, text)| *text))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = (self.rows - self.row) as usize;
        (left, Some(left))
    }
}

fn nulls(rows: usize, cells: &[Cell<'_>]) -> Option<NullBuffer> {
    (cells.len() < rows).then(|| {
        let mut set = arrow::array::BooleanBufferBuilder::new(rows);
        set.append_n(rows, false);
        cells.iter().for_each(|(row, _)| set.set_bit(*row as usize, true));
        NullBuffer::new(set.finish())
    })
}

fn encode_i64(rows: usize, cells: &[Cell<'_>], parse: impl Fn(&str) -> Option<i64>) -> Option<ArrayRef> {
    cells.first()?;
    let mut values = vec![0i64; rows];
    for (row, text) in cells {
        values[*row as usize] = parse(text)?;
    }
    Some(Arc::new(Int64Array::new(values.into(), nulls(rows, cells))))
}

fn encode_hex(rows: usize, cells: &[Cell<'_>]) -> Option<(Encoding, ArrayRef)> {
    let digits = cells.first()?.1.len();
    if digits % 2 == 1 || !HEX_DIGITS.contains(&digits) {
        return None;
    }
    let width = digits / 2;
    let mut values = MutableBuffer::from_len_zeroed(rows * width);
    for (row, text) in cells {
        let text = text.as_bytes();
        if text.len() != digits {
            return None;
        }
        let out = &mut values.as_slice_mut()[*row as usize * width..][..width];
        for (pair, byte) in text.chunks_exact(2).zip(out) {
            let (high, low) = (HEX_VALUES[usize::from(pair[0])], HEX_VALUES[usize::from(pair[1])]);
            if (high | low) & 0x80 != 0 {
                return None;
            }
            *byte = high << 4 | low;
        }
    }
    let array = FixedSizeBinaryArray::try_new(width as i32, values.into(), nulls(rows, cells)).ok()?;
    Some((Encoding::Hex(width as u8), Arc::new(array)))
}

/// Value of a lower-case hexadecimal digit, 0x80 for what is none.
const HEX_VALUES: [u8; 256] = {
    let mut table = [0x80u8; 256];
    let mut i = 0;
    while i < 16 {
        table[b"0123456789abcdef"[i] as usize] = i as u8;
        i += 1;
    }
    table
};

fn encode_number(rows: usize, cells: &[Cell<'_>]) -> Option<(Encoding, ArrayRef)> {
    if let Some(array) = encode_i64(rows, cells, |text| parse_scaled(text, 0)) {
        return Some((Encoding::Integer, array));
    }
    let first = cells.first()?.1;
    let decimals = first.len() - first.find('.').map_or(first.len(), |dot| dot + 1);
    if (1..=DECIMALS_MAX).contains(&decimals)
        && let Some(array) =
            encode_i64(rows, cells, |text| parse_scaled(text, decimals).filter(|v| v.abs() < DECIMAL_MAX))
    {
        return Some((Encoding::Decimal(decimals as u8), array));
    }
    let mut values = vec![0f64; rows];
    let mut shortest = String::with_capacity(32);
    for (row, text) in cells {
        let value: f64 = text.parse().ok().filter(|v: &f64| v.is_finite() && text.len() <= 32)?;
        shortest.clear();
        std::fmt::Write::write_fmt(&mut shortest, format_args!("{value}")).ok()?;
        if shortest != *text {
            return None;
        }
        values[*row as usize] = value;
    }
    Some((Encoding::Double, Arc::new(Float64Array::new(values.into(), nulls(rows, cells)))))
}

/// The number without its point, if its text is the canonical one with exactly `decimals` decimals.
fn parse_scaled(text: &str, decimals: usize) -> Option<i64> {
    let bytes = text.as_bytes();
    let (negative, digits) = match bytes.split_first()? {
        (b'-', rest) => (true, rest),
        _ => (false, bytes),
    };
    let whole = digits.len().checked_sub(if decimals == 0 { 0 } else { decimals + 1 })?;
    if whole == 0 || digits.len() > 19 || (whole > 1 && digits[0] == b'0') {
        return None;
    }
    let mut value = 0i64;
    for (at, b) in digits.iter().enumerate() {
        if decimals > 0 && at == whole {
            if *b != b'.' {
                return None;
            }
            continue;
        }
        if !b.is_ascii_digit() {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(i64::from(b - b'0'))?;
    }
    // A negative zero would come back without its sign.
    if negative && value == 0 {
        return None;
    }
    Some(if negative { -value } else { value })
}

/// Gathers distinct texts.
struct Interner {
    table: HashTable<u32>,
    hasher: foldhash::fast::FixedState,
    offsets: Vec<i32>,
    bytes: Vec<u8>,
}

impl Interner {
    fn new() -> Self {
        Self {
            table: HashTable::new(),
            hasher: foldhash::fast::FixedState::with_seed(0x6c6f_6773),
            offsets: vec![0],
            bytes: Vec::new(),
        }
    }

    fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    fn intern(&mut self, text: &[u8]) -> i32 {
        use std::hash::BuildHasher;
        let Self { table, hasher, offsets, bytes } = self;
        let at = |i: u32| &bytes[offsets[i as usize] as usize..offsets[i as usize + 1] as usize];
        let hash = hasher.hash_one(text);
        if let Some(found) = table.find(hash, |i| at(*i) == text) {
            return *found as i32;
        }
        let index = (offsets.len() - 1) as u32;
        table.insert_unique(hash, index, |i| hasher.hash_one(at(*i)));
        bytes.extend_from_slice(text);
        offsets.push(bytes.len() as i32);
        index as i32
    }

    fn finish(self) -> ArrayRef {
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.offsets));
        let values = StringArray::try_new(offsets, Buffer::from_vec(self.bytes), None);
        Arc::new(values.expect("interned texts are UTF-8"))
    }
}

fn encode_dictionary(rows: usize, cells: &[Cell<'_>]) -> Option<(Encoding, ArrayRef)> {
    let mut interner = Interner::new();
    let mut keys = vec![0i32; rows];
    for (done, (row, text)) in cells.iter().enumerate() {
        keys[*row as usize] = interner.intern(text.as_bytes());
        let distinct = interner.len();
        let wasteful = distinct > DICTIONARY_ALWAYS && done >= 1024 && distinct * 10 > done * 7;
        if wasteful || interner.bytes.len() > DICTIONARY_BYTES_MAX {
            return None;
        }
    }
    let keys = Int32Array::new(keys.into(), nulls(rows, cells));
    Some((Encoding::Dictionary, dictionary(keys, interner.finish())))
}

/// A dictionary array over keys that are known to be in range.
pub(crate) fn dictionary(keys: Int32Array, values: ArrayRef) -> ArrayRef {
    Arc::new(DictionaryArray::<Int32Type>::try_new(keys, values).expect("keys are in range"))
}

fn encode_text(rows: usize, cells: &[Cell<'_>]) -> (Encoding, ArrayRef) {
    (Encoding::Text, texts(rows, cells))
}

/// A text column over these cells.
pub(crate) fn texts(rows: usize, cells: &[Cell<'_>]) -> ArrayRef {
    let mut offsets = Vec::with_capacity(rows + 1);
    let mut bytes = Vec::with_capacity(cells.iter().map(|c| c.1.len()).sum());
    offsets.push(0i32);
    for text in Dense::new(rows, cells) {
        bytes.extend_from_slice(text.unwrap_or_default().as_bytes());
        offsets.push(bytes.len() as i32);
    }
    let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
    let array = StringArray::try_new(offsets, Buffer::from_vec(bytes), nulls(rows, cells));
    Arc::new(array.expect("messages are UTF-8"))
}

/// Joins the columns of one field over consecutive stretches of rows; `None` is a stretch without it.
pub(crate) fn concat(
    class: Class,
    stretches: &[(usize, Option<(Encoding, ArrayRef)>)],
) -> Result<(Encoding, ArrayRef), StoreError> {
    let rows: usize = stretches.iter().map(|(rows, _)| rows).sum();
    let mut encodings: Vec<Encoding> =
        stretches.iter().filter_map(|(_, column)| Some(column.as_ref()?.0)).collect();
    encodings.sort_by_key(|e| e.to_bytes());
    encodings.dedup();
    match encodings.as_slice() {
        [Encoding::Dictionary] => {
            let (joined, distinct, bytes) = concat_dictionaries(rows, stretches);
            if (distinct <= DICTIONARY_ALWAYS || distinct * 2 <= rows) && bytes <= DICTIONARY_BYTES_MAX {
                return Ok((Encoding::Dictionary, joined));
            }
            Ok((Encoding::Text, concat_plain(Encoding::Text, stretches)?))
        }
        // What looked too varied in each short stretch may repeat over all of them.
        [Encoding::Text] | [Encoding::Dictionary, Encoding::Text] => match one_dictionary(rows, stretches) {
            Some(joined) => Ok((Encoding::Dictionary, joined)),
            None => Ok((Encoding::Text, concat_plain(Encoding::Text, stretches)?)),
        },
        [one] => Ok((*one, concat_plain(*one, stretches)?)),
        _ => Ok(reencode(class, rows, stretches)),
    }
}

fn concat_plain(
    encoding: Encoding,
    stretches: &[(usize, Option<(Encoding, ArrayRef)>)],
) -> Result<ArrayRef, StoreError> {
    let of_type = |(rows, column): &(usize, Option<(Encoding, ArrayRef)>)| match column {
        None => Ok(new_null_array(&encoding.data_type(), *rows)),
        Some((Encoding::Dictionary, array)) if encoding == Encoding::Text => {
            let dictionary = array.as_dictionary::<Int32Type>();
            compute::take(dictionary.values(), dictionary.keys(), None)
        }
        Some((_, array)) => Ok(array.clone()),
    };
    let joined = stretches.iter().map(of_type).collect::<Result<Vec<_>, _>>().and_then(|arrays| {
        let arrays: Vec<&dyn Array> = arrays.iter().map(AsRef::as_ref).collect();
        compute::concat(&arrays)
    });
    joined.map_err(|e| StoreError::format("a log column", e))
}

/// Joins texts and dictionaries into one dictionary, unless there are too many distinct texts.
fn one_dictionary(rows: usize, stretches: &[(usize, Option<(Encoding, ArrayRef)>)]) -> Option<ArrayRef> {
    let mut interner = Interner::new();
    let mut keys = vec![0i32; rows];
    let mut valid = arrow::array::BooleanBufferBuilder::new(rows);
    let mut done = 0;
    for (rows, column) in stretches {
        let keys = &mut keys[done..done + rows];
        done += rows;
        let Some((encoding, array)) = column else {
            valid.append_n(*rows, false);
            continue;
        };
        match array.logical_nulls() {
            Some(nulls) => valid.append_buffer(nulls.inner()),
            None => valid.append_n(*rows, true),
        }
        if *encoding == Encoding::Dictionary {
            let dictionary = array.as_dictionary::<Int32Type>();
            let values = dictionary.values().as_string::<i32>();
            let mapped: Vec<i32> =
                (0..values.len()).map(|i| interner.intern(values.value(i).as_bytes())).collect();
            for (key, own) in keys.iter_mut().zip(dictionary.keys().values()) {
                *key = mapped.get(*own as usize).copied().unwrap_or_default();
            }
        } else {
            let texts = array.as_string::<i32>();
            for (row, key) in keys.iter_mut().enumerate().filter(|(row, _)| texts.is_valid(*row)) {
                *key = interner.intern(texts.value(row).as_bytes());
            }
        }
        let varied = done >= JOINED_TRIAL_ROWS && interner.len() * JOINED_REPEATS_MIN > done;
        if varied || interner.bytes.len() > DICTIONARY_BYTES_MAX {
            return None;
        }
    }
    if interner.len() > DICTIONARY_ALWAYS && interner.len() * JOINED_REPEATS_MIN > rows {
        return None;
    }
    let nulls = NullBuffer::new(valid.finish());
    let nulls = (nulls.null_count() > 0).then_some(nulls);
    Some(dictionary(Int32Array::new(keys.into(), nulls), interner.finish()))
}

/// Joins dictionaries whatever their size; also the number and bytes of distinct texts.
pub(crate) fn concat_dictionaries(
    rows: usize,
    stretches: &[(usize, Option<(Encoding, ArrayRef)>)],
) -> (ArrayRef, usize, usize) {
    let mut interner = Interner::new();
    let mut keys = Vec::with_capacity(rows);
    let mut valid = arrow::array::BooleanBufferBuilder::new(rows);
    for (rows, column) in stretches {
        let Some((_, array)) = column else {
            keys.resize(keys.len() + rows, 0);
            valid.append_n(*rows, false);
            continue;
        };
        let dictionary = array.as_dictionary::<Int32Type>();
        let values = dictionary.values().as_string::<i32>();
        let mapped: Vec<i32> =
            (0..values.len()).map(|i| interner.intern(values.value(i).as_bytes())).collect();
        let of = |k: &i32| mapped.get(*k as usize).copied().unwrap_or_default();
        keys.extend(dictionary.keys().values().iter().map(of));
        match dictionary.keys().nulls() {
            Some(nulls) => valid.append_buffer(nulls.inner()),
            None => valid.append_n(*rows, true),
        }
    }
    let (distinct, bytes) = (interner.len(), interner.bytes.len());
    let nulls = NullBuffer::new(valid.finish());
    let nulls = (nulls.null_count() > 0).then_some(nulls);
    (dictionary(Int32Array::new(keys.into(), nulls), interner.finish()), distinct, bytes)
}

/// Through the texts, when stretches differ in form.
fn reencode(
    class: Class,
    rows: usize,
    stretches: &[(usize, Option<(Encoding, ArrayRef)>)],
) -> (Encoding, ArrayRef) {
    let mut bytes = Vec::new();
    let mut places = Vec::with_capacity(rows);
    let mut base = 0usize;
    for (rows, column) in stretches {
        if let Some((encoding, array)) = column {
            let cells = Cells::new(*encoding, array.as_ref());
            for row in (0..*rows).filter(|row| array.is_valid(*row)) {
                let start = bytes.len();
                cells.write(row, &mut bytes);
                places.push(((base + row) as u32, start..bytes.len()));
            }
        }
        base += rows;
    }
    let text = String::from_utf8(bytes).expect("values were UTF-8");
    let cells: Vec<Cell<'_>> = places.into_iter().map(|(row, range)| (row, &text[range])).collect();
    encode(class, rows, &cells)
}

/// A column opened for reading its texts.
pub(crate) enum Cells<'a> {
    Dictionary(&'a Int32Array, &'a StringArray),
    Text(&'a StringArray),
    Hex(&'a FixedSizeBinaryArray),
    Time(&'a Int64Array),
    Integer(&'a Int64Array),
    Decimal(&'a Int64Array, u8),
    Double(&'a Float64Array),
    Bool(&'a BooleanArray),
}

impl<'a> Cells<'a> {
    /// The array must be of the encoding's type.
    pub(crate) fn new(encoding: Encoding, array: &'a dyn Array) -> Self {
        match encoding {
            Encoding::Dictionary => {
                let dictionary = array.as_dictionary::<Int32Type>();
                Cells::Dictionary(dictionary.keys(), dictionary.values().as_string())
            }
            Encoding::Text => Cells::Text(array.as_string()),
            Encoding::Hex(_) => Cells::Hex(array.as_fixed_size_binary()),
            Encoding::Time => Cells::Time(array.as_primitive::<Int64Type>()),
            Encoding::Integer => Cells::Integer(array.as_primitive::<Int64Type>()),
            Encoding::Decimal(scale) => Cells::Decimal(array.as_primitive::<Int64Type>(), scale),
            Encoding::Double => Cells::Double(array.as_primitive::<Float64Type>()),
            Encoding::Bool => Cells::Bool(array.as_boolean()),
        }
    }

    /// Appends the text the value has in the message. The row must not be null.
    pub(crate) fn write(&self, row: usize, out: &mut Vec<u8>) {
        match self {
            Cells::Dictionary(keys, values) => {
                out.extend_from_slice(values.value(keys.value(row) as usize).as_bytes());
            }
            Cells::Text(values) => out.extend_from_slice(values.value(row).as_bytes()),
            Cells::Hex(values) => {
                for byte in values.value(row) {
                    out.extend_from_slice(&HEX_PAIRS[usize::from(*byte)]);
                }
            }
            Cells::Time(values) => iso::write(values.value(row), out),
            Cells::Integer(values) => write_integer(values.value(row), out),
            Cells::Decimal(values, scale) => write_decimal(values.value(row), *scale, out),
            Cells::Double(values) => {
                use std::io::Write;
                // Writing to a vector cannot fail.
                let _ = write!(out, "{}", values.value(row));
            }
            Cells::Bool(values) => {
                out.extend_from_slice(if values.value(row) { b"true" } else { b"false" });
            }
        }
    }
}

const HEX_PAIRS: [[u8; 2]; 256] = {
    let mut table = [[0u8; 2]; 256];
    let mut i = 0;
    while i < 256 {
        table[i] = [b"0123456789abcdef"[i >> 4], b"0123456789abcdef"[i & 15]];
        i += 1;
    }
    table
};

fn write_decimal(value: i64, scale: u8, out: &mut Vec<u8>) {
    let start = out.len();
    if value < 0 {
        out.push(b'-');
    }
    let first_digit = out.len();
    write_integer(value.abs(), out);
    let digits = out.len() - first_digit;
    let scale = usize::from(scale);
    if digits <= scale {
        let zeros = scale + 1 - digits;
        out.splice(first_digit..first_digit, std::iter::repeat_n(b'0', zeros));
    }
    let point = out.len() - scale;
    debug_assert!(point > start);
    out.insert(point, b'.');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(class: Class, texts: &[Option<&str>]) -> Encoding {
        let cells: Vec<Cell<'_>> =
            texts.iter().enumerate().filter_map(|(i, t)| Some((i as u32, (*t)?))).collect();
        let (encoding, array) = encode(class, texts.len(), &cells);
        assert_eq!(array.data_type(), &encoding.data_type());
        assert_eq!(array.len(), texts.len());
        let view = Cells::new(encoding, array.as_ref());
        for (row, text) in texts.iter().enumerate() {
            assert_eq!(array.is_valid(row), text.is_some());
            if let Some(text) = text {
                let mut out = Vec::new();
                view.write(row, &mut out);
                assert_eq!(std::str::from_utf8(&out).expect("utf-8"), *text);
            }
        }
        assert_eq!(Encoding::from_bytes(encoding.to_bytes()), Some(encoding));
        encoding
    }

    #[test]
    fn values_take_the_tightest_form_that_gives_their_text_back() {
        use Encoding::*;
        let cases: &[(Class, &[Option<&str>], Encoding)] = &[
            (Class::Number, &[Some("1"), None, Some("-20"), Some("0")], Integer),
            (Class::Number, &[Some("9223372036854775807")], Integer),
            (Class::Number, &[Some("9223372036854775808")], Dictionary),
            (Class::Number, &[Some("1"), Some("-0")], Double),
            (Class::Number, &[Some("12.300"), Some("0.001"), Some("-4.000")], Decimal(3)),
            (Class::Number, &[Some("12.300"), Some("-0.000")], Dictionary),
            (Class::Number, &[Some("12.3"), Some("4.25"), Some("7")], Double),
            (Class::Number, &[Some("1e5")], Dictionary),
            (Class::Number, &[Some("1.0"), Some("2.55")], Dictionary),
            (Class::Number, &[Some("123456789012345678901234567890")], Dictionary),
            (Class::Bool, &[Some("true"), None, Some("false")], Bool),
            (Class::String, &[Some("0123456789abcdef"), Some("ffffffffffffffff")], Hex(8)),
            (Class::String, &[Some("0123456789abcdef"), Some("FFFFFFFFFFFFFFFF")], Dictionary),
            (Class::String, &[Some("2026-02-28T23:59:59.999Z"), None], Time),
            (Class::String, &[Some("2026-02-30T23:59:59.999Z")], Dictionary),
            (Class::String, &[Some(""), Some("a\\n"), Some("ü")], Dictionary),
        ];
        for (class, texts, expected) in cases {
            assert_eq!(round_trip(*class, texts), *expected, "{texts:?}");
        }
        let many: Vec<String> = (0..5000).map(|i| format!("user {i}")).collect();
        let many: Vec<Option<&str>> = many.iter().map(|t| Some(t.as_str())).collect();
        assert_eq!(round_trip(Class::String, &many), Text);
    }

    #[test]
    fn stretches_are_joined_whatever_their_form() {
        let stretch = |class, texts: &[&str]| {
            let cells: Vec<Cell<'_>> = texts.iter().enumerate().map(|(i, t)| (i as u32, *t)).collect();
            (texts.len(), Some(encode(class, texts.len(), &cells)))
        };
        let check = |class, stretches: &[&[&str]], expected: Encoding| {
            let mut columns: Vec<_> = stretches.iter().map(|s| stretch(class, s)).collect();
            columns.insert(1, (2, None));
            let (encoding, array) = concat(class, &columns).expect("joins");
            assert_eq!(encoding, expected);
            let cells = Cells::new(encoding, array.as_ref());
            let mut texts: Vec<Option<String>> = Vec::new();
            for row in 0..array.len() {
                texts.push(array.is_valid(row).then(|| {
                    let mut out = Vec::new();
                    cells.write(row, &mut out);
                    String::from_utf8(out).expect("utf-8")
                }));
            }
            let mut want: Vec<Option<String>> = stretches[0].iter().map(|t| Some((*t).to_owned())).collect();
            want.extend([None, None]);
            want.extend(stretches[1].iter().map(|t| Some((*t).to_owned())));
            assert_eq!(texts, want);
        };
        check(Class::Number, &[&["1", "2"], &["3"]], Encoding::Integer);
        check(Class::Number, &[&["1", "2"], &["3.5"]], Encoding::Double);
        check(Class::Number, &[&["1", "2"], &["1e9"]], Encoding::Dictionary);
        check(Class::String, &[&["a", "b", "a"], &["b", "c"]], Encoding::Dictionary);
        check(Class::String, &[&["00000000", "11111111"], &["x"]], Encoding::Dictionary);
        check(Class::Bool, &[&["true"], &["false"]], Encoding::Bool);
        // Too varied for a dictionary each, but not together.
        let users: Vec<String> = (0..3000).map(|i| format!("user-{}", i * 7919 % 3000)).collect();
        let users: Vec<&str> = users.iter().map(String::as_str).collect();
        assert_eq!(stretch(Class::String, &users).1.map(|(encoding, _)| encoding), Some(Encoding::Text));
        let twice: Vec<&str> = users.iter().chain(&users).chain(&users).copied().collect();
        check(Class::String, &[&twice, &users], Encoding::Dictionary);
        check(Class::String, &[&users, &["other"]], Encoding::Text);
        check(Class::String, &[&users[..300], &["a"; 900]], Encoding::Dictionary);
    }
}
