//! The command line, and what it makes of configuration.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use fedway_core::{Config, Edition, Families, IpNet, SkipRule};
#[cfg(feature = "transparency")]
use fedway_driver::LogList;
use fedway_driver::dns::DnsConfig;
use fedway_driver::{Builder, Revocation, Roots};

use crate::failure::Failure;

/// Finds the server behind a Matrix server name, and proves that it is the right one
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Resolve, connect, verify, and ask the server for its version over the found connection
    Check(SearchArgs),
    /// Find a name by all three editions of the specification, and show where they differ
    Compare(CompareArgs),
    /// Start a world of servers on this machine and run every kind of delegation against it
    ///
    /// Needs no network and no privileges.
    #[cfg(feature = "demo")]
    Demo(DemoArgs),
    /// Say what a finding means, and what to do about it
    Explain(ExplainArgs),
    /// Run recorded searches again, without a network, and explain them
    Replay(ReplayArgs),
    /// Say where requests for a name go; opens no federation connection
    Resolve(SearchArgs),
    /// Print the document that delegates to a name, with the headers to serve it with
    ///
    /// It is to be served at https://YOUR_SERVER_NAME/.well-known/matrix/server with status 200.
    WellKnown(WellKnownArgs),
}

#[derive(Debug, Args)]
pub(crate) struct WellKnownArgs {
    /// The name to delegate to: a host and a port, such as matrix.example.org:443
    #[arg(value_name = "NAME")]
    pub(crate) name: String,

    #[command(flatten)]
    pub(crate) network: NetworkArgs,
}

#[cfg(feature = "demo")]
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// What carries the bytes and the time
    #[arg(long, value_enum, default_value = "tokio")]
    pub(crate) runtime: Runtime,
}

#[derive(Debug, Args)]
pub(crate) struct SearchArgs {
    /// Server names, such as example.org, 1.2.3.4 or example.org:8449
    #[arg(value_name = "NAME", required_unless_present = "input")]
    pub(crate) names: Vec<String>,

    /// Read further names from a file, one a line; `-` is standard input, looked at as they come
    #[arg(long, value_name = "FILE")]
    pub(crate) input: Option<PathBuf>,

    /// How many names at once
    #[arg(long, value_name = "N", default_value = "64", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) jobs: u16,

    /// Keep what is known in this file between runs, for as long as it may be believed
    #[arg(long, value_name = "FILE")]
    pub(crate) cache: Option<PathBuf>,

    /// How to write results: text, one JSON object a line, or of one name a picture
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: Format,

    /// Say why: the path taken, each step with its number, what was asked and answered, and when
    #[arg(long)]
    pub(crate) explain: bool,

    /// With check: try every address of every candidate, and of .well-known, each to its end
    #[arg(long)]
    pub(crate) all: bool,

    /// Keep a recording of each search in this folder, for `fedway replay` or a bug report
    #[arg(long, value_name = "DIR")]
    pub(crate) record: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) network: NetworkArgs,
}

#[derive(Debug, Args)]
pub(crate) struct CompareArgs {
    /// Server names, such as example.org, 1.2.3.4 or example.org:8449
    #[arg(value_name = "NAME", required = true)]
    pub(crate) names: Vec<String>,

    #[command(flatten)]
    pub(crate) network: NetworkArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// Recordings, as `--record` keeps them
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,

    /// Search by another edition, draft-2019, r0.1 or v1.8, with what was answered then
    #[arg(long)]
    pub(crate) edition: Option<Edition>,

    /// How to write results: text, one JSON object a line, or of one recording a picture
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// The code of a finding, such as port-closed; without one, all of them
    #[arg(value_name = "CODE")]
    pub(crate) code: Option<String>,
}

/// What is asked of the network, and how
#[derive(Debug, Args)]
pub(crate) struct NetworkArgs {
    /// The edition of the specification to follow: draft-2019, r0.1 or v1.8
    #[arg(long, default_value = "v1.8")]
    edition: Edition,

    /// What carries the bytes and the time
    #[arg(long, value_enum, default_value = "tokio")]
    pub(crate) runtime: Runtime,

    /// How long one whole search may take
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<Duration>,

    /// Ask this name server, instead of the system's (repeatable)
    #[arg(long = "dns", value_name = "IP[:PORT]")]
    name_servers: Vec<NameServer>,

    /// Trust the certificate authorities in this file, too (repeatable)
    #[arg(long = "ca-file", value_name = "PEM")]
    ca_files: Vec<PathBuf>,

    /// Do not trust the system's certificate authorities, only those of --ca-file
    #[arg(long)]
    no_system_roots: bool,

    /// Refuse certificates that a revocation list in this file names, in PEM or DER (repeatable)
    #[arg(long = "crl-file", value_name = "FILE")]
    crl_files: Vec<PathBuf>,

    /// Judge certificate transparency by the logs in this file, as browsers publish them (JSON, version 3)
    #[cfg(feature = "transparency")]
    #[arg(long, value_name = "FILE")]
    ct_log_list: Option<PathBuf>,

    /// Refuse certificates that the logs of fewer than this many distinct operators vouch for
    #[cfg(feature = "transparency")]
    #[arg(long, value_name = "N", requires = "ct_log_list")]
    ct_require: Option<usize>,

    /// Do not verify certificates of this host, of hosts below it (*.example.org), or in this network (repeatable)
    #[arg(long = "danger-skip-verify", value_name = "DOMAIN|CIDR")]
    skip: Vec<SkipRule>,

    /// Connect to addresses in this network although they are special-purpose (repeatable)
    #[arg(long = "allow-net", value_name = "CIDR", value_parser = net)]
    allow: Vec<IpNet>,

    /// Never connect to addresses in this network (repeatable)
    #[arg(long = "deny-net", value_name = "CIDR", value_parser = net)]
    deny: Vec<IpNet>,

    /// Ask for addresses of IPv4 alone, and connect to no others
    #[arg(long, conflicts_with = "ipv6")]
    ipv4: bool,

    /// Ask for addresses of IPv6 alone, and connect to no others
    #[arg(long)]
    ipv6: bool,
}

impl SearchArgs {
    /// Whether the path is to be shown
    pub(crate) fn wants_path(&self) -> bool {
        self.explain || self.format == Format::Svg
    }
}

impl NetworkArgs {
    /// The policies of the core
    pub(crate) fn config(&self) -> Config {
        let mut config = Config::default();
        config.edition = self.edition;
        config.addresses.allow.clone_from(&self.allow);
        config.addresses.deny.clone_from(&self.deny);
        config.families = self.families();
        config.trust.skip.clone_from(&self.skip);
        #[cfg(feature = "transparency")]
        if let Some(minimum) = self.ct_require {
            config.trust.transparency = fedway_core::CtPolicy::Require { minimum };
        }
        if let Some(timeout) = self.timeout {
            config.deadlines.search = timeout;
        }
        config
    }

    fn families(&self) -> Families {
        match (self.ipv4, self.ipv6) {
            (true, false) => Families::V4,
            (false, true) => Families::V6,
            // Both flags together are refused
            (false, false) | (true, true) => Families::Both,
        }
    }

    /// Everything a resolver is made from
    pub(crate) fn builder(&self) -> Result<Builder, Failure> {
        let mut roots = if self.no_system_roots {
            Roots::none()
        } else {
            Roots::default()
        };
        for path in &self.ca_files {
            roots.add_pem_file(path).map_err(Failure::usage)?;
        }
        if self.no_system_roots && self.ca_files.is_empty() {
            return Err(Failure::usage(
                "--no-system-roots needs a --ca-file to trust instead",
            ));
        }
        let mut revocation = Revocation::default();
        for path in &self.crl_files {
            revocation.add_file(path).map_err(Failure::usage)?;
        }
        let builder = Builder::default()
            .config(self.config())
            .roots(roots)
            .revocation(revocation);
        #[cfg(feature = "transparency")]
        let builder = match &self.ct_log_list {
            Some(path) => builder.log_list(LogList::from_file(path).map_err(Failure::usage)?),
            None => builder,
        };
        if self.name_servers.is_empty() {
            return Ok(builder);
        }
        let servers = self.name_servers.iter().map(|server| server.0).collect();
        Ok(builder.dns(DnsConfig::new(servers)))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Json,
    /// A picture of when what was asked, of one name
    Svg,
    Text,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Runtime {
    Smol,
    Tokio,
}

/// An address with port 53 unless it says another
#[derive(Clone, Copy, Debug)]
struct NameServer(SocketAddr);

impl FromStr for NameServer {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(address) = text.parse::<SocketAddr>() {
            return if address.port() == 0 {
                Err("no port 0")
            } else {
                Ok(Self(address))
            };
        }
        let bare = text
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or(text);
        match bare.parse::<IpAddr>() {
            Ok(address) => Ok(Self((address, DNS_PORT).into())),
            Err(_) => Err("no IP address, with or without a port"),
        }
    }
}

fn net(text: &str) -> Result<IpNet, &'static str> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(address.into());
    }
    text.parse()
        .map_err(|_| "no network in CIDR notation, such as 10.0.0.0/8")
}

fn seconds(text: &str) -> Result<Duration, &'static str> {
    let seconds: f64 = text.parse().map_err(|_| "no number of seconds")?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        Err(_) if seconds > 0.0 => Err("more seconds than a clock can count"),
        Ok(_) | Err(_) => Err("no number of seconds over zero"),
    }
}

/// RFC 1035 §4.2
const DNS_PORT: u16 = 53;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }

    #[test]
    fn a_name_server_has_port_53_unless_it_says_another() {
        for (text, address) in [
            ("192.0.2.1", "192.0.2.1:53"),
            ("192.0.2.1:5353", "192.0.2.1:5353"),
            ("2001:db8::1", "[2001:db8::1]:53"),
            ("[2001:db8::1]", "[2001:db8::1]:53"),
            ("[2001:db8::1]:5353", "[2001:db8::1]:5353"),
        ] {
            assert_eq!(
                text.parse::<NameServer>()
                    .map(|server| server.0.to_string())
                    .as_deref(),
                Ok(address)
            );
        }
        for text in [
            "ns.example",
            "192.0.2.1:0",
            "192.0.2.1:",
            "192.0.2.1:65536",
            "",
        ] {
            assert!(text.parse::<NameServer>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_timeout_is_more_than_nothing() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        for (complaint, texts) in [
            ("no number of seconds", &["x", "", "5s"][..]),
            (
                "no number of seconds over zero",
                &["0", "-1", "-inf", "NaN", "1e-12"],
            ),
            ("more seconds than a clock can count", &["inf", "1e30"]),
        ] {
            for text in texts {
                assert_eq!(seconds(text), Err(complaint), "{text}");
            }
        }
    }
}
