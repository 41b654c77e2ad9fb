//! A MariaDB of one test's own that can be killed, stopped, and started again in
//! the same place. It never outlives the thread that has started it.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use mysql::prelude::Queryable;

/// Starting takes a second; recovering from a kill, with both processors busy,
/// several.
const START_TIMEOUT: Duration = Duration::from_secs(60);

const PORT_ATTEMPTS: u32 = 10;

/// Of its log, when a test fails.
const LOG_LINES: usize = 20;

/// May do everything to the database `test`, and nothing to the server: neither
/// does `read_only` let it through, nor is there a connection kept for it. It has
/// no password.
pub const USER: &str = "app";

/// ER_NO_SUCH_THREAD.
const NO_SUCH_THREAD: u16 = 1094;

/// Run at every start.
const INIT: &str = "CREATE DATABASE IF NOT EXISTS test;\n\
                    CREATE USER IF NOT EXISTS app@'%';\n\
                    GRANT ALL PRIVILEGES ON test.* TO app@'%';\n";

pub struct Mariadb {
    pub host: String,
    pub port: u16,
    process: Option<Child>,
    /// `innodb_flush_log_at_trx_commit` is 2: what was committed outlives a kill.
    options: Vec<String>,
    /// Its data may be on a file system of its own, which ends with the process.
    disk_bytes: Option<u64>,
    folder: tempfile::TempDir,
}

impl Mariadb {
    pub fn new(options: &[&str]) -> Mariadb {
        Mariadb::at("127.0.0.1", None, options)
    }

    /// On that address, and on any port if none is given.
    pub fn at(host: &str, port: Option<u16>, options: &[&str]) -> Mariadb {
        let mut own = Mariadb::unstarted(host, options);
        own.start_on(port);
        own
    }

    /// With its data on a disk of that size. May only be called where
    /// [`may_mount`] is true. Nothing of the data outlives a kill.
    pub fn with_disk(disk_bytes: u64, options: &[&str]) -> Mariadb {
        let mut own = Mariadb::unstarted("127.0.0.1", options);
        own.disk_bytes = Some(disk_bytes);
        own.start_on(None);
        own
    }

    fn unstarted(host: &str, options: &[&str]) -> Mariadb {
        let folder = tempfile::tempdir().unwrap();
        copy(template(), &folder.path().join("data"));
        fs::write(folder.path().join("init.sql"), INIT).unwrap();
        Mariadb {
            host: host.to_owned(),
            port: 0,
            process: None,
            options: options.iter().map(ToString::to_string).collect(),
            disk_bytes: None,
            folder,
        }
    }

    fn start_on(&mut self, port: Option<u16>) {
        for _ in 0..PORT_ATTEMPTS {
            self.port = port.unwrap_or_else(|| free_port(&self.host));
            if self.try_start() {
                return;
            }
        }
        panic!("MariaDB does not start; its log:\n{}", self.log());
    }

    /// Starts it where it was, and waits until it answers. To be called by the
    /// test's own thread: it ends with the one that has started it.
    pub fn start(&mut self) {
        assert!(self.try_start(), "{}", self.log());
    }

    fn try_start(&mut self) -> bool {
        assert!(self.process.is_none(), "it runs already");
        let log = fs::File::create(self.path("log")).unwrap();
        let mut process = self
            .command()
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let deadline = Instant::now() + START_TIMEOUT;
        while self.try_direct().is_err() {
            if process.try_wait().unwrap().is_some() {
                return false;
            }
            if Instant::now() > deadline {
                process.kill().unwrap();
                process.wait().unwrap();
                panic!("MariaDB does not answer; its log:\n{}", self.log());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        self.process = Some(process);
        true
    }

    /// Each program of it runs the next in its own place, so that the process is
    /// the server in the end.
    fn command(&self) -> Command {
        let tie = ["setpriv", "--pdeathsig", "KILL"];
        let mut command;
        match self.disk_bytes {
            None => {
                command = Command::new(tie[0]);
                command.args(&tie[1..]);
            }
            Some(bytes) => {
                let mount = "mount -t tmpfs -o size=$0 none $1/disk && cp -a --sparse=never $1/data $1/disk/ \
                             && shift && exec \"$@\"";
                fs::create_dir_all(self.path("disk")).unwrap();
                command = Command::new("unshare");
                command.args(["-rm", "sh", "-c", mount, &bytes.to_string()]);
                command.arg(self.folder.path()).args(tie);
            }
        }
        command.args(["mariadbd", "--no-defaults"]);
        if runs_as_root() || self.disk_bytes.is_some() {
            command.arg("--user=root");
        }
        let data = match self.disk_bytes {
            None => self.path("data"),
            Some(_) => self.path("disk/data"),
        };
        let option = |name: &str, value: &Path| format!("--{name}={}", value.display());
        command
            .arg(option("datadir", &data))
            .arg(option("tmpdir", self.folder.path()))
            .arg(option("socket", &self.path("sock")))
            .arg(option("pid-file", &self.path("pid")))
            .arg(option("init-file", &self.path("init.sql")))
            .arg(format!("--bind-address={}", self.host))
            .arg(format!("--port={}", self.port))
            .args(["--skip-name-resolve", "--skip-log-bin"])
            .args(["--performance-schema=OFF", "--event-scheduler=OFF"])
            .args(["--innodb-buffer-pool-size=16M", "--innodb-log-file-size=8M"])
            .arg("--innodb-flush-log-at-trx-commit=2")
            .args(&self.options);
        command
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// A connection as root, past the network. There is room for one more of
    /// those when there is for no other, once the last one is gone.
    pub fn direct(&self) -> mysql::Conn {
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            match self.try_direct() {
                Ok(connection) => return connection,
                Err(error) => assert!(Instant::now() < deadline, "{error}: {}", self.log()),
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn try_direct(&self) -> mysql::Result<mysql::Conn> {
        let options = mysql::OptsBuilder::new()
            .user(Some("root"))
            .db_name(Some("test"))
            .socket(Some(self.path("sock").display().to_string()));
        mysql::Conn::new(options)
    }

    pub fn run(&self, sql: &str) {
        self.direct()
            .query_drop(sql)
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// Connections of the service, by their ids.
    pub fn connections(&self) -> Vec<u64> {
        let theirs = "SELECT id FROM information_schema.processlist WHERE user = ?";
        self.direct().exec(theirs, (USER,)).unwrap()
    }

    /// Ends each of those connections that has not gone by itself meanwhile.
    pub fn kill_connections(&self) {
        // One after the other: there may be room for one only.
        let ids = self.connections();
        let mut direct = self.direct();
        for id in ids {
            match direct.query_drop(format!("KILL {id}")) {
                Err(mysql::Error::MySqlError(error)) if error.code == NO_SUCH_THREAD => {}
                killed => killed.unwrap(),
            }
        }
    }

    /// As `kill -9` does; it is gone when this returns.
    pub fn kill(&mut self) {
        let mut process = self.process.take().expect("it runs");
        process.kill().unwrap();
        process.wait().unwrap();
    }

    /// As an administrator stops it: it ends its connections itself.
    pub fn shut_down(&mut self) {
        self.signal("TERM");
        self.process.take().expect("it runs").wait().unwrap();
    }

    /// It does nothing any more, and keeps all its connections.
    pub fn stop(&self) {
        self.signal("STOP");
    }

    pub fn go_on(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let id = self.id().to_string();
        let status = Command::new("kill").args(["-s", name, &id]).status();
        assert!(status.unwrap().success());
    }

    fn id(&self) -> u32 {
        self.process.as_ref().expect("it runs").id()
    }

    /// Takes all the room that is left on its disk, until [`Mariadb::empty_disk`].
    pub fn fill_disk(&self) {
        let mut filler = fs::File::create(self.filler()).unwrap();
        let mut piece = vec![0_u8; 1 << 20];
        while !piece.is_empty() {
            match filler.write(&piece) {
                Ok(1..) => {}
                Ok(0) | Err(_) => piece.truncate(piece.len() / 2),
            }
        }
    }

    pub fn empty_disk(&self) {
        fs::remove_file(self.filler()).unwrap();
    }

    /// Seen from here: the disk is mounted for the server alone.
    fn filler(&self) -> PathBuf {
        let disk = self.path("disk/filler");
        PathBuf::from(format!("/proc/{}/root{}", self.id(), disk.display()))
    }
}

impl Drop for Mariadb {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let last = &lines[lines.len().saturating_sub(LOG_LINES)..];
            println!(
                "the end of MariaDB's log:
{}",
                last.join(
                    "
"
                )
            );
        }
        if let Some(mut process) = self.process.take() {
            process.kill().ok();
            process.wait().ok();
        }
    }
}

fn runs_as_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// Whether a process may be given file systems of its own.
pub fn may_mount() -> bool {
    let tried = Command::new("unshare")
        .args(["-rm", "mount", "-t", "tmpfs", "none", "/mnt"])
        .stderr(Stdio::null())
        .status();
    tried.is_ok_and(|status| status.success())
}

/// A port that nobody listens on, below 32768, from where on the system picks the
/// ports of outgoing connections.
pub fn free_port(host: &str) -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 15_000 + (std::process::id() % 250) as u16 * 20;
    loop {
        let port = first + NEXT.fetch_add(1, Ordering::Relaxed) % 4_000;
        if TcpListener::bind((host, port)).is_ok() {
            return port;
        }
    }
}

/// The data of a server that has never run. Made once for each version of
/// MariaDB, for it takes seconds.
fn template() -> &'static Path {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(|| {
        let version = Command::new("mariadbd").arg("--version").output().unwrap();
        let version = String::from_utf8_lossy(&version.stdout).into_owned();
        let part = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let name: String = version.trim().chars().map(part).collect();
        let parent = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let ready = parent.join(name);
        if !ready.exists() {
            let made = tempfile::tempdir_in(parent).unwrap();
            install(&made.path().join("data"));
            // Another process may have been faster.
            fs::rename(made.path().join("data"), &ready).ok();
        }
        assert!(ready.exists(), "{} is not there", ready.display());
        ready
    })
}

fn install(data: &Path) {
    let mut command = Command::new("mariadb-install-db");
    command
        .args(["--no-defaults", "--skip-test-db"])
        .args(["--auth-root-authentication-method=normal"])
        .arg("--innodb-log-file-size=8M")
        .arg(format!("--datadir={}", data.display()));
    if runs_as_root() {
        command.arg("--user=root");
    }
    let made = command.output().unwrap();
    assert!(
        made.status.success(),
        "mariadb-install-db: {}",
        String::from_utf8_lossy(&made.stderr)
    );
}

fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).status();
    assert!(copied.unwrap().success());
}
