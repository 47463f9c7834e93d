//! Opened entries become messages, announcements and beacons.

use names::{Channel, Device, Number, Rest, Slot};
use objects::{Millis, Part};
use zeroize::Zeroizing;

use crate::content::{Content, MOST_PARTS};
use crate::identity::is_label;
use crate::open::Entry;
use crate::rows::Table;
use crate::state::{PartRow, log_key};
use crate::{Endpoint, Fault, Opened, Output, Plaintext, Unreadable};

/// An opened entry: its author's name and what it says, or why it cannot be read.
type Piece = Result<(String, Zeroizing<Vec<u8>>), Unreadable>;

impl Endpoint {
    /// Takes an entry of a message, and shows the message when it is whole.
    pub(crate) fn part(
        &mut self,
        now: Millis,
        entry: &Entry<'_>,
        piece: Piece,
        missing_before: u32,
    ) -> Result<(), Fault> {
        let Part { index, count } = entry.object.part();
        let first = entry.number.checked_sub(index.into());
        let (Some(first), true) = (first, usize::from(count) <= MOST_PARTS) else {
            self.show_unreadable(entry, entry.number, Unreadable::UnknownContent, missing_before);
            return Ok(());
        };
        if count == 1 {
            return match piece {
                Ok((user, bytes)) => self.whole(now, entry, first, user, &bytes, missing_before),
                Err(why) => {
                    self.show_unreadable(entry, first, why, missing_before);
                    Ok(())
                }
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
        let user = match (piece, row.parts.get_mut(usize::from(index))) {
            (Ok((user, bytes)), Some(slot)) => {
                *slot = Some(serde_bytes::ByteBuf::from(bytes.to_vec()));
                user
            }
            (Ok(_), None) => return Ok(()),
            (Err(why), _) => {
                if !row.shown {
                    self.show_unreadable(entry, first, why, row.missing_before);
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
        self.whole(now, entry, first, user, &whole, row.missing_before)
    }

    fn whole(
        &mut self,
        now: Millis,
        entry: &Entry<'_>,
        first: u64,
        user: String,
        bytes: &[u8],
        missing_before: u32,
    ) -> Result<(), Fault> {
        match Content::read(bytes) {
            None => {
                self.show_unreadable(entry, first, Unreadable::UnknownContent, missing_before);
                Ok(())
            }
            Some(Content::Text { body, thread, after }) => {
                let mut opened = Self::opened(entry, first, missing_before);
                opened.user = user;
                opened.body = body;
                opened.thread = thread.filter(|name| {
                    let rest = name.place().rest;
                    let here =
                        matches!(rest, Rest::Message { channel, .. } if channel == entry.channel);
                    here && name.team() == entry.team
                });
                opened.after = after;
                self.outputs.push_back(Output::Message(opened));
                self.owe_beacon(now, entry.team)
            }
            Some(Content::Roster { name, channels }) => self.roster(entry, name, channels),
            Some(Content::Beacon { slot, claim, authenticator, tips }) => {
                self.beacon_came(entry, slot, claim, &authenticator, &tips)
            }
            Some(Content::Stalled { slot, claim }) => {
                self.stalled_said(entry.team, entry.device, Slot::truncate(slot), claim)
            }
        }
    }

    fn roster(
        &mut self,
        entry: &Entry<'_>,
        name: String,
        channels: Vec<(u64, String)>,
    ) -> Result<(), Fault> {
        let Some(mut row) = self.team(entry.team)? else {
            return Ok(());
        };
        let admin = entry.device == Device::MEMBER_TOOL && entry.channel == Channel::MANAGE;
        let newer = row.roster.is_none_or(|known| known < entry.number);
        let fit = is_label(&name)
            && channels.iter().all(|(number, name)| {
                is_label(name) && Channel::new(*number).is_ok_and(|channel| channel.value() > 1)
            });
        if !admin || !newer || !fit {
            return Ok(());
        }
        row.roster = Some(entry.number);
        row.name = name;
        row.channels = channels;
        self.put_team(entry.team, &row)?;
        self.outputs.push_back(Output::TeamsChanged);
        Ok(())
    }

    fn show_unreadable(
        &mut self,
        entry: &Entry<'_>,
        first: u64,
        why: Unreadable,
        missing_before: u32,
    ) {
        let mut opened = Self::opened(entry, first, missing_before);
        opened.unreadable = Some(why);
        let group = self.groups.get(&entry.team);
        let leaf =
            group.and_then(|group| Self::leaves(group).find(|leaf| leaf.device == entry.device));
        opened.user = leaf.map(|leaf| leaf.user).unwrap_or_default();
        self.outputs.push_back(Output::Message(opened));
    }

    fn opened(entry: &Entry<'_>, first: u64, missing_before: u32) -> Opened {
        let Entry { team, channel, device, object, .. } = *entry;
        let number = Number::truncate(first);
        let further = u64::from(object.part().count).saturating_sub(1);
        Opened {
            last: Number::truncate(first.saturating_add(further)),
            team,
            channel,
            name: team.name(Rest::Message { channel, device, number }),
            device,
            user: String::new(),
            own: false,
            at: object.created(),
            body: Plaintext::default(),
            thread: None,
            after: Vec::new(),
            unreadable: None,
            missing_before,
        }
    }
}
