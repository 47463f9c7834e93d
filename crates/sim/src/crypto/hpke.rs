//! HPKE (RFC 9180) whose ephemeral keys come from a seed.

use std::cell::Cell;
use std::convert::Infallible;

use hpke_rs::{Hpke, HpkeError, Mode};
use hpke_rs_crypto::error::Error;
use hpke_rs_crypto::types::{AeadAlgorithm, KdfAlgorithm, KemAlgorithm};
use hpke_rs_crypto::{HpkeCrypto, HpkeTestRng, TryCryptoRng, TryRng};
use hpke_rs_rust_crypto::HpkeRustCrypto;
use openmls_traits::types::{
    CryptoError, ExporterSecret, HpkeAeadType, HpkeCiphertext, HpkeConfig, HpkeKdfType,
    HpkeKemType, KemOutput,
};
use zeroize::Zeroize;

use crate::chance::Chance;

thread_local! {
    /// What the next generator starts from: the crate asks for one without an argument.
    static SEED: Cell<u64> = const { Cell::new(0) };
}

pub(crate) fn seal(
    seed: [u8; 32],
    config: HpkeConfig,
    pk_r: &[u8],
    info: &[u8],
    aad: &[u8],
    ptxt: &[u8],
) -> Result<HpkeCiphertext, CryptoError> {
    let (kem_output, ciphertext) = seeded(seed, config)?
        .seal(&pk_r.into(), info, aad, ptxt, None, None, None)
        .map_err(|error| match error {
            HpkeError::InvalidInput => CryptoError::InvalidLength,
            _ => CryptoError::CryptoLibraryError,
        })?;
    Ok(HpkeCiphertext { kem_output: kem_output.into(), ciphertext: ciphertext.into() })
}

pub(crate) fn setup_sender_and_export(
    seed: [u8; 32],
    config: HpkeConfig,
    pk_r: &[u8],
    info: &[u8],
    exporter_context: &[u8],
    exporter_length: usize,
) -> Result<(KemOutput, ExporterSecret), CryptoError> {
    let (kem_output, context) = seeded(seed, config)?
        .setup_sender(&pk_r.into(), info, None, None, None)
        .map_err(|_| CryptoError::SenderSetupError)?;
    let secret = context
        .export(exporter_context, exporter_length)
        .map_err(|_| CryptoError::ExporterError)?;
    Ok((kem_output, secret.into()))
}

fn seeded(seed: [u8; 32], config: HpkeConfig) -> Result<Hpke<Seeded>, CryptoError> {
    let HpkeConfig(HpkeKemType::DhKem25519, HpkeKdfType::HkdfSha256, HpkeAeadType::AesGcm128) =
        config
    else {
        // One ciphersuite is in use.
        return Err(CryptoError::UnsupportedCiphersuite);
    };
    let seed = seed.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
    SEED.set(seed);
    Ok(Hpke::new(
        Mode::Base,
        KemAlgorithm::DhKem25519,
        KdfAlgorithm::HkdfSha256,
        AeadAlgorithm::Aes128Gcm,
    ))
}

/// RustCrypto's primitives over [`Chance`].
#[derive(Debug)]
struct Seeded;

/// The generator of one sealing.
struct Drawn(Chance);

impl HpkeCrypto for Seeded {
    type HpkePrng = Drawn;

    fn name() -> String {
        "RustCrypto from a seed".to_owned()
    }

    fn supports_kdf(alg: KdfAlgorithm) -> Result<(), Error> {
        HpkeRustCrypto::supports_kdf(alg)
    }

    fn supports_kem(alg: KemAlgorithm) -> Result<(), Error> {
        HpkeRustCrypto::supports_kem(alg)
    }

    fn supports_aead(alg: AeadAlgorithm) -> Result<(), Error> {
        HpkeRustCrypto::supports_aead(alg)
    }

    fn prng() -> Drawn {
        Drawn(Chance::new(SEED.get()))
    }

    fn kdf_extract(alg: KdfAlgorithm, salt: &[u8], ikm: &[u8]) -> Result<Vec<u8>, Error> {
        HpkeRustCrypto::kdf_extract(alg, salt, ikm)
    }

    fn kdf_expand(
        alg: KdfAlgorithm,
        prk: &[u8],
        info: &[u8],
        output_size: usize,
    ) -> Result<Vec<u8>, Error> {
        HpkeRustCrypto::kdf_expand(alg, prk, info, output_size)
    }

    fn dh(alg: KemAlgorithm, pk: &[u8], sk: &[u8]) -> Result<Vec<u8>, Error> {
        HpkeRustCrypto::dh(alg, pk, sk)
    }

    fn secret_to_public(alg: KemAlgorithm, sk: &[u8]) -> Result<Vec<u8>, Error> {
        HpkeRustCrypto::secret_to_public(alg, sk)
    }

    fn kem_key_gen(alg: KemAlgorithm, prng: &mut Drawn) -> Result<(Vec<u8>, Vec<u8>), Error> {
        let secret = prng.0.bytes().to_vec();
        Ok((HpkeRustCrypto::secret_to_public(alg, &secret)?, secret))
    }

    fn kem_key_gen_derand(_: KemAlgorithm, _: &[u8]) -> Result<(Vec<u8>, Vec<u8>), Error> {
        Err(Error::UnsupportedKemOperation)
    }

    fn kem_encaps(_: KemAlgorithm, _: &[u8], _: &mut Drawn) -> Result<(Vec<u8>, Vec<u8>), Error> {
        Err(Error::UnsupportedKemOperation)
    }

    fn kem_decaps(alg: KemAlgorithm, ct: &[u8], sk_r: &[u8]) -> Result<Vec<u8>, Error> {
        HpkeRustCrypto::kem_decaps(alg, ct, sk_r)
    }

    fn dh_validate_sk(alg: KemAlgorithm, sk: &[u8]) -> Result<Vec<u8>, Error> {
        HpkeRustCrypto::dh_validate_sk(alg, sk)
    }

    fn aead_seal(
        alg: AeadAlgorithm,
        key: &[u8],
        nonce: &[u8],
        aad: &[u8],
        msg: &[u8],
    ) -> Result<Vec<u8>, Error> {
        HpkeRustCrypto::aead_seal(alg, key, nonce, aad, msg)
    }

    fn aead_open(
        alg: AeadAlgorithm,
        key: &[u8],
        nonce: &[u8],
        aad: &[u8],
        msg: &[u8],
    ) -> Result<Vec<u8>, Error> {
        HpkeRustCrypto::aead_open(alg, key, nonce, aad, msg)
    }
}

impl TryRng for Drawn {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let [a, b, c, d, ..] = self.0.draw().to_be_bytes();
        Ok(u32::from_be_bytes([a, b, c, d]))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.0.draw())
    }

    fn try_fill_bytes(&mut self, space: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill(space);
        Ok(())
    }
}

impl TryCryptoRng for Drawn {}

impl HpkeTestRng for Drawn {
    type Error = Infallible;

    fn try_fill_test_bytes(&mut self, space: &mut [u8]) -> Result<(), Infallible> {
        self.try_fill_bytes(space)
    }

    fn seed(&mut self, _: &[u8]) {}
}

impl Zeroize for Drawn {
    fn zeroize(&mut self) {
        self.0 = Chance::new(0);
    }
}
