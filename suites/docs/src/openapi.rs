//! What a description of a stream says, whichever crate makes it.

use axum::Router;
use serde_json::Value;

use crate::{
    client::{Client, get, send},
    serve,
};

/// The description has the stream's media type, with both kinds of event; the stream has them too.
pub(crate) async fn describes_the_stream(app: Router) {
    let address = serve::router(app).await;
    let text = send(get(address, "/openapi.json")).await.text().await.unwrap();
    let api: Value = serde_json::from_str(&text).unwrap();
    let content = &api["paths"]["/updates"]["get"]["responses"]["200"]["content"];
    let mut schema = &content["text/event-stream"]["schema"];
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        schema = &api["components"]["schemas"][name];
    }
    let schema = schema.to_string();
    for word in ["price", "note", "symbol", "cents"] {
        assert!(schema.contains(&format!("\"{word}\"")), "no {word} in {api:#}");
    }

    let mut client = Client::open(address, "/updates").await;
    let price = client.next().await;
    assert_eq!((price.event.as_str(), price.id.as_str()), ("price", "1"));
    assert_eq!(client.all().await, ["\"closed\""]);
}
