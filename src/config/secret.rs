//! Reading what a shard names: its password, from a file or the environment, and
//! the files of its TLS settings.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::types::Secret;

/// Longer than any password; a wrong path may lead to anything.
const PASSWORD_MAX_BYTES: u64 = 4096;

/// Looks up an environment variable. Passed in, since tests share one process.
pub(super) type Environment<'e> = &'e dyn Fn(&str) -> Option<OsString>;

/// The password in a file, without the newline that editors leave at its end.
/// The error is a message with a remedy.
pub(super) fn from_file(path: &Path) -> Result<Secret, String> {
    let shown = path.display();
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(PASSWORD_MAX_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| {
            format!(
                "{shown} cannot be read ({error}); name a file that holds the password, and \
                 that the service may read"
            )
        })?;
    if bytes.len() as u64 > PASSWORD_MAX_BYTES {
        return Err(format!(
            "{shown} has more than {PASSWORD_MAX_BYTES} bytes; name a file that holds the \
             password alone"
        ));
    }
    let Ok(text) = String::from_utf8(bytes) else {
        return Err(format!(
            "{shown} is not UTF-8 text; save the password as UTF-8"
        ));
    };
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() {
        return Err(format!(
            "{shown} is empty; put the password in it, or remove the key if there is none"
        ));
    }
    if text.contains(['\n', '\r', '\0']) {
        return Err(format!(
            "{shown} has more than one line; it must hold the password alone"
        ));
    }
    Ok(Secret::new(text))
}

/// The password in an environment variable.
pub(super) fn from_environment(name: &str, environment: Environment<'_>) -> Result<Secret, String> {
    // The value given may be the password itself: what can't be a variable's name
    // is not repeated in a message.
    let named = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if !name.bytes().all(named) || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(
            "is not the name of an environment variable; it must be of letters, digits and _, \
             and it is the variable that holds the password"
                .to_owned(),
        );
    }
    let Some(value) = environment(name) else {
        return Err(format!(
            "the environment variable {name} is not set; set it to the password before the \
             start, or use password_file"
        ));
    };
    match value.into_string() {
        Ok(text) if text.is_empty() => Err(format!(
            "the environment variable {name} is empty; set it to the password, or remove the \
             key if there is none"
        )),
        Ok(text) => Ok(Secret::new(text)),
        Err(_) => Err(format!("the environment variable {name} is not UTF-8 text")),
    }
}

/// Whether a file can be opened and is one.
pub(super) fn check_readable(path: &Path) -> io::Result<()> {
    let metadata = File::open(path)?.metadata()?;
    if metadata.is_dir() {
        return Err(io::Error::from(io::ErrorKind::IsADirectory));
    }
    Ok(())
}
