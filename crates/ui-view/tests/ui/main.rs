//! The window driven by its accessible names, with a script in place of the secure process.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test says what it found by panicking"
)]

mod doors;
mod keyboard;
mod looks;
mod scene;
mod scrolling;
mod talking;

use egui::{Key, Modifiers, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use scene::Scene;

type Window = Harness<'static, Scene>;

/// A window of that width after its first frames.
fn window(scene: Scene, width: f32) -> Window {
    let mut window = Harness::builder()
        .with_size(vec2(width, 760.0))
        .with_context_setup(ui_view::install)
        .build_ui_state(|ui, scene: &mut Scene| scene.frame(ui), scene);
    window.run_steps(4);
    window
}

fn wide(scene: Scene) -> Window {
    window(scene, 1_200.0)
}

fn click(window: &mut Window, name: &str) {
    window.get_by_label(name).click();
    window.run_steps(3);
}

fn write(window: &mut Window, field: &str, text: &str) {
    window.get_by_label(field).focus();
    window.run_steps(2);
    type_text(window, text);
}

fn type_text(window: &mut Window, text: &str) {
    window.event(egui::Event::Text(text.to_owned()));
    window.run_steps(2);
}

fn press(window: &mut Window, modifiers: Modifiers, key: Key) {
    window.key_press_modifiers(modifiers, key);
    window.run_steps(3);
}

fn shows(window: &Window, text: &str) -> bool {
    window.root().children_recursive().any(|node| {
        let node = node.accesskit_node();
        [node.label(), node.value()].into_iter().flatten().any(|found| found.contains(text))
    })
}

fn focused(window: &Window) -> String {
    let focused = window.root().children_recursive().find(|node| node.is_focused());
    focused.map(|node| node.accesskit_node().label().unwrap_or_default()).unwrap_or_default()
}
