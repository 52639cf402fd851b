use poem::{
    Route, Server,
    listener::{Acceptor, Listener, TcpListener},
};

use crate::{client::Client, own};

async fn it_counts(app: Route) {
    let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await.unwrap();
    let address = *acceptor.local_addr()[0].as_socket_addr().unwrap();
    let server = tokio::spawn(Server::new_with_acceptor(acceptor).run(app));
    Client::counts(address).await;
    server.abort();
}

#[tokio::test]
async fn ours() {
    it_counts(super::app()).await;
}

#[tokio::test]
async fn the_frameworks_own() {
    it_counts(own::in_poem::app()).await;
}
