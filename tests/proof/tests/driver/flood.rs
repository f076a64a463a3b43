//! What a peer sends without end: it neither stops the clock, nor fills a search, nor keeps the thread to itself.

use std::cell::RefCell;
use std::time::Duration;

use fedway_core::{FetchError, WellKnownError};
use fedway_driver::Io as _;
use fedway_testkit::world::{Body, Https, Reply};
use futures_util::future::join;

use crate::rig::{Rig, WELL_KNOWN, ms, server_name, web};
use fedway_proof::on_every_runtime;
use fedway_proof::runtime::Runtime;

on_every_runtime! {
    more_than_the_volume_is_not_read_whatever_it_decrypts_to,
    a_flood_neither_stops_the_clock_nor_delays_others_on_its_thread,
    a_version_that_never_ends_is_given_up_in_time,
}

fn more_than_the_volume_is_not_read_whatever_it_decrypts_to<R: Runtime>() {
    for flood in FLOODS {
        let rig = flooding(flood);
        let limit = rig.config.limits.volume;
        let error = rig.well_known_error::<R>("flood.example.org");
        let too_much = WellKnownError::Fetch(FetchError::TooMuchData { limit });
        assert_eq!(error, Some(too_much), "{flood:?}");
        assert!(rig.is_left());
    }
}

fn a_flood_neither_stops_the_clock_nor_delays_others_on_its_thread<R: Runtime>() {
    for flood in FLOODS {
        let rig = flooding(flood).configure(|config| {
            // As if nobody counted
            config.limits.volume = usize::MAX;
            config.deadlines.well_known = Duration::from_secs(5);
        });
        let resolver = rig.resolver::<R>();
        let ended = RefCell::new(Vec::new());
        let search = async |name: &str| {
            let found = resolver.resolve(&server_name(name)).await.unwrap();
            ended.borrow_mut().push(name.to_owned());
            found.notes.well_known.clone().unwrap().error
        };
        let innocent = async {
            // The flood is on
            while rig.world.requests().is_empty() {
                let pause = resolver.io().now() + ms(1);
                resolver.io().sleep_until(pause).await;
            }
            search("innocent.example.org").await
        };
        let (flooded, innocent) = R::block_on(join(search("flood.example.org"), innocent));
        assert_eq!(flooded, Some(WellKnownError::TimedOut), "{flood:?}");
        assert_eq!(innocent, None);
        assert_eq!(
            *ended.borrow(),
            ["innocent.example.org", "flood.example.org"]
        );
    }
}

fn a_version_that_never_ends_is_given_up_in_time<R: Runtime>() {
    for flood in FLOODS {
        let rig = Rig::new(|plan| {
            plan.a("example.org", "198.51.100.1");
            let reply = Reply::json("{").sent(flood);
            let server = Https::for_name("example.org").path("/", reply);
            plan.https("198.51.100.1:8448", server);
        });
        let limit = rig.config.limits.volume;
        for (volume, time, error) in [
            (limit, ms(20_000), FetchError::TooMuchData { limit }),
            (usize::MAX, ms(500), FetchError::TimedOut),
        ] {
            let mut config = rig.config.clone();
            config.limits.volume = volume;
            config.deadlines.well_known = time;
            let resolver = rig.builder().config(config).build(R::io()).unwrap();
            let result = R::block_on(async {
                let name = server_name("example.org:8448");
                let mut connected = resolver.connect(&name).await.unwrap();
                connected.get("/").await
            });
            assert_eq!(result, Err(error), "{flood:?}");
        }
    }
}

/// One name whose .well-known never ends, and one that is well
fn flooding(flood: Body) -> Rig {
    Rig::new(|plan| {
        web(plan, "flood.example.org", "198.51.100.1", |server| {
            server.path(WELL_KNOWN, Reply::json("{").sent(flood))
        });
        web(plan, "innocent.example.org", "198.51.100.2", |server| {
            server.well_known(r#"{"m.server": "198.51.100.3"}"#)
        });
    })
}

/// Of both kinds nothing, or next to nothing, comes out of TLS
const FLOODS: [Body; 2] = [Body::EndlessTickets, Body::EndlessPadding];
