//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use cli::{TeamRef, parse_hash, parse_key};

/// Makes organisations, teams and channels, and adds devices. The root key stays in the vault of
/// its data folder, which is opened by its passphrase.
#[derive(Debug, Parser)]
#[command(name = "sotto-member", version)]
pub(crate) struct Args {
    /// The data folder of the member tool: one of its own for each organisation
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
    /// The organisation
    #[command(subcommand)]
    Org(Org),
    /// Its teams
    #[command(subcommand)]
    Team(Team),
    /// The channels of a team
    #[command(subcommand)]
    Channel(Channel),
    /// The devices of a team
    #[command(subcommand)]
    Device(Device),
}

#[derive(Debug, Clone, Eq, PartialEq, Subcommand)]
pub(crate) enum Org {
    /// Make an organisation with a new root key, and on first start the vault that keeps it
    Create {
        /// What people see
        name: String,
        /// Its origin relay
        #[arg(long, value_name = "HOST:PORT")]
        relay: String,
        /// The key of that relay, as `sotto-relay key` prints it
        #[arg(long, value_name = "HEX", value_parser = parse_key)]
        relay_key: [u8; 32],
        /// Add the organisation to this file, which `sotto-relay --origin` reads
        #[arg(long, value_name = "FILE")]
        origin_file: Option<PathBuf>,
        /// What members see of whoever uses this tool
        #[arg(long, value_name = "NAME", default_value = "Admin")]
        user: String,
        /// What members see of this device
        #[arg(long, value_name = "NAME", default_value = "Member tool")]
        device: String,
    },
    /// Show the organisation's public part
    Show {
        /// Add the organisation to this file, which `sotto-relay --origin` reads
        #[arg(long, value_name = "FILE")]
        origin_file: Option<PathBuf>,
    },
}

#[derive(Debug, Clone, Eq, PartialEq, Subcommand)]
pub(crate) enum Team {
    /// Make a team with a channel "general"; prints the link for newcomers
    Create {
        /// What people see
        name: String,
    },
    /// Print the link for newcomers
    Link {
        /// A name, a number, or sotto://..
        #[arg(value_parser = TeamRef::parse)]
        team: TeamRef,
    },
    /// List the teams
    List,
}

#[derive(Debug, Clone, Eq, PartialEq, Subcommand)]
pub(crate) enum Channel {
    /// Make a channel
    Create {
        /// A name, a number, or sotto://..
        #[arg(value_parser = TeamRef::parse)]
        team: TeamRef,
        /// What people see
        name: String,
    },
}

#[derive(Debug, Clone, Eq, PartialEq, Subcommand)]
pub(crate) enum Device {
    /// Add the newcomer who shows this hash; waits until the relay has stored it
    Add {
        /// A name, a number, or sotto://..
        #[arg(value_parser = TeamRef::parse)]
        team: TeamRef,
        /// The whole hash, as the newcomer sees it
        #[arg(value_parser = parse_hash)]
        hash: [u8; 32],
    },
    /// List the devices of a team, or of every team
    List {
        /// A name, a number, or sotto://..
        #[arg(value_parser = TeamRef::parse)]
        team: Option<TeamRef>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Args, String> {
        let words = std::iter::once("sotto-member").chain(line.split_whitespace());
        Args::try_parse_from(words).map_err(|error| error.to_string())
    }

    /// `MEMBER-01`
    #[test]
    fn good_lines_are_taken() {
        let key = "0f".repeat(32);
        let args =
            parse(&format!("--data /d --json org create Acme --relay r:1 --relay-key {key}"));
        let Command::Org(Org::Create { relay_key, user, device, .. }) = args.unwrap().command
        else {
            panic!();
        };
        assert_eq!((relay_key, user.as_str(), device.as_str()), ([15; 32], "Admin", "Member tool"));
        let args = parse(&format!("device add sotto://1/2/3 {key} --json --data /d")).unwrap();
        assert!(args.json && args.data.is_some());
        for line in ["device list", "device list friends", "team list", "org show", "team link t"] {
            parse(line).unwrap();
        }
    }

    /// `MEMBER-01`
    #[test]
    fn wrong_lines_are_refused_with_what_to_write_instead() {
        let cases = [
            ("org create Acme", "--relay <HOST:PORT>"),
            ("org create Acme --relay r:1 --relay-key 00", "sotto-relay key"),
            ("device add friends 00ff", "64 digits"),
            ("device add sotto://1/2 00ff", "sotto://1/2/3"),
            ("device", "Usage"),
            ("team", "Usage"),
        ];
        for (line, hint) in cases {
            let error = parse(line).unwrap_err();
            assert!(error.contains(hint), "{line}: {error}");
        }
    }
}
