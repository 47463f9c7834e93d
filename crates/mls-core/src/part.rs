//! Opened entries become messages, announcements and beacons.

use names::{Channel, Name, Number, Rest, Slot};
use objects::{Millis, Part, Signature};
use zeroize::Zeroizing;

use crate::beacon::Beacon;
use crate::bound::SeenHead;
use crate::content::{Content, MOST_PARTS, Said, is_signed};
use crate::open::Entry;
use crate::rows::Table;
use crate::state::{PartRow, log_key};
use crate::unsealed::SIGNATURE;
use crate::{Endpoint, Fault, Opened, Output, Plaintext, Unreadable};

/// An opened entry.
pub(crate) struct Piece {
    /// Its author's name.
    pub(crate) user: String,
    /// What it says, or a part of it.
    pub(crate) bytes: Zeroizing<Vec<u8>>,
    /// On which history it was sealed.
    pub(crate) head: SeenHead,
}

impl Endpoint {
    /// Takes an entry of a message, and shows the message when it is whole.
    pub(crate) fn part(
        &mut self,
        now: Millis,
        entry: &Entry<'_>,
        piece: Result<Piece, Unreadable>,
        missing_before: u32,
    ) -> Result<(), Fault> {
        let Part { index, count } = entry.object.part();
        let first = entry.number.checked_sub(index.into());
        let (Some(first), true) = (first, usize::from(count) <= MOST_PARTS) else {
            return self.show_unreadable(
                now,
                entry,
                entry.number,
                Unreadable::UnknownContent,
                missing_before,
            );
        };
        if self.was_resealed(entry, first)? {
            return Ok(());
        }
        if count == 1 {
            return match piece {
                Ok(piece) => self.whole(now, entry, first, piece, missing_before),
                Err(why) => self.show_unreadable(now, entry, first, why, missing_before),
            };
        }
        let mut key = log_key(entry.team, entry.channel, entry.device);
        key.extend_from_slice(&first.to_be_bytes());
        let stored: Option<PartRow> = self.rows().get(Table::Part, &key)?;
        let mut row = stored.unwrap_or_else(|| PartRow {
            parts: vec![None; count.into()],
            missing_before: 0,
            shown: false,
        });
        if index == 0 {
            row.missing_before = missing_before;
        }
        let mut piece = match (piece, row.parts.get_mut(usize::from(index))) {
            (Ok(piece), Some(slot)) => {
                *slot = Some(serde_bytes::ByteBuf::from(piece.bytes.to_vec()));
                piece
            }
            (Ok(_), None) => return Ok(()),
            (Err(why), _) => {
                if !row.shown {
                    self.show_unreadable(now, entry, first, why, row.missing_before)?;
                }
                row.shown = true;
                return self.rows().put(Table::Part, &key, &row);
            }
        };
        let whole: Option<Vec<&[u8]>> =
            row.parts.iter().map(|part| part.as_ref().map(|part| part.as_slice())).collect();
        let Some(whole) = whole.map(|parts| Zeroizing::new(parts.concat())) else {
            return self.rows().put(Table::Part, &key, &row);
        };
        self.rows().remove(Table::Part, &key);
        piece.bytes = whole;
        self.whole(now, entry, first, piece, row.missing_before)
    }

    fn whole(
        &mut self,
        now: Millis,
        entry: &Entry<'_>,
        first: u64,
        piece: Piece,
        missing_before: u32,
    ) -> Result<(), Fault> {
        let Piece { user, bytes, head } = piece;
        let (signature, content) =
            bytes.split_first_chunk::<SIGNATURE>().unwrap_or((&[0; SIGNATURE], &[]));
        let signature = Signature(*signature);
        let Some(read) = Content::read(content) else {
            return self.show_unreadable(
                now,
                entry,
                first,
                Unreadable::UnknownContent,
                missing_before,
            );
        };
        let name = entry.name_of(first);
        let certificate = self.certificate(entry.team, entry.device)?;
        let key = certificate.and_then(|known| self.verifier(&known.log_key));
        if !key.is_some_and(|key| is_signed(&key, name, content, &signature)) {
            // Nobody could seal it again for others: it does not count.
            return self.show_unreadable(now, entry, first, Unreadable::Damaged, missing_before);
        }
        match read {
            Content::Text(Said { thread: Some(thread), .. }) if !entry.is_beside(thread) => {
                self.show_unreadable(now, entry, first, Unreadable::UnknownContent, missing_before)
            }
            Content::Text(Said { body, thread, after, at }) => {
                let mut opened = Self::opened(entry, first, missing_before);
                opened.user = user;
                opened.signature = Some(signature);
                (opened.body, opened.thread, opened.after, opened.at) = (body, thread, after, at);
                self.outputs.push_back(Output::Message(opened));
                self.is_used(now, entry.team)?;
                self.owe_beacon(now, entry.team)
            }
            Content::Roster { .. } => self.roster_came(name, &signature, content),
            Content::Beacon { authenticator, tips, wants } => {
                let beacon = Beacon { authenticator, tips, wants };
                self.beacon_came(now, entry, &head, &beacon)
            }
            Content::Stalled { slot, claim } => {
                let at = (Slot::truncate(slot), claim);
                self.answer_stalled(now, entry.team, entry.device, at)
            }
            Content::Reseal { name, signature, content } => {
                self.take_resealed(now, entry.team, name, signature, &content)
            }
            Content::Evidence { header } => self.evidence_came(now, entry.team, &header),
        }
    }

    fn show_unreadable(
        &mut self,
        now: Millis,
        entry: &Entry<'_>,
        first: u64,
        why: Unreadable,
        missing_before: u32,
    ) -> Result<(), Fault> {
        if matches!(why, Unreadable::TooLate | Unreadable::OtherHistory) {
            self.want(now, entry, first)?;
        }
        // What manages the team is no message.
        if entry.channel == Channel::MANAGE {
            return Ok(());
        }
        let mut opened = Self::opened(entry, first, missing_before);
        opened.unreadable = Some(why);
        let group = self.groups.get(&entry.team);
        let leaf =
            group.and_then(|group| Self::leaves(group).find(|leaf| leaf.device == entry.device));
        opened.user = leaf.map(|leaf| leaf.user).unwrap_or_default();
        self.outputs.push_back(Output::Message(opened));
        Ok(())
    }

    fn opened(entry: &Entry<'_>, first: u64, missing_before: u32) -> Opened {
        let Entry { team, channel, device, object, .. } = *entry;
        let further = u64::from(object.part().count).saturating_sub(1);
        Opened {
            last: Number::truncate(first.saturating_add(further)),
            team,
            channel,
            name: entry.name_of(first),
            device,
            user: String::new(),
            own: false,
            at: object.created(),
            body: Plaintext::default(),
            thread: None,
            after: Vec::new(),
            unreadable: None,
            missing_before,
            signature: None,
        }
    }
}

impl Entry<'_> {
    /// The name of an entry of the same log.
    pub(crate) fn name_of(&self, number: u64) -> Name {
        let Self { team, channel, device, .. } = *self;
        team.name(Rest::Message { channel, device, number: Number::truncate(number) })
    }

    /// Is it an entry of the same channel?
    fn is_beside(&self, name: Name) -> bool {
        let here = matches!(name.place().rest,
            Rest::Message { channel, .. } if channel == self.channel);
        here && name.team() == self.team
    }
}
