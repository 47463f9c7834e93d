//! Bad weather: a middleman that loses, doubles, delays and reorders datagrams, as a seed decides.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::{Dice, During, Space, Trouble};

/// What happens to datagrams on their way, in one direction.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub struct Weather {
    /// So many of a thousand are lost.
    pub lost: u32,
    /// So many of a thousand come twice.
    pub doubled: u32,
    /// All are late by this much,
    pub late: Duration,
    /// and by up to this much more, each by its own: they overtake each other.
    pub uneven: Duration,
}

/// A middleman between one host's programs and a relay.
#[derive(Debug)]
pub struct Wire {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    /// Up to the relay, and down from it.
    weather: Mutex<[Weather; 2]>,
    /// How many were passed on, lost and doubled.
    count: Mutex<[u64; 3]>,
    is_over: Mutex<bool>,
}

impl Weather {
    /// Everything arrives at once.
    pub const FAIR: Self =
        Self { lost: 0, doubled: 0, late: Duration::ZERO, uneven: Duration::ZERO };

    /// One in five is lost, one in twenty comes twice, and many come out of order.
    pub const STORM: Self = Self {
        lost: 200,
        doubled: 50,
        late: Duration::from_millis(5),
        uneven: Duration::from_millis(30),
    };

    /// Nothing arrives.
    pub const DEAD: Self = Self { lost: 1000, ..Self::FAIR };
}

impl Wire {
    /// Listens at a port of `127.0.0.1` in `space`, and passes everything on to `relay`.
    ///
    /// # Errors
    /// When there is no such namespace, or no free port.
    pub fn lay(space: &Space, relay: SocketAddr, seed: u64) -> Result<Self, Trouble> {
        let space = space.clone();
        Self::from(move || space.enter(), relay, seed)
    }

    /// `enter` brings a thread to where the middleman is.
    fn from<F>(enter: F, relay: SocketAddr, seed: u64) -> Result<Self, Trouble>
    where
        F: FnOnce() -> Result<(), Trouble> + Send + 'static,
    {
        let shared = Arc::new(Shared {
            weather: Mutex::new([Weather::FAIR; 2]),
            count: Mutex::new([0; 3]),
            is_over: Mutex::new(false),
        });
        let copy = Arc::clone(&shared);
        let (sender, receiver) = channel();
        let thread = std::thread::spawn(move || {
            let bound = enter().and_then(|()| {
                let front = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).during("a free port")?;
                front.set_nonblocking(true).during("a socket that does not wait")?;
                Ok((front.local_addr().during("the middleman's port")?, front))
            });
            let (address, front) = match bound {
                Ok((address, front)) => (Ok(address), Some(front)),
                Err(trouble) => (Err(trouble), None),
            };
            // Whoever waits for this address is there until it comes.
            let _ = sender.send(address);
            let dice = Dice::new(seed);
            let (backs, waiting) = (Vec::new(), BTreeMap::new());
            let middle =
                |front| Middle { front, relay, backs, waiting, dice, next: 0, shared: copy };
            // Where it ends early everything is lost from then on: the test says what it misses.
            let _ = front.map(|front| middle(front).run());
        });
        let address = receiver.recv().during("the middleman")??;
        Ok(Self { address, shared, thread: Some(thread) })
    }

    /// Where it listens: `HOST:PORT`.
    #[must_use]
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Changes the weather, up to the relay and down from it.
    pub fn weather(&self, up: Weather, down: Weather) {
        *lock(&self.shared.weather) = [up, down];
    }

    /// How many datagrams were passed on, lost, and doubled.
    #[must_use]
    pub fn count(&self) -> [u64; 3] {
        *lock(&self.shared.count)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        *lock(&self.shared.is_over) = true;
        // Only a panic there could fail here.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Where a datagram goes.
#[derive(Debug, Clone, Copy)]
enum Way {
    Up(usize),
    Down(SocketAddr),
}

struct Middle {
    front: UdpSocket,
    relay: SocketAddr,
    /// One for each address that has sent something, so that the relay tells them apart.
    backs: Vec<(SocketAddr, UdpSocket)>,
    waiting: BTreeMap<(Instant, u64), (Way, Vec<u8>)>,
    dice: Dice,
    next: u64,
    shared: Arc<Shared>,
}

impl Middle {
    fn run(mut self) -> io::Result<()> {
        let mut packet = vec![0; 1 << 16];
        while !*lock(&self.shared.is_over) {
            self.wait()?;
            while let Ok((len, from)) = self.front.recv_from(&mut packet) {
                let way = Way::Up(self.back(from)?);
                self.toss(way, packet.get(..len).unwrap_or_default());
            }
            let mut came = Vec::new();
            for (client, back) in &self.backs {
                // An answer that nobody is there for comes as an error, and is a loss too.
                while let Ok(len) = back.recv(&mut packet) {
                    came.push((*client, packet.get(..len).unwrap_or_default().to_vec()));
                }
            }
            for (client, bytes) in came {
                self.toss(Way::Down(client), &bytes);
            }
            self.pass_on();
        }
        Ok(())
    }

    /// Waits until something comes or is due.
    fn wait(&self) -> io::Result<()> {
        let due = self.waiting.first_key_value().map(|((due, _), _)| *due);
        let left = due.map(|due| due.saturating_duration_since(Instant::now()));
        let left = left.map_or(LONGEST, |left| left.min(LONGEST));
        let nanos = i64::from(left.subsec_nanos());
        let left = Timespec { tv_sec: 0, tv_nsec: nanos };
        let mut all = vec![PollFd::new(&self.front, PollFlags::IN)];
        all.extend(self.backs.iter().map(|(_, back)| PollFd::new(back, PollFlags::IN)));
        match poll(&mut all, Some(&left)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn back(&mut self, from: SocketAddr) -> io::Result<usize> {
        if let Some(found) = self.backs.iter().position(|(client, _)| *client == from) {
            return Ok(found);
        }
        let back = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        back.connect(self.relay)?;
        back.set_nonblocking(true)?;
        self.backs.push((from, back));
        Ok(self.backs.len().saturating_sub(1))
    }

    /// Lets the weather at a datagram.
    fn toss(&mut self, way: Way, bytes: &[u8]) {
        let [up, down] = *lock(&self.shared.weather);
        let weather = match way {
            Way::Up(_) => up,
            Way::Down(_) => down,
        };
        let lost = self.dice.permille(weather.lost);
        let doubled = !lost && self.dice.permille(weather.doubled);
        let copies = if lost { 0 } else { 1 + usize::from(doubled) };
        let [passed, losses, doubles] = &mut *lock(&self.shared.count);
        *passed += u64::from(!lost);
        *losses += u64::from(lost);
        *doubles += u64::from(doubled);
        for _ in 0..copies {
            let uneven = u64::try_from(weather.uneven.as_micros()).unwrap_or(u64::MAX);
            let late = weather.late + Duration::from_micros(self.dice.below(uneven));
            let due = Instant::now() + late;
            self.next += 1;
            self.waiting.insert((due, self.next), (way, bytes.to_vec()));
        }
    }

    fn pass_on(&mut self) {
        let now = Instant::now();
        while let Some(entry) = self.waiting.first_entry() {
            if entry.key().0 > now {
                return;
            }
            let (way, bytes) = entry.remove();
            // What cannot be sent is lost, as on every wire.
            let _ = match way {
                Way::Up(index) => self.backs.get(index).map(|(_, back)| back.send(&bytes)),
                Way::Down(client) => Some(self.front.send_to(&bytes, client)),
            };
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Between two looks whether it is over.
const LONGEST: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::until;

    /// What becomes of so many datagrams: passed on, lost, doubled, and how many arrive.
    fn send(count: u8, seed: u64, weather: Weather) -> ([u64; 3], Vec<u8>) {
        let relay = UdpSocket::bind("127.0.0.1:0").unwrap();
        relay.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let wire = Wire::from(|| Ok(()), relay.local_addr().unwrap(), seed).unwrap();
        wire.weather(weather, Weather::FAIR);
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        client.connect(wire.address()).unwrap();
        for number in 0..count {
            client.send(&[number]).unwrap();
        }
        let all = || Ok((wire.count()[0] + wire.count()[1] == u64::from(count)).then_some(()));
        until("every datagram", Duration::from_secs(60), all).unwrap();
        let [passed, lost, doubled] = wire.count();
        let mut came = Vec::new();
        let mut packet = [0; 9];
        for _ in 0..passed + doubled {
            assert_eq!(relay.recv(&mut packet).unwrap(), 1);
            came.push(packet[0]);
        }
        ([passed, lost, doubled], came)
    }

    /// `HARNESS-05`
    #[test]
    fn weather_is_decided_by_its_seed() {
        let (storm, _) = send(200, 7, Weather::STORM);
        let [_, lost, doubled] = storm;
        assert!((20..60).contains(&lost) && (2..20).contains(&doubled), "{storm:?}");
        assert_eq!(send(200, 7, Weather::STORM).0, storm);
        assert_ne!(send(200, 8, Weather::STORM).0, storm);
        assert_eq!(send(50, 7, Weather::DEAD), ([0, 50, 0], Vec::new()));
    }

    /// `HARNESS-05`
    #[test]
    fn in_fair_weather_all_comes_in_order_and_on_an_uneven_way_it_does_not() {
        let (_, came) = send(100, 7, Weather::FAIR);
        assert_eq!(came, (0..100).collect::<Vec<_>>());
        let uneven = Weather { uneven: Duration::from_millis(30), ..Weather::FAIR };
        let (_, mut came) = send(100, 7, uneven);
        assert!(!came.is_sorted());
        came.sort_unstable();
        assert_eq!(came, (0..100).collect::<Vec<_>>());
    }
}
