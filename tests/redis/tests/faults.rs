//! Each fault twice: what is acknowledged is received, or a gap says so.

use test_redis::faults::{self, Row};

fn check(row: Option<Row>) {
    if let Some(row) = row {
        println!("{row}");
        row.check();
    }
}

macro_rules! faults {
    ($($fault:ident $times:literal)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $fault() {
            check(faults::$fault($times).await);
        }
    )*};
}

faults! {
    killed_without_aof 2
    killed_with_aof_every_second 2
    killed_with_aof_always 2
    frozen 1
    cut 3
    delayed 1
    flushed 2
    trimmed 1
    restored 2
    failed_over 2
    out_of_memory 2
    moved_in_a_cluster 3
    handed_over_in_a_cluster 2
    killed_in_a_cluster 2
}
