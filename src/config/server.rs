//! What `[server]` and `[log]` mean: each key read, checked by itself and against
//! the others.

use std::path::Path;
use std::time::Duration;

use super::address::ListenAddress;
use super::document::{Located, Section};
use super::error::{Faults, Invalid};
use super::keys::{self, Number};
use super::types::{LogConfig, LogFormat, LogLevel, ServerConfig};

/// What the pools of shards may not exceed.
#[derive(Clone, Copy)]
pub(super) enum WorkersMax {
    Written(u64),
    Default(u64),
    /// Comparing with what was not meant tells nothing.
    Faulty,
}

impl WorkersMax {
    fn read(section: &Section<'_>, faults: &mut Faults) -> WorkersMax {
        let key = &keys::WORKER_THREADS_MAX;
        match section.number(key, faults) {
            Some(number) => WorkersMax::Written(number.value),
            None if section.place_under(key.name).is_some() => WorkersMax::Faulty,
            None => WorkersMax::default(),
        }
    }

    /// None: nothing to compare with.
    pub fn count(self) -> Option<u64> {
        match self {
            WorkersMax::Written(count) | WorkersMax::Default(count) => Some(count),
            WorkersMax::Faulty => None,
        }
    }

    /// Whose count it is, for a message.
    pub fn whose(self) -> &'static str {
        match self {
            WorkersMax::Written(_) => "server.worker_threads_max",
            _ => "the default of server.worker_threads_max",
        }
    }
}

impl Default for WorkersMax {
    fn default() -> WorkersMax {
        WorkersMax::Default(keys::WORKER_THREADS_MAX.default)
    }
}

/// `[server]`; relative paths are under `base_dir`.
pub(super) fn read_server(
    section: Option<Section<'_>>,
    base_dir: &Path,
    faults: &mut Faults,
) -> (ServerConfig, WorkersMax) {
    let mut server = ServerConfig::default();
    let Some(section) = section else {
        return (server, WorkersMax::default());
    };
    section.check_keys(keys::SERVER_KEYS, faults);
    if let Some(listen) = read_listen(&section, base_dir, faults) {
        server.listen = listen;
    }
    server.http_listen = read_http_listen(&section, base_dir, &server.listen, faults);
    read_counts(&section, &mut server, faults);
    read_durations(&section, &mut server, faults);
    let workers_max = WorkersMax::read(&section, faults);
    if let Some(count) = workers_max.count() {
        server.worker_threads_max = count as usize;
    }
    (server, workers_max)
}

fn read_counts(section: &Section<'_>, server: &mut ServerConfig, faults: &mut Faults) {
    let counts = [
        (&keys::IO_THREADS, &mut server.io_threads),
        (&keys::RESULT_MAX_ROWS, &mut server.result_max_rows),
        (&keys::MULTI_ITEMS_MAX, &mut server.multi_items_max),
        (&keys::MULTI_PARALLEL_MAX, &mut server.multi_parallel_max),
        (&keys::BATCH_STEPS_MAX, &mut server.batch_steps_max),
        (&keys::DIGESTS_MAX, &mut server.digests_max),
        (&keys::SESSIONS_MAX, &mut server.sessions_max),
        (
            &keys::SESSIONS_PER_PEER_MAX,
            &mut server.sessions_per_peer_max,
        ),
    ];
    for (key, field) in counts {
        if let Some(number) = section.number(key, faults) {
            *field = number.value as usize;
        }
    }
    (server.request_max_bytes, server.request_memory_max_bytes) = read_memory(
        section,
        [&keys::REQUEST_MAX_BYTES, &keys::REQUEST_MEMORY_MAX_BYTES],
        "a buffer may be twice as large as the request that it is filled with",
        faults,
    );
    (server.result_max_bytes, server.result_memory_max_bytes) = read_memory(
        section,
        [&keys::RESULT_MAX_BYTES, &keys::RESULT_MEMORY_MAX_BYTES],
        "a result is in memory twice while it is encoded",
        faults,
    );
}

fn read_durations(section: &Section<'_>, server: &mut ServerConfig, faults: &mut Faults) {
    let durations = [
        (
            &keys::SESSION_IDLE_TIMEOUT_MS,
            &mut server.session_idle_timeout,
        ),
        (&keys::MESSAGE_TIMEOUT_MS, &mut server.message_timeout),
        (&keys::WRITE_TIMEOUT_MS, &mut server.write_timeout),
        (&keys::REPLY_GRACE_MS, &mut server.reply_grace),
        (&keys::DRAIN_TIMEOUT_MS, &mut server.drain_timeout),
    ];
    for (key, field) in durations {
        if let Some(number) = section.number(key, faults) {
            *field = Duration::from_millis(number.value);
        }
    }
    let mut pair = |low_key, high_key| {
        let [low, high] = section.number_pair([low_key, high_key], faults);
        ordered((low_key, low.as_ref()), (high_key, high.as_ref()), faults)
    };
    (server.default_timeout, server.max_timeout) =
        pair(&keys::DEFAULT_TIMEOUT_MS, &keys::MAX_TIMEOUT_MS);
    (server.transaction_idle_timeout, server.transaction_timeout) = pair(
        &keys::TRANSACTION_IDLE_TIMEOUT_MS,
        &keys::TRANSACTION_TIMEOUT_MS,
    );
}

/// The largest size of one of something, and the memory of all of them, in which the
/// largest one must fit twice, for the reason that `why` tells. The default of the
/// memory is enough for every size.
fn read_memory(
    section: &Section<'_>,
    [one_key, all_key]: [&Number; 2],
    why: &str,
    faults: &mut Faults,
) -> (usize, usize) {
    const TIMES: u64 = 2;
    let [one, all] = section.number_pair([one_key, all_key], faults);
    if let Some(all) = &all {
        let (whose, largest) = match &one {
            Some(one) => (one.place.key.clone(), one.value),
            None => (format!("the default of {}", one_key.name), one_key.default),
        };
        let count = all.value;
        if count < TIMES * largest {
            let message = format!(
                "{count} is less than twice {whose}, which is {largest}, and {why}; raise it to \
                 {} or more, or lower {}",
                TIMES * largest,
                one_key.name
            );
            faults.add(&all.place, message);
        }
    }
    let bytes = |read: Option<Located<u64>>, key: &Number| match read {
        Some(number) => number.value as usize,
        None => key.default_count(),
    };
    (bytes(one, one_key), bytes(all, all_key))
}

/// `[log]`.
pub(super) fn read_log(section: Option<Section<'_>>, faults: &mut Faults) -> LogConfig {
    let mut log = LogConfig::default();
    let Some(section) = section else {
        return log;
    };
    section.check_keys(keys::LOG_KEYS, faults);
    let formats = [("human", LogFormat::Human), ("json", LogFormat::Json)];
    if let Some(format) = section.choice("format", &formats, faults) {
        log.format = format.value;
    }
    let levels = [
        ("error", LogLevel::Error),
        ("warn", LogLevel::Warn),
        ("info", LogLevel::Info),
        ("debug", LogLevel::Debug),
        ("trace", LogLevel::Trace),
    ];
    if let Some(level) = section.choice("level", &levels, faults) {
        log.level = level.value;
    }
    log
}

/// Two durations of which the first may not be the longer. A default gives way to
/// what is written, so that lowering the second alone is no fault.
pub(super) fn ordered(
    (low_key, low): (&Number, Option<&Located<u64>>),
    (high_key, high): (&Number, Option<&Located<u64>>),
    faults: &mut Faults,
) -> (Duration, Duration) {
    let high_ms = high.map_or(high_key.default, |high| high.value);
    let low_ms = low.map_or(low_key.default.min(high_ms), |low| low.value);
    if let Some(low) = low.filter(|low| low.value > high_ms) {
        let name = high_key.name;
        let whose = match high {
            Some(high) => high.place.key.clone(),
            None => format!("the default of {name}"),
        };
        faults.add(
            &low.place,
            format!("{low_ms} is more than {whose}, which is {high_ms}; lower it, or raise {name}"),
        );
    }
    (
        Duration::from_millis(low_ms),
        Duration::from_millis(high_ms),
    )
}

fn read_listen(
    section: &Section<'_>,
    base_dir: &Path,
    faults: &mut Faults,
) -> Option<Vec<ListenAddress>> {
    let must = "a list of addresses, such as [\"127.0.0.1:9090\"]";
    let texts = section.texts("listen", must, faults)?;
    let count = texts.value.len();
    if count == 0 {
        faults.add(&texts.place, format!("is empty; it must be {must}"));
    }
    if count > keys::LISTEN_MAX_ADDRESSES {
        let most = keys::LISTEN_MAX_ADDRESSES;
        faults.add(
            &texts.place,
            format!("has {count} addresses; it must have at most {most}"),
        );
        return None;
    }
    let mut listen = Vec::new();
    for text in &texts.value {
        match address(&text.value, base_dir) {
            Ok(address) => listen.push((text, address)),
            Err(invalid) => faults.add(&text.place, invalid.to_string()),
        }
    }
    for (index, (text, address)) in listen.iter().enumerate() {
        if listen[..index]
            .iter()
            .any(|(_, earlier)| earlier == address)
        {
            let message = format!("{address} is there twice; remove one of them");
            faults.add(&text.place, message);
        }
    }
    Some(listen.into_iter().map(|(_, address)| address).collect())
}

fn read_http_listen(
    section: &Section<'_>,
    base_dir: &Path,
    listen: &[ListenAddress],
    faults: &mut Faults,
) -> Option<ListenAddress> {
    let must = "an address, such as \"127.0.0.1:9091\"";
    let text = section.text("http_listen", must, faults)?;
    match address(&text.value, base_dir) {
        Ok(address) if listen.contains(&address) => {
            let message = format!("{address} is in listen as well; give it one of its own");
            faults.add(&text.place, message);
            None
        }
        Ok(address) => Some(address),
        Err(invalid) => {
            faults.add(&text.place, invalid.to_string());
            None
        }
    }
}

fn address(text: &str, base_dir: &Path) -> Result<ListenAddress, Invalid> {
    match text.parse()? {
        ListenAddress::Unix(path) => ListenAddress::unix(base_dir.join(path)),
        address => Ok(address),
    }
}
