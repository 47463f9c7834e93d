use std::io;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixStream};

use crate::{Probe, attempt, call};

pub(crate) const PROBES: &[(&str, Probe)] = &[
    ("tcp-connect", |scene| {
        let port = scene.value::<u16>("tcp")?;
        Ok(Box::new(move || TcpStream::connect(("127.0.0.1", port)).map(drop)))
    }),
    ("tcp-listen", |_| Ok(Box::new(|| TcpListener::bind("127.0.0.1:0").map(drop)))),
    ("tcp-listen-unbound", |_| {
        Ok(Box::new(|| {
            let socket = socket(libc::AF_INET, libc::SOCK_STREAM, 0)?;
            attempt(libc::SYS_listen, [socket, 1, 0, 0, 0, 0])
        }))
    }),
    ("udp-send", |scene| {
        let port = scene.value::<u16>("udp")?;
        Ok(Box::new(move || {
            UdpSocket::bind("127.0.0.1:0")?.send_to(b"probe", ("127.0.0.1", port)).map(drop)
        }))
    }),
    ("inet6-socket", |_| Ok(Box::new(|| socket(libc::AF_INET6, libc::SOCK_DGRAM, 0).map(drop)))),
    ("unix-connect", |scene| {
        let path = scene.value::<String>("unix")?;
        Ok(Box::new(move || UnixStream::connect(path).map(drop)))
    }),
    ("abstract-connect", |scene| {
        let address = SocketAddr::from_abstract_name(scene.value::<String>("abstract")?)?;
        Ok(Box::new(move || UnixStream::connect_addr(&address).map(drop)))
    }),
    ("socket-pair", |_| Ok(Box::new(|| UnixStream::pair().map(drop)))),
    ("datagram-pair", |_| Ok(Box::new(|| UnixDatagram::pair().map(drop)))),
    ("netlink-socket", |_| {
        Ok(Box::new(|| socket(libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_ROUTE).map(drop)))
    }),
    ("vsock-socket", |_| Ok(Box::new(|| socket(libc::AF_VSOCK, libc::SOCK_STREAM, 0).map(drop)))),
    ("raw-socket", |_| {
        Ok(Box::new(|| socket(libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_ICMP).map(drop)))
    }),
    ("packet-socket", |_| Ok(Box::new(|| socket(libc::AF_PACKET, libc::SOCK_RAW, 0).map(drop)))),
];

fn socket(family: i32, kind: i32, protocol: i32) -> io::Result<usize> {
    let argument = |number: i32| usize::try_from(number).map_err(io::Error::other);
    let arguments = [argument(family)?, argument(kind)?, argument(protocol)?, 0, 0, 0];
    usize::try_from(call(libc::SYS_socket, arguments)?).map_err(io::Error::other)
}
