//! The signing keys of a server, and whether they are what it says (server-server API, "Publishing Keys").

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use fedway_core::{Chain, Code, Finding, Level, ServerName, UtcTime};
use fedway_driver::dns::Dns;
use fedway_driver::{Io, Resolver, printable};
use ruma_common::CanonicalJsonObject;
use ruma_common::serde::Base64;
use serde::{Deserialize, Serialize};

/// What a server publishes
#[derive(Debug, Serialize)]
pub(crate) struct Keys {
    /// The name that it goes by
    pub(crate) server_name: String,
    /// Until when the keys may be believed
    valid_until: String,
    /// The names of its keys
    verify_keys: Vec<String>,
    /// Whether they have signed the document
    pub(crate) signed: bool,
}

impl Keys {
    /// For a person to read
    pub(crate) fn line(&self) -> String {
        let ids = self.verify_keys.join(", ");
        format!(
            "{ids}, of {}, valid until {}",
            self.server_name, self.valid_until
        )
    }
}

#[derive(Deserialize)]
struct Document {
    server_name: String,
    #[serde(default)]
    valid_until_ts: u64,
    #[serde(default)]
    verify_keys: BTreeMap<String, VerifyKey>,
    #[serde(default)]
    tls_fingerprints: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct VerifyKey {
    key: String,
}

/// Asks the server of a subject for its keys, over a connection of its own; what is to be said of them as those of `name`
pub(crate) async fn fetch<I: Io, D: Dns>(
    resolver: &Resolver<I, D>,
    name: &ServerName,
    subject: &ServerName,
) -> (Option<Keys>, Vec<Finding>) {
    let asked = async {
        let connected = resolver.connect_to(subject).await;
        let mut connected = connected.map_err(|error| Chain(&error).to_string())?;
        let response = connected.get(KEYS_PATH).await;
        response.map_err(|error| Chain(&error).to_string())
    };
    let response = asked.await;
    let response = response.as_ref().map(|it| (it.status, &*it.body));
    judge(name, response.map_err(Clone::clone))
}

/// What is to be said of the keys of a server, by its response
fn judge(
    name: &ServerName,
    response: Result<(u16, &[u8]), String>,
) -> (Option<Keys>, Vec<Finding>) {
    let unreadable = |why: String| {
        let finding = Finding::new(
            Code::KeysUnreadable,
            Level::Warning,
            format!(
                "the signing keys cannot be had ({why}), without which other servers accept nothing that it sends"
            ),
            "have the proxy pass everything below /_matrix to the homeserver, /_matrix/key/v2/server among it",
        );
        (None, vec![finding])
    };
    let body = match response {
        Err(why) => return unreadable(why),
        Ok((200, body)) => body,
        Ok((status, _)) => return unreadable(format!("GET {KEYS_PATH}: status {status}")),
    };
    let document = match serde_json::from_slice::<Document>(body) {
        Ok(document) => document,
        Err(error) => return unreadable(format!("GET {KEYS_PATH}: {error}")),
    };
    let keys = Keys {
        signed: is_signed(&document, body),
        server_name: printable(&document.server_name, MAX_NAME),
        valid_until: UtcTime::from_unix(document.valid_until_ts / 1_000).to_string(),
        verify_keys: document
            .verify_keys
            .keys()
            .map(|id| printable(id, MAX_NAME))
            .collect(),
    };
    let findings = findings(name, &keys, &document);
    (Some(keys), findings)
}

fn findings(name: &ServerName, keys: &Keys, document: &Document) -> Vec<Finding> {
    let mut findings = Vec::new();
    let theirs = &keys.server_name;
    if *theirs != name.as_str() {
        let anew =
            format!("set it up anew with the server_name {name}: it cannot be changed later");
        let (doubt, remedy) = if is_public(theirs) {
            (
                format!(" (did you mean {theirs}?)"),
                format!(
                    "use {theirs} as the server name, if users are to be called @name:{theirs}; else {anew}"
                ),
            )
        } else {
            (String::new(), anew)
        };
        findings.push(Finding::new(
            Code::KeysOfAnotherName,
            Level::Error,
            format!("the homeserver goes by the name {theirs}, and not by {name}{doubt}"),
            remedy,
        ));
    }
    if !keys.signed {
        findings.push(Finding::new(
            Code::KeysNotSigned,
            Level::Error,
            "the document with the signing keys is not signed by them",
            format!("have the homeserver itself answer {KEYS_PATH}, and nothing change its answer on the way"),
        ));
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    // Before 1970 nothing has expired
    let now = now.map_or(0, |now| now.as_millis());
    if u128::from(document.valid_until_ts) < now {
        findings.push(Finding::new(
            Code::KeysExpired,
            Level::Error,
            format!(
                "the signing keys were valid only until {}",
                keys.valid_until
            ),
            "check the clock of the homeserver, and that no cache stands before /_matrix/key; a restart publishes its keys anew",
        ));
    }
    if document.tls_fingerprints.is_some() {
        findings.push(Finding::new(
            Code::KeysObsoleteField,
            Level::Notice,
            "the document with the signing keys has tls_fingerprints, which nobody reads any more",
            "nothing has to be changed",
        ));
    }
    findings
}

/// Whether a name may be one on the internet, and not that of an example or of a network of one's own
fn is_public(name: &str) -> bool {
    let last = name.rsplit_once('.').map(|(_, last)| last);
    last.is_some_and(|last| !["internal", "lan", "local", "localhost"].contains(&last))
}

/// Whether every key of the document has signed it: at least one has to be there
fn is_signed(document: &Document, body: &[u8]) -> bool {
    let Ok(mut object) = serde_json::from_slice::<CanonicalJsonObject>(body) else {
        return false;
    };
    // Others may have signed it, too
    if let Some(ruma_common::CanonicalJsonValue::Object(signatures)) = object.get_mut("signatures")
    {
        signatures.retain(|server, _| *server == document.server_name);
        if signatures.is_empty() {
            return false;
        }
    }
    let mut set = BTreeMap::new();
    for (id, key) in &document.verify_keys {
        let Ok(key) = Base64::parse(&key.key) else {
            return false;
        };
        set.insert(id.clone(), key);
    }
    let map = BTreeMap::from([(document.server_name.clone(), set)]);
    ruma_signatures::verify_json(&map, &object).is_ok()
}

/// Server-server API, "Publishing Keys"
pub(crate) const KEYS_PATH: &str = "/_matrix/key/v2/server";
/// A name has 255 bytes at most
const MAX_NAME: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn signed(name: &str, change: impl FnOnce(&mut Value)) -> Vec<u8> {
        let der = ruma_signatures::Ed25519KeyPair::generate().unwrap();
        let pair = ruma_signatures::Ed25519KeyPair::from_der(&der, "1".into()).unwrap();
        let mut document = json!({
            "server_name": name,
            "valid_until_ts": 32_503_680_000_000_u64,
            "verify_keys": {"ed25519:1": {"key": Base64::<ruma_common::serde::base64::Standard>::new(pair.public_key().to_vec())}},
            "old_verify_keys": {},
        });
        change(&mut document);
        let mut object: CanonicalJsonObject = serde_json::from_value(document).unwrap();
        ruma_signatures::sign_json(name, &pair, &mut object).unwrap();
        serde_json::to_vec(&object).unwrap()
    }

    fn codes(body: Vec<u8>) -> Vec<&'static str> {
        let name = "example.org".parse().unwrap();
        let (_, findings) = judge(&name, Ok((200, &body)));
        findings.iter().map(|finding| finding.code.name()).collect()
    }

    #[test]
    fn keys_that_have_signed_their_document_are_good() {
        assert_eq!(codes(signed("example.org", |_| {})), [""; 0]);
    }

    #[test]
    fn what_is_wrong_with_keys_is_told() {
        assert_eq!(
            codes(signed("example.net", |_| {})),
            ["keys-of-another-name"]
        );
        let expired = signed("example.org", |it| it["valid_until_ts"] = 1_000.into());
        assert_eq!(codes(expired), ["keys-expired"]);
        let old = signed("example.org", |it| it["tls_fingerprints"] = json!([]));
        assert_eq!(codes(old), ["keys-obsolete-field"]);
        let changed = String::from_utf8(signed("example.org", |_| {})).unwrap();
        let changed = changed.replace("\"old_verify_keys\":{}", "\"old_verify_keys\":{\"a\":1}");
        assert_eq!(codes(changed.into_bytes()), ["keys-not-signed"]);
        assert_eq!(
            codes(b"{\"server_name\":\"example.org\",\"valid_until_ts\":32503680000000}".to_vec()),
            ["keys-not-signed"]
        );
        assert_eq!(codes(b"<html>".to_vec()), ["keys-unreadable"]);
    }
}
