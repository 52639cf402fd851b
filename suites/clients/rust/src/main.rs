//! The clients in Rust: `zoo-clients CLIENT`. It reports as driver.js says.

use std::{
    cell::{Cell, RefCell},
    future::Future,
    io,
    pin::Pin,
    rc::Rc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use futures_util::{StreamExt, TryStreamExt, future, stream};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time;

#[derive(Deserialize)]
struct Described {
    jobs: Vec<JobDescription>,
    #[serde(rename = "atOnce")]
    at_once: usize,
}

#[derive(Deserialize)]
struct JobDescription {
    name: String,
    url: String,
    millis: u64,
    enough: Option<usize>,
}

struct Job {
    description: JobDescription,
    since: Instant,
    events: Cell<usize>,
    over: Cell<bool>,
    last: RefCell<String>,
}

impl Job {
    fn report(&self, what: &str, more: Value) {
        if self.over.get() {
            return;
        }
        let mut line = json!({
            "job": self.description.name,
            "what": what,
            "at": self.since.elapsed().as_millis() as u64,
            "time": SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64() * 1e3,
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            line[name] = value.clone();
        }
        println!("{line}");
    }

    fn tell(&self, what: &str) {
        self.report(what, json!({}));
    }

    fn error(&self, error: &dyn std::fmt::Debug) {
        self.report(
            "error",
            json!({"text": format!("{error:?}").chars().take(300).collect::<String>()}),
        );
    }

    /// `id` is the event's own; an empty one is taken for none, as these clients do.
    fn event(&self, event_type: &str, data: &str, id: &str) {
        if !id.is_empty() {
            *self.last.borrow_mut() = id.into();
        }
        let last = self.last.borrow().clone();
        self.report("event", json!({"type": event_type, "data": data, "lastEventId": last}));
        self.events.set(self.events.get() + 1);
        if data == "end" || Some(self.events.get()) == self.description.enough {
            self.over.set(true);
        }
    }
}

type Listening = Pin<Box<dyn Future<Output = ()>>>;

fn launch_darkly(job: Rc<Job>) -> Listening {
    use eventsource_client::{Client, ClientBuilder, Error, ReconnectOptions, SSE};
    Box::pin(async move {
        let reconnect = ReconnectOptions::reconnect(true).delay(Duration::from_millis(100)).build();
        let transport = launchdarkly_sdk_transport::HyperTransport::new().expect("a transport");
        let client = ClientBuilder::for_url(&job.description.url)
            .expect("a URL")
            .reconnect(reconnect)
            .build_with_transport(transport);
        let mut events = client.stream();
        while let Some(item) = events.next().await {
            match item {
                Ok(SSE::Connected(_)) => job.tell("open"),
                Ok(SSE::Event(event)) => {
                    job.event(&event.event_type, &event.data, event.id.as_deref().unwrap_or(""));
                }
                Ok(SSE::Comment(_)) => {}
                Err(Error::Eof) => job.tell("ended"),
                Err(error) => job.error(&error),
            }
        }
        job.tell("closed");
    })
}

fn launch_darkly_0_16(job: Rc<Job>) -> Listening {
    use eventsource_client_0_16::{Client, ClientBuilder, Error, ReconnectOptions, SSE};
    Box::pin(async move {
        let reconnect = ReconnectOptions::reconnect(true).delay(Duration::from_millis(100)).build();
        let client = ClientBuilder::for_url(&job.description.url)
            .expect("a URL")
            .reconnect(reconnect)
            .build_http();
        let mut events = client.stream();
        while let Some(item) = events.next().await {
            match item {
                Ok(SSE::Connected(_)) => job.tell("open"),
                Ok(SSE::Event(event)) => {
                    job.event(&event.event_type, &event.data, event.id.as_deref().unwrap_or(""));
                }
                Ok(SSE::Comment(_)) => {}
                Err(Error::Eof) => job.tell("ended"),
                Err(error) => job.error(&error),
            }
        }
        job.tell("closed");
    })
}

fn reqwest_eventsource(job: Rc<Job>) -> Listening {
    use reqwest_eventsource::{Event, EventSource};
    Box::pin(async move {
        let mut source = EventSource::get(&job.description.url);
        while let Some(item) = source.next().await {
            match item {
                Ok(Event::Open) => job.tell("open"),
                Ok(Event::Message(event)) => job.event(&event.event, &event.data, &event.id),
                Err(reqwest_eventsource::Error::StreamEnded) => job.tell("ended"),
                Err(error) => job.error(&error),
            }
        }
        job.tell("closed");
    })
}

fn eventsource_stream(job: Rc<Job>) -> Listening {
    use eventsource_stream::Eventsource;
    Box::pin(async move {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        for _ in 0..20 {
            let read = async {
                let last = job.last.borrow().clone();
                let mut request =
                    client.get(&job.description.url).header("accept", "text/event-stream");
                if !last.is_empty() {
                    request = request.header("last-event-id", last);
                }
                let response = request.send().await.map_err(io::Error::other)?;
                job.tell("open");
                let mut events = response.bytes_stream().map_err(io::Error::other).eventsource();
                while let Some(event) = events.next().await {
                    let event = event.map_err(|error| io::Error::other(error.to_string()))?;
                    job.event(&event.event, &event.data, &event.id);
                }
                Ok::<_, io::Error>(())
            };
            match read.await {
                Ok(()) => job.tell("ended"),
                Err(error) => job.error(&error),
            }
            time::sleep(Duration::from_millis(100)).await;
        }
    })
}

async fn work(description: JobDescription, listen: fn(Rc<Job>) -> Listening) {
    let millis = description.millis;
    let job = Rc::new(Job {
        description,
        since: Instant::now(),
        events: Cell::default(),
        over: Cell::default(),
        last: RefCell::default(),
    });
    let over = async {
        while !job.over.get() {
            time::sleep(Duration::from_millis(10)).await;
        }
    };
    let listening = listen(Rc::clone(&job));
    // A client that has given up has nothing more to say.
    let listening = async {
        listening.await;
        future::pending::<()>().await;
    };
    let both = future::select(Box::pin(over), Box::pin(listening));
    let _ = time::timeout(Duration::from_millis(millis), both).await;
    job.over.set(true);
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let listen = match std::env::args().nth(1).as_deref() {
        Some("eventsource-client") => launch_darkly,
        Some("eventsource-client-0-16") => launch_darkly_0_16,
        Some("reqwest-eventsource") => reqwest_eventsource,
        Some("eventsource-stream") => eventsource_stream,
        other => panic!("no client {other:?}"),
    };
    let described: Described = serde_json::from_reader(io::stdin()).expect("jobs");
    let jobs = described.jobs.into_iter().map(|job| work(job, listen));
    stream::iter(jobs).buffer_unordered(described.at_once).collect::<()>().await;
}
