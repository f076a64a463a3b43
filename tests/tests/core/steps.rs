//! Every step of every edition: address and port, certificate, SNI and `Host` header.

use fedway_core::Edition::{self, Draft2019, R0_1, V1_8};
use fedway_testkit::script::{Script, srv};

#[test]
fn step_1_an_ipv4_literal_without_port_goes_to_8448_in_every_edition() {
    for edition in Edition::ALL {
        assert_eq!(
            lands(edition, Script::connect("192.0.2.1")),
            "step 1: 192.0.2.1:8448 as 192.0.2.1, no SNI, Host 192.0.2.1"
        );
    }
}

#[test]
fn step_1_an_ipv6_literal_without_port_goes_to_8448_with_brackets_in_the_host_header_in_every_edition()
 {
    for edition in Edition::ALL {
        assert_eq!(
            lands(edition, Script::connect("[2001:db8::1]")),
            "step 1: [2001:db8::1]:8448 as 2001:db8::1, no SNI, Host [2001:db8::1]"
        );
    }
}

#[test]
fn draft_2019_step_1_a_literal_with_port_loses_it_in_the_host_header() {
    assert_eq!(
        lands(Draft2019, Script::connect("192.0.2.1:9000")),
        "step 1: 192.0.2.1:9000 as 192.0.2.1, no SNI, Host 192.0.2.1"
    );
    assert_eq!(
        lands(Draft2019, Script::connect("[2001:db8::1]:9000")),
        "step 1: [2001:db8::1]:9000 as 2001:db8::1, no SNI, Host [2001:db8::1]"
    );
}

#[test]
fn r0_1_and_v1_8_step_1_a_literal_with_port_keeps_it_in_the_host_header() {
    for edition in [R0_1, V1_8] {
        assert_eq!(
            lands(edition, Script::connect("192.0.2.1:9000")),
            "step 1: 192.0.2.1:9000 as 192.0.2.1, no SNI, Host 192.0.2.1:9000"
        );
        assert_eq!(
            lands(edition, Script::connect("[2001:db8::1]:9000")),
            "step 1: [2001:db8::1]:9000 as 2001:db8::1, no SNI, Host [2001:db8::1]:9000"
        );
    }
}

#[test]
fn step_1_a_port_of_8448_that_was_given_stays_in_the_host_header() {
    assert_eq!(
        lands(V1_8, Script::connect("192.0.2.1:8448")),
        "step 1: 192.0.2.1:8448 as 192.0.2.1, no SNI, Host 192.0.2.1:8448"
    );
}

#[test]
fn r0_1_and_v1_8_step_2_a_port_goes_there_with_host_and_port_in_the_host_header() {
    for edition in [R0_1, V1_8] {
        assert_eq!(
            lands(edition, undelegated("example.org:9000")),
            "step 2: 192.0.2.1:9000 as example.org, SNI example.org, Host example.org:9000"
        );
    }
}

#[test]
fn draft_2019_step_2_srv_leads_to_its_target_for_the_host_that_was_named() {
    let mut s = undelegated("example.org");
    s.srv("_matrix._tcp.example.org")
        .gives([srv(0, 0, 9001, "target.example.net")]);
    assert_eq!(
        lands(Draft2019, s),
        "step 2: 192.0.2.9:9001 as example.org, SNI example.org, Host example.org"
    );
}

#[test]
fn draft_2019_step_2_srv_of_a_name_with_port_leaves_the_port_out_of_the_host_header() {
    let mut s = undelegated("example.org:9000");
    s.srv("_matrix._tcp.example.org")
        .gives([srv(0, 0, 9001, "target.example.net")]);
    assert_eq!(
        lands(Draft2019, s),
        "step 2: 192.0.2.9:9001 as example.org, SNI example.org, Host example.org"
    );
}

#[test]
fn step_3_1_a_delegated_literal_without_port_goes_to_8448_in_every_edition() {
    for edition in Edition::ALL {
        assert_eq!(
            lands(edition, delegated("192.0.2.1")),
            "step 3.1: 192.0.2.1:8448 as 192.0.2.1, no SNI, Host 192.0.2.1"
        );
        assert_eq!(
            lands(edition, delegated("[2001:db8::1]")),
            "step 3.1: [2001:db8::1]:8448 as 2001:db8::1, no SNI, Host [2001:db8::1]"
        );
    }
}

#[test]
fn draft_2019_step_3_1_a_delegated_literal_with_port_loses_it_in_the_host_header() {
    assert_eq!(
        lands(Draft2019, delegated("192.0.2.1:9000")),
        "step 3.1: 192.0.2.1:9000 as 192.0.2.1, no SNI, Host 192.0.2.1"
    );
    assert_eq!(
        lands(Draft2019, delegated("[2001:db8::1]:9000")),
        "step 3.1: [2001:db8::1]:9000 as 2001:db8::1, no SNI, Host [2001:db8::1]"
    );
}

#[test]
fn r0_1_and_v1_8_step_3_1_a_delegated_literal_with_port_keeps_it_in_the_host_header() {
    for edition in [R0_1, V1_8] {
        assert_eq!(
            lands(edition, delegated("192.0.2.1:9000")),
            "step 3.1: 192.0.2.1:9000 as 192.0.2.1, no SNI, Host 192.0.2.1:9000"
        );
        assert_eq!(
            lands(edition, delegated("[2001:db8::1]:9000")),
            "step 3.1: [2001:db8::1]:9000 as 2001:db8::1, no SNI, Host [2001:db8::1]:9000"
        );
    }
}

#[test]
fn draft_2019_step_3_2_a_delegated_port_is_left_out_of_the_host_header() {
    assert_eq!(
        lands(Draft2019, delegated("host.example.net:9000")),
        "step 3.2: 192.0.2.7:9000 as host.example.net, SNI host.example.net, Host host.example.net"
    );
}

#[test]
fn r0_1_and_v1_8_step_3_2_a_delegated_port_stays_in_the_host_header() {
    for edition in [R0_1, V1_8] {
        assert_eq!(
            lands(edition, delegated("host.example.net:9000")),
            "step 3.2: 192.0.2.7:9000 as host.example.net, SNI host.example.net, \
             Host host.example.net:9000"
        );
    }
}

#[test]
fn draft_2019_and_r0_1_step_3_3_srv_of_a_delegated_host_is_verified_for_that_host() {
    for edition in [Draft2019, R0_1] {
        let mut s = delegated("host.example.net");
        s.srv("_matrix._tcp.host.example.net")
            .gives([srv(0, 0, 9001, "target.example.net")]);
        assert_eq!(
            lands(edition, s),
            "step 3.3: 192.0.2.9:9001 as host.example.net, SNI host.example.net, \
             Host host.example.net"
        );
    }
}

#[test]
fn v1_8_step_3_3_srv_of_a_delegated_host_is_verified_for_that_host() {
    let mut s = delegated("host.example.net");
    s.srv("_matrix-fed._tcp.host.example.net")
        .gives([srv(0, 0, 9001, "target.example.net")]);
    assert_eq!(
        lands(V1_8, s),
        "step 3.3: 192.0.2.9:9001 as host.example.net, SNI host.example.net, Host host.example.net"
    );
}

#[test]
fn v1_8_step_3_4_the_deprecated_srv_of_a_delegated_host_is_verified_for_that_host() {
    let mut s = delegated("host.example.net");
    s.srv("_matrix._tcp.host.example.net")
        .gives([srv(0, 0, 9001, "target.example.net")]);
    assert_eq!(
        lands(V1_8, s),
        "step 3.4: 192.0.2.9:9001 as host.example.net, SNI host.example.net, Host host.example.net"
    );
}

#[test]
fn a_delegated_host_without_srv_goes_to_8448_by_the_step_of_its_edition() {
    for (edition, step) in [(Draft2019, "3.3.1"), (R0_1, "3.4"), (V1_8, "3.5")] {
        assert_eq!(
            lands(edition, delegated("host.example.net")),
            format!(
                "step {step}: 192.0.2.7:8448 as host.example.net, SNI host.example.net, \
                 Host host.example.net"
            )
        );
    }
}

#[test]
fn r0_1_step_4_srv_of_the_server_name_is_verified_for_the_server_name() {
    let mut s = undelegated("example.org");
    s.srv("_matrix._tcp.example.org")
        .gives([srv(0, 0, 9001, "target.example.net")]);
    assert_eq!(
        lands(R0_1, s),
        "step 4: 192.0.2.9:9001 as example.org, SNI example.org, Host example.org"
    );
}

#[test]
fn v1_8_step_4_srv_of_the_server_name_is_verified_for_the_server_name() {
    let mut s = undelegated("example.org");
    s.srv("_matrix-fed._tcp.example.org")
        .gives([srv(0, 0, 9001, "target.example.net")]);
    assert_eq!(
        lands(V1_8, s),
        "step 4: 192.0.2.9:9001 as example.org, SNI example.org, Host example.org"
    );
}

#[test]
fn v1_8_step_5_the_deprecated_srv_of_the_server_name_is_verified_for_the_server_name() {
    let mut s = undelegated("example.org");
    s.srv("_matrix._tcp.example.org")
        .gives([srv(0, 0, 9001, "target.example.net")]);
    assert_eq!(
        lands(V1_8, s),
        "step 5: 192.0.2.9:9001 as example.org, SNI example.org, Host example.org"
    );
}

#[test]
fn a_server_name_with_neither_goes_to_8448_by_the_step_of_its_edition() {
    for (edition, step) in [(Draft2019, "4"), (R0_1, "5"), (V1_8, "6")] {
        assert_eq!(
            lands(edition, undelegated("example.org")),
            format!(
                "step {step}: 192.0.2.1:8448 as example.org, SNI example.org, Host example.org"
            )
        );
    }
}

#[test]
fn draft_2019_step_4_goes_to_8448_even_if_the_server_name_has_another_port() {
    assert_eq!(
        lands(Draft2019, undelegated("example.org:9000")),
        "step 4: 192.0.2.1:8448 as example.org, SNI example.org, Host example.org"
    );
}

#[test]
fn a_name_that_delegates_to_itself_is_a_delegated_name() {
    for (edition, step) in [(Draft2019, "3.3.1"), (R0_1, "3.4"), (V1_8, "3.5")] {
        let mut s = undelegated("example.org");
        s.well_known("example.org").delegates_to("example.org");
        assert_eq!(
            lands(edition, s),
            format!(
                "step {step}: 192.0.2.1:8448 as example.org, SNI example.org, Host example.org"
            )
        );
    }
}

#[test]
fn a_search_that_only_resolves_lands_where_one_that_connects_does() {
    for edition in Edition::ALL {
        for name in [
            "192.0.2.1:9000",
            "[2001:db8::1]",
            "example.org",
            "example.org:9000",
        ] {
            let connected = delegated_from(Script::connect(name), "host.example.net")
                .edition(edition)
                .run();
            let resolved = delegated_from(Script::resolve(name), "host.example.net")
                .edition(edition)
                .run();
            assert_eq!(connected.found().destination, resolved.found().destination);
            assert_eq!(resolved.found().connection, None);
        }
    }
}

/// Where a search ends, on one line; what its connection carries is what its destination says
fn lands(edition: Edition, mut s: Script) -> String {
    for port in [8448, 9000, 9001] {
        for address in ["192.0.2.1", "[2001:db8::1]", "192.0.2.7", "192.0.2.9"] {
            s.connect(&format!("{address}:{port}")).works();
        }
    }
    let run = s.edition(edition).run();
    let (found, dialled) = (run.found(), run.dialled());
    let (destination, last) = (&found.destination, dialled.last().unwrap());
    assert_eq!(destination.edition, edition);
    assert_eq!(
        (&last.tls_name, last.sni.as_ref()),
        (&destination.tls_name, destination.sni())
    );
    assert_eq!(found.connection.as_ref().unwrap().address, last.address);
    assert_eq!(destination.addresses().collect::<Vec<_>>(), [last.address]);
    let sni = last
        .sni
        .as_ref()
        .map_or("no SNI".into(), |sni| format!("SNI {sni}"));
    format!(
        "step {}: {} as {}, {sni}, Host {}",
        destination.step(),
        last.address,
        last.tls_name,
        destination.host_header
    )
}

/// A name without .well-known, whose host and possible SRV target have addresses
fn undelegated(name: &str) -> Script {
    let mut s = Script::connect(name);
    s.well_known("example.org").fails(404);
    s.a("example.org").gives(["192.0.2.1"]);
    s.a("target.example.net").gives(["192.0.2.9"]);
    s
}

fn delegated(to: &str) -> Script {
    delegated_from(Script::connect("example.org"), to)
}

fn delegated_from(mut s: Script, to: &str) -> Script {
    s.well_known("example.org").delegates_to(to);
    s.a("host.example.net").gives(["192.0.2.7"]);
    s.a("target.example.net").gives(["192.0.2.9"]);
    for address in [
        "192.0.2.1:9000",
        "[2001:db8::1]:8448",
        "198.51.100.1:9000",
        "192.0.2.7:8448",
    ] {
        s.connect(address).works();
    }
    s
}
