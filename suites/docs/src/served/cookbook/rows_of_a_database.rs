use std::sync::Arc;

use tokio::sync::watch;

use super::{Row, Table};
use crate::{client::Client, serve};

fn row(id: u64) -> Row {
    Row { id, text: format!("row {id}") }
}

#[tokio::test]
async fn nothing_is_lost_between_past_and_present() {
    let rows = Arc::new(watch::Sender::new(vec![row(3), row(7)]));
    let address = serve::router(super::app(Table(rows.clone()))).await;
    let mut client = Client::open(address, "/").await;
    assert_eq!(client.data().await, "row 3");
    assert_eq!(client.next().await.id, "7");
    let mut resumed = Client::resume(address, "/", 3).await;
    assert_eq!(resumed.data().await, "row 7");
    rows.send_modify(|rows| rows.push(row(8)));
    assert_eq!(client.data().await, "row 8");
    assert_eq!(resumed.data().await, "row 8");
}
