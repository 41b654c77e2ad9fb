//! Answers of any sort: what is written is what was found, and its buffer never
//! grows while it is written.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::rpc::encode::size::reply_bytes_max;

fn any_data(row_count: usize) -> impl Strategy<Value = ColumnData> {
    let near_edges = prop_oneof![
        any::<i64>(),
        (0_u32..64).prop_map(|shift| 1_i64 << shift),
        -70_i64..70,
    ];
    prop_oneof![
        vec(near_edges, row_count).prop_map(ColumnData::Int64s),
        vec(any::<f64>(), row_count).prop_map(ColumnData::Doubles),
        vec(".{0,12}", row_count).prop_map(|texts| ColumnData::Strings(texts.iter().collect())),
        vec(vec(any::<u8>(), 0..200), row_count)
            .prop_map(|blobs| ColumnData::Blobs(blobs.iter().collect())),
    ]
}

fn any_column(row_count: usize) -> impl Strategy<Value = Column> {
    let numbers = (
        any::<u8>(),
        any::<u16>(),
        any::<u16>(),
        any::<u8>(),
        any::<u32>(),
    );
    let nulls = prop_oneof![Just(Vec::new()), vec(any::<u8>(), row_count.div_ceil(8)),];
    let names = (".{0,8}", ".{0,8}");
    (names, numbers, nulls, any_data(row_count)).prop_map(|(names, numbers, nulls, data)| {
        let (column_type, flags, collation, decimals, length) = numbers;
        Column {
            name: names.0,
            table: names.1.into(),
            column_type,
            flags,
            collation,
            decimals,
            length,
            nulls,
            data,
        }
    })
}

fn any_rows() -> impl Strategy<Value = Rows> {
    let rows = |row_count: usize| {
        vec(any_column(row_count), 0..5).prop_map(move |columns| Rows { row_count, columns })
    };
    (0_usize..40).prop_flat_map(rows)
}

fn any_warning() -> impl Strategy<Value = Warning> {
    let code = 0..i32::MAX as u32;
    (".{0,8}", code, ".{0,40}").prop_map(|(level, code, message)| Warning {
        level,
        code,
        message,
    })
}

fn any_answer() -> impl Strategy<Value = Answer> {
    let counts = (0..i64::MAX as u64, any::<u64>(), 0..i32::MAX as u32);
    let rows = (prop::option::of(any_rows()), vec(any_rows(), 0..2));
    let parts = (counts, vec(any_warning(), 0..3), rows);
    parts.prop_map(|(counts, warnings, (rows, more_rows))| Answer {
        affected_rows: counts.0,
        insert_id: counts.1,
        warning_count: counts.2,
        warnings,
        rows,
        more_rows,
        ..Answer::default()
    })
}

fn any_item() -> impl Strategy<Value = ItemReply> {
    let form = prop::sample::select(vec![Form::Query, Form::Execute, Form::Insert, Form::Batch]);
    let step = prop_oneof![
        any_answer().prop_map(StepOutcome::Done),
        ".{0,40}".prop_map(|message| StepOutcome::Failed(Error::invalid(message))),
        any::<()>().prop_map(|()| StepOutcome::Skipped),
    ];
    let result = (any_answer(), vec(step, 0..3), any::<bool>());
    let layout = prop::sample::select(LAYOUTS.to_vec());
    let parts = (form, layout, ".{0,32}", result);
    parts.prop_map(|(form, layout, shard, (mut answer, steps, is_done))| {
        if form == Form::Batch {
            answer.steps = steps;
        }
        ItemReply {
            form,
            layout,
            facts: facts(&shard),
            result: if is_done { Ok(answer) } else { Err(error()) },
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_is_written_is_what_was_found(items in vec(any_item(), 0..4)) {
        let call = call("multi");
        for protocol in PROTOCOLS {
            let reply = Reply::Multi(&items);
            let multi: wire::MultiResult = returned(protocol, &call, &reply);
            let expected = items.iter().map(expected::outcome).collect();
            prop_assert_eq!(multi.outcomes, Some(expected));
            let size = reply_bytes(protocol, &call, &reply).len();
            prop_assert!(size <= reply_bytes_max(protocol, &reply));
        }
    }

    /// A reader that knows no more than the IDL finds the lists in the blobs.
    #[test]
    fn both_layouts_hold_the_same_values(rows in any_rows()) {
        let answer = Answer { rows: Some(rows), ..Answer::default() };
        let call = call("query");
        for protocol in PROTOCOLS {
            let [lists, packed] = LAYOUTS.map(|layout| {
                let reply = Reply::Done(Form::Query, layout, &answer);
                let query: wire::QueryResult = returned(protocol, &call, &reply);
                query.rows.unwrap()
            });
            let columns = packed.columns.unwrap().into_iter().map(unpacked);
            prop_assert_eq!(packed.row_count, lists.row_count);
            prop_assert_eq!(Some(columns.collect()), lists.columns);
        }
    }
}

/// The column with lists in the place of its blobs.
fn unpacked(mut column: wire::Column) -> wire::Column {
    let eights = |bytes: Vec<u8>| {
        let (eights, rest) = bytes.as_chunks::<8>();
        assert!(rest.is_empty());
        eights.to_vec()
    };
    let lengths = column.packed_lengths.take();
    let parts = |bytes: Vec<u8>| {
        let mut rest = bytes.as_slice();
        let lengths = lengths.clone().unwrap();
        let (lengths, odd) = lengths.as_chunks::<4>();
        let lengths = lengths.iter().copied().map(u32::from_le_bytes);
        let parts = lengths.map(|length| rest.split_off(..length as usize).unwrap().to_vec());
        let parts: Vec<Vec<u8>> = parts.collect();
        assert!(rest.is_empty() && odd.is_empty());
        parts
    };
    if let Some(bytes) = column.packed_int64s.take() {
        let values = eights(bytes).into_iter().map(i64::from_le_bytes);
        column.int64s = Some(values.collect());
    } else if let Some(bytes) = column.packed_doubles.take() {
        let values = eights(bytes).into_iter().map(f64::from_le_bytes);
        column.doubles = Some(values.map(Into::into).collect());
    } else if let Some(bytes) = column.packed_strings.take() {
        let texts = parts(bytes).into_iter().map(String::from_utf8);
        column.strings = Some(texts.collect::<Result<_, _>>().unwrap());
    } else {
        column.blobs = Some(parts(column.packed_blobs.take().unwrap()));
    }
    column
}

/// The worst that each protocol makes of a value, many times over.
#[test]
fn a_large_reply_is_within_its_estimate() {
    let count = 10_000;
    let kinds = [
        ColumnData::Int64s(vec![i64::MIN; count]),
        ColumnData::Doubles(vec![0.5; count]),
        ColumnData::Strings(vec!["é"; count].iter().collect()),
        ColumnData::Blobs(vec![[7; 200]; count].iter().collect()),
    ];
    for data in kinds {
        let answer = Answer {
            rows: Some(Rows {
                row_count: count,
                columns: vec![column("c", data)],
            }),
            ..Answer::default()
        };
        for (protocol, layout) in forms_of_reply() {
            let reply = Reply::Done(Form::Query, layout, &answer);
            let size = reply_bytes(protocol, &call("query"), &reply).len();
            let estimate = reply_bytes_max(protocol, &reply);
            assert!(
                size <= estimate,
                "{protocol:?}, {layout:?}: {size} of {estimate}"
            );
            assert!(
                estimate <= 2 * size + 2_048,
                "{protocol:?}, {layout:?}: {size} of {estimate}"
            );
        }
    }
}
