//! Icons as strokes on a grid of 24: crisp at every size, and no font whose private characters a
//! screen reader would hear.

use egui::accesskit::Role;
use egui::{Color32, Painter, Pos2, Rect, Response, Sense, Shape, Stroke, Ui, WidgetInfo, vec2};

/// A picture in the window.
#[derive(Debug, Clone, Copy, Eq, PartialEq, Hash)]
pub(crate) enum Icon {
    Hash,
    Search,
    Plus,
    Lock,
    Send,
    Close,
    Clock,
    Tick,
    DottedTick,
    Ticks,
    People,
    Failed,
    Thread,
    Down,
    NoCloud,
    Sun,
    Moon,
    Shield,
    Copy,
    Back,
    Eye,
    Menu,
    Run,
}

enum Stroked {
    /// Through these points.
    Line(&'static [(f32, f32)]),
    /// Through these points, filled.
    Fill(&'static [(f32, f32)]),
    /// Centre, radius, from and to in turns clockwise from three o'clock.
    Arc(f32, f32, f32, f32, f32),
    /// Centre and radius, filled.
    Dot(f32, f32, f32),
}

use Stroked::{Arc, Dot, Fill, Line};

impl Icon {
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn strokes(self) -> &'static [Stroked] {
        match self {
            Self::Hash => &[
                Line(&[(9.5, 4.0), (7.5, 20.0)]),
                Line(&[(16.5, 4.0), (14.5, 20.0)]),
                Line(&[(4.5, 9.0), (20.0, 9.0)]),
                Line(&[(4.0, 15.0), (19.5, 15.0)]),
            ],
            Self::Search => &[Arc(10.5, 10.5, 6.0, 0.0, 1.0), Line(&[(15.0, 15.0), (20.0, 20.0)])],
            Self::Plus => &[Line(&[(12.0, 5.0), (12.0, 19.0)]), Line(&[(5.0, 12.0), (19.0, 12.0)])],
            Self::Lock => &[
                Fill(&[(5.5, 11.0), (18.5, 11.0), (18.5, 20.0), (5.5, 20.0)]),
                Arc(12.0, 8.5, 4.0, 0.5, 1.0),
                Line(&[(8.0, 8.5), (8.0, 11.0)]),
                Line(&[(16.0, 8.5), (16.0, 11.0)]),
            ],
            Self::Send => &[
                Fill(&[(3.5, 4.0), (21.0, 12.0), (7.0, 12.0)]),
                Fill(&[(3.5, 20.0), (7.0, 12.0), (21.0, 12.0)]),
            ],
            Self::Close => &[Line(&[(6.0, 6.0), (18.0, 18.0)]), Line(&[(18.0, 6.0), (6.0, 18.0)])],
            Self::Clock => {
                &[Arc(12.0, 12.0, 8.0, 0.0, 1.0), Line(&[(12.0, 7.5), (12.0, 12.0), (15.0, 14.0)])]
            }
            Self::Tick => &[Line(&[(5.0, 12.5), (10.0, 17.5), (19.5, 7.0)])],
            Self::DottedTick => &[
                Dot(4.5, 12.0, 1.3),
                Dot(7.2, 14.7, 1.3),
                Dot(10.0, 17.5, 1.3),
                Dot(12.5, 14.7, 1.3),
                Dot(14.9, 12.0, 1.3),
                Dot(17.3, 9.3, 1.3),
                Dot(19.7, 6.6, 1.3),
            ],
            Self::People => &[
                Arc(9.0, 8.0, 3.6, 0.0, 1.0),
                Arc(9.0, 20.0, 6.5, 0.5, 1.0),
                Arc(16.5, 8.5, 3.0, 0.65, 1.3),
                Arc(15.5, 20.0, 6.0, 0.72, 1.0),
            ],
            Self::Ticks => &[
                Line(&[(1.5, 12.5), (6.5, 17.5), (15.5, 7.0)]),
                Line(&[(11.0, 16.5), (12.0, 17.5), (22.0, 7.0)]),
            ],
            Self::Failed => &[
                Arc(12.0, 12.0, 8.5, 0.0, 1.0),
                Line(&[(12.0, 7.5), (12.0, 12.8)]),
                Dot(12.0, 16.2, 1.2),
            ],
            Self::Thread => &[
                Line(&[
                    (8.0, 16.5),
                    (4.0, 20.0),
                    (4.0, 5.0),
                    (20.0, 5.0),
                    (20.0, 16.5),
                    (8.0, 16.5),
                ]),
                Line(&[(8.0, 9.0), (16.0, 9.0)]),
                Line(&[(8.0, 12.7), (13.0, 12.7)]),
            ],
            Self::Down => &[
                Line(&[(12.0, 5.0), (12.0, 18.5)]),
                Line(&[(6.0, 12.5), (12.0, 18.5), (18.0, 12.5)]),
            ],
            Self::NoCloud => &[
                Arc(7.5, 14.0, 4.0, 0.25, 0.75),
                Arc(12.5, 10.5, 5.5, 0.55, 0.97),
                Arc(17.5, 14.2, 3.8, 0.75, 1.25),
                Line(&[(7.5, 18.0), (17.5, 18.0)]),
                Line(&[(4.0, 3.5), (20.5, 21.0)]),
            ],
            Self::Sun => &[
                Arc(12.0, 12.0, 4.0, 0.0, 1.0),
                Line(&[(12.0, 2.5), (12.0, 5.0)]),
                Line(&[(12.0, 19.0), (12.0, 21.5)]),
                Line(&[(2.5, 12.0), (5.0, 12.0)]),
                Line(&[(19.0, 12.0), (21.5, 12.0)]),
                Line(&[(5.3, 5.3), (7.0, 7.0)]),
                Line(&[(17.0, 17.0), (18.7, 18.7)]),
                Line(&[(5.3, 18.7), (7.0, 17.0)]),
                Line(&[(17.0, 7.0), (18.7, 5.3)]),
            ],
            Self::Moon => &[Arc(12.0, 12.0, 8.0, 0.07, 0.76), Arc(16.2, 8.0, 6.6, 0.29, 0.6)],
            Self::Shield => &[
                Line(&[
                    (12.0, 3.0),
                    (19.0, 5.8),
                    (19.0, 11.5),
                    (17.3, 16.3),
                    (12.0, 21.0),
                    (6.7, 16.3),
                    (5.0, 11.5),
                    (5.0, 5.8),
                    (12.0, 3.0),
                ]),
                Line(&[(9.0, 12.0), (11.3, 14.3), (15.3, 9.6)]),
            ],
            Self::Copy => &[
                Line(&[(9.0, 9.0), (20.0, 9.0), (20.0, 20.0), (9.0, 20.0), (9.0, 9.0)]),
                Line(&[(5.5, 15.0), (4.0, 15.0), (4.0, 4.0), (15.0, 4.0), (15.0, 5.5)]),
            ],
            Self::Back => &[
                Line(&[(19.0, 12.0), (5.5, 12.0)]),
                Line(&[(11.5, 6.0), (5.5, 12.0), (11.5, 18.0)]),
            ],
            Self::Eye => &[
                Arc(12.0, 18.0, 11.0, 0.58, 0.92),
                Arc(12.0, 6.0, 11.0, 0.08, 0.42),
                Dot(12.0, 12.0, 2.8),
            ],
            Self::Run => &[Line(&[(9.0, 6.0), (15.5, 12.0), (9.0, 18.0)])],
            Self::Menu => &[
                Line(&[(4.0, 7.0), (20.0, 7.0)]),
                Line(&[(4.0, 12.0), (20.0, 12.0)]),
                Line(&[(4.0, 17.0), (20.0, 17.0)]),
            ],
        }
    }

    /// Draws the icon in the middle of `rect`, `size` points wide.
    pub(crate) fn paint(self, painter: &Painter, rect: Rect, size: f32, colour: Color32) {
        let scale = size / 24.0;
        let corner = rect.center() - vec2(size, size) / 2.0;
        let at = |x: f32, y: f32| Pos2::new(corner.x + x * scale, corner.y + y * scale);
        let points = |list: &[(f32, f32)]| list.iter().map(|(x, y)| at(*x, *y)).collect::<Vec<_>>();
        let stroke = Stroke::new((2.0 * scale).max(1.3), colour);
        for part in self.strokes() {
            match *part {
                Line(list) => {
                    painter.add(Shape::line(points(list), stroke));
                }
                Fill(list) => {
                    painter.add(Shape::convex_polygon(points(list), colour, Stroke::NONE));
                }
                Arc(x, y, radius, from, to) => {
                    let along = (0_u8..=24).map(|step| {
                        let part = f32::from(step) / 24.0;
                        let turn = (from + (to - from) * part) * std::f32::consts::TAU;
                        at(x + radius * turn.cos(), y + radius * turn.sin())
                    });
                    painter.add(Shape::line(along.collect(), stroke));
                }
                Dot(x, y, radius) => {
                    painter.circle_filled(at(x, y), radius * scale, colour);
                }
            }
        }
    }
}

/// Draws an icon in the flow of the layout; with a name it is a picture that can be heard.
pub(crate) fn show(
    ui: &mut Ui,
    icon: Icon,
    size: f32,
    colour: Color32,
    name: Option<&str>,
) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(size, size), Sense::hover());
    icon.paint(ui.painter(), rect, size, colour);
    let Some(name) = name else { return response };
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, name));
    response.on_hover_text(name)
}
