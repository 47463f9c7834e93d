//! The display: keys go in, pixels come out.

use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, Instant};

use harness::{During, Trouble};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use x11rb::CURRENT_TIME;
use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::damage::{ConnectionExt as _, ReportLevel};
use x11rb::protocol::xproto::{
    ChangeWindowAttributesAux, ConnectionExt as _, EventMask, ImageFormat, InputFocus,
    KEY_PRESS_EVENT, KEY_RELEASE_EVENT,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;

/// A connection to the display.
pub(crate) struct Screen {
    x: RustConnection,
    root: u32,
    keys: HashMap<u32, u8>,
    windows: Vec<u32>,
}

/// A part of a window, in hundredths of its width and height.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    left: u16,
    top: u16,
    right: u16,
    bottom: u16,
}

/// Something that the display has told.
enum Told {
    Mapped(u32),
    Drawn(u32, Instant),
}

impl Screen {
    /// Connects to the display that the environment names.
    pub(crate) fn connect() -> Result<Self, Trouble> {
        let (x, number) = x11rb::connect(None).during("connecting to the display")?;
        let root = x.setup().roots.get(number).during("no screen")?.root;
        let watch = ChangeWindowAttributesAux::new().event_mask(EventMask::SUBSTRUCTURE_NOTIFY);
        x.change_window_attributes(root, &watch).during(DISPLAY)?;
        let damage = x.damage_query_version(1, 1).during(DISPLAY)?;
        damage.reply().during("the display does not tell what is drawn")?;
        let test = x.xtest_get_version(2, 2).during(DISPLAY)?;
        test.reply().during("the display takes no keys from programs")?;
        let keys = keys(&x)?;
        Ok(Self { x, root, keys, windows: Vec::new() })
    }

    /// The next window that appears.
    pub(crate) fn new_window(&mut self, limit: Duration) -> Result<u32, Trouble> {
        let end = Instant::now() + limit;
        while let Some(told) = self.next(end)? {
            if let Told::Mapped(window) = told
                && self.is_large(window)?
            {
                let damage = self.x.generate_id().during(DISPLAY)?;
                let level = ReportLevel::NON_EMPTY;
                self.x.damage_create(damage, window, level).during(DISPLAY)?;
                self.x.flush().during(DISPLAY)?;
                self.windows.push(window);
                return Ok(window);
            }
        }
        Err(Trouble::new("no window appears"))
    }

    /// Waits until there is something to see in a window: not one flat colour. When was it drawn?
    pub(crate) fn painted(&mut self, window: u32, limit: Duration) -> Result<Instant, Trouble> {
        let end = Instant::now() + limit;
        let mut at = Instant::now();
        loop {
            if colours(&self.pixels(window, MIDDLE)?) >= TEXT {
                return Ok(at);
            }
            at = self.drawn(window, end)?.during("the window stays empty")?;
        }
    }

    /// Waits until a part of a window looks different from `before`. When was it drawn?
    pub(crate) fn changed(
        &mut self,
        window: u32,
        part: Part,
        before: &[u8],
        limit: Duration,
    ) -> Result<Instant, Trouble> {
        let end = Instant::now() + limit;
        loop {
            let at = self.drawn(window, end)?.during("nothing new is drawn")?;
            if self.pixels(window, part)? != before {
                return Ok(at);
            }
        }
    }

    /// Waits until nothing has been drawn anywhere for `still`; gives up waiting after `limit`.
    /// How many times was something drawn until then?
    pub(crate) fn quiet(&mut self, still: Duration, limit: Duration) -> Result<usize, Trouble> {
        let end = Instant::now() + limit;
        let mut times = 0;
        while Instant::now() < end {
            if self.next(Instant::now() + still)?.is_none() {
                break;
            }
            times += 1;
        }
        Ok(times)
    }

    /// The pixels of a part of a window.
    pub(crate) fn pixels(&self, window: u32, part: Part) -> Result<Vec<u8>, Trouble> {
        let size = self.x.get_geometry(window).during(DISPLAY)?;
        let size = size.reply().during("the window is gone")?;
        let of = |whole: u16, hundredths: u16| u32::from(whole) * u32::from(hundredths) / 100;
        let x = i16::try_from(of(size.width, part.left)).during(DISPLAY)?;
        let y = i16::try_from(of(size.height, part.top)).during(DISPLAY)?;
        let width = u16::try_from(of(size.width, part.right - part.left)).during(DISPLAY)?;
        let height = u16::try_from(of(size.height, part.bottom - part.top)).during(DISPLAY)?;
        let format = ImageFormat::Z_PIXMAP;
        let image = self.x.get_image(format, window, x, y, width, height, u32::MAX);
        let image = image.during(DISPLAY)?.reply();
        Ok(image.during("the pixels of the window")?.data)
    }

    /// Keys go to this window from now on.
    pub(crate) fn focus(&self, window: u32) -> Result<(), Trouble> {
        let focus = self.x.set_input_focus(InputFocus::PARENT, window, CURRENT_TIME);
        focus.during(DISPLAY)?.check().during("giving the focus")
    }

    /// Presses and releases the key of a character; when did it go down?
    pub(crate) fn press(&self, key: char) -> Result<Instant, Trouble> {
        let sym = if key == '\n' { RETURN } else { u32::from(key) };
        let code = *self.keys.get(&sym).during("there is no such key")?;
        let at = Instant::now();
        for kind in [KEY_PRESS_EVENT, KEY_RELEASE_EVENT] {
            let sent = self.x.xtest_fake_input(kind, code, CURRENT_TIME, self.root, 0, 0, 0);
            sent.during(DISPLAY)?;
        }
        self.x.flush().during(DISPLAY)?;
        Ok(at)
    }

    fn drawn(&mut self, window: u32, end: Instant) -> Result<Option<Instant>, Trouble> {
        while let Some(told) = self.next(end)? {
            if let Told::Drawn(drawn, at) = told
                && drawn == window
            {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }

    fn next(&mut self, end: Instant) -> Result<Option<Told>, Trouble> {
        loop {
            while let Some(event) = self.x.poll_for_event().during(DISPLAY)? {
                let at = Instant::now();
                #[expect(clippy::wildcard_enum_match_arm, reason = "events of all extensions")]
                match event {
                    Event::MapNotify(map) => return Ok(Some(Told::Mapped(map.window))),
                    Event::DamageNotify(notice) => {
                        // What is drawn from now on is told again.
                        let taken = self.x.damage_subtract(notice.damage, 0_u32, 0_u32);
                        taken.during(DISPLAY)?;
                        self.x.flush().during(DISPLAY)?;
                        return Ok(Some(Told::Drawn(notice.drawable, at)));
                    }
                    _ => {}
                }
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            let left = Timespec::try_from(left).during("a time")?;
            let mut fds = [PollFd::new(self.x.stream(), PollFlags::IN)];
            poll(&mut fds, Some(&left)).during("waiting for the display")?;
        }
    }

    /// Toolkits map small helper windows too.
    fn is_large(&self, window: u32) -> Result<bool, Trouble> {
        let size = self.x.get_geometry(window).during(DISPLAY)?.reply();
        Ok(size.is_ok_and(|size| size.width >= 300))
    }
}

impl fmt::Debug for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Screen").field("windows", &self.windows).finish_non_exhaustive()
    }
}

/// The key of each character that needs no other key.
fn keys(x: &RustConnection) -> Result<HashMap<u32, u8>, Trouble> {
    let (first, last) = (x.setup().min_keycode, x.setup().max_keycode);
    let count = last.saturating_sub(first).saturating_add(1);
    let map = x.get_keyboard_mapping(first, count).during(DISPLAY)?;
    let map = map.reply().during("reading the keyboard")?;
    let each = usize::from(map.keysyms_per_keycode).max(1);
    let rows = (first..=last).zip(map.keysyms.chunks(each));
    // The first code of a character wins: the main block stands before the number pad.
    let mut keys = HashMap::new();
    for (code, sym) in rows.filter_map(|(code, syms)| Some((code, *syms.first()?))) {
        keys.entry(sym).or_insert(code);
    }
    Ok(keys)
}

/// How many different colours there are, as far as it matters.
fn colours(pixels: &[u8]) -> usize {
    let mut seen: Vec<&[u8]> = Vec::new();
    for pixel in pixels.chunks(4) {
        if seen.last() != Some(&pixel) && !seen.contains(&pixel) {
            seen.push(pixel);
            if seen.len() >= TEXT {
                break;
            }
        }
    }
    seen.len()
}

/// The newest messages of a conversation, without what stands left of them, and without the
/// composer.
pub(crate) const NEWEST: Part = Part { left: 40, top: 60, right: 95, bottom: 89 };
const MIDDLE: Part = Part { left: 20, top: 20, right: 80, bottom: 80 };
/// Smooth letters have at least so many colours.
const TEXT: usize = 24;
const RETURN: u32 = 0xff0d;
const DISPLAY: &str = "the display";

#[cfg(test)]
mod tests {
    use super::*;

    /// `XTASK-05`
    #[test]
    fn a_flat_window_is_not_painted_and_letters_are() {
        assert_eq!(colours(&[9; 4_000]), 1);
        let shades: Vec<u8> = (0..200).flat_map(|shade| [shade, shade, 40, 255]).collect();
        assert_eq!(colours(&shades), TEXT);
        assert_eq!(colours(&[]), 0);
    }
}
