//! The window: moves values between the threads, the model and the view.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender};
use std::time::{SystemTime, UNIX_EPOCH};

use egui::{Context, ViewportCommand};
use ipc_schema_ui::FromSecure;
use ui_model::{Answer, Event, Millis, Out, State};
use ui_view::Local;

use crate::convert;
use crate::settings::Settings;
use crate::wire::{Arrived, Numbers, hello};

/// The window's program.
pub(crate) struct App {
    state: State,
    local: Local,
    arrived: Receiver<Arrived>,
    numbers: Numbers,
    secure: Option<(u32, Sender<Vec<u8>>)>,
    title: String,
    stopped: bool,
    kept: Kept,
    steady: u8,
}

/// The settings and where they are kept.
pub(crate) struct Kept {
    pub(crate) folder: Option<PathBuf>,
    pub(crate) settings: Settings,
}

impl App {
    /// A window that has not heard from anyone yet.
    pub(crate) fn new(
        state: State,
        arrived: Receiver<Arrived>,
        numbers: Numbers,
        kept: Kept,
    ) -> Self {
        Self {
            state,
            local: Local::default(),
            arrived,
            numbers,
            secure: None,
            title: String::new(),
            stopped: false,
            kept,
            steady: 0,
        }
    }

    fn arrive(&mut self, arrived: Arrived, ctx: &Context) {
        match arrived {
            Arrived::Attached(life, questions) => {
                if self.secure.take().is_some() {
                    self.state.hear(Event::Gone);
                }
                if let Some(hello) = hello() {
                    // A peer that is gone already will be reported as lost.
                    let _ = questions.send(hello);
                }
                self.secure = Some((life, questions));
            }
            Arrived::Said(life, said) if self.is_current(life) => self.hear(said),
            Arrived::Lost(life) if self.is_current(life) => self.lose(),
            Arrived::Said(..) | Arrived::Lost(_) => {}
            Arrived::Stop => {
                self.stopped = true;
                ctx.send_viewport_cmd(ViewportCommand::Close);
            }
        }
    }

    fn is_current(&self, life: u32) -> bool {
        self.secure.as_ref().is_some_and(|(current, _)| *current == life)
    }

    fn lose(&mut self) {
        self.secure = None;
        self.state.hear(Event::Gone);
    }

    fn hear(&mut self, said: FromSecure) {
        match said {
            FromSecure::Hello { schema, phase } if schema == ipc_schema_ui::schema() => {
                self.state.hear(Event::Phase(convert::phase(phase)));
            }
            // Built from other sources: nothing it says can be trusted to mean what it did.
            FromSecure::Hello { .. } => self.lose(),
            FromSecure::Answer { id, answer } => {
                let answer = convert::answer(answer, now());
                if let (Some(ticket), Some(answer)) = (self.numbers.ticket(id), answer) {
                    self.state.hear(Event::Answer(ticket, answer));
                }
            }
            FromSecure::Event(event) => {
                if let Some(event) = convert::event(event) {
                    self.state.hear(event);
                }
            }
        }
    }

    /// Does what the model wants done.
    fn act(&mut self, ctx: &Context) {
        while let Some(out) = self.state.poll() {
            match out {
                Out::Quit => ctx.send_viewport_cmd(ViewportCommand::Close),
                Out::Ask(ticket, ask) => match self.numbers.frame(ticket, &ask) {
                    Ok(frame) => self.send(frame),
                    Err(refusal) => {
                        self.state.hear(Event::Answer(ticket, Answer::Refused(refusal)));
                    }
                },
            }
        }
        let title = self.state.title();
        if title != self.title {
            ctx.send_viewport_cmd(ViewportCommand::Title(title.clone()));
            self.title = title;
        }
    }

    fn send(&self, frame: Vec<u8>) {
        if let Some((_, questions)) = &self.secure {
            // If the writing thread is gone, the reading one reports the loss.
            let _ = questions.send(frame);
        }
    }

    /// Keeps theme and size of text when they change, and all when the window goes.
    fn keep_settings(&mut self, ctx: &Context) {
        let chosen = self.kept.settings.note_choices(ctx);
        // The toolkit needs two frames to tell the place in points of a new size.
        self.steady = if chosen { 0 } else { self.steady.saturating_add(1) };
        if self.steady > 2 {
            self.kept.settings.note_place(ctx);
        }
        let closing = ctx.input(|input| input.viewport().close_requested());
        if closing || chosen {
            self.kept.settings.write(self.kept.folder.as_deref());
        }
    }

    /// Whether the launcher has asked for the end.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped
    }
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &Context, _frame: &mut eframe::Frame) {
        self.state.now = now();
        while let Ok(arrived) = self.arrived.try_recv() {
            self.arrive(arrived, ctx);
        }
        self.act(ctx);
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        for intent in ui_view::view(&self.state, &mut self.local, ui) {
            self.state.wish(intent);
            // What was asked for shows in the next frame.
            ui.ctx().request_repaint();
        }
        self.act(ui.ctx());
        self.keep_settings(ui.ctx());
    }
}

/// What time it is.
pub(crate) fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
