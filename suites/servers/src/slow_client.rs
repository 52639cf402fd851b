//! How much a hyper server holds for a client that stops reading: axum, warp and hyper itself.
//!
//! The connection is a pipe in memory of a known size: the server holds all that was taken from the
//! source and is not in the pipe.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use futures_util::Stream;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use sse_encoder::{Event, SseEncoder, data::Text};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

const PIPE: usize = 64 * 1024;

/// The maximum of buffers that hyper gathers for one write.
const BUFFERS: usize = 16;

/// Always ready; counts its items.
#[derive(Clone, Default)]
struct Endless(Arc<AtomicUsize>);

impl Stream for Endless {
    type Item = Event<Text<&'static str>>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Poll::Ready(Some(Event::text("0123456789")))
    }
}

const FRAME: usize = "data: 0123456789\n\n".len();

/// The client's end of a connection that has asked for the stream and reads nothing.
async fn stalled(items: Endless, chunk_limit: usize) -> DuplexStream {
    let (mut client, server) = duplex(PIPE);
    let service = service_fn(move |_: hyper::Request<Incoming>| {
        let stream = SseEncoder::bare(items.clone()).chunk_limit(chunk_limit);
        async { Ok::<_, Infallible>(stream.into_http_response()) }
    });
    tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(server), service));
    client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    client
}

/// Waits until the server is idle.
async fn taken(items: &Endless) -> usize {
    let mut before = usize::MAX;
    loop {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        let now = items.0.load(Ordering::Relaxed);
        if now == before {
            return now * FRAME;
        }
        before = now;
    }
}

#[tokio::test]
async fn a_server_holds_a_few_chunks_however_long_the_client_stalls() {
    for chunk_limit in [1_024, 4_096, SseEncoder::DEFAULT_CHUNK_LIMIT, 65_536] {
        let items = Endless::default();
        let mut client = stalled(items.clone(), chunk_limit).await;
        let held = taken(&items).await.saturating_sub(PIPE);
        println!("chunks of {chunk_limit} bytes: {held} bytes held");
        assert!(held > 0);
        assert!(held <= (BUFFERS + 1) * (chunk_limit + FRAME), "{chunk_limit}: {held}");
        assert_eq!(taken(&items).await.saturating_sub(PIPE), held);

        // The stream continues where it was as soon as the client reads again.
        let mut read = vec![0; 4 * held + PIPE];
        client.read_exact(&mut read).await.unwrap();
        assert!(taken(&items).await > read.len());
    }
}
