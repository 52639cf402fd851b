//! The servers: `GET /` is a stream of all that is published, by the hub or by tokio's channel.

use std::{
    convert::Infallible,
    fs,
    io::{self, BufRead, Write},
    net::SocketAddr,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Body,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response, Sse, sse},
    routing::get,
    serve::ListenerExt,
};
use bytes::Bytes;
use futures_util::StreamExt;
use rustix::time::ClockId;
use serde::Serialize;
use sse_encoder::{Event, EventType, LastEventId, SseEncoder};
use sse_hub::Hub;
use tokio::{net::TcpSocket, runtime::Builder, sync::broadcast};
use tokio_stream::wrappers::BroadcastStream;

use super::RETAINED;
use crate::{
    by_hand::put_frame,
    loopback::{nanoseconds, now},
};

const TICK: EventType = EventType::from_static("tick");

const LINGER: Duration = Duration::from_millis(50);

/// How many connections the kernel may hold before they are accepted.
const BACKLOG: u32 = 4_096;

/// Who keeps what is published for the streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeper {
    Hub,
    /// The hub, and streams that wait for more.
    Lingering,
    /// tokio's channel, of axum's events.
    Events,
    /// tokio's channel, of frames that are written by hand.
    Frames,
}

impl Keeper {
    pub const PEERS: [Self; 3] = [Self::Events, Self::Frames, Self::Hub];
    const ALL: [Self; 4] = [Self::Events, Self::Frames, Self::Hub, Self::Lingering];

    pub fn name(self) -> &'static str {
        match self {
            Self::Hub => "hub",
            Self::Lingering => "hub, `linger` of 50 ms",
            Self::Events => "`broadcast` of axum's events",
            Self::Frames => "`broadcast<Bytes>`, bare bodies",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|keeper| keeper.word() == word)
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Hub => "hub",
            Self::Lingering => "lingering",
            Self::Events => "events",
            Self::Frames => "frames",
        }
    }
}

/// The data of an event.
#[derive(Serialize)]
struct Stamp<'a> {
    n: u64,
    made: u64,
    text: &'a str,
}

/// What one keeper does.
struct Served {
    app: Router,
    publish: Box<dyn FnMut(Stamp<'_>) + Send>,
}

fn hub(lingers: bool) -> Served {
    let hub = Hub::new();
    let publisher = hub.clone();
    let handler = move |last: LastEventId| async move {
        let stream = SseEncoder::new(hub.subscribe(&last));
        if lingers { stream.linger(LINGER).into_response() } else { stream.into_response() }
    };
    Served {
        app: Router::new().route("/", get(handler)),
        publish: Box::new(move |stamp| {
            let event = Event::json(stamp).event_type(TICK);
            publisher.try_publish(&event).expect("it can be published");
        }),
    }
}

fn events() -> Served {
    let (sender, _) = broadcast::channel(RETAINED);
    let subscribers = sender.clone();
    let handler = move || async move {
        let events = BroadcastStream::new(subscribers.subscribe());
        // Who is too slow misses some, and never hears of it.
        Sse::new(events.filter_map(|event| async { event.ok().map(Ok::<_, Infallible>) }))
    };
    Served {
        app: Router::new().route("/", get(handler)),
        publish: Box::new(move |stamp| {
            let event = sse::Event::default().id(stamp.n.to_string()).event("tick");
            let _ = sender.send(event.json_data(stamp).expect("it can be serialized"));
        }),
    }
}

fn frames() -> Served {
    let (sender, _) = broadcast::channel(RETAINED);
    let subscribers = sender.clone();
    let handler = move || async move {
        let frames = BroadcastStream::new(subscribers.subscribe());
        let frames = frames.filter_map(|frame| async { frame.ok().map(Ok::<_, Infallible>) });
        let head = [(CONTENT_TYPE, "text/event-stream")];
        (head, Body::from_stream(frames)).into_response() as Response
    };
    Served {
        app: Router::new().route("/", get(handler)),
        publish: Box::new(move |stamp| {
            let mut frame = Vec::new();
            put_frame(&mut frame, stamp.n as usize, &stamp);
            let _ = sender.send(Bytes::from(frame));
        }),
    }
}

static PUBLISHED: AtomicU64 = AtomicU64::new(0);
/// Nanoseconds from one event to the next; 0 for none at all.
static PERIOD: AtomicU64 = AtomicU64::new(0);

/// Serves until standard input ends. Prints the port, and then, for each line that comes in, the
/// nanoseconds of CPU that this process has used, its bytes in memory, and how many events it has
/// published. A line can be a number: so many events a second from now on.
///
/// With `room`, the kernel holds little more than so many bytes for a client that does not read.
pub fn serve(keeper: Keeper, text: usize, room: Option<u32>) -> io::Result<()> {
    let served = match keeper {
        Keeper::Hub => hub(false),
        Keeper::Lingering => hub(true),
        Keeper::Events => events(),
        Keeper::Frames => frames(),
    };
    thread::spawn(move || run(served.app, room).expect("the server runs"));
    let mut publish = served.publish;
    thread::spawn(move || {
        let text = ".".repeat(text);
        let mut next = Instant::now();
        loop {
            let period = PERIOD.load(Ordering::Relaxed);
            if period == 0 {
                thread::sleep(Duration::from_millis(1));
                next = Instant::now();
                continue;
            }
            let n = PUBLISHED.fetch_add(1, Ordering::Relaxed) + 1;
            publish(Stamp { n, made: now(), text: &text });
            next += Duration::from_nanos(period);
            thread::sleep(next.saturating_duration_since(Instant::now()));
        }
    });
    for line in io::stdin().lock().lines() {
        if let Ok(rate) = line?.parse::<u64>() {
            PERIOD.store(1_000_000_000_u64.checked_div(rate).unwrap_or(0), Ordering::Relaxed);
        }
        let cpu = nanoseconds(ClockId::ProcessCPUTime);
        println!("{cpu} {} {}", resident()?, PUBLISHED.load(Ordering::Relaxed));
        io::stdout().flush()?;
    }
    Ok(())
}

fn run(app: Router, room: Option<u32>) -> io::Result<()> {
    Builder::new_current_thread().enable_all().build()?.block_on(async {
        let socket = TcpSocket::new_v4()?;
        if let Some(room) = room {
            // Its connections have it, too.
            socket.set_send_buffer_size(room)?;
        }
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let listener = socket.listen(BACKLOG)?;
        println!("{}", listener.local_addr()?.port());
        let listener = listener.tap_io(|stream| {
            let _ = stream.set_nodelay(true);
        });
        axum::serve(listener, app).await
    })
}

/// The bytes of this process that are in memory.
fn resident() -> io::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok());
    Ok(kibibytes.ok_or(io::ErrorKind::InvalidData)? * 1_024)
}
