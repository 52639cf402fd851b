//! Measures the hub's log on disk, next to a bare writer and SQLite:
//!
//!     cargo run --release --manifest-path benches/disk/Cargo.toml [FOLDER [RUNS]]
//!
//! The bare writer writes the same bytes to the same files with the same syncs as the hub, and does
//! nothing else. SQLite (WAL, `synchronous=FULL`) inserts the same events, in one transaction where
//! the hub wrote one batch. Each figure is the best of the runs, which alternate.

use std::{
    env,
    error::Error,
    fs::{self, File, OpenOptions},
    io::{Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use futures_executor::block_on;
use futures_util::{StreamExt, future::join_all};
use rusqlite::Connection;
use sse_encoder::{Event, EventId, LastEventId};
use sse_hub::{Hub, HubBuilder, Resumption};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// The length of a file's header.
const HEADER: usize = 64;
/// The length of a batch's header.
const BATCH: usize = 40;

fn main() -> Outcome<()> {
    let mut arguments = env::args().skip(1);
    let folder = arguments.next().map_or_else(env::temp_dir, PathBuf::from);
    let folder = folder.join(format!("sse-hub-bench-{}", std::process::id()));
    let runs = arguments.next().map_or(Ok(9), |runs| runs.parse())?;
    fs::create_dir_all(&folder)?;
    let measured = measure(&folder, runs);
    fs::remove_dir_all(&folder)?;
    measured
}

fn measure(folder: &Path, runs: usize) -> Outcome<()> {
    println!("events of 200 bytes a second, best of {runs} runs");
    println!("{:24} {:>10} {:>10} {:>10}  hub/bare  hub/SQLite", "", "hub", "bare", "SQLite");
    for (title, lanes, count, sync_every) in [
        ("one by one", 1, 2_000, None),
        ("64 in flight", 64, 100_000, None),
        ("64 in flight, relaxed", 64, 100_000, Some(Duration::from_millis(100))),
    ] {
        let mut best = [f64::INFINITY; 3];
        let mut batches = 0;
        for _ in 0..runs {
            let log = folder.join("log");
            let builder = match sync_every {
                None => builder(),
                Some(time) => builder().sync_every(time),
            };
            let hub = publish(&log, builder, lanes, count)?;
            let files = read(&log)?;
            batches = files.iter().map(|file| file.batches.len()).sum();
            let bare = write_bare(&folder.join("bare"), &files, sync_every.is_none())?;
            let sqlite = insert(&folder.join("sqlite"), &files, count, sync_every.is_none())?;
            for (best, seconds) in best.iter_mut().zip([hub, bare, sqlite]) {
                *best = best.min(seconds);
            }
            for part in ["log", "bare", "sqlite"] {
                fs::remove_dir_all(folder.join(part))?;
            }
        }
        let [hub, bare, sqlite] = best.map(|seconds| count as f64 / seconds);
        println!(
            "{title:24} {hub:10.0} {bare:10.0} {sqlite:10.0} {:9.2} {:11.2}   ({:.1} a batch)",
            hub / bare,
            hub / sqlite,
            count as f64 / batches as f64
        );
    }
    restart(&folder.join("log"), runs)
}

fn builder() -> HubBuilder {
    // All of it is retained, so that the files hold all that was written.
    Hub::builder().retain_events(1_000_000).retain_bytes(64 << 20)
}

fn event(n: usize) -> Event {
    Event::text(format!("{n:0>176}")).into_owned()
}

/// Publishes so many events, each lane one after the other.
fn publish(folder: &Path, builder: HubBuilder, lanes: usize, count: usize) -> Outcome<f64> {
    let hub = &builder.disk(folder)?;
    let begin = Instant::now();
    let published = block_on(join_all((0..lanes).map(|lane| async move {
        for n in (lane..count).step_by(lanes) {
            hub.publish(&event(n)).await?;
        }
        Ok::<(), sse_hub::Error>(())
    })));
    let seconds = begin.elapsed().as_secs_f64();
    published.into_iter().collect::<Result<Vec<()>, _>>()?;
    Ok(seconds)
}

/// A file of the log: its name and length, and its batches.
struct Written {
    name: String,
    len: usize,
    header: Vec<u8>,
    batches: Vec<Vec<u8>>,
}

fn read(folder: &Path) -> Outcome<Vec<Written>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().into_string().map_err(|_| "not a name of the log's")?;
        if !name.ends_with(".log") {
            continue;
        }
        let bytes = fs::read(entry.path())?;
        let (mut batches, mut at) = (Vec::new(), HEADER);
        while at + BATCH <= bytes.len() {
            let len = u32::from_le_bytes(bytes[at..at + 4].try_into()?) as usize;
            // The mark of the end has no events.
            if len <= BATCH {
                break;
            }
            batches.push(bytes[at..at + len].to_vec());
            at = (at + len).next_multiple_of(8);
        }
        files.push(Written { name, len: bytes.len(), header: bytes[..HEADER].to_vec(), batches });
    }
    files.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(files)
}

/// Writes the same bytes in the same steps.
fn write_bare(folder: &Path, files: &[Written], syncs: bool) -> Outcome<f64> {
    fs::create_dir_all(folder)?;
    let begin = Instant::now();
    for Written { name, len, header, batches } in files {
        let mut zeros = header.clone();
        zeros.resize(*len, 0);
        let mut new = File::create(folder.join("unfinished"))?;
        new.write_all(&zeros)?;
        new.sync_data()?;
        fs::rename(folder.join("unfinished"), folder.join(name))?;
        File::open(folder)?.sync_all()?;
        let mut file = OpenOptions::new().write(true).open(folder.join(name))?;
        let mut at = HEADER;
        for batch in batches {
            file.seek(SeekFrom::Start(at as u64))?;
            file.write_all(batch)?;
            if syncs {
                file.sync_data()?;
            }
            at = (at + batch.len()).next_multiple_of(8);
        }
        file.sync_data()?;
    }
    Ok(begin.elapsed().as_secs_f64())
}

/// Inserts the same events, in a transaction for each batch.
fn insert(folder: &Path, files: &[Written], count: usize, syncs: bool) -> Outcome<f64> {
    fs::create_dir_all(folder)?;
    let mut database = Connection::open(folder.join("log.db"))?;
    let level = if syncs { "FULL" } else { "NORMAL" };
    database.execute_batch(&format!(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = {level}; PRAGMA locking_mode = EXCLUSIVE;
         CREATE TABLE log (n INTEGER PRIMARY KEY, topic TEXT, key TEXT, frame BLOB NOT NULL);"
    ))?;
    let frame = format!("event: message\ndata: {:0>176}\n\n", 7);
    let begin = Instant::now();
    let mut inserted = 0;
    for batch in files.iter().flat_map(|file| &file.batches) {
        // How many numbers it takes.
        let events = u32::from_le_bytes(batch[32..36].try_into()?) as usize;
        let transaction = database.transaction()?;
        let mut insert = transaction
            .prepare_cached("INSERT INTO log (topic, key, frame) VALUES (?1, ?2, ?3)")?;
        for _ in 0..events {
            insert.execute(("", None::<&str>, frame.as_bytes()))?;
        }
        drop(insert);
        transaction.commit()?;
        inserted += events;
    }
    let seconds = begin.elapsed().as_secs_f64();
    if inserted == count { Ok(seconds) } else { Err("not all events were in the files".into()) }
}

/// The time from the start of the hub to the first events of a client that resumes.
fn restart(folder: &Path, runs: usize) -> Outcome<()> {
    const COUNT: usize = 100_000;
    publish(folder, builder(), 64, COUNT)?;
    let mut best = Duration::MAX;
    for _ in 0..runs {
        let begin = Instant::now();
        let hub = builder().disk(folder)?;
        let tip = {
            let opening = block_on(hub.subscribe(&LastEventId::none()).next());
            opening.and_then(|frame| frame.id()).ok_or("no position")?
        };
        let (epoch, n) = tip.as_str().split_once('-').ok_or("not a position")?;
        let n: usize = n.parse()?;
        let last = EventId::new(format!("{epoch}-{}", n - COUNT + 1))?;
        let mut subscriber = hub.subscribe(&last.into());
        if subscriber.resumption() != (Resumption::Exact { missed: COUNT - 1 }) {
            return Err("not exact".into());
        }
        block_on(subscriber.next()).ok_or("no checkpoint")?;
        block_on(subscriber.next()).ok_or("no event")?;
        best = best.min(begin.elapsed());
    }
    println!("restart with {COUNT} retained events, until a client gets the first one: {best:.1?}");
    Ok(())
}
