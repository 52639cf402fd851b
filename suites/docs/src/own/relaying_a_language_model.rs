use axum::http::{StatusCode, Uri};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::{Router, extract::State, response::IntoResponse, routing::post};
use futures_util::{AsyncBufReadExt, StreamExt, TryStreamExt, stream};
use serde_json::json;
use std::{convert::Infallible, future::ready, io, mem, time::Duration};

async fn relay(
    State(upstream): State<String>,
    uri: Uri,
    prompt: String,
) -> Result<impl IntoResponse, StatusCode> {
    let url = format!("{upstream}{}", uri.path());
    let response = reqwest::Client::new().post(url).body(prompt).send().await;
    let response = response.and_then(|response| response.error_for_status());
    let response = response.map_err(|_| StatusCode::BAD_GATEWAY)?;
    let lines = response.bytes_stream().map_err(io::Error::other).into_async_read().lines();
    let mut fields = Fields::default();
    let events = lines.scan(false, move |failed, line| {
        if *failed {
            return ready(None);
        }
        ready(Some(match line {
            Ok(line) => fields.item(&line).into_iter().collect(),
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

/// The fields of the model's current event.
#[derive(Default)]
struct Fields {
    event_type: Option<String>,
    id: Option<String>,
    data: Vec<String>,
}

impl Fields {
    /// The event that this line ends, or the comment that the line is.
    fn item(&mut self, line: &str) -> Option<Event> {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "event" => self.event_type = Some(value.to_owned()),
            "id" => self.id = Some(value.to_owned()),
            "data" => self.data.push(value.to_owned()),
            "" if !line.is_empty() => return Some(Event::default().comment(value)),
            "" => return mem::take(self).event(),
            _ => {}
        }
        None
    }

    fn event(self) -> Option<Event> {
        let event = Event::default().data(self.data.join("\n"));
        let event = if let Some(id) = self.id { event.id(id) } else { event };
        let event = if let Some(kind) = self.event_type { event.event(kind) } else { event };
        (!self.data.is_empty()).then_some(event)
    }
}

pub(crate) fn app(upstream: String) -> Router {
    Router::new()
        .route("/v1/messages", post(relay))
        .route("/v1/chat/completions", post(relay))
        .with_state(upstream)
}
