use std::fmt::Display;

use crate::Result;

/// What passed and what failed.
#[derive(Default)]
pub(crate) struct Checks {
    passed: usize,
    failed: usize,
}

impl Checks {
    /// Notes whether this holds; a failure is said at once, and the next check follows.
    pub(crate) fn check(&mut self, name: impl Display, holds: bool) {
        if holds {
            self.passed += 1;
        } else {
            self.failed += 1;
            println!("FAILED {name}");
        }
    }

    /// Notes whether this came off; gives what it gave.
    pub(crate) fn result<T>(&mut self, name: impl Display, result: Result<T>) -> Option<T> {
        match result {
            Ok(value) => {
                self.passed += 1;
                Some(value)
            }
            Err(error) => {
                self.check(format_args!("{name}: {error}"), false);
                None
            }
        }
    }

    pub(crate) fn finish(self) -> Result<()> {
        println!("\n{} passed, {} failed", self.passed, self.failed);
        if self.failed > 0 { Err("the suite has failed".into()) } else { Ok(()) }
    }
}
