//! Frames and chunks of many sizes, read in pieces of many sizes.

use sse_encoder::{Event, SseEncoder};

use crate::{
    client::End,
    decode::decode,
    server::{Item, Kind, Server, item, items, response},
};

/// Sizes around those of the chunks; the last is so large that shared text is not copied.
const SIZES: &[usize] = &[0, 1, 99, 100, 101, 1_000, 16_383, 16_384, 16_385, 40_000, 100_000, 1];

/// A chunk limit, the client's bytes for each read, and its receive buffer.
const ROWS: &[(&str, usize, usize, usize)] = &[
    ("a chunk of each item", 0, 65_536, 65_536),
    ("chunks smaller than frames", 1, 1_000, 65_536),
    ("chunks that are one frame or two", 100, 101, 65_536),
    ("default chunks, three bytes at a time", SseEncoder::DEFAULT_CHUNK_LIMIT, 3, 65_536),
    ("default chunks, a small receive buffer", SseEncoder::DEFAULT_CHUNK_LIMIT, 4_093, 4_096),
    ("one chunk", usize::MAX, 4_093, 65_536),
];

/// Of characters of several bytes, which a border may split.
fn text(size: usize) -> String {
    "é😀\nx".chars().cycle().take(size / 2).collect()
}

fn all() -> Vec<Item> {
    let mut all = Vec::new();
    for size in SIZES {
        all.push(item(Event::text(text(*size))));
        all.push(item(Event::shared_text(text(*size).replace('\n', ""))));
    }
    all
}

async fn events_do_not_depend_on_the_borders_of_chunks_and_reads(kind: Kind) {
    let server = Server::start(kind, |path| {
        let (_, chunk_limit, ..) = ROWS[path[1..].parse::<usize>().unwrap()];
        response(items(all())).chunk_limit(chunk_limit)
    });
    for (row, (name, _, step, receive_buffer)) in ROWS.iter().enumerate() {
        let mut client = server.get_with(&format!("/{row}"), *receive_buffer).await;
        client.step(*step);
        let (body, end) = client.rest().await;
        assert_eq!(end, End::Clean, "{name}");
        let events = decode(&body);
        assert_eq!(events.len(), 2 * SIZES.len(), "{name}");
        for (event, number) in events.iter().zip(1..) {
            assert_eq!(event.id, number.to_string(), "{name}");
        }
        for (pair, size) in events.chunks(2).zip(SIZES) {
            assert!(pair[0].data == text(*size), "{name}, {size}");
            assert!(pair[1].data == text(*size).replace('\n', ""), "{name}, {size}");
        }
    }
    server.end().await;
}

on_each_server! { events_do_not_depend_on_the_borders_of_chunks_and_reads }
