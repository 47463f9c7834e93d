//! The real processes on two sites, with a relay on each, in network namespaces: cables are pulled,
//! directions fall silent, datagrams are lost, processes die. Everybody who stays must have read
//! everything once, in order, and who was removed nothing more.

#![expect(clippy::indexing_slicing, reason = "a doctored transcript is made to measure")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(clippy::print_stdout, reason = "the acts are told aloud")]

mod ledger;
mod oracle;
mod scene;

use std::path::Path;
use std::time::{Duration, Instant};

use harness::{Bins, Folder, Role, Site, Trouble, Weather};
use names::Name;
use serde_json::{Value, json};

use crate::ledger::Audience;
use crate::oracle::{agree, judge, word};
use crate::scene::{ADMIN, Scene, kill, weather};

/// `TESTS-14` `TESTS-15` `TESTS-16`
#[test]
fn an_island_keeps_talking_and_everything_merges() {
    if !may_lay_networks() {
        return;
    }
    let seed = std::env::var("SOTTO_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    println!("partition: seed {seed} (SOTTO_SEED sets another)");
    let folder = Folder::new("partition").unwrap();
    let bins = Bins::of_this_run().unwrap();
    let mut play = Play { begun: Instant::now(), acts: 0 };
    let mut scene = Scene::open(&bins, folder.path(), seed).unwrap();
    play.act(&mut scene, "everybody has joined");
    in_a_storm(&mut scene).unwrap();
    play.act(&mut scene, "a storm: one datagram in five lost, net-proc and origin killed");
    cut_off(&mut scene).unwrap();
    play.act(&mut scene, "the cable is out: the island talks, five epochs pass elsewhere");
    healed(&mut scene).unwrap();
    play.act(&mut scene, "the cable is in, the origin killed meanwhile: all have everything");
    one_way(&mut scene).unwrap();
    play.act(&mut scene, "one direction was silent: what went up arrived, receipts came late");
    removed(&mut scene).unwrap();
    play.act(&mut scene, "Bob was removed while his island was cut off");
    in_the_end(&mut scene).unwrap();
    play.act(&mut scene, "all transcripts agree");
}

/// Loss, doubles and wrong order on every link to the origin; Bob's network process and the origin
/// die in the middle of it.
fn in_a_storm(scene: &mut Scene) -> Result<(), Trouble> {
    weather(scene, Weather::STORM);
    let who = [("Alice", ALL), ("Bob", ALL), ("Carol", ALL)];
    scene.talk(&who, 9, |happening, more| {
        more(4)?;
        happening.kill("Bob", Role::Net)?;
        more(14)?;
        kill(happening.origin)
    })?;
    scene.all_read(&EVERYBODY)?;
    weather(scene, Weather::FAIR);
    for name in PEOPLE {
        scene.come_to(name, 0, "delivered")?;
    }
    for (wire, name) in [(&scene.uplink, "the child's"), (&scene.carol, "Carol's")] {
        let [passed, lost, doubled] = wire.count();
        println!("  {name} wire: {passed} passed on, {lost} lost, {doubled} doubled");
    }
    Ok(())
}

/// The island goes on through the child, which dies in the middle, as does Alice's `secure-proc`.
/// Elsewhere more epochs pass than an endpoint keeps, and Dave is added.
fn cut_off(scene: &mut Scene) -> Result<(), Trouble> {
    let before = scene.ledger.count();
    scene.net.cut()?;
    let island = [("Alice", BEFORE_DAVE), ("Bob", BEFORE_DAVE)];
    scene.talk(&[island[0], island[1], ("Carol", ALL)], 4, |happening, more| {
        more(5)?;
        kill(happening.child)
    })?;
    for name in ["Alice", "Bob"] {
        scene.come_to(name, before, "local-relay")?;
    }
    let alice = scene.stand("Alice")?;
    scene.cli("Alice", &["refresh", &scene.team])?;
    let bob = scene.device("Bob")?;
    scene.stands("Alice", "a status that says what is paused, and that Bob is there", |now| {
        now["paused"] == true
            && now["origin_reachable"] == false
            && now["wishes"] == 1
            && now["reachable"].as_array().is_some_and(|it| it.contains(&json!(bob)))
    })?;
    for _ in 0..5 {
        let slot = number(&scene.stand("Carol")?, "slot");
        scene.cli("Carol", &["refresh", &scene.team])?;
        scene.stands("Carol", "a new epoch", |now| {
            number(now, "slot") > slot && number(now, "wishes") == 0
        })?;
    }
    scene.dave_comes()?;
    scene.talk(
        &[island[0], island[1], ("Carol", WITH_DAVE), ("Dave", WITH_DAVE)],
        3,
        |happening, more| {
            more(2)?;
            happening.kill("Alice", Role::Secure)
        },
    )?;
    scene.person("Alice")?.follow_again()?;
    for name in ["Alice", "Bob"] {
        scene.come_to(name, before, "local-relay")?;
        let states = scene.states(name, before)?;
        assert!(states.iter().all(|it| it == "local-relay"), "{name} wrote {states:?}");
    }
    assert_eq!(number(&scene.stand("Alice")?, "slot"), number(&alice, "slot"));
    // The cut was one: nobody has anything from the other side.
    let written = scene.ledger.all().split_off(before);
    for (reader, others) in [("Alice", &["Carol"][..]), ("Carol", &["Alice", "Bob"])] {
        for row in scene.person(reader)?.read()? {
            let text = word(&row, "text");
            let from = written.iter().find(|it| it.text == text).map(|it| it.by.as_str());
            assert!(from.is_none_or(|from| !others.contains(&from)), "{reader} reads {text}");
        }
    }
    Ok(())
}

/// Everything merges although the origin dies at that very moment, and what waited happens.
fn healed(scene: &mut Scene) -> Result<(), Trouble> {
    scene.net.mend()?;
    kill(&mut scene.origin)?;
    scene.all_read(WITH_DAVE.must)?;
    for name in WITH_DAVE.must {
        scene.come_to(name, 0, "delivered")?;
    }
    scene.stands("Alice", "a wish that happens", |now| {
        now["wishes"] == 0 && now["paused"] == false && now["unsettled"] == 0
    })?;
    together(scene, WITH_DAVE.must)
}

/// What the origin says is lost on the way down: the child's objects arrive all the same.
fn one_way(scene: &mut Scene) -> Result<(), Trouble> {
    let before = scene.ledger.count();
    scene.net.mute(Site::Main)?;
    scene.talk(&[("Alice", WITH_DAVE), ("Bob", WITH_DAVE)], 2, |_, _| Ok(()))?;
    scene.all_read(&["Carol", "Dave", ADMIN])?;
    let states = scene.states("Alice", before)?;
    assert!(states.iter().all(|it| it == "queued" || it == "local-relay"), "{states:?}");
    scene.net.unmute(Site::Main)?;
    scene.talk(&[("Carol", WITH_DAVE), ("Dave", WITH_DAVE)], 2, |_, _| Ok(()))?;
    scene.all_read(WITH_DAVE.must)?;
    for name in WITH_DAVE.must {
        scene.come_to(name, before, "delivered")?;
    }
    Ok(())
}

/// The admin removes Bob while nobody can tell the island. Who was told of it seals nothing for
/// Bob any more; what Alice and Bob wrote to each other before they knew stays with them.
fn removed(scene: &mut Scene) -> Result<(), Trouble> {
    let before = scene.ledger.count();
    scene.net.mute(Site::Main)?;
    scene.net.mute(Site::Island)?;
    let team = scene.team.clone();
    scene.admin.run(&["device", "remove", &team, &scene.device("Bob")?.to_string()])?;
    scene.stands("Carol", "a team without Bob", |now| number(now, "devices") == 4)?;
    scene.talk(&[("Alice", WITH_DAVE), ("Bob", OF_BOB), ("Carol", STAYING)], 3, |_, _| Ok(()))?;
    scene.come_to("Bob", before, "local-relay")?;
    scene.net.unmute(Site::Main)?;
    scene.net.unmute(Site::Island)?;
    let staying = STAYING.must;
    scene.stands("Alice", "a team without Bob", |now| number(now, "devices") == 4)?;
    scene.talk(&[("Alice", STAYING), ("Carol", STAYING)], 3, |_, _| Ok(()))?;
    scene.all_read(staying)?;
    for name in ["Alice", "Carol"] {
        scene.come_to(name, before, "delivered")?;
    }
    together(scene, staying)?;

    // Bob is told so; he cannot write, and asking anew for everything changes nothing. What he read
    // stays with him.
    scene.stands("Bob", "a team that he was removed from", |now| now["standing"] == "removed")?;
    let bob = scene.person("Bob")?;
    let read = bob.read()?;
    let old = bob.endpoint.kill(Role::Secure)?;
    bob.endpoint.wait_for(Role::Secure, Some(old), PATIENCE)?;
    bob.endpoint.unlock()?;
    let place = bob.voice.place.clone();
    for act in [&["send", &place, "from one who is not here"][..], &["refresh", &team]] {
        let refused = scene.cli("Bob", act).err().and_then(|trouble| trouble.code);
        assert_eq!(refused.as_deref(), Some("removed"), "{act:?}");
    }
    assert!(!read.is_empty() && scene.person("Bob")?.read()? == read);
    let after = scene.ledger.count();
    scene.talk(&[("Carol", STAYING), ("Alice", STAYING)], 2, |happening, _| {
        happening.kill("Bob", Role::Net)
    })?;
    scene.all_read(staying)?;
    // Not even sealed has anything come to him.
    let kept = scene.person("Bob")?.endpoint.data().join("net");
    let arrived = |name: &str, from| {
        let names = scene.ledger.names(name, from);
        names.iter().filter(|name| lies_in(&kept, name)).count()
    };
    assert!(arrived("Carol", 0) > 9, "the search itself finds nothing");
    assert_eq!([arrived("Carol", after), arrived("Alice", after)], [0, 0]);
    assert_eq!(scene.person("Bob")?.read()?, read);
    Ok(())
}

/// Every transcript as a whole, and all against each other.
fn in_the_end(scene: &mut Scene) -> Result<(), Trouble> {
    let messages = scene.ledger.all();
    let mut all: Vec<(&&str, Vec<Value>)> = Vec::new();
    let mut wrong = Vec::new();
    for name in STAYING.must {
        let rows = scene.person(name)?.read()?;
        wrong.extend(judge(&messages, name, &rows));
        for (other, others) in &all {
            let differs = agree(others, &rows).into_iter();
            wrong.extend(differs.map(|it| format!("{other} and {name}: {it}")));
        }
        all.push((name, rows));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for (name, rows) in &all {
        println!("  {name}: {} of {} messages", rows.len(), messages.len());
    }
    Ok(())
}

/// These stand at one slot in one epoch.
fn together(scene: &Scene, who: &[&str]) -> Result<(), Trouble> {
    let there = |now: &Value| [number(now, "slot"), number(now, "epoch")];
    for _ in 0..9 {
        let last = there(&scene.stand(ADMIN)?);
        let far = |now: &Value| there(now) >= last && number(now, "wishes") == 0;
        for name in who {
            scene.stands(name, "nothing that waits", far)?;
        }
        let all: Result<Vec<_>, _> = who.iter().map(|it| Ok(there(&scene.stand(it)?))).collect();
        if all?.windows(2).all(|pair| pair[0] == pair[1]) {
            return Ok(());
        }
    }
    Err(Trouble::new("they never stand at one slot"))
}

struct Play {
    begun: Instant,
    acts: usize,
}

impl Play {
    /// After each act: says how it went, and asks the oracle.
    fn act(&mut self, scene: &mut Scene, what: &str) {
        self.acts += 1;
        let (acts, took) = (self.acts, self.begun.elapsed().as_secs());
        println!("{acts}. {what}; {} messages, {took} s", scene.ledger.count());
        let wrong = scene.check().unwrap();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

/// Does a file of this folder name a message?
fn lies_in(folder: &Path, message: &str) -> bool {
    let name: Name = message.parse().unwrap();
    let name = name.bytes();
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files = files.map(|file| std::fs::read(file).unwrap());
    files.any(|bytes| bytes.windows(name.len()).any(|window| window == name))
}

fn number(stand: &Value, field: &str) -> u64 {
    stand.get(field).and_then(Value::as_u64).unwrap_or(0)
}

/// Only root may lay networks.
fn may_lay_networks() -> bool {
    if rustix::process::geteuid().is_root() {
        return true;
    }
    assert!(std::env::var_os("CI").is_none(), "not run: needs root");
    println!("not run: needs root");
    false
}

const PATIENCE: Duration = Duration::from_secs(60);
const PEOPLE: [&str; 3] = ["Alice", "Bob", "Carol"];
const EVERYBODY: [&str; 4] = ["Alice", "Bob", "Carol", ADMIN];
const ALL: Audience = Audience { must: &EVERYBODY, may: &[] };
const WITH_DAVE: Audience = Audience { must: &["Alice", "Bob", "Carol", "Dave", ADMIN], may: &[] };
/// What the island writes while it cannot know that Dave is there.
const BEFORE_DAVE: Audience = Audience { must: &EVERYBODY, may: &["Dave"] };
/// Without Bob.
const STAYING: Audience = Audience { must: &["Alice", "Carol", "Dave", ADMIN], may: &[] };
/// What Bob writes while only Alice hears him, and his removal is on its way.
const OF_BOB: Audience = Audience { must: &["Alice", "Bob"], may: &["Carol", "Dave", ADMIN] };
