//! The options of a request, and which of them it has a use for.

use std::time::Duration;

use super::ask::{AskedOptions, Layout};
use super::call::ApiLimits;
use super::generated as wire;
use crate::error::Error;

/// The longest `request_id`, in bytes.
const REQUEST_ID_MAX_BYTES: usize = 128;

/// The most warnings of one statement that may be asked for.
const WARNINGS_MAX: usize = 1_000;

/// Whether a request can belong to a transaction.
#[derive(Clone, Copy)]
pub(super) enum Transaction {
    Possible,
    /// The request ends it.
    Needed,
    /// It has no use for one; the message's end says why, and what to do.
    Refused(&'static str),
}

pub(super) fn options(
    given: Option<wire::Options>,
    transaction: Transaction,
    limits: &ApiLimits,
) -> Result<AskedOptions, Error> {
    let Some(given) = given else {
        check_transaction(None, transaction)?;
        return Ok(AskedOptions::default());
    };
    check_transaction(given.transaction.as_deref(), transaction)?;
    Ok(AskedOptions {
        timeout: given
            .timeout_ms
            .map(|millis| timeout(millis, limits))
            .transpose()?,
        max_rows: given
            .max_rows
            .map(|rows| max_rows(rows, limits))
            .transpose()?,
        warnings_max: given.warnings_max.map_or(Ok(0), warnings_max)?,
        idempotent: idempotent(&given)?,
        layout: given.result_layout.map(layout).transpose()?,
        transaction: given.transaction,
        request_id: request_id(given.request_id)?,
    })
}

fn timeout(millis: i32, limits: &ApiLimits) -> Result<Duration, Error> {
    let given = u64::try_from(millis).ok().filter(|&millis| millis > 0);
    let given = given.ok_or_else(|| {
        let text = format!("options.timeout_ms is {millis}; it must be at least 1, or unset");
        Error::invalid(text)
    })?;
    Ok(Duration::from_millis(given).min(limits.max_timeout))
}

fn max_rows(rows: i32, limits: &ApiLimits) -> Result<usize, Error> {
    let given = usize::try_from(rows).ok().filter(|&rows| rows > 0);
    let given = given.ok_or_else(|| {
        Error::invalid("options.max_rows must be at least 1, or unset for the server's")
    })?;
    Ok(given.min(limits.result_max_rows))
}

fn warnings_max(warnings: i32) -> Result<usize, Error> {
    let given = usize::try_from(warnings).ok();
    given.filter(|&given| given <= WARNINGS_MAX).ok_or_else(|| {
        Error::invalid(format!(
            "options.warnings_max is {warnings}; it must be from 0, which gives the count alone, \
             to {WARNINGS_MAX}"
        ))
    })
}

/// Within a transaction only its caller knows what came before, and could send
/// all of it again.
fn idempotent(given: &wire::Options) -> Result<bool, Error> {
    let idempotent = given.idempotent.unwrap_or(false);
    if idempotent && given.transaction.is_some() {
        return Err(Error::invalid(
            "options.idempotent is set, but within a transaction nothing is sent again; unset it, \
             and begin the transaction anew if it fails",
        ));
    }
    Ok(idempotent)
}

fn layout(given: wire::ResultLayout) -> Result<Layout, Error> {
    match given {
        wire::ResultLayout::LISTS => Ok(Layout::Lists),
        wire::ResultLayout::PACKED => Ok(Layout::Packed),
        wire::ResultLayout(number) => Err(Error::invalid(format!(
            "options.result_layout {number} is unknown; LISTS is 1, PACKED 2, and unset it is LISTS"
        ))),
    }
}

fn request_id(given: Option<String>) -> Result<String, Error> {
    let given = given.unwrap_or_default();
    let length = given.len();
    if length > REQUEST_ID_MAX_BYTES {
        let text = format!(
            "options.request_id is {length} bytes; at most {REQUEST_ID_MAX_BYTES} are taken"
        );
        return Err(Error::invalid(text));
    }
    Ok(given)
}

/// For the reply to a request whose options are refused.
pub(super) fn shortened_request_id(given: Option<&wire::Options>) -> String {
    let given = given.and_then(|options| options.request_id.as_deref());
    let given = given.unwrap_or_default();
    given[..given.floor_char_boundary(REQUEST_ID_MAX_BYTES)].to_owned()
}

/// An empty token counts as one: a caller that has lost its own must not find
/// its statement run outside of the transaction.
fn check_transaction(token: Option<&str>, transaction: Transaction) -> Result<(), Error> {
    match (token, transaction) {
        (Some(_), Transaction::Refused(why)) => Err(Error::invalid(format!(
            "options.transaction is set, but {why}"
        ))),
        (None, Transaction::Needed) => Err(Error::invalid(
            "options.transaction is not set; set it to the token that begin_transaction gave, to \
             say which transaction ends",
        )),
        _ => Ok(()),
    }
}
