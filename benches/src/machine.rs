//! On what, and with what, was measured.

use std::{fs, process::Command, thread};

/// The processor and its cores.
pub fn processor() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = info.lines().find(|line| line.split(':').next().map(str::trim) == Some(name))?;
        line.split_once(':').map(|(_, value)| value.trim().to_owned())
    };
    let model = field("model name").unwrap_or_else(|| "unknown processor".into());
    let family = field("cpu family").zip(field("model"));
    let family = family
        .map_or(String::new(), |(family, model)| format!(" (family {family}, model {model})"));
    let cores = thread::available_parallelism().map_or(1, usize::from);
    format!("{model}{family}, {cores} cores, {}", std::env::consts::OS)
}

pub fn rustc() -> String {
    let output = Command::new("rustc").arg("--version").output();
    let version = output.ok().and_then(|output| String::from_utf8(output.stdout).ok());
    let version = version.as_deref().and_then(|version| version.split(' ').nth(1));
    version.map_or_else(|| "rustc".into(), |version| format!("rustc {version}"))
}

/// The locked version of each of these crates.
pub fn versions(names: &[&str]) -> Vec<String> {
    let lock = include_str!("../Cargo.lock");
    let version = |name: &str| {
        let package = lock
            .split("[[package]]")
            .find(|package| package.trim_start().starts_with(&format!("name = \"{name}\"\n")))?;
        package.split("version = \"").nth(1)?.split('"').next()
    };
    names
        .iter()
        .filter_map(|name| version(name).map(|version| format!("{name} {version}")))
        .collect()
}
