//! What a handshake offers, and what is known of a session.

use fedway_driver::TlsStream;
use fedway_proof::on_every_runtime;
use fedway_proof::runtime::Runtime;
use fedway_testkit::world::{Event, Https};
use rustls::ProtocolVersion;

use crate::rig::{Rig, ask_with, web};

on_every_runtime! {
    http_1_1_is_offered_and_nothing_else,
    what_is_offered_to_federation_alone_is_not_offered_to_well_known,
    a_name_is_sent_in_lower_case_and_without_its_final_dot,
    a_session_tells_its_version_and_cipher_suite,
}

fn http_1_1_is_offered_and_nothing_else<R: Runtime>() {
    let rig = delegated("m.example.org:8448", "198.51.100.2:8448", "m.example.org");
    rig.ask::<R>("example.org");
    let hellos = hellos(&rig);
    assert_eq!(hellos.len(), 2);
    assert!(
        hellos.iter().all(|(_, alpn)| *alpn == ["http/1.1"]),
        "{hellos:?}"
    );
}

fn what_is_offered_to_federation_alone_is_not_offered_to_well_known<R: Runtime>() {
    let rig = delegated("m.example.org:8448", "198.51.100.2:8448", "m.example.org");
    let builder = rig.builder().alpn(["h2", "http/1.1"]);
    let resolver = builder.build(R::io()).unwrap();
    let connected = R::block_on(ask_with(&resolver, "example.org"));
    let session = connected.stream.session().unwrap();
    // The world's servers speak nothing newer
    assert_eq!(session.alpn_protocol(), Some(&b"http/1.1"[..]));
    let offered: Vec<_> = hellos(&rig).into_iter().map(|(_, alpn)| alpn).collect();
    assert_eq!(offered, [vec!["http/1.1"], vec!["h2", "http/1.1"]]);
}

fn a_name_is_sent_in_lower_case_and_without_its_final_dot<R: Runtime>() {
    for name in ["EXAMPLE.org", "example.org.", "Example.Org.:8448"] {
        let rig = Rig::new(|plan| {
            plan.a("example.org", "198.51.100.1");
            plan.https("198.51.100.1:8448", Https::for_name("example.org"));
        });
        let found = rig.ask::<R>(name);
        assert_eq!(found.destination.host_header, name);
        assert_eq!(names(&rig), [Some("example.org".to_owned())], "{name}");
    }
}

fn a_session_tells_its_version_and_cipher_suite<R: Runtime>() {
    let newest = Https::for_name("example.org");
    for (server, version) in [
        (newest.clone().tls12(), ProtocolVersion::TLSv1_2),
        (newest, ProtocolVersion::TLSv1_3),
    ] {
        let rig = Rig::new(|plan| {
            plan.a("example.org", "198.51.100.1");
            plan.https("198.51.100.1:8448", server);
        });
        let resolver = rig.resolver::<R>();
        R::block_on(async {
            let connected = ask_with(&resolver, "example.org:8448").await;
            let session = connected.stream.session().unwrap();
            assert_eq!(session.protocol_version(), Some(version));
            let suite = session.negotiated_cipher_suite().unwrap();
            assert_eq!(suite.version().version, version);
            assert_eq!(session.alpn_protocol(), Some(&b"http/1.1"[..]));
            assert_eq!(session.peer_certificates().unwrap().len(), 1);
        });
    }
}

/// `example.org` delegates to a name, whose server is at this address
fn delegated(to: &str, at: &str, name: &str) -> Rig {
    Rig::new(|plan| {
        web(plan, "example.org", "198.51.100.1", |server| {
            server.well_known(format!(r#"{{"m.server": "{to}"}}"#))
        });
        plan.a("m.example.org", "198.51.100.2");
        plan.https(at, Https::for_name(name));
    })
}

/// The names and protocols of every ClientHello, in their order
fn hellos(rig: &Rig) -> Vec<(Option<String>, Vec<String>)> {
    let hello = |what: Event| match what {
        Event::ClientHello { sni, alpn, .. } => Some((sni, alpn)),
        Event::Accepted { .. }
        | Event::Closed { .. }
        | Event::DnsQuery(_)
        | Event::Handshake { .. }
        | Event::Request(_) => None,
    };
    rig.world
        .log()
        .into_iter()
        .filter_map(|entry| hello(entry.what))
        .collect()
}

fn names(rig: &Rig) -> Vec<Option<String>> {
    hellos(rig).into_iter().map(|(sni, _)| sni).collect()
}
