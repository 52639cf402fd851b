//! Files in memory, which fail on request, and lose unsynced bytes.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex},
};

use super::files::Files;

/// A part that is written whole or not at all.
const SECTOR: usize = 512;

/// A disk. A clone is the same one, as it is after the process ended.
#[derive(Clone, Default)]
pub(crate) struct Disk(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    files: Vec<File>,
    names: BTreeMap<String, usize>,
    /// The names at the last sync of the folder, and what was done to them since.
    synced_names: BTreeMap<String, usize>,
    unsynced: Vec<Change>,
    operations: usize,
    fault: Option<(usize, Fault)>,
    capacity: Option<usize>,
}

#[derive(Default)]
struct File {
    bytes: Vec<u8>,
    synced: Vec<u8>,
    /// The bytes that the system takes to be on the disk: after a failed sync, more than are there.
    clean: Vec<u8>,
}

impl File {
    /// Writes the sectors that the system knows to have changed, if the disk does.
    fn write_back(&mut self, mut does: impl FnMut() -> bool) {
        for at in (0..self.synced.len()).step_by(SECTOR) {
            let sector = at..(at + SECTOR).min(self.synced.len());
            let new = self.bytes.get(sector.clone());
            if let Some(new) = new
                && self.clean.get(sector.clone()) != Some(new)
                && does()
            {
                self.synced[sector].copy_from_slice(new);
            }
        }
    }
}

enum Change {
    Name(String, usize),
    Rename(String, String, usize),
    Remove(String),
}

/// The outcome of an operation that is told to fail.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fault {
    /// It does nothing, and fails.
    Fail,
    /// A write does its first half, and fails.
    Short,
    /// It is done, but for a write's last byte, and fails all the same.
    Late,
}

impl Disk {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// How many operations there have been that change something.
    pub(crate) fn operations(&self) -> usize {
        self.state().operations
    }

    /// The operation with this number, counted from 0, has this fault.
    pub(crate) fn fail(&self, operation: usize, fault: Fault) {
        self.state().fault = Some((operation, fault));
    }

    /// How many bytes the files may take together.
    pub(crate) fn set_capacity(&self, bytes: Option<usize>) {
        self.state().capacity = bytes;
    }

    /// The bytes of all files together.
    pub(crate) fn size(&self) -> usize {
        self.state().size()
    }

    /// The names of the files.
    pub(crate) fn names(&self) -> Vec<String> {
        self.state().names.keys().cloned().collect()
    }

    pub(crate) fn get(&self, name: &str) -> Vec<u8> {
        let state = self.state();
        state.files[state.names[name]].bytes.clone()
    }

    /// Makes a file, synced.
    pub(crate) fn put(&self, name: &str, bytes: Vec<u8>) {
        let mut state = self.state();
        let number = state.files.len();
        state.files.push(File { synced: bytes.clone(), clean: bytes.clone(), bytes });
        state.names.insert(name.into(), number);
        state.synced_names.insert(name.into(), number);
    }

    pub(crate) fn remove_now(&self, name: &str) {
        let mut state = self.state();
        state.names.remove(name);
        state.synced_names.remove(name);
    }

    /// A copy of it as it is now.
    pub(crate) fn snapshot(&self) -> Self {
        let copy = Self::default();
        self.names().iter().for_each(|name| copy.put(name, self.get(name)));
        copy
    }

    /// The power fails: of the bytes that are not synced, those parts survive for which `survives`
    /// says so.
    pub(crate) fn power_failure(&self, mut survives: impl FnMut() -> bool) {
        let mut state = self.state();
        let state = &mut *state;
        state.fault = None;
        let mut names = state.synced_names.clone();
        for change in state.unsynced.drain(..) {
            if !survives() {
                continue;
            }
            match change {
                Change::Name(name, file) => _ = names.insert(name, file),
                Change::Rename(from, to, file) => {
                    // The old name may be another file's by now.
                    names.retain(|name, other| *name != from || *other != file);
                    names.insert(to, file);
                }
                Change::Remove(name) => _ = names.remove(&name),
            }
        }
        (state.names, state.synced_names) = (names.clone(), names);
        for file in &mut state.files {
            let len = if survives() { file.bytes.len() } else { file.synced.len() };
            file.synced.resize(len, 0);
            file.write_back(&mut survives);
            (file.bytes, file.clean) = (file.synced.clone(), file.synced.clone());
        }
    }
}

impl State {
    /// Begins an operation that changes something: whether it is done, and what it answers.
    fn begin(&mut self) -> Option<Fault> {
        let operation = self.operations;
        self.operations += 1;
        self.fault.filter(|(at, _)| *at == operation).map(|(_, fault)| fault)
    }

    fn size(&self) -> usize {
        self.names.values().map(|file| self.files[*file].bytes.len()).sum()
    }

    fn file(&mut self, name: &str) -> io::Result<&mut File> {
        let file = *self.names.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(&mut self.files[file])
    }
}

fn failed() -> io::Error {
    io::Error::other("as asked")
}

/// Does it, unless it fails before.
fn unless(fault: Option<Fault>, act: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    match fault {
        None => act(),
        Some(Fault::Late) => act().and(Err(failed())),
        Some(_) => Err(failed()),
    }
}

impl Files for Disk {
    fn list(&mut self) -> io::Result<Vec<String>> {
        Ok(self.names())
    }

    fn read(&mut self, name: &str, most: usize) -> io::Result<Vec<u8>> {
        let mut state = self.state();
        let bytes = &state.file(name)?.bytes;
        Ok(bytes[..bytes.len().min(most)].to_vec())
    }

    fn create(&mut self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        let fault = state.begin();
        unless(fault, || {
            let file = state.files.len();
            state.files.push(File::default());
            state.names.insert(name.into(), file);
            state.unsynced.push(Change::Name(name.into(), file));
            Ok(())
        })
    }

    fn write(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        let fault = state.begin();
        let used = state.size();
        let room = state.capacity.map_or(usize::MAX, |capacity| capacity.saturating_sub(used));
        let file = state.file(name)?;
        let offset = offset as usize;
        let added = (offset + bytes.len()).saturating_sub(file.bytes.len());
        let is_full = added > room;
        let len = match fault {
            Some(Fault::Fail) => 0,
            Some(Fault::Short) => bytes.len() / 2,
            Some(Fault::Late) => bytes.len() - 1,
            _ if is_full => bytes.len() - (added - room),
            _ => bytes.len(),
        };
        let end = file.bytes.len().max(offset + len);
        file.bytes.resize(end, 0);
        file.bytes[offset..offset + len].copy_from_slice(&bytes[..len]);
        if is_full {
            return Err(io::ErrorKind::StorageFull.into());
        }
        if fault.is_some() { Err(failed()) } else { Ok(()) }
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        let fault = state.begin();
        let file = state.file(name)?;
        if fault.is_none_or(|fault| fault == Fault::Late) {
            file.synced.resize(file.bytes.len(), 0);
            file.write_back(|| true);
        }
        file.clean = file.bytes.clone();
        if fault.is_some() { Err(failed()) } else { Ok(()) }
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        let fault = state.begin();
        unless(fault, || {
            let file = state.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
            state.names.insert(to.into(), file);
            state.unsynced.push(Change::Rename(from.into(), to.into(), file));
            Ok(())
        })
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        let fault = state.begin();
        unless(fault, || {
            state.names.remove(name).ok_or(io::ErrorKind::NotFound)?;
            state.unsynced.push(Change::Remove(name.into()));
            Ok(())
        })
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        let mut state = self.state();
        let fault = state.begin();
        unless(fault, || {
            state.synced_names = state.names.clone();
            state.unsynced.clear();
            Ok(())
        })
    }
}
