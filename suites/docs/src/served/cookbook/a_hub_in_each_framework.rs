use std::net::SocketAddr;

use ::actix_web::web;
use ::axum::routing::get;
use ::warp::Filter;
use sse_encoder::{Event, LastEventId};
use sse_hub::Hub;

use crate::{client::Client, serve};

/// Two clients, of which one is cut off and comes back.
async fn all_is_delivered(hub: Hub, address: SocketAddr) {
    let publish = async |text| {
        hub.to("orders").publish(&Event::text(text)).await.unwrap().unwrap().as_str().to_owned()
    };
    let mut one = Client::open(address, "/").await;
    assert_eq!(one.next().await.event, "checkpoint");
    let id = publish("a pizza").await;
    let event = one.next().await;
    assert_eq!((event.data.as_str(), &event.id), ("a pizza", &id));
    drop(one);
    publish("a coffee").await;
    let mut one = Client::resume(address, "/", id).await;
    assert_eq!(one.next().await.event, "checkpoint");
    assert_eq!(one.data().await, "a coffee");
    hub.close();
    one.ends_with_a_checkpoint().await;
}

#[tokio::test]
async fn in_axum() {
    let hub = Hub::new();
    let address = serve::axum(get(super::axum), hub.clone()).await;
    all_is_delivered(hub, address).await;
}

#[tokio::test]
async fn in_actix() {
    let hub = Hub::new();
    let data = web::Data::new(hub.clone());
    let route = move || {
        let data = data.clone();
        let handler = move |last: LastEventId| super::actix(data.clone(), last);
        web::get().to(handler)
    };
    all_is_delivered(hub, serve::actix(route).await).await;
}

#[tokio::test]
async fn in_warp() {
    let hub = Hub::new();
    let clones = ::warp::any().map({
        let hub = hub.clone();
        move || hub.clone()
    });
    let arguments = clones.and(::warp::method()).and(LastEventId::warp_filter());
    let address = serve::warp(arguments.map(super::warp).boxed()).await;
    all_is_delivered(hub, address).await;
}

#[tokio::test]
async fn in_hyper() {
    let hub = Hub::new();
    let served = hub.clone();
    let address = serve::hyper(move |request| super::hyper(&served, request)).await;
    all_is_delivered(hub, address).await;
}
