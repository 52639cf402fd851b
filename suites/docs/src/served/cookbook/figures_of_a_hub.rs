use sse_encoder::Event;
use sse_hub::Hub;

#[test]
fn the_counters_are_those_of_the_hub() {
    let hub = Hub::new();
    hub.try_publish(&Event::text("one")).unwrap();
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    metrics::with_local_recorder(&recorder, || {
        super::report(&hub);
        super::report(&hub);
    });
    let text = recorder.handle().render();
    for line in [
        "sse_hub_subscribers 0",
        "sse_hub_log_up 1",
        "sse_hub_log_reconnects_total 0",
        "sse_hub_events_published_total{outcome=\"ok\"} 1",
        "sse_hub_subscriptions_total{resumption=\"fresh\"} 0",
    ] {
        assert!(text.lines().any(|other| other == line), "{line}\n{text}");
    }
}
