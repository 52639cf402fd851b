//! A file of a log on disk: any bytes are read without a panic, and what is read as an event is one
//! frame as the encoder writes it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sse_hub::fuzzing;

fuzz_target!(|input: (bool, &[u8])| {
    let (seals, bytes) = input;
    for frame in fuzzing::disk_file(bytes, seals).into_iter().flatten() {
        let frame = std::str::from_utf8(&frame).unwrap();
        // One frame, and nothing that a field could have forged.
        let text = frame.strip_suffix('\n').unwrap().trim_end_matches('\n');
        assert!(!text.contains("\n\n") && !text.contains('\r'), "{frame:?}");
    }
});
