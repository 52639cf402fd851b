//! The files of a log, behind a small trait: a test or a simulation can fail, shorten and lose
//! operations.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use fs4::{FileExt, TryLockError};

use crate::error::Error;

/// The name of the file that is locked while a hub has the folder.
const LOCK: &str = "lock";

/// A flat folder of files.
///
/// Only what is [synced](Self::sync) survives a power failure: a file's bytes by its own sync, its
/// name by that of the folder. Until then any part of it may survive, in any mix.
pub(crate) trait Files: Send + 'static {
    /// The names of all files.
    fn list(&mut self) -> io::Result<Vec<String>>;

    /// The first bytes of a file, at most so many.
    fn read(&mut self, name: &str, most: usize) -> io::Result<Vec<u8>>;

    /// Creates an empty file, or empties the one with this name.
    fn create(&mut self, name: &str) -> io::Result<()>;

    /// Writes all of these bytes. After an error any part of them may be written.
    fn write(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Forces a file's bytes to the disk. After an error it is unknown which of them are there.
    fn sync(&mut self, name: &str) -> io::Result<()>;

    /// Renames a file, and replaces one with the new name.
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;

    fn remove(&mut self, name: &str) -> io::Result<()>;

    /// Forces the names of the files to the disk.
    fn sync_folder(&mut self) -> io::Result<()>;
}

/// A folder of the file system, which no other process uses.
pub(super) struct Folder {
    path: PathBuf,
    /// The file that was written last.
    open: Option<(String, File)>,
    /// Locked until it is dropped, or the process ends in whatever way.
    lock: File,
}

impl Drop for Folder {
    /// Closing the file may come too late: until it runs its program, a process that another thread
    /// is starting has the file as well, and keeps it locked.
    fn drop(&mut self) {
        // If it fails, closing is left.
        let _ = FileExt::unlock(&self.lock);
    }
}

impl Folder {
    /// Opens the folder, created if needed, and locks it.
    ///
    /// # Errors
    ///
    /// Another hub has locked it, or the file system refuses.
    pub(super) fn lock(path: &Path) -> Result<Self, Error> {
        let failed = |error| Error::io("the folder cannot be opened", error);
        create_folder(path).map_err(failed)?;
        let mut options = OpenOptions::new();
        let lock = options.read(true).write(true).create(true).truncate(false);
        let lock = lock.open(path.join(LOCK)).map_err(failed)?;
        match FileExt::try_lock(&lock) {
            Ok(()) => Ok(Self { path: path.to_owned(), open: None, lock }),
            Err(TryLockError::WouldBlock) => Err(Error::in_use()),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// The file, open for writing.
    fn file(&mut self, name: &str) -> io::Result<&mut File> {
        if self.open.as_ref().is_none_or(|(open, _)| open != name) {
            let file = OpenOptions::new().write(true).open(self.path.join(name))?;
            self.open = Some((name.to_owned(), file));
        }
        self.open.as_mut().map(|(_, file)| file).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Files for Folder {
    fn list(&mut self) -> io::Result<Vec<String>> {
        let names = fs::read_dir(&self.path)?.map(|entry| Ok(entry?.file_name()));
        // Another program's file may have any name.
        names.filter_map(|name| name.map(|name| name.into_string().ok()).transpose()).collect()
    }

    fn read(&mut self, name: &str, most: usize) -> io::Result<Vec<u8>> {
        let file = File::open(self.path.join(name))?;
        let len = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX).min(most);
        let mut bytes = Vec::with_capacity(len);
        file.take(len as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn create(&mut self, name: &str) -> io::Result<()> {
        let file = File::create(self.path.join(name))?;
        self.open = Some((name.to_owned(), file));
        Ok(())
    }

    fn write(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let file = self.file(name)?;
        file.seek(SeekFrom::Start(offset))?;
        file.write_all(bytes)
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        self.file(name)?.sync_data()
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.open = None;
        fs::rename(self.path.join(from), self.path.join(to))
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.open.take_if(|(open, _)| open == name);
        fs::remove_file(self.path.join(name))
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        sync_folder(&self.path)
    }
}

/// Creates the folder, and those above it, if there is none; a power failure does not take them
/// back.
fn create_folder(path: &Path) -> io::Result<()> {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    let parent = path.parent().unwrap_or(Path::new(""));
    create_folder(parent)?;
    fs::create_dir_all(path)?;
    sync_folder(parent)
}

/// Only Unix can open a folder as a file; elsewhere it is left to the file system.
fn sync_folder(path: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    File::open(path)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::fake::Disk;

    #[test]
    fn a_folder_is_free_as_soon_as_it_is_dropped_whoever_has_its_files() {
        let path = std::env::temp_dir().join(format!("sse-hub-lock-{}", std::process::id()));
        let folder = Folder::lock(&path).unwrap();
        // As a process has it between its start and that of its program.
        let copy = folder.lock.try_clone().unwrap();
        assert!(Folder::lock(&path).err().unwrap().is_in_use());
        drop(folder);
        assert!(Folder::lock(&path).is_ok());
        drop(copy);
        fs::remove_dir_all(path).unwrap();
    }

    /// The names and the contents after each of some operations.
    fn contents<F: Files>(mut files: F) -> Vec<Vec<(String, Vec<u8>)>> {
        type Operation<F> = fn(&mut F) -> io::Result<()>;
        let operations: [Operation<F>; 11] = [
            |files| files.create("a"),
            |files| files.write("a", 0, b"some bytes"),
            |files| files.write("a", 5, b"more bytes"),
            |files| files.sync("a"),
            |files| files.create("b"),
            |files| files.write("a", 1, b"0"),
            |files| files.rename("b", "a"),
            |files| files.write("a", 2, b"x"),
            |files| files.remove("a"),
            // It is no longer there.
            |files| files.write("a", 0, b"x").map_or(Ok(()), |()| Err(io::ErrorKind::Other.into())),
            |files| files.create("a"),
        ];
        let after = operations.iter().map(|operation| {
            operation(&mut files).unwrap();
            files.sync_folder().unwrap();
            let mut names = files.list().unwrap();
            names.retain(|name| name != LOCK);
            names.sort();
            names
                .into_iter()
                .map(|name| {
                    let most = if name == "a" { 7 } else { usize::MAX };
                    let bytes = files.read(&name, most).unwrap();
                    (name, bytes)
                })
                .collect()
        });
        after.collect()
    }

    #[test]
    fn a_folder_behaves_like_the_files_in_memory() {
        let path = std::env::temp_dir().join(format!("sse-hub-files-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        let in_folder = contents(Folder::lock(&path).unwrap());
        fs::remove_dir_all(&path).unwrap();
        assert_eq!(in_folder, contents(Disk::default()));
    }
}
