//! A mixed load for a long time, during which nothing may grow.

use std::time::Duration;

use tokio::{
    task::JoinSet,
    time::{self, Instant},
};

use crate::{
    Result,
    checks::Checks,
    clients::{Kind, Load},
    figures::{median, mib},
    server::{Held, Server},
};

pub(crate) const DEFAULT: Duration = Duration::from_secs(120);

/// The interval of the measurements, and the lines that a soak prints.
const LOOK: Duration = Duration::from_secs(2);
const LINES: u32 = 12;

pub(crate) async fn run(name: &str, time: Duration, checks: &mut Checks) {
    println!("\n## {} s of a mixed load on {name}\n", time.as_secs());
    let result = soak(name, time, checks).await;
    checks.result(format_args!("{name}: the part came to its end"), result);
}

async fn soak(name: &str, time: Duration, checks: &mut Checks) -> Result<()> {
    let server = Server::start(name, &[]).await?;
    let start = server.held()?;
    let load = Load::new(server.address);
    let mut clients = JoinSet::new();
    let mut index = 0;
    for kind in Kind::ALL {
        for _ in 0..kind.clients() {
            index += 1;
            clients.spawn(load.clone().keep_up(kind, index));
        }
    }

    println!(
        "| after, s | connections | events | memory, MiB | open files |\n|--:|--:|--:|--:|--:|"
    );
    let since = Instant::now();
    let mut looks = Vec::new();
    let mut said = 0;
    while since.elapsed() < time {
        time::sleep(LOOK.min(time / 60)).await;
        let held = server.held()?;
        looks.push(held);
        let line = (since.elapsed().as_millis() * u128::from(LINES) / time.as_millis()) as u32;
        if line > said {
            said = line;
            println!(
                "| {} | {} | {} | {:.1} | {} |",
                since.elapsed().as_secs(),
                load.tally.connections.get(),
                load.tally.events.get(),
                mib(held.resident),
                held.files,
            );
        }
    }
    clients.shutdown().await;

    println!("\n| client | times | went wrong |\n|---|--:|--:|");
    for kind in Kind::ALL {
        let (times, failures) = (load.tally.times(kind), load.tally.failures(kind));
        println!("| {} | {times} | {} |", kind.name(), failures.len());
        for failure in failures.iter().take(5) {
            println!("FAILED {name}: {}: {failure}", kind.name());
        }
        checks.check(
            format_args!("{name}: {}: {} of {times} went wrong", kind.name(), failures.len()),
            failures.is_empty() && times > 0,
        );
    }

    // The first quarter is the warm-up.
    let quarter = looks.len() / 4;
    let (warm, last) = (resident(&looks[quarter..2 * quarter]), resident(&looks[3 * quarter..]));
    checks.check(
        format_args!("{name}: the memory has grown from {:.1} to {:.1} MiB", mib(warm), mib(last)),
        last <= warm + warm / 4 + 16 * 1_024,
    );
    checks.result(format_args!("{name}: each source is dropped"), server.until_open(0).await);
    checks.result(
        format_args!("{name}: each connection is closed"),
        server.until_files(start.files).await,
    );
    let end = server.held()?;
    let peak = server.peak()?;
    checks.result(format_args!("{name}: the server has not ended"), server.end().await);

    let tally = &load.tally;
    let rows = [
        ("connections", tally.connections.get().to_string()),
        ("events received", tally.events.get().to_string()),
        ("keep-alives received", tally.keep_alives.get().to_string()),
        ("resumed, each with the very next id", tally.resumes.get().to_string()),
        ("bytes received", tally.bytes.get().to_string()),
        ("memory at first", format!("{:.1} MiB", mib(start.resident))),
        ("memory after the warm-up, median of the second quarter", format!("{:.1} MiB", mib(warm))),
        ("median of the last quarter", format!("{:.1} MiB", mib(last))),
        ("the most at any time", format!("{:.1} MiB", mib(peak))),
        ("memory with all clients gone", format!("{:.1} MiB", mib(end.resident))),
        ("open files at first", start.files.to_string()),
        (
            "the most that were seen",
            looks.iter().map(|look| look.files).max().unwrap_or(0).to_string(),
        ),
        ("open files with all clients gone", end.files.to_string()),
    ];
    println!("\n| {name}, {} s | |\n|---|--:|", time.as_secs());
    for (what, figure) in rows {
        println!("| {what} | {figure} |");
    }
    Ok(())
}

fn resident(looks: &[Held]) -> u64 {
    median(&mut looks.iter().map(|look| look.resident).collect::<Vec<_>>())
}
