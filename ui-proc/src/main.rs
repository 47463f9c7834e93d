#![doc = include_str!("../README.md")]

mod app;
mod args;
mod convert;
mod settings;
mod window;
mod wire;
mod zone;

use std::process::ExitCode;

use ipc_io::{Control, ControlSender};
use ipc_schema::{Text, control::Confinement};
use sandbox_io::{Level, Paths, Role, confine, fds, harden};
use ui_model::State;
use zeroizing_alloc::ZeroAlloc;

use app::{App, Kept};
use args::Args;
use settings::Settings;
use wire::Numbers;

/// Wipes everything that is freed: texts and passphrases pass through the toolkit's own copies,
/// which know nothing of wiping.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<std::alloc::System> = ZeroAlloc(std::alloc::System);

fn main() -> ExitCode {
    if let Err(error) = harden(Role::Ui, &[]) {
        eprintln!("ui-proc: {error}");
        return ExitCode::from(error.exit_status());
    }
    let args = match Args::read(std::env::args().skip(1)) {
        Ok(args) => args,
        Err(error) => {
            eprintln!("ui-proc: {error}");
            return ExitCode::from(2);
        }
    };
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ui-proc: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<(), String> {
    let said = |what: &'static str| move |error| format!("{what}: {error}");
    let stdin = fds::take_stdin().map_err(said("no control channel on standard input"))?;
    let mut random = [0; 8];
    rustix::rand::getrandom(&mut random[..], rustix::rand::GetRandomFlags::empty())
        .map_err(|error| format!("no randomness: {error}"))?;
    let mut state = State::new(ipc_schema_ui::MAX_BODY, zone::local(jiff::Timestamp::now()));
    state.device_hint = device_name();
    state.now = app::now();

    let settings = Settings::read(args.settings.as_deref());
    let geometry = args.geometry.or(settings.geometry);

    let level = confine(Role::Ui, &Paths::ui(args.settings.as_deref()));
    let (receiver, mut sender) = Control::split(stdin).map_err(said("the control channel"))?;
    tell(&mut sender, wire::ready(confinement(&level)))?;

    let kept = Kept { folder: args.settings.clone(), settings };
    let stopped = window::run(geometry, |ctx| {
        ui_view::install(&ctx);
        kept.settings.apply(&ctx);
        let (bell, arrived) = wire::Bell::new(ctx);
        wire::listen(receiver, bell)?;
        Ok(App::new(state, arrived, Numbers::new(random), kept))
    })?;
    if !stopped {
        tell(&mut sender, wire::closed())?;
    }
    Ok(())
}

fn tell(sender: &mut ControlSender, frame: Option<Vec<u8>>) -> Result<(), String> {
    let frame = frame.ok_or("a message to the launcher could not be built")?;
    sender.send(&frame).map_err(|error| format!("the launcher: {error}"))
}

fn confinement(level: &Level) -> Confinement {
    let lacks = level.lacks().iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    match level {
        Level::Full => Confinement::Full,
        Level::Reduced(_) => Confinement::Reduced(Text::cut(&lacks)),
        Level::None(_) => Confinement::None(Text::cut(&lacks)),
    }
}

/// What this machine calls itself, as a suggestion.
fn device_name() -> String {
    let system = rustix::system::uname();
    let name = system.nodename().to_string_lossy();
    name.split('.').next().unwrap_or_default().to_owned()
}
