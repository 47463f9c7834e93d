//! Every decoder that sees bytes of strangers.

use ipc_schema::{CAP_CONTROL, CAP_FROM_UI, CAP_NET, CAP_TO_UI};
use objects::MAX_OBJECT;
use objects::wire::MAX_FRAME;

use crate::{Target, frames, mls, records, words};

/// All targets, in the order of the layers.
pub const TARGETS: &[Target] = &[
    target("name", 20, WORDS, words::name),
    target("name-text", 160, WORDS, words::name_text),
    target("prefix", 24, WORDS, words::prefix),
    target("prefix-text", 160, WORDS, words::prefix_text),
    target("team-text", 80, WORDS, words::team_text),
    target("team-link", 640, WORDS, words::team_link),
    target("object", MAX_OBJECT + 64, DATA, records::object),
    target("claim", 1_100, DATA, records::claim),
    target("receipt", 160, DATA, records::receipt),
    target("certificate", 400, DATA, records::certificate),
    target("term", 400, DATA, records::term),
    target("announcement", 1_100, DATA, records::announcement),
    target("welcome-pointer", 200, DATA, records::welcome_pointer),
    target("spent", 100, DATA, records::spent),
    target("proof", 200, DATA, records::proof),
    target("relay-proof", 140, DATA, records::relay_proof),
    target("to-relay", MAX_OBJECT + 64, 4 * MAX_FRAME, records::to_relay),
    target("from-relay", MAX_OBJECT + 256, 4 * MAX_FRAME, records::from_relay),
    target("stream", 300, 16 * 1024, frames::stream),
    target("to-child", 1_200, message(CAP_CONTROL), frames::to_child),
    target("from-child", 700, message(CAP_CONTROL), frames::from_child),
    target("knock", 32, message(CAP_CONTROL), frames::knock),
    target("report", 1_700, message(CAP_CONTROL), frames::report),
    target("to-net", CAP_NET, message(CAP_NET), frames::to_net),
    target("from-net", CAP_NET, message(CAP_NET), frames::from_net),
    target("to-secure", 34 * 1024, message(CAP_FROM_UI), frames::to_secure),
    target("from-secure", 34 * 1024, message(CAP_TO_UI), frames::from_secure),
    target("leaf-credential", 600, MLS, mls::leaf),
    target("content", 40 * 1024, CONTENT, mls::content),
    target("padding", 900, DATA, mls::padding),
    target("private-message", 1_100, MLS, mls::message),
    target("welcome", 2_100, MLS, mls::welcome),
    target("key-package", 1_100, MLS, mls::key_package),
    target("authenticated-data", 200, WORDS, mls::bound),
    target("policy", 64, MLS, mls::policy),
    target("ratchet-tree", 4_096, MLS, mls::tree),
];

const fn target(name: &'static str, most: usize, memory: usize, run: fn(&[u8]) -> bool) -> Target {
    Target { name, most, memory, run }
}

/// Words and texts: some copies of the longest.
const WORDS: usize = 4 * 1024;
/// What stands in an object, a few times over.
const DATA: usize = 4 * MAX_OBJECT;

/// A message of MLS, with room for its many small vectors.
const MLS: usize = 64 * 1024;

/// The longest text some times over, and what `serde` sets aside at most for one list by its length
/// alone, for two lists.
const CONTENT: usize = 8 * 32 * 1024 + 2 * 1024 * 1024;

/// Four times the frame: the message, its texts, and writing it again in a growing buffer. A text
/// may announce as many bytes as the codec's one limit, whatever its channel's cap.
const fn message(cap: usize) -> usize {
    4 * cap + CAP_TO_UI
}
