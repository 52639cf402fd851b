use super::typescript;
use crate::TYPESCRIPT;

#[test]
fn a_large_integer_is_the_number_that_json_parse_gives() {
    assert!(typescript().contains("cents: number"), "{}", typescript());
}

#[test]
fn the_page_shows_the_type_that_is_generated() {
    assert!(TYPESCRIPT.contains(&format!("```ts\n{}```", typescript())), "{}", typescript());
}
