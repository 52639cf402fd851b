//! Thousands of connections of one server, which gets one event for all of them.

use std::{cell::RefCell, io, rc::Rc, time::Duration};

use tokio::{
    net::TcpStream,
    runtime::Builder,
    task::{JoinHandle, LocalSet, spawn_local},
    time::{sleep, timeout},
};

use super::{
    client::{Client, Reading, Server, connect},
    rows::{SocketRow, StormRow},
    server::Keeper,
};
use crate::{figures::Spread, loopback::now};

/// Of how many connections one has its events' age looked at.
const AGED: usize = 10;

/// What the kernel may hold for a client that has stopped reading.
const LITTLE: u32 = 4_096;

/// Text that makes the sockets of a client that does not read full within seconds.
const LONG: usize = 2_000;

/// Whatever is wrong, no run takes longer than this.
const DEADLINE: Duration = Duration::from_secs(90);

fn run<T>(future: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async { timeout(DEADLINE, future).await? })
}

/// A load: who is there, and what comes.
#[derive(Clone, Debug)]
struct Load {
    title: String,
    connections: usize,
    stalled: usize,
    text: usize,
    rate: u64,
    /// Before the clock runs.
    settling: Duration,
}

fn rate(connections: usize, rate: u64) -> Load {
    Load {
        title: format!("{connections} connections, {rate} events a second"),
        connections,
        stalled: 0,
        text: 20,
        rate,
        settling: Duration::from_secs(1),
    }
}

/// How many are healthy, and how many of all have stopped reading.
fn stalls(connections: usize) -> Vec<Load> {
    let healthy = connections * 4 / 5;
    let load = |stalled| Load {
        title: format!("{healthy} healthy, {stalled} stalled, 5 events of 2 KiB a second"),
        connections: healthy,
        stalled,
        text: LONG,
        rate: 5,
        settling: Duration::from_secs(8),
    };
    [0, connections - healthy].map(load).to_vec()
}

#[derive(Default)]
struct Measured {
    share: Vec<f64>,
    cpu: Vec<f64>,
    busy: Vec<f64>,
    median: Vec<f64>,
    high: Vec<f64>,
    memory: Vec<f64>,
    grown: Vec<f64>,
}

/// The contenders take turns, that often, each time for that long.
pub fn measure(connections: usize, runs: usize, period: Duration) -> io::Result<Vec<SocketRow>> {
    let mut rows = Vec::new();
    for each in [10, 100, 1_000] {
        let load = rate(connections, each);
        rows.extend(contest(&[load], &Keeper::PEERS, runs, period)?);
    }
    let few = rate(connections / 5, 100);
    rows.extend(contest(&[few], &[Keeper::Hub, Keeper::Lingering], runs, period)?);
    Ok(rows)
}

/// With some that have stopped reading, and without.
pub fn measure_stalled(
    connections: usize,
    runs: usize,
    period: Duration,
) -> io::Result<Vec<SocketRow>> {
    contest(&stalls(connections), &Keeper::PEERS, runs, period)
}

fn contest(
    loads: &[Load],
    keepers: &[Keeper],
    runs: usize,
    period: Duration,
) -> io::Result<Vec<SocketRow>> {
    let contenders: Vec<(&Load, Keeper)> =
        loads.iter().flat_map(|load| keepers.iter().map(move |keeper| (load, *keeper))).collect();
    let mut measured: Vec<_> = contenders.iter().map(|_| Measured::default()).collect();
    for _ in 0..runs {
        for (measured, (load, keeper)) in measured.iter_mut().zip(&contenders) {
            run(measured.add(load, *keeper, period))?;
        }
    }
    let rows = contenders.iter().zip(measured).map(|((load, keeper), measured)| SocketRow {
        load: load.title.clone(),
        contender: keeper.name().into(),
        share: Spread::of(measured.share),
        cpu: Spread::of(measured.cpu),
        busy: Spread::of(measured.busy),
        median: Spread::of(measured.median),
        high: Spread::of(measured.high),
        memory: Spread::of(measured.memory),
        grown: Spread::of(measured.grown),
    });
    Ok(rows.inspect(print).collect())
}

impl Measured {
    async fn add(&mut self, load: &Load, keeper: Keeper, period: Duration) -> io::Result<()> {
        let mut server = Server::start(keeper, load.text, (load.text == LONG).then_some(LITTLE))?;
        let reading = Reading::new();
        let mut stalled: Vec<TcpStream> = Vec::new();
        for _ in 0..load.stalled {
            stalled.push(connect(server.address, None, Some(LITTLE)).await?);
        }
        let mut readers = Vec::new();
        for n in 0..load.connections {
            let stream = connect(server.address, None, None).await?;
            readers.push(spawn_local(reading.clone().count(stream, n % AGED == 0)));
        }
        server.publish(load.rate)?;
        sleep(load.settling).await;

        let (before, events, start) = (server.usage()?, reading.events.get(), now());
        reading.ages.borrow_mut().clear();
        sleep(period).await;
        let (after, events) = (server.usage()?, reading.events.get() - events);
        let elapsed = now() - start;
        let mut ages = reading.ages.take();
        all_are_open(&readers)?;
        drop(stalled);

        ages.sort_unstable();
        let at = |share: f64| {
            let place = share * ages.len().saturating_sub(1) as f64;
            let age = ages.get(place.round() as usize).map(|age| *age as f64);
            age.ok_or_else(|| io::Error::other("no event has come"))
        };
        let expected = (after.published - before.published) * load.connections as u64;
        let cpu = (after.cpu - before.cpu) as f64;
        self.share.push(events as f64 / expected as f64);
        self.cpu.push(cpu / events as f64);
        self.busy.push(cpu / elapsed as f64);
        self.median.push(at(0.5)?);
        self.high.push(at(0.99)?);
        self.memory.push(before.memory as f64);
        self.grown.push(after.memory as f64 - before.memory as f64);
        Ok(())
    }
}

fn all_are_open(readers: &[JoinHandle<()>]) -> io::Result<()> {
    match readers.iter().find(|reader| reader.is_finished()) {
        Some(broken) => Err(io::Error::other(format!("a connection has ended: {broken:?}"))),
        None => Ok(()),
    }
}

fn print(row: &SocketRow) {
    eprintln!(
        "  {:58} {:32} {:5.2} of all, {:8.0} ns of CPU, busy {:4.2}, {:8.2} ms, {:8.2} ms at 99 %, \
         {:4.0} MiB, {:+5.1}",
        row.load,
        row.contender,
        row.share.median,
        row.cpu.median,
        row.busy.median,
        row.median.median / 1e6,
        row.high.median / 1e6,
        row.memory.median / f64::from(1 << 20),
        row.grown.median / f64::from(1 << 20),
    );
}

/// Cuts all connections of a hub at once, that often. Half a second later all come back at once.
pub fn storm(connections: usize, runs: usize) -> io::Result<StormRow> {
    let mut row = StormRow { connections, ..StormRow::default() };
    let (mut half, mut all, mut cpu) = (Vec::new(), Vec::new(), Vec::new());
    run(async {
        let mut server = Server::start(Keeper::Hub, 20, None)?;
        let reading = Reading::new();
        let clients: Vec<Rc<RefCell<Client>>> = (0..connections).map(|_| Rc::default()).collect();
        let address = server.address;
        let open = |client: &Rc<RefCell<Client>>| {
            let (reading, client) = (reading.clone(), client.clone());
            spawn_local(async move {
                let last = client.borrow().last.clone();
                let last = (!last.is_empty()).then_some(&*last);
                if let Ok(stream) = connect(address, last, None).await {
                    reading.follow(stream, client).await;
                }
            })
        };
        let mut readers: Vec<_> = clients.iter().map(open).collect();
        served(&clients, |client| !client.last.is_empty()).await;
        server.publish(10)?;
        sleep(Duration::from_secs(2)).await;
        for _ in 0..runs {
            all_are_open(&readers)?;
            readers.iter().for_each(|reader| reader.abort());
            for reader in readers {
                let _ = reader.await;
            }
            clients.iter().for_each(|client| client.borrow_mut().cut());
            let cut = server.usage()?.published;
            sleep(Duration::from_millis(500)).await;

            let (before, start) = (server.usage()?, now());
            row.missed += ((before.published - cut) * connections as u64) as f64;
            readers = clients.iter().map(open).collect();
            served(&clients, |client| client.first.is_some()).await;
            let after = server.usage()?;
            let mut firsts: Vec<_> =
                clients.iter().filter_map(|client| client.borrow().first).collect();
            firsts.sort_unstable();
            half.push((firsts[connections / 2] - start) as f64);
            all.push((firsts[connections - 1] - start) as f64);
            cpu.push((after.cpu - before.cpu) as f64 / connections as f64);
            sleep(Duration::from_secs(2)).await;
        }
        all_are_open(&readers)?;
        // All that has been published has come to everybody, once.
        let published = server.publish(0)?.published;
        let end = |client: &Client| client.events >= published;
        served(&clients, end).await;
        let wrong = |client: &Client| client.is_wrong || client.events != published;
        row.wrong = clients.iter().filter(|client| wrong(&client.borrow())).count() as f64;
        Ok(())
    })?;
    (row.half, row.all, row.cpu) = (Spread::of(half), Spread::of(all), Spread::of(cpu));
    let StormRow { missed, wrong, half, all, cpu, .. } = &row;
    eprintln!(
        "  {connections} back at once: half are served after {:.0} ms, all after {:.0} ms, \
         {:.0} ns of CPU each; {missed} events were missed, {wrong} sequences are wrong",
        half.median / 1e6,
        all.median / 1e6,
        cpu.median,
    );
    Ok(row)
}

/// Waits until it is so of all clients.
async fn served(clients: &[Rc<RefCell<Client>>], is_so: impl Fn(&Client) -> bool) {
    while !clients.iter().all(|client| is_so(&client.borrow())) {
        sleep(Duration::from_millis(10)).await;
    }
}
