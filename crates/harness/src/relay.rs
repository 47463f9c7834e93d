//! A real `sotto-relay`.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::{Bins, During, Running, Said, Trouble};

/// A relay, running or not.
#[derive(Debug)]
pub struct Relay {
    bins: Bins,
    name: String,
    data: PathBuf,
    logs: PathBuf,
    address: String,
    key: String,
    /// Address and key of the relay above.
    parent: Option<[String; 2]>,
    running: Option<Running>,
}

impl Relay {
    /// A relay that keeps everything in `data` and will listen at `127.0.0.1:port`; makes its key
    /// when there is none yet.
    ///
    /// # Errors
    /// When `sotto-relay key` fails.
    pub fn new(bins: &Bins, data: &Path, logs: &Path, port: u16) -> Result<Self, Trouble> {
        Self::at(bins, "relay", data, logs, &format!("127.0.0.1:{port}"))
    }

    /// As [`Relay::new`], with a name for its log and any address.
    ///
    /// # Errors
    /// As there.
    pub fn at(
        bins: &Bins,
        name: &str,
        data: &Path,
        logs: &Path,
        address: &str,
    ) -> Result<Self, Trouble> {
        let mut command = bins.command("sotto-relay");
        command.arg("key").arg("--data").arg(data).arg("--json");
        let values = Said::by(command, "")?.values()?;
        let key = values
            .iter()
            .find_map(|value| value.get("key")?.as_str())
            .during("sotto-relay key said no key")?
            .to_owned();
        Ok(Self {
            bins: bins.clone(),
            name: name.to_owned(),
            data: data.to_owned(),
            logs: logs.to_owned(),
            address: address.to_owned(),
            key,
            parent: None,
            running: None,
        })
    }

    /// The same as a child of the relay with this address and key.
    #[must_use]
    pub fn under(mut self, address: &str, key: &str) -> Self {
        self.parent = Some([address.to_owned(), key.to_owned()]);
        self
    }

    /// From its next start on there is no relay above.
    pub fn goes_alone(&mut self) {
        self.parent = None;
    }

    /// Names the relays below this one in its file of organisations; it reads that when it starts.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn relates(&self, children: &[&str]) -> Result<(), Trouble> {
        let file = self.origin_file();
        let text = std::fs::read_to_string(&file).during(file.display())?;
        let mut served: Value = serde_json::from_str(&text).during(file.display())?;
        let object = served.as_object_mut().during("a file of organisations is an object")?;
        object.insert("relays".to_owned(), children.iter().copied().collect());
        std::fs::write(&file, served.to_string()).during(file.display())
    }

    /// Starts it, and waits until it listens.
    ///
    /// # Errors
    /// When it ends, or does not listen within 10 s.
    pub fn start(&mut self) -> Result<(), Trouble> {
        let mut command = self.bins.command("sotto-relay");
        command.args(["--listen", &self.address, "--json"]);
        command.arg("--data").arg(&self.data);
        command.arg("--origin").arg(self.origin_file());
        if let Some([address, key]) = &self.parent {
            command.args(["--parent", address, "--parent-key", key]);
        }
        let mut running = Running::start(command, &self.name, &self.logs)?;
        let line = running.line(Duration::from_secs(10))?;
        let said: Value = serde_json::from_str(&line).during("the relay's first line")?;
        said.get("listen").during("the relay does not say where")?;
        self.running = Some(running);
        Ok(())
    }

    /// `HOST:PORT`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Its link key, in hexadecimal.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Its folder.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The file that names the organisations it serves.
    #[must_use]
    pub fn origin_file(&self) -> PathBuf {
        self.data.join("origin.json")
    }

    /// Its process id while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.running.as_ref().map(Running::pid)
    }

    /// Ends it at once (SIGKILL).
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn kill(&mut self) -> Result<(), Trouble> {
        self.running.take().map_or(Ok(()), |mut it| it.kill())
    }

    /// Asks it to end.
    ///
    /// # Errors
    /// When it had to be killed.
    pub fn stop(&mut self) -> Result<(), Trouble> {
        let Some(mut running) = self.running.take() else {
            return Ok(());
        };
        running.stop(Duration::from_secs(5)).map(|_| ())
    }
}

/// A port that nobody uses now, neither with TCP nor with UDP.
///
/// # Errors
/// When there is none.
pub fn free_port() -> Result<u16, Trouble> {
    for _ in 0..32 {
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).during("looking for a free port")?;
        let port = udp.local_addr().during("reading a port")?.port();
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    Err(Trouble::new("there is no free port"))
}
