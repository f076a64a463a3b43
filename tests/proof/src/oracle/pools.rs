//! What worlds are [rolled](super::World::roll) from.

use std::time::Duration;

pub(super) const WELL_KNOWN: &str = "/.well-known/matrix/server";
pub(super) const TTL: Duration = Duration::from_secs(300);

pub(super) const LONG_LABEL: &str =
    "a234567890123456789012345678901234567890123456789012345678901234.example.org";
/// With a service before it, too long for a DNS message
pub(super) const LONG_NAME: &str = "a23456789.b23456789.c23456789.d23456789.e23456789.f23456789.g23456789.\
    h23456789.i23456789.j23456789.k23456789.l23456789.m23456789.n23456789.o23456789.p23456789.\
    q23456789.r23456789.s23456789.t23456789.u23456789.v23456789.w23456789.example.org";

pub(super) const HOSTS: [&str; 6] = [
    "example.org",
    "delegated.example.net",
    "one.example.net",
    "two.example.net",
    "web.example.com",
    LONG_NAME,
];

pub(super) const SERVER_NAMES: [&str; 18] = [
    "Example.ORG",
    "example.org:9000",
    "example.org:443",
    "EXAMPLE.org:08448",
    "delegated.example.net",
    "example.org.",
    "192.0.2.1",
    "192.0.2.2:9000",
    "10.0.0.1",
    "[2001:DB8::1]",
    "[2001:db8::2]:9000",
    "[::ffff:192.0.2.1]",
    "[::1]:8448",
    "hidden.onion",
    "a.Hidden.onion:9000",
    "nowhere.example",
    LONG_LABEL,
    LONG_NAME,
];

pub(super) const DELEGATED: [&str; 18] = [
    "delegated.example.net",
    "delegated.example.net",
    "delegated.example.net",
    "delegated.example.net",
    "Delegated.example.net",
    "Delegated.example.net:9000",
    "example.org",
    "example.org:443",
    "one.example.net",
    "192.0.2.3",
    "192.0.2.4:9000",
    "[2001:DB8::3]",
    "[2001:db8::2]:9000",
    "10.0.0.1",
    "hidden.onion",
    "hidden.onion:9000",
    "nowhere.example",
    LONG_NAME,
];

pub(super) const TARGETS: [&str; 4] = [
    "one.example.net",
    "two.example.net",
    "example.org",
    "delegated.example.net",
];

pub(super) const BAD_TARGETS: [&str; 8] = [
    "nowhere.example",
    "hidden.onion",
    "192.0.2.1",
    "2001:db8::1",
    "[2001:db8::1]",
    ".",
    LONG_LABEL,
    "under_score.example",
];

pub(super) const REDIRECT_HOSTS: [&str; 6] = [
    "example.org",
    "web.example.com",
    "web.example.com:8443",
    "192.0.2.4",
    "[2001:db8::1]:8443",
    "one.example.net",
];

pub(super) const LOCATIONS: [&str; 27] = [
    "/0",
    "/.well-known/matrix/server",
    "server",
    "../matrix/./server",
    "?again",
    "#here",
    "https://example.org/.well-known/matrix/server",
    "HTTPS://EXAMPLE.org:443/.well-known/matrix/server#x",
    "https://web.example.com",
    "//web.example.com/0",
    "https://web.example.com:8443/0",
    "https://192.0.2.4/0",
    "https://[2001:db8::1]/0",
    "https://10.0.0.1/",
    "https://[::1]/",
    "https://127.0.0.1:8443/",
    "http://example.org/0",
    "/0?a=%b|c",
    "https://%E4%BE%8B.example/",
    "https://user@example.org/0",
    "https://user:secret@web.example.com/",
    "https://hidden.onion/",
    "https:///0",
    "https://example.org:0/",
    "https://example.org:65536/",
    "https://under_score.example/",
    "",
];

pub(super) const BODIES: [&str; 17] = [
    "",
    "{}",
    "[1]",
    "[\"delegated.example.net\"]",
    "null",
    "\"delegated.example.net\"",
    r#"{"m.server":7}"#,
    r#"{"m.server":null}"#,
    r#"{"m.server":""}"#,
    r#"{"m.server":"a b"}"#,
    r#"{"m.server":"delegated.example.net:65536"}"#,
    r#"{"m.server":"delegated.example.net","m.server":"example.org"}"#,
    r#"{"m.server":"delegated.example.net"} trailing"#,
    r#"{"m.server":"delegated.example.net",}"#,
    " {\n\"x\": [1, {}, true], \"m.server\" : \"\\u0064elegated.example.net\" }\n",
    r#"{"M.Server":"delegated.example.net"}"#,
    "<html></html>",
];

pub(super) const LITERALS: [&str; 8] = [
    "192.0.2.1",
    "192.0.2.2",
    "192.0.2.3",
    "192.0.2.4",
    "2001:db8::1",
    "2001:db8::2",
    "2001:db8::3",
    "::ffff:192.0.2.1",
];

pub(super) const V4: [&str; 5] = [
    "192.0.2.1",
    "192.0.2.2",
    "192.0.2.3",
    "192.0.2.4",
    "8.8.8.8",
];
pub(super) const V6: [&str; 4] = [
    "2001:db8::1",
    "2001:db8::2",
    "2001:db8::3",
    "2606:4700::1111",
];

pub(super) const SPECIAL_V4: [&str; 10] = [
    "10.0.0.1",
    "127.0.0.1",
    "169.254.1.1",
    "172.31.255.255",
    "172.32.0.0",
    "100.64.0.0",
    "192.88.99.1",
    "224.0.0.1",
    "255.255.255.255",
    "0.0.0.0",
];

pub(super) const SPECIAL_V6: [&str; 11] = [
    "fe80::1",
    "::1",
    "::",
    "fc00::1",
    "ff02::1",
    "::ffff:10.0.0.1",
    "::ffff:192.0.2.1",
    "64:ff9b::a00:1",
    "64:ff9b::808:808",
    "2002:a00:1::1",
    "2001:0:5:6:7:8:f5ff:fffe",
];
