//! matrix-doc commit 0347e873 (2019-01-30), section "Resolving server names".

use fedway_core::{Host, ServerName};

use super::net::Net;
use super::outcome::{Failure, Outcome, WellKnownFailure};

/// The text, in its order
pub(super) fn draft_2019(name: &ServerName, net: &mut Net<'_>) -> Outcome {
    // 1. "If the hostname is an IP literal, then that IP address should be used, together with the given port
    //    number, or 8448 if no port is given. A valid TLS certificate must be provided by the target server for the
    //    IP address on all requests. Requests must be made with a Host header containing the IP address, without
    //    port."
    let hostname = match name.host() {
        Host::Ip(address) => {
            return net.go_to_address("1", *address, name.port().unwrap_or(8448), name.hostname());
        }
        Host::Dns(hostname) => hostname,
    };
    // 2. "If the hostname is not an IP literal, a server is found by resolving an SRV record for
    //    _matrix._tcp.<hostname>. […] with a Host header of <hostname>. A valid TLS certificate for <hostname> must
    //    be provided by the target server on all requests."
    if let Some(end) = net.go_to_srv("2", "_matrix._tcp", hostname, name.hostname()) {
        return end;
    }
    // 3. "If the SRV record yielded no results, a /.well-known request is made to the hostname (using port 443
    //    exclusively, ignoring the port provided in the server name). […] Assuming the response is valid, the
    //    m.server property is parsed as <delegated_server_name>[:<delegated_port>] and processed as follows:"
    match net.well_known("3", name, hostname) {
        Ok(delegated) => {
            // "If <delegated_server_name> is an IP literal, then that IP address should be used together with the
            // <delegated_port> or 8448 if no port is provided. […] a Host header containing the IP address, without
            // port."
            let delegated_name = match delegated.host() {
                Host::Ip(address) => {
                    let port = delegated.port().unwrap_or(8448);
                    return net.go_to_address("3.1", *address, port, delegated.hostname());
                }
                Host::Dns(hostname) => hostname,
            };
            let host_header = delegated.hostname();
            // "[…] not an IP literal, and <delegated_port> is present, […] with a Host header of
            // <delegated_server_name>."
            if let Some(port) = delegated.port() {
                return net.go_to_host("3.2", delegated_name, port, host_header);
            }
            // "[…] no <delegated_port> is present, an SRV record is looked up for
            // _matrix._tcp.<delegated_server_name>. […] a Host header containing the <delegated_server_name>."
            if let Some(end) = net.go_to_srv("3.3", "_matrix._tcp", delegated_name, host_header) {
                return end;
            }
            // "If no SRV record is found, an IP address is resolved using AAAA or A records. Requests are then made
            // to the resolve IP address and a port of 8448, using a Host header of <delegated_server_name>."
            net.go_to_host("3.3.1", delegated_name, 8448, host_header)
        }
        // "Failures parsing the JSON or invalid data provided in the resulting parsed JSON must result in server
        // discovery failure (no attempts should be made to continue […])."
        Err(WellKnownFailure::Body(invalid)) => {
            Outcome::failed("3", hostname, Failure::InvalidWellKnown(invalid))
        }
        Err(failure) => {
            if let Some(end) = net.ends_discovery("3", hostname, &failure) {
                return end;
            }
            // 4. "If the /.well-known request was invalid or returned an error response, and the SRV record was not
            //    found, an IP address is resolved using AAAA and A records. Requests are made to the resolved IP
            //    address using port 8448 and a Host header containing the <hostname>."
            net.go_to_host("4", hostname, 8448, name.hostname())
        }
    }
}
