//! What is seen from outside: spans of `tracing`, and with the feature `metrics` counters.

use fedway_core::{Action, Family, Purpose, ServerName};
use tracing::Span;

/// The span of a search, as one asker sees it
pub(crate) fn search(goal: &'static str, name: &ServerName) -> Span {
    tracing::debug_span!("search", goal, %name, place = tracing::field::Empty)
}

/// The span of a question, a connection or a request, which is for whoever wants it, and not for who happens to poll it
pub(crate) fn action(action: &Action) -> Span {
    match action {
        Action::Connect(connect) => {
            let (address, tls_name) = (connect.address(), connect.tls_name());
            let purpose = match connect.purpose() {
                Purpose::Federation => "federation",
                Purpose::WellKnown => "well_known",
            };
            tracing::debug_span!(parent: None, "connect", %address, %tls_name, purpose)
        }
        Action::FetchWellKnown(fetch) => {
            let (host, target) = (fetch.host_header(), fetch.target());
            tracing::debug_span!(parent: None, "fetch", host, target)
        }
        Action::LookUpAddresses(look_up) => {
            let (name, kind) = (look_up.host(), of_family(look_up.family()));
            tracing::debug_span!(parent: None, "question", kind, %name)
        }
        Action::QuerySrv(query) => {
            let name = query.name();
            tracing::debug_span!(parent: None, "question", kind = "srv", %name)
        }
    }
}

pub(crate) fn of_family(family: Family) -> &'static str {
    match family {
        Family::V4 => "a",
        Family::V6 => "aaaa",
    }
}

#[cfg(feature = "metrics")]
mod counted {
    use std::time::Duration;

    use fedway_core::{DnsError, Edition, FactKind, Pool};
    use metrics::{counter, gauge, histogram};

    /// A question to DNS has an answer, or none
    pub(crate) fn question<T>(kind: &'static str, result: &Result<T, DnsError>) {
        let result = result.as_ref().map_or_else(DnsError::name, |_| "answered");
        counter!("fedway_dns_questions_total", "type" => kind, "result" => result).increment(1);
    }

    /// Somebody was told what was asked for
    pub(crate) fn asked(took: Duration) {
        histogram!("fedway_search_seconds").record(took.as_secs_f64());
    }

    /// What the pool counts
    pub(crate) fn publish(pool: &Pool, edition: Edition) {
        let stats = pool.stats();
        for (place, result, count) in stats.ended() {
            let place = place.number(edition);
            counter!("fedway_searches_total", "place" => place, "result" => result).absolute(count);
        }
        for kind in FactKind::ALL {
            let (served, kind) = (stats.served(kind), kind.name());
            counter!("fedway_facts_hits_total", "kind" => kind).absolute(served.hits);
            counter!("fedway_facts_misses_total", "kind" => kind).absolute(served.misses);
            counter!("fedway_facts_stale_total", "kind" => kind).absolute(served.stale);
        }
        gauge!("fedway_in_flight").set(stats.searches as f64);
    }
}

#[cfg(feature = "metrics")]
pub(crate) use counted::{asked, publish, question};

#[cfg(not(feature = "metrics"))]
mod uncounted {
    use std::time::Duration;

    use fedway_core::{DnsError, Edition, Pool};

    pub(crate) fn question<T>(_: &'static str, _: &Result<T, DnsError>) {}
    pub(crate) fn asked(_: Duration) {}
    pub(crate) fn publish(_: &Pool, _: Edition) {}
}

#[cfg(not(feature = "metrics"))]
pub(crate) use uncounted::{asked, publish, question};
