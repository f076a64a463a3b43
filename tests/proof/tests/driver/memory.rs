//! A resolver remembers, and however many ask at once, the world is asked once.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Arc;

use fedway_core::{Fate, Outcome, Place, Recording, SearchGoal, SplitMix64, Use};
use fedway_driver::{Io as _, before};
use fedway_proof::on_every_runtime;
use fedway_proof::runtime::Runtime;
use fedway_testkit::world::{DnsServer, Https, Reply, WorldPlan};
use futures_util::future::{Either, join, join_all, select};
use futures_util::stream::{self, StreamExt as _};

use crate::rig::{Rig, ask_with, ms, server_name, web};

on_every_runtime! {
    a_thousand_tasks_that_ask_for_one_cold_name_make_one_search,
    a_thousand_tasks_on_several_threads_make_one_search,
    whichever_asker_is_dropped_the_others_are_told,
    a_second_visit_asks_nothing,
    connections_share_what_was_asked_and_shake_hands_each_for_itself,
    the_subject_leads_to_the_server_without_a_second_request,
    what_is_reported_or_forgotten_is_asked_again,
    a_recorded_search_shares_what_is_known_and_says_so,
    a_snapshot_outlives_the_resolver,
    three_hundred_names_are_found_through_a_name_server_that_drops_what_is_beyond_its_limit,
    what_is_due_is_renewed_while_somebody_runs_the_resolver,
}

/// `example.org` delegates to `m.example.org:8449`
fn describe(plan: &mut WorldPlan) {
    web(plan, "example.org", "198.51.100.1", |server| {
        server.well_known(r#"{"m.server": "m.example.org:8449"}"#)
    });
    plan.a("m.example.org", "198.51.100.2");
    let version = Reply::json(r#"{"server":{"name":"test","version":"1"}}"#);
    let server = Https::for_name("m.example.org").path("/_matrix/federation/v1/version", version);
    plan.https("198.51.100.2:8449", server);
}

/// One request for .well-known, and no question twice
fn is_one_search(rig: &Rig) {
    let questions = rig.world.dns_queries();
    let distinct: BTreeSet<_> = questions.iter().map(|it| format!("{it:?}")).collect();
    assert_eq!(questions.len(), distinct.len(), "{questions:?}");
    let requests = rig.world.requests();
    let well_known = requests
        .iter()
        .filter(|it| it.target.contains("well-known"));
    assert_eq!(well_known.count(), 1);
}

fn a_thousand_tasks_that_ask_for_one_cold_name_make_one_search<R: Runtime>() {
    let rig = Rig::new(describe);
    let resolver = rig.resolver::<R>();
    let name = server_name("example.org");
    let found = R::block_on(join_all((0..1_000).map(|_| resolver.resolve(&name))));
    let first = found[0].clone().unwrap();
    assert_eq!(first.destination.host_header, "m.example.org:8449");
    assert!(
        found
            .into_iter()
            .all(|found| Arc::ptr_eq(&found.unwrap(), &first))
    );
    is_one_search(&rig);
}

fn a_thousand_tasks_on_several_threads_make_one_search<R: Runtime>() {
    let rig = Rig::new(describe);
    let resolver = rig.resolver::<R>();
    // smol has a thread a task here
    let asks = (0..100).map(|_| {
        let resolver = resolver.clone();
        async move {
            let asks = (0..10).map(async |_| resolver.resolve(&server_name("example.org")).await);
            join_all(asks).await
        }
    });
    for found in R::on_threads(asks.collect()).into_iter().flatten() {
        assert_eq!(found.unwrap().destination.host_header, "m.example.org:8449");
    }
    is_one_search(&rig);
}

fn whichever_asker_is_dropped_the_others_are_told<R: Runtime>() {
    let mut random = SplitMix64::new(7);
    for _ in 0..30 {
        let rig = Rig::new(describe);
        let resolver = rig.resolver::<R>();
        let name = server_name("example.org");
        // Half of them give up, each when it likes; the first is the one who does the work
        let patience: Vec<_> = (0..20)
            .map(|number| {
                let leaves = number == 0 || random.below(2) == 0;
                leaves.then(|| ms(random.up_to(8)))
            })
            .collect();
        let asked = Cell::new(0);
        let ends = R::block_on(join_all(patience.iter().map(async |patience| {
            asked.set(asked.get() + 1);
            let search = pin!(resolver.resolve(&name));
            let Some(patience) = patience else {
                return Some(search.await);
            };
            // Nobody leaves before all have asked
            let leave = pin!(async {
                while asked.get() < 20 {
                    resolver.io().sleep_until(resolver.io().now() + ms(1)).await;
                }
                resolver
                    .io()
                    .sleep_until(resolver.io().now() + *patience)
                    .await;
            });
            match select(search, leave).await {
                Either::Left((found, _)) => Some(found),
                Either::Right(_) => None,
            }
        })));
        for (end, patience) in ends.into_iter().zip(&patience) {
            match end {
                Some(found) => assert_eq!(found.unwrap().destination.step(), "3.2"),
                None => assert!(patience.is_some()),
            }
        }
        is_one_search(&rig);
        assert_eq!(resolver.stats().searches, 0);
        assert!(rig.is_left());
    }
}

fn a_second_visit_asks_nothing<R: Runtime>() {
    let rig = Rig::new(describe);
    let resolver = rig.resolver::<R>();
    R::block_on(async {
        let name = server_name("example.org");
        let first = resolver.resolve(&name).await.unwrap();
        rig.world.forget();
        let second = resolver.resolve(&name).await.unwrap();
        assert!(Arc::ptr_eq(&first, &second));
        ask_with(&resolver, "example.org").await;
        assert_eq!(rig.world.dns_queries(), []);
        assert_eq!(rig.world.requests().len(), 1);
        assert_eq!(resolver.stats().remembered, 1);
    });
}

fn connections_share_what_was_asked_and_shake_hands_each_for_itself<R: Runtime>() {
    let rig = Rig::new(describe);
    let resolver = rig.resolver::<R>();
    let connected = R::block_on(join_all(
        (0..50).map(|_| ask_with(&resolver, "example.org")),
    ));
    assert_eq!(connected.len(), 50);
    is_one_search(&rig);
    assert_eq!(rig.world.requests().len(), 51);
}

fn the_subject_leads_to_the_server_without_a_second_request<R: Runtime>() {
    let rig = Rig::new(describe);
    let resolver = rig.resolver::<R>();
    R::block_on(async {
        let delegated = resolver
            .delegation(&server_name("example.org"))
            .await
            .unwrap();
        assert_eq!(delegated.subject.as_str(), "m.example.org:8449");
        let connected = resolver.connect_to(&delegated.subject).await.unwrap();
        assert_eq!(connected.host_header(), "m.example.org:8449");
    });
    is_one_search(&rig);
}

fn what_is_reported_or_forgotten_is_asked_again<R: Runtime>() {
    let rig = Rig::new(describe);
    let resolver = rig.resolver::<R>();
    R::block_on(async {
        let name = server_name("example.org");
        resolver.resolve(&name).await.unwrap();
        assert!(resolver.report(&name, Outcome::Misdirected));
        assert!(!resolver.report(&name, Outcome::Misdirected));
        resolver.resolve(&name).await.unwrap();
        assert_eq!(rig.world.requests().len(), 2);
        assert!(resolver.forget(&name));
        resolver.resolve(&name).await.unwrap();
        assert_eq!(rig.world.requests().len(), 3);
        resolver.resolve_fresh(&name).await.unwrap();
        assert_eq!(rig.world.requests().len(), 4);
        let names = resolver.entries(|all| all.map(|it| it.name.to_owned()).collect::<Vec<_>>());
        assert_eq!(names, ["example.org"]);
        resolver.forget_all();
        assert_eq!(resolver.stats().facts, 0);
    });
}

fn a_recorded_search_shares_what_is_known_and_says_so<R: Runtime>() {
    let rig = Rig::new(describe);
    let resolver = rig.resolver::<R>();
    let name = server_name("example.org");
    let of_step_3 = |recording: &Recording| {
        let explanation = recording.explain().unwrap();
        let mut steps = explanation.steps.into_iter();
        let step = steps.find(|step| step.place == Place::WellKnown).unwrap();
        (step.fate, step.asked.last().unwrap().use_made)
    };
    R::block_on(async {
        let cold = resolver.explain_shared(&name, SearchGoal::Resolve).await;
        assert_eq!(of_step_3(&cold.recording), (Fate::Taken, Use::Needed));
        rig.world.forget();
        let warm = resolver.explain_shared(&name, SearchGoal::Connect).await;
        assert_eq!(of_step_3(&warm.recording), (Fate::Taken, Use::Known));
        assert_eq!(rig.world.dns_queries(), []);
        let mut connected = warm.connected.unwrap();
        assert_eq!(connected.host_header(), "m.example.org:8449");
        let version = connected.get("/_matrix/federation/v1/version").await;
        assert_eq!(version.unwrap().status, 200);
        // It was learnt for all
        assert!(resolver.stats().names == 1 && resolver.resolve(&name).await.is_ok());
        assert_eq!(rig.world.requests().len(), 1);
    });
}

fn a_snapshot_outlives_the_resolver<R: Runtime>() {
    let rig = Rig::new(describe);
    let name = server_name("example.org");
    let before = rig.resolver::<R>();
    R::block_on(before.resolve(&name)).unwrap();
    let snapshot = before.snapshot();
    rig.world.forget();
    let after = rig.resolver::<R>();
    after.restore(snapshot, ms(10)).unwrap();
    let found = R::block_on(after.resolve(&name)).unwrap();
    assert_eq!(found.destination.host_header, "m.example.org:8449");
    assert_eq!(rig.world.dns_queries(), []);
}

fn what_is_due_is_renewed_while_somebody_runs_the_resolver<R: Runtime>() {
    let rig = Rig::new(describe).configure(|config| {
        config.lifetimes.well_known = ms(1_000);
        config.lifetimes.well_known_least = ms(1_000);
    });
    let resolver = rig.resolver::<R>();
    let name = server_name("example.org");
    R::block_on(async {
        resolver.resolve(&name).await.unwrap();
        let visit = async {
            // In the last fifth
            resolver
                .io()
                .sleep_until(resolver.io().now() + ms(950))
                .await;
            resolver.resolve(&name).await.unwrap();
            // Nobody waits for anything now
            resolver
                .io()
                .sleep_until(resolver.io().now() + ms(500))
                .await;
            assert_eq!(rig.world.requests().len(), 2);
            rig.world.forget();
            resolver.resolve(&name).await.unwrap();
            assert_eq!(rig.world.dns_queries(), []);
        };
        let until = resolver.io().now() + ms(3_000);
        let run = before(resolver.io(), until, resolver.run());
        join(visit, run).await;
    });
}

/// 64 at once, and a hundred questions a second
fn three_hundred_names_are_found_through_a_name_server_that_drops_what_is_beyond_its_limit<
    R: Runtime,
>() {
    const NAMES: usize = 300;
    let host = |number: usize| format!("h{number}.example.org");
    let rig = Rig::new(|plan| {
        for number in 0..NAMES {
            let name = host(number);
            match number % 3 {
                0 => web(plan, &name, "198.51.100.1", |server| {
                    server.well_known(r#"{"m.server": "192.0.2.1:8449"}"#)
                }),
                1 => {
                    plan.a(&name, "198.51.100.2");
                    plan.srv(&format!("_matrix-fed._tcp.{name}"), 1, 1, 8450, "192.0.2.2");
                }
                _ => drop(plan.a(&name, "198.51.100.2")),
            }
        }
    });
    let rig = rig.name_servers([DnsServer::Limited(100)]);
    let resolver = rig.resolver::<R>();
    let found = R::block_on(async {
        let names = (0..NAMES).map(|number| {
            let (resolver, name) = (resolver.clone(), server_name(&host(number)));
            async move { resolver.resolve(&name).await }
        });
        stream::iter(names).buffered(64).collect::<Vec<_>>().await
    });
    for (number, found) in found.into_iter().enumerate() {
        let found = found.unwrap_or_else(|error| panic!("{number}: {error:#}"));
        let step = found.destination.step();
        assert_eq!(
            step,
            ["3.1", "4", "6"][number % 3],
            "{number}: {:?}",
            found.notes
        );
    }
}
