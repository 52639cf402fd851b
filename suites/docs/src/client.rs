//! A client with a decoder that others keep.

use std::{fmt::Display, net::SocketAddr, pin::Pin, time::Duration};

use eventsource_stream::{Event, Eventsource};
use futures_util::{Stream, StreamExt};
use http::Method;
use reqwest::{RequestBuilder, Response};
use tokio::time::timeout;

use crate::DEADLINE;

type Events = Pin<Box<dyn Stream<Item = Result<Event, String>> + Send>>;

/// An open event stream.
pub(crate) struct Client(Events);

impl Client {
    pub(crate) async fn open(address: SocketAddr, path: &str) -> Self {
        Self::of(get(address, path)).await
    }

    /// After an event with this id.
    pub(crate) async fn resume(address: SocketAddr, path: &str, id: impl Display) -> Self {
        Self::of(get(address, path).header("last-event-id", id.to_string())).await
    }

    pub(crate) async fn of(request: RequestBuilder) -> Self {
        let response = send(request).await;
        assert_eq!(response.status(), 200);
        let content_type = response.headers()["content-type"].to_str().unwrap();
        assert!(content_type.starts_with("text/event-stream"), "{content_type}");
        let events = response.bytes_stream().eventsource();
        Self(Box::pin(events.map(|event| event.map_err(|error| error.to_string()))))
    }

    pub(crate) async fn next(&mut self) -> Event {
        self.try_next().await.expect("the stream has ended").expect("the stream has broken")
    }

    pub(crate) async fn data(&mut self) -> String {
        self.next().await.data
    }

    /// All that comes until a clean end.
    pub(crate) async fn all(&mut self) -> Vec<String> {
        let mut all = Vec::new();
        while let Some(event) = self.try_next().await {
            all.push(event.expect("the stream has broken").data);
        }
        all
    }

    pub(crate) async fn ends(&mut self) {
        assert_eq!(self.all().await, [""; 0]);
    }

    /// The hub's last word, and the end.
    pub(crate) async fn ends_with_a_checkpoint(&mut self) {
        assert_eq!(self.next().await.event, "checkpoint");
        self.ends().await;
    }

    pub(crate) async fn try_next(&mut self) -> Option<Result<Event, String>> {
        timeout(DEADLINE, self.0.next()).await.expect("an event, soon")
    }

    /// The stream there is the cookbook's: three numbers.
    pub(crate) async fn counts(address: SocketAddr) {
        let mut client = Self::open(address, "/").await;
        let first = client.next().await;
        let fields = (first.event.as_str(), first.data.as_str(), first.id.as_str());
        assert_eq!(fields, ("number", "1", "1"));
        assert_eq!(client.all().await, ["2", "3"]);
        assert_eq!(Self::resume(address, "/", 2).await.all().await, ["3"]);
    }

    /// Nothing comes for a little while.
    pub(crate) async fn is_silent(&mut self) {
        assert!(timeout(Duration::from_millis(50), self.0.next()).await.is_err());
    }
}

pub(crate) fn get(address: SocketAddr, path: &str) -> RequestBuilder {
    request(Method::GET, address, path)
}

pub(crate) fn post(address: SocketAddr, path: &str, body: &'static str) -> RequestBuilder {
    request(Method::POST, address, path).body(body)
}

pub(crate) fn request(method: Method, address: SocketAddr, path: &str) -> RequestBuilder {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    client.request(method, format!("http://{address}{path}"))
}

pub(crate) async fn send(request: RequestBuilder) -> Response {
    timeout(DEADLINE, request.send()).await.expect("an answer, soon").unwrap()
}
