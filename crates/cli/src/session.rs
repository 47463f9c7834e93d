//! Talking to `secure-proc`.

use std::collections::VecDeque;
use std::path::Path;
use std::time::Duration;

use ipc_io::{Client, Lost, Receiver, Sender};
use ipc_schema::control::{Class, Knock};
use ipc_schema_ui::{
    Answer, Channel, Event, Failure, FromSecure, Phase, Request, RequestId, Team, TeamBits,
    ToSecure,
};

use crate::{Target, Trouble, Wisher, channel_in};

/// A conversation with `secure-proc`, both sides greeted.
#[derive(Debug)]
pub struct Session {
    client: Client,
    phase: Phase,
    patience: Option<Duration>,
    early: VecDeque<Event>,
}

/// What comes from `secure-proc`.
#[derive(Debug, Clone, Eq, PartialEq)]
pub enum Inbound {
    /// An answer.
    Answer(RequestId, Result<Answer, Failure>),
    /// Something happened.
    Event(Event),
}

impl Session {
    /// Comes in at the launcher of a data folder. An answer may take as long as `patience`; `None`
    /// waits for ever.
    ///
    /// # Errors
    /// When nobody runs there, or another version does.
    pub fn enter(data: &Path, class: Class, patience: Option<Duration>) -> Result<Self, Trouble> {
        let mut client = ipc_io::knock(data, &Knock::Enter { class })?;
        let schema = ipc_schema_ui::schema();
        send(|frame| client.send(frame), &ToSecure::Hello { schema })?;
        let frame = client.recv(Some(GREETING))?.ok_or_else(silent)?;
        match ipc_schema::decode(&frame) {
            Ok(FromSecure::Hello { schema: theirs, phase }) if theirs == schema => {
                Ok(Self { client, phase, patience, early: VecDeque::new() })
            }
            Ok(_) | Err(_) => Err(Trouble::refused(
                "other-version",
                "the running secure-proc is from another build than this tool",
                "install all binaries of one build of Sotto, then restart it",
            )),
        }
    }

    /// What could be asked when this began.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Asks under a number that the caller chose: what changes something does so once under each,
    /// however often it is asked.
    ///
    /// # Errors
    /// A refusal, a lost connection, or no answer in time.
    pub fn ask_as(&mut self, id: RequestId, request: Request) -> Result<Answer, Trouble> {
        send(|frame| self.client.send(frame), &ToSecure::Ask { id, request })?;
        let end = self.patience.map(|patience| std::time::Instant::now() + patience);
        loop {
            let left = end.map(|end| end.saturating_duration_since(std::time::Instant::now()));
            let frame = self.client.recv(left)?.ok_or_else(silent)?;
            match understood(&frame)? {
                Inbound::Answer(to, answer) if to == id => return Ok(answer?),
                Inbound::Answer(..) => {}
                Inbound::Event(event) => self.early.push_back(event),
            }
        }
    }

    /// Asks for something that is only done or refused.
    ///
    /// # Errors
    /// As [`Wisher::ask`].
    pub fn done(&mut self, request: Request) -> Result<(), Trouble> {
        if self.ask(request)? == Answer::Done { Ok(()) } else { Err(Trouble::unexpected()) }
    }

    /// The next event, however long it takes.
    ///
    /// # Errors
    /// When the connection is lost.
    pub fn event(&mut self) -> Result<Event, Trouble> {
        loop {
            if let Some(event) = self.early.pop_front() {
                return Ok(event);
            }
            let frame = self.client.recv(None)?.ok_or_else(silent)?;
            if let Inbound::Event(event) = understood(&frame)? {
                return Ok(event);
            }
        }
    }

    /// Two halves, for many questions at once.
    #[must_use]
    pub fn split(self) -> (Receiver, Sender) {
        self.client.split()
    }

    /// The channels of a team.
    ///
    /// # Errors
    /// As [`Wisher::ask`].
    pub fn channels(&mut self, team: TeamBits) -> Result<Vec<Channel>, Trouble> {
        let Answer::Channels(channels) = self.ask(Request::Channels { team })? else {
            return Err(Trouble::unexpected());
        };
        Ok(channels.into_vec())
    }

    /// The team and channel that are meant.
    ///
    /// # Errors
    /// As [`Wisher::ask`], or when there is none.
    pub fn target(&mut self, wanted: &Target) -> Result<(Team, Channel), Trouble> {
        let team = self.team(&wanted.team)?;
        let channel = channel_in(&self.channels(team.id)?, &wanted.channel)?;
        Ok((team, channel))
    }
}

impl Wisher for Session {
    fn ask(&mut self, request: Request) -> Result<Answer, Trouble> {
        self.ask_as(new_id()?, request)
    }
}

impl Inbound {
    /// Reads a frame of `secure-proc`.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(frame: &[u8]) -> Result<Self, Trouble> {
        understood(frame)
    }

    /// Asks through one half; the answer comes to the other, under the same id.
    ///
    /// # Errors
    /// When the connection is lost.
    pub fn ask(sender: &mut Sender, id: RequestId, request: Request) -> Result<(), Trouble> {
        send(|frame| sender.send(frame), &ToSecure::Ask { id, request })
    }
}

fn send(mut way: impl FnMut(&[u8]) -> Result<(), Lost>, message: &ToSecure) -> Result<(), Trouble> {
    // It may carry a passphrase.
    let frame = zeroize::Zeroizing::new(ipc_schema::encode(message).map_err(|_| Lost::Malformed)?);
    Ok(way(&frame)?)
}

fn understood(frame: &[u8]) -> Result<Inbound, Trouble> {
    match ipc_schema::decode(frame).map_err(|_| Lost::Malformed)? {
        FromSecure::Answer { id, answer } => Ok(Inbound::Answer(id, answer)),
        FromSecure::Event(event) => Ok(Inbound::Event(event)),
        FromSecure::Hello { .. } => Err(Trouble::unexpected()),
    }
}

/// A number for a request, drawn at random.
///
/// # Errors
/// When the system gives no randomness.
pub fn new_id() -> Result<RequestId, Trouble> {
    let mut bytes = [0; 16];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        let flags = rustix::rand::GetRandomFlags::empty();
        let count = rustix::rand::getrandom(rest, flags).map_err(|error| {
            Trouble::refused(
                "no-randomness",
                format!("the system gives no randomness: {error}"),
                "",
            )
        })?;
        filled = filled.saturating_add(count);
    }
    Ok(RequestId(bytes))
}

fn silent() -> Trouble {
    Trouble::unreachable(
        "no-answer",
        "secure-proc did not answer in time",
        "it may still be at it: see `sotto-cli status`, or give it longer with --timeout SECONDS",
    )
}

const GREETING: Duration = Duration::from_secs(20);
