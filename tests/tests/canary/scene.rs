//! Alice with her window, Bob without, a relay, and a middleman who sees every datagram.

use std::path::Path;
use std::time::Duration;

use harness::{
    Bins, Endpoint, Folder, Join, Member, Relay, Role, Running, Shape, free_port, until,
};
use ipc_schema_ui::TeamBits;
use names::TeamId;
use serde_json::Value;

use crate::wire::Wire;

pub(crate) struct Scene {
    pub(crate) alice: Endpoint,
    pub(crate) bob: Endpoint,
    pub(crate) relay: Relay,
    pub(crate) wire: Wire,
    team: String,
    _display: Running,
    pub(crate) folder: Folder,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let folder = Folder::new("canary").unwrap();
        let (base, logs) = (folder.path(), folder.path().join("logs"));
        let bins = Bins::of_this_run().unwrap();
        let (display, number) = display(&logs);
        let mut relay =
            Relay::new(&bins, &base.join("relay"), &logs, free_port().unwrap()).unwrap();
        let wire = Wire::to(relay.address().parse().unwrap());

        let admin = Member::new(&bins, &base.join("admin"), ADMIN);
        let (address, origin) = (wire.address().to_string(), relay.origin_file());
        let words = ["org", "create", "Canary", "--relay", &address, "--relay-key", relay.key()];
        let origin = ["--origin-file", origin.to_str().unwrap()];
        admin.run(&[&words[..], &origin].concat()).unwrap();
        relay.start().unwrap();
        let join = Join::of(&admin, "Team").unwrap();

        let person = |name: &str, passphrase| {
            Endpoint::new(&bins, name, &base.join(name.to_lowercase()), &logs, passphrase)
        };
        let geometry = "1200x800+0+0".to_owned();
        let shape = Shape::Window { geometry, display: Some(number) };
        let mut alice = person("Alice", ALICE).shaped(shape);
        let mut bob = person("Bob", BOB);
        for person in [&mut alice, &mut bob] {
            person.start().unwrap();
            person.create("canary").unwrap();
            join.admit(&admin, person).unwrap();
        }
        let scene = Self { alice, bob, relay, wire, team: join.team, _display: display, folder };
        for person in [&scene.alice, &scene.bob] {
            scene.wait(person, &["channels", &scene.team], "general");
        }
        scene
    }

    /// Says something, and waits until both have it.
    pub(crate) fn say(&self, who: &Endpoint, text: &str) {
        let place = format!("{}/general", self.team);
        who.commands().cli(&["send", &place, text]).unwrap();
        for person in [&self.alice, &self.bob] {
            self.wait(person, &["read", &place], text);
        }
    }

    /// Waits until nothing is on its way: every wish granted, everything told of.
    pub(crate) fn rest(&self) {
        let place = format!("{}/general", self.team);
        for person in [&self.alice, &self.bob] {
            until("rest", LIMIT, || {
                let rows = person.commands().cli(&["read", &place])?;
                let statuses = person.commands().cli(&["status"])?;
                let moving = rows.iter().any(|row| row["state"] == "queued");
                Ok((!moving && !statuses.iter().any(busy)).then_some(()))
            })
            .unwrap();
        }
    }

    /// The team and its channel, in bits.
    pub(crate) fn place(&self) -> (TeamBits, u16) {
        let TeamId { origin, org, team } = self.team.parse().unwrap();
        let bits = origin.value() << 38 | org.value() << 20 | team.value();
        let channels = self.alice.commands().cli(&["channels", &self.team]).unwrap();
        let channel = channels[0]["id"].as_u64().unwrap();
        (TeamBits(bits), u16::try_from(channel).unwrap())
    }

    pub(crate) fn pid(&self, who: &Endpoint, role: Role) -> u32 {
        who.commands().pid(role).unwrap().unwrap_or_else(|| panic!("{} does not run", role.key()))
    }

    fn wait(&self, who: &Endpoint, ask: &[&str], text: &str) {
        until(&format!("{text:?} in {ask:?}"), LIMIT, || {
            let rows = who.commands().cli(ask).unwrap_or_default();
            Ok(rows.iter().any(|row| row.to_string().contains(text)).then_some(()))
        })
        .unwrap();
    }
}

/// Does any team wait for something?
fn busy(status: &Value) -> bool {
    let waits = |team: &Value| team["queued"] != 0 || team["wishes"] != 0;
    status["teams"].as_array().is_none_or(|teams| teams.iter().any(waits))
}

/// A display of our own, and how X11 calls it.
fn display(logs: &Path) -> (Running, String) {
    let mut command = std::process::Command::new("Xvfb");
    command.args(["-displayfd", "1", "-screen", "0", "1280x900x24", "-nolisten", "tcp"]);
    let mut running = Running::start(command, "display", logs).unwrap();
    let number = running.line(LIMIT).unwrap();
    (running, format!(":{number}"))
}

const LIMIT: Duration = Duration::from_secs(40);
const ADMIN: &str = "canary-passphrase-of-the-admin";
pub(crate) const ALICE: &str = "canary-passphrase-of-alice";
pub(crate) const BOB: &str = "canary-passphrase-of-bob";
