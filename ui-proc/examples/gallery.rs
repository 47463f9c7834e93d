//! Shows the window's screens with a script in place of the secure process, to look at them:
//! `cargo run -p ui-proc --example gallery -- main --light`.

#[path = "../../crates/ui-view/tests/ui/scene.rs"]
#[expect(
    dead_code,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "shared with tests, which use more of it"
)]
mod scene;

use scene::{ME, NOON, Scene, channel, general};
use ui_model::{Event, Intent, Link, Millis, Phase, Standing};

fn main() -> eframe::Result {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| args.iter().any(|arg| arg == flag);
    let wide = if has("--half") { 640.0 } else { 1_200.0 };
    let screen = args.first().cloned().unwrap_or_default();
    let light = has("--light");
    let thread = has("--thread");
    let viewport = egui::ViewportBuilder::default().with_inner_size([wide, 760.0]);
    let options = eframe::NativeOptions { viewport, ..Default::default() };
    let created = Box::new(move |creation: &eframe::CreationContext<'_>| {
        ui_view::install(&creation.egui_ctx);
        let theme = if light { egui::Theme::Light } else { egui::Theme::Dark };
        creation.egui_ctx.set_theme(theme);
        Ok(Box::new(Gallery(scene(&screen, thread))) as Box<dyn eframe::App>)
    });
    eframe::run_native("sotto-gallery", options, created)
}

struct Gallery(Scene);

impl eframe::App for Gallery {
    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        self.0.frame(ui);
    }
}

fn scene(screen: &str, thread: bool) -> Scene {
    let link = "sotto-join:example".to_owned();
    match screen {
        "first" => Scene::new(Phase::FirstStart),
        "unlock" => Scene::new(Phase::Locked),
        "wait" => {
            let mut scene = Scene::new(Phase::Locked);
            let wrong = ui_model::Passphrase::new("wrong".to_owned());
            scene.state.wish(Intent::Unlock(wrong));
            scene.answer_all();
            scene
        }
        "gone" => {
            let mut scene = talk();
            scene.state.hear(Event::Gone);
            scene
        }
        "join" | "confirm" | "hash" => {
            let mut scene = Scene::new(Phase::Locked);
            scene.teams.clear();
            scene.unlock();
            if screen != "join" {
                scene.state.wish(Intent::EnterLink(link));
                scene.answer_all();
            }
            if screen == "hash" {
                scene.state.wish(Intent::ConfirmJoin);
                scene.answer_all();
            }
            scene
        }
        "empty" => {
            let mut scene = Scene::new(Phase::Locked);
            scene.unlock();
            scene
        }
        "members" | "cutoff" | "alarm" => {
            let mut scene = talk();
            let mut health = ui_model::Health {
                paused: true,
                reachable: vec![52, 53],
                devices: 5,
                ..Default::default()
            };
            if screen == "alarm" {
                health.membership = ui_model::Membership::TwoHistories;
                health.two_faced = vec!["Bob Okafor".to_owned()];
                for member in &mut scene.members {
                    member.two_faced = member.number == 52;
                }
            }
            scene.state.hear(Event::Team(general().team, health));
            if screen != "cutoff" {
                scene.state.wish(Intent::ToggleMembers);
            }
            scene.answer_all();
            scene
        }
        "removed" => {
            let mut scene = talk();
            let by = "Bob Okafor".to_owned();
            let removed = Some(ui_model::Removed { by, at: Millis(NOON - 86_400_000) });
            let membership = ui_model::Membership::Removed;
            let health = ui_model::Health { membership, removed, ..Default::default() };
            scene.state.hear(Event::Team(general().team, health));
            scene
        }
        "offline" => {
            let mut scene = talk();
            let since = Millis(NOON - 600_000);
            scene.state.hear(Event::Link(Link::Offline { since, why: String::new() }));
            scene
        }
        _ => {
            let mut scene = talk();
            let root = scene.rows.iter().find(|(_, row)| row.replies > 0).map(|(_, row)| row.name);
            if let (true, Some(root)) = (thread, root) {
                scene.state.wish(Intent::OpenThread(root));
                scene.answer_all();
            }
            scene
        }
    }
}

fn talk() -> Scene {
    let mut scene = Scene::new(Phase::Locked);
    let (bob, dai, noor) = ("Bob Okafor", "Dai Tanaka", "Noor Haddad");
    for number in 0..300 {
        let text =
            format!("Earlier message number {number}: the commit merged after we lost the uplink.");
        scene.write(general(), bob, 52, &text, number / 20);
    }
    let root = scene.write(
        general(),
        bob,
        52,
        "Good morning! The local relay in Lyon is back. 🎉 Everyone there kept talking all night.",
        20,
    );
    scene.write(general().thread(root), "Alice Moreau", ME, "Nothing lost here either.", 21);
    scene.write(general().thread(root), dai, 53, "Same in Osaka ✅", 22);
    scene.write(
        general(),
        dai,
        53,
        "日本語のメッセージも問題なく表示されます。改行と句読点の処理も確認しました。",
        31,
    );
    scene.write(general(), noor, 54, "مرحبا بالجميع، هذا اختبار للنص العربي مع فقرة طويلة بما يكفي لكي تلتف على أكثر من سطر واحد، وتحتوي على English words وأرقام 2026 (بين قوسين) ثم تنتهي هنا.", 33);
    scene.write(
        general(),
        noor,
        54,
        "שלום עולם, this mixes Hebrew with English ועוד קצת עברית.",
        34,
    );
    scene.write(
        general(),
        bob,
        52,
        "Emoji: 😀 👩‍👩‍👧‍👦 🏳️‍🌈 🇫🇷 ❤️ ✅  हिन्दी: नमस्ते दुनिया  ไทย: สวัสดี  한국어: 안녕하세요",
        36,
    );
    scene.write(general(), "Alice Moreau", ME, "Shipping today — see the notes above.", 38);
    let relay = scene.write(general(), "Alice Moreau", ME, "This one is stored at the relay.", 39);
    let local = scene.write(general(), "Alice Moreau", ME, "And this one at the local relay.", 39);
    let queued =
        scene.write(general(), "Alice Moreau", ME, "This one is waiting for the network.", 39);
    let failed = scene.write(general(), "Alice Moreau", ME, "This one was refused.", 40);
    scene.unlock();
    scene.change(relay, |row| row.standing = Standing::Relay);
    scene.change(local, |row| row.standing = Standing::LocalRelay);
    scene.change(queued, |row| row.standing = Standing::Queued);
    scene.change(failed, |row| {
        row.standing = Standing::Failed;
        row.why = "Not sent: you are no longer a member".to_owned();
    });
    for text in ["one", "two"] {
        scene.receive(channel(301), bob, text);
    }
    scene
}
