//! An allocator that counts, for the thread that measures.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

/// The system's allocator, counting calls, a `realloc` being one, too, and the bytes asked for.
#[derive(Debug)]
pub struct Counting;

/// What a thread has allocated so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allocated {
    pub calls: u64,
    /// Of all that was asked for: of a `realloc`, what it was to grow to.
    pub bytes: u64,
    /// Of what has not been given back.
    pub live: u64,
}

thread_local! {
    // Neither initialised lazily nor dropped: a few additions are all that it costs the contenders.
    static ALLOCATED: Cell<Allocated> =
        const { Cell::new(Allocated { calls: 0, bytes: 0, live: 0 }) };
}

/// What this thread has allocated.
pub fn count() -> Allocated {
    ALLOCATED.get()
}

#[inline]
fn add(bytes: usize, freed: usize) {
    let Allocated { calls, bytes: before, live } = ALLOCATED.get();
    ALLOCATED.set(Allocated {
        calls: calls + 1,
        bytes: before + bytes as u64,
        // What another thread has allocated may be freed here.
        live: live.wrapping_add(bytes as u64).wrapping_sub(freed as u64),
    });
}

#[inline]
fn free(bytes: usize) {
    let allocated = ALLOCATED.get();
    let live = allocated.live.wrapping_sub(bytes as u64);
    ALLOCATED.set(Allocated { live, ..allocated });
}

// SAFETY: everything is the system allocator's own answer to the same request.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add(layout.size(), 0);
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        add(layout.size(), 0);
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        free(layout.size());
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        add(size, layout.size());
        unsafe { System.realloc(memory, layout, size) }
    }
}
