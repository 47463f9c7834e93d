//! A middleman on the wire: passes datagrams on between endpoints and the relay, and keeps a copy
//! of each.

use std::collections::BTreeMap;
use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Everything that went over the wire. It goes on until it is dropped.
pub(crate) struct Wire {
    seen: Arc<Mutex<Vec<Vec<u8>>>>,
    address: SocketAddr,
    /// The threads hold weak copies, and end soon after this one is gone.
    _going: Arc<()>,
}

impl Wire {
    /// Listens at a free port, and passes everything on to `relay`.
    pub(crate) fn to(relay: SocketAddr) -> Self {
        let front = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = front.local_addr().unwrap();
        let (seen, going) = (Arc::default(), Arc::new(()));
        let (copy, until) = (Arc::clone(&seen), Arc::downgrade(&going));
        std::thread::spawn(move || {
            let mut backs: BTreeMap<SocketAddr, UdpSocket> = BTreeMap::new();
            let mut packet = vec![0; 1 << 16];
            front.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
            while until.strong_count() > 0 {
                let Ok((len, from)) = front.recv_from(&mut packet) else {
                    continue;
                };
                note(&copy, &packet[..len]);
                let back = backs.entry(from).or_insert_with(|| {
                    let back = UdpSocket::bind("127.0.0.1:0").unwrap();
                    back.connect(relay).unwrap();
                    let (back_too, front_too) = (back.try_clone(), front.try_clone());
                    let (copy, until) = (Arc::clone(&copy), until.clone());
                    std::thread::spawn(move || {
                        let (back, front) = (back_too.unwrap(), front_too.unwrap());
                        back.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
                        let mut packet = vec![0; 1 << 16];
                        while until.strong_count() > 0 {
                            let Ok(len) = back.recv(&mut packet) else {
                                continue;
                            };
                            note(&copy, &packet[..len]);
                            // A datagram that is lost is sent again by those who care.
                            let _ = front.send_to(&packet[..len], from);
                        }
                    });
                    back
                });
                let _ = back.send(&packet[..len]);
            }
        });
        Self { seen, address, _going: going }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every datagram so far, in both directions.
    pub(crate) fn seen(&self) -> Vec<Vec<u8>> {
        self.seen.lock().unwrap().clone()
    }
}

fn note(copy: &Mutex<Vec<Vec<u8>>>, packet: &[u8]) {
    copy.lock().unwrap().push(packet.to_vec());
}
