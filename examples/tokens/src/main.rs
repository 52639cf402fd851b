//! A chat completion, streamed as language-model servers do: bare `data:` lines with JSON, an error
//! in mid-stream as one more such line, and `[DONE]` at the end.
//!
//! ```console
//! $ cargo run -p example-tokens
//! listening on http://127.0.0.1:3000
//! $ curl -N 'http://127.0.0.1:3000/v1/chat/completions?prompt=tell+me'
//! :
//! data: {"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"You"}}]}
//! ```

use std::{env, io, time::Duration};

use axum::{Router, extract::Query, response::IntoResponse, routing::get};
use futures_util::{Stream, StreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sse_encoder::{Event, OnError, SseEncoder};
use tokio::{net::TcpListener, signal, time};

#[derive(Deserialize)]
struct Request {
    prompt: String,
}

#[derive(Serialize)]
struct Chunk {
    object: &'static str,
    choices: [Choice; 1],
}

#[derive(Serialize)]
struct Choice {
    index: u32,
    delta: Delta,
}

#[derive(Serialize)]
struct Delta {
    content: String,
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let address = env::var("ADDR").unwrap_or("127.0.0.1:3000".into());
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let app = Router::new().route("/v1/chat/completions", get(complete));
    tokio::select! {
        served = axum::serve(listener, app) => served,
        interrupted = signal::ctrl_c() => interrupted,
    }
}

async fn complete(Query(request): Query<Request>) -> impl IntoResponse {
    SseEncoder::bare(answer(&request.prompt)).on_error(|error| {
        // The status has been sent: only the stream can report the error, without its details.
        eprintln!("a stream broke off: {error:#}");
        let report = json!({"error": {"type": "server_error", "message": "please try again"}});
        OnError::end_with([Event::json(report).into_owned(), Event::text("[DONE]").into()])
    })
}

/// A toy model. It fails at the word `fail`.
fn answer(prompt: &str) -> impl Stream<Item = Result<Event, io::Error>> + use<> {
    let answer = format!("You said: {prompt}");
    let words: Vec<_> = answer.split_inclusive(' ').map(str::to_owned).collect();
    let tokens = stream::iter(words).then(|word| async move {
        time::sleep(Duration::from_millis(50)).await;
        if word.trim() == "fail" {
            return Err(io::Error::other("the model has failed"));
        }
        let choice = Choice { index: 0, delta: Delta { content: word } };
        let chunk = Chunk { object: "chat.completion.chunk", choices: [choice] };
        Ok(Event::json(chunk).into())
    });
    tokens.chain(stream::iter([Ok(Event::text("[DONE]").into())]))
}
