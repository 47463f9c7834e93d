//! A relay, an organisation, and two people who share a team.

use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use names::{Prefix, TeamId};
use serde_json::{Value, json};

use crate::{Bins, During, Endpoint, Member, Relay, Role, Shape, Trouble, free_port, until};

/// Two people and all that they need. Everything is kept under one folder and goes on from there.
#[derive(Debug)]
pub struct World {
    /// The binaries that run.
    pub bins: Bins,
    /// Where everything is kept.
    pub dir: PathBuf,
    /// The origin relay.
    pub relay: Relay,
    /// The organisation's member tool.
    pub admin: Member,
    /// One of them.
    pub alice: Endpoint,
    /// The other.
    pub bob: Endpoint,
    /// Their team, as text.
    pub team: String,
}

/// How somebody comes into a team.
#[derive(Debug, Clone)]
pub struct Join {
    /// The team's link.
    pub link: String,
    /// The fingerprint of the organisation's root key.
    pub fingerprint: String,
    /// The team, as text.
    pub team: String,
}

/// What the folder remembers: `demo.json`.
struct Kept {
    port: u16,
    passphrases: [String; 3],
    team: Option<String>,
}

impl World {
    /// Starts everything under `dir`: makes it when the folder is new, goes on otherwise. Alice
    /// and Bob are unlocked and share a team afterwards.
    ///
    /// # Errors
    /// When one of the steps fails.
    pub fn start(bins: &Bins, dir: &Path, shapes: [Shape; 2]) -> Result<Self, Trouble> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder.create(dir).during("making the folder")?;
        let dir = dir.canonicalize().during("the folder")?;
        let kept = Kept::open(&dir)?;
        let logs = dir.join("logs");
        let [admin, alice, bob] = &kept.passphrases;
        let [alice_shape, bob_shape] = shapes;
        let person = |name: &str, passphrase: &str| {
            let data = dir.join(name.to_lowercase());
            Endpoint::new(bins, name, &data, &logs, passphrase)
        };
        let mut world = Self {
            bins: bins.clone(),
            relay: Relay::new(bins, &dir.join("relay"), &logs, kept.port)?,
            admin: Member::new(bins, &dir.join("admin"), admin),
            alice: person("Alice", alice).shaped(alice_shape),
            bob: person("Bob", bob).shaped(bob_shape),
            team: String::new(),
            dir: dir.clone(),
        };
        if let Some(team) = kept.team {
            world.team = team;
            world.go_on()?;
        } else {
            world.begin()?;
            let team = Some(world.team.clone());
            Kept { team, ..kept }.save(&dir)?;
        }
        Ok(world)
    }

    /// `TEAM/CHANNEL` for the first channel.
    #[must_use]
    pub fn general(&self) -> String {
        format!("{}/general", self.team)
    }

    /// What `cargo xtask demo` prints first.
    ///
    /// # Errors
    /// When a launcher does not say its processes.
    pub fn describe(&self) -> Result<Value, Trouble> {
        let person = |it: &Endpoint| json!({"data": it.data(), "passphrase": it.passphrase()});
        let pids = |it: &Endpoint| -> Result<Value, Trouble> {
            let mut pids = serde_json::Map::new();
            for role in [Role::Launcher, Role::Secure, Role::Net, Role::Window] {
                pids.insert(role.key().to_owned(), json!(it.commands().pid(role)?));
            }
            Ok(Value::Object(pids))
        };
        let team: TeamId = self.team.parse().during("the team's text")?;
        Ok(json!({
            "alice": person(&self.alice),
            "bob": person(&self.bob),
            "relay": self.relay.address(),
            "prefix": Prefix::team(team).to_string(),
            "team": self.team,
            "admin": {"data": self.admin.data(), "passphrase": self.admin.passphrase()},
            "pids": {
                "alice": pids(&self.alice)?,
                "bob": pids(&self.bob)?,
                "relay": self.relay.pid(),
            },
            "bin": self.bins.dir(),
        }))
    }

    /// Has either person ended their endpoint, by closing the window or otherwise?
    ///
    /// # Errors
    /// When the operating system does not say.
    pub fn left(&mut self) -> Result<bool, Trouble> {
        Ok(self.alice.ended()? || self.bob.ended()?)
    }

    /// Ends everything, endpoints first.
    ///
    /// # Errors
    /// When something had to be killed.
    pub fn stop(&mut self) -> Result<(), Trouble> {
        let ends = [self.alice.stop(), self.bob.stop(), self.relay.stop()];
        ends.into_iter().collect()
    }

    fn begin(&mut self) -> Result<(), Trouble> {
        let origin = self.relay.origin_file();
        let origin = origin.to_string_lossy().into_owned();
        let (address, key) = (self.relay.address().to_owned(), self.relay.key().to_owned());
        let args = ["org", "create", "Sotto demo", "--relay", &address];
        let more = ["--relay-key", &key, "--origin-file", &origin];
        self.admin.run(&[&args[..], &more].concat())?;
        self.relay.start()?;
        let join = Join::of(&self.admin, "Two people")?;
        for person in [&mut self.alice, &mut self.bob] {
            person.start()?;
            person.create("demo")?;
            join.admit(&self.admin, person)?;
        }
        self.team = join.team;
        self.talk_works()
    }

    fn go_on(&mut self) -> Result<(), Trouble> {
        self.relay.start()?;
        for person in [&mut self.alice, &mut self.bob] {
            person.start()?;
            person.unlock()?;
        }
        self.talk_works()
    }

    fn talk_works(&self) -> Result<(), Trouble> {
        for person in [&self.alice, &self.bob] {
            until("the channel general", Duration::from_secs(30), || {
                let channels = person.commands().cli(&["channels", &self.team]).unwrap_or_default();
                let general = |row: &Value| row.get("name") == Some(&json!("general"));
                Ok(channels.iter().any(general).then_some(()))
            })?;
        }
        Ok(())
    }
}

impl Join {
    /// Makes a team and learns how to join it.
    ///
    /// # Errors
    /// As `sotto-member`.
    pub fn of(admin: &Member, name: &str) -> Result<Self, Trouble> {
        let org = admin.run(&["org", "show"])?;
        let team = admin.run(&["team", "create", name])?;
        Ok(Self {
            link: text(&team, "link")?,
            fingerprint: text(&org, "fingerprint")?,
            team: text(&team, "id")?,
        })
    }

    /// Lets a person join and the admin add its device; waits until the team is there.
    ///
    /// # Errors
    /// As `sotto-cli join` and `sotto-member device add`.
    pub fn admit(&self, admin: &Member, person: &Endpoint) -> Result<(), Trouble> {
        let args = ["join", &self.link, "--fingerprint", &self.fingerprint];
        let joining = person.commands().cli(&args)?.pop().unwrap_or(Value::Null);
        let hash = text(&joining, "hash")?;
        // The newcomer's announcement may still be on its way.
        until("the announcement", Duration::from_secs(30), || {
            match admin.run(&["device", "add", &self.team, &hash]) {
                Err(trouble) if trouble.code.as_deref() == Some("no-such-announcement") => Ok(None),
                other => other.map(Some),
            }
        })?;
        until("the team of a joiner", Duration::from_secs(30), || {
            let teams = person.commands().cli(&["teams"])?;
            let there = |row: &Value| row.get("id") == Some(&json!(self.team));
            Ok(teams.iter().any(there).then_some(()))
        })
    }
}

impl Kept {
    fn open(dir: &Path) -> Result<Self, Trouble> {
        let file = dir.join(FILE);
        let Ok(text) = fs::read_to_string(&file) else {
            let kept = Self {
                port: free_port()?,
                passphrases: [passphrase()?, passphrase()?, passphrase()?],
                team: None,
            };
            kept.save(dir)?;
            return Ok(kept);
        };
        let kept: Value = serde_json::from_str(&text).during(file.display())?;
        let word = |key: &str| text_of(&kept, key);
        let team = word("team").during(format_args!(
            "the start in {} was interrupted; remove the folder and start again",
            dir.display()
        ))?;
        let port = kept.get("port").and_then(Value::as_u64);
        let port = port.and_then(|port| u16::try_from(port).ok());
        let all = [word("admin"), word("alice"), word("bob")];
        let [Some(admin), Some(alice), Some(bob)] = all else {
            return Err(Trouble::new(format!("{} lacks a passphrase", file.display())));
        };
        Ok(Self {
            port: port.during("demo.json lacks the port")?,
            passphrases: [admin, alice, bob],
            team: Some(team),
        })
    }

    fn save(&self, dir: &Path) -> Result<(), Trouble> {
        let [admin, alice, bob] = &self.passphrases;
        let kept = json!({
            "note": "a demonstration: real vaults keep their passphrases in nobody's file",
            "port": self.port,
            "admin": admin,
            "alice": alice,
            "bob": bob,
            "team": self.team,
        });
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let file = options.open(dir.join(FILE)).during(FILE)?;
        serde_json::to_writer_pretty(file, &kept).during(FILE)
    }
}

fn text(value: &Value, key: &str) -> Result<String, Trouble> {
    text_of(value, key).during(format_args!("no {key:?} in {value}"))
}

fn text_of(value: &Value, key: &str) -> Option<String> {
    value.get(key)?.as_str().map(str::to_owned)
}

fn passphrase() -> Result<String, Trouble> {
    let mut bytes = [0_u8; 16];
    let drawn = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    drawn.during("drawing a passphrase")?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

const FILE: &str = "demo.json";
