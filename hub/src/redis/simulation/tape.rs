//! The choices of a run: drawn from a seed, kept, replayed, and made fewer.

/// Every choice of a run, in order. 0 is the dullest one.
#[derive(Clone, Debug)]
pub(super) struct Tape {
    draws: Vec<u32>,
    at: usize,
    /// The state of the generator; `None` for a replay, at whose end everything is 0.
    seed: Option<u64>,
}

impl Tape {
    pub(super) const fn new(seed: u64) -> Self {
        Self { draws: Vec::new(), at: 0, seed: Some(seed) }
    }

    pub(super) const fn replay(draws: Vec<u32>) -> Self {
        Self { draws, at: 0, seed: None }
    }

    /// A number below this one.
    pub(super) fn draw(&mut self, below: u32) -> u32 {
        if self.at == self.draws.len() {
            let number = match &mut self.seed {
                Some(state) => (next(state) >> 33) as u32 % below,
                None => 0,
            };
            self.draws.push(number);
        }
        self.at += 1;
        self.draws[self.at - 1] % below
    }

    /// `true` once in so many times.
    pub(super) fn once_in(&mut self, times: u32) -> bool {
        self.draw(times) == 1 % times
    }

    pub(super) fn into_draws(mut self) -> Vec<u32> {
        self.draws.truncate(self.at);
        self.draws
    }
}

/// The next number of a generator (splitmix64).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (*state ^ *state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ mixed >> 31
}

/// The shortest tape found that still fails: draws are cut out, then made 0, in ever smaller parts.
pub(super) fn shrink(mut draws: Vec<u32>, fails: impl Fn(&[u32]) -> bool) -> Vec<u32> {
    let mut len = draws.len();
    while len > 0 {
        let mut start = 0;
        let mut has_changed = false;
        while start < draws.len() {
            let end = (start + len).min(draws.len());
            let cut = [&draws[..start], &draws[end..]].concat();
            let mut zeros = draws.clone();
            zeros[start..end].fill(0);
            if fails(&cut) {
                draws = cut;
                has_changed = true;
            } else {
                if zeros != draws && fails(&zeros) {
                    draws = zeros;
                    has_changed = true;
                }
                start = end;
            }
        }
        if !has_changed || len > 1 {
            len /= 2;
        }
    }
    while draws.last() == Some(&0) {
        draws.pop();
    }
    draws
}
