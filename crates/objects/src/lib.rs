#![doc = include_str!("../README.md")]
#![cfg_attr(not(test), warn(clippy::as_conversions, clippy::arithmetic_side_effects))]

mod announcement;
mod bytes;
mod certificate;
mod claim;
mod hash;
mod key;
mod object;
mod org;
mod receipt;
mod revocation;
mod session;
mod spent;
mod term;
pub mod wire;

pub use announcement::{Announcement, WelcomePointer};
pub use bytes::Malformed;
pub use certificate::{Admin, Certificate, CertificateError, Grant, Issuer, Standing};
pub use claim::{BlobRef, Claim, Named};
pub use hash::Hash;
pub use key::{Key, Label, Signature, Signer, Verifier, Verifies};
pub use object::{
    Draft, HEADER_LEN, MAX_DATA, MAX_OBJECT, Millis, Object, ObjectError, Part, VERSION,
};
pub use org::{LinkError, OrgRoot, RelayRef, TeamLink};
pub use receipt::Receipt;
pub use revocation::{Revocation, Revoked};
pub use session::{Proof, RelayProof};
pub use spent::Spent;
pub use term::Term;
