//! Devices and people of a team, as people write them.

use ipc_schema_ui::DeviceRow;

use crate::hex::parse;
use crate::{Trouble, hex, safe};

/// The device that is meant: by its name, or by its number.
///
/// # Errors
/// When there is none, or more than one has that name.
pub fn device_in(devices: &[DeviceRow], wanted: &str) -> Result<DeviceRow, Trouble> {
    let mut found: Vec<&DeviceRow> =
        devices.iter().filter(|row| row.name.as_str() == wanted).collect();
    if found.is_empty() {
        found = devices.iter().filter(|row| row.number.to_string() == wanted).collect();
    }
    match found.as_slice() {
        [device] => Ok((*device).clone()),
        [] => Err(Trouble::refused(
            "no-such-device",
            "there is no such device in that team",
            "`sotto-cli devices TEAM` or `sotto-member device list TEAM` lists them",
        )),
        several => {
            let which = several.iter().map(|row| format!("{} ({})", row.number, whose(row)));
            let hint = format!("use the number: {}", which.collect::<Vec<_>>().join(" or "));
            Err(Trouble::refused("ambiguous-device", "several devices have that name", hint))
        }
    }
}

/// The key of the person that is meant: by name, or by the key itself.
///
/// # Errors
/// When nobody has that name, or more than one person.
pub fn user_in(devices: &[DeviceRow], wanted: &str) -> Result<[u8; 32], Trouble> {
    let named = devices.iter().filter(|row| row.user.as_str() == wanted);
    let mut keys: Vec<[u8; 32]> = named.map(|row| row.user_key).collect();
    keys.sort_unstable();
    keys.dedup();
    match (keys.as_slice(), parse::<32>(wanted)) {
        ([key], _) => Ok(*key),
        ([], Some(key)) => Ok(key),
        ([], None) => Err(Trouble::refused(
            "no-such-user",
            "there is nobody of that name",
            "take a name from the list of devices, or the whole key: `device list --json` has it",
        )),
        (several, _) => {
            let which: Vec<String> = several.iter().map(|key| hex(key)).collect();
            let hint = format!("use the key: {}", which.join(" or "));
            Err(Trouble::refused("ambiguous-user", "several people have that name", hint))
        }
    }
}

fn whose(row: &DeviceRow) -> String {
    format!("{}'s", safe(row.user.as_str()))
}

#[cfg(test)]
mod tests {
    use ipc_schema::Text;
    use ipc_schema_ui::Role;

    use super::*;

    fn device(number: u32, user: &str, key: u8, name: &str) -> DeviceRow {
        DeviceRow {
            number,
            user: Text::cut(user),
            name: Text::cut(name),
            own: false,
            user_key: [key; 32],
            role: Role::Member,
            heard: None,
            reachable: false,
            two_histories: false,
        }
    }

    fn some() -> Vec<DeviceRow> {
        vec![
            device(7, "Bob", 1, "laptop"),
            device(8, "Bob", 1, "phone"),
            device(9, "Anna", 2, "laptop"),
            device(10, "Bob", 3, "9"),
        ]
    }

    /// `CLI-03`
    #[test]
    fn a_device_is_meant_by_name_before_number_and_never_guessed() {
        let number = |wanted| device_in(&some(), wanted).map(|row| row.number);
        assert_eq!(number("phone"), Ok(8));
        assert_eq!(number("7"), Ok(7));
        assert_eq!(number("9"), Ok(10), "a name comes first");
        let several = number("laptop").unwrap_err();
        assert_eq!(several.code, "ambiguous-device");
        assert_eq!(several.hint, "use the number: 7 (Bob's) or 9 (Anna's)");
        for none in ["", "tablet", "07", "11"] {
            assert_eq!(number(none).unwrap_err().code, "no-such-device", "{none}");
        }
    }

    /// `CLI-03`
    #[test]
    fn a_person_is_meant_by_name_or_key_and_never_guessed() {
        let key = |wanted: &str| user_in(&some(), wanted);
        assert_eq!(key("Anna"), Ok([2; 32]));
        assert_eq!(key(&"01".repeat(32)), Ok([1; 32]));
        assert_eq!(key(&"0f".repeat(32)), Ok([15; 32]), "one that is in no team yet");
        let several = key("Bob").unwrap_err();
        assert_eq!(several.code, "ambiguous-user");
        assert!(several.hint.contains(&"01".repeat(32)) && several.hint.contains(&"03".repeat(32)));
        for none in ["", "Zoe", "0101"] {
            assert_eq!(key(none).unwrap_err().code, "no-such-user", "{none}");
        }
    }
}
