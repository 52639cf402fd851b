//! Ending the streams of an owner or a topic: their last words, and every moment at which it can
//! happen.

mod support;

use std::{
    sync::Barrier,
    thread,
    time::{Duration, SystemTime},
};

use futures_core::FusedStream;
use futures_executor::block_on;
use futures_util::FutureExt;
use sse_encoder::{Event, ReconnectionTime};
use sse_hub::{Hub, Reconnect};
use support::{Client, after, field, none, publish, short};

const TEN_SECONDS: ReconnectionTime = ReconnectionTime::from_secs(10).unwrap();

fn end(hub: &Hub, owner: &str, reconnect: Reconnect) -> usize {
    block_on(hub.end_owner(owner, reconnect)).unwrap()
}

/// A client of this owner, authorized now.
fn of(hub: &Hub, owner: &str) -> Client {
    Client::new(hub.subscribe(&none()).owner(owner, SystemTime::now()))
}

#[test]
fn a_waiting_stream_is_woken_once_and_the_last_words_are_those_of_close() {
    let hub = Hub::new();
    let mut clients = [(); 3].map(|()| of(&hub, "user:7"));
    for client in &mut clients {
        assert_eq!(client.ready(), ["checkpoint"]);
    }
    assert_eq!(end(&hub, "user:7", Reconnect::Soon), 3);
    for client in &mut clients {
        assert_eq!(client.wakes(), 1);
        let last = client.next().unwrap();
        assert_eq!((field(&last, "event"), field(&last, "data")), (Some("checkpoint"), Some("{}")));
        assert_eq!(field(&last, "id"), None);
        let retry: u64 = field(&last, "retry").unwrap().parse().unwrap();
        assert!((1_000..=5_000).contains(&retry), "{retry}");
        assert!(client.subscriber.is_terminated());
        assert_eq!(client.next(), None);
    }
}

#[test]
fn a_given_reconnection_time_is_told_and_without_one_nothing_is() {
    let hub = Hub::new();
    for (reconnect, expected) in [
        (Reconnect::After(TEN_SECONDS), Some("event: checkpoint\nretry: 10000\ndata: {}\n\n")),
        (Reconnect::Never, None),
    ] {
        let mut client = of(&hub, "user:7");
        assert_eq!(client.ready(), ["checkpoint"]);
        end(&hub, "user:7", reconnect);
        assert_eq!(client.next().as_deref(), expected);
        assert_eq!(client.next(), None);
        assert_eq!(client.subscriber.ended(), Some(reconnect));
    }
}

#[test]
fn an_ended_stream_gives_no_event_that_it_has_not_given_yet() {
    let hub = Hub::new();
    let first = publish(&hub, "first");
    publish(&hub, "second");
    let subscribe = || {
        let last = after(first.as_str());
        Client::new(hub.subscribe(&last).owner("user:7", SystemTime::now()))
    };
    // Not polled yet; within the replay; waiting, and behind by one event or two.
    let mut clients = [(); 5].map(|()| subscribe());
    for (client, polls) in clients.iter_mut().zip([0, 1, 2, 2, 2]) {
        (0..polls).for_each(|_| drop(client.next().unwrap()));
    }
    clients[3..].iter_mut().for_each(Client::assert_pending);
    publish(&hub, "third");
    assert_eq!(clients[4].ready(), ["third"]);
    publish(&hub, "fourth");
    end(&hub, "user:7", Reconnect::Never);
    publish(&hub, "fifth");
    for client in &mut clients {
        assert_eq!(client.next(), None);
    }
}

#[test]
fn a_stream_that_is_ended_while_its_state_is_loaded_does_not_give_it() {
    let hub = Hub::new();
    hub.key("a").try_publish(&Event::text("newest")).unwrap();
    for is_given in [true, false] {
        let mut subscriber = hub.subscribe(&none()).owner("user:7", SystemTime::now());
        if is_given {
            end(&hub, "user:7", Reconnect::Never);
            subscriber.begin_with(&Event::text("state")).unwrap();
        } else {
            subscriber.begin_with_latest().unwrap();
            end(&hub, "user:7", Reconnect::Never);
        }
        assert_eq!(Client::new(subscriber).next(), None);
    }
    // Within the state.
    let mut subscriber = hub.subscribe(&none()).owner("user:7", SystemTime::now());
    subscriber.begin_with_latest().unwrap();
    let mut client = Client::live(subscriber);
    end(&hub, "user:7", Reconnect::Never);
    assert_eq!(client.next(), None);
}

#[test]
fn an_owner_without_an_ending_changes_nothing() {
    let hub = Hub::new();
    let first = publish(&hub, "first");
    publish(&hub, "second");
    let subscriber = hub.subscribe(&after(first.as_str())).owner("user:7", SystemTime::now());
    let mut client = Client::new(subscriber);
    assert_eq!(client.ready(), ["checkpoint", "second"]);
    let mut subscriber = hub.subscribe(&none()).owner("user:7", SystemTime::now());
    subscriber.begin_with(&Event::text("state")).unwrap();
    let mut other = Client::new(subscriber);
    assert_eq!(other.ready(), ["checkpoint", "state"]);
    publish(&hub, "third");
    assert_eq!((client.ready(), other.ready()), (vec!["third".into()], vec!["third".into()]));
    assert_eq!(end(&hub, "user:8", Reconnect::Never), 0);
    client.assert_pending();
}

#[test]
fn a_stream_of_several_topics_is_woken_by_the_end_of_each() {
    let hub = Hub::new();
    for topic in ["a", "b", "c"] {
        let mut client = Client::live(hub.subscribe_to(["c", "a", "b"], &none()));
        let mut other = Client::live(hub.subscribe_to(["d", ""], &none()));
        let mut monitor = Client::live(hub.subscribe_all(&none()));
        for client in [&mut client, &mut other, &mut monitor] {
            client.assert_pending();
        }
        let ended = block_on(hub.end_topic(topic, Reconnect::After(TEN_SECONDS))).unwrap();
        assert_eq!((ended, client.wakes()), (1, 1));
        assert_eq!(short(&client.next().unwrap()), "checkpoint");
        assert_eq!(client.next(), None);
        assert_eq!((other.wakes(), monitor.wakes()), (0, 0));
        // A later stream does not say that it was authorized before.
        assert_eq!(hub.subscribe_to([topic], &none()).ended(), None);
    }
    assert_eq!(block_on(hub.end_topic("nobody's", Reconnect::Soon)).unwrap(), 0);
}

#[test]
fn the_place_of_an_ended_stream_is_free_for_another_one() {
    let hub = Hub::new();
    for _ in 0..10 {
        let mut client = of(&hub, "user:7");
        assert_eq!(client.ready(), ["checkpoint"]);
        end(&hub, "user:7", Reconnect::Never);
        drop(client);
        let mut other = Client::live(hub.subscribe(&none()));
        other.assert_pending();
        assert_eq!(end(&hub, "user:7", Reconnect::Never), 0);
        publish(&hub, "a");
        assert_eq!(other.ready(), ["a"]);
    }
}

#[test]
fn a_publisher_waits_for_no_stream_that_is_ended() {
    let hub = Hub::new();
    let mut client = of(&hub, "user:7");
    assert_eq!(client.ready(), ["checkpoint"]);
    for text in ["a", "b", "c"] {
        publish(&hub, text);
    }
    let mut waiting = hub.caught_up(0);
    assert!((&mut waiting).now_or_never().is_none());
    assert_eq!(hub.lag(), 3);
    end(&hub, "user:7", Reconnect::Never);
    assert!((&mut waiting).now_or_never().is_some());
    assert_eq!(hub.lag(), 0);
}

#[test]
fn a_name_that_is_too_long_can_neither_be_ended_nor_begin_a_stream() {
    let hub = Hub::new();
    let long = "x".repeat(4 * 1024 + 1);
    assert!(block_on(hub.end_owner(&long, Reconnect::Soon)).unwrap_err().is_name_too_long());
    assert!(block_on(hub.end_topic(&long, Reconnect::Soon)).unwrap_err().is_name_too_long());
    assert_eq!(of(&hub, &long).subscriber.ended(), Some(Reconnect::Soon));
    let mut client = of(&hub, &long[1..]);
    assert_eq!(client.ready(), ["checkpoint"]);
    assert_eq!(end(&hub, &long[1..], Reconnect::Soon), 1);
}

#[test]
fn an_authorization_that_is_too_old_is_not_good_for_a_stream_with_an_owner() {
    let hub = Hub::builder().authorization_age(Duration::from_secs(60)).build();
    let ago = |seconds| SystemTime::now() - Duration::from_secs(seconds);
    assert_eq!(hub.subscribe(&none()).owner("a", ago(61)).ended(), Some(Reconnect::Soon));
    assert_eq!(hub.subscribe(&none()).owner("a", ago(59)).ended(), None);
    assert_eq!(
        hub.subscribe(&none()).owner("a", SystemTime::UNIX_EPOCH).ended(),
        Some(Reconnect::Soon)
    );
}

#[test]
fn a_waker_that_panics_keeps_no_stream_of_the_owner_open() {
    let hub = Hub::new();
    let mut clients = [(); 8].map(|()| of(&hub, "user:7"));
    for (n, client) in clients.iter_mut().enumerate() {
        if n % 2 == 0 {
            client.wait_with_a_waker_that_panics();
        } else {
            assert_eq!(client.ready(), ["checkpoint"]);
        }
    }
    assert_eq!(end(&hub, "user:7", Reconnect::Never), 8);
    for (n, client) in clients.iter_mut().enumerate() {
        assert_eq!(client.wakes(), n % 2);
        assert_eq!(client.next(), None);
    }
}

#[test]
fn nobody_slips_through_between_the_authorization_and_the_subscription() {
    const ROUNDS: usize = 300;
    const CLIENTS: usize = 3;
    let hub = Hub::new();
    for round in 0..ROUNDS {
        let owner = format!("user:{round}");
        let barrier = Barrier::new(CLIENTS + 1);
        let authorized_at = SystemTime::now();
        let clients: Vec<_> = thread::scope(|scope| {
            let subscribing: Vec<_> = (0..CLIENTS)
                .map(|_| {
                    scope.spawn(|| {
                        barrier.wait();
                        let subscriber = hub.subscribe(&none()).owner(&owner, authorized_at);
                        let mut client = Client::new(subscriber);
                        // It is open, or is ended.
                        let _ = client.ready();
                        client
                    })
                })
                .collect();
            barrier.wait();
            end(&hub, &owner, Reconnect::Never);
            subscribing.into_iter().map(|client| client.join().unwrap()).collect()
        });
        publish(&hub, "after that");
        for mut client in clients {
            let was_waiting = !client.subscriber.is_terminated();
            assert_eq!(client.next(), None, "{round}");
            assert!(!was_waiting || client.wakes() > 0, "{round}");
        }
    }
}
