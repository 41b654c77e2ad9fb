//! The values that travel between callers and databases, and the columns that
//! hold a result. Nothing here knows Thrift, MySQL or SQLite.

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
    Strings(Vec<String>),
    Blobs(Vec<Vec<u8>>),
}

/// Bytes that a string or blob takes in a reply beside its own.
const LENGTH_BYTES: usize = 4;

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
            ColumnData::Strings(values) => {
                values.push(String::new());
                LENGTH_BYTES
            }
            ColumnData::Blobs(values) => {
                values.push(Vec::new());
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
