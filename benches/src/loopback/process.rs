//! The server's side of a run, in a process of its own.

use std::{
    env,
    ffi::OsStr,
    io::{self, BufRead, BufReader, Write},
    net::SocketAddr,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

/// This program as a server, which ends with its standard input. To each line there it answers with
/// a line of numbers; the first that it says is its port.
pub struct Process {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Process {
    /// Starts `serve` with these words, and says where it listens.
    pub fn start(words: impl IntoIterator<Item: AsRef<OsStr>>) -> io::Result<(Self, SocketAddr)> {
        let mut child = Command::new(env::current_exe()?)
            .arg("serve")
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take();
        let output = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut process = Self { child, input, output: BufReader::new(output) };
        let [port] = process.numbers()?;
        let port = u16::try_from(port).map_err(io::Error::other)?;
        Ok((process, SocketAddr::from(([127, 0, 0, 1], port))))
    }

    pub fn tell<const N: usize>(&mut self, word: &str) -> io::Result<[u64; N]> {
        let input = self.input.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        input.write_all(format!("{word}\n").as_bytes())?;
        self.numbers()
    }

    fn numbers<const N: usize>(&mut self) -> io::Result<[u64; N]> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        let numbers: Result<Vec<u64>, _> = line.split_whitespace().map(str::parse).collect();
        numbers.map_err(io::Error::other)?.try_into().map_err(|_| io::Error::other(line))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}
