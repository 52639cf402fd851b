//! Waiting: the waiters of each topic, and how they are woken. It knows no log.

mod count;
mod list;
mod lists;
#[cfg(all(loom, test))]
mod loom;
mod signal;
mod wake;

#[cfg(any(feature = "disk", feature = "redis"))]
pub(crate) use self::signal::Signal;
pub(crate) use self::{
    count::{SubscriberCount, Sum},
    list::{Report, WaitList, WaiterId},
    lists::WaitLists,
    wake::{wake_all, wake_each_once},
};
