//! Blobs: payloads of several objects, put together again.

use names::{Blob, Place, Rest, TeamId};
use objects::{BlobRef, Claim, Millis, Object};

use crate::open::{Ahead, ahead_key, ahead_prefix};
use crate::rows::Table;
use crate::state::{AheadRow, Stage, TeamRow};
use crate::{Endpoint, Fault, Notice, Output};

impl Endpoint {
    /// Takes a piece of somebody's blob, until a claim or a welcome needs it.
    pub(crate) fn piece_came(
        &mut self,
        now: Millis,
        team: TeamId,
        row: &TeamRow,
        object: &Object,
    ) -> Result<(), Fault> {
        let name = object.name();
        let Rest::Blob { device, .. } = name.place().rest else {
            return Ok(());
        };
        if device == row.own() || row.stage == Stage::Removed {
            return Ok(());
        }
        let kept =
            self.rows().get::<AheadRow>(Table::Ahead, &ahead_key(team, Ahead::Piece, name))?;
        let certificate = self.certificate(team, device)?;
        // What a stranger put there does not keep out what its writer signed.
        let known = kept.is_some_and(|kept| {
            kept.object().is_ok_and(|kept| {
                kept == *object
                    || certificate
                        .is_some_and(|certificate| self.is_signed_by(&kept, &certificate.log_key))
            })
        });
        if known {
            return Ok(());
        }
        match certificate {
            Some(certificate) if !self.is_signed_by(object, &certificate.log_key) => {
                self.outputs.push_back(Output::Notice(Notice::Forged { name }));
                return Ok(());
            }
            Some(_) => self.keep(team, Ahead::Piece, object, None)?,
            None => self.keep_unproven(team, Ahead::Piece, object)?,
        }
        self.advance(now, team)
    }

    /// The pieces of a blob, put together and checked; `None` while some are missing. Pieces that
    /// their writer did not sign count as missing.
    pub(crate) fn blob(&self, team: TeamId, blob: &BlobRef) -> Result<Option<Vec<u8>>, Fault> {
        let Place { team: of, rest: Rest::Blob { device, blob: number, piece } } =
            blob.first.place()
        else {
            return Ok(None);
        };
        let Some(certificate) = self.certificate(team, device)? else {
            return Ok(None);
        };
        let mut whole = Vec::new();
        let mut piece = Some(piece);
        for _ in 0..blob.pieces {
            let Some(index) = piece else {
                return Ok(None);
            };
            let name = of.name(Rest::Blob { device, blob: number, piece: index });
            let key = ahead_key(team, Ahead::Piece, name);
            let Some(kept) = self.rows().get::<AheadRow>(Table::Ahead, &key)? else {
                return Ok(None);
            };
            let object = kept.object()?;
            if !self.is_signed_by(&object, &certificate.log_key) {
                self.rows().remove(Table::Ahead, &key);
                return Ok(None);
            }
            whole.extend_from_slice(object.data().unwrap_or_default());
            piece = index.next();
        }
        Ok(Some(whole))
    }

    /// Drops the pieces of a decided claim, and those that its author made for earlier ones.
    pub(crate) fn forget_pieces(&self, object: &Object) -> Result<(), Fault> {
        match Claim::parse(object.data().unwrap_or_default()) {
            Ok(claim) => {
                let last = claim.tree.or(claim.welcome).unwrap_or(claim.commit);
                self.forget_blobs(&last)
            }
            Err(_) => Ok(()),
        }
    }

    /// Drops the pieces of a blob, and of those that its author made before.
    pub(crate) fn forget_blobs(&self, last: &BlobRef) -> Result<(), Fault> {
        let Place { team, rest: Rest::Blob { device: author, blob: last, .. } } =
            last.first.place()
        else {
            return Ok(());
        };
        for key in self.rows().keys(Table::Ahead, &ahead_prefix(team, Ahead::Piece)) {
            let Some(kept) = self.rows().get::<AheadRow>(Table::Ahead, &key)? else {
                continue;
            };
            let Rest::Blob { device, blob, .. } = kept.object()?.name().place().rest else {
                continue;
            };
            // Numbers are counted from a random start, and wrap.
            let age = last.value().wrapping_sub(blob.value()) & Blob::MAX.value();
            if device == author && age <= Blob::MAX.value() / 2 {
                self.rows().remove(Table::Ahead, &key);
            }
        }
        Ok(())
    }
}
