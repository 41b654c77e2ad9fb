//! `forebay serve` as a process of its own, which can be looked at from outside.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use forebay::config::ListenAddress;
use forebay::rpc::Client;

use super::server::free_port;
use super::{TIMEOUT, folder, wait_until};

/// Ended when dropped.
pub struct Process {
    child: Child,
    address: ListenAddress,
    folder: tempfile::TempDir,
}

impl Process {
    pub fn new(config: &str) -> Process {
        Process::within(&[], config)
    }

    /// The program `wrapper` gets the service's command line behind its own
    /// arguments, and must run that in its own place.
    pub fn within(wrapper: &[&str], config: &str) -> Process {
        let folder = folder();
        let file = folder.path().join("forebay.toml");
        fs::write(&file, config).unwrap();
        // To a file: nobody reads a pipe while the test goes on.
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let tie = ["setpriv", "--pdeathsig", "KILL"];
        let port = free_port("127.0.0.1");
        let words = wrapper.iter().chain(&tie).copied();
        let mut words = words.chain([env!("CARGO_BIN_EXE_forebay"), "serve"]);
        let child = Command::new(words.next().unwrap())
            .args(words)
            .args(["--listen", &format!("127.0.0.1:{port}"), "--config"])
            .arg(&file)
            .stdin(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut started = Process {
            child,
            address: ListenAddress::Tcp(format!("127.0.0.1:{port}")),
            folder,
        };
        wait_until("it listens", || {
            let ended = started.child.try_wait().unwrap();
            assert!(ended.is_none(), "{}", started.log());
            started.log().contains("listening")
        });
        started
    }

    pub fn client(&self) -> Client {
        self.client_within(TIMEOUT)
    }

    /// A client all of whose calls have that timeout.
    pub fn client_within(&self, timeout: Duration) -> Client {
        self.try_client(timeout).unwrap()
    }

    pub fn try_client(&self, timeout: Duration) -> Result<Client, forebay::rpc::ClientError> {
        Client::connect(&self.address, timeout)
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn proc(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{name}", self.child.id()))
    }

    pub fn threads(&self) -> usize {
        fs::read_dir(self.proc("task")).unwrap().count()
    }

    /// Open files, sockets among them.
    pub fn files(&self) -> usize {
        fs::read_dir(self.proc("fd")).unwrap().count()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
