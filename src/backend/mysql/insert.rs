//! Many rows of one table in a few statements, each within `max_allowed_packet`.

use super::connection::{Connection, STATEMENT_USUAL_BYTES};
use super::units::{Alone, Texts};
use crate::error::{ErrorKind, Result};
use crate::operation::Insert;
use crate::sql;

/// Short statements if every row fits one, else as long as the server takes.
pub(super) fn texts(connection: &Connection, insert: &Insert) -> Result<Texts<'static>> {
    let mode = connection.mode();
    let longest = connection.statement_max_bytes();
    let usual = longest.min(STATEMENT_USUAL_BYTES);
    let texts = match sql::insert::for_mysql(insert, mode, usual) {
        Err(error) if error.kind() == ErrorKind::RequestTooLarge && usual < longest => {
            sql::insert::for_mysql(insert, mode, longest)
        }
        result => result,
    }?;
    Ok(Texts {
        mode,
        count: texts.len(),
        texts: Box::new(texts.into_iter().map(Ok)),
        touches_session: false,
        may_end_transaction: false,
        alone: Alone::Commits,
    })
}
