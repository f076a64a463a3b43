//! Which name servers are asked, and how patiently.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV6};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Which name servers are asked, and how patiently
///
/// Names are always asked as they are: there is no search list here, whatever resolv.conf says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DnsConfig {
    /// The name servers, in the order in which they are asked
    pub servers: Vec<SocketAddr>,
    /// The longest wait for one server; the caller's deadline may leave it less
    pub timeout: Duration,
    /// How often each server is asked before giving up; 0 counts as 1
    pub attempts: u8,
    /// Whether each look-up begins with another server, for the sake of even load
    pub rotate: bool,
    /// Whether servers are asked over TCP only
    pub tcp: bool,
    /// Whether no server is asked for IPv6 addresses: there are none then but those of the hosts file
    pub no_aaaa: bool,
    /// The file of host names that is read before DNS is asked; `None` means no file
    pub hosts: Option<PathBuf>,
}

impl DnsConfig {
    /// These name servers with the timeout and attempts of resolv.conf(5), and without a hosts file
    ///
    /// Without a server, every question fails as [unreachable](fedway_core::DnsError::Unreachable).
    #[must_use]
    pub fn new(servers: Vec<SocketAddr>) -> Self {
        Self {
            servers,
            timeout: DEFAULT_TIMEOUT,
            attempts: DEFAULT_ATTEMPTS,
            rotate: false,
            tcp: false,
            no_aaaa: false,
            hosts: None,
        }
    }

    /// The same, over TCP alone: for networks that lose datagrams or answer them falsely
    #[must_use]
    pub fn over_tcp(mut self) -> Self {
        self.tcp = true;
        self
    }

    /// What the operating system is told by `/etc/resolv.conf`, with `/etc/hosts` before it
    ///
    /// Without `/etc/resolv.conf` (as on a system that has other means, such as Windows) the name
    /// server is the one of the local machine: see [`from_resolv_conf`](Self::from_resolv_conf).
    /// The file is read once: after a change of network, make a new configuration and a new stub.
    ///
    /// # Errors
    ///
    /// If `/etc/resolv.conf` is there and cannot be read, or names only servers that cannot be used.
    pub fn system() -> Result<Self, ConfigError> {
        let text = read_if_present(Path::new(RESOLV_CONF))?.unwrap_or_default();
        let config = Self::from_resolv_conf(&text)?;
        Ok(Self {
            hosts: Some(HOSTS.into()),
            ..config
        })
    }

    /// What a file in the format of resolv.conf(5) says, without a hosts file
    ///
    /// `nameserver` and the options `timeout`, `attempts`, `rotate`, `use-vc` and `no-aaaa` are read, with
    /// the limits of glibc: three servers, 1 to 30 seconds, 1 to 5 attempts. `search`, `domain` and
    /// `ndots` never apply, other options change nothing here. A line that cannot be understood is
    /// passed over, as glibc does. Without a `nameserver` line the server is 127.0.0.1.
    ///
    /// The scope of a link-local server (`fe80::1%eth0`) is the name of an interface that Linux knows
    /// under `/sys/class/net`, whatever it is made of, or a number; a server with another scope is passed over.
    ///
    /// # Errors
    ///
    /// If there are `nameserver` lines, and none of them can be used. (glibc would ask 127.0.0.1,
    /// which nobody wrote.)
    pub fn from_resolv_conf(text: &[u8]) -> Result<Self, ConfigError> {
        Self::parse(text, interface_index)
    }

    fn parse(
        text: &[u8],
        interface_index: impl Fn(&str) -> Option<u32>,
    ) -> Result<Self, ConfigError> {
        // The crate takes scopes of letters and digits only, so that name servers are read here
        let (file, _passed_over) = resolv_conf::Config::parse_with_errors(text);
        let lines = || text.split(|byte| *byte == b'\n').filter_map(name_server);
        let mut servers: Vec<_> = lines()
            .filter_map(|server| address(server, &interface_index))
            .collect();
        servers.truncate(MAX_SERVERS);
        if servers.is_empty() {
            if lines().next().is_some() {
                return Err(ConfigError::NoUsableServer);
            }
            servers.push((Ipv4Addr::LOCALHOST, DNS_PORT).into());
        }
        Ok(Self {
            servers,
            timeout: Duration::from_secs(file.timeout.clamp(1, MAX_TIMEOUT).into()),
            // At most `MAX_ATTEMPTS`, which fits
            attempts: file.attempts.clamp(1, MAX_ATTEMPTS) as u8,
            rotate: file.rotate,
            tcp: file.use_vc,
            no_aaaa: file.no_aaaa,
            hosts: None,
        })
    }
}

/// Why there is no configuration
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// resolv.conf has `nameserver` lines, but no address in them that can be used
    #[error("no usable nameserver line in resolv.conf")]
    NoUsableServer,
    /// A file is there, but cannot be read
    #[error("{} cannot be read: {kind}", path.display())]
    Unreadable {
        /// The file
        path: PathBuf,
        /// Why not
        kind: io::ErrorKind,
    },
}

/// The bytes of a file, or `None` if there is no such file
pub(super) fn read_if_present(path: &Path) -> Result<Option<Vec<u8>>, ConfigError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ConfigError::Unreadable {
            path: path.into(),
            kind: error.kind(),
        }),
    }
}

/// What a `nameserver` line has as its value, up to a blank or a comment, as glibc reads it
fn name_server(line: &[u8]) -> Option<&[u8]> {
    let value = line.trim_ascii_start().strip_prefix(b"nameserver")?;
    // A longer word is another keyword, and one without a value a line that cannot be used
    if value
        .first()
        .is_some_and(|byte| !byte.is_ascii_whitespace())
    {
        return None;
    }
    let is_end = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b';' | b'#');
    value.trim_ascii_start().split(is_end).next()
}

fn address(server: &[u8], interface_index: impl Fn(&str) -> Option<u32>) -> Option<SocketAddr> {
    let server = str::from_utf8(server).ok()?;
    let Some((ip, scope)) = server.split_once('%') else {
        return Some((server.parse::<IpAddr>().ok()?, DNS_PORT).into());
    };
    let scope = interface_index(scope).or_else(|| scope.parse().ok())?;
    Some(SocketAddrV6::new(ip.parse().ok()?, DNS_PORT, 0, scope).into())
}

/// The index of a network interface as Linux shows it, in lieu of `if_nametoindex(3)`
fn interface_index(name: &str) -> Option<u32> {
    // What no interface can be called, lest it be a path: dev_valid_name() in Linux' net/core/dev.c
    let is_forbidden = |char: char| char == '/' || char == ':' || char.is_ascii_whitespace();
    if matches!(name, "" | "." | "..") || name.contains(is_forbidden) {
        return None;
    }
    fs::read_to_string(format!("/sys/class/net/{name}/ifindex"))
        .ok()?
        .trim()
        .parse()
        .ok()
}

/// Where name servers listen (RFC 1035 §4.2)
const DNS_PORT: u16 = 53;

/// resolv.conf(5): the default of `attempts`
const DEFAULT_ATTEMPTS: u8 = 2;

/// resolv.conf(5): the default of `timeout`
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

/// resolv.conf(5): "the value for this option is silently capped to 5"
const MAX_ATTEMPTS: u32 = 5;

/// resolv.conf(5): "up to MAXNS (currently 3, see <resolv.h>) name servers"
const MAX_SERVERS: usize = 3;

/// resolv.conf(5): "the value for this option is silently capped to 30"
const MAX_TIMEOUT: u32 = 30;

/// resolv.conf(5)
const RESOLV_CONF: &str = "/etc/resolv.conf";

/// hosts(5)
const HOSTS: &str = "/etc/hosts";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_servers_and_options_are_read_and_search_lists_are_not() {
        let config = parse(
            "# made by hand\nsearch example.org corp\ndomain corp\nnameserver 192.0.2.1 # first\n\
             nameserver 2001:db8::1\noptions timeout:3 attempts:4 rotate ndots:5\n",
        );
        let servers = ["192.0.2.1:53", "[2001:db8::1]:53"];
        assert_eq!(
            config.unwrap(),
            DnsConfig {
                timeout: Duration::from_secs(3),
                attempts: 4,
                rotate: true,
                ..DnsConfig::new(servers.map(|server| server.parse().unwrap()).into())
            }
        );
    }

    #[test]
    fn without_a_nameserver_line_the_local_machine_is_asked() {
        let local = DnsConfig::new(vec![([127, 0, 0, 1], 53).into()]);
        assert_eq!(parse("").unwrap(), local);
        assert_eq!(
            parse("search example.org\n#nameserver 192.0.2.1\n").unwrap(),
            local
        );
    }

    #[test]
    fn what_cannot_be_understood_is_passed_over() {
        let config = parse(
            "nameserver example.org\nnonsense\nnameserver\noptions timeout:x attempts\n\
             nameserver 192.0.2.1\nsearch \u{fffd}\n",
        );
        assert_eq!(
            config.unwrap(),
            DnsConfig::new(vec![([192, 0, 2, 1], 53).into()])
        );
        let config = DnsConfig::from_resolv_conf(b"nameserver 192.0.2.1\nsearch \xff\n");
        assert_eq!(
            config.unwrap(),
            DnsConfig::new(vec![([192, 0, 2, 1], 53).into()])
        );
    }

    #[test]
    fn only_unusable_name_servers_are_an_error() {
        assert_eq!(
            parse("nameserver example.org\n"),
            Err(ConfigError::NoUsableServer)
        );
        assert_eq!(
            parse("nameserver fe80::1%gone\n"),
            Err(ConfigError::NoUsableServer)
        );
    }

    #[test]
    fn limits_are_those_of_glibc() {
        let config = parse(
            "nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\n\
             nameserver 192.0.2.4\noptions timeout:31 attempts:6\n",
        );
        let config = config.unwrap();
        assert_eq!(
            (
                config.servers.len(),
                config.timeout.as_secs(),
                config.attempts
            ),
            (3, 30, 5)
        );
        let config = parse("options timeout:0 attempts:0\n").unwrap();
        assert_eq!((config.timeout.as_secs(), config.attempts), (1, 1));
    }

    /// `fe80::53%eth7.42` and the like: an interface's name is anything but `/`, blanks and `:`
    #[test]
    fn a_link_local_server_may_be_behind_any_interface_that_linux_has() {
        for name in [
            "wlp3s0", "eth7.42", "br-lan", "veth_a@b", "wg+0", "münchen", "%d",
        ] {
            let text = format!(" nameserver\tfe80::53%{name}#\noptions edns0 trust-ad\nsearch .\n");
            let config = DnsConfig::parse(text.as_bytes(), |asked| (asked == name).then_some(9));
            let ip = [0xfe80, 0, 0, 0, 0, 0, 0, 0x53].into();
            let servers = vec![SocketAddrV6::new(ip, 53, 0, 9).into()];
            assert_eq!(config.unwrap(), DnsConfig::new(servers), "{name}");
        }
    }

    #[test]
    fn options_that_are_not_known_here_change_nothing() {
        let text = "nameserver 192.0.2.1\n\
                    options edns0 trust-ad inet6 single-request made-up made:up:twice timeout:3\n\
                    search .\nfamily inet4\nsortlist 192.0.2.0/nonsense\nunheard of\n";
        let expected = DnsConfig {
            timeout: Duration::from_secs(3),
            ..DnsConfig::new(vec![([192, 0, 2, 1], 53).into()])
        };
        assert_eq!(parse(text).unwrap(), expected);
        assert_eq!(parse(&text.replace('\n', "\r\n")).unwrap(), expected);
    }

    #[test]
    fn use_vc_means_tcp_and_no_aaaa_no_questions_for_ipv6() {
        let config = parse("options use-vc\noptions no-aaaa\n").unwrap();
        assert!(config.tcp && config.no_aaaa);
        let config = parse("").unwrap();
        assert!(!config.tcp && !config.no_aaaa);
    }

    #[test]
    fn a_scope_is_kept_as_a_number_or_found_by_the_interface_s_name() {
        let config = parse("nameserver fe80::1%7\nnameserver fe80::2%eth0\n").unwrap();
        let ip = |last| [0xfe80, 0, 0, 0, 0, 0, 0, last].into();
        assert_eq!(
            config.servers,
            [
                SocketAddrV6::new(ip(1), 53, 0, 7).into(),
                SocketAddrV6::new(ip(2), 53, 0, 3).into(),
            ]
        );
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn an_interface_has_the_index_that_the_system_gives_it() {
        // The loopback interface is the first of every network namespace
        assert_eq!(interface_index("lo"), Some(1));
        assert_eq!(interface_index("no-such-one"), None);
        assert_eq!(interface_index("../net/lo"), None, "no path");
    }

    #[test]
    fn the_system_s_configuration_has_its_hosts_file() {
        // Where there is no usable resolv.conf, there is nothing to look at
        if let Ok(config) = DnsConfig::system() {
            assert_eq!(config.hosts, Some(HOSTS.into()));
        }
    }

    #[test]
    fn a_file_that_is_there_but_cannot_be_read_is_an_error() {
        let error = read_if_present(Path::new("/")).unwrap_err();
        assert!(
            error.to_string().starts_with("/ cannot be read: "),
            "{error}"
        );
        assert_eq!(read_if_present(Path::new("/nonexistent/file")), Ok(None));
    }

    fn parse(text: &str) -> Result<DnsConfig, ConfigError> {
        DnsConfig::parse(text.as_bytes(), |name| (name == "eth0").then_some(3))
    }
}
