//! From the generated results to ours.

use crate::operation::Warning;
use crate::rpc::generated;
use crate::value::{Column, ColumnData, Rows};

/// What came of an `execute`, or of a step of a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Executed {
    pub affected_rows: i64,
    /// Rows that an UPDATE's condition met; else as `affected_rows`.
    pub matched_rows: i64,
    /// 0: there is none.
    pub insert_id: u64,
    /// Rows that an INSERT or REPLACE has added.
    pub insert_count: i64,
    pub warning_count: i32,
    /// As many as were asked for.
    pub warnings: Vec<Warning>,
    /// None: the statement has no result set.
    pub rows: Option<Rows>,
    /// The sets after the first.
    pub more_rows: Vec<Rows>,
}

impl From<generated::ExecuteResult> for Executed {
    fn from(result: generated::ExecuteResult) -> Executed {
        let warnings = result.warnings.unwrap_or_default();
        let more_rows = result.more_rows.unwrap_or_default();
        Executed {
            affected_rows: result.affected_rows.unwrap_or(0),
            matched_rows: result.matched_rows.unwrap_or(0),
            insert_id: result.insert_id.unwrap_or(0).cast_unsigned(),
            insert_count: result.insert_count.unwrap_or(0),
            warning_count: result.warning_count.unwrap_or(0),
            warnings: warnings.into_iter().map(warning).collect(),
            rows: result.rows.map(Rows::from),
            more_rows: more_rows.into_iter().map(Rows::from).collect(),
        }
    }
}

fn warning(warning: generated::Warning) -> Warning {
    Warning {
        level: warning.level.unwrap_or_default(),
        code: warning.code.unwrap_or(0).cast_unsigned(),
        message: warning.message.unwrap_or_default(),
    }
}

impl From<generated::ResultSet> for Rows {
    fn from(set: generated::ResultSet) -> Rows {
        let columns = set.columns.unwrap_or_default();
        Rows {
            row_count: usize::try_from(set.row_count.unwrap_or(0)).unwrap_or(0),
            columns: columns.into_iter().map(column).collect(),
        }
    }
}

fn column(column: generated::Column) -> Column {
    let data = if let Some(values) = column.int64s {
        ColumnData::Int64s(values)
    } else if let Some(values) = column.doubles {
        ColumnData::Doubles(values.into_iter().map(|value| value.0).collect())
    } else if let Some(values) = column.blobs {
        ColumnData::Blobs(values.into_iter().collect())
    } else {
        ColumnData::Strings(column.strings.unwrap_or_default().into_iter().collect())
    };
    Column {
        name: column.name.unwrap_or_default(),
        table: column.table.unwrap_or_default().into(),
        column_type: column.type_.map_or(0, |kind| kind.0 as u8),
        flags: column.flags.unwrap_or(0) as u16,
        collation: column.collation.unwrap_or(0) as u16,
        decimals: column.decimals.unwrap_or(0) as u8,
        length: column.length.unwrap_or(0) as u32,
        nulls: column.nulls.unwrap_or_default(),
        data,
    }
}
