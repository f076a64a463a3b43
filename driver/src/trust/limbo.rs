//! The cases of C2SP/x509-limbo through our verifier, and the chains of real sites in it against a list of
//! transparency logs.
//!
//! The data is not the project's: `FEDWAY_DATA` is the folder with `x509-limbo.json.gz` and `ct-log-list.json`. Without
//! it nothing is tested, so these tests are ignored unless asked for:
//!
//! `FEDWAY_DATA=../shared/data cargo test -p fedway-driver --features transparency --lib limbo -- --ignored`

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "these are tests, their helpers included"
)]

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use flate2::read::GzDecoder;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use serde::Deserialize;

use super::limbo_known::KNOWN;
use super::transparency::{Judge, SctOutcome, Transparency};
use super::{LogList, Revocation, Roots, Sources, Strict};
use fedway_core::{CtPolicy, UtcTime};

/// A ratchet: what agrees must go on to agree, and what does not has its reason
#[test]
#[ignore = "needs data that is not the project's"]
fn the_verifier_agrees_with_x509_limbo_but_for_known_reasons() {
    let cases = cases();
    let (mut agreed, mut disagreed) = (0, BTreeMap::new());
    for case in &cases {
        let Some(accepted) = case.is_accepted() else {
            continue;
        };
        if accepted == (case.expected_result == "SUCCESS") {
            agreed += 1;
        } else {
            disagreed.insert(case.id.as_str(), accepted);
        }
    }
    let known: BTreeMap<_, _> = KNOWN
        .iter()
        .flat_map(|(_, accepted, ids)| ids.iter().map(|id| (*id, *accepted)))
        .collect();
    let applicable = agreed + disagreed.len();
    println!("x509-limbo: {agreed} of {applicable} applicable cases agree");
    assert_eq!(disagreed, known);
}

#[test]
#[ignore = "needs data that is not the project's"]
fn the_timestamps_of_real_sites_verify_against_a_real_list_of_logs() {
    let (cases, list) = (cases(), log_list());
    let mut outcomes: BTreeMap<SctOutcome, usize> = BTreeMap::new();
    let mut sites = 0;
    for case in cases.iter().filter(|case| case.id.starts_with("online::")) {
        let found = case.transparency(&list);
        println!("{}: {} operators", case.id, found.operators());
        for each in &found.timestamps {
            println!("  {:?} {:?}: {}", each.operator, each.log, each.outcome);
            *outcomes.entry(each.outcome).or_default() += 1;
        }
        // As browsers ask of them
        assert!(found.operators() >= 2, "{}", case.id);
        for each in &found.timestamps {
            let issued = each.milliseconds / 1000;
            for (now, outcome) in [
                (issued - 1, SctOutcome::InFuture),
                (issued, SctOutcome::Valid),
            ] {
                let then = case.transparency_at(&list, now).timestamps;
                let same = then.iter().find(|it| it.log == each.log).unwrap();
                assert_eq!(same.outcome, outcome, "{}", case.id);
            }
        }
        sites += 1;
    }
    println!("{sites} sites: {outcomes:?}");
    assert!(outcomes.len() == 1 && outcomes[&SctOutcome::Valid] >= 2 * sites);
}

#[test]
#[ignore = "needs data that is not the project's"]
fn a_timestamp_of_a_real_site_does_not_verify_for_another() {
    let (cases, list) = (cases(), log_list());
    let case = cases.iter().find(|case| case.id == "online::google.com");
    let case = case.unwrap();
    // Without its issuer nobody can tell whom the log was told about
    let alone = Case {
        untrusted_intermediates: Vec::new(),
        trusted_certs: Vec::new(),
        ..case.clone()
    };
    let found = alone.transparency(&list);
    let outcomes: Vec<_> = found.timestamps.iter().map(|each| each.outcome).collect();
    assert!(outcomes.len() >= 2);
    assert!(outcomes.iter().all(|it| *it == SctOutcome::BadSignature));
    assert_eq!(found.operators(), 0);
}

#[derive(Clone, Deserialize)]
struct Case {
    id: String,
    validation_kind: String,
    trusted_certs: Vec<String>,
    untrusted_intermediates: Vec<String>,
    peer_certificate: String,
    validation_time: Option<String>,
    expected_result: String,
    expected_peer_name: Option<Peer>,
    #[serde(default)]
    crls: Vec<String>,
}

#[derive(Clone, Deserialize)]
struct Peer {
    value: String,
}

impl Case {
    /// Whether our verifier accepts it; `None` where it is about clients
    fn is_accepted(&self) -> Option<bool> {
        let name = match (&*self.validation_kind, &self.expected_peer_name) {
            ("SERVER", Some(name)) => name,
            _ => return None,
        };
        Some(self.verify(&name.value).is_some())
    }

    fn verify(&self, name: &str) -> Option<()> {
        let mut revocation = Revocation::default();
        for list in &self.crls {
            revocation.add(list.as_bytes()).ok()?;
        }
        let provider = Arc::new(default_provider());
        let sources = Sources {
            roots: self.roots()?,
            revocation,
            logs: None,
        };
        let strict = Strict {
            inner: sources.verifier(&provider).ok()?,
            added: Vec::new(),
            transparency: None,
        };
        let name = ServerName::try_from(name).ok()?;
        let intermediates = der(&self.untrusted_intermediates)?;
        let leaf = CertificateDer::from_pem_slice(self.peer_certificate.as_bytes()).ok()?;
        strict
            .verify_server_cert(&leaf, &intermediates, &name, &[], self.time())
            .ok()
            .map(drop)
    }

    /// What is found a day after the case's time, which is often the start of validity: authorities date that
    /// back to before they showed the certificate to logs
    fn transparency(&self, list: &LogList) -> Transparency {
        self.transparency_at(list, self.time().as_secs() + 86_400)
    }

    fn transparency_at(&self, list: &LogList, seconds: u64) -> Transparency {
        let roots = self.roots().and_then(|roots| roots.store().ok());
        let roots = roots.unwrap_or_else(rustls::RootCertStore::empty);
        let provider = default_provider();
        let judge = Judge::new(list.clone(), CtPolicy::Report, &roots, &provider).unwrap();
        let mut chain = der(&self.untrusted_intermediates).unwrap();
        let leaf = CertificateDer::from_pem_slice(self.peer_certificate.as_bytes());
        chain.insert(0, leaf.unwrap());
        let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        judge.recall(&chain, now)
    }

    fn roots(&self) -> Option<Roots> {
        let mut roots = Roots::none();
        for root in &self.trusted_certs {
            roots.add_pem(root.as_bytes()).ok()?;
        }
        Some(roots)
    }

    /// Cases that name no time are valid for centuries
    fn time(&self) -> UnixTime {
        let text = self.validation_time.as_deref();
        let text = text.unwrap_or("2026-06-01T00:00:00+00:00");
        // All are in UTC; webpki judges by the second
        let time: UtcTime = format!("{}Z", &text[..19]).parse().unwrap();
        UnixTime::since_unix_epoch(Duration::from_secs(time.unix()))
    }
}

fn der(pems: &[String]) -> Option<Vec<CertificateDer<'static>>> {
    let pems = pems.iter();
    pems.map(|pem| CertificateDer::from_pem_slice(pem.as_bytes()).ok())
        .collect()
}

fn cases() -> Vec<Case> {
    #[derive(Deserialize)]
    struct File {
        testcases: Vec<Case>,
    }
    let file = data("x509-limbo.json.gz");
    let mut json = Vec::new();
    GzDecoder::new(&file[..]).read_to_end(&mut json).unwrap();
    serde_json::from_slice::<File>(&json).unwrap().testcases
}

fn log_list() -> LogList {
    LogList::from_json(&data("ct-log-list.json")).unwrap()
}

/// A file of the folder
fn data(name: &str) -> Vec<u8> {
    let folder = env::var_os("FEDWAY_DATA").expect("FEDWAY_DATA is the folder with the data");
    // As from the workspace, whereas tests run in their package
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let path = workspace.join(folder).join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
