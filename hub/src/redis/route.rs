//! The server that has the stream: the URL's or, in a cluster, the one that other servers name.
//!
//! The Redis client has a cluster connection of its own, which is of no use here: it spends one
//! budget of retries on redirections and on time-outs, so it may send an `XADD` twice, and it
//! connects to every server of the cluster. A server that refuses a command and names another one
//! has not run it: such a command, and no other, is sent again.

use redis::{ConnectionAddr, RedisError};

use crate::sync::{Mutex, lock};

const LOOPBACK: &str = "127.0.0.1";

/// The way to the stream, as it is known now. All connections share it.
pub(super) struct Route {
    state: Mutex<State>,
    /// Whether the server is given a password.
    has_secret: bool,
}

struct State {
    /// The server that has the stream, or can name it.
    owner: ConnectionAddr,
    /// The servers of the URL, to be tried in turn.
    named: Vec<ConnectionAddr>,
    turn: usize,
}

impl Route {
    /// A route to the servers that the URL names.
    pub(super) fn new(
        first: ConnectionAddr,
        others: Vec<ConnectionAddr>,
        has_secret: bool,
    ) -> Self {
        let owner = first.clone();
        let named = std::iter::once(first).chain(others).collect();
        Self { state: Mutex::new(State { owner, named, turn: 1 }), has_secret }
    }

    pub(super) fn owner(&self) -> ConnectionAddr {
        lock(&self.state).owner.clone()
    }

    /// The other server that has the stream, if this one's refusal names it; the next connection
    /// goes there.
    ///
    /// `ASK` names a server that is about to get the stream: not followed, as a plain retry finds
    /// it once it is there.
    pub(super) fn follow(
        &self,
        from: &ConnectionAddr,
        error: &RedisError,
    ) -> Option<ConnectionAddr> {
        let (to, _) = error.redirect_node().filter(|_| error.code() == Some("MOVED"))?;
        // A password for a socket of this machine does not go over a network, in plain text.
        if self.has_secret && matches!(from, ConnectionAddr::Unix(_)) {
            return None;
        }
        let to = moved(from, to).filter(|to| to != from)?;
        lock(&self.state).owner = to.clone();
        Some(to)
    }

    /// Moves on from a useless server to the next one of the URL.
    pub(super) fn pass_by(&self, addr: &ConnectionAddr) {
        let mut state = lock(&self.state);
        // Another connection may have gone on already.
        if state.owner == *addr {
            // Round robin: otherwise only servers that name a dead one might be asked.
            let turn = state.turn % state.named.len();
            state.owner = state.named[turn].clone();
            state.turn = turn + 1;
        }
    }
}

/// The address `host:port` that a server has named. A host may contain colons; without one it is
/// the server's own.
fn moved(from: &ConnectionAddr, to: &str) -> Option<ConnectionAddr> {
    let (host, port) = to.rsplit_once(':')?;
    with_address(from, host, port.parse().ok()?)
}

/// Another host and port, with TLS if this address has it.
fn with_address(from: &ConnectionAddr, host: &str, port: u16) -> Option<ConnectionAddr> {
    let mut addr = from.clone();
    // `?` stands for a host that the server does not know.
    let is_named = !host.is_empty() && host != "?";
    let (of_host, of_port) = match &mut addr {
        ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => (host, port),
        ConnectionAddr::Unix(_) => {
            let host = if is_named { host } else { LOOPBACK };
            return Some(ConnectionAddr::Tcp(host.to_owned(), port));
        }
        _ => return None,
    };
    if is_named {
        host.clone_into(of_host);
    }
    *of_port = port;
    Some(addr)
}

#[cfg(test)]
mod tests {
    use redis::{ErrorKind, ServerErrorKind};

    use super::*;

    fn tcp(host: &str, port: u16) -> ConnectionAddr {
        ConnectionAddr::Tcp(host.into(), port)
    }

    fn tls(host: &str, port: u16) -> ConnectionAddr {
        ConnectionAddr::TcpTls { host: host.into(), port, insecure: false, tls_params: None }
    }

    fn error(kind: ServerErrorKind, detail: &str) -> RedisError {
        (ErrorKind::Server(kind), "elsewhere", detail.to_owned()).into()
    }

    #[test]
    fn the_address_in_a_redirection_is_read() {
        for (from, to, expected) in [
            (tcp("a", 1), "10.0.0.7:6379", Some(tcp("10.0.0.7", 6379))),
            (tcp("a", 1), "2001:db8::7:6379", Some(tcp("2001:db8::7", 6379))),
            (tcp("a", 1), ":7001", Some(tcp("a", 7001))),
            (tcp("a", 1), "?:7001", Some(tcp("a", 7001))),
            (tls("a", 1), "b.test:7001", Some(tls("b.test", 7001))),
            (ConnectionAddr::Unix("/s".into()), "b:7001", Some(tcp("b", 7001))),
            (ConnectionAddr::Unix("/s".into()), ":7001", Some(tcp(LOOPBACK, 7001))),
            (tcp("a", 1), "b", None),
            (tcp("a", 1), "b:", None),
            (tcp("a", 1), "b:65536", None),
            (tcp("a", 1), "b:-1", None),
        ] {
            assert_eq!(moved(&from, to), expected, "{to}");
        }
    }

    #[test]
    fn a_redirection_is_followed() {
        let route = Route::new(tcp("a", 1), Vec::new(), false);
        assert_eq!(route.follow(&route.owner(), &moved_to("b:2")), Some(tcp("b", 2)));
        assert_eq!(route.owner(), tcp("b", 2));
    }

    #[test]
    fn a_password_for_a_socket_does_not_go_to_another_server() {
        let socket = ConnectionAddr::Unix("/s".into());
        for (has_secret, to) in [(false, Some(tcp("b", 2))), (true, None)] {
            let route = Route::new(socket.clone(), Vec::new(), has_secret);
            assert_eq!(route.follow(&socket, &moved_to("b:2")), to);
            assert_eq!(route.owner(), to.unwrap_or(socket.clone()));
        }
    }

    #[test]
    fn an_error_that_names_no_other_owner_is_not_followed() {
        let route = Route::new(tcp("a", 1), Vec::new(), false);
        let from = route.owner();
        for error in [
            error(ServerErrorKind::Moved, "12182 a:1"),
            error(ServerErrorKind::Moved, "12182 :1"),
            error(ServerErrorKind::Moved, "12182"),
            error(ServerErrorKind::Moved, "b:2"),
            error(ServerErrorKind::Moved, ""),
            error(ServerErrorKind::Ask, "12182 b:2"),
            error(ServerErrorKind::ClusterDown, "12182 b:2"),
            (ErrorKind::Io, "12182 b:2").into(),
        ] {
            assert_eq!(route.follow(&from, &error), None, "{error}");
            assert_eq!(route.owner(), from, "{error}");
        }
    }

    /// The servers that are asked when each one fails.
    fn turns(route: &Route, count: usize) -> Vec<ConnectionAddr> {
        let turn = |_| {
            let addr = route.owner();
            route.pass_by(&addr);
            addr
        };
        (0..count).map(turn).collect()
    }

    #[test]
    fn the_servers_of_the_url_are_tried_in_turn() {
        let route = Route::new(tcp("a", 1), Vec::new(), false);
        assert_eq!(turns(&route, 2), [tcp("a", 1), tcp("a", 1)], "there is no other one");
        let route = Route::new(tcp("a", 1), vec![tcp("b", 2), tcp("c", 3)], false);
        assert_eq!(turns(&route, 4), [tcp("a", 1), tcp("b", 2), tcp("c", 3), tcp("a", 1)]);
    }

    #[test]
    fn a_failed_server_is_skipped_once_and_only_while_it_is_the_owner() {
        let route = Route::new(tcp("a", 1), vec![tcp("b", 2), tcp("c", 3)], false);
        route.pass_by(&tcp("a", 1));
        route.pass_by(&tcp("a", 1));
        assert_eq!(route.owner(), tcp("b", 2));
    }

    #[test]
    fn a_server_that_names_a_dead_one_does_not_hide_the_others() {
        let route = Route::new(tcp("dead", 1), vec![tcp("stale", 2), tcp("knows", 3)], false);
        let mut asked = Vec::new();
        for _ in 0..3 {
            let addr = route.owner();
            if addr == tcp("stale", 2) {
                route.follow(&addr, &moved_to("dead:1"));
            }
            asked.push(addr);
            route.pass_by(&route.owner());
        }
        assert!(asked.contains(&tcp("knows", 3)), "{asked:?}");
    }

    fn moved_to(addr: &str) -> RedisError {
        error(ServerErrorKind::Moved, &format!("12182 {addr}"))
    }
}
