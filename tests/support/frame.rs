use bytes::BytesMut;
use sse_encoder::{Encode, Encoder, Error};

/// One item, encoded by a new encoder.
pub fn encode(item: &dyn Encode) -> Result<String, Error> {
    let mut dst = BytesMut::new();
    Encoder::new().encode(item, &mut dst)?;
    Ok(String::from_utf8(dst.to_vec()).unwrap())
}

/// The value of a frame's first field of this name.
pub fn field<'a>(frame: &'a str, name: &str) -> Option<&'a str> {
    frame.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}
