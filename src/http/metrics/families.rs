//! Every metric there is.

use std::fmt;

use super::writer::{Label, Writer};
use crate::http::snapshot::{LaneSnapshot, ShardSnapshot, Snapshot};
use crate::stats::{HistogramCounts, RequestCount, Times};

/// What stands for a shard where a request has none, or one that is not configured.
const NO_SHARD: &str = "";

pub(super) fn write(told: &Snapshot, out: &mut Writer<'_>) -> fmt::Result {
    requests(told, out)?;
    times(told, out)?;
    lanes(told, out)?;
    shards(told, out)?;
    sessions(told, out)?;
    memory(told, out)?;
    process(told, out)
}

fn requests(told: &Snapshot, out: &mut Writer<'_>) -> fmt::Result {
    out.counters(
        "forebay_requests",
        "Requests answered; outcome is OK, an error's code, or EXCEPTION for what cannot be read",
        answers(told).filter_map(|(shard, count)| sample(shard, count, Kind::Request)),
    )?;
    out.counters(
        "forebay_multi_items",
        "Items of multis that have their outcome, which is OK or an error's code",
        answers(told).filter_map(|(shard, count)| sample(shard, count, Kind::Item)),
    )
}

#[derive(PartialEq, Eq)]
enum Kind {
    Request,
    Item,
}

/// Every count with its shard.
fn answers(told: &Snapshot) -> impl Iterator<Item = (&str, &RequestCount)> {
    let common = told.traffic.answers.iter().map(|count| (NO_SHARD, count));
    let of_shards = told.shards.iter().flat_map(|shard| {
        let traffic = shard.traffic.iter();
        let answers = traffic.flat_map(|traffic| &traffic.answers);
        answers.map(|count| (shard.name.as_str(), count))
    });
    common.chain(of_shards)
}

fn sample<'s>(shard: &'s str, count: &RequestCount, kind: Kind) -> Option<([Label<'s>; 3], u64)> {
    let is_item = count.function.is_item();
    let labels = [
        ("function", count.function.name()),
        ("shard", shard),
        ("outcome", count.code.name()),
    ];
    (is_item == (kind == Kind::Item)).then_some((labels, count.count))
}

fn times(told: &Snapshot, out: &mut Writer<'_>) -> fmt::Result {
    out.histograms(
        "forebay_request_queue_seconds",
        "How long a request or an item waited until a worker took it",
        times_of(told, |times| &times.queue),
    )?;
    out.histograms(
        "forebay_request_execution_seconds",
        "How long a worker had a request or an item, until its answer",
        times_of(told, |times| &times.execution),
    )?;
    out.histograms(
        "forebay_request_seconds",
        "How long a request or an item took in all, also if no worker took it",
        times_of(told, |times| &times.total),
    )
}

fn times_of<'s>(
    told: &'s Snapshot,
    which: impl Fn(&'s Times) -> &'s HistogramCounts,
) -> impl Iterator<Item = ([Label<'s>; 1], &'s HistogramCounts)> {
    let of_shards = told.shards.iter().filter_map(|shard| {
        let times = &shard.traffic.as_ref()?.times;
        Some((shard.name.as_str(), times))
    });
    let all = [(NO_SHARD, &told.traffic.times)]
        .into_iter()
        .chain(of_shards);
    all.map(move |(shard, times)| ([("shard", shard)], which(times)))
}

fn lanes(told: &Snapshot, out: &mut Writer<'_>) -> fmt::Result {
    out.gauges(
        "forebay_queue_waiting",
        "Requests and items that wait for their turn; lane is shard, or begin or transaction \
         for those of transactions, or common or multi for those without a shard",
        used_lanes(told).map(|(labels, lane)| (labels, lane.figures.waiting as u64)),
    )?;
    out.gauges(
        "forebay_queue_waiting_long",
        "Of those that wait, those that are likely to take long: they wait for a place among \
         long_statements_max",
        used_lanes(told).map(|(labels, lane)| (labels, lane.figures.waiting_long as u64)),
    )?;
    out.gauges(
        "forebay_queue_running",
        "Requests and items that a worker has",
        used_lanes(told).map(|(labels, lane)| (labels, lane.figures.running as u64)),
    )?;
    out.gauges(
        "forebay_queue_running_long",
        "Requests and items that a worker has and that were likely to take long",
        used_lanes(told).map(|(labels, lane)| (labels, lane.figures.running_long as u64)),
    )?;
    out.counters(
        "forebay_refusals",
        "Requests and items that were not run, by cause: full (queue_max_requests), displaced \
         (by another caller's, of a full queue), too_late (the wait would have outlasted the \
         deadline), expired (it did)",
        told.lanes.iter().flat_map(|lane| refusals(told, lane)),
    )
}

fn lane_labels<'s>(told: &'s Snapshot, lane: &'s LaneSnapshot) -> [Label<'s>; 2] {
    let shard = lane.shard.and_then(|index| told.shards.get(index));
    let shard = shard.map_or(NO_SHARD, |shard| shard.name.as_str());
    [("shard", shard), ("lane", lane.lane)]
}

fn used_lanes(told: &Snapshot) -> impl Iterator<Item = ([Label<'_>; 2], &LaneSnapshot)> {
    let is_used = |lane: &&LaneSnapshot| match lane.shard.and_then(|index| told.shards.get(index)) {
        Some(shard) => shard.is_used() || lane.figures.waiting > 0,
        None => true,
    };
    let used = told.lanes.iter().filter(is_used);
    used.map(|lane| (lane_labels(told, lane), lane))
}

fn refusals<'s>(
    told: &'s Snapshot,
    lane: &'s LaneSnapshot,
) -> impl Iterator<Item = ([Label<'s>; 3], u64)> {
    let figures = &lane.figures;
    let causes = [
        ("full", figures.refused_full),
        ("displaced", figures.displaced),
        ("too_late", figures.refused_too_late),
        ("expired", figures.expired),
    ];
    let [shard, name] = lane_labels(told, lane);
    let samples = causes.map(|(cause, count)| ([shard, name, ("cause", cause)], count));
    samples.into_iter().filter(not_zero)
}

fn shards(told: &Snapshot, out: &mut Writer<'_>) -> fmt::Result {
    out.gauges(
        "forebay_shard_up",
        "1 while the shard's database can be reached, as far as is known, else 0",
        told.shards
            .iter()
            .map(|shard| (of(shard), u64::from(shard.is_up()))),
    )?;
    out.gauges(
        "forebay_pool_connections",
        "Connections to the shard's database, by state: in_use or idle",
        used(told).flat_map(|shard| {
            let pool = &shard.stats.pool;
            let in_use = pool.connections.saturating_sub(pool.idle);
            let states = [("in_use", in_use), ("idle", pool.idle)];
            by(shard, "state", states.map(|(state, n)| (state, n.into())))
        }),
    )?;
    out.gauges(
        "forebay_pool_connections_max",
        "Connections that the shard may have: pool_max_connections",
        used(told).map(|shard| (of(shard), shard.pool_max)),
    )?;
    out.gauges(
        "forebay_pool_waiting",
        "Workers that wait for a connection",
        used(told).map(|shard| (of(shard), shard.stats.pool.waiting as u64)),
    )?;
    out.gauges(
        "forebay_transactions_open",
        "Transactions that have begun and not ended",
        used(told).map(|shard| (of(shard), shard.transactions_open)),
    )?;
    connecting(told, out)
}

fn connecting(told: &Snapshot, out: &mut Writer<'_>) -> fmt::Result {
    out.counters(
        "forebay_connects",
        "Attempts to connect to the shard's database, by result: ok or failed",
        told.shards.iter().flat_map(|shard| {
            let pool = &shard.stats.pool;
            // Every shard is looked at when the service starts.
            let ok = if shard.is_used() { pool.connects } else { 0 };
            let results = [("ok", ok), ("failed", pool.connect_failures)];
            by(shard, "result", results).into_iter().filter(not_zero)
        }),
    )?;
    out.counters(
        "forebay_pool_retirements",
        "How often all connections were replaced, since the database took no writes",
        unless_zero(told, |shard| shard.stats.pool.generation),
    )?;
    out.counters(
        "forebay_retries",
        "Operations that were sent again",
        unless_zero(told, |shard| shard.stats.retries.retries),
    )?;
    out.counters(
        "forebay_retries_refused",
        "Operations that were not sent again, for want of budget: retry_budget_percent",
        unless_zero(told, |shard| shard.stats.retries.refused),
    )?;
    out.counters(
        "forebay_kills",
        "Connections whose statement was to be stopped, by result: sent, failed or skipped",
        told.shards.iter().flat_map(|shard| {
            let kills = &shard.stats.kills;
            let results = [
                ("sent", kills.sent),
                ("failed", kills.failed),
                ("skipped", kills.skipped),
            ];
            by(shard, "result", results).into_iter().filter(not_zero)
        }),
    )
}

fn of(shard: &ShardSnapshot) -> [Label<'_>; 1] {
    [("shard", &shard.name)]
}

/// One sample for each of several states or results of a shard.
fn by<'s, const N: usize>(
    shard: &'s ShardSnapshot,
    label: &'static str,
    values: [(&'static str, u64); N],
) -> [([Label<'s>; 2], u64); N] {
    let [of_shard] = of(shard);
    values.map(|(value, count)| ([of_shard, (label, value)], count))
}

fn not_zero<L>(sample: &(L, u64)) -> bool {
    sample.1 > 0
}

fn used(told: &Snapshot) -> impl Iterator<Item = &ShardSnapshot> {
    told.shards.iter().filter(|shard| shard.is_used())
}

/// What most shards never count.
fn unless_zero<'s>(
    told: &'s Snapshot,
    which: impl Fn(&ShardSnapshot) -> u64,
) -> impl Iterator<Item = ([Label<'s>; 1], u64)> {
    let samples = told
        .shards
        .iter()
        .map(move |shard| (of(shard), which(shard)));
    samples.filter(not_zero)
}

fn sessions(told: &Snapshot, out: &mut Writer<'_>) -> fmt::Result {
    let counts = &told.sessions;
    out.gauge("forebay_sessions", "Clients connected now", counts.sessions)?;
    out.counter(
        "forebay_sessions_opened",
        "Clients that have connected and were taken",
        counts.opened,
    )?;
    let refused = [
        ("sessions_max", counts.refused_sessions_max),
        (
            "sessions_per_peer_max",
            counts.refused_sessions_per_peer_max,
        ),
    ];
    out.counters(
        "forebay_sessions_refused",
        "Clients that were not taken, by the limit that they met",
        refused.map(|(cause, count)| ([("cause", cause)], count)),
    )?;
    let closed = [
        ("stale", counts.closed_stale),
        ("late", counts.closed_late),
        ("idle", counts.closed_idle),
        ("incomplete", counts.closed_incomplete),
        ("unread", counts.closed_unread),
    ];
    out.counters(
        "forebay_sessions_closed",
        "Clients that were closed by cause: stale (sent anew before the answer), late (no answer \
         in time), idle, incomplete (half a message), unread (an answer not taken)",
        closed.map(|(cause, count)| ([("cause", cause)], count)),
    )?;
    out.counter(
        "forebay_received_bytes",
        "Bytes that clients have sent",
        counts.bytes_in,
    )?;
    out.counter(
        "forebay_sent_bytes",
        "Bytes that clients were sent",
        counts.bytes_out,
    )
}

fn memory(told: &Snapshot, out: &mut Writer<'_>) -> fmt::Result {
    out.gauge(
        "forebay_request_memory_bytes",
        "What requests hold in memory now",
        told.sessions.request_memory_bytes,
    )?;
    out.gauge(
        "forebay_request_memory_max_bytes",
        "What requests may hold in memory: request_memory_max_bytes",
        told.request_memory_max_bytes,
    )?;
    out.counter(
        "forebay_requests_over_memory",
        "Requests that were refused by request_memory_max_bytes",
        told.sessions.requests_over_memory,
    )?;
    out.gauge(
        "forebay_result_memory_bytes",
        "What results hold in memory now",
        told.result_memory_bytes,
    )?;
    out.gauge(
        "forebay_result_memory_max_bytes",
        "What results may hold in memory: result_memory_max_bytes",
        told.result_memory_max_bytes,
    )
}

fn process(told: &Snapshot, out: &mut Writer<'_>) -> fmt::Result {
    let process = &told.process;
    out.gauge(
        "forebay_draining",
        "1 while the service finishes what it has and takes nothing new, else 0",
        u64::from(told.draining),
    )?;
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    out.gauges("forebay_build_info", "1, for its label", [(version, 1)])?;
    out.seconds_gauge(
        "process_start_time_seconds",
        "When the service was started, since 1970",
        process.started.as_secs_f64(),
    )?;
    out.seconds_counter(
        "process_cpu_seconds",
        "Processor time of the process",
        process.cpu.map(|cpu| cpu.as_secs_f64()),
    )?;
    out.gauge(
        "process_resident_memory_bytes",
        "Memory of the process",
        process.resident_bytes,
    )?;
    out.gauge("process_threads", "Threads of the process", process.threads)?;
    out.gauge(
        "process_open_fds",
        "Files and sockets that the process has open",
        process.descriptors,
    )
}
