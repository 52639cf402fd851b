//! The data of the workloads' events, shared with the package `count`.

use std::sync::LazyLock;

use serde::Serialize;
use serde_json::{Value, json};

/// The number of different values of each kind: too many for the branch predictor to learn, few
/// enough for the cache, like the data that a service is about to send.
const VARIETY: usize = 256;

/// The small item: some thirty bytes of JSON.
#[derive(Clone, Copy, Serialize)]
pub struct Tick {
    pub count: u64,
    pub up: bool,
}

pub fn tick(index: usize) -> Tick {
    Tick { count: 1_000 + index as u64 * 7, up: index.is_multiple_of(3) }
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    Buy,
    Sell,
}

/// Eight fields, some of each kind.
#[derive(Clone, Serialize)]
pub struct Order {
    pub order: u64,
    pub symbol: String,
    pub side: Side,
    pub price: f64,
    pub quantity: i32,
    pub open: bool,
    pub note: Option<String>,
    pub tags: Vec<&'static str>,
}

pub fn order(index: usize) -> &'static Order {
    static ORDERS: LazyLock<Vec<Order>> = LazyLock::new(|| (0..VARIETY).map(new_order).collect());
    &ORDERS[index % VARIETY]
}

fn new_order(index: usize) -> Order {
    Order {
        order: 9_000_000_000 + index as u64 * 977,
        symbol: format!("SYM{index:03}"),
        side: if index.is_multiple_of(2) { Side::Buy } else { Side::Sell },
        price: (10_000 + index * 37) as f64 / 100.0,
        quantity: 25 * (index as i32 - 100),
        open: !index.is_multiple_of(3),
        note: index.is_multiple_of(4).then(|| format!("client said \"at market\", desk {index}")),
        tags: vec!["limit", "day", "retail"],
    }
}

/// Three fields that an [`Order`] does not have.
#[derive(Clone, Copy, Serialize)]
pub struct Extra {
    pub venue: &'static str,
    pub latency: u32,
    pub time: f64,
}

pub fn extra(index: usize) -> Extra {
    Extra { venue: venue(index), latency: latency(index), time: time(index) }
}

/// Three fields, of which an [`Order`] has one.
#[derive(Clone, Copy, Serialize)]
pub struct Override {
    pub venue: &'static str,
    pub price: f64,
    pub time: f64,
}

pub fn override_(index: usize) -> Override {
    Override { venue: venue(index), price: best_price(index), time: time(index) }
}

fn venue(index: usize) -> &'static str {
    ["XETR", "XNAS", "XLON"][index % 3]
}

fn latency(index: usize) -> u32 {
    (index % VARIETY) as u32 * 31
}

fn best_price(index: usize) -> f64 {
    (9_900 + index % VARIETY * 41) as f64 / 100.0
}

fn time(index: usize) -> f64 {
    1_764_000_000.0 + (index % VARIETY) as f64 * 0.125
}

/// All fields in one struct by hand: the floor of a merge.
macro_rules! flat {
    ($name:ident($order:ident, $other:ident: $type:ty):
     price: $price:expr $(, $latency:ident: $latency_type:ty = $latency_value:expr)?) => {
        #[derive(Serialize)]
        pub struct $name<'a> {
            order: u64,
            symbol: &'a str,
            side: Side,
            price: f64,
            quantity: i32,
            open: bool,
            note: &'a Option<String>,
            tags: &'a [&'static str],
            venue: &'a str,
            $($latency: $latency_type,)?
            time: f64,
        }

        impl<'a> $name<'a> {
            pub fn new($order: &'a Order, $other: &'a $type) -> Self {
                Self {
                    order: $order.order,
                    symbol: &$order.symbol,
                    side: $order.side,
                    price: $price,
                    quantity: $order.quantity,
                    open: $order.open,
                    note: &$order.note,
                    tags: &$order.tags,
                    venue: $other.venue,
                    $($latency: $latency_value,)?
                    time: $other.time,
                }
            }
        }
    };
}

flat!(Flat(order, extra: Extra): price: order.price, latency: u32 = extra.latency);
flat!(FlatOverride(order, extra: Override): price: extra.price);

/// The [`Order`] as a `Value`.
pub fn order_value(index: usize) -> &'static Value {
    static ORDERS: LazyLock<Vec<Value>> =
        LazyLock::new(|| (0..VARIETY).map(|index| json!(new_order(index))).collect());
    &ORDERS[index % VARIETY]
}

/// The [`Extra`] as a `Value`.
pub fn extra_value(index: usize) -> &'static Value {
    static EXTRAS: LazyLock<Vec<Value>> =
        LazyLock::new(|| (0..VARIETY).map(|index| json!(extra(index))).collect());
    &EXTRAS[index % VARIETY]
}

/// The [`Override`] as a `Value`.
pub fn override_value(index: usize) -> &'static Value {
    static OVERRIDES: LazyLock<Vec<Value>> =
        LazyLock::new(|| (0..VARIETY).map(|index| json!(override_(index))).collect());
    &OVERRIDES[index % VARIETY]
}

/// One step of a language model's answer, in the shape that OpenAI's API gave the world.
#[derive(Clone, Serialize)]
pub struct Delta {
    pub id: &'static str,
    pub object: &'static str,
    pub created: u64,
    pub model: &'static str,
    pub choices: [Choice; 1],
}

#[derive(Clone, Serialize)]
pub struct Choice {
    pub index: u32,
    pub delta: Content,
    pub finish_reason: Option<&'static str>,
}

#[derive(Clone, Serialize)]
pub struct Content {
    pub content: &'static str,
}

pub fn delta(index: usize) -> &'static Delta {
    static DELTAS: LazyLock<Vec<Delta>> = LazyLock::new(|| (0..VARIETY).map(new_delta).collect());
    &DELTAS[index % VARIETY]
}

fn new_delta(index: usize) -> Delta {
    let tokens = [" the", " stream", "ing", " of", " \"events", "\"", ".\n", " Grüße"];
    Delta {
        id: "chatcmpl-B9MHDbslfkBeAs8l4bebGdF",
        object: "chat.completion.chunk",
        created: 1_764_000_000 + index as u64,
        model: "gpt-4o-mini",
        choices: [Choice {
            index: 0,
            delta: Content { content: tokens[index % tokens.len()] },
            finish_reason: None,
        }],
    }
}

/// The [`Delta`] as it comes from the model's server: a line of JSON.
pub fn delta_text(index: usize) -> &'static str {
    static TEXTS: LazyLock<Vec<String>> =
        LazyLock::new(|| (0..VARIETY).map(|index| json_text(&new_delta(index))).collect());
    &TEXTS[index % VARIETY]
}

fn json_text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("the item can be serialized")
}

/// 16 KiB of text in lines of 80 columns, the end of line included.
pub fn lines() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        let line =
            "It was a bright cold day in April, and the clocks were striking thirteen, said\n";
        let mut text = line.repeat(16 * 1024 / line.len());
        text.pop();
        text
    });
    &TEXT
}

/// A third of the [`lines`]: a chunk of more than a page.
pub fn page() -> &'static str {
    &lines()[..lines().len() / 3]
}

/// 1 MiB of text without an end of line.
pub fn long_line() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        let mut text =
            "<tr><td>42</td><td>A cell of a table</td></tr>".repeat(1024 * 1024 / 46 + 1);
        text.truncate(1024 * 1024);
        text
    });
    &TEXT
}

/// 4 KiB of text in short lines that end with CR, LF and CRLF in turn.
pub fn mixed_ends() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        let mut text = String::new();
        let mut index = 0;
        while text.len() < 4096 {
            text.push_str(&"abcdefghijklmno"[..index * 7 % 15]);
            text.push_str(["\r", "\n", "\r\n"][index % 3]);
            // So that no end meets the next one and becomes another.
            text.push('.');
            index += 1;
        }
        text
    });
    &TEXT
}
