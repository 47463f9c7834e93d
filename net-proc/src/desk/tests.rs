//! Scripts of what comes from both sides, and what `net-proc` does.

mod feed;
mod talk;

use ipc_schema::{Bytes, Text};
use ipc_schema_net::{Answer, Cursor, NameBits, Refused, Standing, schema};
use names::{Channel, Device, Number, Org, Origin, Prefix, Rest, Slot, Team, TeamId};
use objects::wire::{Refusal, SlotAnswer, SubscriptionStanding};
use objects::{Draft, Hash, Key, Part, Receipt, Signer};

use super::*;
use crate::cache;

const NOW: Millis = Millis(1_000_000);
const RELAY: [u8; 32] = [5; 32];
const LINK: Linked = Linked { relay: RELAY, exporter: [6; 32], store: 7, now: Millis(8) };

struct World {
    desk: Desk,
    folder: tempfile::TempDir,
}

impl World {
    /// A greeted `secure-proc` without a relay.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let desk = Desk::new(cache::open(folder.path()).unwrap(), None);
        let mut world = Self { desk, folder };
        world.give(Input::Attached);
        let hello = FromNet::Hello { schema: schema(), generation: 3 };
        assert_eq!(
            world.say(ToNet::Hello { schema: schema(), generation: 3 }),
            [Output::Tell(hello)]
        );
        world
    }

    /// With a link, a proof and credit, and everything of the team subscribed.
    fn subscribed(credit: u32) -> Self {
        let mut world = Self::new();
        world.say(relay("relay:1"));
        world.give(Input::Linked(LINK));
        world.say(ToNet::Credit(credit));
        world.say(subscribe(Prefix::team(team(1)), Cursor::default()));
        let sent = world.say(prove());
        assert_eq!(sent, [send(ToRelay::Prove(proof())), upstream(0, Prefix::team(team(1)), 0, 0)]);
        world
    }

    fn give(&mut self, input: Input) -> Vec<Output> {
        self.desk.handle(NOW, input).unwrap();
        self.desk.settle().unwrap();
        std::iter::from_fn(|| self.desk.poll()).collect()
    }

    fn say(&mut self, message: ToNet) -> Vec<Output> {
        self.give(Input::Heard(message))
    }

    fn relay_says(&mut self, frame: FromRelay) -> Vec<Output> {
        self.give(Input::Relayed(Box::new(frame)))
    }

    fn deliver(&mut self, position: u64, object: &Object) -> Vec<Output> {
        self.relay_says(FromRelay::Deliver { position, object: object.clone(), receipt: None })
    }

    fn arrived(&self, position: u64, object: &Object) -> Output {
        Output::Tell(FromNet::Arrived {
            cursor: Cursor { cache: self.desk.cache.id(), position },
            object: translate::sealed(object),
            receipt: None,
        })
    }

    /// The process is killed, and another begins with the same cache.
    fn restart(self) -> Self {
        let Self { desk, folder } = self;
        drop(desk);
        let desk = Desk::new(cache::open(folder.path()).unwrap(), None);
        let mut world = Self { desk, folder };
        world.give(Input::Attached);
        world.say(ToNet::Hello { schema: schema(), generation: 4 });
        world
    }
}

fn team(team: u64) -> TeamId {
    let (origin, org) = (Origin::truncate(7), Org::truncate(9));
    TeamId { origin, org, team: Team::truncate(team) }
}

fn entry_in(team: TeamId, channel: u64, number: u64) -> Object {
    let (channel, number) = (Channel::truncate(channel), Number::truncate(number));
    let name = team.name(Rest::Message { channel, device: Device::truncate(3), number });
    let (created, expires, previous) = (Millis(0), Millis(2_000_000), Hash::NONE);
    let data = &number.value().to_be_bytes();
    let draft = Draft { name, created, expires, previous, part: Part::ONLY, data };
    draft.sign(&Signer::from_seed(&[1; 32])).unwrap()
}

fn entry(number: u64) -> Object {
    entry_in(team(1), 2, number)
}

fn proof() -> Proof {
    let (signer, relay) = (Signer::from_seed(&[1; 32]), Key(RELAY));
    Proof::sign(&signer, &relay, &LINK.exporter, team(1), Device::truncate(3), Millis(9))
}

fn prove() -> ToNet {
    ToNet::Prove { exporter: LINK.exporter, proof: Bytes::new(proof().bytes()).unwrap() }
}

fn relay(address: &str) -> ToNet {
    ToNet::Relay { address: Text::cut(address), key: RELAY }
}

fn subscribe(prefix: Prefix, after: Cursor) -> ToNet {
    ToNet::Subscribe { prefix: translate::prefix_bits(&prefix), after }
}

fn send(frame: ToRelay) -> Output {
    Output::Send(Box::new(frame))
}

fn upstream(id: u32, prefix: Prefix, store: u64, after: u64) -> Output {
    send(ToRelay::Subscribe { id, prefix, store, after })
}
