//! The sending side of a homeserver: transactions to fifty servers, and a question to each, twice.
//!
//! `cargo run -p fedway-client --example homeserver` starts those servers on the loopback device, delegated in every way there
//! is, every second of which speaks HTTP/2; and fails where one of them was told the wrong `Host`, or the second round took a
//! new connection or a question to DNS.

#![expect(clippy::print_stdout, reason = "an example says how it went")]

mod peers;

use std::error::Error;

use bytes::Bytes;
use fedway_client::{Client, ExpectJson, ServerName, Sockets};
use http::{Method, Request};
use http_body_util::{BodyExt as _, Full, Limited};
use tokio::task::JoinSet;

/// Sends a request of federation, and reads a response of a megabyte at most
async fn send(
    client: &Client,
    (method, name, path): (Method, &ServerName, &str),
    json: Option<serde_json::Value>,
) -> Result<serde_json::Value, Box<dyn Error + Send + Sync>> {
    let body = json.map(|json| json.to_string()).unwrap_or_default();
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("Content-Type", "application/json")
        .extension(ExpectJson)
        .body(Full::<Bytes>::from(body))?;
    let response = client.send(name, request).await?;
    let body = Limited::new(response.into_body(), 1 << 20)
        .collect()
        .await?;
    Ok(serde_json::from_slice(&body.to_bytes())?)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let peers = peers::start().await?;
    let builder = peers.world.builder().alpn(["h2", "http/1.1"]); // in earnest: fedway_client::builder()
    let client = Client::new(builder.build(Sockets::default())?);
    for round in 1..=2 {
        let mut tasks = JoinSet::new();
        for name in peers.names() {
            let client = client.clone();
            tasks.spawn(async move {
                let version = (Method::GET, &name, "/_matrix/federation/v1/version");
                let transaction = (Method::PUT, &name, "/_matrix/federation/v1/send/1");
                send(&client, version, None).await?;
                send(&client, transaction, Some(serde_json::json!({"pdus": []}))).await
            });
        }
        while let Some(sent) = tasks.join_next().await {
            sent??;
        }
        peers.check(round)?;
    }
    println!(
        "50 servers, 200 requests: each Host to the letter, and nothing new in the second round"
    );
    Ok(())
}
