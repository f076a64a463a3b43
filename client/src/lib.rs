//! # An HTTP client for Matrix server names
//!
//! An [`http::Request`](::http::Request) for a server name goes in, the [`http::Response`](::http::Response) of its server comes out: the right server, by the
//! specification, with the right `Host` and a certificate for the right name.
//!
//! ```
//! use bytes::Bytes;
//! use fedway_client::{Client, Sockets};
//! use http::Request;
//! use http_body_util::{BodyExt as _, Full};
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let builder = fedway_client::builder();
//! #   // No network here: a world on the loopback device stands in for it
//! #   let mut plan = fedway_testkit::world::WorldPlan::new();
//! #   plan.a("example.org", "9.9.9.9");
//! #   plan.https("9.9.9.9:8448", fedway_testkit::world::Https::for_name("example.org"));
//! #   let world = plan.start()?;
//! #   drop(builder);
//! #   let builder = world.builder();
//!     let client = Client::new(builder.build(Sockets::default())?);
//!     let request = Request::get("matrix-federation://example.org/_matrix/federation/v1/version");
//!     let response = client.request(request.body(Full::<Bytes>::default())?).await?;
//!     let version = response.into_body().collect().await?.to_bytes();
//!     assert!(version.starts_with(b"{"));
//!     Ok(())
//! }
//! ```
//!
//! # Whom a request is for
//!
//! The authority of the URI is the server name, under the scheme `matrix-federation` or `https`; or the name is given [beside
//! the request](Client::send). It goes through no `Url` on the way: those drop `:443`, which is part of the name
//! `m.example.org:443` and of the `Host` that its server expects. `Host` (HTTP/1.1) and `:authority` (HTTP/2) are as the
//! specification has them, to the letter; one that the request has is replaced.
//!
//! Names are [`ServerName`]s: read from a `&str` with `parse`, from an [`http::uri::Authority`](::http::uri::Authority) by its `as_str()`. A
//! homeserver that has ruma's, of whichever version, comes and goes in a line each:
//!
//! ```
//! # mod ruma { pub type ServerName = str; }
//! # fn both_ways(theirs: &ruma::ServerName) -> Result<(), Box<dyn std::error::Error>> {
//! let ours: fedway_client::ServerName = theirs.parse()?; // ruma's is `theirs.as_str().parse()?`
//! let text: &str = ours.as_str(); // and back: `<&ruma::ServerName>::try_from(ours.as_str())?`
//! # assert_eq!(text, theirs);
//! # Ok(())
//! # }
//! # both_ways("m.example.org:443").unwrap();
//! ```
//!
//! # One stack
//!
//! Time-outs, retries, limits, compression and bounds of bodies are layers of [`tower`](https://docs.rs/tower) and
//! `tower-http`, of which this is the innermost service:
//!
//! ```
//! use std::time::Duration;
//!
//! use bytes::Bytes;
//! use fedway_client::Client;
//! use http::Request;
//! use http_body_util::{BodyExt as _, Full, Limited};
//! use tower::{ServiceBuilder, ServiceExt as _};
//!
//! # async fn stack(client: Client) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! let stack = ServiceBuilder::new()
//!     .concurrency_limit(1_000)
//!     .timeout(Duration::from_secs(30))
//!     .service(client);
//! let request = Request::put("matrix-federation://example.org/_matrix/federation/v1/send/1")
//!     .body(Full::<Bytes>::from("{}"))?;
//! let response = stack.clone().oneshot(request).await?;
//! // No more than a megabyte of it
//! let body = Limited::new(response.into_body(), 1 << 20).collect().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Wrong servers
//!
//! A 421 (Misdirected Request) says that a server does not know the name, and so does HTML where JSON was due, for a request
//! that [says so](ExpectJson): what is known of the name is asked anew then, and the connection closed. Inbound traffic ends
//! the back-off of a server that was down, once it is [reported](Client::report).
//!
//! # Features
//!
//! `reqwest`: `execute`, for those whose code is full of reqwest's requests, and a `Hook` for its DNS. The others are those of
//! `fedway-tokio`, whose public face is exported again from here.

mod body;
mod client;
mod connection;
mod error;
mod peers;
#[cfg(feature = "reqwest")]
mod reqwest;

pub use fedway_tokio::{self, *};

#[cfg(feature = "reqwest")]
pub use self::reqwest::Hook;
pub use body::ResponseBody;
pub use client::{Client, ClientBuilder, ExpectJson, Via};
pub use error::Error;

/// A [`Builder`] of resolvers that offer HTTP/2 as well as HTTP/1.1 for federation (RFC 7301)
///
/// Not for .well-known, for which HTTP/1.1 is offered alone.
#[must_use]
pub fn builder() -> Builder {
    Builder::default().alpn([connection::HTTP_2, HTTP_1_1])
}

/// RFC 7301 §6
const HTTP_1_1: &[u8] = b"http/1.1";

/// The examples of the project's README compile
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// And that of this crate's own
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct OwnReadme;
