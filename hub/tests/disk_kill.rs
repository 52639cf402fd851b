//! A process that publishes to a log on disk is killed at any moment, again and again, and compared
//! with what it has said. `SSE_DISK_KILLS` sets how often; 200 times take about a minute.

#![cfg(all(feature = "disk", unix))]

mod support;

use std::{
    collections::{HashMap, HashSet},
    env,
    io::{BufRead, BufReader},
    ops::Range,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use futures_executor::block_on;
use futures_util::future::join_all;
use sse_encoder::{Event, EventId, LastEventId};
use sse_hub::{Hub, HubBuilder, Resumption};
use support::{Client, field, folder::Folder, none};

/// Publishers at the same time, each of which awaits one event after the other.
const LANES: usize = 8;

fn builder() -> HubBuilder {
    Hub::builder().retain_events(1_000_000).retain_bytes(256 << 20)
}

/// What the events of a number are: all publishers and the check know it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Plain,
    Own,
    Keyed,
    Ephemeral,
}

fn kind(n: usize) -> Kind {
    [Kind::Plain, Kind::Own, Kind::Keyed, Kind::Plain, Kind::Ephemeral][n % 5]
}

/// The child's part: not a test by itself.
#[test]
fn publishes_until_it_is_killed() {
    let Ok(folder) = env::var("SSE_DISK_FOLDER") else { return };
    let run = env::var("SSE_DISK_RUN").unwrap();
    let sync_every = env::var("SSE_DISK_SYNC_EVERY").ok();
    let builder = match sync_every {
        Some(_) => builder().sync_every(Duration::from_millis(20)),
        None => builder(),
    };
    let hub = &builder.disk(folder).unwrap();
    block_on(join_all((0..LANES).map(|lane| {
        let run = &run;
        async move {
            for n in 0.. {
                let text = format!("{run}/{lane}/{n}");
                let (event, topic) = (Event::text(text.clone()), ["", "a"][n % 2]);
                let target = hub.to(topic);
                let published = match kind(n) {
                    Kind::Plain => target.publish(&event).await,
                    Kind::Own => target.publish(&event.id(text.clone())).await,
                    Kind::Keyed => target.key("key").publish(&event).await,
                    Kind::Ephemeral => target.publish(&event.no_id()).await,
                };
                let id = published.unwrap();
                println!("ok {text} {}", id.map_or("-".into(), |id| id.to_string()));
            }
        }
    })));
}

/// Starts the child, kills it some time after its first word, and gives what it has said: texts and
/// ids.
fn kill_one(
    folder: &Folder,
    run: usize,
    is_relaxed: bool,
    after: Duration,
) -> Vec<(String, String)> {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["publishes_until_it_is_killed", "--exact", "--nocapture"]);
    command.env("SSE_DISK_FOLDER", folder.path()).env("SSE_DISK_RUN", run.to_string());
    if is_relaxed {
        command.env("SSE_DISK_SYNC_EVERY", "yes");
    }
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let told = lines.map_while(Result::ok).filter_map(|line| {
        // The harness writes its own words before the first one.
        let (_, told) = line.split_once("ok ")?;
        let (text, id) = told.split_once(' ')?;
        Some((text.to_owned(), id.to_owned()))
    });
    let mut told = told.peekable();
    assert!(told.peek().is_some(), "the child has published nothing");
    // The folder is the child's as long as it lives.
    assert!(builder().disk(folder.path()).unwrap_err().is_in_use());
    let killer = thread::spawn(move || {
        thread::sleep(after);
        child.kill().unwrap();
        child.wait().unwrap();
    });
    let told = told.collect();
    killer.join().unwrap();
    told
}

fn numbers(text: &str) -> [usize; 3] {
    let numbers: Vec<_> = text.split('/').map(|n| n.parse().unwrap()).collect();
    numbers.try_into().unwrap()
}

fn kill_again_and_again(is_relaxed: bool) {
    let kills: usize = env::var("SSE_DISK_KILLS").map_or(6, |kills| kills.parse().unwrap());
    let mut published = 0;
    // All that was ever published is compared: a log of its own for some kills each.
    for first in (0..kills).step_by(10) {
        published += kill_some(first..kills.min(first + 10), is_relaxed);
    }
    println!("{kills} kills, {published} events acknowledged: 0 lost, 0 twice, 0 out of order");
}

/// Kills so often, and compares each time. Gives the number of acknowledged events.
fn kill_some(runs: Range<usize>, is_relaxed: bool) -> usize {
    let folder = Folder::new();
    let hub = builder().disk(folder.path()).unwrap();
    let opening = Client::new(hub.subscribe_all(&none())).next().unwrap();
    let start: LastEventId = EventId::new(field(&opening, "id").unwrap()).unwrap().into();
    drop(hub);
    // A client that is connected only between the runs.
    let mut last = start.clone();
    let mut heard = HashSet::new();
    let (mut told, mut ids) = (HashMap::new(), HashSet::new());
    let mut published = 0;
    for run in runs {
        let after = Duration::from_micros(run as u64 * 7_919 % 60_000);
        let said = kill_one(&folder, run, is_relaxed, after);
        published += said.len();
        for (text, id) in said {
            let is_ephemeral = kind(numbers(&text)[2]) == Kind::Ephemeral;
            assert_eq!(is_ephemeral, id == "-", "{text}");
            assert!(is_ephemeral || ids.insert(id.clone()), "{id} is given twice");
            told.insert(text, id);
        }

        let hub = builder().disk(folder.path()).unwrap();
        assert_eq!(hub.stats().rejected, 0);
        let mut all = Vec::new();
        let mut client = Client::live(hub.subscribe_all(&start));
        while let std::task::Poll::Ready(Some(frame)) = client.poll() {
            let [id, data] = ["id", "data"].map(|name| field(&frame, name).unwrap().to_owned());
            all.push((data, id));
        }
        let places: HashMap<_, _> = all.iter().zip(0..).map(|((text, _), n)| (text, n)).collect();
        assert_eq!(places.len(), all.len(), "an event is there twice");
        // Each publisher's events are in its order.
        let mut newest = HashMap::new();
        for (text, _) in &all {
            let [run, lane, n] = numbers(text);
            assert_ne!(kind(n), Kind::Ephemeral, "{text}");
            let before = newest.insert((run, lane), n);
            assert!(before.is_none_or(|before| before < n), "{text} after {before:?}");
        }
        let mut keyed = [None; 2];
        for (text, place) in &places {
            let [.., n] = numbers(text);
            if kind(n) == Kind::Keyed {
                assert_eq!(keyed[n % 2].replace(*place), None, "{text} is not replaced");
            }
        }
        for (text, id) in &told {
            let [.., n] = numbers(text);
            match (kind(n), places.get(text)) {
                (Kind::Ephemeral, None) | (Kind::Keyed, None) => {}
                (_, Some(place)) => assert_eq!(all[*place].1, *id, "{text}"),
                (_, None) => panic!("{text} is lost"),
            }
        }

        let subscriber = hub.subscribe_all(&last);
        assert!(matches!(subscriber.resumption(), Resumption::Exact { .. }));
        let mut client = Client::live(subscriber);
        while let std::task::Poll::Ready(Some(frame)) = client.poll() {
            assert!(heard.insert(field(&frame, "data").unwrap().to_owned()), "twice: {frame}");
            last = EventId::new(field(&frame, "id").unwrap()).unwrap().into();
        }
        let unheard = all.iter().filter(|(text, _)| !heard.contains(text));
        assert_eq!(unheard.count(), 0);
    }
    published
}

#[test]
fn killed_at_any_moment_no_acknowledged_event_is_lost_twice_or_out_of_order() {
    kill_again_and_again(false);
}

#[test]
fn killed_at_any_moment_a_log_with_later_syncs_loses_nothing() {
    kill_again_and_again(true);
}
