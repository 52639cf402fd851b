use axum::response::sse::{Event, Sse};
use axum::{Router, extract::State, http::StatusCode, response::IntoResponse, routing::post};
use eventsource_stream::Eventsource;
use futures_util::{StreamExt, stream};
use std::{convert::Infallible, future::ready};

async fn relay(
    State(upstream): State<String>,
    prompt: String,
) -> Result<impl IntoResponse, StatusCode> {
    let response = reqwest::Client::new().post(upstream).body(prompt).send().await;
    let response = response.and_then(|response| response.error_for_status());
    let response = response.map_err(|_| StatusCode::BAD_GATEWAY)?;
    let frames = response.bytes_stream().eventsource().scan(false, |failed, frame| {
        if *failed {
            return ready(None);
        }
        ready(Some(match frame {
            Ok(frame) => vec![Event::default().data(frame.data)],
            Err(error) => {
                eprintln!("the model's stream broke off: {error}");
                *failed = true;
                let report = Event::default().data("[\"please try again\"]");
                vec![report, Event::default().data("[DONE]")]
            }
        }))
    });
    let frames = frames.flat_map(stream::iter);
    Ok(Sse::new(frames.map(Ok::<_, Infallible>)))
}

pub(crate) fn app(upstream: String) -> Router {
    Router::new().route("/", post(relay)).with_state(upstream)
}
