//! `forebay query`: one statement through a running service.

use std::time::Duration;

use super::args::QueryArgs;
use super::{Failure, all_shards, output, params};
use crate::operation::ParamStyle;
use crate::rpc::Client;

pub(super) fn run(args: &QueryArgs) -> Result<(), Failure> {
    let values: Result<Vec<_>, String> =
        args.params.iter().map(|text| params::parse(text)).collect();
    let values = values.map_err(Failure::usage)?;
    let timeout = Duration::from_millis(args.timeout_ms.into());
    let mut client = Client::connect(&args.to, timeout)?;
    // Without a name it is all of them: the command line takes one or the other.
    let Some(shard) = &args.which.shard else {
        return all_shards::run(&mut client, &args.sql, values, args.format);
    };
    let executed = client.execute(shard, &args.sql, values, ParamStyle::Native)?;
    output::print(&output::format_answer(&executed.into(), args.format))
}
