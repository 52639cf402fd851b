//! Several events published as one.

mod support;

use futures_executor::block_on;
use sse_encoder::{Encode, Event, EventId};
use sse_hub::{Hub, Resumption};
use support::{Client, Two, none, position, publish};

fn texts<'a>(texts: &[&'a str]) -> Vec<impl Encode + use<'a>> {
    texts.iter().map(|text| Event::text(*text)).collect()
}

#[test]
fn all_are_delivered_in_order_with_their_ids_after_one_wake() {
    let hub = Hub::new();
    let mut client = Client::live(hub.subscribe(&none()));
    client.assert_pending();
    let first = publish(&hub, "zero");
    assert_eq!(client.ready(), ["zero"]);
    let woken = client.wakes();
    let ids = block_on(hub.publish_all(texts(&["one", "two", "three"]))).unwrap();
    let expected: Vec<_> = (2..=4).map(|n| position(&first, n)).collect();
    let ids: Vec<_> = ids.into_iter().map(|id| id.unwrap().as_str().to_owned()).collect();
    assert_eq!(ids, expected);
    assert_eq!(client.wakes() - woken, 1);
    for (id, text) in ids.iter().zip(["one", "two", "three"]) {
        let frame = format!("id: {id}\nevent: message\ndata: {text}\n\n");
        assert_eq!(client.next().unwrap(), frame);
    }
    client.assert_pending();
}

#[test]
fn a_client_that_was_cut_off_within_them_gets_the_rest() {
    let hub = Hub::new();
    let ids = hub.try_publish_all(texts(&["one", "two", "three"])).unwrap();
    let subscriber = hub.subscribe(&ids[0].clone().into());
    assert_eq!(subscriber.resumption(), Resumption::Exact { missed: 2 });
    assert_eq!(Client::live(subscriber).ready(), ["two", "three"]);
}

#[test]
fn subscribers_of_all_topics_and_of_none_of_these_are_served_alike() {
    let hub = Hub::new();
    let mut all = Client::live(hub.subscribe_all(&none()));
    let mut other = Client::live(hub.subscribe(&none()));
    all.assert_pending();
    other.assert_pending();
    hub.to("a").try_publish_all(texts(&["one", "two"])).unwrap();
    assert_eq!(all.ready(), ["one", "two"]);
    assert_eq!(other.wakes(), 0);
    publish(&hub, "three");
    assert_eq!(other.ready(), ["three"]);
    assert_eq!(all.ready(), ["three"]);
}

#[test]
fn one_that_cannot_be_published_refuses_all() {
    let hub = Hub::builder().max_frame(100).build();
    let taken = EventId::from_static("row-1");
    hub.try_publish(&Event::text("there").id(taken.clone())).unwrap();
    let good = || Event::text("good".to_owned());
    let long = Event::text("x".repeat(200));
    assert!(hub.try_publish_all([good(), long]).unwrap_err().is_encode());
    let forged = hub.try_publish_all([good(), good().id("row\n")]).unwrap_err();
    assert_eq!((forged.is_encode(), forged.field()), (true, Some("id")));
    let again = hub.try_publish_all([good(), good().id(taken)]).unwrap_err();
    assert!(again.is_duplicate_id());
    let twins = [good().id("row-2"), good().id("row-2")];
    assert!(hub.try_publish_all(twins).unwrap_err().is_duplicate_id());
    let items: [&dyn Encode; 2] = [&good(), &Two];
    assert!(hub.try_publish_all(items).unwrap_err().is_not_single_frame());
    assert_eq!(hub.stats().published, 1);
    // No number is used up, and no id.
    let id = publish(&hub, "next");
    assert_eq!(id.as_str(), position(&id, 2));
    assert!(hub.try_publish_all([good().id("row-2")]).is_ok());
}

#[test]
fn more_than_is_retained_is_refused() {
    let hub = Hub::builder().retain_events(3).retain_bytes(200).build();
    assert!(hub.try_publish_all(texts(&["1", "2", "3"])).is_ok());
    let error = hub.try_publish_all(texts(&["1", "2", "3", "4"])).unwrap_err();
    assert!(error.is_batch_too_long(), "{error}");
    let long = "x".repeat(100);
    let error = hub.try_publish_all(texts(&[&long, &long])).unwrap_err();
    assert!(error.is_batch_too_long(), "{error}");
    // The names of topics count.
    let error = hub.to(&long).try_publish_all(texts(&["1", "2"])).unwrap_err();
    assert!(error.is_batch_too_long(), "{error}");
    // As long as it may be by itself.
    assert!(hub.try_publish_all(texts(&["x".repeat(1_000).as_str()])).is_ok());
    assert_eq!(hub.stats().published, 4);
}

#[test]
fn an_endless_batch_is_refused_and_not_collected() {
    let hub = Hub::builder().retain_events(10).build();
    let mut taken = 0;
    let endless = std::iter::repeat_with(|| {
        taken += 1;
        Event::text("again")
    });
    assert!(hub.try_publish_all(endless).unwrap_err().is_batch_too_long());
    assert_eq!(taken, 11);
}

#[test]
fn no_event_is_published_between_them() {
    let hub = Hub::builder().retain_events(100_000).build();
    let before = hub.position();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let hub = &hub;
            scope.spawn(move || {
                for n in 0..100 {
                    let items = (0..10).map(|i| Event::text(format!("{thread} {n} {i}")));
                    hub.try_publish_all(items).unwrap();
                }
            });
        }
    });
    let all = Client::live(hub.subscribe(&before.into())).ready();
    assert_eq!(all.len(), 4_000);
    for batch in all.chunks(10) {
        let (name, _) = batch[0].rsplit_once(' ').unwrap();
        let expected: Vec<_> = (0..10).map(|i| format!("{name} {i}")).collect();
        assert_eq!(batch, expected);
    }
}

#[test]
fn none_at_all_is_published_as_nothing() {
    let hub = Hub::new();
    assert_eq!(hub.try_publish_all(texts(&[])).unwrap(), []);
    assert_eq!(hub.stats().published, 0);
    hub.close();
    assert!(hub.try_publish_all(texts(&["late"])).unwrap_err().is_closed());
}

#[test]
fn ephemeral_and_keyed_events_keep_their_rules() {
    let hub = Hub::new();
    let before = hub.position();
    let mut live = Client::live(hub.subscribe(&none()));
    let prices = [1, 2, 3].map(Event::json);
    hub.key("ACME").try_publish_all(prices).unwrap();
    let ids = hub.try_publish_all([Event::text("typing").no_id()]).unwrap();
    assert_eq!(ids, [None]);
    assert_eq!(live.ready(), ["3", "typing"]);
    let subscriber = hub.subscribe(&before.into());
    assert_eq!(subscriber.resumption(), Resumption::Exact { missed: 1 });
    assert_eq!(Client::live(subscriber).ready(), ["3"]);
}
