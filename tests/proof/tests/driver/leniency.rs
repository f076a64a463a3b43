//! What servers get wrong in their responses, and are understood all the same: none of it sends a search on to
//! another server.

use fedway_core::{FetchError, MalformedResponse, RedirectError, WellKnownError};
use fedway_driver::http::{Ending, Response};
use fedway_testkit::world::{Body, Https, Reply};

use crate::rig::{Rig, VERSION, WELL_KNOWN, server_name, web};
use fedway_proof::on_every_runtime;
use fedway_proof::runtime::Runtime;

on_every_runtime! {
    a_folded_header_does_not_hide_a_redirect,
    headers_out_of_shape_do_not_hide_a_delegation,
    a_content_encoding_that_is_no_coding_does_not_hide_a_delegation,
    a_delegation_ended_without_close_notify_counts,
    a_redirect_to_a_host_with_an_underscore_is_followed_and_verified,
    a_redirect_with_a_stray_percent_sign_is_followed,
    a_redirect_to_an_international_host_is_an_error_that_shows_it,
    a_redirect_to_itself_with_a_cookie_is_a_loop,
    a_version_with_a_folded_header_is_read,
    a_version_ended_without_close_notify_is_read_and_said_to_be,
    a_page_ended_without_close_notify_is_no_version,
    a_refused_version_says_for_which_part_and_why,
    a_bot_wall_s_403_is_told_as_its_status,
}

fn a_folded_header_does_not_hide_a_redirect<R: Runtime>() {
    let redirect = "HTTP/1.1 301 Moved Permanently\r\n\
                    Content-Security-Policy: default-src 'self';\r\n    img-src *;\r\n\tfont-src *\r\n\
                    Location: /x\r\nContent-Length: 0\r\n\r\n";
    delegates::<R>(Reply::raw(redirect), &["/x"]);
}

fn headers_out_of_shape_do_not_hide_a_delegation<R: Runtime>() {
    for header in [
        "Access-Control-Allow-Origin : *",
        "Access-Control-Allow-Origin: *\r\nWarning: in line 3\x01\r\nno header at all",
        "Strict-Transport-Security: max-age=1;\r\n includeSubDomains",
    ] {
        let head = format!("HTTP/1.1 200 OK\r\n{header}\r\nContent-Length: 28\r\n\r\n");
        delegates::<R>(Reply::raw(head).content(GOOD), &[]);
    }
}

fn a_content_encoding_that_is_no_coding_does_not_hide_a_delegation<R: Runtime>() {
    for value in ["utf-8", "", "none"] {
        delegates::<R>(Reply::json(GOOD).header("Content-Encoding", value), &[]);
    }
}

fn a_delegation_ended_without_close_notify_counts<R: Runtime>() {
    delegates::<R>(Reply::json(GOOD).sent(Body::ReadToEndCut), &[]);
}

fn a_redirect_to_a_host_with_an_underscore_is_followed_and_verified<R: Runtime>() {
    let rig = Rig::new(|plan| {
        web(plan, "example.org", "198.51.100.1", |server| {
            let to = "https://my_group.example.net/x";
            server.path(WELL_KNOWN, Reply::redirect(301, to))
        });
        web(plan, "my_group.example.net", "198.51.100.2", |server| {
            server.path("/x", Reply::json(GOOD))
        });
    });
    let found = rig.find::<R>("example.org");
    assert_eq!(found.destination.host_header, "203.0.113.1");
    assert_eq!(
        rig.requests()[1],
        "198.51.100.2:443 my_group.example.net /x"
    );
}

fn a_redirect_with_a_stray_percent_sign_is_followed<R: Runtime>() {
    let redirect = Reply::redirect(301, "/x?dc=%ppublisher=!;&x=50%");
    delegates::<R>(redirect, &["/x?dc=%25ppublisher=!;&x=50%25"]);
}

fn a_redirect_to_an_international_host_is_an_error_that_shows_it<R: Runtime>() {
    let location = "https://%E4%BE%8B%E3%81%88.example/";
    let error = Some(WellKnownError::Redirect {
        location: Some(location.into()),
        cause: RedirectError::InternationalHost,
    });
    let rig = answering(WELL_KNOWN, Reply::redirect(301, location));
    assert_eq!(rig.well_known_error::<R>("example.org"), error);
}

fn a_redirect_to_itself_with_a_cookie_is_a_loop<R: Runtime>() {
    let location = "https://example.org/.well-known/matrix/server";
    let reply = Reply::redirect(301, location).header("Set-Cookie", "node=1; Path=/");
    let rig = answering(WELL_KNOWN, reply);
    let error = Some(WellKnownError::Redirect {
        location: Some(location.into()),
        cause: RedirectError::Loop,
    });
    assert_eq!(rig.well_known_error::<R>("example.org"), error);
    assert_eq!(rig.requests().len(), 1);
}

fn a_version_with_a_folded_header_is_read<R: Runtime>() {
    let reply = "HTTP/1.1 200 OK\r\nPermissions-Policy: camera=(),\r\n\tmicrophone=()\r\n\
                 Content-Length: 2\r\n\r\n{}";
    let response = version::<R>(Reply::raw(reply)).unwrap();
    let policy = response.header("permissions-policy");
    assert_eq!(policy, Some(&b"camera=(), microphone=()"[..]));
    assert_eq!(
        (&response.body[..], response.ending),
        (&b"{}"[..], Ending::Framed)
    );
}

fn a_version_ended_without_close_notify_is_read_and_said_to_be<R: Runtime>() {
    let body = r#"{"server": {"name": "x", "version": "1"}}"#;
    for (way, ending) in [
        (Body::ReadToEnd, Ending::Announced),
        (Body::ReadToEndCut, Ending::Cut),
    ] {
        let response = version::<R>(Reply::json(body).sent(way)).unwrap();
        assert_eq!(
            (&response.body[..], response.ending),
            (body.as_bytes(), ending)
        );
    }
}

fn a_page_ended_without_close_notify_is_no_version<R: Runtime>() {
    for body in ["<html></html>", r#"{"server": {}"#] {
        let response = version::<R>(Reply::json(body).sent(Body::ReadToEndCut));
        assert_eq!(response, Err(FetchError::ConnectionLost));
    }
}

fn a_refused_version_says_for_which_part_and_why<R: Runtime>() {
    let reply = Reply::json("{}").header("Content-Encoding", "br");
    let refused = FetchError::Malformed(MalformedResponse::ContentCoding);
    assert_eq!(version::<R>(reply), Err(refused));
}

fn a_bot_wall_s_403_is_told_as_its_status<R: Runtime>() {
    let page = "<!DOCTYPE html><title>Just a moment...</title>";
    let reply = Reply::status(403)
        .header("Content-Type", "text/html; charset=UTF-8")
        .content(page);
    let response = version::<R>(reply).unwrap();
    assert_eq!(response.status, 403);
    // As much as came with the head
    assert!(page.as_bytes().starts_with(&response.body));
}

/// Holds that the search takes the delegation, behind these targets of `example.org` where the reply redirects there
fn delegates<R: Runtime>(reply: Reply, targets: &[&str]) {
    let rig = Rig::new(|plan| {
        web(plan, "example.org", "198.51.100.1", |server| {
            let server = server.path(WELL_KNOWN, reply);
            let good = |server: Https, target: &&str| server.path(target, Reply::json(GOOD));
            targets.iter().fold(server, good)
        });
    });
    let found = rig.find::<R>("example.org");
    let well_known = found.notes.well_known.as_ref().unwrap();
    assert_eq!(well_known.error, None);
    assert_eq!(found.destination.host_header, "203.0.113.1");
    assert_eq!(rig.requests().len(), targets.len() + 1);
}

/// What `example.org` answers when it is asked for its version
fn version<R: Runtime>(reply: Reply) -> Result<Response, FetchError> {
    let rig = answering(VERSION, reply);
    let resolver = rig.resolver::<R>();
    R::block_on(async {
        let name = server_name("example.org:443");
        let mut connected = resolver.connect(&name).await.unwrap();
        connected.get(VERSION).await
    })
}

/// `example.org` with this reply at a target
fn answering(target: &str, reply: Reply) -> Rig {
    Rig::new(|plan| {
        web(plan, "example.org", "198.51.100.1", |server| {
            server.path(target, reply)
        });
    })
}

/// A delegation, 28 bytes long
const GOOD: &[u8] = b"{\"m.server\": \"203.0.113.1\"} ";
