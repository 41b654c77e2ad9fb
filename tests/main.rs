//! End to end: the service in this process, real clients in front of it, and one
//! real MariaDB behind it, which `scripts/with-mariadb cargo test` starts.

mod deadlines;
mod escaping;
mod input;
mod job;
mod layers;
mod program;
mod sessions;
mod shards;
mod support;
