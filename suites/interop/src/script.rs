//! Streams that a suite describes itself: `/script/NAME/TAG` and whatever follows, with any method.
//! The scripts are JSON, in the file that `SCRIPTS` names; `suites/clients/scripts.js` says what
//! they mean.
//!
//! A script can span several connections. A client that comes back with an id goes on after that
//! event; one that comes back without any has the failure, or the end, behind it that it came from.

use std::{
    collections::HashMap,
    env, fs,
    path::Path,
    pin::Pin,
    sync::{Arc, LazyLock},
    time::Duration,
};

use futures_util::{Stream, StreamExt, stream};
use serde::Deserialize;
use sse_encoder::{LastEventId, OnError, ReconnectionTime, SseEncoder};
use tokio::time;

use super::{BoxError, Case, Framework, Item, Shared, Tracked};

type Items = Pin<Box<dyn Stream<Item = Result<&'static Item, BoxError>> + Send>>;

#[derive(Deserialize)]
struct Description {
    #[serde(default)]
    bare: bool,
    keep_alive: Option<u64>,
    retry: Option<u32>,
    /// Errors break the connection, whatever the default is.
    #[serde(default)]
    breaks: bool,
    /// Errors end the stream, with this before the end.
    last_words: Option<Case>,
    steps: Vec<StepDescription>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum StepDescription {
    Item(Box<Case>),
    Pause(u64),
    Fail,
    End,
    Stop,
}

struct Script {
    bare: bool,
    keep_alive: Duration,
    retry: Option<ReconnectionTime>,
    breaks: bool,
    last_words: Option<Item>,
    steps: Vec<Step>,
}

enum Step {
    /// With the id that the stream gives it.
    Item(Item, Option<u64>),
    Pause(Duration),
    Fail,
    End,
    /// Whoever comes back is told to stay away.
    Stop,
}

static SCRIPTS: LazyLock<HashMap<String, Script>> = LazyLock::new(|| {
    let Ok(path) = env::var("SCRIPTS") else { return HashMap::new() };
    let text = fs::read(path).expect("the scripts are there");
    let described: HashMap<String, Description> =
        serde_json::from_slice(&text).expect("the scripts are JSON");
    described.into_iter().map(|(name, described)| (name, described.into_script())).collect()
});

impl Description {
    fn into_script(self) -> Script {
        let mut next = 1;
        let mut numbered = |case: &Case| {
            let own = self.bare || case.no_id || case.id.is_some() || case.comment.is_some();
            (!own).then(|| {
                next += 1;
                next - 1
            })
        };
        let item = |case: Case| case.item().expect("an item of a script can be sent");
        let steps = self.steps.into_iter().map(|step| match step {
            StepDescription::Item(case) => {
                let id = numbered(&case);
                Step::Item(item(*case), id)
            }
            StepDescription::Pause(millis) => Step::Pause(Duration::from_millis(millis)),
            StepDescription::Fail => Step::Fail,
            StepDescription::End => Step::End,
            StepDescription::Stop => Step::Stop,
        });
        Script {
            steps: steps.collect(),
            bare: self.bare,
            keep_alive: self.keep_alive.map_or(Duration::MAX, Duration::from_millis),
            retry: self.retry.and_then(ReconnectionTime::from_millis),
            breaks: self.breaks,
            last_words: self.last_words.map(item),
        }
    }
}

impl Script {
    /// Where a client goes on that has come so often, and has this event.
    fn rest(&'static self, requests: u64, last: Option<u64>) -> &'static [Step] {
        let is_end = |step: &Step| matches!(step, Step::Fail | Step::End);
        let after_item = |last| {
            self.steps
                .iter()
                .position(|step| matches!(step, Step::Item(_, Some(id)) if *id == last))
        };
        let start = if let Some(last) = last {
            after_item(last).map_or(self.steps.len(), |index| index + 1)
        } else if self.bare && requests > 1 {
            let ends = self.steps.iter().enumerate().filter(|(_, step)| is_end(step));
            ends.map(|(index, _)| index + 1).nth(requests as usize - 2).unwrap_or(0)
        } else {
            0
        };
        let rest = &self.steps[start..];
        match rest.iter().position(|step| !matches!(step, Step::Pause(_))) {
            Some(first) if requests > 1 && is_end(&rest[first]) => &rest[first + 1..],
            _ => rest,
        }
    }
}

pub(super) fn respond<F: Framework>(
    framework: F,
    path: &str,
    last: &LastEventId,
    shared: &Arc<Shared>,
) -> F::Response {
    let mut path = path.split('/');
    let (name, tag) = (path.next().unwrap_or_default(), path.next().unwrap_or_default());
    let Some(script) = SCRIPTS.get(name) else {
        return framework.content("text/plain", format!("no script {name}"));
    };
    let rest = script.rest(shared.asked(tag, last.as_u64()), last.as_u64());
    if let [Step::Stop, ..] = rest {
        return framework.stop();
    }
    let items = Tracked::new(play(rest), tag, shared);
    let stream = if script.bare { SseEncoder::bare(items) } else { SseEncoder::new(items) };
    let stream = stream.resume_after(last).stop_on(shared.stopped()).keep_alive(script.keep_alive);
    let stream = match script.retry {
        Some(time) => stream.retry(time),
        None => stream,
    };
    match &script.last_words {
        Some(item) => framework.stream(stream.on_error(move |_| OnError::end_with(item))),
        None if script.breaks => framework.stream(stream.on_error(OnError::Fail)),
        None => framework.stream(stream),
    }
}

/// Up to an end, or for ever.
fn play(steps: &'static [Step]) -> Items {
    let end = steps.iter().position(|step| matches!(step, Step::End));
    let ends = end.is_some();
    let steps = stream::iter(&steps[..end.unwrap_or(steps.len())]);
    let items = steps.filter_map(async |step| match step {
        Step::Item(item, _) => Some(Ok(item)),
        Step::Pause(time) => {
            time::sleep(*time).await;
            None
        }
        Step::Fail => Some(Err("a step of the script that fails".into())),
        Step::End | Step::Stop => None,
    });
    Box::pin(super::then(items, ends))
}

/// A file of the folder that `FILES` names, for the pages of browsers.
pub(super) fn file<F: Framework>(framework: F, path: &str) -> F::Response {
    let folder = env::var("FILES").unwrap_or_default();
    let path = Path::new(&folder).join(path);
    // As modules name each other.
    let text = fs::read_to_string(&path)
        .or_else(|_| fs::read_to_string(format!("{}.js", path.display())))
        .or_else(|_| fs::read_to_string(path.join("index.js")));
    let kind = match path.extension() {
        Some(extension) if extension == "html" => super::HTML,
        _ => "text/javascript; charset=utf-8",
    };
    framework.content(kind, text.unwrap_or_else(|error| format!("/* {error} */")))
}
