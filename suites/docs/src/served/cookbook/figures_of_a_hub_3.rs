use opentelemetry::metrics::MeterProvider;
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};
use sse_encoder::Event;
use sse_hub::Hub;

#[test]
fn the_instruments_ask_at_each_export() {
    let hub = Hub::new();
    let exporter = InMemoryMetricExporter::default();
    let reader = PeriodicReader::builder(exporter.clone()).build();
    let provider = SdkMeterProvider::builder().with_reader(reader).build();
    super::observe(&provider.meter("sse_hub"), &hub);
    hub.try_publish(&Event::text("one")).unwrap();
    provider.force_flush().unwrap();
    let text = format!("{:?}", exporter.get_finished_metrics().unwrap());
    for name in ["sse_hub.subscribers", "sse_hub.events_published", "sse_hub.log_reconnects"] {
        assert!(text.contains(name), "{name}\n{text}");
    }
}
