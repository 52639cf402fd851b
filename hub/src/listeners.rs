//! The hook that is called when a topic gains or loses listeners.

use std::{
    collections::BTreeSet,
    fmt, mem,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::Arc,
};

use crate::sync::{Mutex, lock};

/// A function of the user's: the topic, and how many listeners it has.
#[derive(Clone)]
pub(crate) struct Hook(Arc<AssertUnwindSafe<Box<Call>>>);

type Call = dyn Fn(&str, usize) + Send + Sync;

impl Hook {
    pub(crate) fn new(hook: impl Fn(&str, usize) + Send + Sync + 'static) -> Self {
        // The hub keeps no state in it that a panic could break.
        Self(Arc::new(AssertUnwindSafe(Box::new(hook))))
    }
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Hook").finish_non_exhaustive()
    }
}

/// The topics for which the hook is still to be called. One thread at a time calls it, without a
/// lock, so the last call for a topic has its last number.
pub(crate) struct Changes(Mutex<State>);

struct State {
    topics: BTreeSet<Arc<str>>,
    is_telling: bool,
}

impl Changes {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(State { topics: BTreeSet::new(), is_telling: false }))
    }

    /// Calls the hook for these topics. A call that is under way, on another thread or below this
    /// one on the stack, takes them over.
    pub(crate) fn tell(
        &self,
        hook: &Hook,
        topics: impl IntoIterator<Item = Arc<str>>,
        count: impl Fn(&str) -> usize,
    ) {
        let mut state = lock(&self.0);
        state.topics.extend(topics);
        if mem::replace(&mut state.is_telling, true) {
            return;
        }
        loop {
            let Some(topic) = state.topics.pop_first() else {
                state.is_telling = false;
                return;
            };
            drop(state);
            let call = || (hook.0.0)(&topic, count(&topic));
            let called = catch_unwind(AssertUnwindSafe(call));
            state = lock(&self.0);
            if let Err(panic) = called {
                state.is_telling = false;
                drop(state);
                resume_unwind(panic);
            }
        }
    }
}
