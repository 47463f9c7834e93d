//! What finished calls leave behind: ciphers and signers copy their keys from call to call, and
//! what they leave in the unused part of the stack stays readable there, whatever `Drop` does.

/// Wipes the part of the stack that the calls of a step have used.
#[inline(never)]
pub(crate) fn wipe() {
    // Whoever looks at it could be told, so the compiler has to fill it.
    std::hint::black_box(&[0_u8; DEPTH]);
}

/// Deeper than the calls of a step go, in bytes; filling it takes some 20 µs.
const DEPTH: usize = 512 << 10;
