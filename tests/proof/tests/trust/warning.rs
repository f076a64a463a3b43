//! What is not verified is said in the log of whoever embeds a driver.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use fedway_proof::on_every_runtime;
use fedway_proof::runtime::Runtime;
use fedway_testkit::world::{Certificate, Https};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::rig::{HERE, Rig};

on_every_runtime! {
    each_skip_is_a_warning_with_host_address_and_rule,
    a_verified_session_is_none,
}

fn each_skip_is_a_warning_with_host_address_and_rule<R: Runtime>() {
    for rule in ["example.org", "198.51.100.0/24"] {
        let shown = Certificate::for_name("example.org").self_signed();
        let rig = Rig::showing("example.org", shown).skip(rule);
        let warnings = warnings(|| drop(rig.connect::<R>().unwrap()));
        let expected =
            format!("certificate not verified host=example.org address={HERE} rule={rule} ");
        assert_eq!(warnings, [expected]);
    }
}

fn a_verified_session_is_none<R: Runtime>() {
    let rig = Rig::serving("example.org", |server: Https| server).skip("example.com");
    assert!(warnings(|| drop(rig.connect::<R>().unwrap())).is_empty());
}

/// The driver's warnings on this thread
fn warnings(work: impl FnOnce()) -> Vec<String> {
    let log = Log::default();
    tracing::subscriber::with_default(log.clone(), work);
    let lines = log.0.lock().unwrap();
    lines.clone()
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::WARN && metadata.target().starts_with("fedway")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[derive(Default)]
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0 += &match field.name() {
            "message" => format!("{value:?} "),
            name => format!("{name}={value:?} "),
        };
    }
}
