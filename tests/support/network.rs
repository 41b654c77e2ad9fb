//! A network of the test's own that can lose what it carries: a Linux network
//! namespace at the other end of a pair of virtual interfaces. Needs the right to
//! make one, `ip`, `tc` and `iptables`.

use std::fs::File;
use std::net::TcpListener;
use std::os::fd::AsRawFd;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

pub struct Network {
    name: String,
    interface: String,
    number: u32,
}

/// Runs a command; an error is what it said.
fn run(command: &str) -> Result<(), String> {
    let mut words = command.split_whitespace();
    let done = Command::new(words.next().unwrap()).args(words).output();
    match done {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!(
            "{command}: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        )),
        Err(error) => Err(format!("{command}: {error}")),
    }
}

impl Network {
    /// None, and a line that says why, where that is not permitted.
    pub fn new() -> Option<Network> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let id = std::process::id();
        let count = NEXT.fetch_add(1, Ordering::Relaxed);
        let network = Network {
            name: format!("forebay-{id}-{count}"),
            interface: format!("fb{id}-{count}"),
            number: (id * 16 + count) % (64 * 256),
        };
        match network.set_up() {
            Ok(()) => Some(network),
            Err(why) => {
                println!("SKIPPED: a network namespace cannot be made here: {why}");
                None
            }
        }
    }

    fn set_up(&self) -> Result<(), String> {
        let Network {
            name, interface, ..
        } = self;
        run("iptables --version")?;
        run("tc -Version")?;
        run(&format!("ip netns add {name}"))?;
        run(&format!(
            "ip link add {interface}h type veth peer name {interface}n netns {name}"
        ))?;
        run(&format!("ip addr add {}/30 dev {interface}h", self.here()))?;
        run(&format!("ip link set {interface}h up"))?;
        self.within(&format!("ip addr add {}/30 dev {interface}n", self.there()))?;
        self.within(&format!("ip link set {interface}n up"))?;
        // Rules that lose something need what the kernel may not have.
        self.within("iptables -A INPUT -m statistic --mode random --probability 0.5 -j DROP")?;
        self.within("iptables -F")
    }

    fn within(&self, command: &str) -> Result<(), String> {
        run(&format!("ip netns exec {} {command}", self.name))
    }

    /// The address of this end.
    pub fn here(&self) -> String {
        self.address(1)
    }

    /// The address of the far end.
    pub fn there(&self) -> String {
        self.address(2)
    }

    fn address(&self, host: u32) -> String {
        let (third, fourth) = (self.number / 64 % 256, self.number % 64 * 4 + host);
        format!("10.213.{third}.{fourth}")
    }

    /// Does `work` on a thread whose sockets are at the far end, for as long as
    /// they live.
    pub fn at_far_end<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let namespace = File::open(format!("/var/run/netns/{}", self.name)).unwrap();
        std::thread::scope(|scope| {
            let thread = scope.spawn(move || {
                // SAFETY: the descriptor is open, and only this thread is moved.
                let moved = unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWNET) };
                assert_eq!(moved, 0, "{}", std::io::Error::last_os_error());
                work()
            });
            thread.join().unwrap()
        })
    }

    /// Listens at the far end.
    pub fn listener(&self) -> TcpListener {
        let there = self.there();
        self.at_far_end(|| TcpListener::bind((there.as_str(), 0)).unwrap())
    }

    /// Loses so much of what goes either way: 1 is all.
    pub fn lose(&self, part: f64) {
        self.heal();
        let rule = match part >= 1.0 {
            true => String::new(),
            false => format!("-m statistic --mode random --probability {part}"),
        };
        for chain in ["INPUT", "OUTPUT"] {
            self.within(&format!("iptables -A {chain} {rule} -j DROP"))
                .unwrap();
        }
    }

    /// Loses nothing any more.
    pub fn heal(&self) {
        self.within("iptables -F").unwrap();
    }

    /// What comes from the far end is slow from here on.
    pub fn slow_down(&self, rate: &str) {
        let tbf = format!("tbf rate {rate} burst 16kb latency 400ms");
        self.within(&format!("tc qdisc add dev {}n root {tbf}", self.interface))
            .unwrap();
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // Its interfaces go with it, once no socket is left in it.
        let _ = run(&format!("ip link del {}h", self.interface));
        let _ = run(&format!("ip netns del {}", self.name));
    }
}
