//! Starting, killing and restarting `sotto-relay`.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use link_io::RelayKey;
use objects::wire::SlotAnswer;
use objects::{Claim, Hash, Key, Millis, Object, Standing};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::client::Client;
use crate::people::{Cast, Writer, named};

/// A relay process with a data folder of its own, and the organisation that it serves.
pub(crate) struct Process {
    pub(crate) cast: Cast,
    pub(crate) folder: TempDir,
    pub(crate) addr: SocketAddr,
    pub(crate) key: RelayKey,
    /// The member tool's device, and the last slot that it claimed.
    tool: Writer,
    head: (u64, Hash),
    arguments: Vec<String>,
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
        let (child, addr, key) = spawn(folder.path(), "127.0.0.1:0", &[]);
        let tool = cast.writer(0);
        let (head, arguments) = ((0, Hash::NONE), Vec::new());
        Self { cast, folder, addr, key, tool, head, arguments, child }
    }

    /// A relay of the same organisation that is listed at this one as its child.
    pub(crate) fn child(&mut self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let origin = std::fs::read_to_string(self.folder.path().join("origin.json")).unwrap();
        std::fs::write(folder.path().join("origin.json"), &origin).unwrap();
        let said = command().arg("key").arg("--data").arg(folder.path().join("data")).output();
        let key = String::from_utf8(said.unwrap().stdout).unwrap();
        let mut origin: serde_json::Value = serde_json::from_str(&origin).unwrap();
        origin["relays"] = serde_json::json!([key.trim()]);
        std::fs::write(self.folder.path().join("origin.json"), origin.to_string()).unwrap();
        self.stop_and_restart();
        let (parent, parent_key) = (self.addr.to_string(), self.key.to_string());
        let arguments = vec!["--parent".into(), parent, "--parent-key".into(), parent_key];
        let (child, addr, key) = spawn(folder.path(), "127.0.0.1:0", &arguments);
        let cast = Cast::new(self.cast.now);
        let (tool, head) = (cast.writer(0), (0, Hash::NONE));
        Self { cast, folder, addr, key, tool, head, arguments, child }
    }

    /// Certifies a writer: a claim of the member tool names its certificate.
    pub(crate) async fn certify(&mut self, client: &mut Client, writer: &Writer) {
        let certificate = self.cast.certificate(writer, 0, Standing::Certified);
        self.effect(client, &certificate).await;
    }

    /// Lets a certificate take effect.
    pub(crate) async fn effect(&mut self, client: &mut Client, certificate: &Object) {
        let term = self.cast.term(0, self.objects_key(), (0, Hash::NONE));
        let own = self.cast.certificate(&self.tool, 0, Standing::Certified);
        let (pieces, commit) = self.tool.blob(&self.cast, b"commit");
        for object in [&term, &own, certificate, &pieces[0]] {
            client.publish(object).await.unwrap();
        }
        let claim = Claim { certificates: vec![named(certificate)], ..self.tool.claims(commit) };
        let (slot, previous) = self.head;
        let claim = self.cast.claim(slot + 1, previous, &claim, &self.tool.log);
        assert!(matches!(client.claim(&claim).await, Ok(SlotAnswer::Won(_))));
        self.head = (slot + 1, claim.entry_hash());
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// What it complains about refusals, as soon as it does.
    pub(crate) fn complaint(&self) -> String {
        let began = std::time::Instant::now();
        loop {
            let said = std::fs::read_to_string(self.folder.path().join("stderr")).unwrap();
            if said.contains("refuses") || began.elapsed().as_secs() > 60 {
                return said;
            }
            std::thread::yield_now();
        }
    }

    /// The last slot that was decided, and the entry hash of its claim.
    pub(crate) fn head(&self) -> (u64, Hash) {
        self.head
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
        let at = self.addr.to_string();
        let (child, addr, key) = spawn(self.folder.path(), &at, &self.arguments);
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

fn spawn(folder: &Path, listen: &str, arguments: &[String]) -> (Child, SocketAddr, RelayKey) {
    let mut child = command()
        .args(["--listen", listen, "--json", "--data"])
        .arg(folder.join("data"))
        .arg("--origin")
        .arg(folder.join("origin.json"))
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(File::create(folder.join("stderr")).unwrap())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let said: serde_json::Value = serde_json::from_str(&line).unwrap();
    let listen = said["listen"].as_str().unwrap().parse().unwrap();
    let key = said["key"].as_str().unwrap().parse().unwrap();
    (child, listen, key)
}
