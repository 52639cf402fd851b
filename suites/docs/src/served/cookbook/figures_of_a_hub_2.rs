use prometheus_client::{encoding::text::encode, registry::Registry};
use sse_encoder::Event;
use sse_hub::Hub;

#[test]
fn the_collector_is_asked_at_each_scrape() {
    let hub = Hub::new();
    let mut registry = Registry::default();
    registry.register_collector(Box::new(super::Figures(hub.clone())));
    hub.try_publish(&Event::text("one")).unwrap();
    let mut text = String::new();
    encode(&mut text, &registry).unwrap();
    for line in [
        "sse_hub_subscribers 0",
        "sse_hub_retained_events 1",
        "# TYPE sse_hub_events_published counter",
        "sse_hub_events_published_total 1",
    ] {
        assert!(text.lines().any(|other| other == line), "{line}\n{text}");
    }
}
