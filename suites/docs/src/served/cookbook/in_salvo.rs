use salvo::{
    Listener, Router, Server,
    conn::{Acceptor, tcp::TcpListener},
};

use crate::{client::Client, own};

async fn it_counts(app: Router) {
    let acceptor = TcpListener::new("127.0.0.1:0").bind().await;
    let address = acceptor.holdings()[0].local_addr.clone().into_std().unwrap();
    let server = tokio::spawn(Server::new(acceptor).serve(app));
    Client::counts(address).await;
    server.abort();
}

#[tokio::test]
async fn ours() {
    it_counts(super::app()).await;
}

#[tokio::test]
async fn the_frameworks_own() {
    it_counts(own::in_salvo::app()).await;
}
