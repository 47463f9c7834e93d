//! What the guided run needs to know beforehand: `sotto-fuzz list` gives each target and its
//! longest input, `sotto-fuzz seeds DIR` writes the inputs to start from.
#![expect(clippy::print_stdout, reason = "a command-line tool answers on its standard output")]

use std::path::Path;
use std::process::ExitCode;
use std::{env, fs, io};

use sotto_fuzz::{TARGETS, seeds};

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match *words.as_slice() {
        ["list"] => {
            TARGETS.iter().for_each(|target| println!("{} {}", target.name, target.most));
            Ok(())
        }
        ["seeds", dir] => write(Path::new(dir)),
        _ => Err(io::Error::other("say `list`, or `seeds DIR`")),
    };
    if let Err(error) = done {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn write(dir: &Path) -> io::Result<()> {
    for target in TARGETS {
        let folder = dir.join(target.name);
        fs::create_dir_all(&folder)?;
        for (index, seed) in seeds(target.name)?.iter().enumerate() {
            fs::write(folder.join(index.to_string()), seed)?;
        }
    }
    Ok(())
}
