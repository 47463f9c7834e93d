//! Memory over many frames; alone in its process, since it measures the process.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

use ipc_io::{Caps, Channel, now, pair};

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Sends `count` frames of mixed sizes each way.
fn exchange(left: &mut Channel, right: &mut Channel, count: usize) {
    let body = vec![0x5a; 512];
    let mut arrived = [0_usize; 2];
    for index in 0..count {
        let frame = &body[..1 + index * 37 % 512];
        left.send(frame).unwrap();
        right.send(frame).unwrap();
        for channel in [&mut *left, &mut *right] {
            channel.flush().unwrap();
        }
        for (channel, arrived) in [&mut *left, &mut *right].into_iter().zip(&mut arrived) {
            channel.fill(now());
            while channel.next_frame().unwrap().is_some() {
                *arrived += 1;
            }
        }
    }
    assert_eq!(arrived, [count; 2]);
}

/// `IPC-IO-06`
#[test]
fn a_hundred_thousand_frames_leave_less_than_a_mebibyte() {
    let (near, far) = pair().unwrap();
    let mut left = Channel::from_fd(near, Caps::NET).unwrap();
    let mut right = Channel::from_fd(far, Caps::NET).unwrap();
    exchange(&mut left, &mut right, 100);
    let before = resident_kib();
    exchange(&mut left, &mut right, 100_000);
    let grown = resident_kib().saturating_sub(before);
    assert!(grown < 1024, "{grown} KiB");
}
