use std::{env, fs, io::Write, path::PathBuf, process};

use axum::Router;

use crate::{client::Client, own, serve};

/// A file that is gone with the test.
struct File(PathBuf, fs::File);

impl File {
    fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("sse-encoder-{name}-{}", process::id()));
        let file = fs::File::create(&path).unwrap();
        Self(path, file)
    }

    fn write(&mut self, text: &str) {
        self.1.write_all(text.as_bytes()).unwrap();
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

async fn lines_come_whole_and_once(app: fn(PathBuf) -> Router, name: &str) {
    let mut file = File::new(name);
    file.write("one\r\ntwo\nthr");
    let address = serve::router(app(file.0.clone())).await;
    let mut client = Client::open(address, "/").await;
    assert_eq!(client.data().await, "one");
    let two = client.next().await;
    assert_eq!((two.data.as_str(), two.id.as_str()), ("two", "9"));
    client.is_silent().await;
    file.write("ee\n");
    assert_eq!(client.data().await, "three");
    assert_eq!(Client::resume(address, "/", two.id).await.data().await, "three");
}

#[tokio::test]
async fn ours() {
    lines_come_whole_and_once(super::app, "tail").await;
}

#[tokio::test]
async fn the_frameworks_own() {
    lines_come_whole_and_once(own::the_tail_of_a_file::app, "own-tail").await;
}
