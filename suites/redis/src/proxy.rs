//! A network that can be cut or slow: a socket in front of the server's.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        UnixListener, UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
    time::sleep,
};

#[derive(Debug)]
pub struct Proxy {
    socket: PathBuf,
    server: Arc<Mutex<PathBuf>>,
    delay: Arc<AtomicU64>,
    cut: watch::Sender<u64>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// # Panics
    ///
    /// The socket cannot be made there.
    #[must_use]
    pub fn new(server: &Path, name: &str) -> Self {
        let socket = server.with_file_name(name);
        let listener = UnixListener::bind(&socket).unwrap();
        let delay = Arc::new(AtomicU64::new(0));
        let cut = watch::Sender::new(0);
        let server = Arc::new(Mutex::new(server.to_owned()));
        let (target, slow, cuts) = (server.clone(), delay.clone(), cut.clone());
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = target.lock().unwrap().clone();
                let Ok(server) = UnixStream::connect(&server).await else { continue };
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                for (from, to) in [(from_client, to_server), (from_server, to_client)] {
                    let (slow, mut cut) = (slow.clone(), cuts.subscribe());
                    tokio::spawn(async move {
                        tokio::select! { _ = cut.changed() => {}, () = pass(from, to, &slow) => {} }
                    });
                }
            }
        });
        Self { socket, server, delay, cut, task }
    }

    #[must_use]
    pub fn url(&self) -> String {
        crate::server::url(&self.socket)
    }

    /// Connects to another server from now on.
    ///
    /// # Panics
    ///
    /// Never.
    pub fn lead_to(&self, server: &Path) {
        *self.server.lock().unwrap() = server.to_owned();
        self.cut();
    }

    /// Cuts all connections.
    pub fn cut(&self) {
        self.cut.send_modify(|cuts| *cuts += 1);
    }

    /// Delays each piece of data by this time from now on.
    pub fn delay(&self, delay: Duration) {
        self.delay.store(delay.as_millis() as u64, Ordering::Relaxed);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
        self.cut();
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, delay: &AtomicU64) {
    let mut buffer = vec![0; 16 << 10];
    while let Ok(len @ 1..) = from.read(&mut buffer).await {
        sleep(Duration::from_millis(delay.load(Ordering::Relaxed))).await;
        if to.write_all(&buffer[..len]).await.is_err() {
            return;
        }
    }
}
