//! A network of two sites in network namespaces: routers, hosts, and the cable between the sites.
//!
//! ```text
//! host --- router Main ===== router Island --- host
//! ```

use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

use crate::space::{FOLDER, Space};
use crate::{During, Trouble, alive};

/// One of the two places.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub enum Site {
    /// Where the origin is.
    Main,
    /// What can be cut off.
    Island,
}

/// A machine with one cable to the router of its site.
#[derive(Debug, Clone)]
pub struct Host {
    /// Where its programs run.
    pub space: Space,
    /// What others reach it by.
    pub address: Ipv4Addr,
}

/// The namespaces of one test. They go, with every process in them, when this goes or its process
/// ends in whatever way.
#[derive(Debug)]
pub struct Network {
    prefix: String,
    hosts: u8,
    /// Cleans up as soon as its standard input ends.
    janitor: Child,
}

impl Site {
    /// The site at the other end of the cable.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Main => Self::Island,
            Self::Island => Self::Main,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Island => "island",
        }
    }

    fn number(self) -> u8 {
        match self {
            Self::Main => 1,
            Self::Island => 2,
        }
    }

    fn subnet(self) -> String {
        format!("198.18.{}.0/24", self.number())
    }

    /// The router's end of the cable between the sites.
    fn end(self) -> Ipv4Addr {
        Ipv4Addr::new(198, 18, 0, self.number())
    }
}

impl Network {
    /// Lays the routers and the cable between them. Namespaces of tests that are dead are removed
    /// first.
    ///
    /// # Errors
    /// Without root, without `ip`, and when the kernel lacks something; the words name it.
    pub fn lay() -> Result<Self, Trouble> {
        sweep()?;
        let prefix = format!("{PREFIX}{}-", std::process::id());
        let mut janitor = Command::new("sh");
        janitor.args(["-c", &format!("read -r _; {CLEAN}"), "sh", &prefix]);
        janitor.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // Whoever kills the group of the test must not kill what cleans up behind it.
        let janitor = janitor.process_group(0).spawn().during("starting sh")?;
        let net = Self { prefix, hosts: 0, janitor };
        for site in BOTH {
            net.make(site.name())?;
        }
        let (main, island) = (net.router(Site::Main), net.router(Site::Island));
        veth([main.name(), CABLE], [island.name(), CABLE])?;
        for site in BOTH {
            let router = net.router(site);
            let end = format!("{}/30", site.end());
            ip(&["-n", router.name(), "addr", "add", &end, "dev", CABLE])?;
            router.inside(|| {
                fs::write("/proc/sys/net/ipv4/ip_forward", "1").during("switching a router on")
            })?;
            net.connect(site)?;
        }
        net.mute(Site::Main)?;
        net.unmute(Site::Main)?;
        Ok(net)
    }

    /// Another machine.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn host(&mut self, site: Site, name: &str) -> Result<Host, Trouble> {
        let (router, space) = (self.router(site), self.make(name)?);
        veth([router.name(), name], [space.name(), "eth0"])?;
        let first = self.hosts.saturating_mul(4);
        self.hosts = self.hosts.saturating_add(1);
        let at = |last: u8| Ipv4Addr::new(198, 18, site.number(), first.saturating_add(last));
        let (gateway, address) = (at(1), at(2));
        let here = ["-n", router.name()];
        ip(&[&here[..], &["addr", "add", &format!("{gateway}/30"), "dev", name]].concat())?;
        ip(&[&here[..], &["link", "set", name, "up"]].concat())?;
        let there = ["-n", space.name()];
        ip(&[&there[..], &["addr", "add", &format!("{address}/30"), "dev", "eth0"]].concat())?;
        ip(&[&there[..], &["link", "set", "eth0", "up"]].concat())?;
        let via = gateway.to_string();
        ip(&[&there[..], &["route", "add", "default", "via", &via]].concat())?;
        Ok(Host { space, address })
    }

    /// Pulls the cable between the sites: routers and hosts notice that nothing is reachable.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn cut(&self) -> Result<(), Trouble> {
        ip(&["-n", self.router(Site::Main).name(), "link", "set", CABLE, "down"])
    }

    /// Puts the cable back.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn mend(&self) -> Result<(), Trouble> {
        // The routes of an end went with it.
        self.connect(Site::Main)
    }

    /// Nothing that `site` sends to the other arrives any more, and nobody is told.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn mute(&self, site: Site) -> Result<(), Trouble> {
        self.rule("add", site).during("rules for routes (CONFIG_IP_MULTIPLE_TABLES)")
    }

    /// Takes [`Network::mute`] back.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn unmute(&self, site: Site) -> Result<(), Trouble> {
        self.rule("del", site)
    }

    fn rule(&self, what: &str, site: Site) -> Result<(), Trouble> {
        let (router, to) = (self.router(site), site.other().subnet());
        ip(&["-n", router.name(), "rule", what, "pref", "100", "to", &to, "blackhole"])
    }

    /// Switches a router's end of the cable on.
    fn connect(&self, site: Site) -> Result<(), Trouble> {
        let (router, other) = (self.router(site), site.other());
        let (to, via) = (other.subnet(), other.end().to_string());
        ip(&["-n", router.name(), "link", "set", CABLE, "up"])?;
        ip(&["-n", router.name(), "route", "replace", &to, "via", &via])
    }

    fn router(&self, site: Site) -> Space {
        Space::named(format!("{}{}", self.prefix, site.name()))
    }

    fn make(&self, name: &str) -> Result<Space, Trouble> {
        let space = Space::named(format!("{}{name}", self.prefix));
        let made = ip(&["netns", "add", space.name()]);
        made.during("network namespaces (CONFIG_NET_NS)")?;
        ip(&["-n", space.name(), "link", "set", "lo", "up"])?;
        Ok(space)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        drop(self.janitor.stdin.take());
        // There is nothing left to clean up after the janitor.
        let _ = self.janitor.wait();
    }
}

/// Removes the namespaces of tests that are dead, and what still runs in them.
fn sweep() -> Result<(), Trouble> {
    for entry in fs::read_dir(FOLDER).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let rest = name.strip_prefix(PREFIX).and_then(|rest| rest.split_once('-'));
        let pid = rest.and_then(|(pid, _)| pid.parse().ok());
        if pid.is_some_and(|pid| !alive(pid)) {
            let mut sweep = Command::new("sh");
            sweep.args(["-c", CLEAN, "sh", &name]).status().during("starting sh")?;
        }
    }
    Ok(())
}

fn veth(one: [&str; 2], other: [&str; 2]) -> Result<(), Trouble> {
    let [one_space, one] = one;
    let [other_space, other] = other;
    let made = ip(&[
        "link",
        "add",
        "name",
        one,
        "netns",
        one_space,
        "type",
        "veth",
        "peer",
        "name",
        other,
        "netns",
        other_space,
    ]);
    made.during("pairs of virtual cables (CONFIG_VETH)")
}

fn ip(args: &[&str]) -> Result<(), Trouble> {
    let out = Command::new("ip").args(args).output();
    let out = out.during("running ip (package iproute2)")?;
    if out.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&out.stderr);
    Err(Trouble::new(format!("ip {}: {}", args.join(" "), said.trim())))
}

const BOTH: [Site; 2] = [Site::Main, Site::Island];
const CABLE: &str = "cable";
/// Before the process id of the test that made them.
const PREFIX: &str = "sotto-net-";
/// Kills what runs in the namespaces whose names start with `$1`, and removes them.
const CLEAN: &str = r#"for file in /run/netns/"$1"*; do
  [ -e "$file" ] || continue
  name=${file##*/}
  pids=$(ip netns pids "$name" 2>/dev/null)
  [ -z "$pids" ] || kill -9 $pids
  ip netns del "$name"
done"#;

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;
    use std::time::Duration;

    use super::*;
    use crate::{Running, until};

    fn may_lay() -> bool {
        if rustix::process::geteuid().is_root() {
            return true;
        }
        assert!(std::env::var_os("CI").is_none(), "not run: needs root");
        println!("not run: needs root");
        false
    }

    /// Does a datagram get from one to the other?
    fn arrives(from: &Host, to: &Host) -> bool {
        let to_socket = to.space.inside(|| Ok(UdpSocket::bind((to.address, 0)).unwrap())).unwrap();
        to_socket.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        let to = to_socket.local_addr().unwrap();
        let from = from.space.inside(|| Ok(UdpSocket::bind((from.address, 0)).unwrap())).unwrap();
        // A pulled cable is said at once.
        let _ = from.send_to(b"here", to);
        to_socket.recv(&mut [0; 9]).is_ok()
    }

    /// `HARNESS-04`
    #[test]
    fn cables_and_directions_are_cut_and_mended() {
        if !may_lay() {
            return;
        }
        let mut net = Network::lay().unwrap();
        let one = net.host(Site::Main, "one").unwrap();
        let same = net.host(Site::Main, "same").unwrap();
        let other = net.host(Site::Island, "other").unwrap();
        let both = || [arrives(&one, &other), arrives(&other, &one)];
        assert_eq!(both(), [true, true]);
        net.cut().unwrap();
        assert_eq!((both(), arrives(&one, &same)), ([false, false], true));
        net.mend().unwrap();
        assert_eq!(both(), [true, true]);
        net.mute(Site::Main).unwrap();
        assert_eq!(both(), [false, true]);
        net.mute(Site::Island).unwrap();
        net.unmute(Site::Main).unwrap();
        assert_eq!(both(), [true, false]);
        net.unmute(Site::Island).unwrap();
        assert_eq!(both(), [true, true]);
    }

    /// `HARNESS-04`
    #[test]
    fn nothing_is_left_of_a_network_that_goes() {
        if !may_lay() {
            return;
        }
        let folder = crate::Folder::new("network").unwrap();
        let mut net = Network::lay().unwrap();
        let host = net.host(Site::Island, "host").unwrap();
        let mut sleeper = Command::new("nsenter");
        let space = format!("--net={}", host.space.path().display());
        sleeper.args([&space, "--", "sh", "-c", "trap '' TERM; echo here; sleep 600"]);
        let mut sleeper = Running::start(sleeper, "sleeper", folder.path()).unwrap();
        assert_eq!(sleeper.line(Duration::from_secs(60)).unwrap(), "here");
        drop(net);
        assert!(!host.space.path().exists());
        until("its end", Duration::from_secs(60), || sleeper.status()).unwrap();
    }
}
