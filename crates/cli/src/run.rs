//! Each command, as one request or a few.

use std::time::Duration;

use cli::{
    Out, Session, Target, Trouble, Wisher as _, hex, name_text, new_passphrase, passphrase, safe,
    state, team_text,
};
use ipc_schema::Text;
use ipc_schema::control::Class;
use ipc_schema_ui::{
    Answer, Body, DeviceRow, Label, LinkState, MAX_ROWS, NameBits, Phase, Request, RequestId, Row,
    Status, TeamBits,
};
use serde_json::json;

use crate::args::{Args, Command};
use crate::{follow, join, lines};

/// Does what the line says.
pub(crate) fn run(args: Args) -> Result<(), Trouble> {
    let out = Out::new(args.json);
    let data = args.data.or_else(ipc_io::default_data_dir).ok_or_else(|| {
        Trouble::usage("there is no home folder to look for data in", "name it with --data DIR")
    })?;
    let patience = Some(Duration::from_secs(args.timeout));
    let mut session = Session::enter(&data, Class::CommandLine, patience)?;
    match args.command {
        Command::Create { user, device } => create(&mut session, out, &user, &device),
        Command::Unlock => unlock(&mut session, out),
        Command::Lock => {
            session.done(Request::Lock)?;
            Ok(out.print(|| json!({"phase": "locked"}), || "locked".to_owned())?)
        }
        Command::Whoami => whoami(&mut session, out),
        Command::Teams => teams(&mut session, out),
        Command::Channels { team } => {
            let team = session.team(&team)?;
            for channel in session.channels(team.id)? {
                out.print(
                    || cli::channel(&channel),
                    || format!("{:>5}  {}", channel.id, safe(channel.name.as_str())),
                )?;
            }
            Ok(())
        }
        Command::Send { target, lines: true, reply_to, .. } => {
            let (team, channel) = session.target(&target)?;
            lines::send(session, out, team.id, channel.id, reply_to)
        }
        Command::Send { target, text, reply_to, request, .. } => {
            let id = request.map_or_else(cli::new_id, |bytes| Ok(RequestId(bytes)))?;
            send(&mut session, out, id, &target, text.unwrap_or_default(), reply_to)
        }
        Command::Read { target, before, limit, thread } => {
            read(&mut session, out, &target, thread, before, limit)
        }
        Command::Follow { scope } => follow::follow(&mut session, out, scope.as_deref()),
        Command::Join { link, fingerprint } => join::join(&mut session, out, &link, fingerprint),
        Command::Refresh { team } => {
            let team = session.team(&team)?;
            session.done(Request::Refresh { team: team.id })?;
            let id = team_text(team.id);
            let text = "the wish is kept; it is done when the origin relay is reached";
            Ok(out.print(|| json!({"team": id}), || text.to_owned())?)
        }
        Command::Devices { team } => {
            let team = session.team(&team)?;
            for row in session.devices(team.id)? {
                out.print(|| cli::device(&row), || cli::device_line(&row, cli::now()))?;
            }
            Ok(())
        }
        Command::Device(change) => cli::change_device(&mut session, out, &change),
        Command::User(change) => cli::change_user(&mut session, out, &change),
        Command::Status => {
            let Answer::Status(status) = session.ask(Request::Status)? else {
                return Err(Trouble::unexpected());
            };
            if out.is_json() {
                return Ok(out.print(|| cli::status(&status), String::new)?);
            }
            // Names make it readable; whoever may not see them gets the numbers.
            let mut names = |team| session.devices(team).unwrap_or_default();
            Ok(out.print(|| json!({}), || text_of(&status, &mut names))?)
        }
    }
}

fn create(session: &mut Session, out: Out, user: &str, device: &str) -> Result<(), Trouble> {
    let (user, device) = (label(user, "a user's name")?, label(device, "a device's name")?);
    if session.phase() != Phase::FirstStart {
        let hint = "open it with `sotto-cli unlock`";
        return Err(Trouble::refused("vault-exists", "there is a vault already", hint));
    }
    let passphrase = new_passphrase("new passphrase: ")?;
    session.done(Request::Create { passphrase, user, device })?;
    Ok(out.print(|| json!({"phase": "unlocked"}), || "the vault is made, and open".to_owned())?)
}

fn unlock(session: &mut Session, out: Out) -> Result<(), Trouble> {
    if session.phase() == Phase::FirstStart {
        let hint = "make one: `sotto-cli create --user NAME --device NAME`, or in the window";
        return Err(Trouble::refused("no-vault", "there is no vault yet", hint));
    }
    session.done(Request::Unlock { passphrase: passphrase("passphrase: ")? })?;
    Ok(out.print(|| json!({"phase": "unlocked"}), || "unlocked".to_owned())?)
}

fn whoami(session: &mut Session, out: Out) -> Result<(), Trouble> {
    let Answer::WhoAmI(names) = session.ask(Request::WhoAmI)? else {
        return Err(Trouble::unexpected());
    };
    let key = hex(&names.user_key);
    let (user, device) = (names.user.as_str(), names.device.as_str());
    out.print(
        || json!({"user": user, "device": device, "user_key": key}),
        || format!("{}, on {}\nkey {key}", safe(user), safe(device)),
    )?;
    Ok(())
}

fn teams(session: &mut Session, out: Out) -> Result<(), Trouble> {
    let teams = session.teams()?;
    if teams.is_empty() {
        out.note("no team yet: `sotto-cli join LINK` asks to be added to one");
    }
    for team in teams {
        out.print(
            || cli::team(&team),
            || {
                let line = format!("{}  {}", team_text(team.id), safe(team.name.as_str()));
                match &team.removed {
                    None => line,
                    Some(removed) => format!("{line}\n    {}", cli::removed(Some(removed))),
                }
            },
        )?;
    }
    Ok(())
}

fn send(
    session: &mut Session,
    out: Out,
    id: RequestId,
    target: &Target,
    text: String,
    reply_to: Option<NameBits>,
) -> Result<(), Trouble> {
    let text = body(text)?;
    let (team, channel) = session.target(target)?;
    let (team, channel) = (team.id, channel.id);
    let request = Request::Send { team, channel, text, reply_to };
    let Answer::Sent { row } = session.ask_as(id, request)? else {
        return Err(Trouble::unexpected());
    };
    Ok(out.print(|| sent(&row), || format!("{}  {}", state(row.state), name_text(row.name)))?)
}

/// What `send` says of a message.
pub(crate) fn sent(row: &Row) -> serde_json::Value {
    let all = cli::row(row);
    json!({"name": all.get("name"), "state": all.get("state")})
}

/// A text that fits a message.
pub(crate) fn body(text: String) -> Result<Body, Trouble> {
    if text.trim().is_empty() {
        return Err(Trouble::refused("bad-text", "the text is empty", "write something"));
    }
    Body::new(text).map_err(|long| {
        let message = format!("the text has {} bytes; {} are the most", long.len, long.most);
        Trouble::refused("bad-text", message, "send it as several messages")
    })
}

fn read(
    session: &mut Session,
    out: Out,
    target: &Target,
    thread: Option<NameBits>,
    mut before: Option<NameBits>,
    limit: u32,
) -> Result<(), Trouble> {
    let (team, channel) = session.target(target)?;
    let mut left = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut pages: Vec<Vec<Row>> = Vec::new();
    loop {
        let limit = u16::try_from(left.min(MAX_ROWS)).unwrap_or(u16::MAX);
        let (team, channel) = (team.id, channel.id);
        let asked = session.ask(Request::Page { team, channel, thread, before, limit })?;
        let Answer::Page { rows, more } = asked else {
            return Err(Trouble::unexpected());
        };
        let rows = rows.into_vec();
        left = left.saturating_sub(rows.len());
        // A page without rows that promises more would never end.
        let goes_on = more && left > 0 && !rows.is_empty();
        before = rows.first().map(|row| row.name);
        pages.push(rows);
        if !goes_on {
            break;
        }
    }
    for row in pages.iter().rev().flatten() {
        out.print(|| cli::row(row), || cli::line(row))?;
    }
    Ok(())
}

fn label(text: &str, what: &str) -> Result<Label, Trouble> {
    let wrong = || Trouble::usage(format!("{what} has 1 to 64 bytes"), "choose another");
    if text.trim().is_empty() { Err(wrong()) } else { Text::new(text.trim()).map_err(|_| wrong()) }
}

fn text_of(status: &Status, devices: &mut dyn FnMut(TeamBits) -> Vec<DeviceRow>) -> String {
    let phase = match status.phase {
        Phase::FirstStart => "no vault yet: `sotto-cli create`",
        Phase::Locked => "locked: `sotto-cli unlock`",
        Phase::Unlocked => "unlocked",
    };
    let link = match &status.link {
        LinkState::NoRelay => "no relay known".to_owned(),
        LinkState::Online { skew } => {
            cli::skew(*skew).map_or("online".to_owned(), |wrong| format!("online; {wrong}"))
        }
        LinkState::Offline { since, why } => {
            format!("offline since {}: {}", cli::clock(*since), safe(why.as_str()))
        }
    };
    let mut lines = vec![
        format!("vault        {phase}"),
        format!("relay        {link}"),
        format!("secure-proc  confinement {}", cli::level(Some(&status.secure))),
        format!("net-proc     confinement {}", cli::level(status.net.as_ref())),
        format!("ui-proc      confinement {}", cli::level(status.window.as_ref())),
    ];
    if status.forbidden_calls > 0 {
        let count = status.forbidden_calls;
        lines.push(format!("SECURITY     processes killed for forbidden calls: {count}"));
    }
    for team in status.teams.as_slice() {
        lines.push(format!("team         {}", safe(team.name.as_str())));
        let said = cli::team_lines(team, &devices(team.id));
        lines.extend(said.into_iter().map(|line| format!("             {line}")));
    }
    for joining in status.joining.as_slice() {
        let (team, hash) = (team_text(joining.team), hex(&joining.hash));
        lines.push(format!("joining      {team}: waits for the admin to add {hash}"));
    }
    lines.join("\n")
}
