//! What was measured, and its form on disk: a line for each row, fields separated by tabs. So the
//! two measuring programs can run apart, and the report be written again without them.

use std::{fs, io, path::Path};

use crate::contender::{Role, Verdict};

/// Of many measurements the least, the quartiles and the median.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spread {
    pub least: f64,
    pub median: f64,
    pub first_quartile: f64,
    pub third_quartile: f64,
}

impl Spread {
    pub fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let place = share * (values.len() - 1) as f64;
            let (low, high) = (values[place.floor() as usize], values[place.ceil() as usize]);
            low + (high - low) * place.fract()
        };
        Self { least: at(0.0), median: at(0.5), first_quartile: at(0.25), third_quartile: at(0.75) }
    }

    pub fn to_numbers(self) -> [f64; 4] {
        [self.least, self.median, self.first_quartile, self.third_quartile]
    }

    pub fn from_numbers(mut next: impl FnMut() -> Option<f64>) -> Option<Self> {
        Some(Self {
            least: next()?,
            median: next()?,
            first_quartile: next()?,
            third_quartile: next()?,
        })
    }
}

/// One contender in one workload of the encoders.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub workload: String,
    pub title: String,
    pub unit: String,
    pub contender: String,
    pub role: Role,
    pub verdict: Verdict,
    pub nanoseconds: Spread,
    /// Each per event.
    pub bytes: f64,
    pub chunks: f64,
    pub allocations: f64,
    /// The bytes of these.
    pub allocated: f64,
}

impl Default for Row {
    fn default() -> Self {
        Self {
            workload: String::new(),
            title: String::new(),
            unit: String::new(),
            contender: String::new(),
            role: Role::Peer,
            verdict: Verdict::Same,
            nanoseconds: Spread::default(),
            bytes: 0.0,
            chunks: 0.0,
            allocations: 0.0,
            allocated: 0.0,
        }
    }
}

impl Row {
    pub fn megabytes_per_second(&self) -> f64 {
        self.bytes / self.nanoseconds.median * 1e3
    }
}

impl Line for Row {
    fn to_line(&self) -> String {
        let role = match self.role {
            Role::Floor => "floor",
            Role::Ours => "ours",
            Role::Peer => "peer",
        };
        let verdict = match &self.verdict {
            Verdict::Same => "same",
            Verdict::KeyTwice => "key twice",
            Verdict::Other(what) => what,
        };
        let numbers = self.nanoseconds.to_numbers().into_iter();
        let numbers = numbers.chain([self.bytes, self.chunks, self.allocations, self.allocated]);
        line([&self.workload, &self.title, &self.unit, &self.contender, role, verdict], numbers)
    }

    fn from_line(line: &str) -> Option<Self> {
        let mut fields = line.split('\t');
        let [workload, title, unit, contender] = texts(&mut fields)?;
        let role = match fields.next()? {
            "floor" => Role::Floor,
            "ours" => Role::Ours,
            _ => Role::Peer,
        };
        let verdict = match fields.next()? {
            "same" => Verdict::Same,
            "key twice" => Verdict::KeyTwice,
            what => Verdict::Other(what.into()),
        };
        let mut number = || fields.next()?.parse().ok();
        let nanoseconds = Spread::from_numbers(&mut number)?;
        let [bytes, chunks, allocations, allocated] = [number()?, number()?, number()?, number()?];
        Some(Self {
            workload,
            title,
            unit,
            contender,
            role,
            verdict,
            nanoseconds,
            bytes,
            chunks,
            allocations,
            allocated,
        })
    }
}

/// How large something is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SizeRow {
    pub what: String,
    pub bytes: f64,
    /// The same of the peer's, where there is one.
    pub peer: Option<f64>,
}

impl Line for SizeRow {
    fn to_line(&self) -> String {
        line([&self.what], [self.bytes].into_iter().chain(self.peer))
    }

    fn from_line(line: &str) -> Option<Self> {
        let mut fields = line.split('\t');
        let [what] = texts(&mut fields)?;
        let mut number = || fields.next()?.parse().ok();
        Some(Self { what, bytes: number()?, peer: number() })
    }
}

/// One server under one load.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoadRow {
    pub load: String,
    pub framework: String,
    pub contender: String,
    pub events_per_second: Spread,
    /// Of the server, per event, in nanoseconds.
    pub cpu: Spread,
    /// Where writes are counted.
    pub events_per_write: Option<f64>,
}

impl Line for LoadRow {
    fn to_line(&self) -> String {
        let numbers = [self.events_per_second, self.cpu].into_iter().flat_map(Spread::to_numbers);
        line([&self.load, &self.framework, &self.contender], numbers.chain(self.events_per_write))
    }

    fn from_line(line: &str) -> Option<Self> {
        let mut fields = line.split('\t');
        let [load, framework, contender] = texts(&mut fields)?;
        let mut number = || fields.next()?.parse().ok();
        let events_per_second = Spread::from_numbers(&mut number)?;
        let cpu = Spread::from_numbers(&mut number)?;
        let events_per_write = number();
        Some(Self { load, framework, contender, events_per_second, cpu, events_per_write })
    }
}

/// How late the events of one server come, in nanoseconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LatencyRow {
    pub load: String,
    pub framework: String,
    pub contender: String,
    pub median: Spread,
    /// The 99th percentile.
    pub high: Spread,
}

impl Line for LatencyRow {
    fn to_line(&self) -> String {
        let numbers = [self.median, self.high].into_iter().flat_map(Spread::to_numbers);
        line([&self.load, &self.framework, &self.contender], numbers)
    }

    fn from_line(line: &str) -> Option<Self> {
        let mut fields = line.split('\t');
        let [load, framework, contender] = texts(&mut fields)?;
        let mut number = || fields.next()?.parse().ok();
        let median = Spread::from_numbers(&mut number)?;
        let high = Spread::from_numbers(&mut number)?;
        Some(Self { load, framework, contender, median, high })
    }
}

/// Ours with one chunk limit, in one server or in none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LimitRow {
    pub event: String,
    /// A framework, or what stands for none.
    pub place: String,
    pub chunk_limit: usize,
    pub events_per_second: Spread,
    /// Per event, in nanoseconds.
    pub cpu: Spread,
    /// In a server.
    pub events_per_write: Option<f64>,
    /// The bytes that it holds for a client that has stopped reading: the median, and the most.
    pub held: Option<f64>,
    pub most_held: Option<f64>,
}

impl Line for LimitRow {
    fn to_line(&self) -> String {
        let numbers = [self.events_per_second, self.cpu].into_iter().flat_map(Spread::to_numbers);
        let counted = [self.events_per_write, self.held, self.most_held];
        let numbers = numbers.chain(counted.into_iter().flatten());
        line([&self.event, &self.place, &self.chunk_limit.to_string()], numbers)
    }

    fn from_line(line: &str) -> Option<Self> {
        let mut fields = line.split('\t');
        let [event, place] = texts(&mut fields)?;
        let chunk_limit = fields.next()?.parse().ok()?;
        let mut number = || fields.next()?.parse().ok();
        Some(Self {
            event,
            place,
            chunk_limit,
            events_per_second: Spread::from_numbers(&mut number)?,
            cpu: Spread::from_numbers(&mut number)?,
            events_per_write: number(),
            held: number(),
            most_held: number(),
        })
    }
}

/// Many connections of one server, whose streams wait for more events.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LingerRow {
    pub framework: String,
    pub contender: String,
    /// Milliseconds; 0 for not at all.
    pub linger: u64,
    pub events_per_second: Spread,
    /// Of the server, per event, in nanoseconds.
    pub cpu: Spread,
    /// How late the events come, in nanoseconds.
    pub median: Spread,
    /// The 99th percentile.
    pub high: Spread,
    pub events_per_write: f64,
}

impl Line for LingerRow {
    fn to_line(&self) -> String {
        let spreads = [self.events_per_second, self.cpu, self.median, self.high];
        let numbers = spreads.into_iter().flat_map(Spread::to_numbers);
        line(
            [&self.framework, &self.contender, &self.linger.to_string()],
            numbers.chain([self.events_per_write]),
        )
    }

    fn from_line(line: &str) -> Option<Self> {
        let mut fields = line.split('\t');
        let [framework, contender] = texts(&mut fields)?;
        let linger = fields.next()?.parse().ok()?;
        let mut number = || fields.next()?.parse().ok();
        Some(Self {
            framework,
            contender,
            linger,
            events_per_second: Spread::from_numbers(&mut number)?,
            cpu: Spread::from_numbers(&mut number)?,
            median: Spread::from_numbers(&mut number)?,
            high: Spread::from_numbers(&mut number)?,
            events_per_write: number()?,
        })
    }
}

/// The least times of one workload, in nanoseconds, in the best and in the worst layout.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LayoutRow {
    pub title: String,
    pub peer: String,
    pub floor: [f64; 2],
    pub ours: [f64; 2],
    pub fastest: [f64; 2],
}

impl Line for LayoutRow {
    fn to_line(&self) -> String {
        let numbers = [self.floor, self.ours, self.fastest].into_iter().flatten();
        line([&self.title, &self.peer], numbers)
    }

    fn from_line(line: &str) -> Option<Self> {
        let mut fields = line.split('\t');
        let [title, peer] = texts(&mut fields)?;
        let mut number = || fields.next()?.parse().ok();
        let mut both = || Some([number()?, number()?]);
        Some(Self { title, peer, floor: both()?, ours: both()?, fastest: both()? })
    }
}

/// A row on disk.
pub trait Line: Sized {
    fn to_line(&self) -> String;

    fn from_line(line: &str) -> Option<Self>;
}

pub fn line<const N: usize>(texts: [&str; N], numbers: impl Iterator<Item = f64>) -> String {
    let texts = texts.map(|text| text.replace(['\t', '\n'], " ")).into_iter();
    texts.chain(numbers.map(|number| number.to_string())).collect::<Vec<_>>().join("\t")
}

/// The next fields of a line.
pub fn texts<'a, const N: usize>(
    fields: &mut impl Iterator<Item = &'a str>,
) -> Option<[String; N]> {
    fields.take(N).map(String::from).collect::<Vec<_>>().try_into().ok()
}

pub fn write(path: &Path, rows: &[impl Line]) -> io::Result<()> {
    fs::write(path, rows.iter().map(|row| row.to_line() + "\n").collect::<String>())
}

pub fn read<T: Line>(path: &Path) -> io::Result<Vec<T>> {
    let text = fs::read_to_string(path)?;
    let rows = text
        .lines()
        .map(|line| T::from_line(line).ok_or_else(|| io::Error::other(line.to_owned())));
    rows.collect()
}

/// All that has been measured.
#[derive(Debug, Default)]
pub struct Figures {
    pub encoders: Vec<Row>,
    pub layouts: Vec<LayoutRow>,
    pub loads: Vec<LoadRow>,
    pub latencies: Vec<LatencyRow>,
    pub limits: Vec<LimitRow>,
    pub lingers: Vec<LingerRow>,
    pub sizes: Vec<SizeRow>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_survives_its_line() {
        let row = Row {
            workload: "small".into(),
            contender: "axum".into(),
            verdict: Verdict::Other("3 events of 4".into()),
            nanoseconds: Spread::of(vec![3.0, 1.0, 2.5, 2.0]),
            ..Row::default()
        };
        assert_eq!(Row::from_line(&row.to_line()), Some(row));
        let row =
            LoadRow { load: "together".into(), framework: "axum".into(), ..LoadRow::default() };
        assert_eq!(LoadRow::from_line(&row.to_line()), Some(row.clone()));
        let row = LoadRow { events_per_write: Some(2.5), ..row };
        assert_eq!(LoadRow::from_line(&row.to_line()), Some(row));
        let row = LatencyRow { high: Spread::of(vec![1.0, 2.0]), ..LatencyRow::default() };
        assert_eq!(LatencyRow::from_line(&row.to_line()), Some(row));
        let row = LingerRow { linger: 20, events_per_write: 1.5, ..LingerRow::default() };
        assert_eq!(LingerRow::from_line(&row.to_line()), Some(row));
        let row = SizeRow { what: "a stream".into(), bytes: 320.0, peer: None };
        assert_eq!(SizeRow::from_line(&row.to_line()), Some(row.clone()));
        let row = SizeRow { peer: Some(64.0), ..row };
        assert_eq!(SizeRow::from_line(&row.to_line()), Some(row));
        let row = LimitRow { chunk_limit: 1_024, ..LimitRow::default() };
        assert_eq!(LimitRow::from_line(&row.to_line()), Some(row.clone()));
        let row =
            LimitRow { events_per_write: Some(2.5), held: Some(3.0), most_held: Some(4.0), ..row };
        assert_eq!(LimitRow::from_line(&row.to_line()), Some(row));
    }

    #[test]
    fn quartiles_are_interpolated() {
        let spread = Spread::of(vec![4.0, 1.0, 3.0, 2.0]);
        assert_eq!(
            spread,
            Spread { least: 1.0, median: 2.5, first_quartile: 1.75, third_quartile: 3.25 }
        );
    }
}
