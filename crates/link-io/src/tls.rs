//! TLS 1.3 with raw public keys (RFC 7250): the relay has a key and no certificate, the client has
//! a pinned key and no identity.

use std::fmt;
use std::sync::{Arc, OnceLock};

use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::{AlwaysResolvesServerRawPublicKeys, NoServerSessionStorage};
use rustls::sign::CertifiedKey;
use rustls::version::TLS13;
use rustls::{DigitallySignedStruct, PeerIncompatible, SignatureScheme};

use crate::key::{LinkKey, RelayKey};

/// The protocol that both ends must name (ALPN), version included.
pub(crate) const ALPN: &[u8] = b"sotto/1";
/// What a client calls every relay in TLS; it never goes over the wire, the pinned key decides.
pub(crate) const RELAY_NAME: &str = "relay.sotto.invalid";

/// The provider's part of a configuration failed: a fault of the build, not of a peer.
#[derive(Debug, thiserror::Error)]
#[error("TLS cannot be set up: {0}")]
pub(crate) struct TlsError(String);

pub(crate) fn server(key: &LinkKey) -> Result<quinn::ServerConfig, TlsError> {
    let spki = spki_of_key(key.public());
    let certified = CertifiedKey::new(vec![CertificateDer::from(spki)], key.signing());
    let mut config = rustls::ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .map_err(|error| TlsError(error.to_string()))?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(AlwaysResolvesServerRawPublicKeys::new(Arc::new(certified))));
    config.alpn_protocols = vec![ALPN.to_vec()];
    // Every link proves itself anew: a resumed session would skip the check of the pinned key.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    let quic = QuicServerConfig::try_from(config).map_err(|error| TlsError(error.to_string()))?;
    Ok(quinn::ServerConfig::with_crypto(Arc::new(quic)))
}

pub(crate) fn client(pin: Arc<Pin>) -> Result<quinn::ClientConfig, TlsError> {
    client_with(pin, vec![ALPN.to_vec()])
}

pub(crate) fn client_with(
    pin: Arc<Pin>,
    alpn: Vec<Vec<u8>>,
) -> Result<quinn::ClientConfig, TlsError> {
    let mut config = rustls::ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .map_err(|error| TlsError(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(pin)
        .with_no_client_auth();
    config.alpn_protocols = alpn;
    config.enable_sni = false;
    config.resumption = Resumption::disabled();
    let quic = QuicClientConfig::try_from(config).map_err(|error| TlsError(error.to_string()))?;
    Ok(quinn::ClientConfig::new(Arc::new(quic)))
}

/// The key exchange is post-quantum first; X25519 alone is for peers that cannot do better.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    let mut provider = aws_lc_rs::default_provider();
    provider.kx_groups = vec![aws_lc_rs::kx_group::X25519MLKEM768, aws_lc_rs::kx_group::X25519];
    Arc::new(provider)
}

pub(crate) fn fill_random(bytes: &mut [u8]) -> Option<()> {
    aws_lc_rs::default_provider().secure_random.fill(bytes).ok()
}

/// Accepts exactly one relay key, and remembers which key it was shown.
pub(crate) struct Pin {
    expected: RelayKey,
    seen: OnceLock<RelayKey>,
    provider: Arc<CryptoProvider>,
}

impl Pin {
    pub(crate) fn new(expected: RelayKey) -> Self {
        Self { expected, seen: OnceLock::new(), provider: provider() }
    }

    /// The key that the other end showed, if it was an Ed25519 key at all.
    pub(crate) fn seen(&self) -> Option<RelayKey> {
        self.seen.get().copied()
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pin({})", self.expected)
    }
}

impl ServerCertVerifier for Pin {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let spki = SubjectPublicKeyInfoDer::from(end_entity.as_ref());
        let Some(key) = key_of_spki(&spki) else {
            return Err(rustls::CertificateError::BadEncoding.into());
        };
        // A link shakes hands once; a second key cannot arrive.
        let _ = self.seen.set(key);
        if key == self.expected {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(rustls::CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(PeerIncompatible::Tls12NotOffered.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        let spki = SubjectPublicKeyInfoDer::from(cert.as_ref());
        verify_tls13_signature_with_raw_key(message, &spki, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

/// The 32 bytes of an Ed25519 key in its SubjectPublicKeyInfo (RFC 8410 §4).
pub(crate) fn key_of_spki(spki: &SubjectPublicKeyInfoDer<'_>) -> Option<RelayKey> {
    let key = spki.as_ref().strip_prefix(&SPKI_HEAD)?;
    key.try_into().ok().map(RelayKey)
}

fn spki_of_key(key: RelayKey) -> Vec<u8> {
    [SPKI_HEAD.as_slice(), key.0.as_slice()].concat()
}

const SPKI_HEAD: [u8; 12] =
    [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
