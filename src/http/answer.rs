//! Which path tells what.

use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};
use serde_json::{Map, Value, json};

use super::metrics::{self, Form};
use super::source::{ShardReadiness, Source};

/// An older sign of life of the threads that move bytes is none. They give it a
/// hundred times a second.
const PULSE_AGE_MAX: Duration = Duration::from_secs(3);

/// The path whose answer takes no time at all.
pub(super) const HEALTHZ: &str = "/healthz";

const PATHS: &str = "\
/metrics          counts and times, for Prometheus
/healthz          whether the process lives
/readyz           whether it takes requests, and which shards it can reach
/readyz/NAME      the same of one shard
/digests          what statements cost, those that took the most time first;
                  ?shard=NAME for one shard's, ?limit=N for so many
";

const NO_SHARD: &str = "there is no such shard; /readyz lists them\n";

/// Digests that one answer has, and may have.
const DIGESTS_DEFAULT: usize = 100;
const DIGESTS_MAX: usize = 100_000;

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";

type Answer = Response<Full<Bytes>>;

pub(super) fn answer(head: &Parts, source: &dyn Source) -> Answer {
    if head.method != Method::GET && head.method != Method::HEAD {
        let mut answer = text(
            StatusCode::METHOD_NOT_ALLOWED,
            "only GET and HEAD are served here\n",
        );
        let allowed = HeaderValue::from_static("GET, HEAD");
        answer.headers_mut().insert(ALLOW, allowed);
        return answer;
    }
    match head.uri.path() {
        "/metrics" => metrics(head, source),
        HEALTHZ => healthz(source),
        "/readyz" => readyz(source),
        "/digests" => digests(head.uri.query().unwrap_or_default(), source),
        path => match path.strip_prefix("/readyz/") {
            Some(name) => shard_readyz(name, source),
            None => text(StatusCode::NOT_FOUND, format!("there are\n{PATHS}")),
        },
    }
}

/// What a fault of this server's own is answered with.
pub(super) fn failed() -> Answer {
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    text(status, "a fault of this server's own; its log says more\n")
}

fn metrics(head: &Parts, source: &dyn Source) -> Answer {
    let accepted = head.headers.get_all(ACCEPT).iter();
    let form = Form::accepted(accepted.filter_map(|value| value.to_str().ok()));
    match metrics::render(source.snapshot(), form) {
        Ok(body) => respond(StatusCode::OK, form.content_type(), body),
        Err(error) => {
            tracing::error!(%error, "metrics cannot be written");
            failed()
        }
    }
}

fn healthz(source: &dyn Source) -> Answer {
    let age = source.pulse_age();
    if age <= PULSE_AGE_MAX {
        return text(StatusCode::OK, "ok\n");
    }
    let told = format!(
        "the threads that move bytes have given no sign of life for {} ms\n",
        age.as_millis()
    );
    text(StatusCode::SERVICE_UNAVAILABLE, told)
}

/// It is ready while there is a shard that it can serve.
fn readyz(source: &dyn Source) -> Answer {
    let shards = source.shards();
    let draining = source.is_draining();
    let ready = !draining && shards.iter().any(ShardReadiness::is_ready);
    let shards: Map<String, Value> = shards
        .into_iter()
        .map(|shard| (shard.name.clone(), shard_json(&shard)))
        .collect();
    let told = json!({ "ready": ready, "draining": draining, "shards": shards });
    respond(status(ready), JSON, line(&told))
}

fn shard_readyz(name: &str, source: &dyn Source) -> Answer {
    let Some(shard) = source.shard(name) else {
        return text(StatusCode::NOT_FOUND, NO_SHARD);
    };
    let draining = source.is_draining();
    let mut told = shard_json(&shard);
    let ready = shard.is_ready() && !draining;
    told["ready"] = Value::Bool(ready);
    told["draining"] = Value::Bool(draining);
    respond(status(ready), JSON, line(&told))
}

fn digests(query: &str, source: &dyn Source) -> Answer {
    let wanted = match Wanted::read(query) {
        Ok(wanted) => wanted,
        Err(told) => return text(StatusCode::BAD_REQUEST, told),
    };
    if wanted.shard.is_some_and(|name| !source.has_shard(name)) {
        return text(StatusCode::NOT_FOUND, NO_SHARD);
    }
    let rows = source.digests().into_iter();
    let rows = rows.filter(|row| wanted.shard.is_none_or(|name| row.shard == name));
    let rows: Vec<Value> = rows.take(wanted.limit).map(|row| row.to_json()).collect();
    respond(StatusCode::OK, JSON, line(&Value::Array(rows)))
}

/// Which digests are asked for.
#[derive(Debug, PartialEq, Eq)]
struct Wanted<'q> {
    shard: Option<&'q str>,
    limit: usize,
}

impl<'q> Wanted<'q> {
    fn read(query: &'q str) -> Result<Wanted<'q>, String> {
        let mut wanted = Wanted {
            shard: None,
            limit: DIGESTS_DEFAULT,
        };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("shard", name)) => wanted.shard = Some(name),
                Some(("limit", count)) => {
                    let limit = count.parse().ok();
                    let limit = limit.filter(|limit| (1..=DIGESTS_MAX).contains(limit));
                    wanted.limit =
                        limit.ok_or_else(|| format!("limit must be from 1 to {DIGESTS_MAX}\n"))?;
                }
                _ => return Err("what may be asked is shard=NAME and limit=N\n".to_owned()),
            }
        }
        Ok(wanted)
    }
}

fn shard_json(shard: &ShardReadiness) -> Value {
    match &shard.unavailable {
        None => json!({ "ready": true }),
        Some(unavailable) => json!({
            "ready": false,
            "reason": unavailable.reason,
            "since_ms": u64::try_from(unavailable.since.as_millis()).unwrap_or(u64::MAX),
        }),
    }
}

fn status(ready: bool) -> StatusCode {
    match ready {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    }
}

fn line(value: &Value) -> String {
    format!("{value}\n")
}

fn text(status: StatusCode, body: impl Into<String>) -> Answer {
    respond(status, TEXT, body.into())
}

fn respond(status: StatusCode, content_type: &'static str, body: String) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    // What it says is over with the moment.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

#[cfg(test)]
mod tests;
