//! End to end: the service in this process, real clients in front of it, and one
//! real MariaDB behind it, which `scripts/with-mariadb cargo test` starts.

mod all_shards;
mod batches;
mod deadlines;
mod digests;
mod embedded;
mod escaping;
mod faults;
mod input;
mod interactive;
mod job;
mod layers;
mod long_statements;
mod metrics;
mod multi;
mod overload;
mod program;
mod retries;
mod sessions;
mod shards;
mod support;
mod transactions;
mod values;
