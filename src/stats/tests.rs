//! That what is counted is told, under the right name.

use super::*;
use crate::error::ErrorKind;

fn answered(function: Function, code: Code) -> Answered {
    let now = Instant::now();
    Answered {
        function,
        code,
        arrived: now,
        started: Some(now),
    }
}

#[test]
fn each_function_and_code_has_a_number_and_a_count_of_its_own() {
    let functions: Vec<usize> = Function::all().map(Function::number).collect();
    assert_eq!(functions, (0..Function::COUNT).collect::<Vec<_>>());
    let codes: Vec<usize> = Code::all().map(Code::number).collect();
    assert_eq!(codes.len(), Code::COUNT);
    let stats = Stats::new(1);
    for function in Function::all() {
        for code in Code::all() {
            stats.answered(Some(0), &answered(function, code));
        }
    }
    let answers = stats.shard(0).unwrap().answers;
    assert_eq!(answers.len(), Function::COUNT * Code::COUNT);
    assert!(answers.iter().all(|answer| answer.count == 1));
}

#[test]
fn codes_have_the_names_of_the_contract() {
    let contract = include_str!("../../idl/forebay.thrift");
    for code in Code::all() {
        if let Code::Failed(_) = code {
            let name = code.name();
            let stands = |line: &str| line.trim_start().starts_with(&format!("{name} = "));
            assert!(contract.lines().any(stands), "no {name} in the contract");
        }
    }
}

#[test]
fn functions_have_the_names_of_the_contract() {
    let contract = include_str!("../../idl/forebay.thrift");
    for function in Function::all() {
        let name = function.name();
        if function != Function::Unknown {
            assert!(contract.contains(&format!(" {name}(1: ")), "{name}");
        }
        if !function.is_item() {
            assert_eq!(Function::of(name), function);
        }
    }
    assert_eq!(Function::of("Query"), Function::Unknown);
    assert_eq!(Function::of(""), Function::Unknown);
}

#[test]
fn a_shard_that_nobody_asks_for_has_no_counts() {
    let stats = Stats::new(2);
    let failed = Code::Failed(ErrorKind::Draining);
    stats.answered(Some(1), &answered(Function::Query, Code::Ok));
    stats.answered(None, &answered(Function::Info, failed));
    // One that there is not counts as none.
    stats.answered(Some(2), &answered(Function::Info, failed));
    assert!(stats.shard(0).is_none());
    assert_eq!(stats.shard(1).unwrap().times.total.count(), 1);
    let common = stats.common().answers;
    assert_eq!(common.len(), 1);
    assert_eq!((common[0].code, common[0].count), (failed, 2));
}

#[test]
fn what_no_worker_took_has_no_time_in_the_queue() {
    let stats = Stats::new(0);
    let refused = Answered {
        started: None,
        ..answered(Function::Query, Code::Failed(ErrorKind::QueueFull))
    };
    stats.answered(None, &refused);
    let times = stats.common().times;
    assert_eq!(times.total.count(), 1);
    assert_eq!((times.queue.count(), times.execution.count()), (0, 0));
}

#[test]
fn a_duration_is_in_the_class_that_it_ends() {
    let histogram = Histogram::default();
    for bound in BOUNDS_US {
        histogram.add(Duration::from_micros(bound));
    }
    let counts = histogram.counts();
    assert_eq!(counts.classes[..BOUNDS_US.len()], [1; BOUNDS_US.len()]);
    assert_eq!(counts.count(), BOUNDS_US.len() as u64);
    histogram.add(Duration::from_micros(100) + Duration::from_nanos(1));
    histogram.add(Duration::from_secs(61));
    histogram.add(Duration::ZERO);
    let counts = histogram.counts();
    assert_eq!(counts.classes[..2], [2, 2]);
    assert_eq!(counts.classes[BOUNDS_US.len()], 1);
    let bounds: u64 = BOUNDS_US.iter().sum();
    let sum = Duration::from_micros(bounds + 100 + 61_000_000) + Duration::from_nanos(1);
    assert_eq!(counts.sum, sum);
}

#[test]
fn every_duration_has_the_class_that_a_search_finds() {
    let near = |bound: u64| [bound - 1, bound, bound + 1];
    let powers = (1..63).map(|power| 1 << power).flat_map(near);
    for us in powers.chain(BOUNDS_US.into_iter().flat_map(near)) {
        let histogram = Histogram::default();
        histogram.add(Duration::from_micros(us));
        let class = BOUNDS_US.partition_point(|&bound| bound < us);
        assert_eq!(histogram.counts().classes[class], 1, "{us}");
    }
}

#[test]
fn the_process_is_told() {
    let process = Stats::new(0).process();
    assert!(process.resident_bytes.unwrap() > 100_000);
    assert!(process.threads.unwrap() >= 1);
    assert!(process.descriptors.unwrap() >= 3);
    assert!(process.cpu.is_some());
    assert!(process.started > Duration::from_secs(1_600_000_000));
}
