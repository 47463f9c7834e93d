//! What the relay has and does not deliver by itself: what this device has published, which an old
//! vault does not know of, and slots that were held back.

use names::{Name, Place, Rest, TeamId};
use objects::{BlobRef, Claim, Millis, Object, Receipt};

use crate::open::{Ahead, ahead_key, ahead_prefix};
use crate::rows::Table;
use crate::state::{Stage, TeamRow};
use crate::{Endpoint, Fault};

impl Endpoint {
    /// Asks for the next slot, once per link, if there is reason to think that it is decided; and
    /// for what its claim names, or the welcome that we wait for.
    pub(crate) fn fetch(&mut self, team: TeamId) -> Result<(), Fault> {
        let caught_up = self.link.as_ref().is_some_and(|link| link.caught_up.contains(&team));
        let (true, Some(row)) = (caught_up, self.team(team)?) else {
            return Ok(());
        };
        if let Some((_, Some(added))) = row.stage.awaits() {
            self.seek_pieces(team, &row, &added.welcome.blob()?);
            self.seek_pieces(team, &row, &added.tree.blob()?);
            return Ok(());
        }
        let Some(slot) = row.head().0.next().filter(|_| row.stage != Stage::Removed) else {
            return Ok(());
        };
        let Some((_, object)) = self.next_claim(team, &row)? else {
            let later = self.rows().count(Table::Ahead, &ahead_prefix(team, Ahead::Claim)) > 0;
            if later || self.probing.contains(&team) {
                self.seek_once(team, team.name(Rest::Slot(slot)));
            }
            return Ok(());
        };
        let Ok(claim) = Claim::parse(object.data().unwrap_or_default()) else {
            return Ok(());
        };
        if row.stage == Stage::Member {
            self.seek_pieces(team, &row, &claim.commit);
        }
        for named in claim.certificates.iter().filter(|named| named.name.team() == team) {
            if let Rest::Certificate { device, .. } = named.name.place().rest
                && self.certificate_named(team, device, named)?.is_none()
            {
                self.seek_once(team, named.name);
            }
        }
        Ok(())
    }

    /// Pieces that are not here: their author may have given them numbers that were passed.
    fn seek_pieces(&mut self, team: TeamId, row: &TeamRow, blob: &BlobRef) {
        let Place { team: of, rest: Rest::Blob { device, blob: number, piece } } =
            blob.first.place()
        else {
            return;
        };
        let mut piece = Some(piece).filter(|_| of == team && device != row.own());
        for _ in 0..blob.pieces {
            let Some(index) = piece else {
                return;
            };
            let name = of.name(Rest::Blob { device, blob: number, piece: index });
            if !self.rows().has(Table::Ahead, &ahead_key(team, Ahead::Piece, name)) {
                self.seek_once(team, name);
            }
            piece = index.next();
        }
    }

    fn seek_once(&mut self, team: TeamId, name: Name) {
        if self.link.as_mut().is_some_and(|link| link.sought.insert(name)) {
            self.ask_for(team, name);
        }
    }

    /// The relay's answer; it is judged like everything that arrives.
    pub(crate) fn fetched(
        &mut self,
        now: Millis,
        team: TeamId,
        name: Name,
        object: Option<&Object>,
        receipt: Option<&Receipt>,
    ) -> Result<(), Fault> {
        let object = object.filter(|object| object.name() == name);
        if let Rest::Slot(slot) = name.place().rest {
            self.slot_shown(now, team, slot, object)?;
        }
        match object {
            Some(object) => {
                self.arrived(now, object, receipt)?;
                self.advance(now, team)
            }
            None => {
                let probed =
                    matches!(name.place().rest, Rest::Slot(_)) && self.probing.remove(&team);
                if let Some(link) = self.link.as_mut().filter(|_| probed) {
                    // It was not decided yet: it is asked for once more when later slots are here.
                    link.sought.remove(&name);
                }
                Ok(())
            }
        }
    }
}
