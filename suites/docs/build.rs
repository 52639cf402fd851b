//! Takes the code of README.md and docs/*.md apart, for `src/lib.rs`: every block is a doctest.
//! Those that show a handler, or that have a file in `src/served`, are modules too, so that tests
//! can run them.

use std::{
    env,
    error::Error,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

/// What a function that answers requests returns.
const RESPONSES: [&str; 5] =
    ["impl IntoResponse", "::IntoResponse", "Responder", "Reply", "Response<"];

/// A block of Rust.
struct Block {
    /// The heading that it stands under.
    heading: String,
    line: usize,
    code: String,
}

fn main() -> Result<(), Box<dyn Error>> {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or("not run by cargo")?);
    let project = here.join("../..").canonicalize()?;
    println!("cargo::rerun-if-changed={}", project.join("docs").display());
    println!("cargo::rerun-if-changed={}", here.join("src").display());

    let mut documents = vec![project.join("README.md")];
    for entry in fs::read_dir(project.join("docs"))? {
        documents.push(entry?.path());
    }
    documents.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    documents.sort();

    let mut modules = String::new();
    let mut used = Vec::new();
    for path in documents {
        println!("cargo::rerun-if-changed={}", path.display());
        let text = fs::read_to_string(&path)?;
        let name = path.file_name().unwrap_or_default().display().to_string();
        let document = snake(name.trim_end_matches(".md"));
        writeln!(modules, "/// {name}\nmod {document} {{")?;
        writeln!(modules, "#[cfg(doctest)]\n#[doc = include_str!({path:?})]\nstruct Doctests;")?;
        let mut taken = Vec::new();
        for block in blocks(&text) {
            let handlers = handlers(&block.code);
            let module = snake(&block.heading);
            taken.push(module.clone());
            // Further blocks under a heading are numbered.
            let module = match taken.iter().filter(|other| **other == module).count() {
                1 => module,
                count => format!("{module}_{count}"),
            };
            let served = here.join(format!("src/served/{document}/{module}.rs"));
            // Each entry of the cookbook is a program that a test runs.
            if handlers.is_empty() && document != "cookbook" && !served.exists() {
                continue;
            }
            let place = format!("{name}, line {}", block.line);
            write_module(&mut modules, &module, &block.code, &handlers, &served, &place)?;
            used.push(served);
        }
        writeln!(modules, "}}")?;
    }
    for folder in fs::read_dir(here.join("src/served"))? {
        for file in fs::read_dir(folder?.path())? {
            let path = file?.path();
            if !used.contains(&path) {
                let problem = format!("{} serves nothing", path.display());
                writeln!(modules, "compile_error!({problem:?});")?;
            }
        }
    }
    fs::write(Path::new(&env::var("OUT_DIR")?).join("documents.rs"), modules)?;
    Ok(())
}

/// The block as a module, with a test for each of its handlers. `served` has a function of the
/// handler's name that serves it; or tests of its own.
fn write_module(
    modules: &mut String,
    module: &str,
    code: &str,
    handlers: &[String],
    served: &Path,
    place: &str,
) -> Result<(), Box<dyn Error>> {
    let serving = fs::read_to_string(served).unwrap_or_default();
    writeln!(
        modules,
        "/// {place}\n#[cfg(test)]\n#[allow(unused, unused_qualifications, clippy::all)]\nmod {module} {{"
    )?;
    writeln!(modules, "{code}")?;
    if !serving.is_empty() {
        writeln!(modules, "#[path = {served:?}]\nmod served;")?;
    }
    if serving.contains("test]") || code.contains("test]") {
        writeln!(modules, "}}")?;
        return Ok(());
    }
    if handlers.is_empty() {
        let problem = format!("{place}: no test in {} runs it", file_of(served).display());
        writeln!(modules, "#[test]\nfn it_is_run() {{ panic!({problem:?}); }}")?;
    }
    for handler in handlers {
        writeln!(modules, "#[tokio::test]\nasync fn {handler}_is_served() {{")?;
        if serving.contains(&format!("async fn {handler}()")) {
            writeln!(modules, "crate::reads_an_event(served::{handler}().await).await;")?;
        } else {
            let problem = format!(
                "{place}: nothing serves `{handler}`; write `async fn {handler}()` in served/{}",
                file_of(served).display(),
            );
            writeln!(modules, "panic!({problem:?});")?;
        }
        writeln!(modules, "}}")?;
    }
    writeln!(modules, "}}")?;
    Ok(())
}

/// Its folder and its name.
fn file_of(path: &Path) -> PathBuf {
    let file: Vec<_> = path.components().rev().take(2).collect();
    file.into_iter().rev().collect()
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut heading = String::new();
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        if line.starts_with('#') {
            heading = line.trim_start_matches('#').trim().to_owned();
        }
        let Some(language) = line.strip_prefix("```") else { continue };
        let code = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```");
        let code: Vec<_> = code
            // A hidden line.
            .map(|line| if line == "#" { "" } else { line.strip_prefix("# ").unwrap_or(line) })
            .collect();
        if language.split(',').any(|word| word == "rust") && !language.contains("compile_fail") {
            blocks.push(Block { heading: heading.clone(), line: index + 1, code: code.join("\n") });
        }
    }
    blocks
}

/// The names of the functions that return a response.
fn handlers(code: &str) -> Vec<String> {
    let mut handlers = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find("fn ") {
        let word = rest[..at].chars().next_back().is_some_and(|char| !char.is_whitespace());
        rest = &rest[at + "fn ".len()..];
        let signature = rest.split('{').next().unwrap_or_default();
        let Some((parameters, returned)) = signature.rsplit_once("->") else { continue };
        if !word && RESPONSES.iter().any(|response| returned.contains(response)) {
            let name = parameters.split(|char: char| !char.is_alphanumeric() && char != '_').next();
            handlers.extend(name.map(str::to_owned));
        }
    }
    handlers
}

/// `From axum's Sse` as `from_axum_s_sse`.
fn snake(text: &str) -> String {
    let text = text.replace(|char: char| !char.is_ascii_alphanumeric(), " ").to_lowercase();
    text.split_whitespace().collect::<Vec<_>>().join("_")
}
