//! A Redis server for one test, on a Unix socket in its own directory.
//!
//! The directory is in memory if possible: with a busy disk, a server may lose acknowledged
//! entries, because it writes them later.

use std::{
    env, fs,
    hash::{BuildHasher, Hasher, RandomState},
    io::{self, ErrorKind, Write},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{self, Child, Command, Stdio},
    sync::{
        Once,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use redis::{AsyncConnectionConfig, Client, Cmd, FromRedisValue, aio::MultiplexedConnection};

use tokio::time::{sleep, timeout};

use crate::PATIENCE;

/// The ids and the fields.
type Entries = Vec<(String, Vec<String>)>;

/// The stream at a time.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// In milliseconds since 1970.
    pub at: u64,
    /// The ids and the data of the events.
    pub entries: Vec<(String, String)>,
}

#[derive(Debug)]
pub struct Server {
    directory: PathBuf,
    args: Vec<String>,
    child: Option<Child>,
}

impl Server {
    /// Starts a server, with these further arguments. `None` if Redis is not installed, nor
    /// required.
    ///
    /// # Panics
    ///
    /// Redis is required but not installed, or does not start.
    #[must_use]
    pub fn start(args: &[&str]) -> Option<Self> {
        Self::try_start(args).unwrap()
    }

    /// Starts a server that also listens on a free port, which is given by the option `option`.
    /// The ports at the distance `above` are free, too.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    #[must_use]
    pub fn start_on_port(option: &str, above: u16, args: &[&str]) -> Option<(Self, u16)> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let port = free_port(above);
            let text = port.to_string();
            match Self::try_start(&[&["--bind", "127.0.0.1", option, &text], args].concat()) {
                Ok(server) => return Some((server?, port)),
                Err(error) if error.kind() == ErrorKind::AddrInUse && attempts < 10 => {}
                Err(error) => panic!("{error}"),
            }
        }
    }

    fn try_start(args: &[&str]) -> io::Result<Option<Self>> {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let directory = parent().join(format!("sse-redis-{}-{number}", process::id()));
        fs::create_dir_all(&directory)?;
        let args = args.iter().map(ToString::to_string).collect();
        let mut server = Self { directory, args, child: None };
        match server.spawn() {
            Ok(()) => Ok(Some(server)),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let program = program();
                let message = format!(
                    "these tests need {program}: install redis-server, or name another program \
                     in SSE_REDIS_SERVER"
                );
                let is_required =
                    ["CI", "SSE_REQUIRE_REDIS"].iter().any(|name| env::var_os(name).is_some());
                assert!(!is_required, "{message}");
                skip(&message);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// A primary and its replica, each with its port.
    pub async fn pair() -> Option<[(Self, u16); 2]> {
        let args = ["--repl-diskless-sync-delay", "0"];
        let primary = Self::start_on_port("--port", 0, &args)?;
        let of = ["--replicaof", "127.0.0.1", &primary.1.to_string()];
        let replica = Self::start_on_port("--port", 0, &[&args[..], &of].concat())?;
        replica.0.follows().await;
        Some([primary, replica])
    }

    /// A port is busy for a moment if another test looks whether it is free, or has just started a
    /// process, which has all sockets until it runs its program.
    fn spawn(&mut self) -> io::Result<()> {
        let start = Instant::now();
        loop {
            match self.spawn_once() {
                Err(error)
                    if error.kind() == ErrorKind::AddrInUse
                        && start.elapsed() < Duration::from_secs(1) =>
                {
                    std::thread::sleep(Duration::from_millis(50));
                }
                result => return result,
            }
        }
    }

    fn spawn_once(&mut self) -> io::Result<()> {
        let log = fs::File::create(self.directory.join("log"))?;
        let mut command = Command::new(program());
        command
            .current_dir(&self.directory)
            .args(["--port", "0", "--unixsocket", "s", "--save", "", "--daemonize", "no"])
            .args(["--dir", "."])
            .args(&self.args)
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(Stdio::inherit());
        let _ = fs::remove_file(self.socket());
        self.child = Some(command.spawn()?);
        let start = Instant::now();
        while self.is_silent() {
            assert!(start.elapsed() < PATIENCE, "the server does not start");
            if self.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(Some(_)))) {
                let log = fs::read_to_string(self.directory.join("log")).unwrap_or_default();
                let kind = if log.contains("Address already in use") {
                    ErrorKind::AddrInUse
                } else {
                    ErrorKind::Other
                };
                return Err(io::Error::new(kind, format!("the server has ended: {log}")));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Whether the server does not answer yet, or still loads its log.
    fn is_silent(&self) -> bool {
        use io::{Read, Write};
        let Ok(mut socket) = std::os::unix::net::UnixStream::connect(self.socket()) else {
            return true;
        };
        let mut answer = [0; 5];
        socket.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        let asked = socket.write_all(b"PING\r\n").and_then(|()| socket.read_exact(&mut answer));
        asked.is_err() || !answer.starts_with(b"+PONG")
    }

    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.directory.join("s")
    }

    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    #[must_use]
    pub fn url(&self) -> String {
        url(&self.socket())
    }

    /// Ends the server as `kill -9` does.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    #[must_use]
    pub const fn is_running(&self) -> bool {
        self.child.is_some()
    }

    /// Starts the server again, with the data on its disk.
    ///
    /// # Panics
    ///
    /// It does not start.
    pub fn restart(&mut self) {
        self.kill();
        self.spawn().unwrap();
    }

    /// Sends the server a signal, `STOP` or `CONT`.
    ///
    /// # Panics
    ///
    /// It does not run.
    pub fn signal(&self, signal: &str) {
        let id = self.child.as_ref().unwrap().id().to_string();
        let status = Command::new("kill").args(["-s", signal, &id]).status().unwrap();
        assert!(status.success());
    }

    /// A new connection.
    ///
    /// # Panics
    ///
    /// The server is not reachable.
    pub async fn connect(&self) -> MultiplexedConnection {
        let client = Client::open(self.url()).unwrap();
        // The default timeout is half a second.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE));
        client.get_multiplexed_async_connection_with_config(&config).await.unwrap()
    }

    /// Runs a command on the server.
    ///
    /// # Panics
    ///
    /// The server refuses.
    pub async fn run<T: FromRedisValue>(&self, command: &[&str]) -> T {
        let mut connection = self.connect().await;
        line(command).query_async(&mut connection).await.unwrap()
    }

    /// Whether the server is an up-to-date replica.
    pub async fn is_up_to_date(&self) -> bool {
        let info: String = self.run(&["INFO", "replication"]).await;
        let says = |line: &str| info.lines().any(|said| said == line);
        says("role:slave") && says("master_link_status:up")
    }

    /// Waits until the server is an up-to-date replica.
    ///
    /// # Panics
    ///
    /// It does not become one in time.
    pub async fn follows(&self) {
        let follows = async {
            while !self.is_up_to_date().await {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, follows).await.expect("it becomes a replica");
    }

    /// Waits until the server answers with these lines.
    ///
    /// # Panics
    ///
    /// It does not.
    pub async fn says(&self, command: &[&str], expected: &[&str]) {
        let said = async {
            loop {
                let info: String = self.run(command).await;
                if expected.iter().all(|line| info.lines().any(|said| said == *line)) {
                    return;
                }
                sleep(Duration::from_millis(20)).await;
            }
        };
        let said = timeout(PATIENCE, said).await;
        said.unwrap_or_else(|_| panic!("waited too long: {expected:?}"));
    }

    /// Whether the server counts all entries ever added to a stream, as Redis 7 and later do.
    /// Otherwise the first entry of an emptied stream may not be the first ever.
    pub async fn counts_entries(&self) -> bool {
        let info: String = self.run(&["INFO", "server"]).await;
        !info.contains("redis_version:6.")
    }

    /// The events of the stream.
    ///
    /// # Panics
    ///
    /// The server refuses.
    pub async fn snapshot(&self, stream: &str) -> Snapshot {
        let mut both = redis::pipe();
        both.atomic().cmd("TIME").cmd("XRANGE").arg(stream).arg("-").arg("+");
        let answer = both.query_async(&mut self.connect().await).await.unwrap();
        let ((seconds, micros), log): ((u64, u64), Entries) = answer;
        Snapshot { at: seconds * 1_000 + micros / 1_000, entries: events(log) }
    }

    /// All entries of the stream: ids and fields.
    pub async fn log(&self, stream: &str) -> Entries {
        let mut log: Entries = self.run(&["XRANGE", stream, "-", "+"]).await;
        log.retain(|(_, fields)| fields[0] != "mark");
        log
    }
}

/// The ids and the data of those entries that are events.
fn events(log: Entries) -> Vec<(String, String)> {
    let event = |(id, fields): (String, Vec<String>)| {
        let data = fields.chunks_exact(2).find(|field| field[0] == "data")?;
        Some((id, data[1].clone()))
    };
    log.into_iter().filter_map(event).collect()
}

/// The command with these words.
#[must_use]
pub fn line(words: &[&str]) -> Cmd {
    let mut command = Cmd::new();
    for word in words {
        command.arg(word);
    }
    command
}

#[must_use]
pub fn url(socket: &Path) -> String {
    format!("redis+unix://{}", socket.display())
}

fn parent() -> PathBuf {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { memory.to_owned() } else { env::temp_dir() }
}

/// A free port of this machine; the port at the distance `above` is free, too.
fn free_port(above: u16) -> u16 {
    // Below the system's range for outgoing connections.
    const FIRST: u64 = 10_000;
    const COUNT: u64 = 12_000;
    loop {
        let random = RandomState::new().build_hasher().finish();
        let port = (FIRST + random % COUNT) as u16;
        let is_free = |port| TcpListener::bind(("127.0.0.1", port)).is_ok();
        if is_free(port) && is_free(port + above) {
            return port;
        }
    }
}

/// Prints once that this suite is skipped. The test harness hides the output of `eprintln`, except
/// for failures.
fn skip(reason: &str) {
    static SAID: Once = Once::new();
    SAID.call_once(|| {
        let suite = env::current_exe().unwrap_or_default();
        let suite = suite.file_stem().unwrap_or_default().to_string_lossy();
        let suite = suite.rsplit_once('-').map_or(&*suite, |(name, _)| name);
        let _ = writeln!(io::stderr(), "SKIPPED the suite test-redis/{suite}: {reason}");
    });
}

fn program() -> String {
    env::var("SSE_REDIS_SERVER").unwrap_or_else(|_| "redis-server".into())
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        let _ = fs::remove_dir_all(&self.directory);
    }
}
