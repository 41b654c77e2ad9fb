//! The file as TOML: its tables and values, each with its place. The only code
//! that knows the `toml` crate. What keys mean is left to `server` and `shard`.

use std::borrow::Cow;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{Faults, Place};
use super::keys::{self, Number};
use super::syntax::{self, Lines};

/// A value and where it was found.
#[derive(Clone, Debug)]
pub(super) struct Located<T> {
    pub value: T,
    pub place: Place,
}

impl<T> Located<T> {
    /// The same place with another value.
    pub fn with<U>(&self, value: U) -> Located<U> {
        Located {
            value,
            place: self.place.clone(),
        }
    }
}

/// A parsed file.
pub(super) struct Document<'t> {
    table: DeTable<'t>,
    lines: Lines,
}

impl<'t> Document<'t> {
    /// Parses `text`. Duplicate keys are recorded and the first is kept; after
    /// any other fault of the syntax the values cannot be trusted: `None`.
    pub fn parse(text: &'t str, faults: &mut Faults) -> Option<Document<'t>> {
        let lines = Lines::new(text);
        let (table, errors) = DeTable::parse_recoverable(text);
        let found = errors.iter().map(|error| {
            let offset = error.span().unwrap_or(0..0);
            (error.message(), offset)
        });
        let readable = syntax::add_faults(text, &lines, found, faults);
        let table = table.into_inner();
        readable.then_some(Document { table, lines })
    }

    /// The top level.
    pub fn root(&self) -> Section<'_> {
        Section {
            place: Place {
                key: String::new(),
                line: None,
            },
            table: &self.table,
            lines: &self.lines,
        }
    }
}

/// One table of the file.
pub(super) struct Section<'d> {
    /// Of its header.
    pub place: Place,
    table: &'d DeTable<'d>,
    lines: &'d Lines,
}

impl<'d> Section<'d> {
    /// Records every key that is not in `known`.
    pub fn check_keys(&self, known: &[&str], faults: &mut Faults) {
        for (key, value) in self.table.iter() {
            let name: &str = key.get_ref();
            if known.contains(&name) {
                continue;
            }
            let remedy = if value.get_ref().is_table() && known.contains(&"url") {
                "a shard's name with a dot in it stands in quotes: [shards.\"a.b\"]".to_owned()
            } else {
                keys::unknown_key_remedy(name, known)
            };
            faults.add(&self.place_of(key), format!("unknown key; {remedy}"));
        }
    }

    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Whether there are tables in this one, known or not.
    pub fn has_tables(&self) -> bool {
        self.table.values().any(|value| value.get_ref().is_table())
    }

    /// Where `key` is, whatever it holds; `None` if it is missing.
    pub fn place_under(&self, key: &str) -> Option<Place> {
        self.find(key).map(|(place, _)| place)
    }

    /// The place of a key that should be there: the line of the table's header.
    pub fn place_missing(&self, key: &str) -> Place {
        Place {
            key: join(&self.place.key, key),
            line: self.place.line,
        }
    }

    /// The table under `key`, unless it is missing.
    pub fn section(&self, key: &str, faults: &mut Faults) -> Option<Section<'d>> {
        self.section_under(key, key, faults)
    }

    /// The same, for a table that is written with another header.
    pub fn section_under(
        &self,
        key: &str,
        header: &str,
        faults: &mut Faults,
    ) -> Option<Section<'d>> {
        let (place, value) = self.find(key)?;
        self.as_section(header, place, value, faults)
    }

    /// All the tables in this one, which is one of names; with their names.
    pub fn sections(&self, faults: &mut Faults) -> Vec<(String, Section<'d>)> {
        let mut sections = Vec::new();
        for (key, value) in self.table.iter() {
            let name = key.get_ref().to_string();
            let place = self.place_of(key);
            let header = format!("{}.NAME", self.place.key);
            if let Some(section) = self.as_section(&header, place, value.get_ref(), faults) {
                sections.push((name, section));
            }
        }
        sections
    }

    /// The number under `key`, if it is there and in its range.
    pub fn number(&self, key: &Number, faults: &mut Faults) -> Option<Located<u64>> {
        let (place, value) = self.find(key.name)?;
        let range = key.range();
        let DeValue::Integer(integer) = value else {
            let quotes = if value.is_str() {
                ", without quotes"
            } else {
                ""
            };
            let wrong = describe(value);
            faults.add(
                &place,
                format!("is {wrong}; it must be a whole number {range}{quotes}"),
            );
            return None;
        };
        // Beyond 128 bits the sign tells enough.
        let digits = integer.as_str();
        let number = i128::from_str_radix(digits, integer.radix()).unwrap_or({
            if digits.starts_with('-') {
                i128::MIN
            } else {
                i128::MAX
            }
        });
        let size = match number {
            number if number < i128::from(key.min) => "small",
            number if number > i128::from(key.max) => "large",
            _ => {
                let value = number as u64;
                return Some(Located { value, place });
            }
        };
        let shown = shorten(&integer.to_string());
        faults.add(&place, format!("{shown} is too {size}; it must be {range}"));
        None
    }

    /// The numbers under two keys that are compared with each other. If either is
    /// faulty, neither comes back: comparing what was not meant tells nothing.
    pub fn number_pair(
        &self,
        keys: [&Number; 2],
        faults: &mut Faults,
    ) -> [Option<Located<u64>>; 2] {
        let numbers = keys.map(|key| (key, self.number(key, faults)));
        let faulty = |(key, number): &(&Number, Option<_>)| {
            number.is_none() && self.find(key.name).is_some()
        };
        if numbers.iter().any(faulty) {
            return [None, None];
        }
        numbers.map(|(_, number)| number)
    }

    /// The string under `key`. What it should have been, if it is none, ends the
    /// fault: `must` is such as `a path in quotes`.
    pub fn text(&self, key: &str, must: &str, faults: &mut Faults) -> Option<Located<String>> {
        let (place, value) = self.find(key)?;
        let Some(text) = value.as_str() else {
            let wrong = describe(value);
            faults.add(&place, format!("is {wrong}; it must be {must}"));
            return None;
        };
        if text.is_empty() {
            faults.add(&place, format!("is empty; it must be {must}"));
            return None;
        }
        let value = text.to_owned();
        Some(Located { value, place })
    }

    /// The strings of the list under `key`, or the one string that stands there.
    pub fn texts(
        &self,
        key: &str,
        must: &str,
        faults: &mut Faults,
    ) -> Option<Located<Vec<Located<String>>>> {
        let (place, value) = self.find(key)?;
        if let Some(text) = value.as_str() {
            let value = vec![Located {
                value: text.to_owned(),
                place: place.clone(),
            }];
            return Some(Located { value, place });
        }
        let Some(array) = value.as_array() else {
            let wrong = describe(value);
            faults.add(&place, format!("is {wrong}; it must be {must}"));
            return None;
        };
        let mut texts = Vec::new();
        for (index, item) in array.iter().enumerate() {
            let place = Place {
                key: format!("{}[{index}]", place.key),
                line: Some(self.lines.line(item.span().start)),
            };
            match item.get_ref().as_str() {
                Some(text) => texts.push(Located {
                    value: text.to_owned(),
                    place,
                }),
                None => {
                    let wrong = describe(item.get_ref());
                    faults.add(&place, format!("is {wrong}; it must be a string"));
                }
            }
        }
        // A list with a faulty item is not the list that was meant.
        (texts.len() == array.len()).then_some(Located {
            value: texts,
            place,
        })
    }

    /// What the word under `key` stands for.
    pub fn choice<T: Copy>(
        &self,
        key: &str,
        choices: &[(&str, T)],
        faults: &mut Faults,
    ) -> Option<Located<T>> {
        let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
        let must = format!("one of \"{}\"", words.join("\", \""));
        let text = self.text(key, &must, faults)?;
        match choices.iter().find(|(word, _)| *word == text.value) {
            Some((_, value)) => Some(text.with(*value)),
            None => {
                let shown = shorten(&text.value);
                faults.add(
                    &text.place,
                    format!("{shown:?} is unknown; it must be {must}"),
                );
                None
            }
        }
    }

    fn find(&self, key: &str) -> Option<(Place, &'d DeValue<'d>)> {
        let (key, value) = self.table.get_key_value(key)?;
        Some((self.place_of(key), value.get_ref()))
    }

    fn as_section(
        &self,
        header: &str,
        place: Place,
        value: &'d DeValue<'d>,
        faults: &mut Faults,
    ) -> Option<Section<'d>> {
        let Some(table) = value.as_table() else {
            let wrong = describe(value);
            faults.add(
                &place,
                format!("is {wrong}; it must be a table, written [{header}]"),
            );
            return None;
        };
        Some(Section {
            place,
            table,
            lines: self.lines,
        })
    }

    fn place_of(&self, key: &Spanned<Cow<'_, str>>) -> Place {
        Place {
            key: join(&self.place.key, key.get_ref()),
            line: Some(self.lines.line(key.span().start)),
        }
    }
}

fn join(path: &str, key: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    let key = if !key.is_empty() && key.bytes().all(bare) {
        shorten(key)
    } else {
        format!("{:?}", shorten(key))
    };
    if path.is_empty() {
        key
    } else {
        format!("{path}.{key}")
    }
}

/// What stands in the file, for a message. Strings are not shown: one that stands
/// in the wrong place may be a password.
fn describe(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// The beginning of a text, at a length that fits a message.
pub(super) fn shorten(text: &str) -> String {
    const SHOWN_CHARS: usize = 64;
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
