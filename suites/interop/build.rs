//! Takes the first program of README.md, with shorter times and an address from the environment,
//! for `src/bin/first-program.rs`.

use std::{env, error::Error, fs, path::Path};

const CHANGES: [(&str, &str); 3] = [
    // The connection is kept alive several times between two ticks.
    ("throttle(Duration::from_secs(1))", "throttle(Duration::from_millis(100))"),
    ("keep_alive(Duration::from_secs(15))", "keep_alive(Duration::from_millis(20))"),
    (r#""127.0.0.1:3000""#, r#"std::env::var("ADDR").expect("an address")"#),
];

fn main() -> Result<(), Box<dyn Error>> {
    let readme = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../../README.md");
    println!("cargo::rerun-if-changed={}", readme.display());
    let text = fs::read_to_string(readme)?;
    let (_, block) = text.split_once("```rust").ok_or("no program in README.md")?;
    let (program, _) = block.split_once("```").ok_or("a program without an end")?;
    let (_, program) = program.split_once('\n').ok_or("an empty program")?;
    let mut program = program.to_owned();
    for (from, to) in CHANGES {
        if program.matches(from).count() != 1 {
            return Err(format!("the first program of README.md has not one `{from}`").into());
        }
        program = program.replace(from, to);
    }
    fs::write(Path::new(&env::var("OUT_DIR")?).join("first-program.rs"), program)?;
    Ok(())
}
