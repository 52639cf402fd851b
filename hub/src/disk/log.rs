//! The log on disk, for the hub's handles, and its thread.

use std::{
    future::{Future, ready},
    sync::Arc,
    thread::{self, JoinHandle},
};

use sse_encoder::LastEventId;

use super::{
    files::Files,
    queue::{Command, Queue, Refusal, Waiting},
    record::{MAX_SIZE, Record},
    writer::Writer,
};
use crate::{
    ending::Ending,
    error::Error,
    feed::Feed,
    log::{Append, BoxFuture, Draft, Log, Outcomes},
    status::Status,
    sync::{Mutex, lock},
};

pub(super) struct DiskLog {
    queue: Arc<Queue>,
    thread: Mutex<Option<JoinHandle<()>>>,
    holes: u64,
}

impl DiskLog {
    /// Starts the thread that writes.
    pub(super) fn start<F: Files>(feed: Arc<Feed>, writer: Writer<F>) -> Result<Self, Error> {
        let (queue, holes) = (Queue::new(), writer.holes());
        feed.set_appending(true);
        let end = End { feed, queue: queue.clone() };
        let thread = thread::Builder::new().name("sse-hub-disk".into());
        let thread = thread.spawn(move || write(writer, &end));
        let thread = thread.map_err(|error| Error::io("no thread can be started", error))?;
        Ok(Self { queue, thread: Mutex::new(Some(thread)), holes })
    }
}

/// Appends all events until the end of the hub, or until nothing can be appended any more.
fn write<F: Files>(mut writer: Writer<F>, end: &End) {
    while let Some(Waiting { commands, endings }) = end.queue.take(writer.due()) {
        let has_events = !commands.is_empty();
        writer.end(endings);
        match writer.append(commands) {
            Ok(is_whole) if has_events => end.queue.set_working(is_whole),
            Ok(_) => {}
            Err(reason) => return end.queue.fail(&reason),
        }
    }
    writer.close();
}

/// The end of the thread, also by a panic.
struct End {
    feed: Arc<Feed>,
    queue: Arc<Queue>,
}

impl Drop for End {
    fn drop(&mut self) {
        self.queue.fail("the log has ended");
        self.feed.set_appending(false);
    }
}

impl DiskLog {
    /// Hands the commands to the thread, and waits for the answer.
    fn hand_over<T: Send + 'static>(
        &self,
        commands: Vec<Command>,
        answer: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Append<Result<T, Error>> {
        let size = commands.iter().map(|command| command.record.size()).sum();
        if size > MAX_SIZE {
            return Append::Done(Some(Err(Error::not_appended("it is larger than 1 GiB"))));
        }
        let mut commands = match self.queue.push(commands, size) {
            Ok(()) => return Append::Pending(Box::pin(answer)),
            Err(Refusal::Error(error)) => return Append::Done(Some(Err(error))),
            Err(Refusal::Full(commands)) => commands,
        };
        let queue = self.queue.clone();
        Append::Pending(Box::pin(async move {
            loop {
                queue.room.until(|| queue.has_room()).await;
                match queue.push(commands, size) {
                    Ok(()) => return answer.await,
                    Err(Refusal::Error(error)) => return Err(error),
                    Err(Refusal::Full(again)) => commands = again,
                }
            }
        }))
    }
}

impl Log for DiskLog {
    fn append(&self, draft: Draft<'_>) -> Append {
        let (command, answer) = Command::new(Record::new(&draft));
        self.hand_over(vec![command], answer)
    }

    fn append_all(&self, drafts: Vec<Draft<'_>>) -> Append<Outcomes> {
        if drafts.is_empty() {
            return Append::Done(Some(Ok(Vec::new())));
        }
        let commands = drafts.iter().map(|draft| Command::new(Record::new(draft)));
        let (mut commands, answers): (Vec<_>, Vec<_>) = commands.unzip();
        commands[0].companions = commands.len() - 1;
        self.hand_over(commands, async move {
            let mut ids = Vec::with_capacity(answers.len());
            for answer in answers {
                ids.push(answer.await?);
            }
            Ok(ids)
        })
    }

    fn end(&self, ending: Ending) -> Append<Result<(), Error>> {
        match self.queue.push_ending(ending) {
            Ok(answer) => Append::Pending(Box::pin(async { answer.await.map(drop) })),
            Err(error) => Append::Done(Some(Err(error))),
        }
    }

    fn is_in_memory(&self) -> bool {
        false
    }

    fn status(&self) -> Status {
        self.queue.status()
    }

    fn live(&self) -> BoxFuture<Status> {
        // It was read before there was a hub.
        Box::pin(ready(self.status()))
    }

    fn wait_for(&self, _: &LastEventId) -> BoxFuture<bool> {
        Box::pin(ready(true))
    }

    fn rejected(&self) -> u64 {
        self.holes
    }

    fn close(&self) {
        self.queue.close();
    }
}

/// Waits until the events in the queue are on the disk and the folder is free.
impl Drop for DiskLog {
    fn drop(&mut self) {
        self.queue.close();
        let thread = lock(&self.thread).take();
        // A waker that the thread calls can drop the last handle.
        let other = thread.filter(|writer| writer.thread().id() != thread::current().id());
        // If it has panicked, publishers have been answered.
        let _ = other.map(JoinHandle::join);
    }
}
