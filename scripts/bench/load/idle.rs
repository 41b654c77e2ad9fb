//! What silent sessions cost: each asks once, so that it is known to be served,
//! and then says nothing for the window.

use std::io;
use std::thread;
use std::time::Instant;

use serde_json::{Map, Value, json};

use crate::args::{IdleArgs, Watched};
use crate::call::Call;
use crate::closed::Clients;
use crate::process;

pub fn measure(options: &IdleArgs) -> io::Result<Value> {
    let watched = &options.window.watch;
    let before = look(watched)?;
    let mut call = Call::prepare(&options.target)?;
    let started = Instant::now();
    let mut clients = Clients::connect(&options.target, options.sessions)?;
    for session in &mut clients.sessions {
        session.send(&mut call, 1, Instant::now())?;
    }
    let (mut silent, mut errors) = (0, 0);
    let mut ready = Vec::new();
    while silent < options.sessions {
        clients.wait(&mut ready)?;
        for &index in &ready {
            if let Some(answered) = clients.sessions[index].receive(&call, &mut clients.buffer)? {
                silent += 1;
                errors += u64::from(!answered.right);
            }
        }
    }
    let connect_seconds = started.elapsed().as_secs_f64();
    thread::sleep(options.window.warm_up_seconds);
    let cpu_before: Vec<_> = watched
        .iter()
        .map(|one| process::cpu_time(one.pid))
        .collect::<io::Result<_>>()?;
    thread::sleep(options.window.seconds);
    let mut cpu = Map::new();
    for (one, before) in watched.iter().zip(cpu_before) {
        let used = process::cpu_time(one.pid)?.saturating_sub(before);
        let share = used.as_secs_f64() / options.window.seconds.as_secs_f64();
        cpu.insert(one.name.clone(), json!(share));
    }
    Ok(json!({
        "sessions": options.sessions,
        "errors": errors,
        "connect_seconds": connect_seconds,
        "before": before,
        "with": look(watched)?,
        "cpu_share_while_idle": cpu,
    }))
}

fn look(watched: &[Watched]) -> io::Result<Value> {
    let mut seen = Map::new();
    for one in watched {
        let status = json!({
            "rss_kb": process::status(one.pid, "VmRSS")?,
            "threads": process::status(one.pid, "Threads")?,
        });
        seen.insert(one.name.clone(), status);
    }
    Ok(Value::Object(seen))
}
