//! Opens the window.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use egui::{Context, IconData, ViewportBuilder, pos2, vec2};

use crate::app::App;
use crate::args::Geometry;

/// Runs the window until it is closed; says whether the launcher wanted that.
pub(crate) fn run(
    geometry: Option<Geometry>,
    make: impl FnOnce(Context) -> std::io::Result<App>,
) -> Result<bool, String> {
    let stopped = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&stopped);
    let options = eframe::NativeOptions {
        viewport: viewport(geometry),
        // Noise on every pixel hides banding in gradients; we have none, and where the processor
        // draws it costs a quarter of a frame.
        dithering: false,
        ..Default::default()
    };
    let created = Box::new(move |creation: &eframe::CreationContext<'_>| {
        let app = make(creation.egui_ctx.clone())?;
        Ok(Box::new(Watched { app, stopped: told }) as Box<dyn eframe::App>)
    });
    eframe::run_native("sotto", options, created).map_err(|error| {
        format!("the window could not be opened: {error}; is DISPLAY or WAYLAND_DISPLAY right?")
    })?;
    Ok(stopped.load(Ordering::Relaxed))
}

/// Remembers why the window was closed, beyond its end.
struct Watched {
    app: App,
    stopped: Arc<AtomicBool>,
}

impl eframe::App for Watched {
    fn logic(&mut self, ctx: &Context, frame: &mut eframe::Frame) {
        self.app.logic(ctx, frame);
        self.stopped.store(self.app.is_stopped(), Ordering::Relaxed);
    }

    fn ui(&mut self, ui: &mut egui::Ui, frame: &mut eframe::Frame) {
        self.app.ui(ui, frame);
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        // The canvas: clearing is cheap, filling it once more is not.
        visuals.panel_fill.to_normalized_gamma_f32()
    }
}

fn viewport(geometry: Option<Geometry>) -> ViewportBuilder {
    let (width, height) = geometry.map_or(SIZE, |geometry| geometry.size);
    let builder = ViewportBuilder::default()
        .with_title("Sotto")
        .with_app_id("sotto")
        .with_icon(icon())
        .with_min_inner_size(vec2(420.0, 360.0))
        .with_inner_size(vec2(f32::from(width), f32::from(height)));
    match geometry.and_then(|geometry| geometry.place) {
        Some((left, top)) => builder.with_position(pos2(f32::from(left), f32::from(top))),
        None => builder,
    }
}

/// The mark of the program: a square in the accent colour with two bubbles.
fn icon() -> IconData {
    let accent = [0x6E, 0xA8, 0xFE, 0xFF];
    let dark = [0x0B, 0x15, 0x24, 0xFF];
    let soft = [0x45, 0x6C, 0xA4, 0xFF];
    let mut rgba = Vec::with_capacity(64 * 64 * 4);
    for y in 0_u32..64 {
        for x in 0_u32..64 {
            let within =
                |left, top, right, bottom| (left..right).contains(&x) && (top..bottom).contains(&y);
            let pixel = if within(12, 26, 42, 48) {
                dark
            } else if within(10, 24, 44, 50) {
                accent
            } else if within(22, 14, 52, 36) {
                soft
            } else {
                accent
            };
            rgba.extend(pixel);
        }
    }
    IconData { rgba, width: 64, height: 64 }
}

const SIZE: (u16, u16) = (1_100, 760);
