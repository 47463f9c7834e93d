//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Sotto: a messenger for teams. Starts the window, the keeper of keys and the link to the relay,
/// each in a process of its own.
#[derive(Debug, Parser)]
#[command(name = "sotto", version)]
pub(crate) struct Args {
    /// Where everything is kept [default: ~/.local/share/sotto]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Reach the relay at this address instead of the one in the team's link
    #[arg(long, value_name = "HOST:PORT", value_parser = relay)]
    pub(crate) relay: Option<String>,
    /// No window; talk to it with sotto-cli
    #[arg(long)]
    pub(crate) headless: bool,
    /// Where the window opens, in pixels
    #[arg(long, value_name = "WxH+X+Y", value_parser = geometry)]
    pub(crate) geometry: Option<String>,
    /// Run even if nothing confines the keeper of keys: its window then shows a red banner
    #[arg(long)]
    pub(crate) allow_unconfined: bool,
    /// Answer in JSON, one object per line
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Clone, Copy, Eq, PartialEq, Subcommand)]
pub(crate) enum Command {
    /// Show the processes and how they are confined
    Status,
    /// Stop everything that runs for this data folder
    Stop,
}

fn relay(text: &str) -> Result<String, &'static str> {
    let wrong = "give a host and a port, as in relay.example.org:4433 or [::1]:4433";
    let (host, port) = text.rsplit_once(':').ok_or(wrong)?;
    let is_plain =
        !host.is_empty() && text.len() <= 255 && text.bytes().all(|b| b.is_ascii_graphic());
    let is_port = port.parse::<u16>().is_ok_and(|port| port != 0);
    if is_plain && is_port { Ok(text.to_owned()) } else { Err(wrong) }
}

fn geometry(text: &str) -> Result<String, &'static str> {
    let wrong = "give width, height and place in pixels, as in 1280x800+0+0";
    let (size, place) = text.split_once('+').ok_or(wrong)?;
    let (width, height) = size.split_once('x').ok_or(wrong)?;
    let (x, y) = place.split_once('+').ok_or(wrong)?;
    let is_size =
        [width, height].iter().all(|part| part.parse::<u16>().is_ok_and(|pixels| pixels >= 100));
    let is_place = [x, y].iter().all(|part| part.parse::<i16>().is_ok());
    if is_size && is_place { Ok(text.to_owned()) } else { Err(wrong) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Args, String> {
        let words = std::iter::once("sotto").chain(line.split_whitespace());
        Args::try_parse_from(words).map_err(|error| error.to_string())
    }

    /// `LAUNCHER-10`
    #[test]
    fn lines_that_mean_nothing_are_refused_with_what_to_write_instead() {
        let cases = [
            ("--relay 127.0.0.1", "relay.example.org:4433"),
            ("--relay :4433", "relay.example.org:4433"),
            ("--relay host:0", "relay.example.org:4433"),
            ("--relay host:99999", "relay.example.org:4433"),
            ("--geometry 1280x800", "1280x800+0+0"),
            ("--geometry 5x5+0+0", "1280x800+0+0"),
            ("--geometry 1280x800+0+wide", "1280x800+0+0"),
            ("--lan", "unexpected argument"),
            ("fly", "unrecognized subcommand"),
        ];
        for (line, hint) in cases {
            let error = parse(line).unwrap_err();
            assert!(error.contains(hint), "{line}: {error}");
        }
    }

    /// `LAUNCHER-10`
    #[test]
    fn good_lines_are_taken() {
        let args =
            parse("--data /d --relay [::1]:4433 --headless --geometry 800x600+-5+0").unwrap();
        assert_eq!(args.relay.as_deref(), Some("[::1]:4433"));
        assert!(args.headless && !args.json && args.command.is_none());
        for line in ["status --data /d --json", "--data /d --json status"] {
            let args = parse(line).unwrap();
            assert_eq!(args.command, Some(Command::Status));
            assert!(args.json && args.data.is_some());
        }
    }
}
