//! Publishes a request's body line by line: each line is an item, published as soon as it is
//! complete.

use std::fmt;

use axum::body::Body;
use futures_util::StreamExt;
use sse_encoder::Event;
use sse_hub::Target;

/// The longest line. The event of a longer one would exceed the hub's largest frame.
const MAX_LINE: usize = 128 * 1024;

/// Why publishing stopped at this line.
#[derive(Debug)]
pub struct Refused {
    line: usize,
    reason: Reason,
}

#[derive(Debug)]
enum Reason {
    Body(axum::Error),
    Item(sse_encoder::Error),
    Publish(sse_hub::Error),
    TooLong,
}

impl Refused {
    /// Whether the log cannot be reached; the item is not at fault.
    pub fn is_unavailable(&self) -> bool {
        let Reason::Publish(error) = &self.reason else { return false };
        error.is_closed() || error.is_not_appended() || error.is_outcome_unknown()
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        match &self.reason {
            Reason::Body(error) => error.fmt(f),
            Reason::Item(error) => error.fmt(f),
            Reason::Publish(error) => write!(f, "{error:#}"),
            Reason::TooLong => write!(f, "the line is longer than {MAX_LINE} bytes"),
        }
    }
}

/// Publishes the items and returns their number. Those before a bad line stay published.
pub async fn lines(to: Target<'_>, body: Body) -> Result<usize, Refused> {
    let mut lines = Lines { to, number: 0, published: 0 };
    let mut body = body.into_data_stream();
    // The beginning of an incomplete line.
    let mut begun = Vec::new();
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|error| lines.refused(Reason::Body(error)))?;
        for part in chunk.split_inclusive(|byte| *byte == b'\n') {
            begun.extend_from_slice(part);
            if part.ends_with(b"\n") {
                lines.publish(&begun).await?;
                begun.clear();
            } else if begun.len() > MAX_LINE {
                return Err(lines.refused(Reason::TooLong));
            }
        }
    }
    lines.publish(&begun).await?;
    Ok(lines.published)
}

struct Lines<'a> {
    to: Target<'a>,
    /// The lines read so far.
    number: usize,
    published: usize,
}

impl Lines<'_> {
    async fn publish(&mut self, line: &[u8]) -> Result<(), Refused> {
        if !line.trim_ascii().is_empty() {
            let item =
                Event::from_slice(line).map_err(|error| self.refused(Reason::Item(error)))?;
            let published = self.to.publish(&item).await;
            published.map_err(|error| self.refused(Reason::Publish(error)))?;
            self.published += 1;
        }
        self.number += 1;
        if self.number.is_multiple_of(32) {
            // Let subscribers run during a long body.
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// An error for the next line.
    fn refused(&self, reason: Reason) -> Refused {
        Refused { line: self.number + 1, reason }
    }
}
