//! What is written waits here until it may be sealed: in order, under the name that it has.

use names::{Channel, Name, Number, Rest, TeamId};
use objects::wire::Refusal;
use objects::{Draft, Hash, Millis, Part, Signature};
use openmls::prelude::MlsMessageOut;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::bound::{BOUND, Bound, SeenHead};
use crate::content::{Content, padded, sign};
use crate::guard::own_name;
use crate::rows::Table;
use crate::state::{Purpose, Stage, TeamRow, log_key, team_key};
use crate::{Broken, Endpoint, Fault, Notice, Output};

/// A content that waits to be sealed.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct UnsealedRow {
    pub(crate) channel: u64,
    /// Of a text: the number of its first entry. What no person writes gets one when it is sealed.
    pub(crate) number: Option<u64>,
    #[serde(with = "serde_bytes")]
    pub(crate) content: Vec<u8>,
    /// Is it the word of a device that cannot go on, and sealed all the same?
    pub(crate) last_word: bool,
    /// Of a text: the author's signature under the name that it has, as people were given it.
    #[serde(default)]
    pub(crate) signature: Option<serde_bytes::ByteArray<64>>,
}

/// What is sealed next: whose, and where.
struct Sealing<'a> {
    team: TeamId,
    row: &'a TeamRow,
    channel: Channel,
    /// On which history it is sealed, as it tells; a beacon tells the origin's whole receipt.
    head: SeenHead,
    /// What its author has signed it with, under the name that it gets.
    signature: Option<Signature>,
}

impl Endpoint {
    /// Writes what no person writes, in the channel that manages the team.
    pub(crate) fn manage(
        &mut self,
        now: Millis,
        team: TeamId,
        content: &Content,
    ) -> Result<(), Fault> {
        let channel = Channel::MANAGE.value();
        let last_word = matches!(content, Content::Stalled { .. });
        let content = content.bytes()?.to_vec();
        self.put_unsealed(
            team,
            &UnsealedRow { channel, number: None, content, last_word, signature: None },
        )?;
        self.seal_waiting(now, team)
    }

    pub(crate) fn put_unsealed(&self, team: TeamId, row: &UnsealedRow) -> Result<(), Fault> {
        let keys = self.rows().keys(Table::Unsealed, &team_key(team));
        let last =
            keys.last().and_then(|key| key.last_chunk()).map(|last| u64::from_be_bytes(*last));
        let next = last.map_or(0, |last| last.saturating_add(1));
        let key = [team_key(team), next.to_be_bytes()].concat();
        self.rows().put(Table::Unsealed, &key, row)
    }

    /// May anything be sealed in a team, unless it was cut off for too long?
    pub(crate) fn is_open(&self, team: TeamId, row: &TeamRow) -> bool {
        row.stage == Stage::Member && !self.is_guarded(team)
    }

    /// May anything be sealed in a team now?
    pub(crate) fn may_seal(&self, now: Millis, team: TeamId, row: &TeamRow) -> Result<bool, Fault> {
        Ok(self.is_open(team, row) && !self.is_cut_off(now, team)?)
    }

    /// Was the team without its origin for longer than its policy allows to write?
    pub(crate) fn is_cut_off(&self, now: Millis, team: TeamId) -> Result<bool, Fault> {
        let most = self.policy(team).unwrap_or_default().max_offline_send;
        let oldest = self.oldest_unsettled(team)?;
        Ok(oldest.is_some_and(|oldest| oldest.plus(most) < now))
    }

    /// The origin's clock, as its receipts say; noted by the minute.
    pub(crate) fn heard_origin(&self, team: TeamId, at: Millis) -> Result<(), Fault> {
        let Some(mut row) = self.team(team)? else {
            return Ok(());
        };
        // The newest word counts, also when its clock was set back.
        if row.pulse.origin.abs_diff(at.0) > 60_000 {
            row.pulse.origin = at.0;
            self.put_team(team, &row)?;
        }
        Ok(())
    }

    /// Nothing of a team is sealed any more: what waits never leaves.
    pub(crate) fn fail_waiting(&mut self, team: TeamId, row: &TeamRow) -> Result<(), Fault> {
        for key in self.rows().keys(Table::Unsealed, &team_key(team)) {
            let waiting: UnsealedRow = self.rows().get(Table::Unsealed, &key)?.ok_or(Fault::Row)?;
            self.rows().remove(Table::Unsealed, &key);
            if let Some(number) = waiting.number {
                let name = own_name(team, row, Channel::truncate(waiting.channel), number);
                self.outputs.push_back(Output::Failed { name, why: Refusal::Revoked });
            }
        }
        Ok(())
    }

    /// The numbers of a log have gone on without us: what waits gets later ones, and what names
    /// it names it anew.
    pub(crate) fn rename_waiting(
        &mut self,
        team: TeamId,
        row: &TeamRow,
        channel: Channel,
    ) -> Result<(), Fault> {
        let key = log_key(team, channel, row.own());
        let mut log = self.log(&key)?;
        log.reserved = log.next;
        let mut moves = Vec::new();
        let keys = self.rows().keys(Table::Unsealed, &team_key(team));
        for key in &keys {
            let mut waiting: UnsealedRow =
                self.rows().get(Table::Unsealed, key)?.ok_or(Fault::Row)?;
            let Some(number) = waiting.number.filter(|_| waiting.channel == channel.value()) else {
                continue;
            };
            let [from, to] =
                [number, log.reserved].map(|number| own_name(team, row, channel, number));
            moves.push((from, to));
            waiting.number = Some(log.reserved);
            waiting.signature = None;
            let count = entries_of(&waiting.content).ok_or(Fault::Row)?;
            log.reserved = log.reserved.saturating_add(count);
            self.rows().put(Table::Unsealed, key, &waiting)?;
        }
        self.put_log(&key, &log)?;
        moves.retain(|(from, to)| from != to);
        for key in keys.iter().filter(|_| !moves.is_empty()) {
            self.rename_inside(key, &moves)?;
        }
        // The last first: a new name may be the old one of a later message.
        for (from, to) in moves.into_iter().rev() {
            self.outputs.push_back(Output::Renamed { from, to });
        }
        Ok(())
    }

    fn rename_inside(&self, key: &[u8], moves: &[(Name, Name)]) -> Result<(), Fault> {
        let mut waiting: UnsealedRow = self.rows().get(Table::Unsealed, key)?.ok_or(Fault::Row)?;
        let Some(Content::Text(mut said)) = Content::read(&waiting.content) else {
            return Ok(());
        };
        for name in said.after.iter_mut().chain(&mut said.thread) {
            if let Some((_, to)) = moves.iter().find(|(from, _)| from == name) {
                *name = *to;
            }
        }
        waiting.content = Content::Text(said).bytes()?.to_vec();
        waiting.signature = None;
        self.rows().put(Table::Unsealed, key, &waiting)
    }

    /// Seals what waits, as far as that is permitted.
    pub(crate) fn seal_waiting(&mut self, now: Millis, team: TeamId) -> Result<(), Fault> {
        let keys = self.rows().keys(Table::Unsealed, &team_key(team));
        if keys.is_empty() {
            return Ok(());
        }
        let Some(row) = self.team(team)? else {
            return Ok(());
        };
        let all = self.may_seal(now, team, &row)?;
        for key in keys {
            let waiting: UnsealedRow = self.rows().get(Table::Unsealed, &key)?.ok_or(Fault::Row)?;
            let stalled = matches!(row.stage, Stage::Stalled { .. }) && !self.is_guarded(team);
            let last_word = waiting.last_word && stalled;
            if !all && !last_word {
                continue;
            }
            let channel = Channel::truncate(waiting.channel);
            if !self.is_proven(team, channel) {
                return self.guard(now, team);
            }
            self.rows().remove(Table::Unsealed, &key);
            let signature = waiting.signature.map(|kept| Signature(kept.into_array()));
            let head = row.seen_head(false);
            let sealing = Sealing { team, row: &row, channel, head, signature };
            let content = Zeroizing::new(waiting.content);
            let name = self.seal(now, &sealing, &content)?;
            let number = name.map(|name| name.place().rest);
            let kept = waiting.number.is_none_or(|kept| {
                matches!(number, Some(Rest::Message { number, .. }) if number.value() == kept)
            });
            if !kept {
                return Err(Fault::Row);
            }
        }
        Ok(())
    }

    /// Tells what has arrived; never waits, since it would tell of the past then.
    pub(crate) fn seal_beacon(
        &mut self,
        now: Millis,
        team: TeamId,
        row: &TeamRow,
        head: SeenHead,
        content: &Content,
    ) -> Result<(), Fault> {
        let channel = Channel::MANAGE;
        let sealing = Sealing { team, row, channel, head, signature: None };
        self.seal(now, &sealing, &content.bytes()?)?;
        Ok(())
    }

    /// Seals a content into entries of our log in a channel, and queues them; the name of the
    /// first. `None` when the numbers of the log have run out: people are told.
    fn seal(
        &mut self,
        now: Millis,
        sealing: &Sealing<'_>,
        content: &[u8],
    ) -> Result<Option<Name>, Fault> {
        let Sealing { team, row, channel, head, signature } = *sealing;
        let key = log_key(team, channel, row.own());
        let mut log = self.log(&key)?;
        let name_of = |number| {
            let number = Number::truncate(number);
            team.name(Rest::Message { channel, device: row.own(), number })
        };
        let first = name_of(log.next);
        let log_signer = Self::log_signer(row);
        let leaf_signer = row.leaf_seed.leaf_signer();
        let signature = signature.unwrap_or_else(|| sign(&log_signer, first, content));
        let whole = Zeroizing::new([&signature.0[..], content].concat());
        let mut bound = Bound { name: first, previous: Hash::NONE, head };
        let pieces = padded(&whole, bound.bytes().len()).ok_or(Fault::Encode)?;
        let count = u16::try_from(pieces.len()).map_err(|_| Fault::Encode)?;
        if log.next.saturating_add(count.into()) > Number::MAX.value() {
            self.outputs.push_back(Output::Notice(Notice::RunOut));
            return Ok(None);
        }
        let expires = self.expiry(now, row);
        let epoch = self.groups.get(&team).ok_or(Fault::Mls)?.epoch().as_u64();
        for (index, piece) in (0..count).zip(pieces) {
            let number = log.next;
            log.turn(number, epoch);
            bound.name = name_of(number);
            bound.previous = Hash(log.tip);
            let group = self.groups.get_mut(&team).ok_or(Fault::Mls)?;
            group.set_aad(bound.bytes());
            let sealed = group
                .create_message(&self.provider, &leaf_signer, &piece)
                .map_err(|_| Fault::Mls)?;
            let draft = Draft {
                name: bound.name,
                created: now,
                expires,
                previous: bound.previous,
                part: Part { index, count },
                data: &private_message(&sealed)?,
            };
            let object = draft.sign(&log_signer).map_err(|_| Fault::Encode)?;
            log.next = log.next.saturating_add(1);
            log.tip = object.entry_hash().0;
            let text = (index == 0 && channel != Channel::MANAGE)
                .then(|| serde_bytes::ByteBuf::from(content));
            self.queue_with(&object, Purpose::Plain, text)?;
        }
        log.reserved = log.reserved.max(log.next);
        if !self.breaks(Broken::ForgetsNumbers) {
            self.put_log(&key, &log)?;
        }
        Ok(Some(first))
    }
}

impl TeamRow {
    /// The time that the origin has put into its newest receipt.
    pub(crate) fn origin_time(&self) -> Option<Millis> {
        let told = Some(self.pulse.origin).filter(|at| *at > 0);
        // What was before its term has the time of another clock.
        let newest = self.heads.last().filter(|head| head.slot > self.pulse.term);
        told.or(newest.map(|head| head.at).filter(|at| *at > 0)).map(Millis)
    }
}

/// So many entries a content fills that is no beacon.
pub(crate) fn entries_of(content: &[u8]) -> Option<u64> {
    let whole = Zeroizing::new([&[0; SIGNATURE][..], content].concat());
    u64::try_from(padded(&whole, BOUND)?.len()).ok()
}

/// The private message inside an MLS message, without the four bytes that say so.
pub(crate) fn private_message(message: &MlsMessageOut) -> Result<Vec<u8>, Fault> {
    let bytes = message.to_bytes().map_err(|_| Fault::Mls)?;
    bytes.strip_prefix(&PRIVATE).map(<[u8]>::to_vec).ok_or(Fault::Mls)
}

/// MLS 1.0, private message (RFC 9420 §6).
pub(crate) const PRIVATE: [u8; 4] = [0, 1, 0, 2];
/// 90 days.
pub(crate) const ENTRY_LIFE: u64 = 90 * 24 * 3_600_000;
/// A signature stands before every content.
pub(crate) const SIGNATURE: usize = 64;
