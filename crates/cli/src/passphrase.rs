//! Passphrases and yes or no, from whoever sits at the terminal.

use std::io::{self, IsTerminal as _, Write as _};
use std::os::fd::AsFd;

use ipc_schema_ui::Passphrase;
use rustix::termios::{LocalModes, OptionalActions, Termios};
use zeroize::Zeroizing;

use crate::Trouble;

/// A passphrase: from the terminal without echo, else the first line of standard input. What
/// follows that line is left unread.
///
/// # Errors
/// When there is none, or it is too long or no UTF-8.
pub fn passphrase(prompt: &str) -> Result<Passphrase, Trouble> {
    if !io::stdin().is_terminal() {
        return accepted(first_line(&io::stdin())?);
    }
    say(prompt);
    let terminal = io::stdin();
    let line = {
        let _silence = Silence::over(&terminal)?;
        first_line(&terminal)
    };
    say("\n");
    accepted(line?)
}

/// A new passphrase: asked for twice where there is a terminal.
///
/// # Errors
/// As [`passphrase`]; also when the two differ.
pub fn new_passphrase(prompt: &str) -> Result<Passphrase, Trouble> {
    let first = passphrase(prompt)?;
    if io::stdin().is_terminal() && first != passphrase("the same again: ")? {
        let hint = "nothing was done; start again";
        return Err(Trouble::refused("passphrases-differ", "the two passphrases differ", hint));
    }
    Ok(first)
}

/// Asks a yes-or-no question; only `y` and `yes` mean yes. `None` without a terminal.
///
/// # Errors
/// When the terminal is gone.
pub fn confirm(question: &str) -> Result<Option<bool>, Trouble> {
    if !io::stdin().is_terminal() {
        return Ok(None);
    }
    say(question);
    let line = first_line(&io::stdin())?.unwrap_or_default();
    let answer = String::from_utf8_lossy(&line).trim().to_lowercase();
    Ok(Some(answer == "y" || answer == "yes"))
}

fn accepted(line: Option<Zeroizing<Vec<u8>>>) -> Result<Passphrase, Trouble> {
    let hint = "type it, or give it as the first line of standard input";
    let line = line.ok_or_else(|| Trouble::usage("there is no passphrase", hint))?;
    let text = std::str::from_utf8(&line)
        .map_err(|_| Trouble::usage("the passphrase is no UTF-8 text", hint))?;
    Passphrase::new(text.to_owned())
        .map_err(|_| Trouble::usage("the passphrase is too long", "1,024 bytes are the most"))
}

/// The bytes up to the next line end, which is taken but not given; `None` at the end of input.
fn first_line(input: &impl AsFd) -> Result<Option<Zeroizing<Vec<u8>>>, Trouble> {
    // Reserved at once, so that growing leaves no copies behind.
    let mut line = Zeroizing::new(Vec::with_capacity(MOST));
    let mut is_empty = true;
    loop {
        let mut byte = [0];
        // Byte by byte, because what follows belongs to somebody else.
        match rustix::io::read(input, &mut byte) {
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(Trouble::from(io::Error::from(error))),
            Ok(0) if is_empty => return Ok(None),
            Ok(0) => break,
            Ok(_) if byte == *b"\n" => break,
            Ok(_) if line.len() < MOST => line.extend(byte),
            Ok(_) => {
                return Err(Trouble::usage("the line is too long", "1,024 bytes are the most"));
            }
        }
        is_empty = false;
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(Some(line))
}

fn say(text: &str) {
    let mut out = io::stderr();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}

/// While it lives, the terminal shows nothing of what is typed.
struct Silence<'a, T: AsFd> {
    terminal: &'a T,
    before: Termios,
}

impl<'a, T: AsFd> Silence<'a, T> {
    fn over(terminal: &'a T) -> Result<Self, Trouble> {
        let failed = |error| Trouble::from(io::Error::from(error));
        let before = rustix::termios::tcgetattr(terminal).map_err(failed)?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        rustix::termios::tcsetattr(terminal, OptionalActions::Flush, &silent).map_err(failed)?;
        Ok(Self { terminal, before })
    }
}

impl<T: AsFd> Drop for Silence<'_, T> {
    fn drop(&mut self) {
        // A terminal that is gone needs no echo.
        let _ = rustix::termios::tcsetattr(self.terminal, OptionalActions::Now, &self.before);
    }
}

/// A passphrase, and room to see that it is too long.
const MOST: usize = 1026;

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn lines(bytes: &[u8]) -> Vec<Result<Option<Vec<u8>>, String>> {
        let (read, write) = std::io::pipe().unwrap();
        (&write).write_all(bytes).unwrap();
        drop(write);
        let line = || {
            let line = first_line(&read).map_err(|trouble| trouble.message)?;
            Ok(line.map(|line| line.to_vec()))
        };
        vec![line(), line()]
    }

    /// `CLI-06`
    #[test]
    fn the_first_line_is_taken_and_the_rest_left() {
        let some = |text: &str| Ok(Some(text.as_bytes().to_vec()));
        assert_eq!(lines(b"one\ntwo\n"), [some("one"), some("two")]);
        assert_eq!(lines(b"one\r\n"), [some("one"), Ok(None)]);
        assert_eq!(lines(b"one"), [some("one"), Ok(None)]);
        assert_eq!(lines(b"\n"), [some(""), Ok(None)]);
        assert_eq!(lines(b""), [Ok(None), Ok(None)]);
        assert!(lines(&[b'x'; 2000])[0].is_err());
    }

    /// `CLI-06`
    #[test]
    fn what_is_no_passphrase_is_refused_with_a_hint() {
        let given = |line: &[u8]| accepted(Some(Zeroizing::new(line.to_vec())));
        assert_eq!(given(b"correct horse").unwrap().reveal(), "correct horse");
        for bad in [given(&[0xff]), given(&[b'x'; 1025]), accepted(None)] {
            let trouble = bad.unwrap_err();
            assert_eq!(trouble.status, 2);
            assert!(!trouble.hint.is_empty());
        }
    }
}
