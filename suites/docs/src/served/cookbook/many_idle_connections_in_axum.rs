use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

#[tokio::test]
async fn the_head_and_the_opening_comment_come_at_once() {
    let listener = super::listen(([127, 0, 0, 1], 0).into()).unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(super::serve(listener, super::router()));
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let (mut answer, mut bytes) = (String::new(), [0; 1024]);
    while !answer.ends_with(":\n\r\n") {
        let len = client.read(&mut bytes).await.unwrap();
        assert!(len > 0, "{answer}");
        answer.push_str(std::str::from_utf8(&bytes[..len]).unwrap());
    }
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
}
