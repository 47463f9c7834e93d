//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use cli::{DeviceChange, Target, TeamRef, UserChange, name_bits, parse_hash, parse_request};
use ipc_schema_ui::NameBits;

/// Talks to a running Sotto, as its window does.
#[derive(Debug, Parser)]
#[command(name = "sotto-cli", version)]
pub(crate) struct Args {
    /// The data folder of that Sotto [default: ~/.local/share/sotto]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Answer in JSON, one object per line
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// How long to wait for an answer
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 60)]
    pub(crate) timeout: u64,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Clone, Eq, PartialEq, Subcommand)]
pub(crate) enum Command {
    /// Make the vault, on first start; the passphrase comes from the terminal or standard input
    Create {
        /// What others see of you
        #[arg(long, value_name = "NAME")]
        user: String,
        /// What others see of this device
        #[arg(long, value_name = "NAME")]
        device: String,
    },
    /// Open the vault; the passphrase comes from the terminal or standard input
    Unlock,
    /// Drop every key and text from memory
    Lock,
    /// Who this device is
    Whoami,
    /// List the teams
    Teams,
    /// List the channels of a team
    Channels {
        /// A name, a number, or sotto://..
        #[arg(value_parser = TeamRef::parse)]
        team: TeamRef,
    },
    /// Write a message
    Send {
        /// As in friends/general
        #[arg(value_name = "TEAM/CHANNEL", value_parser = Target::parse)]
        target: Target,
        /// The text
        #[arg(required_unless_present = "lines", conflicts_with = "lines")]
        text: Option<String>,
        /// Write each line of standard input as a message; blank lines are passed over
        #[arg(long)]
        lines: bool,
        /// The message that this replies to
        #[arg(long, value_name = "NAME", value_parser = name_bits)]
        reply_to: Option<NameBits>,
        /// 32 hexadecimal digits: the same ones again write nothing twice, whatever was lost
        #[arg(long, value_name = "HEX", value_parser = parse_request, conflicts_with = "lines")]
        request: Option<[u8; 16]>,
    },
    /// Show messages, the newest at the end
    Read {
        /// As in friends/general
        #[arg(value_name = "TEAM/CHANNEL", value_parser = Target::parse)]
        target: Target,
        /// Only what is above this message
        #[arg(long, value_name = "NAME", value_parser = name_bits)]
        before: Option<NameBits>,
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
        /// Only this message and its replies
        #[arg(long, value_name = "NAME", value_parser = name_bits)]
        thread: Option<NameBits>,
    },
    /// Show new messages and changed states until stopped
    Follow {
        /// Only this team or channel
        #[arg(value_name = "TEAM[/CHANNEL]")]
        scope: Option<String>,
    },
    /// Ask to be added to the team of a link
    Join {
        /// What the admin gave to you
        link: String,
        /// The fingerprint of the organisation, compared with the admin: asks no question
        #[arg(long, value_name = "HEX", value_parser = parse_hash)]
        fingerprint: Option<[u8; 32]>,
    },
    /// Renew this device's keys in a team
    Refresh {
        /// A name, a number, or sotto://..
        #[arg(value_parser = TeamRef::parse)]
        team: TeamRef,
    },
    /// List the devices of a team
    Devices {
        /// A name, a number, or sotto://..
        #[arg(value_parser = TeamRef::parse)]
        team: TeamRef,
    },
    /// Add or remove a device; only admins can
    #[command(subcommand)]
    Device(DeviceChange),
    /// Add or remove a person; only admins can
    #[command(subcommand)]
    User(UserChange),
    /// Show how everything stands
    Status,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &[&str]) -> Result<Args, String> {
        let words = ["sotto-cli"].iter().chain(line);
        Args::try_parse_from(words).map_err(|error| error.to_string())
    }

    /// `CLI-03`
    #[test]
    fn good_lines_are_taken() {
        let args = parse(&["--data", "/d", "--json", "send", "a/b", "hi there"]).unwrap();
        assert!(args.json && args.data.is_some());
        let Command::Send { text, lines, reply_to, .. } = args.command else {
            panic!();
        };
        assert_eq!((text.as_deref(), lines, reply_to), (Some("hi there"), false, None));
        parse(&["send", "a/b", "--lines", "--json", "--data", "/d"]).unwrap();
        parse(&["send", "a/b", "--", "-5"]).unwrap();
        parse(&["send", "a/b", "hi", "--request", &"0f".repeat(16)]).unwrap();
        parse(&["read", "a/b", "--limit", "5000", "--before", "sotto://1/2/3/4/5/6"]).unwrap();
        let hash = "00ff".repeat(16);
        parse(&["join", "sotto-team:..", "--fingerprint", &hash]).unwrap();
        parse(&["follow"]).unwrap();
        parse(&["device", "add", "friends", &hash]).unwrap();
        parse(&["device", "remove", "friends", "Bob's phone", "--json"]).unwrap();
        parse(&["user", "add", "friends", &hash]).unwrap();
        parse(&["user", "remove", "friends", "Bob"]).unwrap();
    }

    /// `CLI-03`
    #[test]
    fn wrong_lines_are_refused_with_what_to_write_instead() {
        let cases: [(&[&str], &str); 15] = [
            (&["send", "a/b"], "<TEXT>"),
            (&["send", "a/b", "text", "--lines"], "cannot be used with"),
            (&["send", "ab", "text"], "friends/general"),
            (&["send", "a/b", "t", "--reply-to", "5"], "sotto://1/2/3/4/5/6"),
            (&["read", "a/b", "--limit", "0"], "0 is not in 1.."),
            (&["read", "a/b", "--before", "yesterday"], "sotto://1/2/3/4/5/6"),
            (&["channels", "sotto://1/2"], "sotto://1/2/3"),
            (&["join", "x", "--fingerprint", "00"], "64 digits"),
            (&["unlock", "my passphrase"], "unexpected argument"),
            (&["create", "--user", "A"], "--device"),
            (&["fly"], "unrecognized subcommand"),
            (&["device"], "Usage"),
            (&["device", "add", "friends", "00"], "64 digits"),
            (&["device", "remove", "friends"], "<DEVICE>"),
            (&["user", "remove", "friends"], "<USER>"),
        ];
        for (line, hint) in cases {
            let error = parse(line).unwrap_err();
            assert!(error.contains(hint), "{line:?}: {error}");
        }
    }
}
