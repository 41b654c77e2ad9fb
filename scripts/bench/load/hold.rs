//! Sessions that are connected and say nothing, for others to be measured beside
//! them: each asks once, so that it is known to be served, and then is silent.

use std::io::{self, Read, Write};
use std::time::Instant;

use serde_json::{Value, json};

use crate::args::HoldArgs;
use crate::call::Call;
use crate::closed::{Clients, Ids};

/// So many are asked at the same time; all of them would be more than a queue takes.
const AT_ONCE: usize = 64;

/// Prints a line when all are silent; the result tells how many were lost since, as
/// far as one look shows.
pub fn run(options: &HoldArgs) -> io::Result<Value> {
    let mut call = Call::prepare(&options.target)?;
    let mut ids = Ids::new(options.target.rows);
    let started = Instant::now();
    let mut clients = Clients::connect(&options.target, options.sessions)?;
    let mut asked = options.sessions.min(AT_ONCE);
    for session in &mut clients.sessions[..asked] {
        session.send(&mut call, ids.next(), Instant::now())?;
    }
    let (mut silent, mut errors) = (0, 0);
    let mut ready = Vec::new();
    while silent < options.sessions {
        clients.wait(&mut ready)?;
        for &index in &ready {
            if let Some(answered) = clients.sessions[index].receive(&call, &mut clients.buffer)? {
                silent += 1;
                errors += u64::from(!answered.right);
                if let Some(next) = clients.sessions.get_mut(asked) {
                    next.send(&mut call, ids.next(), Instant::now())?;
                    asked += 1;
                }
            }
        }
    }
    let connect_seconds = started.elapsed().as_secs_f64();
    let held = json!({
        "sessions": options.sessions,
        "errors": errors,
        "connect_seconds": connect_seconds,
    });
    writeln!(io::stdout().lock(), "{held}")?;
    io::stdin().lock().read_to_end(&mut Vec::new())?;
    clients.wait_until(Instant::now(), &mut ready)?;
    Ok(json!({"lost": ready.len()}))
}
