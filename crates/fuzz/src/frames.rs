//! What processes of one machine send each other, as their channels take it.

use ipc_io::{FrameFault, Frames};
use ipc_schema::control::{FromChild, Knock, Report, ToChild};
use ipc_schema::{CAP_CONTROL, CAP_FROM_UI, CAP_NET, CAP_TO_UI, decode, encode};
use ipc_schema_net::{FromNet, ToNet};
use ipc_schema_ui::{FromSecure, ToSecure};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::one_encoding;

/// A stream of frames: however its bytes are cut, the same frames or the same fault come out.
pub(crate) fn stream(bytes: &[u8]) -> bool {
    let whole = frames(&[bytes]);
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(frames(&single), whole, "frames depend on how their bytes are cut");
    let pairs: Vec<&[u8]> = bytes.chunks(3).collect();
    assert_eq!(frames(&pairs), whole, "frames depend on how their bytes are cut");
    for frame in &whole.0 {
        assert!((1..=CAP).contains(&frame.len()), "a frame of {} bytes", frame.len());
    }
    whole.1.is_none()
}

fn frames(pieces: &[&[u8]]) -> (Vec<Vec<u8>>, Option<FrameFault>) {
    let mut reader = Frames::new(CAP);
    let mut out = Vec::new();
    for piece in pieces {
        let mut rest = *piece;
        while !rest.is_empty() {
            match reader.push(&mut rest, 0) {
                Ok(frame) => out.extend(frame.map(|frame| frame.to_vec())),
                Err(fault) => return (out, Some(fault)),
            }
        }
    }
    (out, None)
}

macro_rules! messages {
    ($($name:ident: $message:ty, $cap:expr;)*) => {$(
        pub(crate) fn $name(bytes: &[u8]) -> bool {
            message::<$message>(bytes, $cap)
        }
    )*};
}

messages! {
    to_child: ToChild, CAP_CONTROL;
    from_child: FromChild, CAP_CONTROL;
    knock: Knock, CAP_CONTROL;
    report: Report, CAP_CONTROL;
    to_net: ToNet, CAP_NET;
    from_net: FromNet, CAP_NET;
    to_secure: ToSecure, CAP_FROM_UI;
    from_secure: FromSecure, CAP_TO_UI;
}

fn message<T: Serialize + DeserializeOwned>(bytes: &[u8], cap: usize) -> bool {
    // The channel drops a peer that announces more, before a message is looked for.
    bytes.len() <= cap
        && one_encoding(bytes, decode::<T>(bytes), |message| encode(message).unwrap_or_default())
}

const CAP: usize = 64;
