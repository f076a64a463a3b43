//! Which addresses are dialled: none that is refused, wherever it comes from.

use fedway_core::{
    Absence, AddressPolicy, AddressRefusal, AttemptError, DiscoveryErrorKind, DnsError, DnsName,
    Warning, WellKnownError,
};
use fedway_testkit::script::{Goal, Run, Script, srv};

/// Found by the fuzz target `dns_answer`, which took it for granted that the cut is among those that may be dialled
#[test]
fn an_address_that_may_not_be_dialled_counts_among_the_sixteen_of_its_family() {
    let mut addresses: Vec<_> = (1..=16).map(|last| format!("10.0.0.{last}")).collect();
    addresses.push("9.9.9.9".to_owned());
    let mut s = Script::connect("example.org:9000");
    s.a("example.org")
        .gives(addresses.iter().map(String::as_str));
    let run = s.run();
    assert_eq!(run.connects(), [""; 0]);
    assert_eq!(run.error().kind, refused("10.0.0.0/8"));
    let cut = Warning::TooManyAddresses {
        host: DnsName::new("example.org").unwrap(),
    };
    assert_eq!(run.error().notes.warnings, [cut]);
}

#[test]
fn a_special_purpose_literal_is_not_dialled() {
    for (name, net) in [
        ("127.0.0.1", "127.0.0.0/8"),
        ("10.0.0.1:9000", "10.0.0.0/8"),
        ("169.254.169.254:80", "169.254.0.0/16"),
        ("0.0.0.0", "0.0.0.0/8"),
        ("[::1]:9000", "::1/128"),
        ("[fe80::1]", "fe80::/10"),
        ("[fd00::1]", "fc00::/7"),
        ("[::ffff:127.0.0.1]", "127.0.0.0/8"),
        ("[64:ff9b::10.0.0.1]", "10.0.0.0/8"),
        ("[2606:4700::5efe:10.0.0.1]", "10.0.0.0/8"),
        ("[4000::1]", "4000::/3"),
    ] {
        for goal in Goal::ALL {
            let run = Script::new(goal, name).run();
            assert_eq!(run.error().kind, refused(net), "{name}");
            assert_eq!(run.error().step(), "1");
            assert_eq!(run.lines(), [""; 0], "{name}");
            assert!(!run.error().is_temporary());
        }
    }
}

#[test]
fn documentation_networks_are_special_purpose_unless_a_script_allows_them() {
    for name in ["192.0.2.1", "198.51.100.1", "203.0.113.1", "[2001:db8::1]"] {
        let run = strict(Script::connect(name)).run();
        assert!(matches!(
            run.error().kind,
            DiscoveryErrorKind::Unreachable(AttemptError::AddressRefused(_))
        ));
        assert_eq!(run.lines(), [""; 0]);
    }
}

#[test]
fn a_special_purpose_answer_is_not_dialled() {
    let mut s = Script::connect("example.org:9000");
    s.a("example.org").gives(["10.0.0.1", "127.0.0.1"]);
    s.aaaa("example.org").gives(["::1"]);
    let run = s.run();
    assert_eq!(run.error().kind, refused("127.0.0.0/8"));
    assert_eq!(run.connects(), [""; 0]);
    let attempts: Vec<_> = run
        .error()
        .notes
        .attempts
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        attempts,
        [
            "example.org at [::1]:9000: address refused: in the special-purpose network ::1/128; \
             Config::addresses.allow would admit it",
            "example.org at 10.0.0.1:9000: address refused: in the special-purpose network 10.0.0.0/8; \
             Config::addresses.allow would admit it",
            "example.org at 127.0.0.1:9000: address refused: in the special-purpose network 127.0.0.0/8; \
             Config::addresses.allow would admit it",
        ]
    );
}

#[test]
fn both_goals_tell_the_same_cause_where_both_families_fail() {
    let servfail = || AttemptError::Dns(DnsError::ServFail);
    let refused_by_server = || AttemptError::Dns(DnsError::Refused);
    let absent = || AttemptError::NoAddress(Absence::NoData);
    type Fails = fn(&mut Script, bool);
    let servfails: Fails = |s, v6| match v6 {
        true => drop(s.aaaa("example.org").servfails()),
        false => drop(s.a("example.org").servfails()),
    };
    let refuses: Fails = |s, v6| match v6 {
        true => drop(s.aaaa("example.org").fails(DnsError::Refused)),
        false => drop(s.a("example.org").fails(DnsError::Refused)),
    };
    let nothing: Fails = |_, _| {};
    for (v6, v4, told) in [
        (servfails, nothing, servfail()),
        (nothing, servfails, servfail()),
        (servfails, refuses, refused_by_server()),
        (refuses, servfails, servfail()),
        (nothing, nothing, absent()),
    ] {
        for v4_first in [true, false] {
            for goal in Goal::ALL {
                let mut s = Script::new(goal, "example.org:9000");
                v6(&mut s, true);
                v4(&mut s, false);
                // Whichever comes first
                s.aaaa("example.org")
                    .after(crate::ms(if v4_first { 9 } else { 1 }));
                s.a("example.org")
                    .after(crate::ms(if v4_first { 1 } else { 9 }));
                let kind = DiscoveryErrorKind::Unreachable(told.clone());
                assert_eq!(s.run().error().kind, kind, "{goal:?}");
            }
        }
    }
}

#[test]
fn of_several_answers_only_those_that_may_be_are_dialled() {
    for goal in Goal::ALL {
        let mut s = Script::new(goal, "example.org:9000");
        s.a("example.org")
            .gives(["10.0.0.1", "192.0.2.1", "192.168.0.1"]);
        s.connect("192.0.2.1:9000").works();
        let run = s.run();
        let addresses: Vec<_> = run.found().destination.addresses().collect();
        assert_eq!(addresses, ["192.0.2.1:9000".parse().unwrap()]);
    }
}

#[test]
fn a_special_purpose_target_of_srv_is_passed_over_for_the_next() {
    let mut s = Script::connect("example.org");
    s.srv("_matrix-fed._tcp.example.org").gives([
        srv(0, 0, 22, "inside.example.net"),
        srv(1, 0, 8001, "outside.example.net"),
    ]);
    s.a("inside.example.net").gives(["10.0.0.1"]);
    s.a("outside.example.net").gives(["192.0.2.1"]);
    s.connect("192.0.2.1:8001").works();
    let run = s.run();
    assert_eq!(run.connects(), ["192.0.2.1:8001 as example.org"]);
    let candidates: Vec<_> = run
        .found()
        .destination
        .candidates
        .iter()
        .map(|c| c.addresses.len())
        .collect();
    assert_eq!(candidates, [0, 1]);
}

#[test]
fn a_special_purpose_web_server_is_not_asked() {
    let mut s = Script::connect("example.org");
    s.well_known("example.org").delegates_to("192.0.2.7");
    s.a("example.org").gives(["192.168.1.1"]);
    let run = s.run();
    assert_eq!(run.connects(), [""; 0]);
    assert_eq!(run.error().kind, refused("192.168.0.0/16"));
    assert_eq!(
        well_known_error(&run),
        unreachable("example.org", "192.168.0.0/16")
    );
}

#[test]
fn a_special_purpose_host_of_a_redirect_is_not_asked() {
    for (location, host, net) in [
        (
            "https://inside.example.com/",
            "inside.example.com",
            "10.0.0.0/8",
        ),
        ("https://127.0.0.1/", "127.0.0.1", "127.0.0.0/8"),
        ("https://[::1]:8080/", "::1", "::1/128"),
        (
            "https://169.254.169.254/latest/meta-data/",
            "169.254.169.254",
            "169.254.0.0/16",
        ),
    ] {
        let mut s = Script::connect("example.org");
        s.well_known("example.org").redirects(302, location);
        s.a("inside.example.com").gives(["10.0.0.1"]);
        let run = s.run();
        assert_eq!(run.connects()[0], "198.51.100.1:443 as example.org");
        assert_eq!(
            run.connects()[1..],
            ["198.51.100.1:8448 as example.org"],
            "{location}"
        );
        assert_eq!(well_known_error(&run), unreachable(host, net));
    }
}

#[test]
fn a_delegated_special_purpose_literal_is_not_dialled() {
    for (delegated, net) in [
        ("127.0.0.1:8008", "127.0.0.0/8"),
        ("[::1]:8008", "::1/128"),
        ("10.0.0.1", "10.0.0.0/8"),
    ] {
        let mut s = Script::connect("example.org");
        s.well_known("example.org").delegates_to(delegated);
        let run = s.run();
        assert_eq!(
            (&run.error().kind, run.error().step()),
            (&refused(net), "3.1")
        );
        assert_eq!(run.connects().len(), 1);
    }
}

#[test]
fn an_allowed_network_may_be_dialled_and_its_neighbour_not() {
    let inside = |name: &str| {
        let mut s = Script::connect(name).config(|config| {
            config.addresses.allow.push("10.1.0.0/16".parse().unwrap());
        });
        s.connect(&format!("{name}:8448")).works();
        s.run()
    };
    assert_eq!(inside("10.1.255.255").connects().len(), 1);
    assert_eq!(inside("10.2.0.0").connects().len(), 0);
}

#[test]
fn a_denied_network_is_not_dialled_and_its_neighbour_is() {
    let inside = |name: &str| {
        let deny = |policy: &mut AddressPolicy| policy.deny.push("192.0.2.128/25".parse().unwrap());
        Script::connect(name)
            .config(|config| deny(&mut config.addresses))
            .run()
    };
    assert_eq!(inside("192.0.2.127").connects().len(), 1);
    let run = inside("192.0.2.128");
    assert_eq!(run.connects().len(), 0);
    let denied = AddressRefusal::Denied("192.0.2.128/25".parse().unwrap());
    assert_eq!(
        run.error().kind,
        DiscoveryErrorKind::Unreachable(AttemptError::AddressRefused(denied))
    );
}

#[test]
fn an_address_allowed_within_a_denied_network_is_dialled() {
    let s = Script::connect("192.0.2.200").config(|config| {
        config.addresses.deny.push("192.0.2.0/24".parse().unwrap());
        config
            .addresses
            .allow
            .push("192.0.2.200/32".parse().unwrap());
    });
    assert_eq!(s.run().connects().len(), 1);
}

fn strict(script: Script) -> Script {
    script.config(|config| config.addresses = AddressPolicy::default())
}

fn refusal(net: &str) -> AttemptError {
    AttemptError::AddressRefused(AddressRefusal::SpecialPurpose(net.parse().unwrap()))
}

fn refused(net: &str) -> DiscoveryErrorKind {
    DiscoveryErrorKind::Unreachable(refusal(net))
}

fn unreachable(host: &str, net: &str) -> WellKnownError {
    let host = match host.parse() {
        Ok(address) => fedway_core::Host::Ip(address),
        Err(_) => fedway_core::Host::Dns(fedway_core::DnsName::new(host).unwrap()),
    };
    WellKnownError::Unreachable {
        host,
        cause: refusal(net),
    }
}

fn well_known_error(run: &Run) -> WellKnownError {
    run.error().notes.well_known.clone().unwrap().error.unwrap()
}
