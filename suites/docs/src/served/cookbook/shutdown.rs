use std::time::Duration;

use tokio::{
    io::AsyncWriteExt,
    net::TcpSocket,
    sync::watch,
    time::{sleep, timeout},
};

use crate::{DEADLINE, client::Client, serve};

#[tokio::test]
async fn it_ends_the_streams_and_does_not_wait_for_a_client_that_does_not_read() {
    let (listener, address) = serve::listener().await;
    let (stop, stopped) = watch::channel(());
    let server = tokio::spawn(super::serve(listener, stopped));
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 * 1024).unwrap();
    let mut stalled = socket.connect(address).await.unwrap();
    stalled.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    // Until the kernel takes no more.
    sleep(Duration::from_millis(500)).await;

    let mut reading = Client::open(address, "/").await;
    assert_eq!(reading.data().await, "0");
    drop(stop);
    let events = timeout(DEADLINE, reading.all()).await.unwrap();
    let (last, others) = events.split_last().unwrap();
    assert_eq!(last, "restarting");
    assert!(others.iter().all(|data| data == "0"));
    timeout(DEADLINE, server).await.unwrap().unwrap().unwrap();
    drop(stalled);
}
