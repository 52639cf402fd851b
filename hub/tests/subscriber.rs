//! A subscriber's events and wakes, under scripted polls, without a runtime.

mod support;

use std::{
    sync::{Arc, atomic::Ordering},
    task::Poll,
    time::Duration,
};

use futures_core::FusedStream;
use sse_encoder::{Encode, Event, EventId, LastEventId};
use sse_hub::{Hub, OnGap, Resumption};
use support::{Client, Two, after, field, none, position, publish, short};

#[test]
fn the_first_event_is_a_checkpoint_with_the_position_and_a_reconnection_time() {
    let hub = Hub::new();
    for n in 0..3 {
        let opening = Client::new(hub.subscribe(&none())).next().unwrap();
        let lines: Vec<_> = opening.lines().collect();
        let [id, event, retry, data, ""] = lines[..] else { panic!("{opening}") };
        assert!(id.starts_with("id: ") && id.ends_with(&format!("-{n}")), "{id}");
        assert_eq!((event, data), ("event: checkpoint", "data: {}"));
        let retry: u32 = retry.strip_prefix("retry: ").unwrap().parse().unwrap();
        assert!((1_000..=5_000).contains(&retry), "{retry}");
        publish(&hub, "more");
    }
}

#[test]
fn a_client_cut_off_before_its_first_event_misses_nothing() {
    let hub = Hub::new();
    let mut client = Client::new(hub.subscribe(&none()));
    let opening = client.next().unwrap();
    let id = field(&opening, "id").unwrap().to_owned();
    drop(client);
    publish(&hub, "while away");
    let subscriber = hub.subscribe(&after(&id));
    assert_eq!(subscriber.resumption(), Resumption::Exact { missed: 1 });
    assert_eq!(Client::live(subscriber).ready(), ["while away"]);
}

#[test]
fn an_up_to_date_client_gets_no_event_twice() {
    let hub = Hub::new();
    publish(&hub, "a");
    let id = publish(&hub, "b");
    let subscriber = hub.subscribe(&id.into());
    assert_eq!(subscriber.resumption(), Resumption::Exact { missed: 0 });
    assert!(Client::live(subscriber).ready().is_empty());
}

#[test]
fn each_publish_wakes_each_waiting_subscriber_once() {
    let hub = Hub::new();
    let mut waiting = Client::live(hub.subscribe(&none()));
    let reading = Client::live(hub.subscribe(&none()));
    waiting.assert_pending();
    // A keep-alive polls, too.
    waiting.assert_pending();
    publish(&hub, "a");
    publish(&hub, "b");
    assert_eq!((waiting.wakes(), reading.wakes()), (1, 0));
    assert_eq!(waiting.ready(), ["a", "b"]);
    publish(&hub, "c");
    assert_eq!(waiting.wakes(), 2);
}

#[test]
fn only_the_latest_waker_is_woken_and_none_after_the_subscriber_is_dropped() {
    let hub = Hub::new();
    let mut client = Client::live(hub.subscribe(&none()));
    client.assert_pending();
    let first = std::mem::take(&mut client.wakes);
    client.assert_pending();
    publish(&hub, "a");
    assert_eq!((first.0.load(Ordering::Relaxed), client.wakes()), (0, 1));
    assert_eq!(client.ready(), ["a"]);
    let Client { subscriber, wakes } = client;
    drop(subscriber);
    publish(&hub, "b");
    assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
    // The slot's next owner has not inherited the waker.
    assert_eq!(Arc::strong_count(&wakes), 1);
}

#[test]
fn a_connected_client_that_falls_behind_gets_one_gap_at_the_right_place() {
    let hub = Hub::builder().retain_events(3).build();
    let mut stalled = Client::live(hub.subscribe(&none()));
    publish(&hub, "1");
    assert_eq!(stalled.ready(), ["1"]);
    let ids: Vec<_> = (2..=9).map(|n| publish(&hub, &n.to_string())).collect();
    let gap = stalled.next().unwrap();
    let (from, to) = (position(&ids[0], 1), position(&ids[0], 6));
    assert_eq!(
        gap,
        format!(
            "id: {to}\nevent: gap\n\
             data: {{\"requested\":\"{from}\",\"resumed_after\":\"{to}\"}}\n\n"
        )
    );
    assert_eq!(stalled.ready(), ["7", "8", "9"]);
    assert_eq!(hub.stats().gaps, 1);
}

#[test]
fn with_on_gap_newest_only_new_events_follow_a_gap() {
    let hub = Hub::builder().retain_events(3).on_gap(OnGap::Newest).build();
    let mut stalled = Client::live(hub.subscribe(&none()));
    let ids: Vec<_> = (1..=9).map(|n| publish(&hub, &n.to_string())).collect();
    let gap = stalled.next().unwrap();
    assert_eq!(field(&gap, "id"), Some(ids[8].as_str()));
    stalled.assert_pending();
    for last in [ids[2].as_str(), "nonsense"] {
        let mut client = Client::new(hub.subscribe(&after(last)));
        assert_eq!(client.ready(), ["checkpoint", "gap"], "{last}");
    }
    publish(&hub, "10");
    assert_eq!(stalled.ready(), ["10"]);
}

#[test]
fn a_gap_is_sent_before_the_clients_position_moves() {
    let hub = Hub::builder().retain_events(2).build();
    let ids: Vec<_> = (1..=5).map(|n| publish(&hub, &n.to_string())).collect();
    let subscriber = hub.subscribe(&ids[0].clone().into());
    let resumed_after = ids[2].clone();
    let requested = Some(ids[0].clone());
    assert_eq!(subscriber.resumption(), Resumption::Gap { requested, resumed_after });
    let mut client = Client::new(subscriber);
    let opening = client.next().unwrap();
    assert_eq!(field(&opening, "event"), Some("checkpoint"));
    assert_eq!(field(&opening, "id"), None);
    let gap = client.next().unwrap();
    assert_eq!(field(&gap, "id"), Some(ids[2].as_str()));
    assert_eq!(client.ready(), ["4", "5"]);
    // A client that has the last evicted event misses nothing.
    let subscriber = hub.subscribe(&ids[2].clone().into());
    assert_eq!(subscriber.resumption(), Resumption::Exact { missed: 2 });
}

#[test]
fn a_quiet_filtered_subscriber_stays_exact_through_ten_times_the_retention() {
    const RETAINED: usize = 64;
    let hub = Hub::builder().retain_events(RETAINED).build();
    let mut quiet: Vec<_> = (0..100)
        .map(|n| {
            let mut client = Client::new(hub.subscribe_to([format!("user:{n}")], &none()));
            let id = field(&client.next().unwrap(), "id").unwrap().to_owned();
            client.assert_pending();
            (client, id)
        })
        .collect();
    for n in 0..10 * RETAINED {
        // Short-lived topics whose events are evicted, and which are then forgotten.
        hub.to(&format!("once:{n}")).try_publish(&Event::json(n)).unwrap();
        for (client, id) in &mut quiet {
            let seen = client.wakes();
            if seen > 0 {
                client.wakes = Arc::default();
                while let Poll::Ready(Some(frame)) = client.poll() {
                    assert_eq!(field(&frame, "event"), Some("checkpoint"));
                    *id = field(&frame, "id").unwrap().to_owned();
                }
            }
        }
    }
    for (n, (client, id)) in quiet.into_iter().enumerate() {
        drop(client);
        let subscriber = hub.subscribe_to([format!("user:{n}")], &after(&id));
        assert_eq!(subscriber.resumption(), Resumption::Exact { missed: 0 }, "{n}");
    }
    assert_eq!(hub.stats().gaps, 0);
}

#[test]
fn a_single_quiet_subscriber_of_a_long_log_stays_exact() {
    const RETAINED: usize = 512;
    let hub = Hub::builder().retain_events(RETAINED).build();
    let mut client = Client::new(hub.subscribe_to(["quiet"], &none()));
    let mut id = field(&client.next().unwrap(), "id").unwrap().to_owned();
    client.assert_pending();
    for n in 0..4 * RETAINED {
        // Of topics that are forgotten once it is evicted.
        hub.to(&format!("once:{n}")).try_publish(&Event::json(n)).unwrap();
        if client.wakes() > 0 {
            client.wakes = Arc::default();
            while let Poll::Ready(Some(frame)) = client.poll() {
                id = field(&frame, "id").unwrap().to_owned();
            }
        }
    }
    drop(client);
    let subscriber = hub.subscribe_to(["quiet"], &after(&id));
    assert_eq!(subscriber.resumption(), Resumption::Exact { missed: 0 });
}

#[test]
fn a_subscriber_that_gets_only_ephemeral_events_gets_checkpoints() {
    const RETAINED: usize = 64;
    let hub = Hub::builder().retain_events(RETAINED).build();
    let mut client = Client::new(hub.subscribe_to(["a"], &none()));
    let mut id = None;
    for n in 0..10 * RETAINED {
        hub.to(&format!("once:{n}")).try_publish(&Event::json(n)).unwrap();
        hub.to("a").try_publish(&Event::json(n).no_id()).unwrap();
        while let Poll::Ready(Some(frame)) = client.poll() {
            id = field(&frame, "id").map(str::to_owned).or(id);
        }
    }
    drop(client);
    // The topic goes with its last ephemeral event.
    for n in 0..RETAINED {
        hub.try_publish(&Event::json(n).no_id()).unwrap();
    }
    let subscriber = hub.subscribe_to(["a"], &after(&id.unwrap()));
    assert_eq!(subscriber.resumption(), Resumption::Exact { missed: 0 });
}

#[test]
fn falling_behind_after_the_state_causes_a_gap_after_the_state() {
    let hub = Hub::builder().retain_events(2).build();
    let first = publish(&hub, "1");
    let mut subscriber = hub.subscribe(&after(&position(&first, 0)));
    subscriber.begin_with(&Event::text("state")).unwrap();
    let mut client = Client::live(subscriber);
    assert_eq!(client.poll().map(|frame| short(&frame.unwrap())), Poll::Ready("state".into()));
    for n in 2..=5 {
        publish(&hub, &n.to_string());
    }
    let gap = client.next().unwrap();
    assert!(gap.contains(&format!("\"requested\":\"{}\"", position(&first, 1))), "{gap}");
    assert_eq!(client.ready(), ["4", "5"]);
}

#[test]
fn quiet_subscribers_are_woken_rarely_and_a_few_at_a_time() {
    const RETAINED: usize = 1_000;
    const QUIET: usize = 500;
    let hub = Hub::builder().retain_events(RETAINED).build();
    let mut quiet: Vec<_> =
        (0..QUIET).map(|n| Client::live(hub.subscribe_to([n.to_string()], &none()))).collect();
    quiet.iter_mut().for_each(Client::assert_pending);
    let (mut all, mut most) = (0, 0);
    for n in 0..10 * RETAINED {
        publish(&hub, &n.to_string());
        let mut woken = 0;
        for client in &mut quiet {
            if client.wakes() > 0 {
                client.wakes = Arc::default();
                assert_eq!(client.ready(), ["checkpoint"]);
                woken += 1;
            }
        }
        (all, most) = (all + woken, most.max(woken));
    }
    // Each about once for each half of the retained events.
    assert!((QUIET * 15..=QUIET * 25).contains(&all), "{all}");
    assert!(most <= 5, "{most}");
}

#[test]
fn the_state_comes_before_the_events_published_while_it_was_loaded() {
    let hub = Hub::new();
    let before = publish(&hub, "before");
    for last in [none(), after("unknown"), before.clone().into()] {
        let mut subscriber = hub.subscribe(&last);
        let taken_at = position(&before, hub.stats().published);
        publish(&hub, "meanwhile");
        subscriber.begin_with(&Event::json(["state"])).unwrap();
        let mut client = Client::new(subscriber);
        let opening = client.next().unwrap();
        // Cut off here, the client has no new position, and gets the state again.
        assert_eq!((field(&opening, "event"), field(&opening, "id")), (Some("checkpoint"), None));
        let state = format!("id: {taken_at}\nevent: message\ndata: [\"state\"]\n\n");
        assert_eq!(client.next().unwrap(), state);
        publish(&hub, "after");
        assert_eq!(client.ready(), ["meanwhile", "after"]);
    }
}

#[test]
fn a_state_that_cannot_begin_a_stream_is_refused() {
    let hub = Hub::builder().max_frame(10).build();
    let mut subscriber = hub.subscribe(&none());
    let own = Event::text("a").id(EventId::from(1));
    let none_or_two: [&dyn Encode; 4] = [&own, &Event::text("a").no_id(), &Event::new(), &Two];
    for state in none_or_two {
        assert!(subscriber.begin_with(state).is_err());
    }
    // Its size is the caller's choice: it is not retained.
    subscriber.begin_with(&Event::text("x".repeat(100))).unwrap();
    let mut client = Client::live(subscriber);
    assert!(client.subscriber.begin_with(&Event::text("late")).is_err());
    assert_eq!(client.ready(), ["x".repeat(100)]);
}

#[test]
fn wakers_that_panic_harm_nobody_else() {
    let hub = Hub::new();
    let topics = ["", "a"];
    let mut clients: Vec<_> =
        (0..40).map(|_| Client::live(hub.subscribe_to(topics, &none()))).collect();
    let mut bad = [(); 2].map(|()| Client::live(hub.subscribe_to(topics, &none())));
    clients[..20].iter_mut().for_each(Client::assert_pending);
    for published in [&topics[..1], &topics[1..], &topics] {
        bad.iter_mut().for_each(Client::wait_with_a_waker_that_panics);
        clients.iter_mut().for_each(Client::assert_pending);
        let before: Vec<_> = clients.iter().map(Client::wakes).collect();
        // The publisher is not harmed either: its event is in the log.
        assert!(hub.to_all(published).try_publish(&Event::text("x")).is_ok());
        assert!(clients.iter().zip(before).all(|(client, before)| client.wakes() > before));
        assert!(clients.iter_mut().all(|client| client.ready() == ["x"]));
    }
}

#[test]
fn an_expired_subscription_ends_before_it_sends_anything() {
    let hub = Hub::new();
    let mut client = Client::live(hub.subscribe(&none()));
    publish(&hub, "secret");
    client.subscriber = client.subscriber.expires_in(Duration::ZERO);
    assert!(!client.subscriber.is_terminated());
    assert_eq!(client.next(), None);
    assert!(client.subscriber.is_terminated());
    let mut client = Client::new(hub.subscribe(&none()).expires_in(Duration::MAX));
    client.subscriber = client.subscriber.expires_in(Duration::from_secs(3_600));
    assert!(client.next().is_some());
    let hub = Hub::builder().connection_age(Duration::ZERO).build();
    let mut client = Client::new(hub.subscribe(&none()).expires_in(Duration::MAX));
    assert_eq!(client.next(), None);
}

#[test]
fn an_id_that_was_sent_and_cannot_be_read_is_unknown() {
    let hub = Hub::new();
    hub.try_publish(&Event::text("may be there").id(EventId::new("é").unwrap())).unwrap();
    // The header in Latin-1, and one that is longer than any id.
    for header in [&b"\xE9"[..], &[b'1'; 1 << 20]] {
        let mut client = Client::new(hub.subscribe(&LastEventId::from_headers([header])));
        let resumption = client.subscriber.resumption();
        assert!(matches!(resumption, Resumption::Unknown { requested: None, .. }));
        assert!(!client.next().unwrap().contains("id: "));
        let gap = client.next().unwrap();
        assert!(gap.contains("event: gap\ndata: {\"requested\":null,"), "{gap}");
        // The client may have all that is retained: nothing comes twice.
        assert!(client.poll().is_pending());
        publish(&hub, "new");
        assert!(client.next().unwrap().ends_with("data: new\n\n"));
    }
}

#[test]
fn a_long_unknown_id_is_not_kept() {
    let hub = Hub::new();
    for (len, is_kept) in [(128, true), (129, false), (EventId::MAX_LEN, false)] {
        let long = EventId::new("1".repeat(len)).unwrap();
        let mut client = Client::new(hub.subscribe(&long.clone().into()));
        let Resumption::Unknown { requested, .. } = client.subscriber.resumption() else {
            panic!()
        };
        assert_eq!(requested, Some(long).filter(|_| is_kept));
        let gap = [client.next().unwrap(), client.next().unwrap()].concat();
        assert_eq!(gap.contains("\"requested\":null"), !is_kept, "{gap}");
    }
}
