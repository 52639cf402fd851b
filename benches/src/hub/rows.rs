//! What was measured of the hub, on disk.

use crate::figures::{Line, Spread, line, texts};

/// What one call costs at one size.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GrowthRow {
    pub what: String,
    pub size: usize,
    /// For what is published: per waker that is woken.
    pub nanoseconds: Spread,
}

/// The bytes of a stream that waits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IdleRow {
    pub what: String,
    pub bytes: f64,
}

/// A server under one load.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SocketRow {
    pub load: String,
    pub contender: String,
    /// Of what was published to each connection, what has come.
    pub share: Spread,
    /// Of the server, per delivery, in nanoseconds.
    pub cpu: Spread,
    /// Of one processor.
    pub busy: Spread,
    /// How late the events come, in nanoseconds.
    pub median: Spread,
    /// The 99th percentile.
    pub high: Spread,
    /// Bytes of the server when the load begins, and by how many it grows.
    pub memory: Spread,
    pub grown: Spread,
}

/// All connections cut at once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StormRow {
    pub connections: usize,
    /// What the clients have missed, all together.
    pub missed: f64,
    /// How many sequences had a hole, an event twice, or a gap.
    pub wrong: f64,
    /// Until half of the clients, and all of them, have the first event that they missed, in
    /// nanoseconds.
    pub half: Spread,
    pub all: Spread,
    /// Of the server, per client, in nanoseconds.
    pub cpu: Spread,
}

macro_rules! lines {
    ($(
        $row:ident:
        [$($text:ident),*] [$($size:ident),*] [$($number:ident),*] [$($spread:ident),*];
    )*) => {
        $(
            impl Line for $row {
                fn to_line(&self) -> String {
                    let numbers = [$(self.$size as f64,)* $(self.$number),*].into_iter();
                    let spreads: [Spread; _] = [$(self.$spread),*];
                    let spreads = spreads.into_iter().flat_map(Spread::to_numbers);
                    line([$(&*self.$text),*], numbers.chain(spreads))
                }

                fn from_line(line: &str) -> Option<Self> {
                    let mut fields = line.split('\t');
                    let [$($text),*] = texts(&mut fields)?;
                    let mut number = || fields.next()?.parse::<f64>().ok();
                    Some(Self {
                        $($text,)*
                        $($size: number()? as usize,)*
                        $($number: number()?,)*
                        $($spread: Spread::from_numbers(&mut number)?,)*
                    })
                }
            }
        )*
    };
}

lines! {
    GrowthRow: [what] [size] [] [nanoseconds];
    IdleRow: [what] [] [bytes] [];
    SocketRow: [load, contender] [] [] [share, cpu, busy, median, high, memory, grown];
    StormRow: [] [connections] [missed, wrong] [half, all, cpu];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_survives_its_line() {
        let row = GrowthRow { what: "resume".into(), size: 7, nanoseconds: Spread::of(vec![2.5]) };
        assert_eq!(GrowthRow::from_line(&row.to_line()), Some(row));
        let row = IdleRow { what: "a body".into(), bytes: 178.0 };
        assert_eq!(IdleRow::from_line(&row.to_line()), Some(row));
        let row =
            SocketRow { load: "10".into(), high: Spread::of(vec![1.5]), ..Default::default() };
        assert_eq!(SocketRow::from_line(&row.to_line()), Some(row));
        let row = StormRow { connections: 5, missed: 2.0, ..Default::default() };
        assert_eq!(StormRow::from_line(&row.to_line()), Some(row));
    }
}
