//! Publishes a request's body line by line: each line is an item, published as soon as it is
//! complete.

use std::{fmt, time::Duration};

use axum::{body::Body, http::StatusCode};
use futures_util::StreamExt;
use sse_encoder::{Event, EventId};
use sse_hub::{Hub, Target};
use tokio::{task::yield_now, time::timeout};

/// The longest line. The event of a longer one would exceed the hub's largest frame.
const MAX_LINE: usize = 128 * 1024;
/// The most items of one body: the answer has the id of each.
const MAX_ITEMS: usize = 100_000;

/// After this many lines, subscribers may catch up.
const PART: usize = 32;
/// How long to wait for a client that reads nothing. One that reads slowly empties its socket in
/// bursts.
const PATIENCE: Duration = Duration::from_secs(1);

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
    TooMany,
}

impl Refused {
    /// The status that tells whose fault it is, and whether to send the line again.
    pub fn status(&self) -> StatusCode {
        match &self.reason {
            Reason::Publish(error) => status(error),
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

/// The status that tells whose fault the hub's error is.
pub fn status(error: &sse_hub::Error) -> StatusCode {
    if error.is_outcome_unknown() {
        // It may be in the log: sent again, it may be there twice.
        StatusCode::GATEWAY_TIMEOUT
    } else if error.is_closed() || error.is_not_appended() {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        StatusCode::BAD_REQUEST
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        match &self.reason {
            Reason::Body(error) => error.fmt(f),
            Reason::Item(error) => write!(f, "{error:#}"),
            Reason::Publish(error) => write!(f, "{error:#}"),
            Reason::TooLong => write!(f, "the line is longer than {MAX_LINE} bytes"),
            Reason::TooMany => write!(f, "the body has more than {MAX_ITEMS} items"),
        }
    }
}

/// Publishes the items and returns their ids; `None` for an ephemeral one. Those before a bad line
/// stay published.
///
/// It waits while subscribers that read lack more than half of the retained events.
pub async fn lines(
    (hub, retain): (&Hub, usize),
    to: Target<'_>,
    body: Body,
) -> Result<Vec<Option<EventId>>, Refused> {
    let mut lines = Lines { hub, retain: retain as u64, to, number: 0, ids: Vec::new() };
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
    Ok(lines.ids)
}

struct Lines<'a> {
    hub: &'a Hub,
    retain: u64,
    to: Target<'a>,
    /// The lines read so far.
    number: usize,
    ids: Vec<Option<EventId>>,
}

impl Lines<'_> {
    async fn publish(&mut self, line: &[u8]) -> Result<(), Refused> {
        if !line.trim_ascii().is_empty() {
            if self.ids.len() == MAX_ITEMS {
                return Err(self.refused(Reason::TooMany));
            }
            let item =
                Event::from_slice(line).map_err(|error| self.refused(Reason::Item(error)))?;
            let published = self.to.publish(&item).await;
            self.ids.push(published.map_err(|error| self.refused(Reason::Publish(error)))?);
        }
        self.number += 1;
        if self.number.is_multiple_of(PART) {
            // Let subscribers run during a long body.
            yield_now().await;
            self.wait_for_readers().await;
        }
        Ok(())
    }

    /// A client that does not read is waited for once, until it reads again.
    async fn wait_for_readers(&self) {
        if let Some(Some(id)) = self.ids.last() {
            // With Redis, this server reads its own events, too.
            self.hub.wait_for(&id.clone().into()).await;
        }
        let _ = timeout(PATIENCE, self.hub.caught_up(self.retain / 2)).await;
    }

    /// An error for the next line.
    fn refused(&self, reason: Reason) -> Refused {
        Refused { line: self.number + 1, reason }
    }
}
