//! A world, a client in it, and requests.

use std::sync::Arc;

use bytes::Bytes;
use fedway_client::{Client, Error, ResponseBody, ServerName, Sockets};
use fedway_testkit::world::{Https, World, WorldPlan};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};

pub(crate) const PATH: &str = "/_matrix/federation/v1/version";

/// A world
pub(crate) fn world(describe: impl FnOnce(&mut WorldPlan)) -> World {
    let mut plan = WorldPlan::new();
    describe(&mut plan);
    plan.start().unwrap()
}

/// A world with one name in it
pub(crate) fn world_of(name: &str, address: &str) -> World {
    world(|plan| {
        plan.a(name, address);
    })
}

/// `name` delegates to `subject`, and its web server is at `address`
pub(crate) fn delegates(plan: &mut WorldPlan, name: &str, address: &str, subject: &str) {
    let document = format!(r#"{{"m.server": "{subject}"}}"#);
    plan.web(name, address, Https::for_name(name).well_known(document));
}

/// A client that offers HTTP/2, in a world
pub(crate) fn client(world: &World) -> Client {
    Client::new(resolver(world))
}

pub(crate) fn resolver(world: &World) -> fedway_client::fedway_tokio::Resolver {
    let builder = world.builder().alpn(["h2", "http/1.1"]);
    builder.build(Sockets::default()).unwrap()
}

pub(crate) fn server_name(name: &str) -> ServerName {
    name.parse().unwrap()
}

pub(crate) fn request(name: &str) -> Request<Full<Bytes>> {
    let request = Request::get(format!("matrix-federation://{name}{PATH}"));
    request.body(Full::default()).unwrap()
}

/// Sends a GET, and reads the whole response
pub(crate) async fn get(client: &Client, name: &str) -> Result<Response<Bytes>, Arc<Error>> {
    let response = client.request(request(name)).await.map_err(Arc::new)?;
    Ok(whole(response).await)
}

/// A response with its whole body
pub(crate) async fn whole(response: Response<ResponseBody>) -> Response<Bytes> {
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Response::from_parts(head, body)
}

/// Waits until something is so
pub(crate) async fn eventually(mut is_so: impl FnMut() -> bool) {
    for _ in 0..1_000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("it does not come to be so");
}
