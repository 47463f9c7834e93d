//! Everything around Alice, and how it all begins: made once, copied for every run.

use std::fs;
use std::path::{Path, PathBuf};

use ipc_schema::Text;
use ipc_schema_ui::{Answer, Event, Passphrase, Request, Scope, TeamBits};
use mls_core::Opened;
use names::TeamId;
use objects::Millis;
use relay_core::{MemoryShelf, Org};
use tempfile::TempDir;

use crate::alice::{Alice, Halt};
use crate::net::Left;
use crate::outside::{Outside, place};
use crate::person::{Person, Rows, general};

/// The relay, and Bob.
pub(crate) struct World {
    pub(crate) outside: Outside,
    pub(crate) bob: Person,
    /// So many frames of Alice's have reached the network.
    pub(crate) frames: usize,
    /// After how many frames the world was how.
    pub(crate) past: Option<Vec<Moment>>,
    /// What Bob has said.
    said: Vec<&'static str>,
    pub(crate) wrong: Vec<String>,
}

/// The world after so many frames of Alice's.
#[derive(Clone)]
pub(crate) struct Moment {
    pub(crate) frames: usize,
    shelf: MemoryShelf,
    bob: Rows,
    read: Vec<Opened>,
    said: Vec<&'static str>,
}

/// Where every run starts: Alice, Bob and the admin share a team, and Alice's vault is locked.
pub(crate) struct Start {
    folder: TempDir,
    pub(crate) moment: Moment,
    pub(crate) org: Org,
    pub(crate) now: Millis,
    pub(crate) team: TeamId,
    pub(crate) channel: u16,
    /// The epoch that Alice and Bob are in.
    pub(crate) epoch: u64,
}

impl World {
    pub(crate) fn at(start: &Start, moment: &Moment) -> Self {
        let mut outside = Outside::new(moment.shelf.clone(), start.org, start.now);
        let mut bob = Person::load(&moment.bob);
        bob.read.clone_from(&moment.read);
        bob.settle(&mut outside);
        let said = moment.said.clone();
        Self { outside, bob, frames: moment.frames, past: None, said, wrong: Vec::new() }
    }

    /// Bob says something, unless he has.
    pub(crate) fn bob_says(&mut self, team: TeamId, text: &'static str) {
        if !self.said.contains(&text) {
            self.said.push(text);
            self.bob.say(&mut self.outside, team, text);
        }
    }

    /// How everything is now.
    fn moment(&mut self) -> Moment {
        Moment {
            frames: self.frames,
            shelf: self.outside.shelf(),
            bob: self.bob.rows(),
            read: self.bob.read.clone(),
            said: self.said.clone(),
        }
    }

    /// Lets Bob do whatever is his turn, and remembers how the world is now.
    pub(crate) fn settle(&mut self) {
        self.bob.settle(&mut self.outside);
        if let Some(mut past) = self.past.take() {
            let moment = self.moment();
            past.retain(|earlier| earlier.frames < moment.frames);
            past.push(moment);
            self.past = Some(past);
        }
    }

    /// Notes what left under a name.
    pub(crate) fn note_left(&mut self, left: &mut Left, name: [u8; 16], bytes: Vec<u8>) {
        let before = left.entry(name).or_insert_with(|| bytes.clone());
        if *before != bytes {
            self.wrong.push(format!("two different objects left as {}", hex(&name)));
        }
    }
}

impl Start {
    pub(crate) fn make() -> Result<Self, Halt> {
        let now = Millis(u64::try_from(epoch_ms()).unwrap());
        let mut admin = Person::create("Admin");
        let view = admin.endpoint.create_org("Organisation", &place()).unwrap();
        let org = Org { origin: view.origin, org: view.org, root: view.root };
        let mut outside = Outside::new(MemoryShelf::new(7), org, now);
        admin.settle(&mut outside);
        let team = admin.endpoint.create_team(now, "Team").unwrap();
        admin.settle(&mut outside);
        let link = admin.endpoint.team_link(team).unwrap().expect("the admin's team");

        let mut bob = Person::create("Bob");
        let joining = bob.endpoint.join(now, &link).unwrap();
        bob.settle(&mut outside);
        admin.endpoint.add_device(now, team, joining.hash).unwrap();
        meet(&mut [&mut admin, &mut bob], &mut outside);

        let folder = scratch();
        let (said, wrong) = (Vec::new(), Vec::new());
        let mut world = World { outside, bob, frames: 0, past: None, said, wrong };
        let mut alice = Alice::start(folder.path(), &[], Left::new())?;
        alice.attach_net(false);
        let (user, device) = (Text::cut("Alice"), Text::cut("test"));
        alice.get(&mut world, Request::Create { passphrase: passphrase(), user, device })?;
        alice.get(&mut world, Request::Follow { scope: Scope::All })?;
        let fingerprint = link.org().fingerprint().0;
        let text = Text::cut(&link.to_string());
        let asked = alice.get(&mut world, Request::Join { link: text, fingerprint })?;
        let Answer::Joining(joining) = asked else { panic!("{asked:?}") };
        alice.get(&mut world, Request::Status)?;
        let hash = objects::Hash(joining.hash);
        admin.endpoint.add_device(now, team, hash).unwrap();
        meet(&mut [&mut admin, &mut world.bob], &mut world.outside);
        alice.until(&mut world, |event| matches!(event, Event::Joined { .. }))?;
        assert_eq!(admin.added, [true, true]);
        let channel = u16::try_from(general(&world.bob.endpoint, team).value()).unwrap();

        world.bob_says(team, BEFORE);
        alice.until(
            &mut world,
            |event| matches!(event, Event::Message { row, .. } if row.text.as_str() == BEFORE),
        )?;
        // A newcomer refreshes some time later; here that must not fall into the conversation.
        let team_bits = bits(team);
        alice.get(&mut world, Request::Refresh { team: team_bits })?;
        alice.get(&mut world, Request::Settle)?;
        alice.get(&mut world, Request::Lock)?;
        alice.stop(&mut world)?;
        let epoch = world.bob.endpoint.team_status(team).unwrap().unwrap().epoch;
        world.frames = 0;
        world.bob.read.clear();
        let moment = world.moment();
        Ok(Self { folder, moment, org, now, team, channel, epoch })
    }

    /// A copy of Alice's vault, for one run.
    pub(crate) fn copy(&self) -> TempDir {
        let folder = scratch();
        for name in files(self.vault()) {
            fs::copy(&name, folder.path().join(name.file_name().unwrap())).unwrap();
        }
        folder
    }

    pub(crate) fn vault(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn bits(&self) -> TeamBits {
        bits(self.team)
    }
}

fn bits(TeamId { origin, org, team }: TeamId) -> TeamBits {
    TeamBits(origin.value() << 38 | org.value() << 20 | team.value())
}

/// An empty folder of our own.
pub(crate) fn scratch() -> TempDir {
    tempfile::Builder::new().prefix("sotto-crash-").tempdir().unwrap()
}

/// The files of a folder, by name.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

pub(crate) fn passphrase() -> Passphrase {
    Passphrase::new("correct horse battery".to_owned()).unwrap()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn meet(people: &mut [&mut Person], outside: &mut Outside) {
    // A claim needs its pieces, its answer, its pointer, and others read each of them.
    for _ in 0..8 {
        for person in people.iter_mut() {
            person.settle(outside);
        }
    }
}

fn epoch_ms() -> u128 {
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::UNIX_EPOCH).unwrap().as_millis()
}

/// What Bob says before anything goes wrong.
pub(crate) const BEFORE: &str = "from before";
