//! The file to which a server appends each command. It is a directory since Redis 7.

use std::{fs, path::Path};

const NAMES: [&str; 2] = ["appendonlydir", "appendonly.aof"];

/// Copies it into another directory.
///
/// # Panics
///
/// A file cannot be read or written.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for name in NAMES {
        let (from, to) = (from.join(name), to.join(name));
        if from.is_dir() {
            fs::create_dir_all(&to).unwrap();
            for file in fs::read_dir(&from).unwrap() {
                let file = file.unwrap();
                fs::copy(file.path(), to.join(file.file_name())).unwrap();
            }
        } else if from.exists() {
            fs::copy(from, to).unwrap();
        }
    }
}

pub fn remove(directory: &Path) {
    for name in NAMES {
        let now = directory.join(name);
        let _ = fs::remove_dir_all(&now);
        let _ = fs::remove_file(&now);
    }
}

/// Cuts off the newest bytes.
///
/// # Panics
///
/// The file cannot be cut.
pub fn cut(directory: &Path, bytes: u64) {
    let parts = fs::read_dir(directory.join(NAMES[0])).into_iter().flatten();
    let parts = parts.map(|part| part.unwrap().path());
    // The numbers of the parts have one digit here.
    let newest = parts.filter(|part| part.to_string_lossy().contains(".incr.")).max();
    let path = newest.unwrap_or_else(|| directory.join(NAMES[1]));
    let file = fs::OpenOptions::new().write(true).open(path).unwrap();
    let len = file.metadata().unwrap().len();
    file.set_len(len.saturating_sub(bytes)).unwrap();
}
