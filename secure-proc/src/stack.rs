//! What finished calls leave behind: ciphers and signers copy their keys from call to call, and
//! what they leave in the unused part of the stack stays readable there, whatever `Drop` does.

/// Wipes the part of the stack that the calls of a step have used.
#[inline(never)]
pub(crate) fn wipe() {
    let mut used = [0_u8; DEPTH];
    // For all that the compiler knows it is read, so it has to be filled.
    std::hint::black_box(&mut used);
}

/// Deeper than the calls of a step go, in bytes; filling it takes some 20 µs.
const DEPTH: usize = 512 << 10;
