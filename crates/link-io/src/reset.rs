//! How a restarted relay ends the links of its last life: by tokens that its key stands for
//! (RFC 9000 §10.3).

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac;
use quinn::{ConnectionId, ConnectionIdGenerator, EndpointConfig};

use crate::key::LinkKey;
use crate::tls;

/// Settings under which every life of the relay with this key recognises, and ends, links that it
/// does not know any more.
pub(crate) fn endpoint_config(key: &LinkKey) -> EndpointConfig {
    let seed = hmac::Key::new(hmac::HMAC_SHA256, key.reveal_seed());
    let token_key = hmac::sign(&seed, LABEL);
    let token_key = hmac::Key::new(hmac::HMAC_SHA256, token_key.as_ref());
    let mut config = EndpointConfig::new(Arc::new(token_key));
    config.cid_generator(|| Box::new(AnyId));
    config
}

/// Connection ids that no life of the relay takes for forged. quinn's own are bound to one life,
/// and packets with those of another would go unanswered.
#[derive(Debug)]
struct AnyId;

impl ConnectionIdGenerator for AnyId {
    fn generate_cid(&mut self) -> ConnectionId {
        let mut id = [0; ID_LEN];
        // Without randomness no handshake succeeds, so no such id is ever in use.
        let _ = tls::fill_random(&mut id);
        ConnectionId::new(&id)
    }

    fn cid_len(&self) -> usize {
        ID_LEN
    }

    fn cid_lifetime(&self) -> Option<Duration> {
        None
    }
}

const LABEL: &[u8] = b"sotto 1 stateless reset\0";
const ID_LEN: usize = 8;
