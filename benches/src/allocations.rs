//! An allocator that counts, for the thread that measures.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

/// The system's allocator, counting calls: a `realloc` is one, too.
#[derive(Debug)]
pub struct Counting;

thread_local! {
    // Neither initialised lazily nor dropped: an increment is all that it costs the contenders.
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

/// How often this thread has allocated.
pub fn count() -> u64 {
    COUNT.get()
}

fn increment() {
    COUNT.set(COUNT.get() + 1);
}

// SAFETY: everything is the system allocator's own answer to the same request.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        increment();
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        increment();
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        increment();
        unsafe { System.realloc(memory, layout, size) }
    }
}
