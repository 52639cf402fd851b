//! The one place that names locks and atomics: a model checker replaces them here.

#[cfg(not(any(loom, shuttle)))]
use std::sync;
use std::sync::PoisonError;

#[cfg(loom)]
use loom::sync;
#[cfg(shuttle)]
use shuttle::sync;

#[cfg(feature = "disk")]
pub(crate) use self::sync::Condvar;
pub(crate) use self::sync::{
    Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard,
    atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
};

// No user code runs while one of these locks is held, so nothing panics there. Should it do so all
// the same, each change is complete by itself: one panic must not spread to all subscribers.

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
