//! Starting, killing and restarting `sotto-relay`.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use link_io::RelayKey;
use objects::{Key, Millis};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::client::Client;
use crate::people::Cast;

/// A relay process with a data folder of its own, and the organisation that it serves.
pub(crate) struct Process {
    pub(crate) cast: Cast,
    pub(crate) folder: TempDir,
    pub(crate) addr: SocketAddr,
    pub(crate) key: RelayKey,
    child: Child,
}

impl Process {
    pub(crate) fn start() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let cast = Cast::new(Millis(u64::try_from(since.as_millis()).unwrap()));
        let folder = tempfile::tempdir().unwrap();
        let team = cast.team;
        let orgs = serde_json::json!({"orgs": [
            {"origin": team.origin.value(), "org": team.org.value(), "root": cast.root.key().to_string()}
        ]});
        std::fs::write(folder.path().join("origin.json"), orgs.to_string()).unwrap();
        let (child, addr, key) = spawn(folder.path(), "127.0.0.1:0");
        Self { cast, folder, addr, key, child }
    }

    pub(crate) fn objects_key(&self) -> Key {
        Key(self.key.0)
    }

    /// Kills it without warning and starts it again on the same port.
    pub(crate) fn kill_and_restart(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.restart();
    }

    /// Asks it to stop, and starts it again.
    pub(crate) fn stop_and_restart(&mut self) {
        assert!(self.stop().success());
        self.restart();
    }

    pub(crate) fn stop(&mut self) -> std::process::ExitStatus {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
        self.child.wait().unwrap()
    }

    pub(crate) async fn client(&self) -> Client {
        Client::connect(self.addr, self.key).await
    }

    fn restart(&mut self) {
        let (child, addr, key) = spawn(self.folder.path(), &self.addr.to_string());
        assert_eq!((addr, key), (self.addr, self.key), "same place, same key");
        self.child = child;
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be dead already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_sotto-relay"))
}

fn spawn(folder: &Path, listen: &str) -> (Child, SocketAddr, RelayKey) {
    let mut child = command()
        .args(["--listen", listen, "--json", "--data"])
        .arg(folder.join("data"))
        .arg("--origin")
        .arg(folder.join("origin.json"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let said: serde_json::Value = serde_json::from_str(&line).unwrap();
    let listen = said["listen"].as_str().unwrap().parse().unwrap();
    let key = said["key"].as_str().unwrap().parse().unwrap();
    (child, listen, key)
}
