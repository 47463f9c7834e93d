//! Scripts of what comes from both sides, and what `net-proc` does.

use ipc_schema::{Bytes, Text};
use ipc_schema_net::{Answer, Cursor, NameBits, Refused, Standing, schema};
use names::{Channel, Device, Number, Org, Origin, Prefix, Rest, Slot, Team, TeamId};
use objects::wire::{Refusal, SlotAnswer, SubscriptionStanding};
use objects::{Draft, Hash, Key, Part, Receipt, Signer};

use super::*;
use crate::cache;

const NOW: Millis = Millis(1_000_000);
const RELAY: [u8; 32] = [5; 32];
const LINK: Linked = Linked {
    relay: RELAY,
    exporter: [6; 32],
    store: 7,
    now: Millis(8),
};

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
        let hello = FromNet::Hello {
            schema: schema(),
            generation: 3,
        };
        assert_eq!(
            world.say(ToNet::Hello {
                schema: schema(),
                generation: 3
            }),
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
        assert_eq!(
            sent,
            [
                send(ToRelay::Prove(proof())),
                upstream(0, Prefix::team(team(1)), 0, 0)
            ]
        );
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
        self.relay_says(FromRelay::Deliver {
            position,
            object: object.clone(),
            receipt: None,
        })
    }

    fn arrived(&self, position: u64, object: &Object) -> Output {
        Output::Tell(FromNet::Arrived {
            cursor: Cursor {
                cache: self.desk.cache.id(),
                position,
            },
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
        world.say(ToNet::Hello {
            schema: schema(),
            generation: 4,
        });
        world
    }
}

fn team(team: u64) -> TeamId {
    let (origin, org) = (Origin::truncate(7), Org::truncate(9));
    TeamId {
        origin,
        org,
        team: Team::truncate(team),
    }
}

fn entry_in(team: TeamId, channel: u64, number: u64) -> Object {
    let (channel, number) = (Channel::truncate(channel), Number::truncate(number));
    let name = team.name(Rest::Message {
        channel,
        device: Device::truncate(3),
        number,
    });
    let (created, expires, previous) = (Millis(0), Millis(2_000_000), Hash::NONE);
    let data = &number.value().to_be_bytes();
    let draft = Draft {
        name,
        created,
        expires,
        previous,
        part: Part::ONLY,
        data,
    };
    draft.sign(&Signer::from_seed(&[1; 32])).unwrap()
}

fn entry(number: u64) -> Object {
    entry_in(team(1), 2, number)
}

fn proof() -> Proof {
    let (signer, relay) = (Signer::from_seed(&[1; 32]), Key(RELAY));
    Proof::sign(
        &signer,
        &relay,
        &LINK.exporter,
        team(1),
        Device::truncate(3),
        Millis(9),
    )
}

fn prove() -> ToNet {
    ToNet::Prove {
        exporter: LINK.exporter,
        proof: Bytes::new(proof().bytes()).unwrap(),
    }
}

fn relay(address: &str) -> ToNet {
    ToNet::Relay {
        address: Text::cut(address),
        key: RELAY,
    }
}

fn subscribe(prefix: Prefix, after: Cursor) -> ToNet {
    ToNet::Subscribe {
        prefix: translate::prefix_bits(&prefix),
        after,
    }
}

fn send(frame: ToRelay) -> Output {
    Output::Send(Box::new(frame))
}

fn upstream(id: u32, prefix: Prefix, store: u64, after: u64) -> Output {
    send(ToRelay::Subscribe {
        id,
        prefix,
        store,
        after,
    })
}

/// `NET-02`
#[test]
fn whoever_does_not_greet_with_this_schema_is_dropped() {
    let other = ipc_schema::SchemaHash([1; 32]);
    for first in [
        ToNet::Hello {
            schema: other,
            generation: 3,
        },
        ToNet::Credit(1),
        prove(),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut desk = Desk::new(cache::open(folder.path()).unwrap(), None);
        desk.handle(NOW, Input::Attached).unwrap();
        desk.handle(NOW, Input::Heard(first)).unwrap();
        desk.handle(NOW, Input::Heard(ToNet::Credit(1))).unwrap();
        desk.settle().unwrap();
        assert_eq!(
            std::iter::from_fn(|| desk.poll()).collect::<Vec<_>>(),
            [Output::Detach]
        );
    }
    let mut world = World::new();
    let again = ToNet::Hello {
        schema: schema(),
        generation: 3,
    };
    assert_eq!(world.say(again), [Output::Detach]);
}

/// `NET-02`
#[test]
fn what_is_no_object_proof_name_or_prefix_of_a_team_drops_secure_proc() {
    let rubbish = || Bytes::new(vec![9; 50]).unwrap();
    let wrong = [
        ToNet::Publish {
            id: 1,
            object: rubbish(),
        },
        ToNet::Claim {
            id: 1,
            object: Bytes::default(),
        },
        ToNet::Prove {
            exporter: LINK.exporter,
            proof: Bytes::new(vec![1; 119]).unwrap(),
        },
        ToNet::Get {
            id: 1,
            name: NameBits([0; 16]),
        },
        subscribe(Prefix::from_bits(0, 0).unwrap(), Cursor::default()),
    ];
    for message in wrong {
        let mut world = World::subscribed(1);
        assert_eq!(world.say(message), [Output::Disconnect, Output::Detach]);
    }
}

/// `NET-03`
#[test]
fn a_link_is_told_with_its_exporter_and_lost_once_for_each_reason() {
    let mut world = World::new();
    let connect = Output::Connect {
        address: "relay:1".to_owned(),
        key: RELAY,
    };
    assert_eq!(world.say(relay("relay:1")), [connect]);
    let unlinked = |why| [Output::Tell(FromNet::Unlinked { why })];
    let (gone, wrong) = (LinkLoss::Unreachable, LinkLoss::WrongKey);
    assert_eq!(world.give(Input::Unlinked(gone)), unlinked(gone));
    assert_eq!(world.give(Input::Unlinked(gone)), []);
    assert_eq!(world.give(Input::Unlinked(wrong)), unlinked(wrong));
    let linked = FromNet::Linked {
        relay: RELAY,
        exporter: LINK.exporter,
        now: 8,
    };
    assert_eq!(
        world.give(Input::Linked(LINK)),
        [Output::Tell(linked.clone())]
    );
    assert_eq!(
        world.say(relay("relay:1")),
        [Output::Tell(linked)],
        "asked anew"
    );
    assert_eq!(world.give(Input::Unlinked(wrong)), unlinked(wrong));
}

/// `NET-03`
#[test]
fn an_address_of_the_launcher_goes_before_that_of_the_team() {
    let mut world = World::new();
    world.desk.address = Some("near:2".to_owned());
    let connect = Output::Connect {
        address: "near:2".to_owned(),
        key: RELAY,
    };
    assert_eq!(world.say(relay("relay:1")), [connect]);
}

/// `NET-03`
#[test]
fn answers_carry_the_number_of_the_question() {
    let mut world = World::subscribed(1);
    let object = entry(0);
    let receipt = Receipt::sign(&Signer::from_seed(&[2; 32]), &object, Slot::ZERO, NOW);
    let (sealed, bytes) = (translate::sealed(&object), translate::receipt(&receipt));
    let publish = |id| ToNet::Publish {
        id,
        object: sealed.clone(),
    };
    let claim = |id| ToNet::Claim {
        id,
        object: sealed.clone(),
    };
    let answered = |id, answer| [Output::Tell(FromNet::Answered { id, answer })];

    let sent = world.say(publish(90));
    assert_eq!(
        sent,
        [send(ToRelay::Publish {
            seq: 0,
            object: object.clone()
        })]
    );
    world.say(publish(91));
    let sent = world.say(claim(92));
    assert_eq!(
        sent,
        [send(ToRelay::Claim {
            seq: 2,
            object: object.clone()
        })]
    );
    world.say(claim(93));
    let sent = world.say(ToNet::Get {
        id: 94,
        name: NameBits(object.name().bytes()),
    });
    assert_eq!(
        sent,
        [send(ToRelay::Get {
            seq: 4,
            name: object.name()
        })]
    );

    let gap = FromRelay::Refused {
        seq: 1,
        why: Refusal::Gap { next: 5 },
    };
    let refused = Answer::Refused {
        why: Refused::Gap { next: 5 },
    };
    assert_eq!(world.relay_says(gap.clone()), answered(91, refused));
    assert_eq!(world.relay_says(gap), [], "nobody waits for it any more");
    let stored = FromRelay::Stored { seq: 0, receipt };
    assert_eq!(
        world.relay_says(stored),
        answered(90, Answer::Receipt(bytes.clone()))
    );
    let won = FromRelay::Slot {
        seq: 2,
        answer: SlotAnswer::Won(receipt),
    };
    assert_eq!(
        world.relay_says(won),
        answered(92, Answer::Receipt(bytes.clone()))
    );
    let answer = SlotAnswer::Taken {
        winner: object.clone(),
        receipt,
    };
    let taken = Answer::Taken {
        winner: sealed.clone(),
        receipt: bytes.clone(),
    };
    assert_eq!(
        world.relay_says(FromRelay::Slot { seq: 3, answer }),
        answered(93, taken)
    );
    let frame = FromRelay::Found {
        seq: 4,
        object: Some(object),
        receipt: None,
    };
    let found = FromNet::Found {
        id: 94,
        object: Some(sealed),
        receipt: None,
    };
    assert_eq!(world.relay_says(frame), [Output::Tell(found)]);
}

/// `NET-03`
#[test]
fn what_is_asked_without_a_link_or_before_it_broke_is_left_to_secure_proc() {
    let mut world = World::subscribed(1);
    let publish = ToNet::Publish {
        id: 1,
        object: translate::sealed(&entry(0)),
    };
    assert_eq!(world.say(publish.clone()).len(), 1);
    world.give(Input::Unlinked(LinkLoss::Unreachable));
    assert_eq!(world.say(publish), []);
    world.give(Input::Linked(Linked {
        exporter: [9; 32],
        ..LINK
    }));
    let late = FromRelay::Refused {
        seq: 0,
        why: Refusal::Quota,
    };
    assert_eq!(world.relay_says(late), []);
    assert_eq!(
        world.say(prove()),
        [],
        "a proof of the last link is not sent on this one"
    );
}

/// `NET-04`
#[test]
fn objects_come_once_in_order_of_the_cache_as_far_as_credit_goes() {
    let mut world = World::subscribed(2);
    let first = world.deliver(50, &entry(0));
    assert_eq!(first, [world.arrived(1, &entry(0))]);
    assert_eq!(world.deliver(50, &entry(0)), [], "the same object again");
    let second = world.deliver(60, &entry(1));
    assert_eq!(second, [world.arrived(2, &entry(1))]);
    assert_eq!(world.deliver(70, &entry(2)), []);
    assert_eq!(world.deliver(80, &entry(3)), []);
    let third = world.say(ToNet::Credit(1));
    assert_eq!(third, [world.arrived(3, &entry(2))]);
    let fourth = world.say(ToNet::Credit(9));
    assert_eq!(fourth, [world.arrived(4, &entry(3))]);
}

/// `NET-04`
#[test]
fn a_new_link_goes_on_where_the_last_one_was_and_another_store_starts_over() {
    let mut world = World::subscribed(100);
    world.deliver(50, &entry(0));
    world.relay_says(FromRelay::CaughtUp {
        id: 0,
        position: 66,
    });
    let mut world = world.restart();
    world.say(relay("relay:1"));
    world.give(Input::Linked(LINK));
    world.say(subscribe(Prefix::team(team(1)), Cursor::default()));
    let sent = world.say(prove());
    assert_eq!(
        sent.last(),
        Some(&upstream(0, Prefix::team(team(1)), 7, 66))
    );
}

/// `NET-04`
#[test]
fn caught_up_is_told_when_the_cache_is_drained_as_well() {
    let mut world = World::subscribed(1);
    world.deliver(50, &entry(0));
    world.deliver(51, &entry(1));
    assert_eq!(
        world.relay_says(FromRelay::CaughtUp {
            id: 0,
            position: 51
        }),
        []
    );
    let prefix = translate::prefix_bits(&Prefix::team(team(1)));
    let cursor = Cursor {
        cache: world.desk.cache.id(),
        position: 2,
    };
    let caught_up = Output::Tell(FromNet::CaughtUp { prefix, cursor });
    let told = world.say(ToNet::Credit(1));
    assert_eq!(told, [world.arrived(2, &entry(1)), caught_up.clone()]);
    assert_eq!(world.say(ToNet::Credit(1)), [], "told once");
    assert_eq!(
        world.relay_says(FromRelay::CaughtUp {
            id: 0,
            position: 51
        }),
        [caught_up]
    );
}

/// `NET-05`
#[test]
fn the_cache_serves_a_cursor_without_a_link_and_one_of_another_cache_from_its_beginning() {
    let mut world = World::subscribed(100);
    for number in 0..150 {
        world.deliver(number + 1, &entry(number));
    }
    let cache = world.desk.cache.id();
    let mut world = world.restart();
    world.say(ToNet::Credit(1000));
    for (after, first) in [
        (
            Cursor {
                cache,
                position: 148,
            },
            148,
        ),
        (
            Cursor {
                cache: cache ^ 1,
                position: 148,
            },
            0,
        ),
    ] {
        let told = world.say(subscribe(Prefix::team(team(1)), after));
        let wanted: Vec<Output> = (first..150)
            .map(|number| world.arrived(number + 1, &entry(number)))
            .collect();
        assert_eq!(told, wanted);
    }
}

/// `NET-04`
#[test]
fn overlapping_wishes_are_one_subscription_at_the_relay() {
    let mut world = World::subscribed(100);
    let channel = Prefix::channel(team(1), Channel::truncate(2));
    assert_eq!(world.say(subscribe(channel, Cursor::default())), []);
    let told = world.deliver(50, &entry(0));
    assert_eq!(
        told,
        [world.arrived(1, &entry(0)), world.arrived(1, &entry(0))]
    );
    let standing = SubscriptionStanding::Waiting;
    let told = world.relay_says(FromRelay::Subscribed { id: 0, standing });
    let standings = [Prefix::team(team(1)), channel].map(|prefix| {
        let prefix = translate::prefix_bits(&prefix);
        Output::Tell(FromNet::Standing {
            prefix,
            standing: Standing::Waiting,
        })
    });
    assert_eq!(told, standings);

    let mut world = World::new();
    world.say(relay("relay:1"));
    world.give(Input::Linked(LINK));
    world.say(prove());
    let narrow = world.say(subscribe(channel, Cursor::default()));
    assert_eq!(narrow, [upstream(0, channel, 0, 0)]);
    let wide = world.say(subscribe(Prefix::team(team(1)), Cursor::default()));
    let ended = send(ToRelay::Unsubscribe { id: 0 });
    assert_eq!(wide, [ended, upstream(1, Prefix::team(team(1)), 0, 0)]);
}

/// `NET-04`
#[test]
fn what_was_not_subscribed_to_is_neither_kept_nor_forwarded() {
    let mut world = World::subscribed(100);
    assert_eq!(world.deliver(50, &entry_in(team(2), 2, 0)), []);
    assert_eq!(world.desk.cache.newest().unwrap(), 0);
}

/// `NET-05`
#[test]
fn a_lock_or_another_secure_proc_forgets_everything_but_the_cache() {
    for ending in [
        Input::Heard(ToNet::Forget),
        Input::Detached,
        Input::Attached,
    ] {
        let mut world = World::subscribed(1000);
        world.deliver(50, &entry(0));
        let locked = matches!(ending, Input::Heard(_));
        assert_eq!(world.give(ending), [Output::Disconnect]);
        assert_eq!(world.deliver(51, &entry(1)), []);
        assert_eq!(
            world
                .give(Input::Unlinked(LinkLoss::Unreachable))
                .is_empty(),
            !locked
        );
        assert_eq!(world.desk.cache.newest().unwrap(), 1);
        if locked {
            assert_eq!(
                world.say(subscribe(Prefix::team(team(1)), Cursor::default())),
                []
            );
            let told = world.say(ToNet::Credit(1));
            assert_eq!(
                told,
                [world.arrived(1, &entry(0))],
                "credit starts from nothing"
            );
        }
    }
}

/// `NET-05`
#[test]
fn the_data_of_expired_entries_leaves_the_cache() {
    let mut world = World::subscribed(1000);
    world.deliver(50, &entry(0));
    world.desk.handle(Millis(2_000_000), Input::Woken).unwrap();
    let kept = world.desk.cache.get(entry(0).name()).unwrap().unwrap();
    assert_eq!(kept.object, entry(0).header_only());
}
