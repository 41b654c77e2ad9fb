//! Puts parameters into a template for a prepared statement: a `?` for each
//! value that is bound. The answer must be what the escaped text would give, so
//! whatever a server may understand differently when it is bound stays a literal,
//! or keeps the whole statement from being prepared.

use std::borrow::Cow;
use std::fmt::Write;

use super::kind::StatementKind;
use super::literal;
use super::mode::Dialect;
use super::places::{Place, places};
use super::render::{Source, at_fault, push_sql};
use super::template::Template;
use crate::error::Result;
use crate::operation::Params;
use crate::value::Value;

/// Values of one prepared statement: the protocol's own limit.
const VALUES_MAX: usize = 65_535;

/// What a bound value takes in a message beside its own bytes, at most.
const VALUE_BYTES: usize = 16;

/// Digits after the point that a DECIMAL has in MySQL; MariaDB has more.
const SCALE_MAX: usize = 30;

/// A statement to be prepared, and what to execute it with.
#[derive(Clone, Debug, PartialEq)]
pub struct Prepared<'p> {
    /// Its last comment tells the types of the values: MySQL from 8.0.22 keeps the
    /// types that a statement was first executed with, and would then convert
    /// others to them, so that each has a statement of its own.
    pub text: String,
    /// One for each `?`: Null, Int, Double, Text or Temporal. The last two are to
    /// be bound as text.
    pub values: Vec<Cow<'p, Value>>,
}

impl Prepared<'_> {
    /// Whether text is bound: MySQL from 8.0.22 converts it to the type of the
    /// column that it is compared with, or that it is for, by other rules than a
    /// string literal. MariaDB, and MySQL before that, treat both alike.
    pub fn binds_text(&self) -> bool {
        let is_text =
            |value: &Cow<'_, Value>| matches!(**value, Value::Text(_) | Value::Temporal(_));
        self.values.iter().any(is_text)
    }
}

/// The statement for the prepared protocol. None: it must go as escaped text,
/// because a bound value would mean something else than its literal, or would not
/// fit in `max_bytes`. INVALID_ARGUMENT as from `render_escaped`.
pub fn prepare<'p>(
    template: &Template<'_>,
    params: &'p Params,
    max_bytes: usize,
) -> Result<Option<Prepared<'p>>> {
    let source = Source::of(template, params)?;
    if !is_preparable(template) {
        return Ok(None);
    }
    let Some(places) = places(template) else {
        return Ok(None);
    };
    let mut writer = Writer::default();
    let mut copied = 0;
    for ((index, hole), place) in template.holes.iter().enumerate().zip(places) {
        push_sql(&mut writer.text, template, copied, hole.start);
        let value = source.value(index, hole)?;
        literal::check(value).map_err(|fault| at_fault(index, hole, &fault))?;
        if writer.push(value, place, max_bytes).is_none() {
            return Ok(None);
        }
        copied = hole.end;
    }
    push_sql(&mut writer.text, template, copied, template.sql.len());
    Ok(writer.finish(max_bytes))
}

fn is_preparable(template: &Template<'_>) -> bool {
    const VERBS: [&str; 6] = ["SELECT", "WITH", "INSERT", "REPLACE", "UPDATE", "DELETE"];
    let verb = template.keyword();
    matches!(template.dialect, Dialect::MySql(_))
        && matches!(template.kind(), StatementKind::Read | StatementKind::Write)
        && VERBS.iter().any(|known| known.eq_ignore_ascii_case(verb))
        && !template.may_touch_session()
        && !template.reads_leftovers()
        && !template.stores_result()
}

/// How a value goes to the server.
enum Form<'p> {
    /// As `?`.
    Bound(Cow<'p, Value>),
    /// As `CAST(? AS DECIMAL(…))`: number of digits, and of those after the point.
    Cast(Value, usize, usize),
    Literal(&'static str),
}

#[derive(Default)]
struct Writer<'p> {
    text: String,
    values: Vec<Cow<'p, Value>>,
    values_bytes: usize,
    /// A letter for each run of values of one type, and how many they are.
    types: Vec<(char, usize)>,
}

impl<'p> Writer<'p> {
    /// None: the value has no other form than its literal here.
    fn push(&mut self, value: &'p Value, place: Place, max_bytes: usize) -> Option<()> {
        let items = match value {
            Value::List(items) => items.as_slice(),
            one => std::slice::from_ref(one),
        };
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.text.push(',');
            }
            self.push_form(form(item, place)?)?;
            if self.text.len() + self.values_bytes > max_bytes {
                return None;
            }
        }
        Some(())
    }

    fn push_form(&mut self, form: Form<'p>) -> Option<()> {
        match form {
            Form::Literal(text) => {
                self.text.push_str(text);
                Some(())
            }
            Form::Bound(value) => {
                self.text.push('?');
                self.bind(value)
            }
            Form::Cast(value, digits, scale) => {
                // A String takes whatever is written to it.
                let _ = write!(self.text, "CAST(? AS DECIMAL({digits},{scale}))");
                self.bind(Cow::Owned(value))
            }
        }
    }

    fn bind(&mut self, value: Cow<'p, Value>) -> Option<()> {
        let (letter, bytes) = match &*value {
            // A NULL is the same in every type.
            Value::Null => ('t', 0),
            Value::Text(text) | Value::Temporal(text) => ('t', text.len()),
            Value::Double(_) => ('d', 0),
            _ => ('i', 0),
        };
        match self.types.last_mut() {
            Some((last, count)) if *last == letter => *count += 1,
            _ => self.types.push((letter, 1)),
        }
        self.values_bytes += bytes + VALUE_BYTES;
        self.values.push(value);
        (self.values.len() <= VALUES_MAX).then_some(())
    }

    fn finish(mut self, max_bytes: usize) -> Option<Prepared<'p>> {
        if !self.types.is_empty() {
            self.text.push_str(" /* ");
            for (letter, count) in &self.types {
                self.text.push(*letter);
                if *count > 1 {
                    let _ = write!(self.text, "{count}");
                }
            }
            self.text.push_str(" */");
        }
        let fits = self.text.len() + self.values_bytes <= max_bytes;
        fits.then_some(Prepared {
            text: self.text,
            values: self.values,
        })
    }
}

/// The form of one value that a literal could be made of; None: only the literal.
fn form(value: &Value, place: Place) -> Option<Form<'_>> {
    let form = match value {
        // JSON functions tell them from 1 and 0. Being text, they may stand anywhere.
        Value::Bool(true) => return Some(Form::Literal("TRUE")),
        Value::Bool(false) => return Some(Form::Literal("FALSE")),
        Value::Null | Value::Double(_) => Form::Bound(Cow::Borrowed(value)),
        // As a literal it is the negative of a number that no i64 holds.
        Value::Int(i64::MIN) => return None,
        Value::Int(_) => Form::Bound(Cow::Borrowed(value)),
        Value::UInt(number) => Form::Bound(Cow::Owned(Value::Int(i64::try_from(*number).ok()?))),
        Value::Decimal(text) => decimal(text)?,
        // A connection of utf8mb3 refuses such a literal, and may not check a value.
        Value::Text(text) if text.bytes().any(|byte| byte >= FOUR_BYTES) => return None,
        Value::Text(_) | Value::Temporal(_) => Form::Bound(Cow::Borrowed(value)),
        // The driver would bind them as text of the connection's character set.
        Value::Bytes(_) | Value::List(_) | Value::InsertIdOf(_) => return None,
    };
    allows(place, &form).then_some(form)
}

/// The first byte of a character above U+FFFF, in UTF-8, is not below this.
const FOUR_BYTES: u8 = 0xf0;

fn allows(place: Place, form: &Form<'_>) -> bool {
    let value = match form {
        Form::Bound(value) => &**value,
        Form::Cast(..) => return matches!(place, Place::Value | Place::Number),
        Form::Literal(_) => return true,
    };
    match place {
        Place::Value => true,
        Place::Number => matches!(value, Value::Int(_) | Value::Double(_)),
        Place::Whole => matches!(value, Value::Int(_)),
        Place::Count => matches!(value, Value::Int(0..)),
        Place::Literal => false,
    }
}

/// What MySQL reads the literal as: a whole number without a point, else a
/// DECIMAL of as many digits as are written ("Precision Math").
fn decimal(text: &str) -> Option<Form<'static>> {
    let literal = text.strip_prefix('+').unwrap_or(text);
    let Some((whole, fraction)) = literal.split_once('.') else {
        let number: i64 = literal.parse().ok()?;
        return (number != i64::MIN).then_some(Form::Bound(Cow::Owned(Value::Int(number))));
    };
    let digits = whole.trim_start_matches('-').len() + fraction.len();
    let scale = fraction.len();
    (scale <= SCALE_MAX).then(|| Form::Cast(Value::Text(literal.to_owned()), digits, scale))
}
