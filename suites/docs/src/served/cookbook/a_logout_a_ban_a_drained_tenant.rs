use crate::{
    client::{Client, get, post, send},
    serve,
};

async fn open(address: std::net::SocketAddr, session: &str) -> Client {
    let mut client = Client::open(address, &format!("/events?session={session}")).await;
    assert_eq!(client.next().await.event, "checkpoint");
    client
}

#[tokio::test]
async fn streams_end_and_only_some_clients_may_come_back() {
    let app = super::App::default();
    let sessions = [("a1", "ann", "one"), ("b2", "bob", "one"), ("c3", "eve", "two")];
    for (token, user, tenant) in sessions {
        let session = super::Session { user: user.into(), tenant: tenant.into() };
        app.sessions.lock().unwrap().insert(token.into(), session);
    }
    let address = serve::router(super::app(app.clone())).await;
    let (mut ann, mut bob) = (open(address, "a1").await, open(address, "b2").await);
    let mut eve = open(address, "c3").await;
    assert_eq!(send(post(address, "/users/ann/end", "")).await.status(), 204);
    ann.ends().await;
    assert_eq!(send(get(address, "/events?session=a1")).await.status(), 204);
    assert_eq!(send(post(address, "/tenants/one/end", "")).await.status(), 204);
    let last = bob.next().await;
    assert_eq!((&*last.event, last.retry.unwrap().as_secs()), ("checkpoint", 60));
    bob.ends().await;
    // The session goes on, and so do others.
    open(address, "b2").await;
    eve.is_silent().await;
    app.hub.to("user:eve").try_publish(&sse_encoder::Event::text("hello")).unwrap();
    assert_eq!(eve.data().await, "hello");
    app.hub.close();
    assert_eq!(send(post(address, "/users/eve/end", "")).await.status(), 204);
}
