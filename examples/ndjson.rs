//! Reads items as NDJSON on standard input, and writes the event stream to standard output:
//!
//! ```console
//! $ echo '{"type":"tick","data":{"a":1},"b":2}' | cargo run --example ndjson
//! id: 1
//! event: tick
//! data: {"a":1,"b":2}
//!
//! ```
//!
//! Reports a line that is no item on standard error, encodes the next lines, and exits with status
//! 1 at the end.

use std::{
    io::{self, BufRead, ErrorKind, Write},
    process::ExitCode,
};

use bytes::BytesMut;
use sse_encoder::{Encoder, Event};

fn main() -> ExitCode {
    match run(io::stdin().lock(), io::stdout().lock(), io::stderr().lock()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        // The reader is gone, as after `| head`.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Encodes each line. Returns whether every one was an item.
fn run(mut items: impl BufRead, mut out: impl Write, mut err: impl Write) -> io::Result<bool> {
    let mut encoder = Encoder::new();
    let mut frames = BytesMut::new();
    let mut all_good = true;
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        if items.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let encoded = Event::from_slice(&line).and_then(|item| encoder.encode(&item, &mut frames));
        if let Err(error) = encoded {
            all_good = false;
            writeln!(err, "line {number}: {error:#}")?;
        }
        out.write_all(&frames)?;
        out.flush()?;
        frames.clear();
    }
    Ok(all_good)
}
