//! The hub on a platform without a clock.

use std::process::Command;

use super::target_dir;

/// Checks the hub as if it were compiled for this target, whose standard library may not be
/// installed. The error is the compiler's messages.
fn check_for(target: &str) -> Result<(), String> {
    let printed = Command::new("rustc").args(["--print", "cfg", "--target", target]).output();
    let printed = String::from_utf8(printed.unwrap().stdout).unwrap();
    let is_platform =
        |line: &&str| ["target_family=", "target_os="].iter().any(|name| line.starts_with(name));
    let flags = printed.lines().filter(is_platform).flat_map(|line| ["--cfg", line]);
    let output = Command::new(env!("CARGO"))
        .args(["rustc", "--locked", "--package", "sse-hub", "--lib", "--profile", "check", "--"])
        .args(["--allow", "explicit_builtin_cfgs_in_flags"])
        .args(flags)
        .env("CARGO_TARGET_DIR", target_dir())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    if output.status.success() { Ok(()) } else { Err(String::from_utf8(output.stderr).unwrap()) }
}

#[test]
fn the_hub_does_not_compile_for_a_platform_without_a_clock_and_says_why() {
    let messages = check_for("wasm32-unknown-unknown").unwrap_err();
    assert!(messages.contains("sse-hub needs a clock"), "{messages}");
    // WASI has one.
    assert_eq!(check_for("wasm32-wasip1"), Ok(()));
}
