//! Addresses to listen on.

use std::path::PathBuf;

use super::*;
use crate::config::ListenAddress;

#[test]
fn http_is_told_where_it_is_asked_for() {
    let listen = |line: &str| {
        let shard = "[shards.a]\nurl = \"sqlite::memory:\"";
        valid(&format!("[server]\n{line}\n{shard}"))
            .server
            .http_listen
    };
    assert_eq!(listen(""), None);
    let expected = "[::]:9091".parse().ok();
    assert_eq!(listen("http_listen = \":9091\""), expected);
    let path = PathBuf::from("/srv/forebay/run/http.sock");
    let expected = Some(ListenAddress::Unix(path));
    assert_eq!(listen("http_listen = \"unix:run/http.sock\""), expected);
}

#[test]
fn a_listen_address_displays_as_it_is_parsed() {
    for text in ["127.0.0.1:9090", "[::1]:9090", "unix:/run/forebay.sock"] {
        let address: ListenAddress = text.parse().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(address.to_string(), text);
    }
}
