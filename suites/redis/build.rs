//! Takes the cookbook's program for presence, for a test that runs it on Redis, with shorter times
//! and without its handler.

use std::{
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
};

fn main() -> Result<(), Box<dyn Error>> {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or("not run by cargo")?);
    let cookbook = here.join("../../docs/cookbook.md");
    println!("cargo::rerun-if-changed={}", cookbook.display());
    let text = fs::read_to_string(cookbook)?;
    let (_, text) = text.split_once("\n# Presence\n").ok_or("no program for presence")?;
    let (_, text) = text.split_once("```rust\n").ok_or("no code")?;
    let (_, text) = text.split_once("use sse_encoder::").ok_or("no imports")?;
    let (text, _) = text.split_once("\n// A real service").ok_or("no handler")?;
    let mut program = format!("use sse_encoder::{text}");
    for (from, to) in [
        ("EXPIRY: Duration = Duration::from_secs(60)", "EXPIRY: Duration = Duration::from_secs(3)"),
        // For the test.
        ("\nconst ", "\npub(crate) const "),
        ("\nfn builder", "\npub(crate) fn builder"),
        ("\nasync fn announce", "\npub(crate) async fn announce"),
        (
            "RENEWAL: Duration = Duration::from_secs(20)",
            "RENEWAL: Duration = Duration::from_secs(1)",
        ),
    ] {
        if !program.contains(from) {
            return Err(format!("the program lacks `{from}`").into());
        }
        program = program.replace(from, to);
    }
    let out = env::var_os("OUT_DIR").ok_or("not run by cargo")?;
    fs::write(Path::new(&out).join("presence.rs"), program)?;
    Ok(())
}
