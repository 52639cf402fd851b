//! Measures the hub: `hub alone FOLDER ROUNDS`, `hub sockets FOLDER CONNECTIONS RUNS SECONDS`,
//! `hub stalled FOLDER CONNECTIONS RUNS SECONDS`, `hub storm FOLDER CONNECTIONS RUNS`; and writes
//! what was measured: `hub report FOLDER`.

use std::{env, error::Error, path::Path, time::Duration};

use sse_encoder_benches::{
    allocations::Counting,
    figures,
    hub::{deliveries, growth, report, server, sockets},
    measure,
};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match *arguments {
        ["serve", keeper, text, ref room @ ..] => {
            let keeper = server::Keeper::from_word(keeper).ok_or("no such keeper")?;
            let room = room.first().map(|room| room.parse()).transpose()?;
            server::serve(keeper, text.parse()?, room)?;
        }
        ["alone", folder, rounds] => {
            let folder = Path::new(folder);
            let rounds = rounds.parse()?;
            let rows: Vec<_> = [("1,000", 1_000), ("10,000", 10_000)]
                .into_iter()
                .map(|(title, streams)| deliveries::workload(title, streams))
                .flat_map(|workload| measure::measure(&workload, rounds))
                .collect();
            for row in &rows {
                eprintln!(
                    "  {:50} {:8.1} ns, least {:8.1}, {:.2} allocations",
                    row.contender, row.nanoseconds.median, row.nanoseconds.least, row.allocations
                );
            }
            figures::write(&folder.join("hub-deliveries.tsv"), &rows)?;
            figures::write(&folder.join("hub-growth.tsv"), &growth::measure(rounds))?;
            figures::write(&folder.join("hub-idle.tsv"), &growth::idle(10_000))?;
        }
        ["sockets", folder, connections, runs, seconds] => {
            let period = Duration::from_secs(seconds.parse()?);
            let rows = sockets::measure(connections.parse()?, runs.parse()?, period)?;
            figures::write(&Path::new(folder).join("hub-sockets.tsv"), &rows)?;
        }
        ["stalled", folder, connections, runs, seconds] => {
            let period = Duration::from_secs(seconds.parse()?);
            let rows = sockets::measure_stalled(connections.parse()?, runs.parse()?, period)?;
            figures::write(&Path::new(folder).join("hub-stalled.tsv"), &rows)?;
        }
        ["storm", folder, connections, runs] => {
            let row = sockets::storm(connections.parse()?, runs.parse()?)?;
            figures::write(&Path::new(folder).join("hub-storm.tsv"), &[row])?;
        }
        ["report", folder] => print!("{}", report::read(Path::new(folder))?),
        _ => return Err("usage: hub alone|sockets|stalled|storm|report FOLDER ...".into()),
    }
    Ok(())
}
