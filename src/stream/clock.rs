use std::time::Instant;

/// The time now; `None` on a platform without a clock, where `Instant::now` panics.
pub(super) fn now() -> Option<Instant> {
    const HAS_CLOCK: bool = !cfg!(all(target_family = "wasm", target_os = "unknown"));
    HAS_CLOCK.then(Instant::now)
}
