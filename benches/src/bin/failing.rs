//! Measures the processor time of bodies that fail while a handler of its own collects each.

use std::{convert::identity, error::Error};

use axum::{body, response::IntoResponse};
use futures_util::stream;
use rustix::time::{ClockId, clock_gettime};
use sse_encoder::{Event, SseEncoder};
use tokio::{runtime::Builder, task::JoinSet};

const BODIES: usize = 1_000;
const RUNS: usize = 7;

fn main() -> Result<(), Box<dyn Error>> {
    let mut runs = Vec::new();
    for _ in 0..RUNS {
        let start = processor_millis();
        Builder::new_current_thread().enable_time().build()?.block_on(collect_all())?;
        runs.push(processor_millis() - start);
    }
    runs.sort_by(f64::total_cmp);
    let (least, median) = (runs[0], runs[RUNS / 2]);
    println!(
        "{BODIES} failing bodies, all collected at the same time: {median:.1} ms of processor \
         time (median of {RUNS} runs; least {least:.1})"
    );
    Ok(())
}

/// # Errors
///
/// A body did not fail.
async fn collect_all() -> Result<(), Box<dyn Error>> {
    let mut handlers = JoinSet::new();
    for _ in 0..BODIES {
        handlers.spawn(async {
            let items = stream::iter([Ok(Event::json(1)), Err("gone")]);
            let body = SseEncoder::bare(items).into_response().into_body();
            body::to_bytes(body, usize::MAX).await.is_err()
        });
    }
    if handlers.join_all().await.into_iter().all(identity) {
        Ok(())
    } else {
        Err("a body did not fail".into())
    }
}

fn processor_millis() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}
