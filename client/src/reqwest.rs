//! For those whose code is full of reqwest's requests: the same client with its types, and what its own client can be given.

use std::net::SocketAddr;

use fedway_tokio::dns::{Dns, Stub};
use fedway_tokio::{ServerName, Sockets, fedway_driver};
use http::Response;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Body, Request, ResponseBuilderExt as _, Url};
use tokio::time::timeout;

use crate::client::{Client, server_name};
use crate::error::{Error, Kind};

impl<D: Dns> Client<D> {
    /// [`request`](Self::request) with reqwest's types
    ///
    /// A [`Url`] keeps a server name to the letter only under a scheme that it does not know:
    /// `matrix-federation://m.example.org:443/…` is for `m.example.org:443`, but `https://m.example.org:443/…` for
    /// `m.example.org`, which is another name. Where URLs are of `https`, give the name [beside
    /// them](Self::execute_for).
    ///
    /// What reqwest's own client does to a request besides sending it (redirects, cookies, decompression, proxies) is not
    /// done. Its time-out, if it has one, is for the time up to the head of the response.
    ///
    /// ```
    /// # async fn execute(client: fedway_client::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use reqwest::{Method, Request, Url};
    ///
    /// let url = Url::parse("matrix-federation://m.example.org:443/_matrix/federation/v1/version")?;
    /// let response = client.execute(Request::new(Method::GET, url)).await?;
    /// println!("{}", response.text().await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`request`](Self::request).
    pub async fn execute(&self, request: Request) -> Result<reqwest::Response, Error> {
        let uri = request.url().as_str().parse();
        let uri = uri.map_err(|_| Kind::Url(request.url().to_string()))?;
        let name = server_name(&uri)?;
        self.execute_for(&name, request).await
    }

    /// [`send`](Self::send) with reqwest's types; of the URL, path and query count alone
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn execute_for(
        &self,
        name: &ServerName,
        request: Request,
    ) -> Result<reqwest::Response, Error> {
        let (url, limit) = (request.url().clone(), request.timeout().copied());
        let request = http::Request::<Body>::try_from(request);
        let request = request.map_err(|_| Kind::Url(url.to_string()))?;
        let sending = self.send(name, request);
        let response = match limit {
            None => sending.await?,
            Some(limit) => timeout(limit, sending)
                .await
                .map_err(|_| Kind::TimedOut(name.to_string()))??,
        };
        Ok(from(response.map(Body::wrap), url))
    }
}

/// A response that says which URL it is of, which only a builder can be told
fn from(response: Response<Body>, url: Url) -> reqwest::Response {
    let (mut parts, body) = response.into_parts();
    if let Ok(of_url) = Response::builder().url(url).body(()) {
        parts.extensions.extend(of_url.into_parts().0.extensions);
    }
    Response::from_parts(parts, body).into()
}

/// Lets reqwest's own client find the addresses of a *subject* without a port: for
/// [`ClientBuilder::dns_resolver`](reqwest::ClientBuilder::dns_resolver)
///
/// A hook is told a host and answers with addresses. That is too little to do federation right; [`Client`] is for that.
///
/// | | with the hook |
/// |---|---|
/// | SRV, and ports other than 443 | for a URL without a port: its host is taken for a subject, and the answer has the ports |
/// | delegation by .well-known | not here: ask [`delegation`](fedway_driver::Resolver::delegation) and write the subject into the URL |
/// | a subject with a port | the hook is not told the port: two names with one host share what it answers. Such a URL gets what SRV says of the host, or its own addresses, and reqwest puts the port of the URL to them. Only if there is no SRV record that is right |
/// | `Host` and `:authority` | `:443` is lost in the URL; any other is right |
/// | the certificate | verified for the URL's host, by reqwest's roots: the resolver's roots, skip rules and transparency do not apply |
/// | address rules (private networks and others) | apply to what the hook answers; not to IP literals, which reqwest dials without asking |
/// | fail-over, racing, history, reports | reqwest tries the addresses in its own way, and tells nobody of what came of them |
#[derive(Debug)]
pub struct Hook<D = Stub<Sockets>> {
    resolver: fedway_driver::Resolver<Sockets, D>,
}

impl<D> Hook<D> {
    /// One that asks this resolver
    #[must_use]
    pub fn new(resolver: fedway_driver::Resolver<Sockets, D>) -> Self {
        Self { resolver }
    }
}

impl<D: Dns> Resolve for Hook<D> {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = self.resolver.clone();
        Box::pin(async move {
            let subject = ServerName::parse(name.as_str())?;
            let found = resolver.resolve(&subject).await?;
            let addresses: Vec<SocketAddr> = found.destination.addresses().collect();
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}
