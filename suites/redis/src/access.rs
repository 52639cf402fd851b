//! Users with few rights, and hubs that record their driver's errors.

use std::{
    ops::Deref,
    sync::{Arc, Mutex},
};

use futures_util::FutureExt;
use sse_encoder::Event;
use sse_hub::Hub;

use crate::{Node, Server, node::STREAM, until};

/// The rights of a server that reads the stream, as in the docs.
pub const READS: &[&str] = &["+xlen", "+xrange", "+xrevrange", "+xread", "+xinfo", "+time"];
/// The further rights of a server that publishes, also several events as one.
pub const WRITES: &[&str] = &["+xadd", "+multi", "+exec"];
/// Those of [`WRITES`] that only several events as one need.
pub const TRANSACTS: &[&str] = &["+multi", "+exec"];

/// Creates a user with the password `s:cret` and these rights, for the stream and the key of the
/// endings alone.
pub async fn allow(server: &Server, user: &str, rights: &[&str]) {
    let [key, endings] = [format!("~{STREAM}"), format!("~{{{STREAM}}}:endings")];
    let user = ["ACL", "SETUSER", user, "on", ">s:cret", &key, &endings];
    server.run::<()>(&[&user, rights].concat()).await;
}

/// A hub, and its driver's errors.
#[derive(Debug)]
pub struct Told {
    node: Node,
    errors: Arc<Mutex<Vec<String>>>,
}

impl Told {
    /// # Panics
    ///
    /// The URL is invalid.
    #[must_use]
    pub fn start(url: &str) -> Self {
        let errors = Arc::new(Mutex::new(Vec::new()));
        let (hub, driver) = Hub::builder().redis(url, STREAM).unwrap();
        let told = errors.clone();
        let driver = driver.on_error(move |error| told.lock().unwrap().push(error.to_string()));
        Self { node: Node::spawn(hub, driver), errors }
    }

    /// # Panics
    ///
    /// Never.
    #[must_use]
    pub fn errors(&self) -> Vec<String> {
        self.errors.lock().unwrap().clone()
    }

    /// Waits for the first error.
    pub async fn error(&self) -> String {
        until("an error is told", || !self.errors().is_empty()).await;
        self.errors().swap_remove(0)
    }

    /// Whether the hub accepts an event for publishing.
    #[must_use]
    pub fn can_publish(&self) -> bool {
        self.node.hub.publish(&Event::text("sent or not")).now_or_never().is_none()
    }
}

impl Deref for Told {
    type Target = Hub;

    fn deref(&self) -> &Hub {
        &self.node.hub
    }
}
