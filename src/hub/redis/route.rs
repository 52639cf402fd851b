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
    /// The stream's own server, or the one to ask for it.
    owner: ConnectionAddr,
    /// The servers to try in turn; the first ones are the URL's.
    known: Vec<ConnectionAddr>,
    named: usize,
    /// Whose turn it is.
    turn: usize,
}

impl Route {
    /// To these servers, of which the URL names at least one.
    pub(super) fn new(first: ConnectionAddr, others: Vec<ConnectionAddr>) -> Self {
        let owner = first.clone();
        let known: Vec<_> = std::iter::once(first).chain(others).collect();
        let named = known.len();
        Self(Mutex::new(State { owner, known, named, turn: 1 }))
    }

    pub(super) fn target(&self) -> Target {
        Target { addr: lock(&self.0).owner.clone(), is_asking: false }
    }

    /// The other server that this one's refusal names. If it has the stream for good, whoever asks
    /// next begins there.
    pub(super) fn follow(&self, from: &Target, error: &RedisError) -> Option<Target> {
        let (to, _) = error.redirect_node()?;
        let addr = moved(&from.addr, to)?;
        let target = Target { addr, is_asking: error.code() == Some("ASK") };
        if target == *from {
            return None;
        }
        if !target.is_asking {
            lock(&self.0).owner = target.addr.clone();
        }
        Some(target)
    }

    /// This server is of no use: it is the next one's turn.
    pub(super) fn pass_by(&self, addr: &ConnectionAddr) {
        let mut state = lock(&self.0);
        // Somebody else may have gone on already.
        if state.owner == *addr {
            // In a circle, whoever failed: those who name it would else be asked again and again.
            let turn = state.turn % state.known.len();
            state.owner = state.known[turn].clone();
            state.turn = turn + 1;
        }
    }

    /// Remembers the servers of a cluster: what this one says of its slots.
    pub(super) fn learn(&self, from: &Target, slots: &Value) {
        let found = servers(slots).filter_map(|(host, port)| with_address(&from.addr, host, port));
        let mut state = lock(&self.0);
        let mut known = state.known[..state.named].to_vec();
        for addr in found {
            if known.len() < state.named + REMEMBERED && !known.contains(&addr) {
                known.push(addr);
            }
        }
        // Nothing is better than what was known, but something is.
        if known.len() > state.named {
            state.known = known;
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

    fn moved_to(addr: &str) -> RedisError {
        error(ServerErrorKind::Moved, &format!("12182 {addr}"))
    }

    #[test]
    fn a_redirection_is_followed() {
        let route = Route::new(tcp("a", 1), Vec::new());
        let from = route.target();
        assert_eq!(route.follow(&from, &moved_to("b:2")), Some(at(tcp("b", 2))));
        assert_eq!(route.target(), at(tcp("b", 2)));
    }

    #[test]
    fn a_stream_on_its_way_is_asked_for_where_it_came_from() {
        let route = Route::new(tcp("a", 1), Vec::new());
        let asking = Target { addr: tcp("b", 2), is_asking: true };
        let ask = error(ServerErrorKind::Ask, "12182 b:2");
        assert_eq!(route.follow(&route.target(), &ask), Some(asking.clone()));
        assert_eq!(route.target(), at(tcp("a", 1)));
        // It has arrived, or has gone back.
        assert_eq!(route.follow(&asking, &moved_to("b:2")), Some(at(tcp("b", 2))));
        assert_eq!(route.follow(&asking, &moved_to("a:1")), Some(at(tcp("a", 1))));
    }

    #[test]
    fn what_leads_nowhere_is_not_followed() {
        let route = Route::new(tcp("a", 1), Vec::new());
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
            assert_eq!(route.follow(&from, &error), None, "{error}");
            assert_eq!(route.target(), from, "{error}");
        }
    }

    /// The servers that are asked when each one fails.
    fn turns(route: &Route, count: usize) -> Vec<ConnectionAddr> {
        let turn = |_| {
            let Target { addr, .. } = route.target();
            route.pass_by(&addr);
            addr
        };
        (0..count).map(turn).collect()
    }

    #[test]
    fn servers_are_tried_in_turn_beginning_with_the_urls() {
        let route = Route::new(tcp("a", 1), Vec::new());
        assert_eq!(turns(&route, 2), [tcp("a", 1), tcp("a", 1)], "there is no other one");
        let servers = vec![
            server(text("a"), 1),
            server(text("b"), 2),
            server(Value::Nil, 3),
            server(text("b"), 2),
            server(Value::Int(4), 4),
            server(text("e"), 65_536),
        ];
        route.learn(&route.target(), &slots(servers));
        assert_eq!(turns(&route, 4), [tcp("a", 1), tcp("b", 2), tcp("a", 3), tcp("a", 1)]);
    }

    #[test]
    fn all_that_the_url_names_are_tried_and_never_forgotten() {
        let route = Route::new(tcp("a", 1), vec![tcp("b", 2), tcp("c", 3)]);
        route.learn(&route.target(), &slots(vec![server(text("d"), 4), server(text("b"), 2)]));
        let expected = [tcp("a", 1), tcp("b", 2), tcp("c", 3), tcp("d", 4), tcp("a", 1)];
        assert_eq!(turns(&route, 5), expected);
    }

    #[test]
    fn one_that_is_away_is_passed_by_once_and_only_if_it_is_the_target() {
        let route = Route::new(tcp("a", 1), vec![tcp("b", 2), tcp("c", 3)]);
        route.pass_by(&tcp("a", 1));
        route.pass_by(&tcp("a", 1));
        assert_eq!(route.target(), at(tcp("b", 2)));
    }

    #[test]
    fn one_that_leads_to_a_dead_server_does_not_hide_the_others() {
        let route = Route::new(tcp("dead", 1), vec![tcp("stale", 2), tcp("knows", 3)]);
        let mut asked = Vec::new();
        for _ in 0..3 {
            let Target { addr, .. } = route.target();
            if addr == tcp("stale", 2) {
                route.follow(&at(addr.clone()), &moved_to("dead:1"));
            }
            asked.push(addr);
            route.pass_by(&route.target().addr);
        }
        assert!(asked.contains(&tcp("knows", 3)), "{asked:?}");
    }

    #[test]
    fn what_is_remembered_has_a_bound_and_is_replaced_by_something() {
        let route = Route::new(tcp("a", 1), Vec::new());
        let many = (0..1_000).map(|port| server(text("b"), port)).collect();
        route.learn(&route.target(), &slots(many));
        assert_eq!(lock(&route.0).known.len(), 1 + REMEMBERED);
        for nothing in [Value::Nil, Value::Array(vec![Value::Int(1)]), slots(Vec::new())] {
            route.learn(&route.target(), &nothing);
            assert_eq!(lock(&route.0).known.len(), 1 + REMEMBERED);
        }
        route.learn(&route.target(), &slots(vec![server(text("c"), 3)]));
        assert_eq!(lock(&route.0).known, [tcp("a", 1), tcp("c", 3)]);
    }
}
