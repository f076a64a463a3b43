//! Serves `/.well-known/matrix/server` with axum, and asks for it once.
//!
//! `cargo run -p fedway-client --example well_known`; in earnest it stands behind the proxy that has the certificate of the
//! server name, on port 443.

#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use axum::Router;
use axum::routing::get;
use fedway_client::WellKnownServer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let document = WellKnownServer::parse("m.example.org:443")?;
    let app = Router::new().route(
        "/.well-known/matrix/server",
        get(move || async move { (document.headers(), document.json()) }),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, app).await });

    let mut stream = TcpStream::connect(address).await?;
    stream
        .write_all(b"GET /.well-known/matrix/server HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n")
        .await?;
    let mut response = String::new();
    stream.read_to_string(&mut response).await?;
    println!("{response}");
    assert!(response.contains("content-type: application/json\r\n"));
    assert!(response.contains("cache-control: max-age=86400\r\n"));
    assert!(response.ends_with(r#"{"m.server":"m.example.org:443"}"#));
    Ok(())
}
