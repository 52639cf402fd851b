//! Which server has the stream: the one that the URL names or, in a cluster, the one that the
//! others name.

use redis::{ConnectionAddr, RedisError, Value};

use crate::hub::sync::{Mutex, lock};

/// How many servers of a cluster are remembered, to be asked when the stream's own is away.
const REMEMBERED: usize = 64;
const LOOPBACK: &str = "127.0.0.1";

/// A server to ask.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Target {
    pub(super) addr: ConnectionAddr,
    /// The stream is on its way to this server, which has to be told with each command.
    pub(super) is_asking: bool,
}

/// The way to the stream, as it is known now. All connections share it.
pub(super) struct Route(Mutex<State>);

struct State {
    target: Target,
    /// The servers to try in turn; the first is the URL's.
    known: Vec<ConnectionAddr>,
}

impl Route {
    pub(super) fn new(addr: ConnectionAddr) -> Self {
        let known = vec![addr.clone()];
        Self(Mutex::new(State { target: Target { addr, is_asking: false }, known }))
    }

    pub(super) fn target(&self) -> Target {
        lock(&self.0).target.clone()
    }

    /// Whether this server's refusal says which other one has the stream. If so, it is the target.
    pub(super) fn follow(&self, from: &Target, error: &RedisError) -> bool {
        let Some((to, _)) = error.redirect_node() else { return false };
        let Some(addr) = moved(&from.addr, to) else { return false };
        let target = Target { addr, is_asking: error.code() == Some("ASK") };
        let is_elsewhere = target != *from;
        if is_elsewhere {
            lock(&self.0).target = target;
        }
        is_elsewhere
    }

    /// This server cannot be reached: the next one is the target.
    pub(super) fn pass_by(&self, target: &Target) {
        let mut state = lock(&self.0);
        // Somebody else may have gone on already.
        if state.target == *target {
            let place = state.known.iter().position(|known| *known == target.addr);
            let next = place.map_or(0, |place| (place + 1) % state.known.len());
            let addr = state.known[next].clone();
            state.target = Target { addr, is_asking: false };
        }
    }

    /// Remembers the servers of a cluster: what this one says of its slots.
    pub(super) fn learn(&self, from: &Target, slots: &Value) {
        let mut state = lock(&self.0);
        state.known.truncate(1);
        for (host, port) in servers(slots) {
            let Some(addr) = with_address(&from.addr, host, port) else { continue };
            if state.known.len() < REMEMBERED && !state.known.contains(&addr) {
                state.known.push(addr);
            }
        }
    }
}

/// The address `host:port` that a server has named. A host may contain colons, and be left out:
/// then it is the server's own.
fn moved(from: &ConnectionAddr, to: &str) -> Option<ConnectionAddr> {
    let (host, port) = to.rsplit_once(':')?;
    with_address(from, host, port.parse().ok()?)
}

/// The same way to another host and port: with TLS where there was TLS.
fn with_address(from: &ConnectionAddr, host: &str, port: u16) -> Option<ConnectionAddr> {
    let mut addr = from.clone();
    // `?` is one that the server does not know.
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

/// The hosts and ports in `[[first, last, [host, port, ..], ..], ..]`. A host that the server does
/// not know is empty.
fn servers(slots: &Value) -> impl Iterator<Item = (&str, u16)> {
    let slots = array(slots).iter();
    slots.flat_map(|slot| array(slot).iter().skip(2)).filter_map(|server| {
        let [host, Value::Int(port), ..] = array(server) else { return None };
        let host = match host {
            Value::BulkString(host) => str::from_utf8(host).ok()?,
            Value::Nil => "",
            _ => return None,
        };
        Some((host, u16::try_from(*port).ok()?))
    })
}

fn array(value: &Value) -> &[Value] {
    if let Value::Array(values) = value { values } else { &[] }
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

    fn at(addr: ConnectionAddr) -> Target {
        Target { addr, is_asking: false }
    }

    fn error(kind: ServerErrorKind, detail: &str) -> RedisError {
        (ErrorKind::Server(kind), "elsewhere", detail.to_owned()).into()
    }

    fn text(text: &str) -> Value {
        Value::BulkString(text.into())
    }

    fn server(host: Value, port: i64) -> Value {
        Value::Array(vec![host, Value::Int(port), text("id"), Value::Array(Vec::new())])
    }

    fn slots(servers: Vec<Value>) -> Value {
        let range = [Value::Int(0), Value::Int(16_383)];
        Value::Array(vec![Value::Array(range.into_iter().chain(servers).collect())])
    }

    #[test]
    fn a_server_elsewhere_is_found_by_what_it_is_called() {
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
        let route = Route::new(tcp("a", 1));
        let from = route.target();
        assert!(route.follow(&from, &error(ServerErrorKind::Moved, "12182 b:2")));
        assert_eq!(route.target(), at(tcp("b", 2)));
        assert!(route.follow(&route.target(), &error(ServerErrorKind::Ask, "12182 c:3")));
        assert_eq!(route.target(), Target { addr: tcp("c", 3), is_asking: true });
        // The stream has arrived.
        assert!(route.follow(&from, &error(ServerErrorKind::Moved, "12182 c:3")));
        assert_eq!(route.target(), at(tcp("c", 3)));
    }

    #[test]
    fn what_leads_nowhere_is_not_followed() {
        let route = Route::new(tcp("a", 1));
        let from = route.target();
        for error in [
            error(ServerErrorKind::Moved, "12182 a:1"),
            error(ServerErrorKind::Moved, "12182 :1"),
            error(ServerErrorKind::Moved, "12182"),
            error(ServerErrorKind::Moved, "b:2"),
            error(ServerErrorKind::Moved, ""),
            error(ServerErrorKind::ClusterDown, "12182 b:2"),
            (ErrorKind::Io, "12182 b:2").into(),
        ] {
            assert!(!route.follow(&from, &error), "{error}");
            assert_eq!(route.target(), from, "{error}");
        }
    }

    #[test]
    fn servers_are_tried_in_turn_beginning_with_the_urls() {
        let route = Route::new(tcp("a", 1));
        route.pass_by(&route.target());
        assert_eq!(route.target(), at(tcp("a", 1)), "there is no other one");
        let servers = vec![
            server(text("a"), 1),
            server(text("b"), 2),
            server(Value::Nil, 3),
            server(text("b"), 2),
            server(Value::Int(4), 4),
            server(text("e"), 65_536),
        ];
        route.learn(&route.target(), &slots(servers));
        let turn: Vec<_> = (0..4)
            .map(|_| {
                let target = route.target();
                route.pass_by(&target);
                target.addr
            })
            .collect();
        assert_eq!(turn, [tcp("a", 1), tcp("b", 2), tcp("a", 3), tcp("a", 1)]);
    }

    #[test]
    fn one_that_is_away_is_passed_by_once_and_only_if_it_is_the_target() {
        let route = Route::new(tcp("a", 1));
        route.learn(&route.target(), &slots(vec![server(text("b"), 2), server(text("c"), 3)]));
        let first = route.target();
        route.pass_by(&first);
        route.pass_by(&first);
        assert_eq!(route.target(), at(tcp("b", 2)));
        // One that nobody knows leads back to the URL's.
        assert!(route.follow(&route.target(), &error(ServerErrorKind::Moved, "1 d:4")));
        route.pass_by(&route.target());
        assert_eq!(route.target(), at(tcp("a", 1)));
    }

    #[test]
    fn what_is_remembered_has_a_bound_and_is_replaced() {
        let route = Route::new(tcp("a", 1));
        let many = (0..1_000).map(|port| server(text("b"), port)).collect();
        route.learn(&route.target(), &slots(many));
        assert_eq!(lock(&route.0).known.len(), REMEMBERED);
        for nothing in [Value::Nil, Value::Array(vec![Value::Int(1)]), slots(Vec::new())] {
            route.learn(&route.target(), &nothing);
            assert_eq!(lock(&route.0).known, [tcp("a", 1)]);
        }
    }
}
