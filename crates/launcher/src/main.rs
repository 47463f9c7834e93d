#![doc = include_str!("../README.md")]

mod args;
mod child;
mod house;
mod part;
mod plan;
mod shell;
mod stage;
mod status;

use std::path::Path;
use std::process::ExitCode;

use clap::Parser as _;
use ipc_io::KnockError;
use ipc_schema::control::{Confinement, Knock, Report};

use crate::args::{Args, Command};
use crate::house::{House, HouseError};
use crate::part::Death;
use crate::plan::Notice;
use crate::shell::{Shell, Wishes, complain};

fn main() -> ExitCode {
    let args = Args::parse();
    let Some(data) = args.data.clone().or_else(ipc_io::default_data_dir) else {
        return refuse(&HouseError::NoHome, args.json);
    };
    match args.command {
        Some(Command::Status) => ask(&data, &Knock::Status, args.json),
        Some(Command::Stop) => stop(&data, args.json),
        None => launch(&data, &args),
    }
}

fn launch(data: &Path, args: &Args) -> ExitCode {
    let house = match House::enter(data) {
        Err(HouseError::RunsAlready(_)) if !args.headless => return show(data, args.json),
        Err(error) => return refuse(&error, args.json),
        Ok(house) => house,
    };
    if !args.headless && !has_display() {
        return refuse(&HouseError::NoDisplay, args.json);
    }
    let wishes = Wishes {
        relay: args.relay.clone(),
        geometry: args.geometry.clone(),
        headless: args.headless,
        allow_unconfined: args.allow_unconfined,
    };
    let signals = match shell::signals() {
        Ok(signals) => signals,
        Err(error) => {
            return fail("no-signals", &format!("signals cannot be caught: {error}"), args.json);
        }
    };
    let listener = ipc_io::socket_path(&house.data)
        .map_err(|error| error.to_string())
        .and_then(|path| ipc_io::Listener::bind(&path).map_err(|error| error.to_string()));
    let listener = match listener {
        Ok(listener) => listener,
        Err(why) => {
            return fail("no-socket", &format!("the socket cannot be made: {why}"), args.json);
        }
    };
    let say = if args.json { say_json } else { say_text };
    match Shell::new(&house, &wishes, listener, signals, say).run() {
        Ok(status) => ExitCode::from(status),
        Err(error) => fail("poll-failed", &format!("waiting failed: {error}"), args.json),
    }
}

fn has_display() -> bool {
    ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// Brings up the window of the launcher that runs already.
fn show(data: &Path, json: bool) -> ExitCode {
    match ipc_io::ask(data, &Knock::Show) {
        Ok(report) => {
            let data = data.display();
            let line = format!(
                "runs already for {data} (process {}): its window is shown",
                report.launcher
            );
            complain(format_args!("{line}"));
            if json {
                status::print(&report, true);
            }
            ExitCode::SUCCESS
        }
        Err(error) => unreachable_launcher(data, &error, json),
    }
}

fn ask(data: &Path, knock: &Knock, json: bool) -> ExitCode {
    match ipc_io::ask(data, knock) {
        Ok(report) => {
            status::print(&report, json);
            ExitCode::SUCCESS
        }
        Err(error) => unreachable_launcher(data, &error, json),
    }
}

/// Stops the launcher, and returns when it is gone.
fn stop(data: &Path, json: bool) -> ExitCode {
    if let Err(error) = ipc_io::ask(data, &Knock::Stop) {
        return unreachable_launcher(data, &error, json);
    }
    let lock = std::fs::File::open(house::lock_path(data));
    let gone =
        lock.and_then(|lock| Ok(rustix::fs::flock(lock, rustix::fs::FlockOperation::LockShared)?));
    match gone {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail("no-lock", &format!("its end cannot be awaited: {error}"), json),
    }
}

fn unreachable_launcher(data: &Path, error: &KnockError, json: bool) -> ExitCode {
    let (code, hint) = if matches!(error, KnockError::NotRunning) {
        ("not-running", format!("start it with `sotto --data {}`", data.display()))
    } else {
        let hint = "try again; if that does not help, end it by its process number";
        ("not-reachable", hint.to_owned())
    };
    status::print_error(code, &error.to_string(), &hint, json);
    ExitCode::from(3)
}

fn refuse(error: &HouseError, json: bool) -> ExitCode {
    status::print_error(error.code(), &error.to_string(), &error.hint(), json);
    ExitCode::from(error.status())
}

fn fail(code: &str, message: &str, json: bool) -> ExitCode {
    status::print_error(code, message, "nothing was started", json);
    ExitCode::FAILURE
}

fn say_text(notice: &Notice, _: &Report) {
    complain(format_args!("{}", sentence(notice)));
}

fn say_json(notice: &Notice, report: &Report) {
    if *notice == Notice::Up {
        status::print(report, true);
    } else {
        say_text(notice, report);
    }
}

fn sentence(notice: &Notice) -> String {
    match notice {
        Notice::Forbidden(part) => format!(
            "SECURITY: {part} was killed because it called what it must never call. Somebody may \
             have taken it over, or this build does not fit this system. Look at `sotto status`"
        ),
        Notice::Restarts(part, death, after) => {
            format!("{part} {}; it starts again in {after} ms", died(*death))
        }
        Notice::GaveUp(part, death) => {
            format!("{part} {} and will not run here; what it wrote above says why", died(*death))
        }
        Notice::Unconfined(part, Confinement::Reduced(why)) => {
            format!("{part} runs with reduced confinement: {why}")
        }
        Notice::Unconfined(part, Confinement::None(why)) => {
            format!("WARNING: {part} runs without confinement: {why}")
        }
        Notice::Unconfined(part, Confinement::Full) => format!("{part} is fully confined"),
        Notice::OtherVersion(part) => {
            format!("{part} is from another build than sotto; install all binaries of one build")
        }
        Notice::NotStarted(part) => format!("stopping, since {part} could not be started"),
        Notice::Astray(part) => {
            format!("{part} broke the rules of its control channel; killing it")
        }
        Notice::Up => "running; Ctrl+C or `sotto stop` ends it".to_owned(),
    }
}

fn died(death: Death) -> String {
    match death {
        Death::Code(code) => format!("ended with status {code}"),
        Death::Signal(signal) => format!("was ended by signal {signal}"),
    }
}
