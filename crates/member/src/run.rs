//! Each command, as one request or a few.

use std::time::Duration;

use cli::{Out, TeamRef, Trouble, Wisher as _, device_in, hex, safe, team_text};
use ipc_schema::Text;
use ipc_schema_ui::{Answer, Label, LinkText, Policy, Request, TeamBits};
use serde_json::json;

use crate::args::{Admin, Args, Channel, Command, Device, Org, Team};
use crate::endpoint::Endpoint;
use crate::origin::{Origin, OriginFile};

/// Does what the line says.
pub(crate) fn run(args: Args) -> Result<(), Trouble> {
    let out = Out::new(args.json);
    let data = args.data.or_else(ipc_io::default_data_dir).ok_or_else(|| {
        Trouble::usage("there is no home folder to keep data in", "name one with --data DIR")
    })?;
    let patience = Duration::from_secs(args.timeout);
    let enter = || Endpoint::enter(&data, patience, out);
    match args.command {
        Command::Org(Org::Create { name, relay, relay_key, origin_file, user, device }) => {
            let name = label(&name, "the organisation's name")?;
            let user = label(&user, "the user's name")?;
            let device = label(&device, "the device's name")?;
            let relay = address(&relay)?;
            let file = origin_file.as_deref().map(OriginFile::read).transpose()?;
            let mut endpoint = enter()?;
            endpoint.open_or_create(&user, &device)?;
            let answer = endpoint.ask(Request::CreateOrg { name, relay, relay_key })?;
            show_org(out, answer, file)
        }
        Command::Org(Org::Show { origin_file }) => {
            let file = origin_file.as_deref().map(OriginFile::read).transpose()?;
            let answer = enter()?.ask(Request::ShowOrg)?;
            show_org(out, answer, file)
        }
        Command::Org(Org::Move { relay, relay_key }) => {
            let text = address(&relay)?;
            let mut endpoint = enter()?;
            endpoint.wish(Request::MoveOrigin { relay: text, relay_key })?;
            endpoint.settle()?;
            let key = hex(&relay_key);
            Ok(out.print(
                || json!({"relay": relay, "relay_key": key}),
                || format!("{relay} is the origin of every team from now on"),
            )?)
        }
        Command::Team(Team::Create { name }) => {
            let label = label(&name, "a team's name")?;
            let mut endpoint = enter()?;
            let answer = endpoint.ask(Request::CreateTeam { name: label })?;
            show_link(out, answer, Some(&name))?;
            endpoint.settle()
        }
        Command::Team(Team::Link { team, relay, relay_key }) => {
            let relay = relay.as_deref().map(address).transpose()?;
            let mut endpoint = enter()?;
            let team = endpoint.team(&team)?;
            let mut answer = endpoint.ask(Request::ShowTeamLink { team: team.id })?;
            if let (Answer::TeamLink { link, .. }, Some(relay), Some(key)) =
                (&mut answer, relay, relay_key)
            {
                *link = through(link, relay.as_str(), &key)?;
            }
            show_link(out, answer, Some(team.name.as_str()))
        }
        Command::Team(Team::List) => {
            for team in enter()?.teams()? {
                let text = || format!("{}  {}", team_text(team.id), safe(team.name.as_str()));
                out.print(|| cli::team(&team), text)?;
            }
            Ok(())
        }
        Command::Team(Team::Policy { team, max_offline_send, refresh_every }) => {
            let mut endpoint = enter()?;
            let team = endpoint.team(&team)?.id;
            if max_offline_send.or(refresh_every).is_some() {
                endpoint.wish(Request::SetPolicy { team, max_offline_send, refresh_every })?;
            }
            show_policy(&mut endpoint, out, team)
        }
        Command::Channel(Channel::Create { team, name }) => {
            let name = label(&name, "a channel's name")?;
            let mut endpoint = enter()?;
            let team = endpoint.team(&team)?.id;
            create_channel(&mut endpoint, out, team, name)?;
            endpoint.settle()
        }
        Command::Device(Device::Change(change)) => cli::change_device(&mut enter()?, out, &change),
        Command::User(change) => cli::change_user(&mut enter()?, out, &change),
        Command::Admin(Admin::Add { team, device }) => {
            set_role(&mut enter()?, out, &team, &device, true)
        }
        Command::Admin(Admin::Remove { team, device }) => {
            set_role(&mut enter()?, out, &team, &device, false)
        }
        Command::Device(Device::List { team }) => {
            let mut endpoint = enter()?;
            let teams = match team {
                Some(team) => vec![endpoint.team(&team)?],
                None => endpoint.teams()?,
            };
            for team in teams {
                list(&mut endpoint, out, &team)?;
            }
            Ok(())
        }
    }
}

fn show_org(out: Out, answer: Answer, file: Option<OriginFile>) -> Result<(), Trouble> {
    let Answer::Org { name, origin, org, root, fingerprint } = answer else {
        return Err(Trouble::unexpected());
    };
    let (root, fingerprint) = (hex(&root), hex(&fingerprint));
    if let Some(file) = file {
        file.add(&Origin { origin, org, root: root.clone() })?;
    }
    let name = name.as_str();
    out.print(
        || {
            json!({
                "name": name, "origin": origin, "org": org, "root": root,
                "fingerprint": fingerprint,
            })
        },
        || {
            format!(
                "{}\norigin       {origin}, organisation {org}\nroot key     {root}\nfingerprint  \
                 {fingerprint}  (newcomers compare this)",
                safe(name)
            )
        },
    )?;
    Ok(())
}

/// The same link with another relay: who comes by it links to that one, and finds the team below
/// the same root.
fn through(link: &LinkText, relay: &str, key: &[u8; 32]) -> Result<LinkText, Trouble> {
    // Behind the root's key: `@<relay key>@<host>:<port>` (`objects/SPEC.md`).
    let team = link.as_str().split('@').next().unwrap_or_default();
    LinkText::new(format!("{team}@{}@{relay}", hex(key))).map_err(|_| {
        Trouble::usage("the relay's address is too long for a link", "name it by a shorter name")
    })
}

fn show_link(out: Out, answer: Answer, name: Option<&str>) -> Result<(), Trouble> {
    let Answer::TeamLink { team, link } = answer else {
        return Err(Trouble::unexpected());
    };
    let (id, link) = (team_text(team), link.as_str());
    out.print(
        || json!({"id": id, "name": name, "link": link}),
        || format!("{id}\nGive this line to newcomers:\n{link}"),
    )?;
    Ok(())
}

fn create_channel(
    endpoint: &mut Endpoint,
    out: Out,
    team: TeamBits,
    name: Label,
) -> Result<(), Trouble> {
    let answer = endpoint.ask(Request::CreateChannel { team, name: name.clone() })?;
    let Answer::Channels(channels) = answer else {
        return Err(Trouble::unexpected());
    };
    let made = channels.as_slice().iter().rev().find(|channel| channel.name == name);
    let made = made.ok_or_else(Trouble::unexpected)?;
    let text = || format!("{:>5}  {}", made.id, safe(made.name.as_str()));
    Ok(out.print(|| cli::channel(made), text)?)
}

fn set_role(
    endpoint: &mut Endpoint,
    out: Out,
    team: &TeamRef,
    device: &str,
    admin: bool,
) -> Result<(), Trouble> {
    let team = endpoint.team(team)?.id;
    let row = device_in(&endpoint.devices(team)?, device)?;
    endpoint.wish(Request::SetRole { team, device: row.number, admin })?;
    let role = if admin { "admin" } else { "member" };
    let (user, name) = (safe(row.user.as_str()), safe(row.name.as_str()));
    out.print(
        || json!({"team": team_text(team), "device": row.number, "role": role}),
        || format!("{user}, {name} is {role} now"),
    )?;
    Ok(())
}

fn show_policy(endpoint: &mut Endpoint, out: Out, team: TeamBits) -> Result<(), Trouble> {
    let Answer::Status(status) = endpoint.ask(Request::Status)? else {
        return Err(Trouble::unexpected());
    };
    let found = status.teams.as_slice().iter().find(|status| status.id == team);
    let policy = found.ok_or_else(Trouble::unexpected)?.policy;
    let object = || {
        let mut object = cli::policy(policy);
        if let Some(object) = object.as_object_mut() {
            object.insert("team".to_owned(), json!(team_text(team)));
        }
        object
    };
    let Policy { max_offline_send, refresh_every } = policy;
    let (offline, refresh) = (cli::span(max_offline_send), cli::span(refresh_every));
    out.print(object, || {
        format!("read-only after {offline} without the origin\nkeys renewed every {refresh}")
    })?;
    Ok(())
}

fn list(endpoint: &mut Endpoint, out: Out, team: &ipc_schema_ui::Team) -> Result<(), Trouble> {
    let id = team_text(team.id);
    for row in endpoint.devices(team.id)? {
        let object = || {
            let mut object = cli::device(&row);
            if let Some(object) = object.as_object_mut() {
                object.insert("team".to_owned(), json!(id));
            }
            object
        };
        out.print(object, || {
            let team = safe(team.name.as_str());
            format!("{team}  {}", cli::device_line(&row, cli::now()))
        })?;
    }
    Ok(())
}

fn label(text: &str, what: &str) -> Result<Label, Trouble> {
    let wrong = || Trouble::usage(format!("{what} has 1 to 64 bytes"), "choose another");
    if text.trim().is_empty() { Err(wrong()) } else { Text::new(text.trim()).map_err(|_| wrong()) }
}

fn address(text: &str) -> Result<Text<255>, Trouble> {
    let wrong = || {
        let hint = "give a host and a port, as in relay.example.org:4433";
        Trouble::usage("this is no address of a relay", hint)
    };
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic());
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    let is_port = port.parse::<u16>().is_ok_and(|port| port != 0);
    if host.is_empty() || !is_plain || !is_port {
        Err(wrong())
    } else {
        Text::new(text).map_err(|_| wrong())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `MEMBER-01`
    #[test]
    fn names_and_addresses_are_refused_before_anything_is_started() {
        for bad in ["", "   ", &"x".repeat(65)] {
            assert_eq!(label(bad, "it").unwrap_err().status, 2);
        }
        assert_eq!(label("  Acme ", "it").unwrap().as_str(), "Acme");
        for bad in
            ["", "host", ":1", "host:0", "host:x", "ho st:1", &format!("{}:1", "h".repeat(255))]
        {
            assert_eq!(address(bad).unwrap_err().status, 2, "{bad}");
        }
        assert_eq!(address("[::1]:4433").unwrap().as_str(), "[::1]:4433");
    }
}
