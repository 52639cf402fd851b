//! An allocator that counts, each thread for itself. It is the allocator of a whole program:
//!
//! ```
//! #[global_allocator]
//! static ALLOCATOR: Counting = Counting;
//! ```
// A module of tests, and a public one of the benchmarks.
#![allow(unreachable_pub)]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

/// The system's allocator. It counts calls, each `realloc` being one, and the bytes requested.
#[derive(Debug)]
pub struct Counting;

/// The allocations of one thread so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allocated {
    pub calls: u64,
    /// Requested in total; by a `realloc`, its new size.
    pub bytes: u64,
    /// Requested and not freed; negative if the thread frees what others allocate.
    pub live: i64,
}

thread_local! {
    // Without lazy initialisation or a destructor, so that counting costs a few additions.
    static ALLOCATED: Cell<Allocated> =
        const { Cell::new(Allocated { calls: 0, bytes: 0, live: 0 }) };
}

/// The allocations of this thread so far.
pub fn count() -> Allocated {
    ALLOCATED.get()
}

#[inline]
fn add(bytes: usize, freed: usize) {
    let Allocated { calls, bytes: before, live } = ALLOCATED.get();
    ALLOCATED.set(Allocated {
        calls: calls + 1,
        bytes: before + bytes as u64,
        live: live + bytes as i64 - freed as i64,
    });
}

#[inline]
fn free(bytes: usize) {
    let allocated = ALLOCATED.get();
    ALLOCATED.set(Allocated { live: allocated.live - bytes as i64, ..allocated });
}

// SAFETY: every answer is the system allocator's own, to the same request.
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
