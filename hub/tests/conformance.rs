//! One suite for every log: in memory and on disk. `suites/redis` runs it on Redis.

#[path = "conformance/rules.rs"]
mod rules;
mod support;

use futures_executor::block_on;
use rules::{Log, each_rule};
use sse_hub::{Hub, HubBuilder};

struct Memory(Hub);

impl Memory {
    fn new(builder: HubBuilder) -> Self {
        Self(builder.build())
    }
}

impl Log for Memory {
    const ASCENDS: bool = false;

    fn hub(&self) -> &Hub {
        &self.0
    }

    async fn settle(&self, _: u64) {}

    async fn restart(self) -> Option<Self> {
        None
    }
}

#[cfg(feature = "disk")]
struct Disk {
    hub: Hub,
    builder: HubBuilder,
    folder: support::folder::Folder,
}

#[cfg(feature = "disk")]
impl Disk {
    fn new(builder: HubBuilder) -> Self {
        Self::open(builder, support::folder::Folder::new())
    }

    fn open(builder: HubBuilder, folder: support::folder::Folder) -> Self {
        let hub = builder.clone().disk(folder.path()).unwrap();
        Self { hub, builder, folder }
    }
}

#[cfg(feature = "disk")]
impl Log for Disk {
    const ASCENDS: bool = true;

    fn hub(&self) -> &Hub {
        &self.hub
    }

    async fn settle(&self, _: u64) {}

    async fn restart(self) -> Option<Self> {
        let Self { hub, builder, folder } = self;
        drop(hub);
        Some(Self::open(builder, folder))
    }
}

macro_rules! tests {
    ($($rule:ident: $builder:ident;)*) => {
        mod memory {
            $(
                #[test]
                fn $rule() {
                    let log = super::Memory::new(super::rules::$builder());
                    super::block_on(super::rules::$rule(log));
                }
            )*
        }

        #[cfg(feature = "disk")]
        mod disk {
            $(
                #[test]
                fn $rule() {
                    let log = super::Disk::new(super::rules::$builder());
                    super::block_on(super::rules::$rule(log));
                }
            )*
        }
    };
}

each_rule!(tests);
