//! The suite of every log, on Redis: the rules in memory and on disk hold there, too.

#[path = "../../../hub/tests/conformance/rules.rs"]
mod rules;

use rules::{Log, each_rule};
use sse_hub::{Hub, HubBuilder};
use test_redis::{Node, Server, until};

struct Redis {
    node: Node,
    builder: HubBuilder,
    server: Server,
}

impl Redis {
    /// `None` where there is no server to be started.
    async fn new(builder: HubBuilder) -> Option<Self> {
        let server = Server::start(&[])?;
        let node = Node::live(builder.clone(), &server.url()).await;
        Some(Self { node, builder, server })
    }
}

impl Log for Redis {
    const ASCENDS: bool = true;

    fn hub(&self) -> &Hub {
        &self.node.hub
    }

    async fn knows_its_beginning(&self) -> bool {
        self.server.counts_entries().await
    }

    async fn settle(&self, published: u64) {
        until("the events are here", || self.hub().stats().published >= published).await;
    }

    async fn restart(self) -> Option<Self> {
        let Self { node, builder, server } = self;
        drop(node);
        let node = Node::live(builder.clone(), &server.url()).await;
        Some(Self { node, builder, server })
    }
}

macro_rules! tests {
    ($($rule:ident: $builder:ident;)*) => {$(
        #[tokio::test]
        async fn $rule() {
            if let Some(log) = Redis::new(rules::$builder()).await {
                rules::$rule(log).await;
            }
        }
    )*};
}

each_rule!(tests);
