use axum::http::{StatusCode, Uri};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::{Router, extract::State, response::IntoResponse, routing::post};
use eventsource_stream::Eventsource;
use futures_util::{StreamExt, stream};
use serde_json::json;
use std::{convert::Infallible, future::ready, time::Duration};

async fn relay(
    State(upstream): State<String>,
    uri: Uri,
    prompt: String,
) -> Result<impl IntoResponse, StatusCode> {
    let url = format!("{upstream}{}", uri.path());
    let response = reqwest::Client::new().post(url).body(prompt).send().await;
    let response = response.and_then(|response| response.error_for_status());
    let response = response.map_err(|_| StatusCode::BAD_GATEWAY)?;
    let events = response.bytes_stream().eventsource().scan(false, move |failed, frame| {
        if *failed {
            return ready(None);
        }
        ready(Some(match frame {
            Ok(frame) => vec![event(frame)],
            Err(error) => {
                eprintln!("the model's stream broke off: {error}");
                *failed = true;
                let error = json!({"type": "api_error", "message": "please try again"});
                if uri.path() == "/v1/messages" {
                    let error = json!({"type": "error", "error": error});
                    vec![Event::default().event("error").data(error.to_string())]
                } else {
                    let error = json!({"error": error}).to_string();
                    vec![Event::default().data(error), Event::default().data("[DONE]")]
                }
            }
        }))
    });
    let events = events.flat_map(stream::iter).map(Ok::<_, Infallible>);
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}

fn event(event: eventsource_stream::Event) -> Event {
    let relayed = Event::default().data(event.data);
    let relayed = if event.id.is_empty() { relayed } else { relayed.id(event.id) };
    if event.event == "message" { relayed } else { relayed.event(event.event) }
}

pub(crate) fn app(upstream: String) -> Router {
    Router::new()
        .route("/v1/messages", post(relay))
        .route("/v1/chat/completions", post(relay))
        .with_state(upstream)
}
