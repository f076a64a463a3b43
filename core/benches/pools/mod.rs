//! What is counted of a pool.

use std::sync::Arc;
use std::time::Duration;

use fedway_core::{Config, Instant, Machine as _, Pool, ServerName, Step, Ticket, Told};

use crate::names::{known, name};
use crate::searches::{LONGEST_V1_8, UnderWay, carry};

/// Runs a piece of work, and counts it
pub(crate) type Count<'a> = &'a dyn Fn(&mut dyn FnMut());

/// A name that is remembered, among so many
pub(crate) fn hit<const NAMES: usize>(count: Count<'_>) {
    let mut pool = known(NAMES);
    let name = name(NAMES / 2);
    let now = Instant::from_origin(Duration::from_secs(60));
    let look = |pool: &mut Pool| assert!(pool.look(&name, now).is_some_and(|found| found.is_ok()));
    look(&mut pool);
    count(&mut || look(&mut pool));
}

/// The longest search, in a pool that knows nothing, beside so many others that wait
pub(crate) fn cold<const OTHERS: usize>(count: Count<'_>) {
    let (name, config) = LONGEST_V1_8.given();
    let mut config = Config::clone(&config);
    config.asking = u16::MAX;
    let mut pool = Pool::new(config.into(), 1);
    wait(&mut pool, OTHERS);
    let search = |pool: &mut Pool, name: &ServerName, count: Count<'_>| {
        let mut under_way = UnderWay::new();
        let mut replies = LONGEST_V1_8.replies().collect::<Vec<_>>().into_iter();
        count(&mut || {
            let _ = pool.connect(name, Instant::ORIGIN);
            let told = carry(pool, &mut under_way, &mut replies, || ());
            let Told::Connected(_, Ok(found)) = told else {
                panic!("a case finds its server");
            };
            LONGEST_V1_8.check(&found);
        });
    };
    // Once before, so that the allocator has its free lists
    let mut other = Pool::new(pool.config().clone().into(), 1);
    search(&mut other, &name, &|work| work());
    drop(other);
    search(&mut pool, &name, count);
}

/// A search over facts that are all known
pub(crate) fn warm(count: Count<'_>) {
    let (name, config) = LONGEST_V1_8.given();
    let mut pool = Pool::new(config, 1);
    let mut under_way = UnderWay::new();
    let mut replies = LONGEST_V1_8.replies();
    let _ = pool.connect(&name, Instant::ORIGIN);
    let _ = carry(&mut pool, &mut under_way, &mut replies, || ());
    let mut no_more = std::iter::empty();
    let mut resolve = |pool: &mut Pool| {
        let _ = pool.resolve(&name, Instant::ORIGIN);
        let told = carry(pool, &mut under_way, &mut no_more, || ());
        assert!(matches!(told, Told::Resolved(_, Ok(_))));
    };
    count(&mut || resolve(&mut pool));
}

/// A thousand ask for one name that is not known, and are told
pub(crate) fn asks(count: Count<'_>) {
    let (name, config) = LONGEST_V1_8.given();
    let mut pool = Pool::new(config, 1);
    let mut replies = LONGEST_V1_8.replies().collect::<Vec<_>>().into_iter();
    let mut under_way = UnderWay::new();
    let mut tickets: Vec<Ticket> = Vec::with_capacity(1_000);
    count(&mut || {
        for _ in 0..1_000 {
            tickets.push(pool.resolve(&name, Instant::ORIGIN));
        }
        for _ in 0..1_000 {
            let told = carry(&mut pool, &mut under_way, &mut replies, || ());
            assert!(matches!(told, Told::Resolved(_, Ok(_))));
        }
    });
}

/// A poll, while so many wait
pub(crate) fn poll<const SEARCHES: usize>(count: Count<'_>) {
    let mut config = Config::default();
    config.asking = u16::MAX;
    let mut pool = Pool::new(Arc::new(config), 1);
    wait(&mut pool, SEARCHES);
    let now = Instant::from_origin(Duration::from_millis(1));
    count(&mut || {
        pool.handle_timeout(now);
        assert!(matches!(pool.poll(), Step::Wait { .. }));
    });
}

/// So many searches that wait for DNS
fn wait(pool: &mut Pool, searches: usize) {
    for index in 0..searches {
        let _ = pool.resolve(&name(index), Instant::ORIGIN);
    }
    while !matches!(pool.poll(), Step::Wait { .. }) {}
}
