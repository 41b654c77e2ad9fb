//! Faults of the file's syntax, with their place in lines. Which they are, the
//! TOML parser says; here they get a path and a remedy.

use std::ops::Range;

use super::error::{Faults, Place};

/// More than anybody mends before the next try; finding a path takes a scan of
/// the text above.
const SYNTAX_FAULTS_MAX: usize = 100;

/// Records what the parser `found`: its messages, and where in `text`. Whether the
/// values can be trusted nevertheless.
pub(super) fn add_faults<'e>(
    text: &str,
    lines: &Lines,
    found: impl ExactSizeIterator<Item = (&'e str, Range<usize>)>,
    faults: &mut Faults,
) -> bool {
    let mut readable = found.len() <= SYNTAX_FAULTS_MAX;
    let mut line_before = 0;
    let mut duplicate_header = None;
    for (problem, span) in found.take(SYNTAX_FAULTS_MAX) {
        if problem == "duplicate key" {
            add_duplicate(text, lines, span, &mut duplicate_header, faults);
            continue;
        }
        readable = false;
        let (line, column) = lines.position(text, span.start);
        // What follows in the same line is mostly a consequence.
        if line == line_before {
            continue;
        }
        line_before = line;
        let place = Place {
            key: String::new(),
            line: Some(line),
        };
        faults.add(
            &place,
            format!(
                "column {column} is not valid TOML: {problem}; write key = value, with strings \
                 in quotes, and tables as [name]"
            ),
        );
    }
    readable
}

/// Where the lines of a text begin.
pub(super) struct Lines(Vec<usize>);

impl Lines {
    pub fn new(text: &str) -> Lines {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Lines([0].into_iter().chain(ends.map(|(at, _)| at + 1)).collect())
    }

    /// Counted from 1.
    pub fn line(&self, offset: usize) -> usize {
        self.0.partition_point(|start| *start <= offset)
    }

    /// Line, and column in characters, both counted from 1.
    fn position(&self, text: &str, offset: usize) -> (usize, usize) {
        let line = self.line(offset);
        let before = text.get(self.start(offset)..offset).unwrap_or("");
        (line, before.chars().count() + 1)
    }

    /// The offset of the beginning of the line that `offset` is in.
    fn start(&self, offset: usize) -> usize {
        let line = self.line(offset);
        self.0.get(line.wrapping_sub(1)).copied().unwrap_or(0)
    }
}

/// Records a key or a table that is there twice. The parser tells only where its
/// last word stands; the path is what the text around it says. The keys under a
/// repeated header are not repeated faults: `header` remembers the last one.
fn add_duplicate(
    text: &str,
    lines: &Lines,
    span: Range<usize>,
    header: &mut Option<usize>,
    faults: &mut Faults,
) {
    let line = lines.line(span.start);
    let start = lines.start(span.start);
    let own_line = text[start..].lines().next().unwrap_or("");
    let line_of_header = |header: &str| {
        let mut numbered = text.lines().zip(1..);
        numbered.find_map(|(line, number)| (header_of(line) == Some(header)).then_some(number))
    };
    let mut place = Place {
        key: String::new(),
        line: Some(line),
    };
    if let Some(name) = header_of(own_line) {
        *header = Some(line);
        let first = line_of_header(name).filter(|first| *first != line);
        let first = first.map_or(String::new(), |first| format!(" (first on line {first})"));
        place.key = name.to_owned();
        let remedy = match name.starts_with("shards.") {
            true => "give one of the two shards another name, or remove it",
            false => "put everything under one of them",
        };
        faults.add(&place, format!("is there twice{first}; {remedy}"));
        return;
    }
    let above = text[..start].lines().zip(1..);
    let above = above.filter_map(|(line, number)| Some((header_of(line)?, number)));
    let (table, table_line) = above.last().unzip();
    if table_line.is_some() && table_line == *header {
        return;
    }
    let words = text.get(start..span.end).unwrap_or("");
    let last_word = text.get(span).unwrap_or("");
    let key = match words.split_once('=') {
        // In an inline table; the values before it may be secret.
        Some((key, _)) => format!("{}.{last_word}", key.trim()),
        None => words.trim().to_owned(),
    };
    place.key = match table {
        Some(table) => format!("{table}.{key}"),
        None => key,
    };
    faults.add(&place, "is there twice; remove one of them");
}

/// The name in a line such as `[shards.users]`.
fn header_of(line: &str) -> Option<&str> {
    let name = line.trim_start().strip_prefix('[')?;
    Some(name.split_once(']')?.0.trim())
}
