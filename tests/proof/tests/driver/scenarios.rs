//! Both runtimes, side by side, in every scenario of the demo: each ends as the specification says, and the same world
//! gives each the same notes, questions, requests and errors.

use std::collections::BTreeSet;
use std::thread;

use fedway_core::{Lookahead, Notes};
use fedway_driver::{Connected, Io, Resolver};
use fedway_proof::runtime::{Runtime, Smol, Tokio};
use fedway_testkit::world::scenarios::{self, Ended, Scenario};
use futures_util::future::join_all;

use crate::rig::{Rig, VERSION};

#[test]
fn both_runtimes_do_the_same_in_every_scenario_and_what_the_specification_says() {
    let smol = thread::spawn(what_comes_of_all::<Smol>);
    let on_tokio = what_comes_of_all::<Tokio>();
    let on_smol = smol.join().unwrap();
    for (smol, tokio) in on_smol.ends.iter().zip(&on_tokio.ends) {
        assert_eq!(smol, tokio);
    }
    assert_eq!(on_smol.questions, on_tokio.questions);
    assert_eq!(on_smol.requests, on_tokio.requests);
}

/// What came of every scenario, and what the servers saw in no order: all are searched for at once
struct Sighting {
    ends: Vec<String>,
    questions: BTreeSet<String>,
    requests: Vec<String>,
}

fn what_comes_of_all<R: Runtime>() -> Sighting {
    let scenarios = scenarios::all();
    let rig = Rig::new(|plan| scenarios.iter().for_each(|it| it.add_to(plan)));
    let resolvers = scenarios.iter().map(|scenario| {
        let mut config = scenario.config();
        // Nothing is asked, and nothing dialled, as chance will have it
        config.lookahead = Lookahead::None;
        config.racing = rig.config.racing;
        // Both runtimes are at work, and other tests
        config.deadlines.dns *= 2;
        config.deadlines.connect *= 2;
        config.deadlines.well_known *= 2;
        config.deadlines.search *= 2;
        rig.builder().config(config).build(R::io()).unwrap()
    });
    let resolvers: Vec<_> = resolvers.collect();
    let searches = resolvers.iter().zip(&scenarios);
    let searches = searches.map(|(resolver, scenario)| what_comes_of(&rig, resolver, scenario));
    let ends = R::block_on(join_all(searches));
    assert!(rig.is_left());
    // Whether A is still asked for once IPv6 is on its way is a matter of time
    let questions = rig.questions().into_iter();
    let questions = questions.filter(|it| !it.starts_with("A ")).collect();
    let mut requests = rig.requests();
    requests.sort_unstable();
    Sighting {
        ends,
        questions,
        requests,
    }
}

async fn what_comes_of<I: Io>(rig: &Rig, resolver: &Resolver<I>, scenario: &Scenario) -> String {
    let (name, mut ended) = (&scenario.name, Ended::default());
    let end = match resolver.connect(name).await {
        Err(mut error) => {
            forget_times(&mut error.notes);
            ended.step = Some(error.step());
            ended.error = Some(error.kind.name());
            format!("{name}: {error:?}")
        }
        Ok(mut connected) => {
            let is_answered = is_answered(&mut connected).await;
            let mut found = connected.found;
            forget_times(&mut found.notes);
            let destination = found.destination;
            ended.step = Some(destination.step());
            ended.address = found.connection.map(|connection| connection.address);
            ended.error = (!is_answered).then_some("version");
            format!(
                "{name}: {ended:?} {} {} {:?}",
                destination.host_header, destination.tls_name, found.notes
            )
        }
    };
    if let Err(surprise) = scenario.judge(&ended, &rig.world.requests()) {
        panic!("{}: {surprise}\n{end}", scenario.title);
    }
    end
}

/// When something ends is a time on the clock of each search; and of two families, which is answered first is a matter
/// of time
fn forget_times(notes: &mut Notes) {
    notes.attempts.sort_by_key(|attempt| format!("{attempt:?}"));
    if let Some(well_known) = &mut notes.well_known {
        well_known.expires = None;
    }
}

async fn is_answered<I: Io>(connected: &mut Connected<I>) -> bool {
    connected.get(VERSION).await.unwrap().status == 200
}
