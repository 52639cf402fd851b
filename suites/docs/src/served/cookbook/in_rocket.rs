use rocket::local::asynchronous::Client;

#[rocket::async_test]
async fn it_counts_and_says_what_it_is() {
    let client = Client::debug(super::app()).await.unwrap();
    let response = client.get("/").dispatch().await;
    assert_eq!(response.status().code, 200);
    for (name, value) in sse_encoder::header::RESPONSE.iter().skip(1) {
        assert_eq!(response.headers().get_one(name), Some(*value));
    }
    assert!(response.content_type().unwrap().is_event_stream());
    let body = response.into_string().await.unwrap();
    assert!(body.ends_with("id: 3\nevent: message\ndata: 3\n\n"), "{body}");
}
