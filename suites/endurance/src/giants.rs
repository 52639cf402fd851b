//! A giant event on each of some thousand streams that are idle before and after.

use std::{fs, net::SocketAddr, time::Duration};

use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time,
};

use crate::{
    Result,
    checks::Checks,
    connection::{self, Connection, Options, PATIENCE},
    events::Events,
    figures::mib,
    server::Server,
};

const STREAMS: usize = 10_000;
/// The giant events that are sent at a time. No client reads until the server has encoded them all,
/// so that it holds them.
const WAVE: usize = 1_000;
const MAKING: Duration = Duration::from_secs(2);
const BUFFER: u32 = 32 * 1024;
/// The connections that are opened at a time, for the listener's backlog.
const CONNECTING: usize = 200;
const GIANT: usize = 1024 * 1024;
/// The files that a process needs besides its connections.
const OTHER_FILES: usize = 200;

pub(crate) async fn run(names: &[&str], checks: &mut Checks) {
    let allowed = match open_files() {
        Ok(allowed) => allowed.saturating_sub(OTHER_FILES),
        Err(error) => return checks.check(error, false),
    };
    let streams = STREAMS.min(allowed);
    println!("\n## {streams} streams, and an event of a mebibyte on each, {WAVE} at a time\n");
    if streams < STREAMS {
        println!("({STREAMS} were meant, but only so many files may be open.)\n");
    }
    let mut rows = Vec::new();
    for name in names {
        for allocator in [Allocator::Fixed, Allocator::Default] {
            let row = server(name, allocator, streams, checks).await;
            rows.extend(checks.result(format_args!("{name}: the part came to its end"), row));
        }
    }
    println!(
        "\n| server | allocator | memory, MiB: no stream | all idle | the most | idle after a giant each \
         | after two | streams gone |"
    );
    println!("|---|---|--:|--:|--:|--:|--:|--:|");
    for row in rows {
        println!("{row}");
    }
}

/// The setting of the server's `malloc`, if it is glibc's.
#[derive(Clone, Copy)]
enum Allocator {
    /// Large blocks always go back to the kernel, so the remaining memory is the server's.
    Fixed,
    /// When a large block is freed, the threshold moves above its size. Blocks of that size are
    /// kept for reuse from then on: the second round shows that there are no more.
    Default,
}

impl Allocator {
    fn environment(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Fixed => &[("MALLOC_MMAP_THRESHOLD_", "131072")],
            Self::Default => &[],
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Fixed => "fixed threshold",
            Self::Default => "default",
        }
    }

    fn rounds(self) -> usize {
        match self {
            Self::Fixed => 1,
            Self::Default => 2,
        }
    }

    /// The KiB that may remain after the giants: a little for each stream, by the allocator's own
    /// overhead; or as much as was held at any one time, which is less than was sent.
    fn kept(self, streams: usize) -> u64 {
        let little = 8 * streams as u64;
        match self {
            Self::Fixed => little,
            Self::Default => little + 2 * (WAVE * GIANT / 1_024) as u64,
        }
    }
}

async fn server(
    name: &str,
    allocator: Allocator,
    streams: usize,
    checks: &mut Checks,
) -> Result<String> {
    let server = Server::start(name, allocator.environment()).await?;
    let address = server.address;
    let none = server.held()?;

    let mut clients = JoinSet::new();
    let (sender, mut progress) = mpsc::channel(WAVE);
    let (reading, gate) = watch::channel(true);
    while clients.len() < streams {
        let more = CONNECTING.min(streams - clients.len());
        for _ in 0..more {
            clients.spawn(client(address, sender.clone(), gate.clone()));
        }
        wait(&mut progress, more, &mut clients).await?;
    }
    time::sleep(Duration::from_secs(2)).await;
    let idle = server.held()?.resident;

    let mut after = Vec::new();
    for _ in 0..allocator.rounds() {
        let mut left = streams;
        while left > 0 {
            let wave = WAVE.min(left);
            left -= wave;
            reading.send_replace(false);
            connection::get(address, &format!("/release?giants={wave}")).await?;
            time::sleep(MAKING).await;
            reading.send_replace(true);
            wait(&mut progress, wave, &mut clients).await?;
        }
        time::sleep(Duration::from_secs(3)).await;
        after.push(server.held()?.resident);
    }
    let peak = server.peak()?;
    let title = format!("{name}, {}", allocator.name());
    checks.check(
        format_args!("{title}: each stream is still there"),
        server.open().await? == streams as u64,
    );
    let allowed = idle + allocator.kept(streams);
    for (round, resident) in after.iter().enumerate() {
        checks.check(
            format_args!(
                "{title}: {:.1} MiB after round {}, {:.1} before, {:.1} allowed",
                mib(*resident),
                round + 1,
                mib(idle),
                mib(allowed)
            ),
            *resident <= allowed,
        );
    }

    if let [first, second] = after[..] {
        checks.check(
            format_args!("{title}: {:.1} MiB, then {:.1} MiB", mib(first), mib(second)),
            second <= first + first / 4 + 16 * 1_024,
        );
    }

    clients.shutdown().await;
    checks.result(format_args!("{title}: each source is dropped"), server.until_open(0).await);
    checks.result(
        format_args!("{title}: each connection is closed"),
        server.until_files(none.files).await,
    );
    time::sleep(Duration::from_secs(1)).await;
    let gone = server.held()?.resident;
    server.end().await?;
    let second = after.get(1).map_or("–".into(), |held| format!("{:.1}", mib(*held)));
    Ok(format!(
        "| {name} | {} | {:.1} | {:.1} | {:.1} | {:.1} | {second} | {:.1} |",
        allocator.name(),
        mib(none.resident),
        mib(idle),
        mib(peak),
        mib(after[0]),
        mib(gone),
    ))
}

/// Reports each event that it has read: a small one first, then giants. It reads while the gate is
/// open.
async fn client(
    address: SocketAddr,
    progress: mpsc::Sender<()>,
    mut gate: watch::Receiver<bool>,
) -> Result<()> {
    let options = Options { buffer: Some(BUFFER), ..Options::default() };
    let mut events = Events::of(Connection::open(address, "/giant", options).await?).await?;
    let mut closing = gate.clone();
    let mut length = "small".len();
    loop {
        drop(gate.wait_for(|open| *open).await?);
        tokio::select! {
            event = events.next_event() => {
                let event = event?.ok_or("an endless stream has ended")?;
                if event.data.unwrap_or_default().len() != length {
                    return Err("an event is not whole".into());
                }
                progress.send(()).await?;
                length = GIANT;
            }
            closed = async { closing.wait_for(|open| !open).await.map(drop) } => closed?,
        }
    }
}

/// Waits for this many events; no client may end before.
async fn wait(
    progress: &mut mpsc::Receiver<()>,
    events: usize,
    clients: &mut JoinSet<Result<()>>,
) -> Result<()> {
    for _ in 0..events {
        tokio::select! {
            _ = progress.recv() => {}
            Some(ended) = clients.join_next() => ended??,
            () = time::sleep(PATIENCE) => return Err("an event does not come".into()),
        }
    }
    Ok(())
}

/// The number of files that this process may open, as may the server.
fn open_files() -> Result<usize> {
    let limits = fs::read_to_string("/proc/self/limits")?;
    let limit = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let limit = limit.and_then(|limit| limit.split_ascii_whitespace().next());
    let limit = limit.ok_or("no limit of open files")?;
    Ok(limit.parse().unwrap_or(usize::MAX))
}
