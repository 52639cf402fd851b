//! A client that asks for a stream and stops reading. `tests/slow_client.rs` has it exactly, for
//! hyper over a pipe in memory; here it is over a socket, where the kernel holds a part.

use std::{task::Poll, time::Duration};

use sse_encoder::{Event, SseEncoder};
use tokio::time::{Instant, sleep};

use crate::{
    DEADLINE,
    decode::decode,
    server::{Kind, Server, bare, item, listener_with},
    source::Watched,
};

/// What is asked for; the kernel makes it twice as much.
const BUFFER: usize = 16 * 1024;

/// A packet of the loopback device, which the kernel may hold beyond its buffers.
const PACKET: usize = 64 * 1024;

/// Large enough for a chunk of each limit below to be less items than a poll takes.
fn event(number: usize) -> String {
    format!("{number:0100}")
}

const FRAME: usize = "data: \n\n".len() + 100;

/// How many bytes a server may hold at a chunk limit.
fn bound(kind: Kind, chunk_limit: usize) -> usize {
    // A chunk takes a further frame as long as it is smaller than the limit.
    let chunk = chunk_limit + FRAME;
    match kind {
        // It takes a chunk as long as it has less than 32 KiB to write.
        Kind::ActixWeb => 32 * 1024 + chunk,
        // Servers of hyper gather 16 chunks for one write, or 408 KiB, while one is on its way.
        Kind::Axum | Kind::Hyper | Kind::Warp => (16 * chunk).min(408 * 1024 + chunk) + chunk,
    }
}

/// What was taken, in bytes of frames, once it is the same at two looks.
async fn settled(server: &Server, watched: &Watched) -> usize {
    let begin = Instant::now();
    loop {
        let before = watched.taken();
        sleep(Duration::from_millis(100)).await;
        // Its only thread is not merely late.
        server.assert_alive().await;
        let now = watched.taken();
        if now == before && now > 0 {
            return now * FRAME;
        }
        assert!(begin.elapsed() < DEADLINE, "it takes more and more: {now} events");
    }
}

async fn a_stalled_client_makes_it_hold_so_much_and_no_more(kind: Kind) {
    for chunk_limit in [1_024, SseEncoder::DEFAULT_CHUNK_LIMIT, 65_536] {
        let (listener, send_buffer) = listener_with(BUFFER);
        let watched = Watched::default();
        let sources = watched.clone();
        let server = Server::start_on(kind, listener, move |_| {
            let source = |taken| Poll::Ready(Some(item(Event::text(event(taken)))));
            bare(sources.source(source)).chunk_limit(chunk_limit)
        });
        let mut client = server.get_with("/", BUFFER).await;
        // Or what the client has read ahead is counted, too.
        client.step(1_024);
        let kernel = send_buffer + client.receive_buffer();
        let mut read = 0;
        for stall in ["first", "second"] {
            let taken = settled(&server, &watched).await - read;
            println!(
                "{kind:?}, chunks of {chunk_limit}, {stall}: {taken} bytes taken and not read, \
                 {} more than buffers of {kernel}",
                taken.saturating_sub(kernel),
            );
            assert!(taken >= chunk_limit);
            assert!(taken <= bound(kind, chunk_limit) + kernel + PACKET, "{chunk_limit}: {taken}");

            // It goes on where it was as soon as the client reads again.
            let body = client.at_least(taken + PACKET).await;
            for (number, received) in (read / FRAME..).zip(decode(&body)) {
                assert_eq!(received.data, event(number));
            }
            read += body.len();
        }

        // A client that goes while it stalls takes the source with it.
        settled(&server, &watched).await;
        drop(client);
        watched.dropped().await;
        server.end().await;
    }
}

on_each_server! { a_stalled_client_makes_it_hold_so_much_and_no_more }
