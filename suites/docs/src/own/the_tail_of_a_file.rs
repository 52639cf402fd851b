use axum::response::sse::{Event, KeepAlive, Sse};
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::IntoResponse,
    routing::get,
};
use futures_util::{TryStreamExt, stream};
use std::{io, io::SeekFrom, path::PathBuf, time::Duration};
use tokio::{
    fs::File,
    io::{AsyncBufReadExt, AsyncSeekExt, BufReader},
    time::sleep,
};

async fn tail(
    State(path): State<PathBuf>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, StatusCode> {
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    let mut file = File::open(path).await.map_err(|_| StatusCode::NOT_FOUND)?;
    let start = SeekFrom::Start(last.unwrap_or(0));
    let start = file.seek(start).await.map_err(|_| StatusCode::NOT_FOUND)?;
    let lines = stream::try_unfold((BufReader::new(file), start), async |(mut file, start)| {
        let mut line = String::new();
        while !line.ends_with('\n') {
            if file.read_line(&mut line).await? == 0 {
                sleep(Duration::from_millis(250)).await;
            }
        }
        let next = start + line.len() as u64;
        let event = Event::default().id(next.to_string()).data(line.trim_end());
        io::Result::Ok(Some((event, (file, next))))
    });
    let lines = lines.inspect_err(|error| eprintln!("the tail was cut: {error}"));
    Ok(Sse::new(lines).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}

pub(crate) fn app(path: PathBuf) -> Router {
    Router::new().route("/", get(tail)).with_state(path)
}
