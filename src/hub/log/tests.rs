use super::{super::settings::HubBuilder, *};
use crate::{event::Event, hub::publish::encode};

fn log(builder: HubBuilder) -> Log {
    Log::new(Numbering::Counted { epoch: 7 }, &builder.settings())
}

fn append(log: &mut Log, address: Address<'_>, event: &Event) -> Result<News, Error> {
    let published = encode(event, usize::MAX)?;
    log.append(address, published, None, 0, &mut Vec::new())
}

#[test]
fn events_go_at_their_age_and_not_before() {
    let age = Duration::from_secs(60);
    let mut log = log(HubBuilder::new().retain_for(age));
    let before = Instant::now();
    for _ in 0..3 {
        append(&mut log, Address::default(), &Event::text("kept").into()).unwrap();
        append(&mut log, Address::default(), &Event::text("live").no_id().into()).unwrap();
    }
    let after = Instant::now();
    log.expire(before + age - Duration::from_nanos(1));
    assert_eq!((log.retained().0, log.passing.len(), log.evicted()), (3, 3, 0));
    log.expire(after + age);
    assert_eq!((log.retained(), log.passing.len(), log.evicted()), ((0, 0), 0, 5));
    // Who had all of them has lost nothing.
    assert_eq!(log.lost_after([0].into_iter(), 5), None);
    assert_eq!(log.lost_after([0].into_iter(), 4), Some(5));
}

#[test]
fn a_log_that_is_empty_again_holds_no_topics_keys_and_ids() {
    let mut log = log(HubBuilder::new().retain_events(2));
    for n in 0..100 {
        let topic = n.to_string();
        let address = Address { topic: &topic, key: Some(&topic) };
        let event = Event::text("a").id(EventId::new(format!("row {n}")).unwrap());
        append(&mut log, address, &event.into()).unwrap();
        assert!(log.own_ids.len() <= 2);
        assert!(log.rooms.len() <= 4, "{}", log.rooms.len());
    }
    let (retained, bytes) = log.retained();
    assert!(retained == 2 && bytes > 0);
    while let Some(entry) = log.kept.pop() {
        log.forget(entry);
    }
    assert_eq!((log.retained(), log.own_ids.len()), ((0, 0), 0));
}
