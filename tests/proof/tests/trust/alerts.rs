//! What a peer refuses, by the names that everybody's logs have for it.

use fedway_core::{ConnectError, FetchError, TlsError, WellKnownError};
use fedway_proof::on_every_runtime;
use fedway_proof::runtime::Runtime;
use fedway_testkit::world::{ConnectionFault, Https};

use crate::rig::{HERE, Rig};

on_every_runtime! {
    a_server_with_nothing_in_common_is_refused_as_a_handshake_failure,
    a_server_that_asks_for_a_client_certificate_under_tls_1_3_says_so_in_place_of_a_response,
    a_server_that_asks_for_a_client_certificate_under_tls_1_2_says_so_in_the_handshake,
    a_well_known_server_that_asks_for_a_client_certificate_is_passed_over_and_named,
}

/// TLS 1.2 with key exchange by RSA alone is such a server
fn a_server_with_nothing_in_common_is_refused_as_a_handshake_failure<R: Runtime>() {
    let rig = Rig::serving("example.org", |server: Https| server);
    let fault = ConnectionFault::Alert(40);
    let planned = rig.world.add(|plan| plan.connection_fault(HERE, fault));
    planned.unwrap();
    let error = rig.connect::<R>().unwrap_err();
    assert_eq!(error, ConnectError::Tls(TlsError::Alert(40)));
    let ConnectError::Tls(cause) = error else {
        panic!("{error:?}");
    };
    assert_eq!(cause.to_string(), "peer sent alert handshake_failure (40)");
}

fn a_server_that_asks_for_a_client_certificate_under_tls_1_3_says_so_in_place_of_a_response<
    R: Runtime,
>() {
    let rig = Rig::serving("example.org", Https::asking_for_a_client_certificate);
    let resolver = rig.resolver::<R>();
    let error = R::block_on(async {
        let mut connected = resolver.connect(rig.name()).await.unwrap();
        let target = "/_matrix/federation/v1/version";
        connected.get(target).await
    });
    let error = error.unwrap_err();
    assert_eq!(error, FetchError::Alert(116));
    assert_eq!(
        error.to_string(),
        "peer sent alert certificate_required (116)"
    );
}

fn a_server_that_asks_for_a_client_certificate_under_tls_1_2_says_so_in_the_handshake<
    R: Runtime,
>() {
    let rig = Rig::serving("example.org", |server| {
        server.tls12().asking_for_a_client_certificate()
    });
    let error = rig.connect::<R>().err();
    assert_eq!(error, Some(ConnectError::Tls(TlsError::Alert(116))));
}

fn a_well_known_server_that_asks_for_a_client_certificate_is_passed_over_and_named<R: Runtime>() {
    let rig = Rig::serving("example.org", |server: Https| server);
    let planned = rig.world.add(|plan| {
        let web = Https::for_name("example.org").well_known(r#"{"m.server": "203.0.113.66"}"#);
        plan.https("198.51.100.1:443", web.asking_for_a_client_certificate());
    });
    planned.unwrap();
    let found = R::block_on(rig.resolver::<R>().resolve(&"example.org".parse().unwrap())).unwrap();
    assert_eq!(found.destination.step(), "6");
    let well_known = found.notes.well_known.clone().unwrap();
    let alert = WellKnownError::Fetch(FetchError::Alert(116));
    assert_eq!(well_known.error, Some(alert));
}
