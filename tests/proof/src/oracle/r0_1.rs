//! Server-server r0.1.1 to v1.7, section "Resolving server names".

use fedway_core::{Host, ServerName};

use super::net::Net;
use super::outcome::Outcome;

/// The text, in its order
pub(super) fn r0_1(name: &ServerName, net: &mut Net<'_>) -> Outcome {
    // 1. "If the hostname is an IP literal, then that IP address should be used, together with the given port
    //    number, or 8448 if no port is given. The target server must present a valid certificate for the IP address.
    //    The Host header in the request should be set to the server name, including the port if the server name
    //    included one."
    let hostname = match name.host() {
        Host::Ip(address) => {
            return net.go_to_address("1", *address, name.port().unwrap_or(8448), name.as_str());
        }
        Host::Dns(hostname) => hostname,
    };
    // 2. "If the hostname is not an IP literal, and the server name includes an explicit port, resolve the IP
    //    address using AAAA or A records. Requests are made to the resolved IP address and given port with a Host
    //    header of the original server name (with port)."
    if let Some(port) = name.port() {
        return net.go_to_host("2", hostname, port, name.as_str());
    }
    // 3. "If the hostname is not an IP literal, a regular HTTPS request is made to
    //    https://<hostname>/.well-known/matrix/server […]. If the response is invalid (bad JSON, missing properties,
    //    non-200 response, etc), skip to step 4. If the response is valid, the m.server property is parsed as
    //    <delegated_hostname>[:<delegated_port>] and processed as follows:"
    if let Some(delegated) = match net.well_known("3", name, hostname) {
        Ok(delegated) => Some(delegated),
        Err(failure) => match net.ends_discovery("3", hostname, &failure) {
            Some(end) => return end,
            None => None,
        },
    } {
        // First point: "If <delegated_hostname> is an IP literal, then that IP address should be used together with
        // the <delegated_port> or 8448 if no port is provided. […] a Host header containing the IP address,
        // including the port if one was provided."
        let delegated_hostname = match delegated.host() {
            Host::Ip(address) => {
                let port = delegated.port().unwrap_or(8448);
                return net.go_to_address("3.1", *address, port, delegated.as_str());
            }
            Host::Dns(hostname) => hostname,
        };
        // Second: "[…] and <delegated_port> is present […]. Requests must be made with a Host header of
        // <delegated_hostname>:<delegated_port>."
        if let Some(port) = delegated.port() {
            return net.go_to_host("3.2", delegated_hostname, port, delegated.as_str());
        }
        let host_header = delegated.hostname();
        // Third: "[…] no <delegated_port> is present, an SRV record is looked up for
        // _matrix._tcp.<delegated_hostname>. […] with a Host header containing the <delegated_hostname>. The target
        // server must present a valid certificate for <delegated_hostname>."
        if let Some(end) = net.go_to_srv("3.3", "_matrix._tcp", delegated_hostname, host_header) {
            return end;
        }
        // Fourth: "If no SRV record is found, an IP address is resolved using AAAA or A records. Requests are then
        // made to the resolve IP address and a port of 8448, using a Host header of <delegated_hostname>."
        return net.go_to_host("3.4", delegated_hostname, 8448, host_header);
    }
    // 4. "If the /.well-known request resulted in an error response, a server is found by resolving an SRV record
    //    for _matrix._tcp.<hostname>. […] with a Host header of <hostname>. The target server must present a valid
    //    certificate for <hostname>."
    if let Some(end) = net.go_to_srv("4", "_matrix._tcp", hostname, name.hostname()) {
        return end;
    }
    // 5. "If the /.well-known request returned an error response, and the SRV record was not found, an IP address is
    //    resolved using AAAA and A records. Requests are made to the resolved IP address using port 8448 and a Host
    //    header containing the <hostname>. The target server must present a valid certificate for <hostname>."
    net.go_to_host("5", hostname, 8448, name.hostname())
}
