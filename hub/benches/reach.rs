//! What a client cannot make dearer, in ratios of one run: subscribing behind a million events,
//! replay beside a key that is used often, the state first beside a replay of the same frames,
//! publishing beside clients that subscribe.
//!
//! `cargo bench -p sse-hub --bench reach`; with `-- publishing` the last part alone.

use std::{
    env,
    hint::black_box,
    pin::Pin,
    sync::atomic::{AtomicBool, Ordering},
    task::{Context, Poll, Waker},
    thread,
    time::{Duration, Instant},
};

use futures_core::Stream;
use sse_encoder::{Event, EventId, LastEventId};
use sse_hub::{Hub, Resumption, Subscriber};

const MILLION: usize = 1_000_000;

fn main() {
    if !env::args().any(|argument| argument == "publishing") {
        subscribing();
        replaying();
        beginning_with_the_state();
    }
    publishing();
}

/// A hub with so many retained events: half of them without a topic, half of them in `b`, and a
/// thousand updates of each of ten keys between them. And the id of the first one.
fn hub(events: usize) -> (Hub, LastEventId) {
    let hub = Hub::builder().retain_events(events).retain_bytes(usize::MAX).build();
    let first = hub.try_publish(&Event::text("first")).unwrap().unwrap();
    for n in 0..events - 11 {
        let topic = if n % 2 == 0 { "" } else { "b" };
        hub.to(topic).try_publish(&Event::json(n)).unwrap();
        if n % (events / 1_000) == 0 {
            for key in 0..10 {
                hub.to("b").key(&key.to_string()).try_publish(&Event::json(n)).unwrap();
            }
        }
    }
    (hub, first.into())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn subscribing() {
    println!("subscribing, median of 1,000");
    println!("| retained | `subscribe_all` | two topics, a key was used | all of it missed |");
    println!("|---|---|---|---|");
    for events in [1_000, 100_000, MILLION] {
        let (hub, first) = hub(events);
        let time = |subscribe: &dyn Fn() -> Subscriber| {
            let Resumption::Exact { missed } = subscribe().resumption() else { panic!("a gap") };
            let times = (0..1_000).map(|_| {
                let start = Instant::now();
                drop(black_box(subscribe()));
                start.elapsed()
            });
            (median(times.collect()), missed)
        };
        let (all, missed) = time(&|| hub.subscribe_all(&first));
        let (two, _) = time(&|| hub.subscribe_to(["", "b"], &first));
        println!("| {events} | {all:.1?} | {two:.1?} | {missed} |");
    }
}

/// Reads all that is ready.
fn read(mut subscriber: Subscriber) -> usize {
    let mut cx = Context::from_waker(Waker::noop());
    let next = || match Pin::new(&mut subscriber).poll_next(&mut cx) {
        Poll::Ready(frame) => frame,
        Poll::Pending => None,
    };
    std::iter::from_fn(next).count()
}

fn replaying() {
    println!("\nreplay of two topics, the least of 51");
    println!("| events in one topic | in the other | frames | time | ratio |");
    println!("|---|---|---|---|---|");
    for events in [20_000, 100_000] {
        let hubs = [None, Some("k")].map(|key| {
            let hub = Hub::builder().retain_events(MILLION).retain_bytes(usize::MAX).build();
            let first: EventId = hub.try_publish(&Event::text("first")).unwrap().unwrap();
            for n in 0..events {
                hub.to("plain").try_publish(&Event::json(n)).unwrap();
                if let Some(key) = key {
                    hub.to("hot").key(key).try_publish(&Event::json(n)).unwrap();
                }
            }
            (hub, LastEventId::from(first))
        });
        let (mut least, mut frames) = ([Duration::MAX; 2], [0; 2]);
        // In turn: what else the machine does is the same for both.
        for _ in 0..51 {
            for (n, (hub, first)) in hubs.iter().enumerate() {
                let subscriber = hub.subscribe_to(["plain", "hot"], first);
                let start = Instant::now();
                frames[n] = read(subscriber);
                least[n] = least[n].min(start.elapsed());
            }
        }
        for (n, other) in ["nothing", "as many of one key"].into_iter().enumerate() {
            let ratio = least[n].as_secs_f64() / least[0].as_secs_f64();
            println!("| {events} | {other} | {} | {:.1?} | {ratio:.2} |", frames[n], least[n]);
        }
    }
}

fn beginning_with_the_state() {
    const KEYS: usize = 10_000;
    let hub = Hub::builder().retain_events(KEYS).build();
    let before = LastEventId::from(hub.position());
    for n in 0..KEYS {
        hub.to("prices").key(&format!("key {n}")).try_publish(&Event::json(1)).unwrap();
    }
    let [mut replay, mut state] = [Duration::MAX; 2];
    for _ in 0..51 {
        for (least, last, is_state) in
            [(&mut replay, &before, false), (&mut state, &LastEventId::none(), true)]
        {
            let mut subscriber = hub.subscribe_to(["prices"], last);
            if is_state {
                subscriber.begin_with_latest().unwrap();
            }
            let start = Instant::now();
            assert!(read(subscriber) > KEYS);
            *least = start.elapsed().min(*least);
        }
    }
    let [replay, state] = [replay, state].map(|time| time.as_nanos() as f64 / KEYS as f64);
    println!("\n{KEYS} keys, the least of 51");
    println!("replay {replay:.0} ns a frame, state {state:.0} ns, ratio {:.2}", state / replay);
}

/// What four threads do beside the publisher.
#[derive(Clone, Copy)]
enum Beside {
    /// Nothing.
    Nothing,
    /// They subscribe behind a million events, each 1,000 times a second.
    Paced,
    /// They take the processors, and do nothing with the hub.
    Spinning,
    /// They subscribe behind a million events of another hub, without a pause: the same work, but
    /// no lock that the publisher needs.
    Elsewhere,
    /// They subscribe behind a million events, without a pause.
    Subscribing,
}

fn publishing() {
    let [this, other] = [(); 2].map(|()| hub(MILLION));
    let hub = &this.0;
    // Events a second, of one publisher.
    let rate = |beside: Beside| {
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            let is_over = &is_over;
            for _ in 0..4 {
                let (hub, first) = if let Beside::Elsewhere = beside { &other } else { &this };
                scope.spawn(move || {
                    while !is_over.load(Ordering::Relaxed) {
                        match beside {
                            Beside::Nothing => return,
                            Beside::Spinning => (0..1_000).for_each(|n| _ = black_box(n)),
                            Beside::Subscribing | Beside::Elsewhere | Beside::Paced => {
                                drop(black_box(hub.subscribe_all(first)));
                                drop(black_box(hub.subscribe_to(["", "b"], first)));
                            }
                        }
                        if matches!(beside, Beside::Paced) {
                            thread::sleep(Duration::from_millis(2));
                        }
                    }
                });
            }
            let (start, mut count) = (Instant::now(), 0);
            while start.elapsed() < Duration::from_millis(500) {
                (0..100).for_each(|n| _ = hub.try_publish(&Event::json(n)).unwrap());
                count += 100;
            }
            let rate = f64::from(count) / start.elapsed().as_secs_f64();
            is_over.store(true, Ordering::Relaxed);
            rate
        })
    };
    let rows =
        [Beside::Nothing, Beside::Paced, Beside::Spinning, Beside::Elsewhere, Beside::Subscribing];
    let mut rates = [const { Vec::new() }; 5];
    for _ in 0..9 {
        rows.iter().zip(&mut rates).for_each(|(row, rates)| rates.push(rate(*row)));
    }
    let [alone, paced, spinning, elsewhere, subscribing] = rates.map(|mut rates| {
        rates.sort_unstable_by(f64::total_cmp);
        rates[rates.len() / 2]
    });
    println!("\npublishing, with a million retained, events a second, median of 9");
    println!("| beside | events a second | of |");
    println!("|---|---|---|");
    println!("| nothing | {alone:.0} | |");
    let ratio = 100.0 * paced / alone;
    println!(
        "| four threads that subscribe, 4,000 times a second | {paced:.0} | {ratio:.0} % of that |"
    );
    println!("| four threads that only take the processors | {spinning:.0} | |");
    for (hub, rate) in [("another hub", elsewhere), ("this hub", subscribing)] {
        let ratio = 100.0 * rate / spinning;
        println!(
            "| four that subscribe to {hub} without a pause | {rate:.0} | {ratio:.0} % of that |"
        );
    }
}
