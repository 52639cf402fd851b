//! The processor time of bodies that fail while a handler of its own collects each.

use std::{convert::identity, error::Error};

use axum::{body, response::IntoResponse};
use futures_util::stream;
use rustix::time::ClockId;
use sse_encoder::{Event, SseEncoder};
use tokio::{runtime::Builder, task::JoinSet};

use crate::loopback::nanoseconds;

pub const BODIES: usize = 1_000;

/// The processor time of each run, in milliseconds.
///
/// # Errors
///
/// A body did not fail.
pub fn measure(runs: usize) -> Result<Vec<f64>, Box<dyn Error>> {
    let run = |_| {
        let start = nanoseconds(ClockId::ProcessCPUTime);
        Builder::new_current_thread().enable_time().build()?.block_on(collect_all())?;
        Ok((nanoseconds(ClockId::ProcessCPUTime) - start) as f64 / 1e6)
    };
    (0..runs).map(run).collect()
}

async fn collect_all() -> Result<(), Box<dyn Error>> {
    let mut handlers = JoinSet::new();
    for _ in 0..BODIES {
        handlers.spawn(async {
            let items = stream::iter([Ok(Event::json(1)), Err("gone")]);
            let body = SseEncoder::bare(items).into_response().into_body();
            body::to_bytes(body, usize::MAX).await.is_err()
        });
    }
    let all_failed = handlers.join_all().await.into_iter().all(identity);
    if all_failed { Ok(()) } else { Err("a body did not fail".into()) }
}
