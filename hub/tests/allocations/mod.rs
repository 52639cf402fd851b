//! Counts what each thread allocates.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

thread_local! {
    /// The allocations of this thread so far.
    pub static COUNT: Cell<usize> = const { Cell::new(0) };
    /// The bytes that it holds.
    pub static BYTES: Cell<isize> = const { Cell::new(0) };
}

/// Counts what this thread allocates.
struct Counting;

// The allocator's trait is unsafe by itself; this passes everything on.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        BYTES.set(BYTES.get() + layout.size() as isize);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        BYTES.set(BYTES.get() - layout.size() as isize);
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;
