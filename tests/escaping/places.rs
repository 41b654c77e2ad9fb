//! Statements whose placeholders stand among literals, comments and quoted
//! names of every style: the server sees each value where it was put, and
//! nothing else of it.

use super::*;
use forebay::value::Value;
use proptest::prelude::*;

/// A select list's item, and what it must give; None for what gives nothing.
#[derive(Clone, Debug)]
enum Item {
    /// Code, and the text that the server makes of it.
    Fixed(String, Vec<u8>),
    /// A placeholder and its value.
    Mark(Value, Vec<u8>),
    /// A comment, which goes before the next item.
    Comment(String),
}

/// Text in quotes as somebody writes it by hand for a mode.
fn quoted(text: &str, quote: char, escapes: bool) -> String {
    let mut out = String::from(quote);
    for character in text.chars() {
        match character {
            '\\' if escapes => out.push_str("\\\\"),
            '\'' | '"' if escapes && character == quote => {
                out.push('\\');
                out.push(character);
            }
            _ if character == quote => {
                out.push(quote);
                out.push(quote);
            }
            _ => out.push(character),
        }
    }
    out.push(quote);
    out
}

fn items(mode: SqlMode) -> impl Strategy<Value = Vec<Item>> {
    let escapes = !mode.no_backslash_escapes;
    let fixed = move |quote: char| {
        "[?:a'\"`\\\\#/*;é -]{0,10}".prop_map(move |text| {
            Item::Fixed(quoted(&text, quote, escapes), text.clone().into_bytes())
        })
    };
    // A name in quotes is an alias of the item before it.
    let name = prop_oneof![Just('`'), Just(if mode.ansi_quotes { '"' } else { '`' })];
    let named = ("[?:'\"`\\\\#/*;é-]{1,8}", name).prop_map(|(text, quote)| {
        Item::Fixed(
            format!("'n' AS {}", quoted(&text, quote, false)),
            b"n".to_vec(),
        )
    });
    let double = if mode.ansi_quotes { '\'' } else { '"' };
    let text = "['\"\\\\\0\u{1a};?:é😀/*# -]{0,12}";
    let mark = prop_oneof![
        text.prop_map(|text| Item::Mark(Value::Text(text.clone()), text.into_bytes())),
        prop::collection::vec(any::<u8>(), 0..8)
            .prop_map(|bytes| Item::Mark(Value::Bytes(bytes.clone()), bytes)),
        any::<i64>().prop_map(|int| Item::Mark(Value::Int(int), int.to_string().into_bytes())),
    ];
    let comment = prop::sample::select(vec![
        "/* ? ' \" ` */",
        "-- ? '\n",
        "# ? \"\n",
        "--\t:a\n",
        "/**/",
        "/*+ ? */",
        "/*! */",
        "/*!99999 ? */",
        "/*!50000 */",
        "--\n",
        "\n",
    ]);
    let item = prop_oneof![
        2 => fixed('\''),
        1 => fixed(double),
        1 => named,
        4 => mark,
        2 => comment.prop_map(|comment| Item::Comment(comment.to_owned())),
    ];
    prop::collection::vec(item, 1..12)
}

/// A statement that selects the items, its values, and what must come back.
fn statement(items: &[Item]) -> (String, Vec<Value>, Vec<Vec<u8>>) {
    let mut sql = String::from("SELECT 'first'");
    let mut values = Vec::new();
    let mut expected = vec![b"first".to_vec()];
    for item in items {
        match item {
            Item::Fixed(code, bytes) => {
                sql.push_str(&format!(",{code}"));
                expected.push(bytes.clone());
            }
            Item::Mark(value, bytes) => {
                sql.push_str(",?");
                values.push(value.clone());
                expected.push(bytes.clone());
            }
            Item::Comment(comment) => sql.push_str(comment),
        }
    }
    (sql, values, expected)
}

#[test]
fn the_server_reads_each_value_where_it_was_put() {
    for sql_mode in MODES {
        let server = std::cell::RefCell::new(Server::connect(sql_mode));
        let mode = server.borrow().mode;
        runner(1500)
            .run(&items(mode), |items| {
                let mut server = server.borrow_mut();
                let (sql, values, expected) = statement(&items);
                let Ok(rendered) = server.render(&sql, &Params::Positional(values)) else {
                    // Only for the placeholder in an executable comment.
                    prop_assert!(sql.contains("/*!99999"), "{}", sql);
                    return Ok(());
                };
                let row = server.row(&rendered);
                let seen: Vec<Vec<u8>> = row.unwrap().into_iter().map(mysql::from_value).collect();
                prop_assert_eq!(seen, expected, "{}", rendered);
                Ok(())
            })
            .unwrap();
    }
}

/// Pieces of statements that need not fit together.
fn scraps() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "'", "\"", "`", "\\", "\\'", "''", "\"\"", "``", "a", "é", " ", "?", " ? ", ",?,", "(?)",
        "--", "-- ", "#", "\n", "/*", "*/", "/*!", "/*!50000", "/*!99999", "/*M!", "/*+", "1", ".",
        "@", ",", "_gbk", "N", "x", "$$", "\u{ffff}", "*", "/", "-", "\\N", "+",
    ]);
    prop::collection::vec(pieces, 1..10).prop_map(|pieces| format!("SELECT {}", pieces.concat()))
}

/// Whatever the text: if the server can prepare it, it sees as many
/// placeholders as the analysis does, and if it can run it with values in that
/// would end a literal, none of them becomes code.
#[test]
fn the_server_counts_the_same_placeholders() {
    const ATTACKS: [&str; 3] = [
        "',(SELECT 1 FROM no_such_table) -- ",
        "\\',(SELECT 1 FROM no_such_table) -- \",(SELECT 1 FROM no_such_table) -- ",
        "*/,(SELECT 1 FROM no_such_table) -- \n,(SELECT 1 FROM no_such_table) -- ",
    ];
    const NO_SUCH_TABLE: u16 = 1146;
    for sql_mode in MODES {
        let server = std::cell::RefCell::new(Server::connect(sql_mode));
        runner(3000)
            .run(&scraps(), |sql| {
                let mut server = server.borrow_mut();
                let dialect = Dialect::MySql(server.mode);
                let Ok(template) = analyze(&sql, ParamStyle::Native, true, dialect) else {
                    return Ok(());
                };
                let count = template.placeholder_count();
                if let Ok(statement) = server.conn.prep(&sql) {
                    prop_assert_eq!(usize::from(statement.num_params()), count, "{}", sql);
                    server.conn.close(statement).unwrap();
                }
                for attack in ATTACKS {
                    let values = vec![Value::Text(attack.to_owned()); count];
                    let params = Params::Positional(values);
                    let rendered = render_escaped(&template, &params, usize::MAX).unwrap();
                    if let Err(mysql::Error::MySqlError(error)) = server.conn.query_drop(&rendered)
                    {
                        prop_assert_ne!(error.code, NO_SUCH_TABLE, "{}", rendered);
                    }
                }
                Ok(())
            })
            .unwrap();
    }
}
