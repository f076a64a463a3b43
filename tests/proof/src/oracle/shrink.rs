//! The smallest world in which they still disagree.

use fedway_core::{Answer, Edition, HttpAnswer};
use fedway_testkit::script::{Answers, DnsResult, Peer, Reply};

use super::compare::{Disagreement, check};
use super::print::print_test;
use super::world::World;

/// Makes a world smaller as long as `fails` holds in it
#[must_use]
pub fn shrink(mut world: World, fails: impl Fn(&World) -> bool) -> World {
    loop {
        let smaller = smaller(&world).into_iter().find(|world| fails(world));
        match smaller {
            Some(smaller) => world = smaller,
            None => return world,
        }
    }
}

/// Checks a world in every way
///
/// # Panics
///
/// Where machine and text disagree: with the world made small, as a script test to paste into the suite.
pub fn prove(seed: u64, edition: Edition) {
    let world = World::roll(seed);
    let Err(found) = check(&world, edition) else {
        return;
    };
    let about = found.about;
    let still = |world: &World| -> Option<Box<Disagreement>> {
        check(world, edition).err().filter(|it| it.about == about)
    };
    let world = shrink(world, |world| still(world).is_some());
    let last = still(&world).unwrap_or(found);
    panic!("world {seed}: {last}\n{}", print_test(&world, &last));
}

/// Every world that is one step smaller
fn smaller(world: &World) -> Vec<World> {
    let mut worlds = Vec::new();
    let mut with = |change: &dyn Fn(&mut World)| {
        let mut smaller = world.clone();
        change(&mut smaller);
        if smaller != *world {
            worlds.push(smaller);
        }
    };
    with(&|world| world.deny.clear());
    with(&|world| world.skip.clear());
    with(&|world| world.gone = false);
    with(&|world| world.seed = 0);
    with(&|world| world.answers.services.clear());
    with(&|world| world.answers.pages.clear());
    with(&|world| world.answers.peers.clear());
    let answers = &world.answers;
    for key in answers.services.keys() {
        with(&|world| drop(world.answers.services.remove(key)));
        with(&|world| fewer(&mut world.answers, |it| it.services.get_mut(key)));
    }
    for key in answers.addresses.keys() {
        with(&|world| drop(world.answers.addresses.remove(key)));
        with(&|world| fewer(&mut world.answers, |it| it.addresses.get_mut(key)));
    }
    for key in answers.pages.keys() {
        with(&|world| drop(world.answers.pages.remove(key)));
        with(&|world| {
            let plain = Reply::new(Ok(HttpAnswer::status(404)));
            drop(world.answers.pages.insert(key.clone(), plain));
        });
    }
    for key in answers.peers.keys() {
        with(&|world| drop(world.answers.peers.remove(key)));
        with(&|world| drop(world.answers.peers.insert(*key, Peer::working())));
        with(&|world| {
            let peer = world.answers.peers.get_mut(key);
            let names = peer.and_then(|peer| peer.certified.as_mut());
            drop(names.map(Vec::pop));
        });
    }
    worlds
}

/// One record fewer, the last of them
fn fewer<T>(
    answers: &mut Answers,
    pick: impl FnOnce(&mut Answers) -> Option<&mut Reply<DnsResult<T>>>,
) {
    if let Some(Reply {
        says: Some(Ok(Answer::Found { records, alias, .. })),
        ..
    }) = pick(answers)
    {
        if records.len() > 1 {
            records.pop();
        } else {
            *alias = false;
        }
    }
}
