//! Messages without windows: from a request to Alice's `secure-proc` to the event of Bob's.

use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use cli::{Session, Wisher as _};
use harness::{During, Trouble};
use ipc_schema::control::Class;
use ipc_schema_ui::{Body, Event, Request, Scope};

use super::numbers::Samples;
use super::report::{Line, Report};
use super::stage::{Meter, Stage};

/// What arrives at somebody, as it arrives.
#[derive(Debug)]
pub(crate) struct Arrivals(Receiver<(Instant, String)>);

impl Arrivals {
    /// Listens at the endpoint of a data folder.
    pub(crate) fn at(data: &Path) -> Result<Self, Trouble> {
        let mut session = enter(data)?;
        said(session.done(Request::Follow { scope: Scope::All }))?;
        let (sender, arrivals) = channel();
        std::thread::spawn(move || {
            // It ends with the endpoint, or when nobody listens any more.
            while let Ok(event) = session.event() {
                let at = Instant::now();
                if let Event::Message { row, .. } = event
                    && !row.own
                    && sender.send((at, row.text.as_str().to_owned())).is_err()
                {
                    return;
                }
            }
        });
        Ok(Self(arrivals))
    }

    /// When did this text arrive? Waits for it.
    pub(crate) fn of(&self, text: &str) -> Result<Instant, Trouble> {
        loop {
            let next = self.0.recv_timeout(Duration::from_secs(60));
            let (at, arrived) = next.during(format_args!("{text:?} does not arrive"))?;
            if arrived == text {
                return Ok(at);
            }
        }
    }
}

/// Sends messages one after the other and reports how long each took.
pub(crate) fn measure(stage: &Stage, count: usize, report: &mut Report) -> Result<(), Trouble> {
    let mut alice = enter(stage.world.alice.data())?;
    let target = said(cli::Target::parse(&stage.world.general()))?;
    let (team, room) = said(alice.target(&target))?;
    let arrivals = Arrivals::at(stage.world.bob.data())?;
    let (mut kept, mut whole) = (Samples::default(), Samples::default());
    let meter = Meter::begin(stage)?;
    for number in 0..count {
        let text = format!("without windows {number}");
        let body = Body::new(text.clone()).map_err(|_| Trouble::new("the text is too long"))?;
        let (team, channel) = (team.id, room.id);
        let ask = Request::Send { team, channel, text: body, reply_to: None };
        let began = Instant::now();
        said(alice.ask(ask))?;
        kept.add_time(began.elapsed());
        whole.add_time(arrivals.of(&text)?.saturating_duration_since(began));
        // As somebody who writes: what follows a message is over when the next one comes.
        std::thread::sleep(PAUSE);
    }
    report.add(Line::of("without windows: request to answer, durable at Alice", "ms", &kept));
    report.add(Line::of("without windows: request to Bob's event", "ms", &whole));
    meter.end("without windows", count, report)
}

fn enter(data: &Path) -> Result<Session, Trouble> {
    said(Session::enter(data, Class::CommandLine, Some(Duration::from_secs(60))))
}

fn said<T, E: std::fmt::Debug>(result: Result<T, E>) -> Result<T, Trouble> {
    result.map_err(|trouble| Trouble::new(format!("secure-proc: {trouble:?}")))
}

const PAUSE: Duration = Duration::from_millis(60);
