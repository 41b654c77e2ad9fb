//! Answers to requests about a service that is only played.

use hyper::Request;

use super::*;
use crate::digests::DigestRow;
use crate::http::Snapshot;
use crate::http::source::Unavailable;

/// A service with the shards `up` and `gone`.
#[derive(Default)]
struct Played {
    pulse_age: Duration,
    draining: bool,
    all_gone: bool,
}

impl Source for Played {
    fn snapshot(&self) -> Snapshot {
        Snapshot::default()
    }

    fn pulse_age(&self) -> Duration {
        self.pulse_age
    }

    fn is_draining(&self) -> bool {
        self.draining
    }

    fn has_shard(&self, name: &str) -> bool {
        self.shard(name).is_some()
    }

    fn shards(&self) -> Vec<ShardReadiness> {
        let gone = Unavailable {
            reason: "no \"route\" to it".to_owned(),
            since: Duration::from_millis(1_500),
        };
        let shard = |name: &str, is_gone: bool| ShardReadiness {
            name: name.to_owned(),
            unavailable: is_gone.then(|| gone.clone()),
        };
        vec![shard("gone", true), shard("up", self.all_gone)]
    }

    fn shard(&self, name: &str) -> Option<ShardReadiness> {
        self.shards().into_iter().find(|shard| shard.name == name)
    }

    fn digests(&self) -> Vec<DigestRow> {
        Vec::new()
    }
}

fn status(source: &Played, path: &str) -> u16 {
    let request = Request::builder().uri(path).body(()).unwrap();
    answer(&request.into_parts().0, source).status().as_u16()
}

#[test]
fn threads_that_stand_still_are_not_healthy() {
    let stuck = |seconds| Played {
        pulse_age: Duration::from_secs(seconds),
        ..Played::default()
    };
    assert_eq!(status(&stuck(2), "/healthz"), 200);
    assert_eq!(status(&stuck(4), "/healthz"), 503);
    // What they have counted can be read all the same.
    assert_eq!(status(&stuck(4), "/metrics"), 200);
}

#[test]
fn one_shard_is_enough_to_be_ready() {
    let well = Played::default();
    assert_eq!(status(&well, "/readyz"), 200);
    assert_eq!(status(&well, "/readyz/up"), 200);
    assert_eq!(status(&well, "/readyz/gone"), 503);
    assert_eq!(status(&well, "/readyz/"), 404);
    let alone = Played {
        all_gone: true,
        ..Played::default()
    };
    assert_eq!(status(&alone, "/readyz"), 503);
    let draining = Played {
        draining: true,
        ..Played::default()
    };
    assert_eq!(status(&draining, "/readyz"), 503);
    assert_eq!(status(&draining, "/readyz/up"), 503);
    assert_eq!(status(&draining, "/healthz"), 200);
}

#[test]
fn why_a_shard_is_gone_is_told() {
    let told = shard_json(&Played::default().shard("gone").unwrap());
    let expected = json!({ "ready": false, "reason": "no \"route\" to it", "since_ms": 1_500 });
    assert_eq!(told, expected);
}

#[test]
fn which_digests_are_asked_for() {
    fn read(query: &str) -> Result<(Option<&str>, usize), String> {
        Wanted::read(query).map(|wanted| (wanted.shard, wanted.limit))
    }
    assert_eq!(read(""), Ok((None, DIGESTS_DEFAULT)));
    assert_eq!(read("limit=7&shard=users"), Ok((Some("users"), 7)));
    for limit in ["0", "100001", "-1", "many", ""] {
        let query = format!("limit={limit}");
        let error = read(&query).unwrap_err();
        assert!(error.contains("from 1 to 100000"), "{error}");
    }
    for query in ["shards=a", "limit"] {
        assert!(read(query).unwrap_err().contains("shard=NAME"), "{query}");
    }
}
