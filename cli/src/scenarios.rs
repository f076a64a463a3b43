//! What `check --explain` says of every scenario of the loopback world, as it was reviewed.
//!
//! After a change, `INSTA_UPDATE=always cargo test -p fedway explanation` writes them anew: read what has changed.

use std::time::Duration;

use fedway_core::Edition;
use fedway_testkit::world::scenarios::{self, Scenario};
use fedway_testkit::world::{ConnectionFault, Https, WorldPlan};
use fedway_tokio::Sockets;
use futures_util::stream::{self, StreamExt as _};

use crate::inquiry::{How, check};
use crate::report::Report;
use crate::run::tokio_runtime;
use crate::text::Block;

#[test]
fn the_explanation_of_every_scenario_is_as_it_was_reviewed() {
    let scenarios = scenarios::all();
    let mut plan = WorldPlan::new();
    for scenario in &scenarios {
        scenario.add_to(&mut plan);
    }
    let world = plan.start().unwrap();
    let explained = scenarios.iter().map(async |scenario| {
        let mut config = scenario.config();
        // Who comes first is no matter of how busy the machine is
        config.racing.attempt_delay = NEVER;
        config.racing.resolution_delay = NEVER;
        // A name server's last word comes a twentieth of this before its end
        config.deadlines.dns = Duration::from_secs(4);
        // And the last target of a search that takes too long has a second until it is over
        config.deadlines.connect = Duration::from_secs(2);
        let builder = world.builder().config(config);
        let resolver = builder.build(Sockets::default()).unwrap();
        let inquiry = check(&resolver, &scenario.name, How::Closely).await;
        let mut report = Report::new(scenario.name.as_str(), scenario.edition, inquiry);
        without_time(&mut report);
        let name = scenario.name.as_str();
        let text = Block {
            name,
            report: &report,
        }
        .to_string();
        without_days(&anstream::adapter::strip_str(&text).to_string())
    });
    let Ok(runtime) = tokio_runtime() else {
        panic!("a runtime for a test");
    };
    let explained = stream::iter(explained).buffered(AT_ONCE);
    let texts: Vec<_> = runtime.block_on(explained.collect());
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        for (scenario, text) in scenarios.iter().zip(texts) {
            insta::assert_snapshot!(file_name(scenario), text);
        }
    });
}

#[test]
fn every_address_is_tried_to_its_end_and_families_are_counted() {
    let mut plan = WorldPlan::new();
    plan.address("dual.example", "198.51.100.8");
    plan.address("dual.example", "198.51.100.9");
    plan.address("dual.example", "2001:db8::8");
    for address in ["198.51.100.8:8448", "198.51.100.9:8448"] {
        plan.https(address, Https::for_name("dual.example"));
    }
    plan.connection_fault("198.51.100.9:8448", ConnectionFault::GarbageInHandshake);
    plan.https("198.51.100.8:443", Https::for_name("dual.example"));
    let world = plan.start().unwrap();
    let resolver = world.builder().build(Sockets::default()).unwrap();
    let name = "dual.example".parse().unwrap();
    let Ok(runtime) = tokio_runtime() else {
        panic!("a runtime for a test");
    };
    let inquiry = runtime.block_on(check(&resolver, &name, How::Everywhere));
    let report = Report::new("dual.example", Edition::V1_8, inquiry);
    let name = "dual.example";
    let text = Block {
        name,
        report: &report,
    }
    .to_string();
    let text = anstream::adapter::strip_str(&text).to_string();
    for line in [
        "address     .well-known at 198.51.100.8:443 works",
        "address     .well-known at [2001:db8::8]:443: connection failed: connection refused",
        "address     198.51.100.8:8448 works",
        "address     [2001:db8::8]:8448: connection failed: connection refused",
        "all         IPv4: 2 of 4 work, IPv6: 0 of 2 work",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(text.contains("[address-dead]"), "{text}");
}

/// Everything at once, so that it is the same each time
fn without_time(report: &mut Report) {
    if let Some(explanation) = &mut report.explanation {
        explanation.elapsed = Duration::ZERO;
        for exchange in explanation
            .steps
            .iter_mut()
            .flat_map(|step| &mut step.asked)
        {
            (exchange.from, exchange.until) = (Duration::ZERO, Duration::ZERO);
        }
    }
}

/// Certificates of the world last for long, and a day less each day
fn without_days(text: &str) -> String {
    let lines = text.lines().map(|line| match line.split_once(" (") {
        Some((start, rest)) if rest.contains(" days left)") => {
            let end = rest.split_once(')').map_or("", |(_, end)| end);
            format!("{start}{end}\n")
        }
        Some(_) | None => format!("{line}\n"),
    });
    lines.collect()
}

fn file_name(scenario: &Scenario) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || c == '.' {
            c
        } else {
            '-'
        }
    };
    let name: String = scenario.name.as_str().chars().map(plain).collect();
    format!("{}-{}", scenario.edition, name)
}

/// So few that all of them are in time
const AT_ONCE: usize = 16;
/// Longer than any deadline
const NEVER: Duration = Duration::from_secs(60);
