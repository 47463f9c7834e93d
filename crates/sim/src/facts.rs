//! What happened: the judge's own notes, taken from frames, commits and what people saw.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use mls_core::{Notice, Opened, Policy, Watermark};
use names::{Channel, Name, Rest, TeamId};
use objects::{Hash, Object, Part};
use relay_core::DropReason;
use sha2::{Digest as _, Sha256};

use crate::crypto::{Sealings, tail};
use crate::device::Vault;

/// What somebody said.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    pub(crate) device: usize,
    pub(crate) body: String,
    pub(crate) thread: Option<Name>,
    pub(crate) after: Vec<Name>,
    /// The true time.
    pub(crate) at: u64,
    /// The vault that knew of it was put back to an earlier time, or it goes on under another
    /// name: it counts only if the origin has all of it.
    pub(crate) lost: bool,
    /// So many entries it fills.
    pub(crate) entries: u64,
    /// It had left under this name when the vault of its author was put back.
    pub(crate) sent: bool,
}

/// Somebody who has to go.
#[derive(Debug)]
pub(crate) struct Removed {
    pub(crate) device: usize,
    /// What it had when that was wished.
    pub(crate) vault: Vault,
    /// Who wished it.
    pub(crate) by: usize,
}

/// How much happened.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counts {
    /// Processes that ended, of devices.
    pub crashes: u64,
    /// Power cuts of relays.
    pub relay_crashes: u64,
    /// Directions that were cut.
    pub partitions: u64,
    /// Links that broke.
    pub breaks: u64,
    /// Objects that came twice or in another order.
    pub disorders: u64,
    /// Devices that were removed.
    pub removals: u64,
    /// Clocks that were set.
    pub skews: u64,
    /// Hostile objects.
    pub hostile: u64,
    /// Old vaults that were put back.
    pub restores: u64,
    /// Commits that insiders spoilt.
    pub poisons: u64,
    /// Devices that wrote two histories.
    pub twins: u64,
    /// Messages that came to the origin too late to be read, and have to be sealed again.
    pub late: u64,
    /// Roles that the root changed.
    pub roles: u64,
    /// Policies that admins changed.
    pub policies: u64,
    /// People whom admins wished to add unasked.
    pub sought: u64,
    /// Devices that were added unasked.
    pub unasked: u64,
    /// Devices that came back after their removal.
    pub returns: u64,
    /// Removals by others than the root.
    pub by_admins: u64,
    /// Steps that could not be stored, of processes that went on.
    pub full: u64,
    /// Origins that the root has named.
    pub terms: u64,
    /// Origins that were never seen again.
    pub deaths: u64,
    /// Messages that people wrote.
    pub messages: u64,
    /// Slots decided.
    pub commits: u64,
    /// Frames between devices and relays.
    pub frames: u64,
}

/// The judge's notes.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// Everything is said on the standard error as it happens.
    pub(crate) trace: bool,
    pub(crate) violations: Vec<String>,
    pub(crate) counts: Counts,
    pub(crate) said: BTreeMap<Name, Said>,
    /// What had the same name in a time that a vault does not know of any more.
    pub(crate) forgone: BTreeMap<Name, Vec<Said>>,
    /// Who has seen what: how often it became readable there.
    pub(crate) seen: BTreeMap<(usize, Name), u32>,
    pub(crate) failed: BTreeSet<(usize, Name)>,
    /// Whose addition was wished, by its announcement.
    pub(crate) invited: BTreeMap<Hash, usize>,
    /// How often each admin was asked to add somebody.
    pub(crate) asked: BTreeMap<(Hash, usize), u32>,
    /// Additions that came true, as each admin was told.
    pub(crate) added: BTreeMap<(Hash, usize), u32>,
    pub(crate) joined: BTreeMap<usize, u32>,
    /// The number of each device in the team.
    pub(crate) numbers: BTreeMap<usize, names::Device>,
    /// Devices whose vault was put back.
    pub(crate) restored: BTreeSet<usize>,
    /// Members whose commits were spoilt.
    pub(crate) insiders: BTreeSet<usize>,
    /// Announcements that their own device knows nothing of any more.
    pub(crate) forgotten: BTreeSet<Hash>,
    /// The entries that the origin has: which parts of how many they are.
    pub(crate) stored: BTreeMap<Name, Part>,
    /// Who has to go, by the number in the team.
    pub(crate) removed: BTreeMap<names::Device, Removed>,
    /// Who has been asked to come back and is not there yet.
    pub(crate) returning: BTreeSet<usize>,
    /// When somebody came into the team again.
    pub(crate) back: BTreeMap<usize, u64>,
    /// From which epoch to which somebody was out.
    pub(crate) away: BTreeMap<usize, Vec<(u64, u64)>>,
    /// Key packages for any team of the organisation that left: whose, and with which number.
    pub(crate) pool: BTreeMap<Hash, (usize, names::Device)>,
    /// Wishes to add somebody unasked, by whom, that are not answered.
    pub(crate) sought: BTreeSet<(usize, usize)>,
    /// Everybody whom somebody wished to add unasked.
    pub(crate) unasked: BTreeSet<usize>,
    /// Who is known to have been added unasked, and by whom.
    pub(crate) welcomed: BTreeMap<Hash, usize>,
    /// What roles were wished last.
    pub(crate) roles: BTreeMap<names::Device, bool>,
    /// Those of them that have not come true yet.
    pub(crate) undecided: BTreeSet<names::Device>,
    /// Who was to be an admin at any time.
    pub(crate) admins: BTreeSet<usize>,
    /// What policies were wished.
    pub(crate) policies: Vec<Policy>,
    /// The slot that removed them, and the epoch behind it.
    pub(crate) out: BTreeMap<names::Device, (names::Slot, u64)>,
    /// What copies of a vault said past the relays, and whose vault it was.
    pub(crate) twins: BTreeMap<Name, (Hash, usize)>,
    /// What the origin got when it was more than three epochs old: it has to be sealed again.
    pub(crate) late: BTreeSet<Name>,
    /// The last slot of the founding.
    pub(crate) founded: u64,
    /// Slots behind it, by who claimed them.
    pub(crate) claimed: BTreeMap<names::Device, u32>,
    /// The claims that left, whether they won or not.
    pub(crate) claims: Vec<Object>,
    /// The epoch since which each device is in the team, as the slots say.
    pub(crate) since: BTreeMap<usize, u64>,
    pub(crate) refreshes: BTreeMap<usize, u32>,
    pub(crate) notices: Vec<(usize, Notice)>,
    marks: BTreeMap<(usize, TeamId, Channel), Watermark>,
    /// What left under each name, and from where.
    pub(crate) left: BTreeMap<Name, (Hash, usize)>,
    /// The epoch that each entry was sealed in, as its header says.
    pub(crate) epochs: BTreeMap<Name, u64>,
    /// The keys that sealed what left.
    keys: BTreeMap<[u8; 32], (Name, Hash)>,
    hash: Sha256,
}

impl Counts {
    /// Adds those of another run.
    pub fn add(&mut self, other: &Self) {
        self.crashes = self.crashes.saturating_add(other.crashes);
        self.relay_crashes = self.relay_crashes.saturating_add(other.relay_crashes);
        self.partitions = self.partitions.saturating_add(other.partitions);
        self.breaks = self.breaks.saturating_add(other.breaks);
        self.disorders = self.disorders.saturating_add(other.disorders);
        self.removals = self.removals.saturating_add(other.removals);
        self.skews = self.skews.saturating_add(other.skews);
        self.hostile = self.hostile.saturating_add(other.hostile);
        self.restores = self.restores.saturating_add(other.restores);
        self.poisons = self.poisons.saturating_add(other.poisons);
        self.twins = self.twins.saturating_add(other.twins);
        self.late = self.late.saturating_add(other.late);
        self.roles = self.roles.saturating_add(other.roles);
        self.policies = self.policies.saturating_add(other.policies);
        self.sought = self.sought.saturating_add(other.sought);
        self.unasked = self.unasked.saturating_add(other.unasked);
        self.returns = self.returns.saturating_add(other.returns);
        self.by_admins = self.by_admins.saturating_add(other.by_admins);
        self.full = self.full.saturating_add(other.full);
        self.terms = self.terms.saturating_add(other.terms);
        self.deaths = self.deaths.saturating_add(other.deaths);
        self.messages = self.messages.saturating_add(other.messages);
        self.commits = self.commits.saturating_add(other.commits);
        self.frames = self.frames.saturating_add(other.frames);
    }

    /// Each with its name.
    #[must_use]
    pub fn all(&self) -> [(&'static str, u64); 24] {
        [
            ("crashes", self.crashes),
            ("relay crashes", self.relay_crashes),
            ("partitions", self.partitions),
            ("breaks", self.breaks),
            ("disorders", self.disorders),
            ("removals", self.removals),
            ("skews", self.skews),
            ("hostile", self.hostile),
            ("restores", self.restores),
            ("poisons", self.poisons),
            ("twins", self.twins),
            ("late", self.late),
            ("roles", self.roles),
            ("policies", self.policies),
            ("sought", self.sought),
            ("added unasked", self.unasked),
            ("returns", self.returns),
            ("removals by admins", self.by_admins),
            ("full disks", self.full),
            ("terms", self.terms),
            ("deaths of origins", self.deaths),
            ("messages", self.messages),
            ("commits", self.commits),
            ("frames", self.frames),
        ]
    }
}

impl Said {
    fn new(device: usize, opened: &Opened, at: u64) -> Self {
        Self {
            device,
            body: opened.body.reveal().to_owned(),
            thread: opened.thread,
            after: opened.after.clone(),
            at,
            lost: false,
            entries: entries_of(opened),
            sent: false,
        }
    }

    pub(crate) fn is(&self, opened: &Opened) -> bool {
        let Opened { body, thread, after, .. } = opened;
        self.body == body.reveal() && self.thread == *thread && self.after == *after
    }
}

impl Facts {
    pub(crate) fn violate(&mut self, what: String) {
        if self.violations.len() < MOST_VIOLATIONS {
            self.violations.push(what);
        }
    }

    /// Writes into the fingerprint of the run.
    pub(crate) fn hash(&mut self, parts: &[&[u8]]) {
        if self.trace {
            let hex = |part: &&[u8]| part.iter().map(|b| format!("{b:02x}")).collect::<String>();
            eprintln!("  {}", parts.iter().map(hex).collect::<Vec<_>>().join(" "));
        }
        for part in parts {
            self.hash.update(part.len().to_be_bytes());
            self.hash.update(part);
        }
    }

    pub(crate) fn fingerprint(&self) -> [u8; 32] {
        self.hash.clone().finalize().into()
    }

    pub(crate) fn say(&mut self, device: usize, opened: &Opened, now: u64) {
        self.counts.messages += 1;
        let said = Said::new(device, opened, now);
        if let Some(before) = self.said.insert(opened.name, said) {
            if !before.lost {
                self.violate(format!("{} was given to two messages", opened.name));
            }
            self.forgone.entry(opened.name).or_default().push(before);
        }
    }

    /// A message came into somebody's history.
    pub(crate) fn shown(&mut self, device: usize, opened: &Opened) {
        if opened.unreadable.is_some() {
            return;
        }
        let seen = self.seen.entry((device, opened.name)).or_default();
        *seen = seen.saturating_add(1);
        if *seen > 1 {
            let name = opened.name;
            return self.violate(format!("device {device} was shown {name} twice"));
        }
        if self.twins.contains_key(&opened.name) {
            return;
        }
        self.tell_apart(opened);
        let Some(said) = self.said.get(&opened.name) else {
            let name = opened.name;
            return self.violate(format!("device {device} was shown {name}, which nobody wrote"));
        };
        if !said.is(opened) {
            let (name, shown, written) = (opened.name, opened.body.reveal(), said.body.clone());
            self.violate(format!(
                "device {device} was shown another {name} than was written: {shown:?}, not {written:?}"
            ));
        }
    }

    /// Of several that were given one name, the one that somebody sees is what stands under it.
    fn tell_apart(&mut self, opened: &Opened) {
        let (Some(said), Some(others)) =
            (self.said.get_mut(&opened.name), self.forgone.get_mut(&opened.name))
        else {
            return;
        };
        if let Some(other) = others.iter_mut().find(|other| other.is(opened))
            && !said.is(opened)
        {
            std::mem::swap(said, other);
        }
    }

    /// What a device wrote has another name now. Under the old one stands what left under it
    /// before the vault was put back, if anything did.
    pub(crate) fn renamed(&mut self, opened: &Opened, to: Name) {
        let from = opened.name;
        let device = self.said.get(&from).map(|said| said.device);
        // What waits as well and speaks of it means the new name.
        let waiting = self.said.values_mut().chain(self.forgone.values_mut().flatten());
        for said in waiting.filter(|said| Some(said.device) == device && !said.lost) {
            for name in said.after.iter_mut().chain(&mut said.thread) {
                if *name == from {
                    *name = to;
                }
            }
        }
        let Some(said) = self.said.remove(&from) else {
            return;
        };
        let mut all = self.forgone.remove(&from).unwrap_or_default();
        all.push(said);
        let this = all.iter().rposition(|said| said.is(opened)).map(|at| all.remove(at));
        if let Some(mut this) = this {
            if std::mem::take(&mut this.sent) {
                all.push(Said { lost: true, ..this.clone() });
            }
            if let Some(before) = self.said.insert(to, this) {
                self.forgone.entry(to).or_default().push(before);
            }
        }
        if let Some(said) = all.pop() {
            self.said.insert(from, said);
            self.forgone.insert(from, all);
        }
    }

    pub(crate) fn failed(&mut self, device: usize, name: Name) {
        self.failed.insert((device, name));
    }

    pub(crate) fn joined(&mut self, device: usize, now: u64) {
        if self.returning.remove(&device) {
            self.counts.returns += 1;
            self.back.insert(device, now);
            // Its log in the team is another one now.
            self.marks.retain(|(of, ..), _| *of != device);
        }
        let count = self.joined.entry(device).or_default();
        *count = count.saturating_add(1);
    }

    pub(crate) fn added(&mut self, device: usize, hash: Hash, done: bool) {
        if done && self.pool.contains_key(&hash) {
            self.counts.unasked += 1;
            if let Some(before) = self.welcomed.insert(hash, device) {
                let what = "are both told that they have used one key package";
                self.violate(format!("devices {before} and {device} {what}"));
            }
        } else if done {
            let count = self.added.entry((hash, device)).or_default();
            *count = count.saturating_add(1);
            let count = *count;
            let asked = self.asked.get(&(hash, device)).copied().unwrap_or(0);
            if count > asked && !self.restored.contains(&device) {
                let what = format!("device {device} was asked {asked} times for an addition");
                self.violate(format!("{what}, and told {count} times that it is done"));
            }
        }
    }

    /// An admin is asked to add somebody: once more when that is done already, it is told so again.
    pub(crate) fn asked(&mut self, device: usize, hash: Hash) {
        let count = self.asked.entry((hash, device)).or_default();
        *count = count.saturating_add(1);
    }

    /// Was any admin told that an addition came true?
    pub(crate) fn told(&self, hash: &Hash) -> bool {
        self.added.keys().any(|(added, _)| added == hash)
    }

    pub(crate) fn noticed(&mut self, device: usize, notice: Notice) {
        self.notices.push((device, notice));
    }

    pub(crate) fn marked(&mut self, device: usize, mark: Watermark) {
        let old = self.marks.insert((device, mark.team, mark.channel), mark);
        if old.is_some_and(|old| old.relay > mark.relay || old.delivered > mark.delivered) {
            self.violate(format!("a watermark of device {device} went back"));
        }
    }

    /// A key package for any team has left.
    fn published(&mut self, device: usize, object: &Object) {
        if let Ok(said) = objects::Announcement::parse(object.data().unwrap_or_default()) {
            self.pool.insert(said.hash(), (device, said.device));
        }
    }

    /// Everybody whom somebody wished to have in the team, or back in it, has come.
    pub(crate) fn all_came(&self) -> bool {
        self.returning.is_empty()
            && self.sought.is_empty()
            && self.unasked.iter().all(|device| self.joined.contains_key(device))
    }

    /// A vault was put back: what it does not hold any more may come to it again.
    pub(crate) fn put_back(&mut self, device: usize, vault: &Vault) {
        self.counts.restores += 1;
        self.restored.insert(device);
        self.marks.retain(|(of, _, _), _| *of != device);
        // What it could not read then becomes readable again.
        let reads = |name: &Name| vault.history.get(name).is_some_and(|it| it.unreadable.is_none());
        self.seen.retain(|(of, name), _| *of != device || reads(name));
        for (name, said) in &mut self.said {
            let all = self.forgone.get_mut(name).into_iter().flatten().chain([said]);
            for said in all.filter(|said| said.device == device) {
                said.lost = true;
            }
        }
        for opened in vault.history.values().filter(|opened| opened.own) {
            self.holds(device, opened);
        }
    }

    /// An old vault knows what its device said: of all that had this name it is this that goes on.
    fn holds(&mut self, device: usize, opened: &Opened) {
        let mut all = self.forgone.remove(&opened.name).unwrap_or_default();
        all.extend(self.said.remove(&opened.name));
        let (last, at) = (all.len().checked_sub(1), all.iter().rposition(|said| said.is(opened)));
        let said = at.map(|at| all.remove(at));
        let said = said.unwrap_or_else(|| Said::new(device, opened, opened.at.0));
        let mut said = Said { lost: false, ..said };
        // What others have seen under a name stands there, and this gets another.
        let seen = self.seen.keys().any(|(of, name)| *of != device && *name == opened.name);
        if let Some(other) = all.last_mut().filter(|_| seen && at != last) {
            std::mem::swap(&mut said, other);
        }
        self.said.insert(opened.name, said);
        if !all.is_empty() {
            self.forgone.insert(opened.name, all);
        }
    }

    /// What left a device came nowhere.
    pub(crate) fn unheard(&mut self, name: Name, hash: Hash) {
        self.left.remove(&name);
        self.epochs.remove(&name);
        self.keys.retain(|_, of| *of != (name, hash));
    }

    /// Notes what of a device has left so far.
    pub(crate) fn note_sent(&mut self, device: usize) {
        for (name, said) in self.said.iter_mut().filter(|(_, said)| said.device == device) {
            said.sent = self.left.contains_key(name);
        }
    }

    /// Has the origin all of a message?
    pub(crate) fn is_stored(&self, name: Name, said: &Said) -> bool {
        let Rest::Message { channel, device, number } = name.place().rest else {
            return false;
        };
        let first = number.value();
        // An old vault may have used the name for a part of something else.
        (0..said.entries).all(|index| {
            let number = names::Number::truncate(first.saturating_add(index));
            let name = name.team().name(Rest::Message { channel, device, number });
            let part = self.stored.get(&name);
            let part = part.map(|part| (u64::from(part.index), u64::from(part.count)));
            part == Some((index, said.entries))
        })
    }

    /// It could not apply a commit, or was behind: it came back with another leaf.
    pub(crate) fn was_behind(&self, device: usize) -> bool {
        self.notices.iter().any(|(who, notice)| {
            let behind = matches!(notice, Notice::Stalled { .. } | Notice::Rejoining { .. });
            *who == device && behind
        })
    }

    pub(crate) fn dropped(&mut self, why: DropReason) {
        let fault = match why {
            DropReason::Malformed
            | DropReason::NotPermitted
            | DropReason::OtherVersion
            | DropReason::TooMuch
            | DropReason::Crowded
            | DropReason::UnknownRelay => true,
            // It does not answer in time: links here may be that slow.
            _ => false,
        };
        if fault {
            self.violate(format!("a link was closed: {why}"));
        }
    }

    /// An object leaves a process: never two under one name, never two by one key.
    pub(crate) fn leaves(
        &mut self,
        device: usize,
        object: &Object,
        sealings: &Arc<Mutex<Sealings>>,
    ) {
        let (name, hash) = (object.name(), object.entry_hash());
        let before = self.left.insert(name, (hash, device));
        // A claim that lost its slot to nobody may be made anew for the same slot.
        let slot = matches!(name.place().rest, Rest::Slot(_));
        if slot {
            self.claims.push(object.clone());
        }
        // An old vault does not know which names of pieces and pointers were used; its entries it
        // may not write twice.
        let entry = matches!(name.place().rest, Rest::Message { .. });
        // What a key package says is in its name; only its date may be another.
        let package = matches!(name.place().rest, Rest::KeyPackage { .. });
        if package && name.team().team == names::Team::ORG {
            self.published(device, object);
        }
        // The origin says who of several has a key package.
        let spent = matches!(name.place().rest, Rest::Use(_));
        // Admins who decide on one device at once number its certificates alike; a claim tells by
        // its hash which counts.
        let certificate = matches!(name.place().rest, Rest::Certificate { .. });
        let others = certificate && before.is_some_and(|before| before.1 != device);
        // A new term may take back the slot of an addition, which is then claimed anew.
        let pointer = matches!(name.place().rest, Rest::Welcome { .. }) && self.counts.terms > 0;
        let excused = slot
            || package
            || spent
            || others
            || pointer
            || (self.restored.contains(&device) && !entry);
        if before.is_some_and(|before| before.0 != hash) && !excused {
            self.violate(format!("two objects left under {name}"));
        }
        let data = object.data().unwrap_or_default();
        if matches!(name.place().rest, Rest::Message { .. })
            && let Some(epoch) = epoch(data)
        {
            self.epochs.insert(name, epoch);
        }
        let sealings = sealings.lock().unwrap_or_else(PoisonError::into_inner);
        let key = tail(data).and_then(|tail| sealings.key(&tail));
        if let Some(key) = key {
            let used = self.keys.insert(key, (name, hash));
            if let Some((before, _)) = used.filter(|used| *used != (name, hash)) {
                self.violate(format!("{name} is sealed with the key of {before}"));
            }
        }
    }
}

fn entries_of(opened: &Opened) -> u64 {
    let first = match opened.name.place().rest {
        Rest::Message { number, .. } => number.value(),
        _ => 0,
    };
    opened.last.value().saturating_sub(first).saturating_add(1)
}

/// The epoch that a private message was sealed in (RFC 9420 §6.3): behind the group's id.
pub(crate) fn epoch(data: &[u8]) -> Option<u64> {
    let (len, rest) = data.split_first()?;
    // Group ids here are shorter than 64 bytes: one byte says so (RFC 9420 §2.1.2).
    let epoch = rest.get(usize::from(*len)..)?.first_chunk()?;
    Some(u64::from_be_bytes(*epoch))
}

const MOST_VIOLATIONS: usize = 8;
