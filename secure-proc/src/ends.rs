//! The loop: what comes in goes to the desk, the step is committed, what comes of it goes out.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::time::Duration;

use ipc_io::{Caps, Channel, Control, Interest};
use ipc_schema::control::{Class, FromChild, ToChild};
use ipc_schema_ui::{FromSecure, Phase};

use crate::clock;
use crate::desk::{Desk, Others};
use crate::effect::{Effect, PeerId};
use crate::stack;

/// Every descriptor of the process that is not the vault's.
pub(crate) struct Ends {
    control: Control,
    net: Option<Channel>,
    guests: BTreeMap<PeerId, Channel>,
    next_guest: PeerId,
}

/// Why the loop has ended.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Ended {
    /// The launcher said so.
    Stopped,
    /// The launcher is gone.
    Orphaned,
}

impl Ends {
    pub(crate) fn new(control: OwnedFd) -> std::io::Result<Self> {
        let control = Control::from_fd(control)?;
        Ok(Self { control, net: None, guests: BTreeMap::new(), next_guest: 0 })
    }

    /// Tells the launcher that the process is locked down.
    pub(crate) fn ready(&mut self, ready: &FromChild) -> bool {
        ipc_schema::encode(ready).is_ok_and(|frame| self.control.send(&frame, None).is_ok())
    }

    /// Serves until the launcher is done with it.
    pub(crate) fn serve(&mut self, desk: &mut Desk) -> std::io::Result<Ended> {
        loop {
            if !self.flush(desk) {
                return Ok(Ended::Orphaned);
            }
            self.wait(desk)?;
            let (now, mono) = (clock::now(), ipc_io::now());
            if let Some(ended) = self.take_control(desk, mono) {
                return Ok(ended);
            }
            self.take_net(desk, mono);
            self.take_guests(desk, mono);
            desk.tick(now);
            for effect in desk.settle(now) {
                self.carry_out(desk, effect);
            }
            // Before anybody hears of the step: after `lock` no key is left by then.
            stack::wipe();
        }
    }

    fn wait(&self, desk: &Desk) -> std::io::Result<()> {
        let mut interests: Vec<Interest<'_>> = vec![self.control.interest()];
        let mut stalls = vec![self.control.stalled_at()];
        if let Some(net) = &self.net {
            interests.push(net.interest());
            stalls.push(net.stalled_at());
        }
        for guest in self.guests.values() {
            // Whoever does not read its answers is not listened to.
            interests.push(if guest.waiting() > PATIENCE {
                Interest::close(guest).and_write(true)
            } else {
                guest.interest()
            });
            stalls.push(guest.stalled_at());
        }
        let mono = ipc_io::now();
        let stall = stalls.into_iter().flatten().min().map(|at| at.saturating_sub(mono));
        let wake = desk.wake_at().map(|at| at.0.saturating_sub(clock::now().0));
        // What a lost peer left to say is said at once.
        let owed = desk.owes().then_some(0);
        let timeout = stall.into_iter().chain(wake).chain(owed).min().map(Duration::from_millis);
        ipc_io::poll(&mut interests, timeout).map(drop)
    }

    fn take_control(&mut self, desk: &mut Desk, mono: u64) -> Option<Ended> {
        self.control.fill(mono);
        loop {
            let (frame, descriptor) = match self.control.next_frame() {
                Ok(Some(parcel)) => parcel,
                Ok(None) => return None,
                Err(_) => return Some(Ended::Orphaned),
            };
            match (ipc_schema::decode::<ToChild>(&frame), descriptor) {
                (Ok(ToChild::Attach { class, generation }), Some(end)) => {
                    self.attach(desk, class, generation, end);
                }
                (Ok(ToChild::Stop), _) => return Some(Ended::Stopped),
                (Ok(ToChild::Peers { net, window, net_starts, forbidden_calls }), _) => {
                    desk.others = Others { net, window, net_starts, forbidden_calls };
                }
                // The launcher is of the same build: anything else is not the launcher.
                (Ok(ToChild::Attach { .. }), None) | (Err(_), _) => return Some(Ended::Orphaned),
            }
        }
    }

    fn attach(&mut self, desk: &mut Desk, class: Class, generation: u32, end: OwnedFd) {
        match class {
            Class::Net => {
                self.net = Channel::from_fd(end, Caps::NET).ok();
                desk.net_came(clock::now(), generation);
            }
            Class::Window | Class::CommandLine | Class::MemberTool => {
                let Ok(channel) = Channel::from_fd(end, Caps::SECURE_TO_UI) else {
                    return;
                };
                self.next_guest = self.next_guest.wrapping_add(1);
                self.guests.insert(self.next_guest, channel);
                desk.enter(self.next_guest, class);
            }
            // Nobody is connected to itself.
            Class::Secure => {}
        }
    }

    fn take_net(&mut self, desk: &mut Desk, mono: u64) {
        let Some(net) = &mut self.net else { return };
        net.fill(mono);
        loop {
            let kept = match net.next_frame() {
                Ok(None) => return,
                Ok(Some(frame)) => desk.hear_net(clock::now(), &frame),
                Err(_) => false,
            };
            if !kept {
                self.net = None;
                desk.net_went(clock::now());
                return;
            }
        }
    }

    fn take_guests(&mut self, desk: &mut Desk, mono: u64) {
        let mut gone = Vec::new();
        for (peer, channel) in &mut self.guests {
            if channel.waiting() > PATIENCE {
                continue;
            }
            channel.fill(mono);
            loop {
                match channel.next_frame() {
                    Ok(None) => break,
                    Ok(Some(frame)) => desk.hear(clock::now(), *peer, &frame),
                    Err(_) => {
                        gone.push(*peer);
                        break;
                    }
                }
            }
        }
        for peer in gone {
            self.guests.remove(&peer);
            desk.leave(peer);
        }
    }

    fn carry_out(&mut self, desk: &mut Desk, effect: Effect) {
        match effect {
            Effect::Net(order) => {
                let Some(net) = &mut self.net else { return };
                let sent = ipc_schema::encode(&order).is_ok_and(|frame| net.send(&frame).is_ok());
                if !sent {
                    self.net = None;
                    desk.net_went(clock::now());
                }
            }
            Effect::Tell(peer, message) => self.tell(desk, peer, &message),
            Effect::Drop(peer) => {
                if let Some(mut channel) = self.guests.remove(&peer) {
                    // A last word is a courtesy.
                    let _ = channel.flush();
                }
            }
        }
    }

    fn tell(&mut self, desk: &mut Desk, peer: PeerId, message: &FromSecure) {
        let Some(channel) = self.guests.get_mut(&peer) else {
            return;
        };
        let Ok(frame) = ipc_schema::encode(message).map(zeroize::Zeroizing::new) else {
            return;
        };
        if channel.send(&frame).is_err() {
            self.guests.remove(&peer);
            desk.leave(peer);
        }
    }

    /// Sends what can be sent now. `false`: the launcher is gone.
    fn flush(&mut self, desk: &mut Desk) -> bool {
        if self.control.flush().is_err() {
            return false;
        }
        if self.net.as_mut().is_some_and(|net| net.flush().is_err()) {
            self.net = None;
            desk.net_went(clock::now());
        }
        let locked = desk.phase() != Phase::Unlocked;
        let mut gone = Vec::new();
        for (peer, channel) in &mut self.guests {
            // What waits for somebody who does not read must not outlive the open vault.
            if channel.flush().is_err() || (locked && channel.wants_write()) {
                gone.push(*peer);
            }
        }
        for peer in gone {
            self.guests.remove(&peer);
            desk.leave(peer);
        }
        true
    }
}

/// A guest with so many bytes waiting for it is not listened to until it reads.
const PATIENCE: usize = ipc_schema::CAP_TO_UI;
