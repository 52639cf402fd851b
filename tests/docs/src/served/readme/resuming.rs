use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::routing::get;

use super::{Encoder, Log, broadcast};

pub(super) async fn events() -> SocketAddr {
    let (live, _) = broadcast::channel(16);
    let mut log = Log { encoder: Encoder::new(), kept: Default::default(), live };
    log.publish("missed").unwrap();
    crate::serve::axum(get(super::events), Arc::new(Mutex::new(log))).await
}
