//! A client that requests a stream and stops reading. `slow_client.rs` has the exact figure, for
//! hyper over a pipe in memory; here the connection is a socket, of which the kernel holds a part.

use std::{task::Poll, time::Duration};

use sse_encoder::{Event, SseEncoder};
use tokio::time::{Instant, sleep};

use crate::{
    DEADLINE,
    decode::decode,
    server::{Kind, Server, bare, item, listener_with},
    source::Watched,
};

/// The size requested; the kernel doubles it.
const BUFFER: usize = 16 * 1024;

/// A packet of the loopback device, which the kernel may hold beyond its buffers.
const PACKET: usize = 64 * 1024;

/// Large enough that a chunk of each limit below has fewer items than a poll takes.
fn event(number: usize) -> String {
    format!("{number:0100}")
}

const FRAME: usize = "data: \n\n".len() + 100;

/// The most bytes that a server may hold at a chunk limit.
fn bound(kind: Kind, chunk_limit: usize) -> usize {
    // A chunk below its limit takes a further frame.
    let chunk = chunk_limit + FRAME;
    match kind {
        // It takes a chunk while it has less than 32 KiB to write.
        Kind::ActixWeb => 32 * 1024 + chunk,
        // Hyper gathers 16 chunks for one write, or 408 KiB, while another is being written.
        Kind::Axum | Kind::Hyper | Kind::Warp => (16 * chunk).min(408 * 1024 + chunk) + chunk,
    }
}

/// The bytes of all frames taken, once two samples are equal.
async fn settled(server: &Server, watched: &Watched) -> usize {
    let begin = Instant::now();
    loop {
        let before = watched.taken();
        sleep(Duration::from_millis(100)).await;
        // The server's only thread is not just late.
        server.assert_alive().await;
        let now = watched.taken();
        if now == before && now > 0 {
            return now * FRAME;
        }
        assert!(begin.elapsed() < DEADLINE, "more and more is taken: {now} events");
    }
}

async fn the_bytes_held_for_a_stalled_client_are_bounded(kind: Kind) {
    for chunk_limit in [1_024, SseEncoder::DEFAULT_CHUNK_LIMIT, 65_536] {
        let (listener, send_buffer) = listener_with(BUFFER);
        let watched = Watched::default();
        let sources = watched.clone();
        let server = Server::start_on(kind, listener, move |_| {
            let source = |taken| Poll::Ready(Some(item(Event::text(event(taken)))));
            bare(sources.source(source)).chunk_limit(chunk_limit)
        });
        let mut client = server.get_with("/", BUFFER).await;
        // Otherwise the client's read-ahead would count, too.
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

            // The stream continues where it was as soon as the client reads again.
            let body = client.at_least(taken + PACKET).await;
            for (number, received) in (read / FRAME..).zip(decode(&body)) {
                assert_eq!(received.data, event(number));
            }
            read += body.len();
        }

        // When a stalled client disconnects, its source is dropped.
        settled(&server, &watched).await;
        drop(client);
        watched.dropped().await;
        server.end().await;
    }
}

on_each_server! { the_bytes_held_for_a_stalled_client_are_bounded }
