//! The code of README.md and docs/*.md: all of it compiles, and each program that it shows is run.
//!
//! `build.rs` makes a module of each block with a handler, and of each block in the cookbook. The
//! file `served/DOCUMENT/HEADING.rs` is a module inside it, which sees what the block has: it has
//! tests, or a function of each handler's name that serves it. Where there is none the test fails,
//! and says so.
//!
//! `own` has some of the cookbook's programs with the framework's own events. The same tests run
//! them, and `lengths` compares the two.

include!(concat!(env!("OUT_DIR"), "/documents.rs"));

#[cfg(test)]
mod client;
#[cfg(test)]
mod lengths;
#[cfg(test)]
mod openapi;
#[cfg(test)]
mod own;
#[cfg(test)]
mod serve;

/// No name of the crate hides a framework's.
#[cfg(test)]
mod glob {
    use sse_encoder::*;

    #[test]
    fn a_glob_import_leaves_the_frameworks_their_names() {
        let _: actix_web::Route = actix_web::web::get();
        let _ = warp::any();
        let _: axum::Router = axum::Router::new();
        let _: Event = Event::text("hello").into();
    }
}

/// How long a server may take, which is no measure of speed.
#[cfg(test)]
const DEADLINE: std::time::Duration = std::time::Duration::from_secs(10);

/// The page with the types for TypeScript.
#[cfg(test)]
const TYPESCRIPT: &str = include_str!("../../../docs/cookbook.md");

/// Asks for the stream at the address: the first event is there.
#[cfg(test)]
async fn reads_an_event(address: std::net::SocketAddr) {
    client::Client::open(address, "/").await.next().await;
}

/// `examples/hello` is the README's first block, word for word, and short.
#[test]
fn hello_is_the_readmes_first_block() {
    let readme = include_str!("../../../README.md");
    let hello = include_str!("../../../examples/hello/src/main.rs");
    let block = readme.split("```rust,no_run\n").nth(1).and_then(|rest| rest.split("```").next());
    assert_eq!(block, Some(hello));
    assert!(hello.lines().count() <= 20);
}

/// What does not fit in goes to `docs`.
#[test]
fn the_readme_is_short() {
    assert!(include_str!("../../../README.md").lines().count() <= 150);
}
