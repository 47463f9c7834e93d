//! Those who were removed and kept everything: what they can still read.

use mls_core::{Input, Output};
use names::Rest;
use objects::Millis;

use crate::device::{entropy, load, outputs};
use crate::facts::Removed;
use crate::world::World;

/// A vault from before the removal is shown everything that the origin has, except for the slots
/// that would send it away: it reads nothing that was sealed behind its removal.
pub(crate) fn ghosts(world: &mut World, wrong: &mut Vec<String>) {
    let Some(team) = world.team else {
        return;
    };
    let origin = world.origin;
    let everything = match &mut world.relays[origin].relay {
        Some(relay) => {
            let prefix = names::Prefix::team(team);
            relay_core::Shelf::behind(relay.shelf_mut(), team, prefix, 0, usize::MAX)
        }
        None => return,
    };
    for (number, Removed { vault, device, .. }) in std::mem::take(&mut world.facts.removed) {
        let Some((out, epoch)) = world.facts.out.get(&number).copied() else {
            wrong.push(format!("device {device} was to be removed and never was"));
            continue;
        };
        for kept in everything.iter().flatten() {
            let author = match kept.object.name().place().rest {
                Rest::Message { device, .. } | Rest::Blob { device, .. } => Some(device),
                Rest::Slot(_) => {
                    let claim = objects::Claim::parse(kept.object.data().unwrap_or_default());
                    claim.ok().map(|claim| claim.device)
                }
                _ => None,
            };
            if author == Some(number) && kept.receipt.head > out {
                let name = kept.object.name();
                wrong.push(format!("the origin took {name} of device {device} after its removal"));
            }
        }
        let mut chance = world.chance.fork(9);
        let entropy = entropy(&mut chance, &world.sealings, &Default::default());
        let Ok(mut ghost) = load(&vault, entropy) else {
            wrong.push(format!("device {device} cannot be loaded as it was"));
            continue;
        };
        for kept in everything.iter().flatten() {
            let name = kept.object.name();
            if matches!(name.place().rest, Rest::Slot(slot) if slot >= out) {
                continue;
            }
            let receipt = matches!(name.place().rest, Rest::Slot(_)).then_some(kept.receipt);
            let input = Input::Arrived { object: kept.object.clone(), receipt };
            if ghost.handle(Millis(world.now), input).is_err() {
                break;
            }
            for output in outputs(&mut ghost) {
                if let Output::Message(opened) = output
                    && opened.unreadable.is_none()
                    && world.facts.epochs.get(&opened.name).is_some_and(|sealed| *sealed >= epoch)
                {
                    let name = opened.name;
                    wrong.push(format!("device {device} reads {name}, sealed behind its removal"));
                }
            }
        }
    }
}
