//! Writer certificates (path 6): which key writes as which device number in a team.

use names::{Generation, Name, Rest, TeamId};

use crate::bytes::{Reader, team_bits};
use crate::{Hash, Key, Label, Malformed, Millis, Object, Signature, Signer};

/// What a certificate says of its device.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub enum Standing {
    /// It may write and read.
    Certified,
    /// It may neither write nor read any more.
    Revoked,
    /// It may write and read, and add and remove others: the root names its log key as an admin's.
    Admin(Grant),
}

/// The root's word that the log key of a certificate is an admin's.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub struct Grant {
    /// Until when it may sign certificates.
    pub until: Millis,
    /// The root's signature, as in [`Admin`] with `from` 0.
    pub signature: Signature,
}

/// An admin, named by the root of the organisation.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub struct Admin {
    /// The admin's key.
    pub key: Key,
    /// From when it may sign.
    pub from: Millis,
    /// Until when it may sign.
    pub until: Millis,
    /// The root's signature over organisation, key and times.
    pub signature: Signature,
}

/// Who signed a certificate.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub enum Issuer {
    /// The root key of the organisation.
    Root,
    /// An admin that the root names.
    Admin(Admin),
}

/// The data of a path-6 object. The object's name says which device and generation.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub struct Certificate {
    /// May the device write?
    pub standing: Standing,
    /// The device's log key in this team.
    pub log_key: Key,
    /// Of the credential in the device's leaf (RFC 9420 §5.3), under [`Label::Credential`].
    pub credential: Hash,
    /// From when it counts.
    pub from: Millis,
    /// Until when it counts.
    pub until: Millis,
    /// Who signed it.
    pub issuer: Issuer,
}

/// Why an object is no certificate that counts.
#[derive(Debug, Clone, Copy, Eq, PartialEq, thiserror::Error)]
pub enum CertificateError {
    /// Its name is not of path 6.
    #[error("{name} does not name a certificate")]
    OtherPath {
        /// The name.
        name: Name,
    },
    /// Its data is not in the layout of a certificate.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The root did not name the admin who signed it.
    #[error("certificate {name} is signed by an admin that the root does not name")]
    UnknownAdmin {
        /// The name.
        name: Name,
    },
    /// The signature is not its issuer's.
    #[error("certificate {name} is not signed by its issuer")]
    Forged {
        /// The name.
        name: Name,
    },
}

impl Admin {
    /// Names an admin; only the owner of the root key can.
    #[must_use]
    pub fn name(root: &Signer, team: TeamId, key: Key, from: Millis, until: Millis) -> Self {
        let signature = root.sign(Label::Admin, &Self::signed(team, key, from, until));
        Self { key, from, until, signature }
    }

    fn is_named_by(&self, root: &Key, team: TeamId) -> bool {
        let signed = Self::signed(team, self.key, self.from, self.until);
        root.verifies(Label::Admin, &signed, &self.signature)
    }

    fn signed(team: TeamId, key: Key, from: Millis, until: Millis) -> Vec<u8> {
        let org = TeamId { team: names::Team::ZERO, ..team };
        [&team_bits(org)[..], &key.0, &from.0.to_be_bytes(), &until.0.to_be_bytes()].concat()
    }
}

impl Certificate {
    /// Reads a certificate and checks that `root`, or an admin that it names, signed it.
    ///
    /// # Errors
    /// As [`CertificateError`] says. Times are the caller's to check ([`Certificate::counts`]).
    pub fn read(object: &Object, root: &Key) -> Result<Self, CertificateError> {
        let name = object.name();
        let place = name.place();
        if !matches!(place.rest, Rest::Certificate { .. }) {
            return Err(CertificateError::OtherPath { name });
        }
        let certificate = Self::parse(object.data().unwrap_or_default())?;
        let key = match certificate.issuer {
            Issuer::Root => root,
            Issuer::Admin(ref admin) => {
                let named = admin.is_named_by(root, place.team);
                let in_time = admin.from <= object.created() && object.created() < admin.until;
                if !named || !in_time {
                    return Err(CertificateError::UnknownAdmin { name });
                }
                &admin.key
            }
        };
        // Only the root makes admins.
        if let Some(grant) = certificate.grant()
            && (certificate.issuer != Issuer::Root || !grant.is_named_by(root, place.team))
        {
            return Err(CertificateError::UnknownAdmin { name });
        }
        if object.verifies(key) { Ok(certificate) } else { Err(CertificateError::Forged { name }) }
    }

    /// May its device write at `now`?
    #[must_use]
    pub fn counts(&self, now: Millis) -> bool {
        self.standing != Standing::Revoked && self.from <= now && now < self.until
    }

    /// May an admin bring this into effect where `over` is? A number stays whose it was, and who is
    /// revoked stays so; over admins, and otherwise, only the root decides.
    #[must_use]
    pub fn may_follow(&self, over: &Self) -> bool {
        !matches!(over.standing, Standing::Admin(_))
            && over.log_key == self.log_key
            && over.credential == self.credential
            && (over.standing != Standing::Revoked || self.standing == Standing::Revoked)
    }

    /// The highest generation that an issuer may use for a device whose newest certificate in
    /// effect has this one: none can take all numbers of a device, and the root always has room.
    #[must_use]
    pub fn reach(effective: Option<Generation>, issuer: &Issuer) -> Generation {
        let ahead = match issuer {
            Issuer::Root => ROOTS_REACH,
            Issuer::Admin(_) => ADMINS_REACH,
        };
        let highest = effective.map_or(0, Generation::value).saturating_add(ahead);
        Generation::new(highest).unwrap_or(Generation::MAX)
    }

    /// What its device issues certificates with, if it is an admin's.
    #[must_use]
    pub fn grant(&self) -> Option<Admin> {
        match self.standing {
            Standing::Admin(Grant { until, signature }) => {
                Some(Admin { key: self.log_key, from: Millis(0), until, signature })
            }
            Standing::Certified | Standing::Revoked => None,
        }
    }

    /// The data of the object.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = vec![
            LAYOUT,
            match self.standing {
                Standing::Certified => 1,
                Standing::Revoked => 2,
                Standing::Admin(_) => 3,
            },
        ];
        out.extend_from_slice(&self.log_key.0);
        out.extend_from_slice(&self.credential.0);
        out.extend_from_slice(&self.from.0.to_be_bytes());
        out.extend_from_slice(&self.until.0.to_be_bytes());
        match &self.issuer {
            Issuer::Root => out.push(0),
            Issuer::Admin(admin) => {
                out.push(1);
                out.extend_from_slice(&admin.key.0);
                out.extend_from_slice(&admin.from.0.to_be_bytes());
                out.extend_from_slice(&admin.until.0.to_be_bytes());
                out.extend_from_slice(&admin.signature.0);
            }
        }
        if let Standing::Admin(grant) = &self.standing {
            out.extend_from_slice(&grant.until.0.to_be_bytes());
            out.extend_from_slice(&grant.signature.0);
        }
        out
    }

    fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        reader.exactly(LAYOUT, "certificate version")?;
        let standing = reader.u8("standing")?;
        let log_key = reader.key("log key")?;
        let credential = reader.hash("credential")?;
        let from = Millis(reader.u64("from")?);
        let until = Millis(reader.u64("until")?);
        let issuer = match reader.u8("issuer")? {
            0 => Issuer::Root,
            1 => Issuer::Admin(Admin {
                key: reader.key("admin key")?,
                from: Millis(reader.u64("admin from")?),
                until: Millis(reader.u64("admin until")?),
                signature: reader.signature("admin signature")?,
            }),
            _ => return Err(Malformed { field: "issuer" }),
        };
        let standing = match standing {
            1 => Standing::Certified,
            2 => Standing::Revoked,
            3 => Standing::Admin(Grant {
                until: Millis(reader.u64("grant until")?),
                signature: reader.signature("grant signature")?,
            }),
            _ => return Err(Malformed { field: "standing" }),
        };
        reader.end("certificate")?;
        Ok(Self { standing, log_key, credential, from, until, issuer })
    }
}

const LAYOUT: u8 = 1;
const ADMINS_REACH: u64 = 8;
/// More than an admin's, who could fill all of its own.
const ROOTS_REACH: u64 = 2 * ADMINS_REACH;
