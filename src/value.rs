//! The values that travel between callers and databases, and the columns that
//! hold a result. Nothing here knows Thrift, MySQL or SQLite.

use std::fmt;
use std::sync::Arc;

/// One parameter of a statement.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Int(i64),
    UInt(u64),
    /// Finite or not: what cannot be written as SQL is refused where it is written.
    Double(f64),
    /// Sign, digits, point, digits.
    Decimal(String),
    Text(String),
    Bytes(Vec<u8>),
    /// A date, a time or both, in MySQL's text form.
    Temporal(String),
    /// Several values for `IN (…)`.
    List(Vec<Value>),
    /// The insert id of an earlier step of the same batch; replaced by the id
    /// before the statement is rendered.
    InsertIdOf(usize),
}

/// The rows of a statement, column by column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    /// Every column's data has this many elements.
    pub row_count: usize,
    pub columns: Vec<Column>,
}

/// One column of a result.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    pub name: String,
    /// Its table's alias or name in the statement, shared with the table's other
    /// columns; empty if it is of none, or if the database does not tell.
    pub table: Arc<str>,
    /// MySQL's protocol number of the type.
    pub column_type: u8,
    /// MySQL's column flags.
    pub flags: u16,
    /// MySQL's collation number; 63 is `binary`.
    pub collation: u16,
    pub decimals: u8,
    /// MySQL's display length in bytes.
    pub length: u32,
    /// Bit `r % 8` of byte `r / 8` is set where row `r` is NULL; empty if no row is.
    pub nulls: Vec<u8>,
    pub data: ColumnData,
}

/// A column's values; 0 or empty where the row is NULL.
#[derive(Clone, Debug, PartialEq)]
pub enum ColumnData {
    Int64s(Vec<i64>),
    Doubles(Vec<f64>),
    /// Each is UTF-8.
    Strings(Packed),
    Blobs(Packed),
}

/// Many short byte strings, one behind the other: as large in memory as in a
/// reply, where a `Vec` for each would be many times that.
#[derive(Clone, Default, PartialEq)]
pub struct Packed {
    bytes: Vec<u8>,
    /// Where in `bytes` each one ends. Results are far below 4 GiB.
    ends: Vec<u32>,
}

/// Bytes that a string or blob takes in a reply beside its own.
const LENGTH_BYTES: usize = 4;

impl Packed {
    pub fn push(&mut self, item: &[u8]) {
        self.bytes.extend_from_slice(item);
        let end = u32::try_from(self.bytes.len());
        self.ends
            .push(end.expect("a result is limited to less than 4 GiB"));
    }

    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub fn get(&self, index: usize) -> Option<&[u8]> {
        let end = *self.ends.get(index)? as usize;
        let start = match index {
            0 => 0,
            _ => self.ends[index - 1] as usize,
        };
        Some(&self.bytes[start..end])
    }

    /// None also where it is no UTF-8.
    pub fn get_str(&self, index: usize) -> Option<&str> {
        str::from_utf8(self.get(index)?).ok()
    }

    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let places = starts.zip(&self.ends);
        places.map(|(start, &end)| &self.bytes[start as usize..end as usize])
    }

    /// All of them, without anything between.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many bytes of those each one takes.
    pub fn lengths(&self) -> impl ExactSizeIterator<Item = u32> {
        let mut start = 0;
        self.ends
            .iter()
            .map(move |&end| end - std::mem::replace(&mut start, end))
    }
}

impl fmt::Debug for Packed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts = self.iter().map(String::from_utf8_lossy);
        f.debug_list().entries(texts).finish()
    }
}

impl<B: AsRef<[u8]>> FromIterator<B> for Packed {
    fn from_iter<I: IntoIterator<Item = B>>(items: I) -> Packed {
        let mut packed = Packed::default();
        for item in items {
            packed.push(item.as_ref());
        }
        packed
    }
}

impl Column {
    /// Adds a NULL as row `row`, and says how many bytes it takes in a reply.
    pub fn push_null(&mut self, row: usize) -> usize {
        let byte = row / 8;
        if self.nulls.len() <= byte {
            self.nulls.resize(byte + 1, 0);
        }
        self.nulls[byte] |= 1 << (row % 8);
        match &mut self.data {
            ColumnData::Int64s(values) => {
                values.push(0);
                size_of::<i64>()
            }
            ColumnData::Doubles(values) => {
                values.push(0.0);
                size_of::<f64>()
            }
            ColumnData::Strings(values) | ColumnData::Blobs(values) => {
                values.push(&[]);
                LENGTH_BYTES
            }
        }
    }

    /// Whether row `row` is NULL.
    pub fn is_null(&self, row: usize) -> bool {
        let bits = self.nulls.get(row / 8).copied().unwrap_or(0);
        bits & (1 << (row % 8)) != 0
    }

    /// Fills the bitmap up to `row_count` rows, if there is one.
    pub fn finish(&mut self, row_count: usize) {
        if !self.nulls.is_empty() {
            self.nulls.resize(row_count.div_ceil(8), 0);
        }
    }
}

impl ColumnData {
    /// Bytes that `length` bytes of text or blob take in a reply.
    pub fn size_of_bytes(length: usize) -> usize {
        length + LENGTH_BYTES
    }
}

impl Rows {
    /// Bytes that the rows take in memory, and about as many in a reply.
    pub fn size_bytes(&self) -> usize {
        let size = |column: &Column| {
            let data = match &column.data {
                ColumnData::Int64s(values) => size_of_val(values.as_slice()),
                ColumnData::Doubles(values) => size_of_val(values.as_slice()),
                ColumnData::Strings(values) | ColumnData::Blobs(values) => {
                    values.bytes.len() + size_of_val(values.ends.as_slice())
                }
            };
            data + column.nulls.len()
        };
        self.columns.iter().map(size).sum()
    }
}
