//! What the compiler says of a newcomer's errors: each program in `cases` begins with the words
//! that the message must have, which name the remedy.
#![cfg(test)]

mod first_tries;
mod named;
mod platform;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// Where the compiler's results go.
fn target_dir() -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target = std::env::var_os("CARGO_TARGET_DIR");
    target.map_or(workspace.join("target"), PathBuf::from).join("compiler")
}

/// The messages for each program, as the compiler prints them.
fn messages(cases: &Path) -> BTreeMap<String, String> {
    let output = Command::new(env!("CARGO"))
        .args(["check", "--locked", "--keep-going", "--message-format", "json"])
        .env("CARGO_TARGET_DIR", target_dir())
        .current_dir(cases)
        .output()
        .unwrap();
    let mut messages = BTreeMap::<String, String>::new();
    for line in output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let line: Value = serde_json::from_slice(line).unwrap();
        if line["reason"] == "compiler-message" && line["message"]["level"] == "error" {
            let name = line["target"]["name"].as_str().unwrap().to_owned();
            *messages.entry(name).or_default() += line["message"]["rendered"].as_str().unwrap();
        }
    }
    assert!(!messages.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    messages
}

#[test]
fn each_error_of_a_newcomer_names_its_remedy() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let messages = messages(&cases);
    let mut count = 0;
    for program in fs::read_dir(cases.join("src/bin")).unwrap() {
        let path = program.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let remedy = text.lines().next().and_then(|line| line.strip_prefix("//! ")).unwrap();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let message = messages.get(name).unwrap_or_else(|| panic!("{name} compiles"));
        assert!(message.contains(remedy), "{name}: no {remedy:?} in\n{message}");
        count += 1;
    }
    assert_eq!(count, messages.len());
}
