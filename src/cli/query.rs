//! `forebay query`: one statement through a running service.

use std::time::Duration;

use super::args::{Format, QueryArgs};
use super::output;
use super::{Failure, params};
use crate::operation::ParamStyle;
use crate::rpc::{Client, ClientError, Executed};

pub(super) fn run(args: &QueryArgs) -> Result<(), Failure> {
    let values: Result<Vec<_>, String> =
        args.params.iter().map(|text| params::parse(text)).collect();
    let values = values.map_err(Failure::usage)?;
    let timeout = Duration::from_millis(args.timeout_ms.into());
    let executed = Client::connect(&args.to, timeout)
        .and_then(|mut client| client.execute(&args.shard, &args.sql, values, ParamStyle::Native))
        .map_err(|error| match error {
            ClientError::Data(_) => Failure::refused(error),
            ClientError::Transport(_) => Failure::unavailable(error),
        })?;
    output::print(&format(&executed, args.format))
}

fn format(executed: &Executed, format: Format) -> Vec<u8> {
    if let Some(rows) = &executed.rows {
        return output::format_rows(rows, format);
    }
    let (affected, id) = (executed.affected_rows, executed.insert_id);
    let text = match format {
        Format::Table if id == 0 => format!("affected rows: {affected}\n"),
        Format::Table => format!("affected rows: {affected}, insert id: {id}\n"),
        Format::Json => format!("{{\"affected_rows\": {affected}, \"insert_id\": {id}}}\n"),
        Format::Csv => format!("affected_rows,insert_id\r\n{affected},{id}\r\n"),
    };
    text.into_bytes()
}
