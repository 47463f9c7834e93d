//! A message and what answers it, beside the channel or in its place.

use egui::accesskit::Role;
use egui::{Align, CentralPanel, Frame, Layout, Margin, Panel, Ui, UiBuilder};
use ui_model::{Intent, State};

use crate::column::{self, Place};
use crate::icons::Icon;
use crate::local::Local;
use crate::press::Press;
use crate::region::Region;
use crate::{composer, theme};

/// At the right edge.
pub(crate) fn pane(state: &State, local: &mut Local, ui: &mut Ui, out: &mut Vec<Intent>) {
    let t = theme::of(ui);
    let panel = Panel::right("thread").default_size(360.0).size_range(300.0..=520.0);
    panel.frame(Frame::new().fill(t.sidebar)).show(ui, |ui| {
        ui.visuals_mut().panel_fill = t.sidebar;
        show(state, local, ui, out);
    });
}

/// In all of `ui`.
pub(crate) fn show(state: &State, local: &mut Local, ui: &mut Ui, out: &mut Vec<Intent>) {
    let (Some(open), Some(root)) = (state.open(), state.thread()) else {
        return;
    };
    let talk = open.thread(root);
    let frame = Frame::new().inner_margin(Margin::symmetric(16, 8));
    let top = Panel::top("thread-header").exact_size(52.0).resizable(false);
    top.frame(frame).show(ui, |ui| {
        ui.horizontal_centered(|ui| {
            ui.label(theme::strong("Thread").size(16.0));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if Press::icon(Icon::Close, "Close thread (Esc)").show(ui).clicked() {
                    out.push(Intent::CloseThread);
                }
            });
        });
    });
    composer::show(state, local, ui, talk, "Reply in thread", Region::ThreadComposer, out);
    CentralPanel::no_frame().show(ui, |ui| {
        let builder = UiBuilder::new()
            .accessibility_role(Role::Log)
            .accessibility_label("Messages in this thread");
        ui.scope_builder(builder, |ui| {
            let place = Place { talk, region: Region::Thread };
            column::show(state, &mut local.branch, &mut local.regions, ui, place, out);
        });
    });
}
