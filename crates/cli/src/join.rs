//! Asking to be added to a team, once a person has confirmed whose it is.

use cli::{Out, Session, Trouble, Wisher as _, confirm, hex, safe, team_text};
use ipc_schema_ui::{Answer, LinkText, Request};
use serde_json::json;

/// Reads the link, has its fingerprint confirmed, and asks to be added.
pub(crate) fn join(
    session: &mut Session,
    out: Out,
    link: &str,
    confirmed: Option<[u8; 32]>,
) -> Result<(), Trouble> {
    let link = LinkText::new(link.trim()).map_err(|_| {
        Trouble::refused("bad-link", "this is too long for a link", "copy the whole line again")
    })?;
    let asked = session.ask(Request::ReadLink { link: link.clone() })?;
    let Answer::Link { team, fingerprint, relay } = asked else {
        return Err(Trouble::unexpected());
    };
    let shown = hex(&fingerprint);
    match confirmed {
        Some(confirmed) if confirmed == fingerprint => {}
        Some(_) => {
            return Err(Trouble::refused(
                "wrong-fingerprint",
                format!("the link is for another organisation: its fingerprint is {shown}"),
                "do not join; ask your admin for the link again, over another way",
            ));
        }
        None => {
            let question = format!(
                "team         {}\nrelay        {}\nfingerprint  {shown}\n\
                 Compare the fingerprint with your admin, over another way than the link came.\n\
                 Is it the same? [y/N] ",
                team_text(team),
                safe(relay.as_str()),
            );
            match confirm(&question)? {
                Some(true) => {}
                Some(false) => {
                    let hint = "nothing was sent";
                    return Err(Trouble::refused("not-confirmed", "not joined", hint));
                }
                None => {
                    return Err(Trouble::usage(
                        "there is no terminal to confirm the fingerprint at",
                        format!("compare it with your admin, then add --fingerprint {shown}"),
                    ));
                }
            }
        }
    }
    let answer = session.ask(Request::Join { link, fingerprint })?;
    if answer == Answer::Done {
        let (team, relay) = (team_text(team), relay.as_str());
        let told = format!("this device is in that team, and uses the relay {} now", safe(relay));
        return Ok(out.print(|| json!({"team": team, "relay": relay}), || told)?);
    }
    let Answer::Joining(joining) = answer else {
        return Err(Trouble::unexpected());
    };
    out.print(
        || cli::join(&joining),
        || {
            format!(
                "asked to be added. Give this hash to your admin, whole:\n  {}\nwho runs\n  \
             sotto-member --data DIR device add {} HASH",
                hex(&joining.hash),
                team_text(joining.team),
            )
        },
    )?;
    Ok(())
}
