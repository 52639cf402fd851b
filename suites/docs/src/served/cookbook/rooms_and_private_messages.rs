use sse_hub::Hub;

use crate::{
    client::{Client, get, post, send},
    serve,
};

#[tokio::test]
async fn a_private_message_is_heard_by_two_and_a_missed_line_comes_later() {
    let address = serve::router(super::app(Hub::new())).await;
    assert_eq!(send(get(address, "/green/ann")).await.status(), 200);
    let [mut ann, mut bob, mut eve] = [
        Client::open(address, "/green/ann/lines").await,
        Client::open(address, "/green/bob/lines").await,
        Client::open(address, "/green/eve/lines").await,
    ];
    for client in [&mut ann, &mut bob, &mut eve] {
        assert_eq!(client.next().await.event, "checkpoint");
    }
    let say = async |user: &str, text: &'static str| {
        let path = format!("/green/{user}/lines");
        assert_eq!(send(post(address, &path, text)).await.status(), 204);
    };
    say("ann", "hello").await;
    let hello = eve.next().await;
    assert_eq!((&*hello.event, &*hello.data), ("message", r#"["ann","hello"]"#));
    drop(eve);
    say("ann", "@bob only for you").await;
    say("bob", "bye").await;
    for client in [&mut ann, &mut bob] {
        assert_eq!(client.data().await, r#"["ann","hello"]"#);
        let private = client.next().await;
        assert_eq!((&*private.event, &*private.data), ("private", r#"["ann","only for you"]"#));
        assert_eq!(client.data().await, r#"["bob","bye"]"#);
    }
    let mut eve = Client::resume(address, "/green/eve/lines", &hello.id).await;
    assert_eq!(eve.next().await.event, "checkpoint");
    assert_eq!(eve.data().await, r#"["bob","bye"]"#);
}
