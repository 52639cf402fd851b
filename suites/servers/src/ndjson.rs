//! The `ndjson` example as a process with pipes.

use std::{
    path::PathBuf,
    process::{ExitStatus, Stdio},
    str,
};

use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    process::{Child, Command},
    sync::OnceCell,
};

use crate::{
    decode::decode,
    forged, json, soon,
    table::{Expected, compare},
};

/// Builds the example; the tests have built most of its dependencies.
async fn executable() -> &'static PathBuf {
    static EXECUTABLE: OnceCell<PathBuf> = OnceCell::const_new();
    EXECUTABLE.get_or_init(build).await
}

async fn build() -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--example", "ndjson"]);
    cargo.args(["--message-format", "json-render-diagnostics", "--manifest-path"]);
    cargo.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml"));
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let output = cargo.stdin(Stdio::null()).output().await.unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let messages = str::from_utf8(&output.stdout).unwrap().lines();
    let mut messages =
        messages.map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let executable = messages.find_map(|message| Some(message["executable"].as_str()?.into()));
    executable.expect("the example has an executable")
}

async fn start() -> Child {
    Command::new(executable().await)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

struct Output {
    frames: Vec<u8>,
    errors: Vec<String>,
    status: ExitStatus,
}

/// Writes the whole input while the output is read.
async fn run(input: Vec<u8>) -> Output {
    let mut child = start().await;
    let mut stdin = child.stdin.take().unwrap();
    let write = tokio::spawn(async move { stdin.write_all(&input).await });
    let output = soon("the process ends", child.wait_with_output()).await.unwrap();
    write.await.unwrap().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap().lines().map(String::from).collect();
    Output { frames: output.stdout, errors, status: output.status }
}

/// A line and its outcome.
type Line = (String, Vec<u8>, Expected);

fn refused(name: &str, line: impl Into<Vec<u8>>) -> Line {
    (name.into(), line.into(), Expected::refused("syntax", None, None))
}

/// Runs the lines: each refused one gives an error with its number, each of the others its event.
async fn check(lines: Vec<Line>) {
    let input = lines.iter().flat_map(|(_, line, _)| [line, &b"\n"[..]]).flatten().copied();
    let output = run(input.collect()).await;
    let mut errors = output.errors.iter();
    let mut expected = Vec::new();
    for (number, (name, _, outcome)) in (1..).zip(lines) {
        if let Expected::Refused(_) = outcome {
            let error = errors.next().unwrap_or_else(|| panic!("{name}: no error"));
            let reason = error.strip_prefix(&format!("line {number}: "));
            assert!(reason.is_some_and(|reason| !reason.is_empty()), "{name}: {error}");
        } else {
            expected.push((name, outcome));
        }
    }
    assert_eq!(errors.next(), None);
    compare(expected, &decode(&output.frames));
    assert_eq!(output.status.code(), Some(i32::from(!output.errors.is_empty())));
}

fn lines(items: Vec<(String, String, Expected)>) -> Vec<Line> {
    items.into_iter().map(|(name, json, expected)| (name, json.into_bytes(), expected)).collect()
}

#[tokio::test]
async fn text_cannot_forge_fields_or_frames() {
    check(lines(forged::json_items())).await;
}

#[tokio::test]
async fn depth_and_numbers_are_passed_on_or_refused() {
    check(lines(json::items())).await;
}

#[tokio::test]
async fn a_line_that_is_not_utf_8_is_refused_and_the_next_is_encoded() {
    const BYTES: [(&str, &[u8]); 8] = [
        ("0xFF", b"\xFF"),
        ("a continuation", b"a\x80"),
        ("a surrogate", b"\xED\xA0\x80"),
        ("LF, too long", b"\xC0\x8A"),
        ("NUL, too long", b"\xC0\x80"),
        ("beyond U+10FFFF", b"\xF4\x90\x80\x80"),
        ("half a character", b"\xE2\x82"),
        ("Latin-1", b"caf\xE9"),
    ];
    let places =
        [("{\"data\":{\"a\":\"", "\"}}"), ("{\"", "\":1}"), ("{\"id\":\"", "\"}"), ("", "")];
    let mut lines = Vec::new();
    for (name, bytes) in BYTES {
        for (before, after) in places {
            let line = [before.as_bytes(), bytes, after.as_bytes()].concat();
            lines.push(refused(&format!("{name} within {before}{after}"), line));
            let good = json!({"a": 1});
            lines.push((format!("after {name}"), good.to_string().into(), Expected::json(good)));
        }
    }
    let position = b"\n\n{\"data\":{\"a\":\"\xFF\"}}\n".to_vec();
    let errors = run(position).await.errors;
    assert!(errors[0].starts_with("line 3: ") && errors[0].ends_with(" column 15"), "{errors:?}");
    check(lines).await;
}

#[tokio::test]
async fn a_line_that_is_not_an_item_is_refused_and_the_next_is_encoded() {
    let event = |name: &str, line: &str| -> Line {
        (name.into(), line.into(), Expected::text("{\"a\":1}"))
    };
    let large = "x".repeat(10 << 20);
    check(vec![
        refused("a byte order mark", "\u{FEFF}{\"a\":1}"),
        event("CRLF", "{\"a\":1}\r"),
        event("raw CR between tokens", "{\r\"a\"\r:1}\r\r"),
        refused("raw CR in a string", "{\"a\":\"\r\"}"),
        refused("raw NUL in a string", "{\"a\":\"\0\"}"),
        refused("NUL", "\0"),
        refused("a frame", "data: forged"),
        ("an empty line".into(), "".into(), Expected::Nothing),
        ("blanks".into(), " \t\r".into(), Expected::Nothing),
        event("what follows", " {\"a\":1} "),
        refused("an array", "[{\"a\":1}]"),
        refused("a string", "\"a\""),
        refused("null", "null"),
        refused("two items", "{\"a\":1}{\"a\":1}"),
        refused("half an item", "{\"a\":"),
        (
            "ten mebibytes".into(),
            format!("{{\"a\":\"{large}\"}}").into(),
            Expected::text(format!("{{\"a\":\"{large}\"}}")),
        ),
        refused("ten mebibytes of half an item", format!("{{\"a\":\"{large}")),
        event("the last", "{\"a\":1}"),
    ])
    .await;
}

#[tokio::test]
async fn a_last_line_needs_no_end_and_the_status_is_0_without_errors() {
    let output = run(b"{\"a\":1}\n{\"b\":2}".to_vec()).await;
    assert_eq!(decode(&output.frames).len(), 2);
    assert_eq!((output.errors, output.status.code()), (vec![], Some(0)));
    let output = run(Vec::new()).await;
    assert_eq!((&*output.frames, output.status.code()), (&b""[..], Some(0)));
}

#[tokio::test]
async fn each_frame_and_each_error_is_written_before_the_next_line() {
    let mut child = start().await;
    let mut stdin = child.stdin.take().unwrap();
    let mut frames = child.stdout.take().unwrap();
    let mut errors = BufReader::new(child.stderr.take().unwrap()).lines();
    for number in 1..=3 {
        stdin.write_all(b"{\"data\":\"a\"}\n").await.unwrap();
        let mut frame =
            format!("id: {number}\nevent: message\ndata: {{\"0\":\"a\"}}\n\n").into_bytes();
        let expected = frame.clone();
        soon("a frame", frames.read_exact(&mut frame)).await.unwrap();
        assert_eq!(frame, expected);
        stdin.write_all(b"{\"id\":\"\\r\"}\n").await.unwrap();
        let error = soon("an error", errors.next_line()).await.unwrap().unwrap();
        assert!(error.starts_with(&format!("line {}: ", 2 * number)), "{error}");
    }
    drop(stdin);
    assert_eq!(soon("the process ends", child.wait()).await.unwrap().code(), Some(1));
}

/// As behind `| head`.
#[tokio::test]
async fn it_ends_well_when_its_output_is_closed() {
    let mut child = start().await;
    let mut stdin = child.stdin.take().unwrap();
    drop(child.stdout.take());
    let write = async {
        // The program may end before everything is written.
        while stdin.write_all(b"{\"a\":1}\n").await.is_ok() {}
    };
    soon("the pipe breaks", write).await;
    assert_eq!(soon("the process ends", child.wait()).await.unwrap().code(), Some(0));
}
