//! An endpoint's side of a link, frame by frame.

use std::net::SocketAddr;

use link_io::{Class, Link, RelayKey, Stream, connect};
use names::{Name, Prefix};
use objects::wire::{FromRelay, Refusal, SlotAnswer, SubscriptionStanding, ToRelay};
use objects::{Object, Receipt};

use crate::people::{Cast, Writer};

/// A greeted link to a relay.
pub(crate) struct Client {
    pub(crate) link: Link,
    pub(crate) store: u64,
    control: Stream,
    delivery: Stream,
    seq: u32,
}

impl Client {
    pub(crate) async fn connect(addr: SocketAddr, key: RelayKey) -> Self {
        let link = connect(addr, key).await.unwrap();
        let control = link.open(Class::Control).await.unwrap();
        let delivery = link.open(Class::Delivery).await.unwrap();
        let mut client = Self { link, store: 0, control, delivery, seq: 0 };
        client.tell(&ToRelay::Hello { version: 1 }).await;
        let FromRelay::Welcome { version: 1, store, .. } = client.answer().await else {
            panic!("no welcome");
        };
        client.store = store;
        client
    }

    pub(crate) async fn tell(&mut self, frame: &ToRelay) {
        self.control.sender.send(&frame.bytes()).await.unwrap();
    }

    /// The next answer; what a relay says by itself stands in between.
    pub(crate) async fn answer(&mut self) -> FromRelay {
        loop {
            match self.said().await {
                FromRelay::Upstream { .. } | FromRelay::Settled { .. } => {}
                answer => return answer,
            }
        }
    }

    pub(crate) async fn said(&mut self) -> FromRelay {
        let frame = self.control.receiver.recv().await.unwrap().unwrap();
        FromRelay::parse(&frame).unwrap()
    }

    pub(crate) async fn delivered(&mut self) -> FromRelay {
        let frame = self.delivery.receiver.recv().await.unwrap().unwrap();
        FromRelay::parse(&frame).unwrap()
    }

    pub(crate) async fn publish(&mut self, object: &Object) -> Result<Receipt, Refusal> {
        self.seq += 1;
        self.tell(&ToRelay::Publish { seq: self.seq, object: object.clone() }).await;
        match self.answer().await {
            FromRelay::Stored { seq, receipt } if seq == self.seq => Ok(receipt),
            FromRelay::Refused { seq, why } if seq == self.seq => Err(why),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn claim(&mut self, object: &Object) -> Result<SlotAnswer, Refusal> {
        self.seq += 1;
        self.tell(&ToRelay::Claim { seq: self.seq, object: object.clone() }).await;
        match self.answer().await {
            FromRelay::Slot { seq, answer } if seq == self.seq => Ok(answer),
            FromRelay::Refused { seq, why } if seq == self.seq => Err(why),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn get(&mut self, name: Name) -> Option<Object> {
        self.seq += 1;
        self.tell(&ToRelay::Get { seq: self.seq, name }).await;
        match self.answer().await {
            FromRelay::Found { seq, object, .. } if seq == self.seq => object,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn prove(&mut self, cast: &Cast, writer: &Writer, relay: RelayKey) {
        let exporter = self.link.session_secret().unwrap();
        let proof = cast.proof(writer, &objects::Key(relay.0), &exporter);
        self.tell(&ToRelay::Prove(proof)).await;
        assert_eq!(self.answer().await, FromRelay::Proved(proof));
    }

    pub(crate) async fn subscribe(&mut self, prefix: Prefix, after: u64) -> SubscriptionStanding {
        let (id, store) = (1, self.store);
        self.tell(&ToRelay::Subscribe { id, prefix, store, after }).await;
        match self.answer().await {
            FromRelay::Subscribed { id: 1, standing } => standing,
            other => panic!("{other:?}"),
        }
    }

    /// The objects that are delivered until the relay says that this was all, and the position.
    pub(crate) async fn catch_up(&mut self) -> (Vec<Object>, u64) {
        let mut objects = Vec::new();
        loop {
            match self.delivered().await {
                FromRelay::Deliver { object, .. } => objects.push(object),
                FromRelay::CaughtUp { position, .. } => return (objects, position),
                other => panic!("{other:?}"),
            }
        }
    }
}
