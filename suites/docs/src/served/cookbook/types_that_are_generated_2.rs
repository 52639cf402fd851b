use super::{Trade, event};

#[test]
fn no_digit_is_lost() {
    let mut stream = bytes::BytesMut::new();
    let event = event(&Trade { id: u64::MAX, cents: 1250 });
    sse_encoder::Encoder::new().encode(&event, &mut stream).unwrap();
    let id = u64::MAX;
    let data = format!(r#"{{"id":"{id}","cents":1250}}"#);
    assert_eq!(stream, format!("id: {id}\nevent: trade\ndata: {data}\n\n"));
}
