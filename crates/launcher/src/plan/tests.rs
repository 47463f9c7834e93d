use ipc_schema::Text;

use super::*;

const OURS: SchemaHash = SchemaHash([1; 32]);

fn all(plan: &mut Plan) -> Vec<Output> {
    std::iter::from_fn(|| plan.poll()).collect()
}

fn run(plan: &mut Plan, now: u64, inputs: impl IntoIterator<Item = Input>) -> Vec<Output> {
    for input in inputs {
        plan.handle(now, input);
    }
    all(plan)
}

fn ready(part: Part) -> Input {
    Input::Ready(part, OURS, Confinement::Full)
}

/// Everything up at time 0.
fn up(headless: bool) -> Plan {
    let mut plan = Plan::new(0, OURS, headless, 1);
    let parts = if headless { &PARTS[..2] } else { &PARTS[..] };
    let started = parts.iter().zip(10..).map(|(part, pid)| Input::Started(*part, pid));
    run(&mut plan, 0, started);
    run(&mut plan, 0, parts.iter().map(|part| ready(*part)));
    plan
}

fn killed(part: Part) -> Input {
    Input::Died(part, Death::Signal(9))
}

fn starts(outputs: &[Output]) -> Vec<Part> {
    outputs
        .iter()
        .filter_map(|output| if let Output::Start(part) = output { Some(*part) } else { None })
        .collect()
}

fn joins(outputs: &[Output]) -> Vec<(Part, u32, u32)> {
    let mut found = Vec::new();
    for output in outputs {
        if let Output::Join { part, part_generation, secure_generation } = output {
            found.push((*part, *part_generation, *secure_generation));
        }
    }
    found
}

/// `LAUNCHER-01`
#[test]
fn the_parts_are_joined_to_secure_proc_once_both_are_ready_and_never_to_each_other() {
    let mut plan = Plan::new(0, OURS, false, 1);
    assert_eq!(starts(&all(&mut plan)), PARTS);
    assert_eq!(joins(&run(&mut plan, 1, [ready(Part::Net)])), []);
    assert_eq!(joins(&run(&mut plan, 2, [ready(Part::Secure)])), [(Part::Net, 1, 1)]);
    let last = run(&mut plan, 3, [ready(Part::Window)]);
    assert_eq!(joins(&last), [(Part::Window, 1, 1)]);
    assert!(last.contains(&Output::Say(Notice::Up)));
}

/// `LAUNCHER-02`
#[test]
fn a_dead_net_proc_starts_again_later_and_later_until_it_has_lived_a_while() {
    let mut plan = up(true);
    let mut now = 0;
    let mut waits = Vec::new();
    for _ in 0..9 {
        let out = run(&mut plan, now, [killed(Part::Net)]);
        let due = plan.wake_at().unwrap();
        assert_eq!(out[0], Output::Say(Notice::Restarts(Part::Net, Death::Signal(9), due - now)));
        waits.push(due - now);
        assert_eq!(starts(&run(&mut plan, due - 1, [Input::Tick])), []);
        assert_eq!(starts(&run(&mut plan, due, [Input::Tick])), [Part::Net]);
        run(&mut plan, due, [ready(Part::Net)]);
        now = due + 9_999;
    }
    assert_eq!(waits, [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
    run(&mut plan, now + 1, [killed(Part::Net)]);
    assert_eq!(plan.wake_at(), Some(now + 101));
}

/// `LAUNCHER-02`
#[test]
fn a_new_net_proc_comes_with_its_next_generation() {
    let mut plan = up(true);
    run(&mut plan, 0, [killed(Part::Net)]);
    run(&mut plan, 100, [Input::Tick, Input::Started(Part::Net, 99)]);
    assert_eq!(joins(&run(&mut plan, 101, [ready(Part::Net)])), [(Part::Net, 2, 1)]);
    assert_eq!(plan.report().net.unwrap().pid, 99);
}

/// `LAUNCHER-03`
#[test]
fn a_new_secure_proc_is_joined_to_the_others_that_live() {
    let mut plan = up(false);
    let out = run(&mut plan, 0, [killed(Part::Secure)]);
    assert!(!out.iter().any(|output| matches!(output, Output::Exit(_) | Output::Kill(_))));
    assert_eq!(starts(&run(&mut plan, 100, [Input::Tick])), [Part::Secure]);
    let out = run(&mut plan, 101, [ready(Part::Secure)]);
    assert_eq!(joins(&out), [(Part::Net, 1, 2), (Part::Window, 1, 2)]);
}

/// `LAUNCHER-04`
#[test]
fn a_window_that_its_user_closed_ends_everything_unless_headless() {
    let mut plan = up(false);
    let out = run(&mut plan, 0, [Input::Closed(Part::Window)]);
    let told: Vec<_> = PARTS.map(|part| Output::Tell(part, ToChild::Stop)).to_vec();
    assert_eq!(out, told);
    let dead = PARTS.map(|part| Input::Died(part, Death::Code(0)));
    assert_eq!(run(&mut plan, 1, dead), [Output::Exit(0)]);

    let mut plan = up(true);
    run(&mut plan, 0, [Input::Knocked(1, Knock::Show), Input::Started(Part::Window, 5)]);
    run(&mut plan, 0, [ready(Part::Window), Input::Closed(Part::Window)]);
    let out = run(&mut plan, 1, [Input::Died(Part::Window, Death::Code(0))]);
    assert_eq!((starts(&out), plan.wake_at()), (vec![], None));
    assert!(!out.iter().any(|output| matches!(output, Output::Exit(_))));
}

/// `LAUNCHER-04`
#[test]
fn a_window_that_was_killed_comes_back_and_one_that_is_shown_again_is_not_doubled() {
    let mut plan = up(false);
    assert!(plan.report().window.is_some());
    assert_eq!(starts(&run(&mut plan, 0, [Input::Knocked(1, Knock::Show)])), []);
    run(&mut plan, 0, [killed(Part::Window)]);
    assert_eq!(starts(&run(&mut plan, 100, [Input::Tick])), [Part::Window]);
    // Shown while it waits for its restart: at once, and only once.
    run(&mut plan, 200, [killed(Part::Window)]);
    assert_eq!(starts(&run(&mut plan, 201, [Input::Knocked(2, Knock::Show)])), [Part::Window]);
    assert_eq!(starts(&run(&mut plan, 9_000, [Input::Tick])), []);
}

/// `LAUNCHER-05`
#[test]
fn stopping_tells_everybody_waits_three_seconds_and_kills_the_rest() {
    let mut plan = up(false);
    run(&mut plan, 0, [killed(Part::Net)]);
    let out = run(&mut plan, 1_000, [Input::Stop]);
    let told = [Part::Secure, Part::Window].map(|part| Output::Tell(part, ToChild::Stop));
    assert_eq!(out, told);
    assert_eq!(plan.wake_at(), Some(4_000));
    assert_eq!(run(&mut plan, 2_000, [Input::Died(Part::Window, Death::Signal(9))]), []);
    assert_eq!(run(&mut plan, 4_000, [Input::Tick]), [Output::Kill(Part::Secure)]);
    assert_eq!(plan.wake_at(), None);
    assert_eq!(run(&mut plan, 4_001, [killed(Part::Secure)]), [Output::Exit(0)]);
}

/// `LAUNCHER-06`
#[test]
fn a_death_by_a_forbidden_call_is_counted_said_and_told_to_secure_proc() {
    let mut plan = up(true);
    let out = run(&mut plan, 0, [Input::Died(Part::Net, Death::Signal(31))]);
    assert_eq!(out[0], Output::Say(Notice::Forbidden(Part::Net)));
    let told = ToChild::Peers { net: None, window: None, net_starts: 1, forbidden_calls: 1 };
    assert_eq!(out.last(), Some(&Output::Tell(Part::Secure, told)));
    assert_eq!(plan.report().forbidden_calls, 1);
    run(&mut plan, 0, [killed(Part::Secure)]);
    assert_eq!(plan.report().forbidden_calls, 1, "another signal is no security event");
}

/// `LAUNCHER-06`
#[test]
fn secure_proc_hears_of_a_change_once_and_a_new_one_hears_it_again() {
    let told = |outputs: &[Output]| {
        outputs
            .iter()
            .filter(|output| matches!(output, Output::Tell(_, ToChild::Peers { .. })))
            .count()
    };
    let mut plan = up(true);
    assert_eq!(told(&run(&mut plan, 1, [Input::Tick, Input::Tick])), 0);
    run(&mut plan, 2, [killed(Part::Secure)]);
    run(&mut plan, 200, [Input::Tick]);
    assert_eq!(told(&run(&mut plan, 201, [ready(Part::Secure)])), 1);
    let reduced = Confinement::Reduced(Text::cut("old kernel"));
    run(&mut plan, 300, [killed(Part::Net)]);
    run(&mut plan, 400, [Input::Tick]);
    let out = run(&mut plan, 401, [Input::Ready(Part::Net, OURS, reduced.clone())]);
    assert!(out.contains(&Output::Say(Notice::Unconfined(Part::Net, reduced))));
    assert_eq!(told(&out), 1);
}

/// `LAUNCHER-07`
#[test]
fn visitors_wait_for_secure_proc_in_bounds_and_only_tools_are_let_in() {
    let enter = |class| Knock::Enter { class };
    let mut plan = Plan::new(0, OURS, true, 1);
    all(&mut plan);
    let knocks = (0..20).map(|visitor| Input::Knocked(visitor, enter(Class::CommandLine)));
    assert_eq!(run(&mut plan, 0, knocks), [16, 17, 18, 19].map(Output::Refuse));
    let out = run(&mut plan, 1, [ready(Part::Secure)]);
    let handed = |output: &&Output| matches!(output, Output::HandOver { .. });
    assert_eq!(out.iter().filter(handed).count(), 16);

    for class in [Class::Secure, Class::Net, Class::Window] {
        let out = run(&mut plan, 2, [Input::Knocked(30, enter(class))]);
        assert_eq!(out, [Output::Refuse(30)]);
    }
    let class = Class::MemberTool;
    let out = run(&mut plan, 2, [Input::Knocked(31, enter(class))]);
    assert_eq!(out, [Output::HandOver { visitor: 31, class, generation: 17 }]);

    run(&mut plan, 3, [Input::Stop]);
    assert_eq!(run(&mut plan, 3, [Input::Knocked(32, enter(class))]), [Output::Refuse(32)]);
}

/// `LAUNCHER-09`
#[test]
fn a_child_that_will_not_run_here_is_not_started_for_ever() {
    // Told by its status that repeating is no use.
    let mut plan = Plan::new(0, OURS, true, 1);
    all(&mut plan);
    let refused = Death::Code(70);
    let out = run(&mut plan, 1, [Input::Died(Part::Secure, refused)]);
    assert_eq!(out[0], Output::Say(Notice::GaveUp(Part::Secure, refused)));
    assert_eq!(run(&mut plan, 2, [killed(Part::Net)]), [Output::Exit(1)]);

    // Failing before it is ready, five times in a row.
    let mut plan = Plan::new(0, OURS, false, 1);
    let failed = Death::Code(1);
    let mut now = 0;
    for _ in 0..4 {
        run(&mut plan, now, [Input::Died(Part::Window, failed)]);
        now = plan.wake_at().unwrap();
        assert_eq!(starts(&run(&mut plan, now, [Input::Tick])), [Part::Window]);
    }
    let out = run(&mut plan, now, [Input::Died(Part::Window, failed)]);
    assert_eq!(out, [Output::Say(Notice::GaveUp(Part::Window, failed))]);
    assert_eq!(plan.wake_at(), None, "the others go on");
}

/// `LAUNCHER-09`
#[test]
fn a_child_of_another_build_stops_everything() {
    let mut plan = up(true);
    run(&mut plan, 0, [killed(Part::Net)]);
    run(&mut plan, 100, [Input::Tick]);
    let foreign = Input::Ready(Part::Net, SchemaHash([2; 32]), Confinement::Full);
    let out = run(&mut plan, 101, [foreign]);
    assert_eq!(out[0], Output::Say(Notice::OtherVersion(Part::Net)));
    let dead = [Part::Secure, Part::Net].map(killed);
    assert_eq!(run(&mut plan, 102, dead), [Output::Exit(1)]);
}

/// `LAUNCHER-09`
#[test]
fn a_child_that_breaks_the_rules_is_killed_and_restarted_like_any_dead_one() {
    let mut plan = up(true);
    let out = run(&mut plan, 0, [Input::Astray(Part::Net)]);
    assert_eq!(out, [Output::Say(Notice::Astray(Part::Net)), Output::Kill(Part::Net)]);
    run(&mut plan, 1, [killed(Part::Net)]);
    assert_eq!(plan.wake_at(), Some(101));
}
