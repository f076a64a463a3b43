//! "a regular HTTPS request is made to `https://<hostname>/.well-known/matrix/server`"

use fedway_core::{FieldName, HttpAnswer, RedirectError, ServerName};
use fedway_testkit::script::Reply;

use super::json;
use super::net::Net;
use super::outcome::{InvalidBody, WellKnownFailure};
use super::url::Url;

impl Net<'_> {
    /// "30x redirects should be followed, however redirection loops should be avoided"
    pub(super) fn fetch_well_known(
        &mut self,
        name: &ServerName,
    ) -> Result<ServerName, WellKnownFailure> {
        // "using port 443 exclusively, ignoring the port provided in the server name"
        let mut url = Url {
            host: name.host().clone(),
            port: 443,
            authority: name.hostname().to_owned(),
            target: "/.well-known/matrix/server".to_owned(),
        };
        let mut visited = Vec::new();
        loop {
            let answer = self.get(&url)?;
            match answer.status {
                200 => return read(&answer.body).map_err(WellKnownFailure::Body),
                301 | 302 | 303 | 307 | 308 => {
                    visited.push(url.place());
                    url = next(&url, &visited, &answer).map_err(WellKnownFailure::Redirect)?;
                }
                status => return Err(WellKnownFailure::Status(status)),
            }
        }
    }

    /// One request over one connection, verified for the URL's own host
    fn get(&mut self, url: &Url) -> Result<HttpAnswer, WellKnownFailure> {
        let mut causes = Vec::new();
        let addresses = self.resolve(&url.host, url.port, &mut causes);
        let connected = self.first_connected(&addresses, &url.host, &mut causes);
        if connected.is_none() {
            return Err(WellKnownFailure::Unreachable(url.host.clone(), causes));
        }
        self.asked
            .urls
            .push(format!("https://{}{}", url.authority, url.target));
        match self.world.answers.pages.get(&url.key()) {
            None => Ok(HttpAnswer::status(404)),
            Some(Reply { says: None, .. }) => {
                self.waits.urls += 1;
                Err(WellKnownFailure::TimedOut)
            }
            Some(Reply {
                says: Some(answer), ..
            }) => answer.clone().map_err(WellKnownFailure::Fetch),
        }
    }
}

fn next(
    url: &Url,
    visited: &[(fedway_core::Host, u16, String)],
    answer: &HttpAnswer,
) -> Result<Url, RedirectError> {
    let mut locations = answer.values(FieldName::Location);
    let location = locations.next().ok_or(RedirectError::NoLocation)?;
    let next = url.join(location)?;
    if visited.contains(&next.place()) {
        return Err(RedirectError::Loop);
    }
    // Policy: at most five
    if visited.len() > 5 {
        return Err(RedirectError::TooMany { limit: 5 });
    }
    Ok(next)
}

/// "the m.server property is parsed as `<delegated_hostname>[:<delegated_port>]`"
fn read(body: &[u8]) -> Result<ServerName, InvalidBody> {
    let server = json::member(body, "m.server").ok_or(InvalidBody::Json)?;
    server.parse().map_err(InvalidBody::ServerName)
}
