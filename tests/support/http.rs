//! Requests of HTTP as bytes, and what Prometheus would read in the answers.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;

use forebay::config::ListenAddress;
use serde_json::Value;

use super::TIMEOUT;

/// An address that speaks HTTP.
#[derive(Clone)]
pub struct Http(String);

/// One answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// As they came, names in small letters.
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Http {
    pub fn at(address: &ListenAddress) -> Http {
        match address {
            ListenAddress::Tcp(address) => Http(address.clone()),
            ListenAddress::Unix(path) => panic!("not over TCP: {}", path.display()),
        }
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.0).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        stream
    }

    pub fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "")
    }

    /// `headers` are whole lines.
    pub fn ask(&self, method: &str, path: &str, headers: &str) -> Answer {
        let mut stream = self.connect();
        let request = format!("{method} {path} HTTP/1.1\r\nHost: test\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        Answer::read(stream)
    }

    pub fn json(&self, path: &str) -> (u16, Value) {
        let answer = self.get(path);
        let json = serde_json::from_str(&answer.body);
        (answer.status, json.unwrap_or_else(|_| panic!("{answer:?}")))
    }

    pub fn scrape(&self) -> Samples {
        let answer = self.get("/metrics");
        assert_eq!(answer.status, 200, "{answer:?}");
        Samples::parse(&answer.body)
    }
}

impl Answer {
    /// Up to the end of the connection.
    pub fn read(mut stream: impl Read) -> Answer {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_lowercase(), value.to_owned())
        });
        Answer {
            status: status.parse().unwrap(),
            headers: headers.collect(),
            body: body.to_owned(),
        }
    }
}

/// Samples by their names and labels, such as `a_total{b="c"}`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Samples {
    pub values: BTreeMap<String, f64>,
    /// Of the families.
    pub types: BTreeMap<String, String>,
    pub helps: BTreeMap<String, String>,
}

impl Samples {
    /// The text form of Prometheus, 0.0.4. Panics over what it would not take.
    pub fn parse(text: &str) -> Samples {
        let mut samples = Samples::default();
        assert!(text.ends_with('\n'));
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').unwrap();
                assert!(samples.helps.insert(name.into(), help.into()).is_none());
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap();
                assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
                assert!(samples.types.insert(name.into(), kind.into()).is_none());
            } else {
                let (series, value) = line.rsplit_once(' ').unwrap();
                let family = family_of(series);
                assert!(samples.types.contains_key(family), "no type for {line}");
                let value: f64 = value.parse().unwrap_or_else(|_| panic!("{line}"));
                let earlier = samples.values.insert(series.into(), value);
                assert_eq!(earlier, None, "{series} is there twice");
            }
        }
        samples
    }

    /// 0 if it is not there.
    pub fn get(&self, series: &str) -> f64 {
        self.values.get(series).copied().unwrap_or(0.0)
    }

    /// The series of a family, without its name, that have changed, and by how much.
    pub fn since(&self, before: &Samples, family: &str) -> Vec<(String, f64)> {
        let of_family = |(series, value): (&String, &f64)| {
            let labels = series.strip_prefix(family)?;
            let by = value - before.get(series);
            (labels.starts_with('{') && by != 0.0).then(|| (labels.to_owned(), by))
        };
        self.values.iter().filter_map(of_family).collect()
    }

    pub fn names(&self) -> Vec<&str> {
        self.values.keys().map(String::as_str).collect()
    }
}

/// The family of a sample; a histogram has three sorts of them.
fn family_of(series: &str) -> &str {
    let name = series.split('{').next().unwrap();
    let suffixes = ["_bucket", "_sum", "_count"];
    let histogram = suffixes.iter().find_map(|suffix| name.strip_suffix(suffix));
    histogram
        .filter(|_| name.contains("_seconds"))
        .unwrap_or(name)
}
