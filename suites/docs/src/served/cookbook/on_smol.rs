use crate::client::Client;

#[tokio::test]
async fn it_ticks_without_tokio() {
    let listener = smol::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = smol::spawn(super::serve(listener));
    let mut client = Client::open(address, "/").await;
    for id in 1..=3 {
        assert_eq!(client.next().await.id, id.to_string());
    }
    server.cancel().await;
}
