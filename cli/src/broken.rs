//! Set-ups that are broken as people break them: the cause is named first, and what to change.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use fedway_core::Level;
use fedway_testkit::world::{
    Certificate, ConnectionFault, DnsFault, Https, RecordType, Replies, Reply, WorldPlan,
};
use fedway_tokio::Sockets;
use futures_util::future::join_all;

use crate::inquiry::{How, check};
use crate::keys::KEYS_PATH;
use crate::report::Report;
use crate::run::tokio_runtime;

const WELL_KNOWN: &str = "/.well-known/matrix/server";
const CLIENT: &str = "/.well-known/matrix/client";
const VERSION: &str = "/_matrix/federation/v1/version";

/// A world around `NAME`, the code that has to come first, and words that have to be in the sentence
struct Case(&'static str, &'static str, fn(&mut WorldPlan, &str));

/// A web server of the name with this document
fn web(plan: &mut WorldPlan, name: &str, ip: &str, document: &str) {
    plan.web(name, ip, Https::for_name(name).well_known(document));
}

/// A homeserver of a name
fn home(plan: &mut WorldPlan, address: &str, name: &str) {
    plan.https(address, Https::for_name(name));
}

/// An answer of the web server of the name to the request for .well-known
fn says(plan: &mut WorldPlan, name: &str, ip: &str, reply: Reply) {
    plan.web(name, ip, Https::for_name(name).path(WELL_KNOWN, reply));
}

/// What an SSH server says first
fn ssh() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // Until the test ends
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || greet(stream));
        }
    });
    address
}

fn greet(mut stream: TcpStream) {
    // Whoever has left needs no greeting
    let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.6\r\n");
    let _ = stream.read(&mut [0; 4096]);
}

/// Each with addresses of its own: `{ip}` is 198.51.100.N
const CASES: &[Case] = &[
    Case("well-known-html", "web page", |plan, ip| {
        says(
            plan,
            "c0.example",
            ip,
            Reply::status(200)
                .header("Content-Type", "text/html")
                .content("<!doctype html>"),
        );
    }),
    Case("well-known-wrong-key", "m.homeserver", |plan, ip| {
        web(
            plan,
            "c1.example",
            ip,
            r#"{"m.homeserver": {"base_url": "https://m.c1.example"}}"#,
        );
    }),
    Case(
        "well-known-bad-server-name",
        "\"m.server\": \"m.c2.example:443\"",
        |plan, ip| {
            web(
                plan,
                "c2.example",
                ip,
                r#"{"m.server": "https://m.c2.example"}"#,
            );
        },
    ),
    Case(
        "well-known-bad-server-name",
        "m.c3.example:443/",
        |plan, ip| {
            web(
                plan,
                "c3.example",
                ip,
                r#"{"m.server": "m.c3.example:443/"}"#,
            );
        },
    ),
    Case("well-known-not-json", "JSON", |plan, ip| {
        web(
            plan,
            "c4.example",
            ip,
            "{\"m.server\": \"m.c4.example:443\",}",
        );
    }),
    Case(
        "well-known-redirect-to-http",
        "http://www.c5.example/",
        |plan, ip| {
            says(
                plan,
                "c5.example",
                ip,
                Reply::redirect(301, "http://www.c5.example/"),
            );
        },
    ),
    Case("well-known-redirect", "loop", |plan, ip| {
        says(
            plan,
            "c6.example",
            ip,
            Reply::redirect(301, "https://c6.example/.well-known/matrix/server"),
        );
    }),
    Case(
        "well-known-status",
        "(Server: wall, the page \"Attention required\")",
        |plan, ip| {
            let page = "<html><head><title>Attention required</title></head>";
            let wall = Reply::status(403).header("Server", "wall").content(page);
            says(plan, "c7.example", ip, wall);
        },
    ),
    Case("well-known-certificate", "expired", |plan, ip| {
        let expired = Certificate::for_name("c8.example").expired();
        let server = Https::for_name("c8.example").certificate(expired);
        plan.web(
            "c8.example",
            ip,
            server.well_known(r#"{"m.server": "m.c8.example:443"}"#),
        );
    }),
    Case(
        "delegated-name-has-no-address",
        "m.c9.example",
        |plan, ip| {
            web(
                plan,
                "c9.example",
                ip,
                r#"{"m.server": "m.c9.example:443"}"#,
            );
        },
    ),
    Case("address-refused", "10.0.0.5", |plan, ip| {
        web(
            plan,
            "c10.example",
            ip,
            r#"{"m.server": "m.c10.example:443"}"#,
        );
        plan.a("m.c10.example", "10.0.0.5");
    }),
    Case(
        "federation-on-443",
        "\"m.server\": \"c11.example:443\"",
        |plan, ip| {
            plan.web("c11.example", ip, Https::for_name("c11.example"));
        },
    ),
    Case(
        "federation-on-443",
        "\"m.c12.example:443\" in place of \"m.c12.example\"",
        |plan, ip| {
            web(plan, "c12.example", ip, r#"{"m.server": "m.c12.example"}"#);
            plan.a("m.c12.example", "203.0.113.12");
            home(plan, "203.0.113.12:443", "m.c12.example");
        },
    ),
    Case(
        "well-known-to-delegated",
        "\"m.server\": \"last.c13.example:443\"",
        |plan, ip| {
            web(plan, "c13.example", ip, r#"{"m.server": "m.c13.example"}"#);
            web(
                plan,
                "m.c13.example",
                "203.0.113.13",
                r#"{"m.server": "last.c13.example:443"}"#,
            );
        },
    ),
    Case(
        "port-closed",
        "correct m.server in .well-known, which says m.c14.example:8448",
        |plan, ip| {
            web(
                plan,
                "c14.example",
                ip,
                r#"{"m.server": "m.c14.example:8448"}"#,
            );
            plan.a("m.c14.example", "203.0.113.14");
        },
    ),
    Case("port-closed", "correct the SRV record", |plan, _| {
        plan.srv("_matrix-fed._tcp.c15.example", 10, 0, 8449, "t.c15.example");
        plan.a("t.c15.example", "203.0.113.15");
    }),
    Case("certificate-for-srv-target", "t.c16.example", |plan, _| {
        plan.srv("_matrix-fed._tcp.c16.example", 10, 0, 8448, "t.c16.example");
        plan.a("t.c16.example", "203.0.113.16");
        let certificate = Certificate::for_name("t.c16.example");
        plan.https(
            "203.0.113.16:8448",
            Https::for_name("c16.example").certificate(certificate),
        );
    }),
    Case(
        "certificate-for-subdomain-only",
        "www.c17.example",
        |plan, ip| {
            plan.a("c17.example", ip);
            let certificate = Certificate::for_name("www.c17.example");
            plan.https(
                &format!("{ip}:8448"),
                Https::for_name("c17.example").certificate(certificate),
            );
        },
    ),
    Case("certificate-self-signed", "signed by itself", |plan, ip| {
        plan.a("c18.example", ip);
        let certificate = Certificate::for_name("c18.example").self_signed();
        plan.https(
            &format!("{ip}:8448"),
            Https::for_name("c18.example").certificate(certificate),
        );
    }),
    Case(
        "certificate-missing-intermediate",
        "fullchain.pem",
        |plan, ip| {
            plan.a("c19.example", ip);
            let certificate = Certificate::for_name("c19.example")
                .from_intermediate()
                .without_issuers();
            plan.https(
                &format!("{ip}:8448"),
                Https::for_name("c19.example").certificate(certificate),
            );
        },
    ),
    Case("certificate-expired", "renew", |plan, ip| {
        plan.a("c20.example", ip);
        let certificate = Certificate::for_name("c20.example").expired();
        plan.https(
            &format!("{ip}:8448"),
            Https::for_name("c20.example").certificate(certificate),
        );
    }),
    Case("version-unknown-path", "/_matrix", |plan, ip| {
        plan.a("c21.example", ip);
        plan.https(
            &format!("{ip}:8448"),
            Https::for_name("c21.example").path(VERSION, Reply::status(404)),
        );
    }),
    Case(
        "version-proxy-down",
        "(Server: nginx, the page \"502 Bad Gateway\")",
        |plan, ip| {
            let page = "<html><head><title>502 Bad Gateway</title></head>";
            let proxy = Reply::status(502).header("Server", "nginx").content(page);
            plan.a("c22.example", ip);
            plan.https(
                &format!("{ip}:8448"),
                Https::for_name("c22.example").path(VERSION, proxy),
            );
        },
    ),
    Case("version-misdirected", "421", |plan, ip| {
        plan.a("c23.example", ip);
        plan.https(
            &format!("{ip}:8448"),
            Https::for_name("c23.example").path(VERSION, Reply::status(421)),
        );
    }),
    Case("version-not-json", "web page", |plan, ip| {
        plan.a("c24.example", ip);
        let page = Reply::status(200)
            .header("Content-Type", "text/html")
            .content("<html>");
        plan.https(
            &format!("{ip}:8448"),
            Https::for_name("c24.example").path(VERSION, page),
        );
    }),
    Case("well-known-bad-server-name", "m.c25.example", |plan, ip| {
        // The wrong machine answers, since the delegation cannot be read
        let broken =
            Https::for_name("c25.example").well_known(r#"{"m.server": "https://m.c25.example"}"#);
        plan.web("c25.example", ip, broken);
        plan.https(
            &format!("{ip}:8448"),
            Https::for_name("c25.example").path(VERSION, Reply::status(404)),
        );
    }),
    Case("srv-not-offered", "\".\"", |plan, ip| {
        plan.a("c26.example", ip);
        plan.srv("_matrix-fed._tcp.c26.example", 0, 0, 0, ".");
    }),
    Case("srv-unusable", "port is 0", |plan, ip| {
        plan.a("c27.example", ip);
        plan.srv("_matrix-fed._tcp.c27.example", 10, 0, 0, "t.c27.example");
    }),
    Case(
        "srv-unanswered",
        "_matrix-fed._tcp.c28.example",
        |plan, ip| {
            plan.a("c28.example", ip);
            plan.dns_fault(
                "_matrix-fed._tcp.c28.example",
                RecordType::SRV,
                DnsFault::ServFail,
            );
        },
    ),
    Case("dns-failure", "DNSSEC Bogus", |plan, _| {
        plan.dns_fault("c29.example", RecordType::ANY, DnsFault::ServFailFor(6));
    }),
    Case("no-address", "A or AAAA", |_, _| {}),
    Case("not-tls", "does not speak TLS", |plan, ip| {
        plan.a("c31.example", ip);
        plan.connection_fault(&format!("{ip}:8448"), ConnectionFault::GarbageInHandshake);
    }),
    Case("tls-too-old", "TLS 1.2 and 1.3", |plan, ip| {
        plan.a("c32.example", ip);
        plan.connection_fault(&format!("{ip}:8448"), ConnectionFault::Tls11);
    }),
    Case("tls-alert", "does not know this name", |plan, ip| {
        plan.a("c33.example", ip);
        plan.connection_fault(&format!("{ip}:8448"), ConnectionFault::Alert(112));
    }),
    Case("tls-alert", "client certificates", |plan, ip| {
        plan.a("c34.example", ip);
        plan.https(
            &format!("{ip}:8448"),
            Https::for_name("c34.example").asking_for_a_client_certificate(),
        );
    }),
    Case(
        "connection-cut",
        "does not answer the TLS handshake",
        |plan, ip| {
            plan.a("c35.example", ip);
            plan.connection_fault(&format!("{ip}:8448"), ConnectionFault::HangAfterAccept);
        },
    ),
    Case(
        "version-unknown-path",
        "does not know the name",
        |plan, ip| {
            plan.a("c36.example", ip);
            let by_address = format!("{ip}:8448");
            let replies = Replies::by(move |request| {
                if request.host.as_deref() == Some(&*by_address) {
                    Reply::json(r#"{"server": {"name": "a", "version": "1"}}"#)
                } else {
                    Reply::status(404)
                }
            });
            plan.https(
                &format!("{ip}:8448"),
                Https::for_name("c36.example").path(VERSION, replies),
            );
        },
    ),
    Case(
        "keys-of-another-name",
        "did you mean other.example?",
        |plan, ip| {
            plan.a("c37.example", ip);
            let keys = Reply::json(
                r#"{"server_name": "other.example", "valid_until_ts": 32503680000000}"#,
            );
            plan.https(
                &format!("{ip}:8448"),
                Https::for_name("c37.example").path(KEYS_PATH, keys),
            );
        },
    ),
    Case("keys-not-signed", "not signed", |plan, ip| {
        plan.a("c38.example", ip);
        let keys = Reply::json(
            r#"{"server_name": "c38.example", "valid_until_ts": 32503680000000, "verify_keys": {}}"#,
        );
        plan.https(
            &format!("{ip}:8448"),
            Https::for_name("c38.example").path(KEYS_PATH, keys),
        );
    }),
    Case("port-closed", "nothing leads elsewhere", |plan, ip| {
        plan.a("c39.example", ip);
    }),
    Case(
        "well-known-not-json",
        "remove that comma: {\"m.server\": \"m.c40.example:443\"}",
        |plan, ip| {
            web(
                plan,
                "c40.example",
                ip,
                "{\"m.server\": \"m.c40.example:443\",}",
            );
        },
    ),
    Case(
        "well-known-not-json",
        "without a byte order mark",
        |plan, ip| {
            web(
                plan,
                "c41.example",
                ip,
                "\u{feff}{\"m.server\": \"m.c41.example:443\"}",
            );
        },
    ),
    Case("well-known-not-json", "plain quotes", |plan, ip| {
        web(
            plan,
            "c42.example",
            ip,
            "{\u{201c}m.server\u{201d}: \u{201c}m.c42.example:443\u{201d}}",
        );
    }),
    Case(
        "well-known-wrong-key",
        "write that key as m.server",
        |plan, ip| {
            web(
                plan,
                "c43.example",
                ip,
                "{\"m_server\": \"m.c43.example:443\"}",
            );
        },
    ),
    Case("well-known-not-json", "an empty document", |plan, ip| {
        web(plan, "c44.example", ip, "");
    }),
    Case(
        "well-known-bad-server-name",
        "write \"m.server\": \"m.c45.example:443\"",
        |plan, ip| {
            web(
                plan,
                "c45.example",
                ip,
                "{\"m.server\": \"m.c45.example: 443\"}",
            );
        },
    ),
    Case(
        "well-known-bad-server-name",
        "not the name of the record",
        |plan, ip| {
            web(
                plan,
                "c46.example",
                ip,
                "{\"m.server\": \"_matrix._tcp.c46.example\"}",
            );
        },
    ),
    Case(
        "well-known-bad-server-name",
        "be written as [2001:db8::1]:8448",
        |plan, ip| {
            web(
                plan,
                "c47.example",
                ip,
                "{\"m.server\": \"2001:db8::1:8448\"}",
            );
        },
    ),
    Case(
        "delegated-name-has-no-address",
        "only a network of yours knows",
        |plan, ip| {
            web(plan, "c48.example", ip, "{\"m.server\": \"synapse:8008\"}");
        },
    ),
    Case(
        "delegated-name-has-no-address",
        "\"m.c49.example.\", with a dot at its end",
        |plan, ip| {
            plan.a("c49.example", ip);
            let owner = "_matrix-fed._tcp.c49.example";
            plan.srv(owner, 10, 5, 8448, "m.c49.example.c49.example");
        },
    ),
    Case(
        "dns-failure",
        "correct or delete its DS record",
        |plan, ip| {
            let _ = ip;
            for name in [
                "c50.example",
                "_matrix-fed._tcp.c50.example",
                "_matrix._tcp.c50.example",
            ] {
                plan.dns_fault(name, RecordType::ANY, DnsFault::ServFailFor(9));
            }
        },
    ),
    Case(
        "well-known-status",
        "turn that challenge for browsers off",
        |plan, ip| {
            let page = "<title>Just a moment...</title>";
            says(plan, "c51.example", ip, Reply::status(403).content(page));
        },
    ),
    Case(
        "version-proxy-down",
        "Cloudflare does not accept the certificate",
        |plan, ip| {
            plan.a("c52.example", ip);
            let server = Https::for_name("c52.example").path(VERSION, Reply::status(526));
            plan.https(&format!("{ip}:8448"), server);
        },
    ),
    Case(
        "version-status",
        "have the homeserver federate",
        |plan, ip| {
            plan.a("c53.example", ip);
            let refusal = Reply::status(403)
                .header("Content-Type", "application/json")
                .content(r#"{"errcode": "M_FORBIDDEN", "error": "Federation is disabled."}"#);
            let server = Https::for_name("c53.example").path(VERSION, refusal);
            plan.https(&format!("{ip}:8448"), server);
        },
    ),
    Case(
        "version-status",
        "have the proxy pass requests on by https",
        |plan, ip| {
            plan.a("c54.example", ip);
            let page = "<title>400 The plain HTTP request was sent to HTTPS port</title>";
            let refusal = Reply::status(400).content(page);
            let server = Https::for_name("c54.example").path(VERSION, refusal);
            plan.https(&format!("{ip}:8448"), server);
        },
    ),
    Case("not-tls", "is a port of SSH", |plan, ip| {
        plan.a("c55.example", ip);
        plan.listener(&format!("{ip}:8448"), ssh());
    }),
    Case(
        "federation-on-443",
        "write \"m.server\": \"c56.example:443\" in place of \"c56.example:8080\"",
        |plan, ip| {
            let server =
                Https::for_name("c56.example").well_known(r#"{"m.server": "c56.example:8080"}"#);
            plan.web("c56.example", ip, server);
        },
    ),
    Case(
        "federation-elsewhere",
        "serve {\"m.server\": \"m.c57.example:443\"}",
        |plan, ip| {
            let clients = r#"{"m.homeserver": {"base_url": "https://m.c57.example"}}"#;
            let server = Https::for_name("c57.example").path(CLIENT, Reply::json(clients));
            plan.web("c57.example", ip, server.path(VERSION, Reply::status(404)));
            plan.a("m.c57.example", "198.51.100.254");
            let keys = Reply::json(r#"{"server_name": "c57.example"}"#);
            let server = Https::for_name("m.c57.example").path(KEYS_PATH, keys);
            plan.https("198.51.100.254:443", server);
        },
    ),
    Case(
        "version-proxy-down",
        "match the Host header c58.example:8448",
        |plan, ip| {
            let replies = Replies::by(|request| {
                if request.host.as_deref() == Some("c58.example") {
                    Reply::json(r#"{"server": {"name": "a", "version": "1"}}"#)
                } else {
                    Reply::status(503)
                }
            });
            let document = r#"{"m.server": "c58.example:8448"}"#;
            web(plan, "c58.example", ip, document);
            let server = Https::for_name("c58.example").path(VERSION, replies);
            plan.https(&format!("{ip}:8448"), server);
        },
    ),
    Case(
        "address-dead",
        "delete the A record 198.51.100.253",
        |plan, ip| {
            plan.a("c59.example", ip);
            plan.a("c59.example", "198.51.100.253");
            home(plan, &format!("{ip}:8448"), "c59.example");
        },
    ),
    Case(
        "family-dead",
        "it is another server that answers there",
        |plan, ip| {
            plan.a("c60.example", ip);
            plan.aaaa("c60.example", "2001:db8::60");
            home(plan, &format!("{ip}:8448"), "c60.example");
            home(plan, "[2001:db8::60]:8448", "parked.example");
        },
    ),
    Case(
        "well-known-differs",
        "serve the same document at 198.51.100.61:443, or delete the A record 198.51.100.61",
        |plan, ip| {
            says(plan, "c61.example", ip, Reply::status(404));
            let other =
                Https::for_name("c61.example").well_known(r#"{"m.server": "m.c61.example:443"}"#);
            plan.web("c61.example", "198.51.100.252", other);
        },
    ),
    Case(
        "well-known-redirect",
        "take that redirect away",
        |plan, ip| {
            let redirect = Reply::status(302).header("Location", "https://gone.c62.example/server");
            says(plan, "c62.example", ip, redirect);
        },
    ),
    Case(
        "version-status",
        "exempt everything below /_matrix on c63.example",
        |plan, ip| {
            plan.a("c63.example", ip);
            let log_in = Reply::status(302).header("Location", "https://auth.example/login");
            let server = Https::for_name("c63.example").path(VERSION, log_in);
            plan.https(&format!("{ip}:8448"), server);
        },
    ),
    Case(
        "version-unknown-path",
        "have the proxy pass /_matrix on as it is",
        |plan, ip| {
            plan.a("c64.example", ip);
            let unknown = || {
                Reply::status(404)
                    .header("Content-Type", "application/json")
                    .content(r#"{"errcode": "M_UNRECOGNIZED"}"#)
            };
            let server = Https::for_name("c64.example").path(VERSION, unknown());
            plan.https(&format!("{ip}:8448"), server.otherwise(unknown()));
        },
    ),
    Case(
        "well-known-bad-server-name",
        "a placeholder that was never filled in",
        |plan, ip| {
            web(
                plan,
                "c65.example",
                ip,
                r#"{"m.server": "{{ matrix_fqn }}:443"}"#,
            );
        },
    ),
    Case(
        "version-unknown-path",
        "if the homeserver has a name of its own, write that into m.server",
        |plan, ip| {
            let server =
                Https::for_name("c66.example").well_known(r#"{"m.server": "c66.example:443"}"#);
            plan.web("c66.example", ip, server.path(VERSION, Reply::status(404)));
        },
    ),
    Case("version-unknown-path", "Host(`c67.example`)", |plan, ip| {
        plan.a("c67.example", ip);
        let unknown = Reply::status(404).content("404 page not found\n");
        let server = Https::for_name("c67.example").path(VERSION, unknown);
        plan.https(&format!("{ip}:8448"), server);
    }),
    Case(
        "certificate-for-other-name",
        "if shop.example.net is not yours",
        |plan, ip| {
            plan.a("c68.example", ip);
            home(plan, &format!("{ip}:8448"), "shop.example.net");
        },
    ),
    Case(
        "version-unknown-path",
        "or delete the AAAA record 2001:db8::69 of c69.example",
        |plan, ip| {
            plan.a("c69.example", ip);
            plan.aaaa("c69.example", "2001:db8::69");
            home(plan, &format!("{ip}:8448"), "c69.example");
            let server = Https::for_name("c69.example").path(VERSION, Reply::status(404));
            plan.https("[2001:db8::69]:8448", server);
        },
    ),
    Case(
        "federation-on-443",
        "write \"m.server\": \"c70.example:443\" in place of \"c70.example:8008\"",
        |plan, ip| {
            let server =
                Https::for_name("c70.example").well_known(r#"{"m.server": "c70.example:8008"}"#);
            plan.web("c70.example", ip, server);
            plan.connection_fault(&format!("{ip}:8008"), ConnectionFault::GarbageInHandshake);
        },
    ),
    // A homeserver that is another's is not proposed
    Case(
        "port-closed",
        "serve {\"m.server\": \"HOST:PORT\"}",
        |plan, ip| {
            let clients = r#"{"m.homeserver": {"base_url": "https://other.example.net"}}"#;
            let server = Https::for_name("c71.example").path(CLIENT, Reply::json(clients));
            plan.web("c71.example", ip, server.path(VERSION, Reply::status(404)));
            let keys = Reply::json(r#"{"server_name": "example.net"}"#);
            let other = Https::for_name("other.example.net").path(KEYS_PATH, keys);
            plan.a("other.example.net", "198.51.100.251");
            plan.https("198.51.100.251:443", other);
        },
    ),
    // Nor is a web server that is not there one that says otherwise
    Case("port-closed", "answers 404", |plan, ip| {
        let server = Https::for_name("c72.example").path(VERSION, Reply::status(404));
        plan.web(
            "c72.example",
            ip,
            server.path(WELL_KNOWN, Reply::status(404)),
        );
        plan.a("c72.example", "198.51.100.250");
    }),
];

#[test]
fn the_cause_of_a_broken_set_up_comes_first_with_what_to_change() {
    let mut plan = WorldPlan::new();
    for (index, Case(.., describe)) in CASES.iter().enumerate() {
        describe(&mut plan, &format!("198.51.100.{index}"));
    }
    let world = plan.start().unwrap();
    let mut config = fedway_testkit::config();
    config.deadlines.connect = std::time::Duration::from_secs(1);
    let looked_at = CASES
        .iter()
        .enumerate()
        .map(async |(index, Case(code, words, _))| {
            let builder = world.builder().config(config.clone());
            let resolver = builder.build(Sockets::default()).unwrap();
            let text = format!("c{index}.example");
            let name = text.parse().unwrap();
            let inquiry = check(&resolver, &name, How::Closely).await;
            let report = Report::new(&text, config.edition, inquiry);
            let headline = report.explanation.as_ref().map(|it| it.headline());
            let headline = headline.unwrap_or_default();
            let first = report.findings.first().map(|finding| finding.code.name());
            let is_broken = report
                .findings
                .first()
                .is_some_and(|it| it.level == Level::Error);
            let is_told = headline.contains(words) && first == Some(code) && report.ok != is_broken;
            (!is_told).then(|| format!("{text}: {first:?}, not {code} with {words:?}: {headline}"))
        });
    let Ok(runtime) = tokio_runtime() else {
        panic!("a runtime for a test");
    };
    let wrong: Vec<_> = runtime
        .block_on(join_all(looked_at))
        .into_iter()
        .flatten()
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
