//! What a message says about itself, as places in its bytes.
//!
//! A call's arguments have the request struct as field 1. In it, field 1 is the
//! shard's name and field 15 the options, whose fields 1 to 3 are the timeout,
//! the request id and the transaction. Field 2 is what tells beforehand what the
//! request will cost: a statement, whose field 1 is its text; the name of a table,
//! in insert; the steps of a batch, of which the first has its statement as field 1.

use std::ops::Range;

use super::encoding::{Encoding, Kind, Reader};
use super::error::Part;

/// The facts that route a request and answer it. Places, not copies: a place
/// is of use with the message's bytes, from its first one on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// 1 is a call, 4 is oneway, 0: this part of the message has not come yet.
    pub message_type: u8,
    /// The function, after the service's name and a colon if multiplexed.
    pub name: Range<usize>,
    pub sequence_id: i32,
    /// None, as with the next four: not there, or not of the contract's type.
    pub shard: Option<Range<usize>>,
    pub timeout_ms: Option<i32>,
    pub request_id: Option<Range<usize>>,
    pub transaction: Option<Range<usize>>,
    /// The text of the statement, or of a batch's first one; insert's table.
    pub text: Option<Range<usize>>,
}

/// What a level of a message is to its head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Arguments,
    Request,
    Options,
    Statement,
    /// The list of a batch's steps, and each of them.
    Steps,
    Step,
    /// A struct without meaning here.
    Plain,
    Container,
}

impl Head {
    /// Whether the name and sequence id have come, without which no answer can
    /// be addressed.
    pub fn is_known(&self) -> bool {
        self.message_type != 0
    }

    /// None if it is not UTF-8.
    pub fn name_in<'a>(&self, message: &'a [u8]) -> Option<&'a str> {
        text(message, &self.name)
    }

    /// None if there is none, if it is not UTF-8, or not all of it has come.
    pub fn shard_in<'a>(&self, message: &'a [u8]) -> Option<&'a str> {
        text(message, self.shard.as_ref()?)
    }

    /// None if there is none, if it is not UTF-8, or not all of it has come.
    pub fn request_id_in<'a>(&self, message: &'a [u8]) -> Option<&'a str> {
        text(message, self.request_id.as_ref()?)
    }

    /// None if there is none, if it is not UTF-8, or not all of it has come.
    pub fn transaction_in<'a>(&self, message: &'a [u8]) -> Option<&'a str> {
        text(message, self.transaction.as_ref()?)
    }

    /// None if there is none, or not all of it has come. It may be no UTF-8.
    pub fn text_in<'a>(&self, message: &'a [u8]) -> Option<&'a [u8]> {
        message.get(self.text.clone()?)
    }

    /// Notes the coming value of a field, and tells what role it has itself if
    /// it is a struct. A field that comes again replaces all that it said
    /// before, as it does in the decoder.
    #[inline(always)]
    pub(super) fn note<E: Encoding>(
        &mut self,
        reader: &mut Reader,
        role: Role,
        id: i16,
        kind: Kind,
    ) -> Option<Role> {
        let value_at = reader.at;
        match (role, id) {
            (Role::Arguments, 1) => {
                self.shard = None;
                self.text = None;
                self.forget_options();
                return Some(Role::Request);
            }
            (Role::Request, 2) => {
                self.text = text_place::<E>(reader, kind)?;
                reader.at = value_at;
                return Some(match kind {
                    Kind::Struct => Role::Statement,
                    Kind::List => Role::Steps,
                    _ => Role::Plain,
                });
            }
            (Role::Request, 15) => {
                self.forget_options();
                return Some(Role::Options);
            }
            (Role::Request, 1) => self.shard = text_place::<E>(reader, kind)?,
            (Role::Statement, 1) => self.text = text_place::<E>(reader, kind)?,
            // Of the other steps nothing is noted.
            (Role::Step, 1) if self.text.is_none() => return Some(Role::Statement),
            (Role::Options, 1) => self.timeout_ms = number::<E>(reader, kind)?,
            (Role::Options, 2) => self.request_id = text_place::<E>(reader, kind)?,
            (Role::Options, 3) => self.transaction = text_place::<E>(reader, kind)?,
            _ => {}
        }
        reader.at = value_at;
        Some(Role::Plain)
    }

    fn forget_options(&mut self) {
        self.timeout_ms = None;
        self.request_id = None;
        self.transaction = None;
    }
}

/// Outer None: a stall.
#[inline(always)]
fn number<E: Encoding>(reader: &mut Reader, kind: Kind) -> Option<Option<i32>> {
    match kind {
        Kind::I32 => E::i32(reader).map(Some),
        _ => Some(None),
    }
}

#[inline(always)]
fn text_place<E: Encoding>(reader: &mut Reader, kind: Kind) -> Option<Option<Range<usize>>> {
    if kind != Kind::String {
        return Some(None);
    }
    let position = reader.at;
    let length = E::size(reader, Part::String, position)? as usize;
    Some(Some(reader.at..reader.at.saturating_add(length)))
}

fn text<'a>(message: &'a [u8], place: &Range<usize>) -> Option<&'a str> {
    str::from_utf8(message.get(place.clone())?).ok()
}
