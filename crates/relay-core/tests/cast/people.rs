//! People, devices and what they write, for tests of relays.

use std::collections::BTreeMap;

use names::{
    Blob, Channel, Device, Generation, Number, Org, Origin, Piece, Place, Rest, Slot, Team, TeamId,
};
use objects::{
    Admin, Announcement, BlobRef, Certificate, Claim, Draft, Hash, Issuer, Key, Label, Millis,
    Named, Object, Part, Proof, Signer, Standing, Term, WelcomePointer,
};

pub(crate) const DAY: u64 = 24 * 60 * 60 * 1000;
pub(crate) const CHANNEL: u64 = 2;

/// An organisation with one team, at a certain time.
pub(crate) struct Cast {
    pub(crate) root: Signer,
    pub(crate) team: TeamId,
    pub(crate) now: Millis,
}

/// A device that writes in the team.
pub(crate) struct Writer {
    pub(crate) log: Signer,
    pub(crate) device: Device,
    team: TeamId,
    logs: BTreeMap<u64, (Number, Hash)>,
    blobs: u64,
}

impl Cast {
    pub(crate) fn new(now: Millis) -> Self {
        let team =
            TeamId { origin: Origin::truncate(7), org: Org::truncate(9), team: Team::truncate(77) };
        Self { root: Signer::from_seed(&[1; 32]), team, now }
    }

    pub(crate) fn writer(&self, seed: u8) -> Writer {
        Writer {
            log: Signer::from_seed(&[seed; 32]),
            device: Device::truncate(u64::from(seed)),
            team: self.team,
            logs: BTreeMap::new(),
            blobs: 0,
        }
    }

    /// The certificate of a writer, signed by the root.
    pub(crate) fn certificate(
        &self,
        writer: &Writer,
        generation: u64,
        standing: Standing,
    ) -> Object {
        let times = (self.now, self.now.plus(365 * DAY));
        self.certificate_by(&self.root, Issuer::Root, writer, generation, standing, times)
    }

    pub(crate) fn certificate_by(
        &self,
        signer: &Signer,
        issuer: Issuer,
        writer: &Writer,
        generation: u64,
        standing: Standing,
        (from, until): (Millis, Millis),
    ) -> Object {
        let certificate = Certificate {
            standing,
            log_key: writer.log.key(),
            credential: Hash::of(Label::Credential, b"who"),
            from,
            until,
            issuer,
        };
        let generation = Generation::truncate(generation);
        let rest = Rest::Certificate { device: writer.device, generation };
        self.draft(rest, Millis::NEVER, &certificate.bytes()).sign(signer).unwrap()
    }

    /// A term that begins behind a slot, with a relay as its origin.
    pub(crate) fn term(&self, number: u64, origin: Key, (after, claim): (u64, Hash)) -> Object {
        let (after, address) = (Slot::truncate(after), "relay.test:4433".to_owned());
        let bytes = Term { key: origin, after, claim, address }.bytes();
        let generation = Generation::truncate(number);
        let rest = Rest::Certificate { device: Device::ORIGIN, generation };
        self.draft(rest, Millis::NEVER, &bytes).sign(&self.root).unwrap()
    }

    /// An admin whom the root names.
    pub(crate) fn admin(&self, seed: u8) -> (Signer, Issuer) {
        let signer = Signer::from_seed(&[seed; 32]);
        let until = self.now.plus(DAY);
        let admin = Admin::name(&self.root, self.team, signer.key(), self.now, until);
        (signer, Issuer::Admin(admin))
    }

    /// What a newcomer publishes.
    pub(crate) fn announcement(&self, writer: &Writer, package: &[u8]) -> Announcement {
        Announcement {
            root: self.root.key(),
            team: self.team,
            device: writer.device,
            log_key: writer.log.key(),
            key_package: package.to_vec(),
        }
    }

    pub(crate) fn announced(&self, announcement: &Announcement, signer: &Signer) -> Object {
        let rest = Announcement::rest(&announcement.hash());
        let bytes = announcement.bytes();
        let draft = self.draft(rest, self.now.plus(30 * DAY), &bytes);
        draft.sign(signer).unwrap()
    }

    pub(crate) fn welcome(&self, pointer: &WelcomePointer, signer: &Signer) -> Object {
        let rest = WelcomePointer::rest(&pointer.announcement);
        self.draft(rest, Millis::NEVER, &pointer.bytes()).sign(signer).unwrap()
    }

    pub(crate) fn claim(
        &self,
        slot: u64,
        previous: Hash,
        claim: &Claim,
        signer: &Signer,
    ) -> Object {
        let bytes = claim.bytes();
        let mut draft = self.draft(Rest::Slot(Slot::truncate(slot)), Millis::NEVER, &bytes);
        draft.previous = previous;
        draft.sign(signer).unwrap()
    }

    /// A proof of a writer's log key, for one session.
    pub(crate) fn proof(
        &self,
        writer: &Writer,
        relay: &objects::Key,
        exporter: &[u8; 32],
    ) -> Proof {
        let expires = self.now.plus(DAY);
        Proof::sign(&writer.log, relay, exporter, self.team, writer.device, expires)
    }

    pub(crate) fn draft<'a>(&self, rest: Rest, expires: Millis, data: &'a [u8]) -> Draft<'a> {
        Draft {
            name: Place { team: self.team, rest }.name(),
            created: self.now,
            expires,
            previous: Hash::NONE,
            part: Part::ONLY,
            data,
        }
    }
}

impl Writer {
    /// The next entry of its log in the usual channel.
    pub(crate) fn say(&mut self, cast: &Cast, data: &[u8]) -> Object {
        let draft = self.entry(cast, data);
        let object = draft.sign(&self.log).unwrap();
        self.said(&object);
        object
    }

    /// The next entry as a draft, for those who want to spoil it.
    pub(crate) fn entry<'a>(&self, cast: &Cast, data: &'a [u8]) -> Draft<'a> {
        let (number, previous) =
            self.logs.get(&CHANNEL).copied().unwrap_or((Number::ZERO, Hash::NONE));
        let channel = Channel::truncate(CHANNEL);
        let rest = Rest::Message { channel, device: self.device, number };
        Draft { previous, ..cast.draft(rest, cast.now.plus(90 * DAY), data) }
    }

    /// Counts an entry as written.
    pub(crate) fn said(&mut self, object: &Object) {
        let Rest::Message { number, .. } = object.name().place().rest else {
            panic!("not an entry");
        };
        self.logs.insert(CHANNEL, (number.next().unwrap(), object.entry_hash()));
    }

    /// Blobs that were written elsewhere.
    pub(crate) fn skip_blobs(&mut self, count: u64) {
        self.blobs += count;
    }

    /// The pieces of a new blob, and what a claim says of it.
    pub(crate) fn blob(&mut self, cast: &Cast, whole: &[u8]) -> (Vec<Object>, BlobRef) {
        let blob = Blob::truncate(self.blobs);
        self.blobs += 1;
        let chunks: Vec<&[u8]> = whole.chunks(1024).collect();
        let count = u16::try_from(chunks.len()).unwrap();
        let rest = |piece: usize| Rest::Blob {
            device: self.device,
            blob,
            piece: Piece::truncate(u64::try_from(piece).unwrap()),
        };
        let piece = |(index, data): (usize, &&[u8])| {
            let part = Part { index: u16::try_from(index).unwrap(), count };
            let draft = Draft { part, ..cast.draft(rest(index), Millis::NEVER, data) };
            draft.sign(&self.log).unwrap()
        };
        let pieces = chunks.iter().enumerate().map(piece).collect();
        let hash = Hash::of(Label::Blob, whole);
        let first = self.team.name(rest(0));
        (pieces, BlobRef { first, pieces: count, len: u32::try_from(whole.len()).unwrap(), hash })
    }

    /// A claim of this device that names a commit.
    pub(crate) fn claims(&self, commit: BlobRef) -> Claim {
        Claim {
            epoch: 0,
            device: self.device,
            generation: Generation::ZERO,
            commit,
            welcome: None,
            tree: None,
            skips: None,
            certificates: Vec::new(),
            welcomed: Vec::new(),
        }
    }
}

pub(crate) fn named(object: &Object) -> Named {
    Named { name: object.name(), hash: object.entry_hash() }
}
