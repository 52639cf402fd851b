//! The bytes of a connection that the kernel holds.

use std::{collections::HashMap, fs};

use crate::Result;

/// The bytes between a server and its client, by the client's port: those in the server's send
/// queue and those in the client's receive queue.
pub(crate) fn queued(server: u16) -> Result<HashMap<u16, u64>> {
    let mut queued = HashMap::new();
    for line in fs::read_to_string("/proc/net/tcp")?.lines().skip(1) {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let mut field = || fields.next().ok_or("a line of /proc/net/tcp is too short");
        let (local, remote, _, queues) = (port(field()?)?, port(field()?)?, field()?, field()?);
        let (send, receive) = queues.split_once(':').ok_or("no queues in /proc/net/tcp")?;
        if local == server {
            *queued.entry(remote).or_default() += u64::from_str_radix(send, 16)?;
        } else if remote == server {
            *queued.entry(local).or_default() += u64::from_str_radix(receive, 16)?;
        }
    }
    Ok(queued)
}

fn port(address: &str) -> Result<u16> {
    let (_, port) = address.split_once(':').ok_or("no port in /proc/net/tcp")?;
    Ok(u16::from_str_radix(port, 16)?)
}
