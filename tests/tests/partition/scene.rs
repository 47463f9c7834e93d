//! Two sites, two relays, and everybody in a place of their own.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use harness::{
    Bins, During as _, Endpoint, Host, Join, Member, Network, Relay, Role, Running, Site, Trouble,
    Weather, Wire, until, within,
};
use serde_json::Value;

use crate::ledger::{Audience, Ledger, Voice};
use crate::oracle::{Memory, judge, judge_news, may_still_come, rank, word};

/// Everything that runs. Endpoints go before relays, and the network last.
pub(crate) struct Scene {
    pub(crate) cast: BTreeMap<&'static str, Person>,
    /// The member tool.
    pub(crate) admin: Member,
    pub(crate) child: Relay,
    pub(crate) origin: Relay,
    /// Between the child and the origin.
    pub(crate) uplink: Wire,
    /// Between Carol and the origin.
    pub(crate) carol: Wire,
    pub(crate) team: String,
    pub(crate) ledger: Ledger,
    /// For who comes later, at the origin's site.
    dave: Option<Endpoint>,
    join: Join,
    pub(crate) net: Network,
}

/// Somebody with an endpoint.
pub(crate) struct Person {
    pub(crate) endpoint: Endpoint,
    pub(crate) voice: Voice,
    news: Option<Running>,
    told: Vec<Value>,
    memory: Memory,
    /// What was read after the last act.
    pub(crate) rows: Vec<Value>,
}

impl Scene {
    /// Starts everything: the admin, Alice, Bob and Carol share a team afterwards.
    pub(crate) fn open(bins: &Bins, dir: &Path, seed: u64) -> Result<Self, Trouble> {
        let mut net = Network::lay()?;
        let mut host = |name, site| net.host(site, name);
        let [origin_at, admin_at, carol_at, dave_at] = [
            host("origin", Site::Main)?,
            host("admin", Site::Main)?,
            host("carol", Site::Main)?,
            host("dave", Site::Main)?,
        ];
        let [child_at, alice_at, bob_at] = [
            host("child", Site::Island)?,
            host("alice", Site::Island)?,
            host("bob", Site::Island)?,
        ];
        let logs = dir.join("logs");
        let relay = |name: &str, host: &Host| {
            let address = format!("{}:{PORT}", host.address);
            Relay::at(&bins.inside(&host.space), name, &dir.join(name), &logs, &address)
        };
        let mut origin = relay("origin", &origin_at)?;
        let at = SocketAddr::from((origin_at.address, PORT));
        let uplink = Wire::lay(&child_at.space, at, seed)?;
        let carol_wire = Wire::lay(&carol_at.space, at, seed.wrapping_add(1))?;
        let child = relay("child", &child_at)?;
        let mut child = child.under(&uplink.address(), origin.key());

        let there = bins.inside(&admin_at.space);
        let admin = Member::new(&there, &dir.join("admin"), "the admin's passphrase");
        let file = origin.origin_file().to_string_lossy().into_owned();
        let args = ["org", "create", "Two sites", "--relay", origin.address()];
        admin.run(&[&args[..], &["--relay-key", origin.key(), "--origin-file", &file]].concat())?;
        std::fs::copy(&file, child.origin_file()).during("the child's file")?;
        origin.relates(&[child.key()])?;
        origin.start()?;
        child.start()?;

        let endpoint = |name: &'static str, host: &Host, passphrase: &str| {
            let data = dir.join(name.to_lowercase());
            Endpoint::new(&bins.inside(&host.space), name, &data, &logs, passphrase)
        };
        let mut tool = endpoint(ADMIN, &admin_at, admin.passphrase());
        tool.start()?;
        tool.unlock()?;
        let join = Join::of(&admin, "Two sites")?;
        let far = through(&admin, &join, &child)?;
        let mut scene = Self {
            cast: BTreeMap::new(),
            team: join.team.clone(),
            ledger: Ledger::new(seed),
            admin,
            child,
            origin,
            uplink,
            carol: carol_wire,
            dave: Some(endpoint("Dave", &dave_at, "Dave's passphrase")),
            join: join.clone(),
            net,
        };
        scene.enter(ADMIN, tool, seed)?;
        for (number, (name, host, join)) in
            [("Alice", &alice_at, &far), ("Bob", &bob_at, &far), ("Carol", &carol_at, &join)]
                .into_iter()
                .enumerate()
        {
            let mut person = endpoint(name, host, &format!("{name}'s passphrase"));
            if name == "Carol" {
                person = person.linked_through(&scene.carol.address());
            }
            person.start()?;
            person.create("laptop")?;
            join.admit(&scene.admin, &person)?;
            scene.enter(name, person, seed.wrapping_add(2 + u64::try_from(number).unwrap_or(0)))?;
        }
        Ok(scene)
    }

    /// Dave comes, and the admin adds him.
    pub(crate) fn dave_comes(&mut self) -> Result<(), Trouble> {
        let mut dave = self.dave.take().during("Dave is there already")?;
        dave.start()?;
        dave.create("laptop")?;
        self.join.admit(&self.admin, &dave)?;
        self.enter("Dave", dave, 0)
    }

    fn enter(&mut self, name: &'static str, endpoint: Endpoint, seed: u64) -> Result<(), Trouble> {
        let place = format!("{}/general", self.team);
        until("the channel general", PATIENCE, || {
            let channels = endpoint.commands().cli(&["channels", &self.team]).unwrap_or_default();
            Ok(channels.iter().any(|row| word(row, "name") == "general").then_some(()))
        })?;
        let voice = Voice::new(name, endpoint.commands(), &place, seed);
        let (news, memory) = (Some(endpoint.follow(&place)?), Memory::default());
        let (told, rows) = (Vec::new(), Vec::new());
        let person = Person { endpoint, voice, news, told, memory, rows };
        self.cast.insert(name, person);
        Ok(())
    }

    pub(crate) fn person(&mut self, name: &str) -> Result<&mut Person, Trouble> {
        self.cast.get_mut(name).during(format_args!("nobody is called {name}"))
    }

    fn voice(&self, name: &str) -> Result<&Voice, Trouble> {
        Ok(&self.cast.get(name).during(format_args!("nobody is called {name}"))?.voice)
    }

    /// What `sotto-cli` of somebody says.
    pub(crate) fn cli(&self, name: &str, args: &[&str]) -> Result<Vec<Value>, Trouble> {
        self.voice(name)?.commands.cli(args)
    }

    /// These write so many messages each, all at the same time, while `meanwhile` happens; it is
    /// given a way to wait until so many messages more are written.
    pub(crate) fn talk(
        &mut self,
        who: &[(&str, Audience)],
        count: usize,
        meanwhile: impl FnOnce(
            &mut Happening<'_>,
            &dyn Fn(usize) -> Result<(), Trouble>,
        ) -> Result<(), Trouble>,
    ) -> Result<(), Trouble> {
        let Self { cast, ledger, origin, child, .. } = self;
        let begun = ledger.count();
        let more = |wanted: usize| {
            let enough = || Ok((ledger.count() >= begun + wanted).then_some(()));
            until("somebody's next message", PATIENCE, enough)
        };
        let mut voices = Vec::new();
        let mut rest = BTreeMap::new();
        for (name, person) in cast.iter_mut() {
            rest.insert(*name, &mut person.endpoint);
            let audience = who.iter().find(|(writer, _)| writer == name).map(|(_, it)| *it);
            voices.extend(audience.map(|audience| (&person.voice, audience)));
        }
        let ledger = &*ledger;
        std::thread::scope(|scope| {
            let writers: Vec<_> = voices
                .into_iter()
                .map(|(voice, audience)| scope.spawn(move || voice.talk(ledger, count, audience)))
                .collect();
            let happened = meanwhile(&mut Happening { cast: rest, origin, child }, &more);
            for writer in writers {
                writer.join().unwrap_or_else(|_| Err(Trouble::new("a writer panicked")))?;
            }
            happened
        })
    }

    /// Waits until these have everything that they must have.
    pub(crate) fn all_read(&mut self, who: &[&str]) -> Result<(), Trouble> {
        let messages = self.ledger.all();
        for name in who {
            let voice = self.voice(name)?;
            let mut missing = String::new();
            let read = until("what must be read", LONG, || {
                let rows = voice.commands.read_all(&voice.place)?;
                let read = rows.iter().filter(|row| rank(word(row, "state")).is_some());
                let here: Vec<&str> = read.map(|row| word(row, "name")).collect();
                let wanted = messages.iter().filter(|it| it.must.iter().any(|it| it == name));
                let gap = wanted.filter(|it| !here.contains(&it.name.as_str())).map(|it| &it.text);
                missing = gap.map(String::as_str).collect::<Vec<_>>().join(", ");
                Ok(missing.is_empty().then_some(()))
            });
            read.during(format_args!("{name} does not read {missing}"))?;
        }
        Ok(())
    }

    /// Waits until what `name` wrote behind the first `from` messages has come at least as far as
    /// `state`.
    pub(crate) fn come_to(&self, name: &str, from: usize, state: &str) -> Result<(), Trouble> {
        let own = self.ledger.names(name, from);
        let voice = self.voice(name)?;
        let mut last = Vec::new();
        let come = until(state, LONG, || {
            let rows = voice.commands.read_all(&voice.place)?;
            let mine = rows.iter().filter(|row| own.iter().any(|it| it == word(row, "name")));
            last = mine.map(|row| word(row, "state").to_owned()).collect();
            let far = last.iter().all(|it| rank(it) >= rank(state) && rank(it).is_some());
            Ok((far && last.len() == own.len()).then_some(()))
        });
        come.during(format_args!("what {name} wrote is {last:?}"))
    }

    /// In which states what `name` wrote behind the first `from` messages is now.
    pub(crate) fn states(&self, name: &str, from: usize) -> Result<Vec<String>, Trouble> {
        let own = self.ledger.names(name, from);
        let voice = self.voice(name)?;
        let rows = voice.commands.read_all(&voice.place)?;
        let mine = rows.iter().filter(|row| own.iter().any(|it| it == word(row, "name")));
        Ok(mine.map(|row| word(row, "state").to_owned()).collect())
    }

    /// How the team stands for somebody: an entry of `status`.
    pub(crate) fn stand(&self, name: &str) -> Result<Value, Trouble> {
        let status = self.cli(name, &["status"])?;
        let teams = status.first().and_then(|status| status.get("teams")?.as_array());
        let own = teams.and_then(|teams| teams.iter().find(|it| word(it, "id") == self.team));
        Ok(own.cloned().unwrap_or(Value::Null))
    }

    /// Waits until a team stands as it should for somebody.
    pub(crate) fn stands(
        &self,
        name: &str,
        what: &str,
        right: impl Fn(&Value) -> bool,
    ) -> Result<Value, Trouble> {
        let mut last = Value::Null;
        let found = until(what, LONG, || {
            last = self.stand(name)?;
            Ok(right(&last).then(|| last.clone()))
        });
        found.during(format_args!("for {name} the team stands so: {last}"))
    }

    /// The number of somebody's device.
    pub(crate) fn device(&self, name: &str) -> Result<u64, Trouble> {
        let rows = self.cli(ADMIN, &["devices", &self.team])?;
        let row = rows.iter().find(|row| word(row, "user") == name);
        row.and_then(|row| row.get("device")?.as_u64()).during(format_args!("{name} has no device"))
    }

    /// Asks everybody for everything, and the oracle what is wrong with it.
    pub(crate) fn check(&mut self) -> Result<Vec<String>, Trouble> {
        let messages = self.ledger.all();
        let mut wrong = Vec::new();
        for (name, person) in &mut self.cast {
            person.rows = person.read()?;
            wrong.extend(person.memory.now_reads(name, &person.rows));
            let mut found = judge(&messages, name, &person.rows);
            found.retain(|it| !may_still_come(it));
            wrong.extend(found);
            person.listen();
            let mut found = judge_news(&messages, name, &person.told);
            found.retain(|it| !may_still_come(it));
            wrong.extend(found);
        }
        Ok(wrong)
    }
}

impl Person {
    /// Takes what `follow` has printed since the last time.
    fn listen(&mut self) {
        while let Some(line) = self.news.as_mut().and_then(Running::line_now) {
            let line = serde_json::from_str::<Value>(&line).ok();
            // The last line may say why no more follow.
            self.told.extend(line.filter(|line| line.get("error").is_none()));
        }
    }

    /// `follow` has ended with the process that it followed: it starts anew, and so does what it
    /// may tell.
    pub(crate) fn follow_again(&mut self) -> Result<(), Trouble> {
        self.news = None;
        self.told.clear();
        self.news = Some(self.endpoint.follow(&self.voice.place)?);
        Ok(())
    }

    /// Everything that this person reads.
    pub(crate) fn read(&self) -> Result<Vec<Value>, Trouble> {
        self.voice.commands.read_all(&self.voice.place)
    }
}

/// What can be done to the world while people talk in it.
pub(crate) struct Happening<'a> {
    cast: BTreeMap<&'static str, &'a mut Endpoint>,
    pub(crate) origin: &'a mut Relay,
    pub(crate) child: &'a mut Relay,
}

impl Happening<'_> {
    /// `kill -9` of one process of somebody, who then opens the vault again if that is needed.
    pub(crate) fn kill(&mut self, name: &str, role: Role) -> Result<(), Trouble> {
        let endpoint = self.cast.get_mut(name).during(format_args!("nobody is called {name}"))?;
        let old = endpoint.kill(role)?;
        endpoint.wait_for(role, Some(old), PATIENCE)?;
        if role == Role::Secure { endpoint.unlock() } else { Ok(()) }
    }
}

/// `kill -9` of a relay, which then starts again.
pub(crate) fn kill(relay: &mut Relay) -> Result<(), Trouble> {
    relay.kill()?;
    within("the relay's port", PATIENCE, || relay.start())
}

/// The same invitation with the child as the newcomer's relay.
fn through(admin: &Member, join: &Join, child: &Relay) -> Result<Join, Trouble> {
    let args = ["--relay", child.address(), "--relay-key", child.key()];
    let made = admin.run(&[&["team", "link", &join.team][..], &args].concat())?;
    Ok(Join { link: word(&made, "link").to_owned(), ..join.clone() })
}

/// All wires at once.
pub(crate) fn weather(scene: &Scene, weather: Weather) {
    scene.uplink.weather(weather, weather);
    scene.carol.weather(weather, weather);
}

pub(crate) const ADMIN: &str = "Admin";
const PORT: u16 = 7400;
const PATIENCE: Duration = Duration::from_secs(60);
/// For what needs a link that is noticed to be dead, and the next try after it.
const LONG: Duration = Duration::from_secs(90);
