//! The code of README.md and docs/*.md: all of it compiles, and each handler that it shows is served.
//!
//! `build.rs` makes a module of each block with a handler, and a test of each handler. The test calls
//! a function of the handler's name in `served/DOCUMENT/HEADING.rs`, which sees what the block has.
//! Where there is none the test fails, and says so.

include!(concat!(env!("OUT_DIR"), "/documents.rs"));

#[cfg(test)]
mod serve;

/// How long a server may take, which is no measure of speed.
#[cfg(test)]
const DEADLINE: std::time::Duration = std::time::Duration::from_secs(10);

/// Asks for the stream at the address: the first event is there.
#[cfg(test)]
async fn reads_an_event(address: std::net::SocketAddr) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let reading = async {
        let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = format!("GET / HTTP/1.1\r\nhost: {address}\r\n\r\n");
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut response = String::new();
        while !response.contains("\ndata: ") || !response.contains("\n\n") {
            let mut bytes = [0; 1_024];
            let read = socket.read(&mut bytes).await.unwrap();
            assert!(read > 0, "the connection ends after {response:?}");
            response.push_str(std::str::from_utf8(&bytes[..read]).unwrap());
        }
        response.make_ascii_lowercase();
        assert!(response.starts_with("http/1.1 200 "), "{response}");
        assert!(response.contains("\r\ncontent-type: text/event-stream"), "{response}");
    };
    tokio::time::timeout(DEADLINE, reading).await.expect("an event, soon");
}
