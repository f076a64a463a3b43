//! Certificate transparency: each outcome, what counts, and what is required.

use std::time::{SystemTime, UNIX_EPOCH};

use fedway_core::{CertificateError, CtPolicy};
use fedway_driver::{BuildError, LogList, SctOutcome, SctSource, Transparency, TrustError};
use fedway_proof::on_every_runtime;
use fedway_proof::runtime::Runtime;
use fedway_testkit::world::{Certificate, CtLog};

use crate::rig::Rig;

on_every_runtime! {
    each_timestamp_has_its_outcome,
    a_stapled_timestamp_counts_as_an_embedded_one,
    timestamps_are_verified_under_whatever_issued_the_certificate,
    distinct_operators_are_counted,
    too_few_operators_are_refused_where_more_are_required,
    retired_logs_alone_do_not_count,
    a_resumed_session_tells_what_was_found,
    nothing_is_looked_at_where_transparency_is_off_or_the_certificate_is_not_verified,
    transparency_cannot_be_required_without_a_list,
}

fn each_timestamp_has_its_outcome<R: Runtime>() {
    let logs = Logs::new();
    let unlisted = CtLog::new("Unlisted").unwrap();
    let now = now();
    for (what, timestamp, outcome, operators) in [
        ("usable", logs.usable.at(now), SctOutcome::Valid, 1),
        ("qualified", logs.qualified.at(now), SctOutcome::Valid, 1),
        ("read-only", logs.readonly.at(now), SctOutcome::Valid, 1),
        ("unknown", unlisted.at(now), SctOutcome::UnknownLog, 0),
        (
            "forged",
            logs.usable.at(now).forged(),
            SctOutcome::BadSignature,
            0,
        ),
        (
            "in the future",
            logs.usable.at(now + 3_600_000),
            SctOutcome::InFuture,
            0,
        ),
        (
            "retired then",
            logs.retired.at(RETIRED_AT),
            SctOutcome::RetiredLog,
            0,
        ),
        (
            "retired afterwards",
            logs.retired.at(RETIRED_AT - 1),
            SctOutcome::Valid,
            0,
        ),
        (
            "to be retired",
            logs.to_be_retired.at(now),
            SctOutcome::Valid,
            1,
        ),
        ("pending", logs.pending.at(now), SctOutcome::UntrustedLog, 0),
        (
            "rejected",
            logs.rejected.at(now),
            SctOutcome::UntrustedLog,
            0,
        ),
        (
            "not usable yet",
            logs.not_yet.at(now),
            SctOutcome::UntrustedLog,
            0,
        ),
    ] {
        let milliseconds = timestamp.milliseconds();
        let found = found::<R>(&logs, valid().timestamp(timestamp)).unwrap();
        let [one] = &found.timestamps[..] else {
            panic!("{what}: {found:?}");
        };
        assert_eq!(one.outcome, outcome, "{what}");
        assert_eq!(one.source, SctSource::Certificate, "{what}");
        assert_eq!(one.milliseconds, milliseconds, "{what}");
        assert_eq!(one.log.is_none(), outcome == SctOutcome::UnknownLog);
        assert_eq!(found.operators(), operators, "{what}");
    }
    let found = found::<R>(&logs, valid()).unwrap();
    assert_eq!(found, Transparency::default());
}

fn a_stapled_timestamp_counts_as_an_embedded_one<R: Runtime>() {
    let logs = Logs::new();
    for (timestamp, outcome) in [
        (logs.usable.at(now()).stapled(), SctOutcome::Valid),
        (
            logs.usable.at(now()).stapled().forged(),
            SctOutcome::BadSignature,
        ),
    ] {
        let shown = valid()
            .timestamp(logs.qualified.at(now()))
            .timestamp(timestamp);
        let found = found::<R>(&logs, shown).unwrap();
        let all = found.timestamps.iter();
        let all: Vec<_> = all.map(|each| (each.source, each.outcome)).collect();
        let embedded = (SctSource::Certificate, SctOutcome::Valid);
        assert_eq!(all, [embedded, (SctSource::Ocsp, outcome)]);
        let expected = if outcome == SctOutcome::Valid { 2 } else { 1 };
        assert_eq!(found.operators(), expected);
    }
}

fn timestamps_are_verified_under_whatever_issued_the_certificate<R: Runtime>() {
    let logs = Logs::new();
    for shown in [
        // The root itself, which no server shows
        valid(),
        valid().from_intermediate(),
        valid().from_two_intermediates(),
        valid().from_two_intermediates().with_issuers_reversed(),
    ] {
        let found = found::<R>(&logs, shown.timestamp(logs.usable.at(now()))).unwrap();
        assert_eq!(found.operators(), 1);
    }
}

fn distinct_operators_are_counted<R: Runtime>() {
    let logs = Logs::new();
    let again = CtLog::new("Usable").unwrap();
    let list = CtLog::list([
        (&logs.usable, "usable", PAST),
        (&again, "usable", PAST),
        (&logs.qualified, "qualified", PAST),
    ]);
    let mut shown = valid()
        .timestamp(logs.usable.at(now()))
        .timestamp(again.at(now()))
        .timestamp(logs.usable.at(now() - 1));
    for operators in [1, 2] {
        let rig = Rig::showing("example.org", shown.clone());
        let rig = rig.given(|_, builder| builder.log_list(read(&list)));
        let found = rig.connect::<R>().unwrap().transparency.unwrap();
        assert_eq!(found.operators(), operators);
        shown = shown.timestamp(logs.qualified.at(now()));
    }
}

fn too_few_operators_are_refused_where_more_are_required<R: Runtime>() {
    let logs = Logs::new();
    let shown = valid()
        .timestamp(logs.usable.at(now()))
        .timestamp(logs.qualified.at(now()));
    for (minimum, expected) in [
        (0, None),
        (2, None),
        (
            3,
            Some(CertificateError::NotTransparent {
                operators: 2,
                minimum: 3,
            }),
        ),
    ] {
        let rig = logs.rig(shown.clone(), CtPolicy::Require { minimum });
        assert_eq!(rig.refusal::<R>(), expected);
    }
    // What is wrong otherwise stays wrong
    let rig = logs.rig(shown.expired(), CtPolicy::Require { minimum: 2 });
    assert!(matches!(
        rig.refusal::<R>(),
        Some(CertificateError::Expired { .. })
    ));
}

fn retired_logs_alone_do_not_count<R: Runtime>() {
    let logs = Logs::new();
    let old = valid().timestamp(logs.retired.at(RETIRED_AT - 1));
    let refused = Some(CertificateError::NotTransparent {
        operators: 0,
        minimum: 1,
    });
    let rig = logs.rig(old.clone(), CtPolicy::Require { minimum: 1 });
    assert_eq!(rig.refusal::<R>(), refused);
    // Beside one in force they do
    let both = old.timestamp(logs.usable.at(now()));
    let rig = logs.rig(both, CtPolicy::Require { minimum: 2 });
    assert_eq!(rig.refusal::<R>(), None);
}

fn a_resumed_session_tells_what_was_found<R: Runtime>() {
    let logs = Logs::new();
    let shown = valid().timestamp(logs.usable.at(now()).stapled());
    let rig = logs.rig(shown, CtPolicy::Report);
    let resolver = rig.resolver::<R>();
    for _ in 0..2 {
        let found = R::block_on(async {
            let mut connected = resolver.connect(rig.name()).await.unwrap();
            // TLS 1.3 hands out tickets with the first data
            connected.get("/").await.unwrap();
            connected.transparency.unwrap()
        });
        assert_eq!(found.operators(), 1);
        assert_eq!(found.timestamps[0].source, SctSource::Ocsp);
    }
}

fn nothing_is_looked_at_where_transparency_is_off_or_the_certificate_is_not_verified<R: Runtime>() {
    let logs = Logs::new();
    let shown = valid().timestamp(logs.usable.at(now()));
    let rig = logs.rig(shown.clone(), CtPolicy::Off);
    assert_eq!(rig.connect::<R>().unwrap().transparency, None);
    let rig = Rig::showing("example.org", shown.clone());
    assert_eq!(rig.connect::<R>().unwrap().transparency, None);
    let rig = logs.rig(shown.self_signed(), CtPolicy::Require { minimum: 5 });
    let connected = rig.skip("example.org").connect::<R>().unwrap();
    assert_eq!(connected.transparency, None);
}

fn transparency_cannot_be_required_without_a_list<R: Runtime>() {
    let mut rig = Rig::showing("example.org", valid());
    rig.config.trust.transparency = CtPolicy::Require { minimum: 1 };
    let built = rig.builder.config(rig.config).build(R::io());
    assert_eq!(
        built.map(drop),
        Err(BuildError::Trust(TrustError::NoLogList))
    );
}

/// A log in each state
struct Logs {
    usable: CtLog,
    qualified: CtLog,
    readonly: CtLog,
    retired: CtLog,
    to_be_retired: CtLog,
    pending: CtLog,
    rejected: CtLog,
    not_yet: CtLog,
}

impl Logs {
    fn new() -> Self {
        let log = |operator| CtLog::new(operator).unwrap();
        Self {
            usable: log("Usable"),
            qualified: log("Qualified"),
            readonly: log("Read-only"),
            retired: log("Retired"),
            to_be_retired: log("To be retired"),
            pending: log("Pending"),
            rejected: log("Rejected"),
            not_yet: log("Not yet"),
        }
    }

    fn list(&self) -> LogList {
        read(&CtLog::list([
            (&self.usable, "usable", PAST),
            (&self.qualified, "qualified", PAST),
            (&self.readonly, "readonly", PAST),
            (&self.retired, "retired", RETIRED_SINCE),
            (&self.to_be_retired, "retired", FAR),
            (&self.pending, "pending", PAST),
            (&self.rejected, "rejected", PAST),
            (&self.not_yet, "usable", FAR),
        ]))
    }

    fn rig(&self, shown: Certificate, policy: CtPolicy) -> Rig {
        let rig = Rig::showing("example.org", shown);
        let mut rig = rig.given(|_, builder| builder.log_list(self.list()));
        rig.config.trust.transparency = policy;
        rig
    }
}

/// What is found under the default policy, which accepts all the same
fn found<R: Runtime>(logs: &Logs, shown: Certificate) -> Option<Transparency> {
    let rig = logs.rig(shown, CtPolicy::default());
    rig.connect::<R>().unwrap().transparency
}

fn valid() -> Certificate {
    Certificate::for_name("example.org")
}

fn read(list: &str) -> LogList {
    LogList::from_json(list.as_bytes()).unwrap()
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(now.as_millis()).unwrap()
}

const PAST: &str = "2020-01-01T00:00:00Z";

const RETIRED_SINCE: &str = "2024-01-01T00:00:00Z";

/// The same, in milliseconds since 1970
const RETIRED_AT: u64 = 1_704_067_200_000;

const FAR: &str = "3000-01-01T00:00:00Z";
