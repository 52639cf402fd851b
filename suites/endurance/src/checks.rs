use std::fmt::Display;

use crate::Result;

/// The checks that passed and those that failed.
#[derive(Default)]
pub(crate) struct Checks {
    passed: usize,
    failed: usize,
}

impl Checks {
    /// Records whether this holds. A failure is printed at once; the checks continue.
    pub(crate) fn check(&mut self, name: impl Display, holds: bool) {
        if holds {
            self.passed += 1;
        } else {
            self.failed += 1;
            println!("FAILED {name}");
        }
    }

    /// Records whether this succeeded, and returns its value.
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
