//! Waiting: the waiters of each topic, and how they are woken. It knows no log.

mod count;
mod list;
mod lists;
#[cfg(all(loom, test))]
mod loom;
mod signal;
mod wake;

#[cfg(feature = "disk")]
pub(crate) use self::wake::wake_one;
pub(crate) use self::{
    count::{SubscriberCount, Sum},
    list::{Reach, Report, WaitList, WaiterId},
    lists::WaitLists,
    signal::Signal,
    wake::{wake_all, wake_each_once},
};
