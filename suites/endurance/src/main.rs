//! The load of the endurance suite, which `suites/endurance/run` builds and starts.
//!
//! The servers are those of the interop suite, each in a process of its own, for its memory and
//! open files to be measured.

use std::{env, error::Error as StdError, time::Duration};

mod checks;
mod clients;
mod connection;
mod events;
mod figures;
mod giants;
mod kernel;
mod server;
mod soak;
mod stalled;
mod windows;

use tokio::signal::unix;

use checks::Checks;

type BoxError = Box<dyn StdError + Send + Sync>;
type Result<T, E = BoxError> = std::result::Result<T, E>;

const SERVERS: [&str; 4] = ["axum", "actix", "warp", "hyper"];

const USAGE: &str = "endurance [stalled | windows | giants [SERVER...]] | soak [SECONDS] [SERVER]";

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<()> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let mut interrupt = unix::signal(unix::SignalKind::interrupt())?;
    let mut terminate = unix::signal(unix::SignalKind::terminate())?;
    // A part that is dropped ends its server.
    tokio::select! {
        checks = parts(&arguments) => checks?.finish(),
        _ = interrupt.recv() => Err("the suite was interrupted".into()),
        _ = terminate.recv() => Err("the suite was ended from outside".into()),
    }
}

async fn parts(arguments: &[String]) -> Result<Checks> {
    let mut checks = Checks::default();
    let Some((part, rest)) = arguments.split_first() else {
        stalled::run(&SERVERS, &mut checks).await;
        windows::run(&SERVERS, &mut checks).await;
        giants::run(&SERVERS, &mut checks).await;
        soak::run("axum", soak::DEFAULT, &mut checks).await;
        return Ok(checks);
    };
    match part.as_str() {
        "stalled" => stalled::run(&named(rest)?, &mut checks).await,
        "windows" => windows::run(&named(rest)?, &mut checks).await,
        "giants" => giants::run(&named(rest)?, &mut checks).await,
        "soak" => {
            // Both the time and the servers are optional.
            let time = rest.first().and_then(|first| first.parse().ok());
            let names = named(&rest[usize::from(time.is_some())..])?;
            let name = if names.len() == 1 { names[0] } else { "axum" };
            let time = time.map_or(soak::DEFAULT, Duration::from_secs);
            soak::run(name, time, &mut checks).await;
        }
        _ => return Err(USAGE.into()),
    }
    Ok(checks)
}

/// The servers of these names; all without names.
fn named(names: &[String]) -> Result<Vec<&'static str>> {
    if names.is_empty() {
        return Ok(SERVERS.into());
    }
    let known = |name: &String| SERVERS.into_iter().find(|server| server == name);
    names.iter().map(|name| known(name).ok_or_else(|| USAGE.into())).collect()
}
