//! How long the cookbook's programs are, beside the same with the framework's own events.

use std::{fmt::Write, fs, path::Path};

/// Lines of code: neither blank nor a comment.
fn lines(code: &str) -> usize {
    let code = code.lines().map(str::trim);
    code.filter(|line| !line.is_empty() && !line.starts_with("//")).count()
}

#[test]
fn each_program_is_as_short_as_the_frameworks_own_and_the_table_says_so() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let cookbook = fs::read_to_string(project.join("../../docs/cookbook.md")).unwrap();
    let mut table =
        String::from("| program | sse-encoder | the framework's own |\n|---|--:|--:|\n");
    for entry in cookbook.split("\n# ").skip(1) {
        let (heading, text) = entry.split_once('\n').unwrap();
        let Some((_, block)) = text.split_once("```rust\n") else { continue };
        let ours = lines(block.split("```").next().unwrap());
        let file = heading.replace(|char: char| !char.is_alphanumeric(), " ").to_lowercase();
        let file = file.split_whitespace().collect::<Vec<_>>().join("_") + ".rs";
        let own = fs::read_to_string(project.join("src/own").join(file)).ok();
        let own = own.map(|own| lines(&own));
        assert!(own.is_none_or(|own| ours <= own), "{heading}: {ours} lines, {own:?} of its own");
        let anchor = heading
            .to_lowercase()
            .replace(' ', "-")
            .replace(|char: char| !char.is_alphanumeric() && char != '-', "");
        let own = own.map_or("–".to_owned(), |own| own.to_string());
        writeln!(table, "| [{heading}](#{anchor}) | {ours} | {own} |").unwrap();
    }
    assert!(cookbook.contains(&table), "the table in docs/cookbook.md is to be\n{table}");
}
