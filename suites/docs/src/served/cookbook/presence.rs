use std::time::Duration;

use crate::{client::Client, serve};

/// The next event that is not the hub's own.
async fn next(client: &mut Client) -> (String, String) {
    loop {
        let event = client.next().await;
        if event.event != "checkpoint" {
            return (event.event, event.data);
        }
    }
}

fn said(event_type: &str, user: &str) -> (String, String) {
    (event_type.into(), format!(r#"["{user}","one"]"#))
}

#[tokio::test]
async fn users_come_and_go_and_a_new_one_sees_who_is_there() {
    let (builder, changes) = super::builder();
    let hub = builder.build();
    let grace = Duration::from_millis(100);
    tokio::spawn(super::announce(hub.clone(), "one", changes, grace));
    let address = serve::router(super::app(hub.clone())).await;
    let mut ann = Client::open(address, "/ann").await;
    assert_eq!(next(&mut ann).await, said("here", "ann"));
    let mut bob = Client::open(address, "/bob").await;
    assert_eq!(next(&mut ann).await, said("here", "bob"));
    // Bob sees who is there, and himself.
    assert_eq!(next(&mut bob).await, said("here", "ann"));
    assert_eq!(next(&mut bob).await, said("here", "bob"));
    // A second tab, and the end of the first one, change nothing.
    let second = Client::open(address, "/bob").await;
    drop(bob);
    ann.is_silent().await;
    drop(second);
    assert_eq!(next(&mut ann).await, said("removed", "bob"));
    hub.close();
}
