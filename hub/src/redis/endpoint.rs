//! The address of a stream, and connections to it.

use std::{sync::Arc, time::Duration};

use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, ErrorKind, IntoConnectionInfo,
    ProtocolVersion, RedisError, RedisResult, io::tcp::TcpSettings,
};
use tokio::time::timeout;

use super::{
    connection::{Connection, Failure},
    route::Route,
};
use crate::error::Error;

/// How long it may take to connect.
pub(super) const CONNECT: Duration = Duration::from_secs(2);
/// How long an answer may take, beyond the time that the command itself waits.
pub(super) const ANSWER: Duration = Duration::from_secs(4);
/// How many redirections are followed, one after the other.
pub(super) const REDIRECTIONS: usize = 5;

/// A stream, and the way to it.
pub(super) struct Endpoint {
    pub(super) stream: String,
    info: ConnectionInfo,
    route: Arc<Route>,
}

impl Endpoint {
    pub(super) fn new(url: &str, stream: &str) -> Result<Self, Error> {
        if url.starts_with("rediss:") && !cfg!(feature = "redis-rustls") {
            return Err(Error::invalid_url("TLS needs the feature `redis-rustls`"));
        }
        if is_ambiguous(url) {
            return Err(Error::invalid_url(AMBIGUOUS));
        }
        // The client's own errors may show a part of the URL: a password, say.
        let wrong = |_: RedisError| Error::invalid_url(FORM);
        let (first, others) = each(url);
        let info: ConnectionInfo = first.as_str().into_connection_info().map_err(wrong)?;
        let addr_of = |url: &String| Ok(url.as_str().into_connection_info()?.addr().clone());
        let others: RedisResult<Vec<_>> = others.iter().map(addr_of).collect();
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP2);
        let tcp = TcpSettings::default().set_nodelay(true);
        let info = info.set_redis_settings(settings).set_tcp_settings(tcp);
        #[cfg(feature = "redis-rustls")]
        if matches!(info.addr(), ConnectionAddr::TcpTls { .. }) && !has_cryptography() {
            return Err(Error::invalid_url(NO_CRYPTOGRAPHY));
        }
        let has_secret = info.redis_settings().password().is_some();
        let route = Route::new(info.addr().clone(), others.map_err(wrong)?, has_secret);
        let route = Arc::new(route);
        Client::open(info.clone()).map_err(wrong)?;
        Ok(Self { stream: stream.to_owned(), info, route })
    }

    /// The key of the endings of streams: in a cluster it is where the stream is.
    pub(super) fn endings(&self) -> String {
        let stream = &self.stream;
        let has_tag = stream.split_once('{').and_then(|(_, rest)| rest.find('}'));
        if has_tag.is_some_and(|len| len > 0) {
            format!("{stream}:endings")
        } else {
            format!("{{{stream}}}:endings")
        }
    }

    /// A connection to the server that has the stream, whose answers may take so long.
    pub(super) async fn connect(&self, answer: Duration) -> Result<Connection, Failure> {
        let mut addr = self.route.owner();
        let mut redirections = 0;
        loop {
            let failure = match self.open(&addr, answer).await {
                Ok(connection) => return Ok(connection),
                Err(failure) => failure,
            };
            match failure.redirection() {
                Some(to) if redirections < REDIRECTIONS => addr = to.clone(),
                _ => {
                    if !failure.is_moving() {
                        self.route.pass_by(&addr);
                    }
                    return Err(failure);
                }
            }
            redirections += 1;
        }
    }

    /// A connection to this server, which has the stream.
    async fn open(&self, addr: &ConnectionAddr, answer: Duration) -> Result<Connection, Failure> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(answer));
        let failed = |error| Failure::new(error, addr);
        let opened = async {
            let client = Client::open(self.info.clone().set_addr(addr.clone()))?;
            client.get_multiplexed_async_connection_with_config(&config).await
        };
        let inner = opened.await.map_err(failed)?;
        let mut connection = Connection::new(inner, addr.clone(), self.route.clone());
        match timeout(ANSWER, connection.probe(&self.stream)).await {
            Ok(probed) => probed.map(|()| connection),
            Err(_) => Err(failed((ErrorKind::Io, "timed out").into())),
        }
    }
}

/// The form of a URL.
const FORM: &str = "it has the form `redis://[[user]:password@]host[:port][,..][/database]`, \
    `rediss://` for TLS, or `redis+unix:///path`";

/// The URLs of all hosts that this one names, `scheme://user@host,host/path`.
fn each(url: &str) -> (String, Vec<String>) {
    let scheme = url.find("://").map_or(0, |at| at + 3);
    let end = url[scheme..].find(['/', '?', '#']).map_or(url.len(), |at| scheme + at);
    let hosts = url[scheme..end].rfind('@').map_or(scheme, |at| scheme + at + 1);
    let mut urls =
        url[hosts..end].split(',').map(|host| [&url[..hosts], host, &url[end..]].concat());
    (urls.next().unwrap_or_default(), urls.collect())
}

const AMBIGUOUS: &str = "a `#`, or an `@` after the host, may be a part of a password: \
    percent-encode what stands before the host";

/// Whether a part of a password may have been taken for the host, or for what follows it: that
/// would be shown, and sent to a name server.
fn is_ambiguous(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    if scheme.contains("unix") {
        return false;
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let has_fragment = rest.contains('#') && !rest.ends_with("#insecure");
    rest[end..].contains('@') || has_fragment
}

#[cfg(feature = "redis-rustls")]
const NO_CRYPTOGRAPHY: &str = "TLS needs a provider of cryptography, and the program has none: \
    call rustls' `CryptoProvider::install_default` at its start";

/// Whether the program has chosen a provider. The client would choose one for the whole program, or
/// panic.
#[cfg(feature = "redis-rustls")]
fn has_cryptography() -> bool {
    rustls::crypto::CryptoProvider::get_default().is_some()
}

#[cfg(test)]
mod tests {
    use super::{Endpoint, each};

    #[test]
    fn a_url_may_name_several_hosts() {
        for (url, expected) in [
            ("redis://a", &["redis://a"][..]),
            ("redis://a,b:2", &["redis://a", "redis://b:2"]),
            ("redis://u:p,@a:1,b/3", &["redis://u:p,@a:1/3", "redis://u:p,@b/3"]),
            ("rediss://u:p@[::1]:1,[::2]/", &["rediss://u:p@[::1]:1/", "rediss://u:p@[::2]/"]),
            ("redis://a,b?x=1,2", &["redis://a?x=1,2", "redis://b?x=1,2"]),
            ("redis+unix:///a,b@c", &["redis+unix:///a,b@c"]),
            ("redis://a,", &["redis://a", "redis://"]),
            ("", &[""]),
            ("a,b", &["a", "b"]),
        ] {
            let (first, others) = each(url);
            let all: Vec<_> = std::iter::once(first).chain(others).collect();
            assert_eq!(all, expected, "{url}");
        }
    }

    fn error(url: &str) -> String {
        let error = Endpoint::new(url, "s").err().map(|error| {
            assert!(error.is_invalid_url());
            format!("{error:?} {error:#}")
        });
        error.unwrap_or_default()
    }

    #[test]
    fn what_may_be_a_password_is_neither_used_as_a_host_nor_shown() {
        for url in [
            "redis://admin:12345#secret@db.test:6379/",
            "redis://admin:12345?secret@db.test:6379/",
            "redis://admin:12345/secret@db.test:6379/",
            "redis://admin:12345#secret",
            "redis://:12345#secret@db.test/",
            "redis://admin:secret@db.test:12345x/",
            "redis://admin:secret@db.test/12345secret",
            "redis://a,admin:12345#secret@db.test/",
            "rediss://admin:12345#secret@db.test/#insecure",
            "https://admin:12345secret@db.test/",
            "secret12345",
        ] {
            let error = error(url);
            assert!(!error.is_empty(), "{url}");
            assert!(!error.contains("secret") && !error.contains("12345"), "{url}: {error}");
        }
        for url in ["redis://admin:p%23w@db.test/1", "redis://:a@b@db.test", "redis+unix:///a@b#c"]
        {
            assert_eq!(error(url), "", "{url}");
        }
    }

    #[cfg(feature = "redis-rustls")]
    #[test]
    fn no_provider_of_cryptography_is_chosen_for_the_program() {
        let error = error("rediss://localhost/");
        assert!(error.contains("install_default"), "{error}");
        assert!(rustls::crypto::CryptoProvider::get_default().is_none());
    }
}
