//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use cli::{DeviceChange, TeamRef, UserChange, parse_key, parse_span};

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
    /// The people of a team
    #[command(subcommand)]
    User(UserChange),
    /// The admins of a team: devices that may add and remove members
    #[command(subcommand)]
    Admin(Admin),
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
    /// Make another relay the origin of every team; the old one need not be there any more
    Move {
        /// The new origin relay
        #[arg(long, value_name = "HOST:PORT")]
        relay: String,
        /// The key of that relay, as `sotto-relay key` prints it
        #[arg(long, value_name = "HEX", value_parser = parse_key)]
        relay_key: [u8; 32],
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
        /// The relay that newcomers link to, such as one near them below the origin
        #[arg(long, value_name = "HOST:PORT", requires = "relay_key")]
        relay: Option<String>,
        /// The key of that relay, as `sotto-relay key` prints it
        #[arg(long, value_name = "HEX", value_parser = parse_key, requires = "relay", alias = "key")]
        relay_key: Option<[u8; 32]>,
    },
    /// List the teams
    List,
    /// Show or change what holds for everybody in a team
    Policy {
        /// A name, a number, or sotto://..
        #[arg(value_parser = TeamRef::parse)]
        team: TeamRef,
        /// How long a device may write that the origin has confirmed nothing of, as in 7d or 12h
        #[arg(long, value_name = "SPAN", value_parser = parse_span)]
        max_offline_send: Option<u64>,
        /// How often every device renews its keys, as in 7d
        #[arg(long, value_name = "SPAN", value_parser = parse_span)]
        refresh_every: Option<u64>,
    },
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
    #[command(flatten)]
    Change(DeviceChange),
    /// List the devices of a team, or of every team
    List {
        /// A name, a number, or sotto://..
        #[arg(value_parser = TeamRef::parse)]
        team: Option<TeamRef>,
    },
}

#[derive(Debug, Clone, Eq, PartialEq, Subcommand)]
pub(crate) enum Admin {
    /// Make a device an admin; waits until it is done
    Add {
        /// A name, a number, or sotto://..
        #[arg(value_parser = TeamRef::parse)]
        team: TeamRef,
        /// The device's name or number, as `device list` prints them
        device: String,
    },
    /// Make an admin a member like others; waits until it is done
    Remove {
        /// A name, a number, or sotto://..
        #[arg(value_parser = TeamRef::parse)]
        team: TeamRef,
        /// The device's name or number, as `device list` prints them
        device: String,
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
        for line in [
            "device list",
            "device list friends",
            "device remove friends laptop",
            "user add friends Bob",
            "user remove sotto://1/2/3 Bob --json",
            "admin add friends 70000",
            "admin remove friends laptop",
            "team list",
            "team policy friends",
            "org show",
            "team link t",
        ] {
            parse(line).unwrap();
        }
        let args = parse("team policy t --max-offline-send 12h --refresh-every 30d").unwrap();
        let Command::Team(Team::Policy { max_offline_send, refresh_every, .. }) = args.command
        else {
            panic!();
        };
        assert_eq!((max_offline_send, refresh_every), (Some(43_200_000), Some(2_592_000_000)));
        parse(&format!("org move --relay r:2 --relay-key {key}")).unwrap();
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
            ("device remove friends", "<DEVICE>"),
            ("user add friends", "<USER>"),
            ("admin", "Usage"),
            ("admin add sotto://1/2 7", "sotto://1/2/3"),
            ("team policy friends --refresh-every soon", "as in 7d or 12h"),
            ("team policy friends --max-offline-send -1d", "unexpected argument"),
            ("org move --relay r:1", "--relay-key <HEX>"),
            ("org move --relay r:1 --relay-key 00", "sotto-relay key"),
            ("team", "Usage"),
        ];
        for (line, hint) in cases {
            let error = parse(line).unwrap_err();
            assert!(error.contains(hint), "{line}: {error}");
        }
    }
}
