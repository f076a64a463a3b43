//! What a search opens is closed with it: nothing outlives the futures, nothing leaks.

use std::cell::RefCell;
use std::pin::pin;
use std::thread;
use std::time::Duration;

use fedway_core::{Config, ServerName};
use fedway_driver::{Io, Resolver, before};
use fedway_proof::leaks::{eventually, open_files_limit, sockets_to};
use fedway_proof::on_every_runtime;
use fedway_proof::runtime::Runtime;
use fedway_testkit::world::{
    Body, Certificate, ConnectionFault, DnsFault, Event, Https, RecordType, Reply, WorldPlan,
};
use futures_util::future::join_all;

use crate::rig::{Rig, VERSION, WELL_KNOWN, ask_with, ms, server_name, web};

on_every_runtime! {
    a_resolver_is_cloned_and_shared_and_its_futures_are_sent,
    dropped_searches_leave_nothing_open,
    a_dropped_search_closes_its_sockets_at_once,
    a_dropped_session_is_closed_at_once,
    a_search_that_goes_on_closes_what_it_needs_no_more,
    a_search_that_ends_leaves_nothing_open,
    three_hundred_names_at_once_are_found,
    five_hundred_searches_end_in_order_on_sixteen_sockets,
    a_session_handed_out_takes_no_room,
    what_lies_answered_after_a_pause_of_the_process_counts,
    nothing_is_left_over_round_after_round,
    a_resolver_outlives_a_runtime,
    a_resolver_serves_threads_of_a_runtime,
    a_search_that_was_never_polled_does_nothing,
}

fn a_resolver_is_cloned_and_shared_and_its_futures_are_sent<R: Runtime>() {
    fn is_shared<T: Clone + Send + Sync + 'static>(_: &T) {}
    fn is_sent<T: Send>(_: T) {}
    fn is_spawned<T: Send + 'static>(_: T) {}
    let resolver = Rig::new(|_| {}).resolver::<R>();
    is_shared(&resolver);
    let name = server_name("example.org");
    is_sent(resolver.resolve(&name));
    is_sent(resolver.connect(&name));
    is_sent(async {
        let mut connected = resolver.connect(&name).await.unwrap();
        connected.get(VERSION).await.unwrap()
    });
    // A task of its own
    let (resolver, name) = (resolver.clone(), name.clone());
    is_spawned(async move { resolver.connect(&name).await });
}

fn dropped_searches_leave_nothing_open<R: Runtime>() {
    let points = points();
    let each = 25;
    let rig = Rig::new(|plan| {
        for point in &points {
            (point.describe)(plan);
        }
    });
    let rig = rig.racing().configure(be_patient);
    R::block_on(async {
        for point in &points {
            rig.world.forget();
            // Each asks for itself: those of one resolver would share what they ask
            let resolvers: Vec<_> = (0..each).map(|_| rig.resolver::<R>()).collect();
            let drops = resolvers.iter();
            let drops = drops.map(|it| abandon(it, point, || point.reached(&rig) >= each));
            join_all(drops).await;
            assert_eq!(sockets_to(&rig.world), 0, "{}", point.name);
        }
    });
    assert!(rig.is_left());
}

fn a_dropped_search_closes_its_sockets_at_once<R: Runtime>() {
    for point in points() {
        let rig = Rig::new(point.describe).racing().configure(be_patient);
        let resolver = rig.resolver::<R>();
        R::block_on(async {
            let reached = || {
                let is_there = point.reached(&rig) >= 1;
                // Or the count of zero below would prove nothing. A table that changes while it is read may lack a line
                let is_open = || sockets_to(&rig.world) > 0;
                let holds = !is_there || !cfg!(target_os = "linux") || eventually(is_open);
                assert!(holds, "{}", point.name);
                is_there
            };
            abandon(&resolver, &point, reached).await;
            assert_eq!(sockets_to(&rig.world), 0, "{}", point.name);
            assert!(rig.is_left(), "{}", point.name);
        });
    }
}

fn a_dropped_session_is_closed_at_once<R: Runtime>() {
    let rig = Rig::new(|plan| {
        plan.a("example.org", "198.51.100.1");
        plan.https(
            "198.51.100.1:8448",
            Https::for_name("example.org").path("/", Reply::none()),
        );
    });
    let resolver = rig.resolver::<R>();
    R::block_on(async {
        let name = server_name("example.org:8448");
        let connected = resolver.connect(&name).await.unwrap();
        assert_eq!(rig.world.open_connections(), 1);
        drop(connected);
        assert_eq!(sockets_to(&rig.world), 0);
        assert!(rig.is_left());
        // In the midst of a request
        let mut connected = resolver.connect(&name).await.unwrap();
        let deadline = resolver.io().now() + ms(50);
        assert!(
            before(resolver.io(), deadline, connected.get("/"))
                .await
                .is_none()
        );
        drop(connected);
        assert_eq!(sockets_to(&rig.world), 0);
        assert!(rig.is_left());
    });
}

fn a_search_that_goes_on_closes_what_it_needs_no_more<R: Runtime>() {
    let dead = |plan: &mut WorldPlan| {
        plan.aaaa("example.org", "2001:db8::1");
        plan.connection_fault("[2001:db8::1]:443", ConnectionFault::HangInHandshake);
    };
    for describe in [
        // Lost the race to the other family
        |plan: &mut WorldPlan, dead: &dyn Fn(&mut WorldPlan)| {
            dead(plan);
            web(plan, "example.org", "198.51.100.1", |server| server);
        },
        // Reached its own deadline
        |plan: &mut WorldPlan, dead: &dyn Fn(&mut WorldPlan)| dead(plan),
        // Reached the deadline of .well-known in the midst of a body
        |plan: &mut WorldPlan, _: &dyn Fn(&mut WorldPlan)| {
            web(plan, "example.org", "198.51.100.1", |server| {
                let drip = Body::EndlessSlow { every: ms(10) };
                server.path(WELL_KNOWN, Reply::json("{").sent(drip))
            });
        },
    ] {
        let rig = Rig::new(|plan| {
            describe(plan, &dead);
            let owner = "_matrix-fed._tcp.example.org";
            plan.dns_fault(owner, RecordType::SRV, DnsFault::Silence);
        });
        let rig = rig.racing().configure(|config| {
            config.deadlines.connect = ms(500);
            config.deadlines.well_known = ms(600);
            config.deadlines.dns = PATIENCE;
            config.deadlines.search = PATIENCE;
        });
        let resolver = rig.resolver::<R>();
        R::block_on(async {
            let name = server_name("example.org");
            let closes = |what: &Event| matches!(what, Event::Closed { .. });
            let is_left = || {
                let log = rig.world.log();
                log.iter().any(|entry| closes(&entry.what)) && rig.world.open_connections() == 0
            };
            let mut search = pin!(resolver.connect(&name));
            let start = resolver.io().now();
            while !is_left() {
                let pause = resolver.io().now() + ms(5);
                assert!(
                    pause.saturating_since(start) < PATIENCE / 2,
                    "something is still open"
                );
                let ended = before(resolver.io(), pause, search.as_mut()).await;
                assert!(ended.is_none(), "ended too early");
            }
        });
    }
}

fn a_search_that_ends_leaves_nothing_open<R: Runtime>() {
    let rig = Rig::new(|plan| {
        // SRV and addresses are asked for in vain, and never answered
        plan.srv("_matrix-fed._tcp.example.org", 1, 0, 8450, "a.example.net");
        for (name, kind) in [
            ("_matrix._tcp.example.org", RecordType::SRV),
            ("a.example.net", RecordType::ANY),
        ] {
            plan.dns_fault(name, kind, DnsFault::Silence);
        }
        web(plan, "example.org", "198.51.100.1", |server| {
            server.well_known(r#"{"m.server": "198.51.100.2"}"#)
        });
        plan.https("198.51.100.2:8448", Https::for_name("198.51.100.2"));
    });
    let resolver = rig.resolver::<R>();
    R::block_on(async {
        resolver.resolve(&server_name("example.org")).await.unwrap();
        assert_eq!(sockets_to(&rig.world), 0);
        let connected = ask_with(&resolver, "example.org").await;
        // The session alone
        assert!(sockets_to(&rig.world) <= 1);
        drop(connected);
        assert_eq!(sockets_to(&rig.world), 0);
    });
    assert!(rig.is_left());
}

fn three_hundred_names_at_once_are_found<R: Runtime>() {
    // Four questions and a connection are open at a time; the world has its ends of them as well
    let count = 300.min(open_files_limit() / 10);
    let rig = Rig::new(|plan| many(plan, count)).configure(be_patient);
    let resolver = rig.resolver::<R>();
    let names: Vec<ServerName> = (0..count)
        .map(host)
        .map(|name| server_name(&name))
        .collect();
    let connected = R::block_on(async {
        let connected = join_all(names.iter().map(|name| resolver.connect(name))).await;
        assert!(eventually(|| rig.world.open_connections() == count));
        connected
            .into_iter()
            .map(|it| it.unwrap().found)
            .collect::<Vec<_>>()
    });
    for (name, found) in names.iter().zip(connected) {
        assert_eq!(found.destination.host_header, name.as_str());
        assert_eq!(found.destination.step(), "6");
    }
    assert_eq!(sockets_to(&rig.world), 0);
    assert!(rig.is_left());
}

fn five_hundred_searches_end_in_order_on_sixteen_sockets<R: Runtime>() {
    end_in_order::<R>(500, 16);
}

/// `ulimit -n 1024; cargo test -p fedway-proof --test driver -- --ignored a_hundred_thousand`
#[test]
#[ignore = "takes minutes"]
fn a_hundred_thousand_searches_end_in_order_on_a_thousand_files() {
    // The world has its ends of them in the same process
    end_in_order::<fedway_proof::runtime::Smol>(100_000, 256);
    end_in_order::<fedway_proof::runtime::Tokio>(100_000, 256);
}

fn end_in_order<R: Runtime>(count: usize, sockets: usize) {
    let rig = Rig::new(|plan| many(plan, 10)).configure(|config| {
        be_patient(config);
        config.deadlines.search = Duration::from_secs(3_600);
    });
    let builder = rig.builder().max_sockets(sockets);
    let resolver = builder.build(R::io()).unwrap();
    let names: Vec<ServerName> = (0..10).map(|number| server_name(&host(number))).collect();
    let ended = RefCell::new(Vec::new());
    R::block_on(join_all((0..count).map(async |number| {
        let connected = resolver.connect(&names[number % 10]).await.unwrap();
        drop(connected);
        ended.borrow_mut().push(number);
        if number.is_multiple_of(count / 50) {
            assert!(sockets_to(&rig.world) <= sockets);
            rig.world.forget();
        }
    })));
    let ended = ended.into_inner();
    assert_eq!(ended.len(), count);
    for (position, number) in ended.iter().enumerate() {
        // Those that are under way together end as their peers have it
        assert!(
            position.abs_diff(*number) <= 4 * sockets,
            "{number} ended as {position}"
        );
    }
}

fn a_session_handed_out_takes_no_room<R: Runtime>() {
    let rig = Rig::new(|plan| many(plan, 3));
    let resolver = rig.builder().max_sockets(1).build(R::io()).unwrap();
    R::block_on(async {
        let mut connected = Vec::new();
        for number in 0..3 {
            connected.push(resolver.connect(&server_name(&host(number))).await.unwrap());
        }
        assert_eq!(rig.world.open_connections(), 3);
    });
}

fn what_lies_answered_after_a_pause_of_the_process_counts<R: Runtime>() {
    let rig = Rig::new(|plan| {
        web(plan, "example.org", "198.51.100.1", |server| {
            let reply = Reply::json(r#"{"m.server": "m.example.org:8449"}"#);
            server.path(WELL_KNOWN, reply.after(ms(300)))
        });
        plan.a("m.example.org", "198.51.100.2");
        plan.https("198.51.100.2:8449", Https::for_name("m.example.org"));
    });
    let rig = rig.configure(|config| config.deadlines.well_known = Duration::from_secs(2));
    let resolver = rig.resolver::<R>();
    R::block_on(async {
        let name = server_name("example.org");
        let mut search = pin!(resolver.connect(&name));
        while rig.world.requests().is_empty() {
            let pause = resolver.io().now() + ms(1);
            let ended = before(resolver.io(), pause, search.as_mut()).await;
            assert!(ended.is_none(), "ended too early");
        }
        // Longer than .well-known may take, and so is everything after it late as well
        thread::sleep(rig.config.deadlines.well_known + ms(500));
        let connected = search.await.unwrap();
        assert_eq!(connected.found.destination.step(), "3.2");
        assert_eq!(
            connected.found.notes.well_known.as_ref().unwrap().error,
            None
        );
    });
}

fn nothing_is_left_over_round_after_round<R: Runtime>() {
    let rig = Rig::new(|plan| many(plan, 10));
    let resolver = rig.resolver::<R>();
    R::block_on(async {
        for _ in 0..5 {
            let names: Vec<_> = (0..10).map(host).collect();
            let connected = join_all(names.iter().map(|name| ask_with(&resolver, name))).await;
            drop(connected);
            assert_eq!(sockets_to(&rig.world), 0);
        }
    });
    assert!(rig.is_left());
}

fn a_resolver_serves_threads_of_a_runtime<R: Runtime>() {
    let rig = Rig::new(|plan| many(plan, 8));
    let resolver = rig.resolver::<R>();
    let searches = (0..64).map(|number| {
        let resolver = resolver.clone();
        async move { ask_with(&resolver, &host(number % 8)).await.found }
    });
    let found = R::on_threads(searches.collect());
    for (number, found) in found.into_iter().enumerate() {
        assert_eq!(found.destination.host_header, host(number % 8));
    }
    assert!(rig.is_left());
}

fn a_resolver_outlives_a_runtime<R: Runtime>() {
    let rig = Rig::new(|plan| many(plan, 3));
    let resolver = rig.resolver::<R>();
    for round in 0..3 {
        let found = R::block_on(ask_with(&resolver, &host(round))).found;
        assert_eq!(found.destination.host_header, host(round));
        // What is under way when nobody waits any more is given up with its runtime
        R::block_on(async {
            let name = server_name(&host((round + 1) % 3));
            let mut left = pin!(resolver.connect(&name));
            let soon = resolver.io().now() + ms(1);
            before(resolver.io(), soon, left.as_mut()).await;
        });
    }
}

fn a_search_that_was_never_polled_does_nothing<R: Runtime>() {
    let rig = Rig::new(|plan| many(plan, 1));
    let (resolver, name) = (rig.resolver::<R>(), server_name(&host(0)));
    drop((resolver.resolve(&name), resolver.connect(&name)));
    assert!(rig.world.log().is_empty());
}

/// Polls a search until the world has seen what the point is about, and drops it there
async fn abandon<I: Io>(resolver: &Resolver<I>, point: &Point, reached: impl Fn() -> bool) {
    let name = server_name(point.name);
    let mut search = pin!(resolver.connect(&name));
    while !reached() {
        let pause = resolver.io().now() + ms(2);
        let ended = before(resolver.io(), pause, search.as_mut()).await;
        assert!(ended.is_none(), "{} ended too early", point.name);
    }
}

/// A moment at which a search is dropped
struct Point {
    /// A name whose search comes to it and no further
    name: &'static str,
    describe: fn(&mut WorldPlan),
    /// What the world sees then, in each search
    sees: fn(&Event) -> bool,
    /// How often, in each search
    times: usize,
}

impl Point {
    /// How many searches have come to it
    fn reached(&self, rig: &Rig) -> usize {
        let log = rig.world.log();
        log.iter().filter(|entry| (self.sees)(&entry.what)).count() / self.times
    }
}

/// From the first question to the last handshake
fn points() -> [Point; 10] {
    let accepts = |what: &Event| matches!(what, Event::Accepted { .. });
    let greets = |what: &Event| matches!(what, Event::ClientHello { .. });
    let requests = |what: &Event| matches!(what, Event::Request(_));
    [
        Point {
            name: "dns.example.org:8448",
            describe: |plan| {
                plan.dns_fault("dns.example.org", RecordType::ANY, DnsFault::Silence);
            },
            sees: |what| matches!(what, Event::DnsQuery(_)),
            times: 2,
        },
        Point {
            name: "srv.example.org",
            describe: |plan| {
                let owner = "_matrix-fed._tcp.srv.example.org";
                plan.dns_fault(owner, RecordType::SRV, DnsFault::Silence);
                web(plan, "srv.example.org", "198.51.100.10", |server| server);
            },
            sees: |what| matches!(what, Event::Closed { .. }),
            times: 1,
        },
        Point {
            name: "accept.example.org",
            describe: |plan| {
                hang(
                    plan,
                    "accept.example.org",
                    "198.51.100.11",
                    ConnectionFault::HangAfterAccept,
                );
            },
            sees: accepts,
            times: 1,
        },
        Point {
            name: "greet.example.org",
            describe: |plan| {
                hang(
                    plan,
                    "greet.example.org",
                    "198.51.100.12",
                    ConnectionFault::HangInHandshake,
                );
            },
            sees: greets,
            times: 1,
        },
        Point {
            name: "get.example.org",
            describe: |plan| {
                web(plan, "get.example.org", "198.51.100.13", |server| {
                    server.path(WELL_KNOWN, Reply::none())
                });
            },
            sees: requests,
            times: 1,
        },
        Point {
            name: "drip.example.org",
            describe: |plan| {
                web(plan, "drip.example.org", "198.51.100.14", |server| {
                    let drip = Body::EndlessSlow { every: ms(1) };
                    server.path(WELL_KNOWN, Reply::json("{").sent(drip))
                });
            },
            sees: requests,
            times: 1,
        },
        Point {
            name: "redirect.example.org",
            describe: |plan| {
                web(plan, "redirect.example.org", "198.51.100.15", |server| {
                    let to = "https://198.51.100.16/";
                    server.path(WELL_KNOWN, Reply::redirect(302, to))
                });
                plan.connection_fault("198.51.100.16:443", ConnectionFault::HangInHandshake);
            },
            sees: greets,
            times: 2,
        },
        Point {
            name: "198.51.100.17",
            describe: |plan| {
                plan.connection_fault("198.51.100.17:8448", ConnectionFault::HangInHandshake);
            },
            sees: greets,
            times: 1,
        },
        Point {
            name: "race.example.org:8448",
            describe: |plan| {
                for (ip, at) in [
                    ("198.51.100.18", "198.51.100.18:8448"),
                    ("2001:db8::18", "[2001:db8::18]:8448"),
                ] {
                    plan.address("race.example.org", ip);
                    plan.connection_fault(at, ConnectionFault::HangInHandshake);
                }
            },
            sees: greets,
            times: 2,
        },
        Point {
            name: "targets.example.org",
            describe: |plan| {
                for target in 0..10 {
                    let name = format!("t{target}.example.net");
                    plan.srv("_matrix-fed._tcp.targets.example.org", 1, 0, 8448, &name);
                    plan.dns_fault(&name, RecordType::ANY, DnsFault::Silence);
                }
            },
            sees: |what| matches!(what, Event::DnsQuery(query) if query.name.ends_with("example.net.")),
            times: 20,
        },
    ]
}

/// Connections to the web server of a host hang
fn hang(plan: &mut WorldPlan, name: &str, ip: &str, fault: ConnectionFault) {
    plan.a(name, ip);
    plan.connection_fault(&format!("{ip}:443"), fault);
}

/// So many hosts that share a server, and have neither .well-known nor SRV records
fn many(plan: &mut WorldPlan, count: usize) {
    for number in 0..count {
        plan.a(&host(number), "198.51.100.1");
    }
    for at in ["198.51.100.1:443", "198.51.100.1:8448"] {
        let shown = Certificate::for_name("*.example.org");
        plan.https(at, Https::for_name("example.org").certificate(shown));
    }
}

fn host(number: usize) -> String {
    format!("h{number}.example.org")
}

/// Leaves a busy machine the time that many handshakes at once may take
fn be_patient(config: &mut Config) {
    config.deadlines.dns = PATIENCE;
    config.deadlines.connect = PATIENCE;
    config.deadlines.well_known = PATIENCE;
    config.deadlines.search = PATIENCE;
}

/// For many handshakes at once on a busy machine
const PATIENCE: Duration = Duration::from_secs(60);
