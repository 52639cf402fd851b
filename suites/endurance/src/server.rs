//! A server of the interop suite in a process of its own.

use std::{env, fmt::Display, fs, net::SocketAddr, process::Stdio, time::Duration};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::{self, Instant},
};

use crate::{
    Result,
    connection::{self, Connection, Options, PATIENCE},
};

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    child: Child,
    process: u32,
    // Kept open, as the server may write to it.
    _lines: Lines<BufReader<ChildStdout>>,
}

/// The resources of a process.
#[derive(Clone, Copy)]
pub(crate) struct Held {
    /// The resident memory in KiB.
    pub(crate) resident: u64,
    pub(crate) files: usize,
}

impl Server {
    /// Starts it and warms it up with some requests, so that one-time allocations do not count.
    pub(crate) async fn start(name: &str, environment: &[(&str, &str)]) -> Result<Self> {
        let program = env::current_exe()?.with_file_name("test-interop");
        let mut child = Command::new(program)
            .arg(name)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            // However this process ends, unless it is killed.
            .kill_on_drop(true)
            .spawn()?;
        let stdout = child.stdout.take().ok_or("no standard output")?;
        let process = child.id().ok_or("the server has ended")?;
        let mut lines = BufReader::new(stdout).lines();
        let line = time::timeout(PATIENCE, lines.next_line()).await??;
        let line = line.ok_or("the server has not said where it listens")?;
        let (_, address) = line.split_once("http://").ok_or("no address")?;
        let server = Self { address: address.parse()?, child, process, _lines: lines };
        for _ in 0..20 {
            Connection::open(server.address, "/idle", Options::default()).await?.head().await?;
        }
        server.until_open(0).await?;
        // The connections of these requests close a little later than their streams.
        time::sleep(Duration::from_secs(1)).await;
        Ok(server)
    }

    pub(crate) fn held(&self) -> Result<Held> {
        let files = fs::read_dir(format!("/proc/{}/fd", self.process))?.count();
        Ok(Held { resident: self.status("VmRSS:")?, files })
    }

    /// The peak of the resident memory in KiB.
    pub(crate) fn peak(&self) -> Result<u64> {
        self.status("VmHWM:")
    }

    fn status(&self, name: &str) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process))?;
        let value = status.lines().find_map(|line| line.strip_prefix(name));
        let value = value.and_then(|value| value.split_ascii_whitespace().next());
        Ok(value.ok_or("the server has ended")?.parse()?)
    }

    pub(crate) async fn stats(&self) -> Result<Value> {
        let stats = connection::get(self.address, "/stats").await?;
        Ok(serde_json::from_slice(&stats)?)
    }

    /// The number of live sources.
    pub(crate) async fn open(&self) -> Result<u64> {
        Ok(self.stats().await?["open"].as_u64().ok_or("no stats")?)
    }

    /// Waits until at most this many sources are alive.
    pub(crate) async fn until_open(&self, most: u64) -> Result<()> {
        until(most, "sources", async || self.open().await).await
    }

    /// Waits until at most this many files are open.
    pub(crate) async fn until_files(&self, most: usize) -> Result<()> {
        until(most, "open files", async || Ok(self.held()?.files)).await
    }

    pub(crate) async fn end(mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            return Err(format!("the server has ended by itself: {status}").into());
        }
        Ok(self.child.kill().await?)
    }
}

/// Waits until a count is at most `most`.
async fn until<N: Display + PartialOrd>(
    most: N,
    what: &str,
    count: impl AsyncFn() -> Result<N>,
) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let left = count().await?;
        if left <= most {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(format!("{left} {what} are left, of which {most} should be").into());
        }
        time::sleep(Duration::from_millis(100)).await;
    }
}
