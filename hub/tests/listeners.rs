//! How many listen to a topic, and the hook that hears of it.

mod support;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, OnceLock},
};

use sse_hub::{Hub, HubBuilder};
use support::{Client, none};

#[test]
fn listeners_are_counted_by_topic() {
    let hub = Hub::new();
    let one = hub.subscribe_to(["a", "b", "a"], &none());
    let two = hub.subscribe_to(["a"], &none());
    let all = hub.subscribe_all(&none());
    let untitled = Client::live(hub.subscribe(&none()));
    let counts = || ["a", "b", "c", ""].map(|topic| hub.listeners(topic));
    assert_eq!(counts(), [2, 1, 0, 1]);
    drop(one);
    assert_eq!(counts(), [1, 0, 0, 1]);
    drop((two, all, untitled));
    assert_eq!(counts(), [0; 4]);
}

type Calls = Arc<Mutex<Vec<(String, usize)>>>;

fn told() -> (HubBuilder, Calls) {
    let calls = Calls::default();
    let to = calls.clone();
    let hook = move |topic: &str, count| to.lock().unwrap().push((topic.to_owned(), count));
    (Hub::builder().on_listeners(hook), calls)
}

#[test]
fn the_hook_hears_of_each_coming_and_going() {
    let (builder, calls) = told();
    let hub = builder.build();
    let one = hub.subscribe_to(["a", "b"], &none());
    let two = hub.subscribe_to(["a"], &none());
    drop(hub.subscribe_all(&none()));
    drop(one);
    drop(two);
    let expected = [("a", 1), ("b", 1), ("a", 2), ("a", 1), ("b", 0), ("a", 0)];
    let expected = expected.map(|(topic, count)| (topic.to_owned(), count));
    assert_eq!(*calls.lock().unwrap(), expected);
}

#[test]
fn the_hook_may_call_the_hub() {
    let hub = Arc::new(OnceLock::<Hub>::new());
    let own = hub.clone();
    let calls = Calls::default();
    let to = calls.clone();
    let builder = Hub::builder().on_listeners(move |topic, count| {
        to.lock().unwrap().push((topic.to_owned(), count));
        if topic == "a" {
            // The hook is told of this one, too, but not within itself.
            drop(own.get().unwrap().subscribe_to(["b"], &none()));
        }
    });
    let hub = hub.get_or_init(|| builder.build());
    drop(hub.subscribe_to(["a"], &none()));
    let calls = calls.lock().unwrap();
    assert!(calls.contains(&("b".to_owned(), 0)), "{calls:?}");
    assert_eq!(calls.iter().rfind(|(topic, _)| topic == "a").unwrap().1, 0);
}

#[test]
fn the_last_call_for_a_topic_has_its_last_number() {
    let last = Arc::new(Mutex::new(BTreeMap::new()));
    let to = last.clone();
    let hook = move |topic: &str, count| _ = to.lock().unwrap().insert(topic.to_owned(), count);
    let hub = Hub::builder().on_listeners(hook).build();
    let kept = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (hub, kept) = (&hub, &kept);
            scope.spawn(move || {
                for n in 0..500 {
                    let subscriber = hub.subscribe_to(["a", "b"], &none());
                    if n % 100 == thread {
                        kept.lock().unwrap().push(subscriber);
                    }
                }
            });
        }
    });
    let expected: BTreeMap<_, _> = ["a", "b"].map(|topic| (topic.to_owned(), 20)).into();
    assert_eq!(*last.lock().unwrap(), expected);
    kept.lock().unwrap().clear();
    assert!(last.lock().unwrap().values().all(|count| *count == 0));
}
