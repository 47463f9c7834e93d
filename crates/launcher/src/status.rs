//! What is printed on standard output.

use std::io::{self, Write as _};

use ipc_schema::control::{Confinement, Life, Report};
use serde_json::{Value, json};

/// Prints a report; as one JSON object in one line, if so wished.
pub(crate) fn print(report: &Report, json: bool) {
    out(&if json { object(report).to_string() } else { text(report) });
}

/// Prints an error: JSON on standard output, text on standard error.
pub(crate) fn print_error(code: &str, message: &str, hint: &str, json: bool) {
    if json {
        out(&json!({"error": code, "message": message, "hint": hint}).to_string());
    } else {
        // Nobody may be reading any more.
        let _ = writeln!(io::stderr(), "error: {message}\n  {hint}");
    }
}

fn object(report: &Report) -> Value {
    json!({
        "launcher": report.launcher,
        "secure-proc": life(report.secure.as_ref()),
        "net-proc": life(report.net.as_ref()),
        "ui-proc": life(report.window.as_ref()),
        "forbidden_calls": report.forbidden_calls,
    })
}

fn life(life: Option<&Life>) -> Value {
    let Some(life) = life else {
        return Value::Null;
    };
    let (level, lacks) = match &life.confinement {
        None => (None, ""),
        Some(Confinement::Full) => (Some("full"), ""),
        Some(Confinement::Reduced(why)) => (Some("reduced"), why.as_str()),
        Some(Confinement::None(why)) => (Some("none"), why.as_str()),
    };
    json!({"pid": life.pid, "starts": life.generation, "confinement": level, "lacks": lacks})
}

fn text(report: &Report) -> String {
    let mut lines = vec![format!("launcher     process {}", report.launcher)];
    let rows =
        [("secure-proc", &report.secure), ("net-proc", &report.net), ("ui-proc", &report.window)];
    for (name, life) in rows {
        lines.push(match life {
            None => format!("{name:12} not running"),
            Some(life) => format!(
                "{name:12} process {}, started {}, confinement {}",
                life.pid,
                times(life.generation),
                match &life.confinement {
                    None => "not yet known: it is starting".to_owned(),
                    Some(Confinement::Full) => "full".to_owned(),
                    Some(Confinement::Reduced(why)) => format!("reduced: {why}"),
                    Some(Confinement::None(why)) => format!("NONE: {why}"),
                }
            ),
        });
    }
    lines.push(match report.forbidden_calls {
        0 => "no process called what it must not".to_owned(),
        count => format!(
            "SECURITY: a process was killed for a forbidden call {}; somebody may have taken it over",
            times(count)
        ),
    });
    lines.join("\n")
}

fn times(count: u32) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

fn out(text: &str) {
    // Whoever asked may have stopped reading.
    let _ = writeln!(io::stdout(), "{text}");
}

#[cfg(test)]
mod tests {
    use ipc_schema::Text;

    use super::*;

    fn report() -> Report {
        Report {
            launcher: 7,
            secure: Some(Life { pid: 8, generation: 1, confinement: Some(Confinement::Full) }),
            net: Some(Life {
                pid: 9,
                generation: 3,
                confinement: Some(Confinement::Reduced(Text::cut("no Landlock"))),
            }),
            window: None,
            forbidden_calls: 2,
        }
    }

    /// `LAUNCHER-11`
    #[test]
    fn the_fields_of_the_report_keep_their_names() {
        assert_eq!(
            object(&report()),
            json!({
                "launcher": 7,
                "secure-proc": {"pid": 8, "starts": 1, "confinement": "full", "lacks": ""},
                "net-proc": {"pid": 9, "starts": 3, "confinement": "reduced", "lacks": "no Landlock"},
                "ui-proc": null,
                "forbidden_calls": 2,
            })
        );
    }

    /// `LAUNCHER-11`
    #[test]
    fn people_read_the_same_in_sentences() {
        assert_eq!(
            text(&report()),
            "launcher     process 7\n\
             secure-proc  process 8, started once, confinement full\n\
             net-proc     process 9, started 3 times, confinement reduced: no Landlock\n\
             ui-proc      not running\n\
             SECURITY: a process was killed for a forbidden call 2 times; somebody may have taken \
             it over"
        );
    }
}
