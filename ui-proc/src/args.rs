//! The command line: given by the launcher.

use std::fmt;
use std::path::PathBuf;

/// What the launcher asks for.
#[derive(Debug, Clone, Default, Eq, PartialEq)]
pub(crate) struct Args {
    /// The folder for window settings.
    pub(crate) settings: Option<PathBuf>,
    /// Where the window stands.
    pub(crate) geometry: Option<Geometry>,
}

/// Size and place of a window, in points, as X11 writes it: `WxH` or `WxH+X+Y`.
#[derive(Debug, Clone, Copy, Eq, PartialEq)]
pub(crate) struct Geometry {
    /// Width and height.
    pub(crate) size: (u16, u16),
    /// Left and top.
    pub(crate) place: Option<(i16, i16)>,
}

/// Why the command line says nothing.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum ArgsError {
    /// It is not known here.
    #[error("unknown argument {0:?}; known are --settings DIR and --geometry WxH+X+Y")]
    Unknown(String),
    /// It needs a value.
    #[error("{0} needs a value")]
    Bare(&'static str),
    /// It is no geometry.
    #[error("{0:?} is no geometry; give WxH or WxH+X+Y, for example 640x720+0+0")]
    Geometry(String),
}

impl Args {
    /// Reads the arguments after the program's name.
    ///
    /// # Errors
    /// When one is unknown, bare or damaged.
    pub(crate) fn read(mut given: impl Iterator<Item = String>) -> Result<Self, ArgsError> {
        let mut args = Self::default();
        while let Some(name) = given.next() {
            match name.as_str() {
                "--settings" => {
                    let folder = given.next().ok_or(ArgsError::Bare("--settings"))?;
                    args.settings = Some(folder.into());
                }
                "--geometry" => {
                    let text = given.next().ok_or(ArgsError::Bare("--geometry"))?;
                    let geometry = Geometry::read(&text);
                    args.geometry = Some(geometry.ok_or(ArgsError::Geometry(text))?);
                }
                _ => return Err(ArgsError::Unknown(name)),
            }
        }
        Ok(args)
    }
}

impl Geometry {
    /// Of a window of that size at that place, in points; `None` if it is no window's size.
    pub(crate) fn of(size: egui::Vec2, corner: egui::Pos2) -> Option<Self> {
        #[expect(clippy::as_conversions, reason = "casts from floats to integers saturate")]
        let (size, place) = (
            (size.x.round() as u16, size.y.round() as u16),
            (corner.x.round() as i16, corner.y.round() as i16),
        );
        (size.0 > 100 && size.1 > 100).then_some(Self { size, place: Some(place) })
    }

    /// Reads the text form.
    #[must_use]
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (size, place) = match text.find(['+', '-']) {
            Some(at) => text.split_at_checked(at)?,
            None => (text, ""),
        };
        let (width, height) = size.split_once('x')?;
        let size = (width.parse().ok()?, height.parse().ok()?);
        if place.is_empty() {
            return Some(Self { size, place: None });
        }
        let second = place.get(1..)?.find(['+', '-'])?.checked_add(1)?;
        let (left, top) = place.split_at_checked(second)?;
        Some(Self { size, place: Some((left.parse().ok()?, top.parse().ok()?)) })
    }
}

impl fmt::Display for Geometry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.size.0, self.size.1)?;
        match self.place {
            Some((left, top)) => write!(f, "{left:+}{top:+}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(given: &[&str]) -> Result<Args, ArgsError> {
        Args::read(given.iter().map(|text| (*text).to_owned()))
    }

    /// `UI-06`
    #[test]
    fn geometry_is_read_as_x11_writes_it() {
        for (text, size, place) in [
            ("640x720", (640, 720), None),
            ("640x720+0+10", (640, 720), Some((0, 10))),
            ("640x720-5+10", (640, 720), Some((-5, 10))),
        ] {
            assert_eq!(Geometry::read(text), Some(Geometry { size, place }), "{text}");
        }
        for text in ["", "640", "640x", "x+1+1", "640x720+", "640x720+1", "640x-1", "640x720+1+1+1"]
        {
            assert_eq!(Geometry::read(text), None, "{text}");
        }
    }

    /// `UI-06`
    #[test]
    fn unknown_and_bare_arguments_are_named() {
        assert_eq!(read(&["--colour"]), Err(ArgsError::Unknown("--colour".into())));
        assert_eq!(read(&["--geometry"]), Err(ArgsError::Bare("--geometry")));
        assert_eq!(read(&["--geometry", "big"]), Err(ArgsError::Geometry("big".into())));
        let all = read(&["--settings", "/x/ui", "--geometry", "1x2"]).unwrap();
        assert_eq!(all.settings, Some("/x/ui".into()));
    }
}
