//! What the generated structs should come out as.

use super::*;

pub(super) fn header(facts: &Facts, attempts: u32) -> Option<wire::ReplyHeader> {
    Some(wire::ReplyHeader {
        request_id: Some(facts.request_id.clone()),
        shard: Some(facts.shard.clone()),
        queue_us: Some(facts.queue_us),
        execute_us: Some(facts.execute_us),
        attempts: Some(attempts as i32),
    })
}

pub(super) fn query(
    header: Option<wire::ReplyHeader>,
    layout: Layout,
    answer: &Answer,
) -> wire::QueryResult {
    let none = Rows::default();
    wire::QueryResult {
        header,
        rows: Some(result_set(layout, answer.rows.as_ref().unwrap_or(&none))),
        warning_count: Some(answer.warning_count as i32),
        warnings: warnings(answer),
    }
}

pub(super) fn execute(
    header: Option<wire::ReplyHeader>,
    layout: Layout,
    answer: &Answer,
) -> wire::ExecuteResult {
    let result_set = |rows| result_set(layout, rows);
    wire::ExecuteResult {
        header,
        affected_rows: Some(answer.affected_rows as i64),
        insert_id: Some(answer.insert_id as i64),
        warning_count: Some(answer.warning_count as i32),
        rows: answer.rows.as_ref().map(result_set),
        warnings: warnings(answer),
        more_rows: Some(answer.more_rows.iter().map(result_set).collect()),
        matched_rows: Some(answer.matched_rows as i64),
        insert_count: Some(answer.insert_count as i64),
    }
}

pub(super) fn insert(header: Option<wire::ReplyHeader>, answer: &Answer) -> wire::InsertResult {
    wire::InsertResult {
        header,
        affected_rows: Some(answer.affected_rows as i64),
        first_insert_id: Some(answer.insert_id as i64),
        statements: Some(answer.statements as i32),
        warning_count: Some(answer.warning_count as i32),
        warnings: warnings(answer),
        insert_count: Some(answer.insert_count as i64),
    }
}

pub(super) fn batch(
    header: Option<wire::ReplyHeader>,
    layout: Layout,
    facts: &Facts,
    answer: &Answer,
) -> wire::BatchResult {
    let step = |step: &StepOutcome| {
        let (status, result, error) = match step {
            StepOutcome::Done(answer) => (1, Some(execute(None, layout, answer)), None),
            StepOutcome::Failed(error) => (2, None, Some(data_error(error, facts, answer.sent))),
            StepOutcome::Skipped => (3, None, None),
            StepOutcome::NotRun => (4, None, None),
        };
        wire::StepResult {
            status: Some(wire::StepStatus(status)),
            result,
            error,
        }
    };
    wire::BatchResult {
        header,
        steps: Some(answer.steps.iter().map(step).collect()),
        attempts: Some(answer.attempts as i32),
    }
}

pub(super) fn outcome(item: &ItemReply) -> wire::MultiOutcome {
    let attempts = item.result.as_ref().map_or(0, |answer| answer.sent);
    let header = header(&item.facts, attempts);
    let layout = item.layout;
    let mut outcome = wire::MultiOutcome::default();
    match (&item.result, item.form) {
        (Err(error), _) => {
            outcome.error = Some(data_error(error, &item.facts, error.sent()));
        }
        (Ok(answer), Form::Query) => outcome.query = Some(query(header, layout, answer)),
        (Ok(answer), Form::Execute) => outcome.execute = Some(execute(header, layout, answer)),
        (Ok(answer), Form::Insert) => outcome.insert = Some(insert(header, answer)),
        (Ok(answer), Form::Batch) => {
            outcome.batch = Some(batch(header, layout, &item.facts, answer));
        }
    }
    outcome
}

pub(super) fn data_error(error: &Error, facts: &Facts, attempts: u32) -> wire::DataError {
    let late = matches!(
        error.kind(),
        ErrorKind::QueueTimeout | ErrorKind::DeadlineExceeded
    );
    let met = error.limit_met().or(late.then_some(facts.time_met));
    let database = error.database();
    wire::DataError {
        code: Some(code(error.kind())),
        outcome: Some(match error.outcome() {
            Outcome::NotApplied => wire::Outcome(1),
            Outcome::Applied => wire::Outcome(2),
            Outcome::Unknown => wire::Outcome(3),
        }),
        retry_hint: Some(match error.retry() {
            Retry::No => wire::Retry(1),
            Retry::AtOnce => wire::Retry(2),
            Retry::AfterPause => wire::Retry(3),
        }),
        message: Some(error.message().to_owned()),
        mysql_errno: Some(database.map_or(0, |database| database.errno)),
        sqlstate: Some(database.map_or(String::new(), |database| database.sqlstate.clone())),
        shard: Some(facts.shard.clone()),
        phase: Some(wire::Phase(match error.phase() {
            Phase::Request => 1,
            Phase::Queue => 2,
            Phase::Connect => 3,
            Phase::Execute => 4,
            Phase::Fetch => 5,
            Phase::Encode => 6,
        })),
        request_id: Some(facts.request_id.clone()),
        limit: met.map(|met| met.limit.min(i64::MAX as u64) as i64),
        seen: met.map(|met| met.seen.min(i64::MAX as u64) as i64),
        item: error.item().map(|item| item as i32),
        queue_us: Some(facts.queue_us),
        execute_us: Some(facts.execute_us),
        attempts: Some(attempts as i32),
    }
}

/// The number of the code of that name in the IDL.
fn code(kind: ErrorKind) -> wire::ErrorCode {
    let idl = include_str!("../../../../idl/forebay.thrift");
    let (_, codes) = idl.split_once("enum ErrorCode {").unwrap();
    let name = format!("{kind:?}").to_uppercase();
    let number = codes.lines().find_map(|line| {
        let (code, number) = line.trim().split_once(" = ")?;
        (code.replace('_', "") == name).then(|| number.parse().unwrap())
    });
    wire::ErrorCode(number.unwrap())
}

fn warnings(answer: &Answer) -> Option<Vec<wire::Warning>> {
    let warnings = answer.warnings.iter().map(|warning| wire::Warning {
        level: Some(warning.level.clone()),
        code: Some(warning.code as i32),
        message: Some(warning.message.clone()),
    });
    Some(warnings.collect())
}

pub(super) fn result_set(layout: Layout, rows: &Rows) -> wire::ResultSet {
    let columns = rows.columns.iter().map(|column| {
        let mut expected = self::column(column);
        match layout {
            Layout::Lists => lists(&mut expected, &column.data),
            Layout::Packed => blobs(&mut expected, &column.data),
        }
        expected
    });
    wire::ResultSet {
        row_count: Some(rows.row_count as i64),
        columns: Some(columns.collect()),
    }
}

/// All but its values.
fn column(column: &Column) -> wire::Column {
    wire::Column {
        name: Some(column.name.clone()),
        type_: Some(wire::ColumnType(column.column_type.into())),
        flags: Some(column.flags.into()),
        collation: Some(column.collation.into()),
        decimals: Some(column.decimals.into()),
        length: Some(column.length.into()),
        nulls: Some(column.nulls.clone()),
        int64s: None,
        doubles: None,
        strings: None,
        blobs: None,
        packed_int64s: None,
        packed_doubles: None,
        packed_strings: None,
        packed_blobs: None,
        packed_lengths: None,
        table: Some(column.table.to_string()),
    }
}

fn lists(expected: &mut wire::Column, data: &ColumnData) {
    match data {
        ColumnData::Int64s(values) => expected.int64s = Some(values.clone()),
        ColumnData::Doubles(values) => {
            expected.doubles = Some(values.iter().map(|value| (*value).into()).collect());
        }
        ColumnData::Strings(values) => {
            let texts = values
                .iter()
                .map(|text| String::from_utf8(text.to_vec()).unwrap());
            expected.strings = Some(texts.collect());
        }
        ColumnData::Blobs(values) => {
            expected.blobs = Some(values.iter().map(<[u8]>::to_vec).collect());
        }
    }
}

fn blobs(expected: &mut wire::Column, data: &ColumnData) {
    let lengths = |values: &Packed| {
        let lengths = values.iter().map(|value| value.len() as u32);
        Some(lengths.flat_map(u32::to_le_bytes).collect())
    };
    match data {
        ColumnData::Int64s(values) => {
            let bytes = values.iter().flat_map(|value| value.to_le_bytes());
            expected.packed_int64s = Some(bytes.collect());
        }
        ColumnData::Doubles(values) => {
            let bytes = values.iter().flat_map(|value| value.to_le_bytes());
            expected.packed_doubles = Some(bytes.collect());
        }
        ColumnData::Strings(values) => {
            expected.packed_strings = Some(values.iter().flatten().copied().collect());
            expected.packed_lengths = lengths(values);
        }
        ColumnData::Blobs(values) => {
            expected.packed_blobs = Some(values.iter().flatten().copied().collect());
            expected.packed_lengths = lengths(values);
        }
    }
}
