//! The HTTP client under load: against reqwest, among servers that die, and at rest.
//!
//! `cargo bench -p fedway-proof --bench client -- [--seconds N] [--rounds N]`. Prints
//!
//! - what a warm request costs in CPU time of this process, client and servers together, as a ratio to reqwest with fixed
//!   addresses for the same servers, measured in turns; above 1.1 is a failure;
//! - what became of 1,000 requests a second to 200 names of two targets each, the first of which dies and comes back each
//!   minute for half of them: one that fails before it was sent is a failure, and so is one that came twice. What was on the
//!   wire when its server died may have been read, and is not sent again;
//! - the memory that 2,000 idle servers take.

#![expect(clippy::print_stdout, reason = "a bench prints its table")]

use std::convert::Infallible;
use std::fs;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use fedway_client::{Client, Sockets};
use fedway_proof::arguments::{is_judged, value};
use fedway_proof::peer::Peer;
use fedway_testkit::world::{World, WorldPlan};
use http::Request;
use http_body_util::{BodyExt as _, Full};
use rustls::{ClientConfig, RootCertStore};
use tokio::sync::oneshot::{self, error::TryRecvError};
use tokio::task::JoinSet;
use tokio::time::{interval, sleep, timeout};

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let runtime = runtime.expect("threads for a bench");
    let (seconds, rounds) = if is_judged() { (120, 10) } else { (2, 1) };
    let seconds = value("--seconds").unwrap_or(seconds);
    let rounds = value("--rounds").unwrap_or(rounds);
    let mut is_good = true;
    for is_http2 in [false, true] {
        is_good &= runtime.block_on(against_reqwest(is_http2, rounds));
    }
    is_good &= runtime.block_on(among_the_dying(seconds));
    runtime.block_on(at_rest());
    if is_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn name(number: usize) -> String {
    format!("s{number}.example.org")
}

fn address(number: usize) -> String {
    format!("198.51.{}.{}", 100 + number / 250, number % 250 + 1)
}

/// A world of so many names, whose servers are still to be started
fn world(count: usize) -> World {
    let mut plan = WorldPlan::new();
    for number in 0..count {
        plan.a(&name(number), &address(number)).ttl(86_400);
    }
    plan.start().expect("a world on the loopback device")
}

async fn peer(world: &World, number: usize, is_http2: bool) -> Peer {
    let meant = format!("{}:8448", address(number));
    Peer::start(world, &meant, &name(number), is_http2).await
}

fn client(world: &World) -> Client {
    let builder = world.builder().alpn(["h2", "http/1.1"]);
    Client::new(builder.build(Sockets::default()).expect("a resolver"))
}

async fn against_reqwest(is_http2: bool, rounds: usize) -> bool {
    const PEERS: usize = 20;
    let world = world(PEERS);
    let mut peers = Vec::new();
    for number in 0..PEERS {
        peers.push(peer(&world, number, is_http2).await);
    }
    let ours = client(&world);
    let mut theirs = reqwest::Client::builder()
        .no_proxy()
        .tls_backend_preconfigured(tls(&world));
    let router = world.router();
    for number in 0..PEERS {
        let meant: SocketAddr = format!("{}:8448", address(number))
            .parse()
            .expect("an address");
        let real = router(meant).expect("a server");
        theirs = theirs.resolve(&name(number), real);
    }
    let theirs = theirs.build().expect("a client");
    let real_port = |number: usize| {
        let meant: SocketAddr = format!("{}:8448", address(number))
            .parse()
            .expect("an address");
        router(meant).map_or(0, |real| real.port())
    };
    let urls: Vec<_> = (0..PEERS)
        .map(|number| format!("https://{}:{}/a", name(number), real_port(number)))
        .collect();
    let uris: Vec<_> = (0..PEERS)
        .map(|number| format!("https://{}/a", name(number)))
        .collect();
    let (mut of_ours, mut of_theirs) = (Duration::ZERO, Duration::ZERO);
    let (mut took_ours, mut took_theirs) = (Vec::new(), Vec::new());
    for round in 0..=rounds {
        let before = cpu();
        for number in 0..REQUESTS {
            let began = Instant::now();
            let request = Request::get(&uris[number % PEERS]).body(Full::<Bytes>::default());
            let response = ours
                .request(request.expect("a request"))
                .await
                .expect("a response");
            response.into_body().collect().await.expect("a body");
            took_ours.push(began.elapsed());
        }
        let between = cpu();
        for number in 0..REQUESTS {
            let began = Instant::now();
            let response = theirs
                .get(&urls[number % PEERS])
                .send()
                .await
                .expect("a response");
            response.bytes().await.expect("a body");
            took_theirs.push(began.elapsed());
        }
        // The first round is cold
        if round > 0 {
            of_ours += between.saturating_sub(before);
            of_theirs += cpu().saturating_sub(between);
        } else {
            took_ours.clear();
            took_theirs.clear();
        }
    }
    let ratio = of_ours.as_secs_f64() / of_theirs.as_secs_f64();
    let version = if is_http2 { "HTTP/2" } else { "HTTP/1.1" };
    let each = |all: Duration| all.as_micros() / (REQUESTS * rounds) as u128;
    println!(
        "warm {version}: {} µs of CPU a request, reqwest {}: ratio {ratio:.3}; median latency {} and {} µs",
        each(of_ours),
        each(of_theirs),
        median(&mut took_ours).as_micros(),
        median(&mut took_theirs).as_micros(),
    );
    !is_judged() || ratio <= 1.1
}

/// As the client's own: the world's authority, and either version of HTTP
fn tls(world: &World) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(world.ca_der()).expect("an authority");
    let provider = rustls::crypto::ring::default_provider();
    let config = ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .expect("versions that the provider has");
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config
}

fn median(all: &mut [Duration]) -> Duration {
    all.sort_unstable();
    all.get(all.len() / 2).copied().unwrap_or_default()
}

async fn among_the_dying(seconds: usize) -> bool {
    const PEERS: usize = 200;
    let mut plan = WorldPlan::new();
    for number in 0..PEERS {
        let service = format!("_matrix-fed._tcp.{}", name(number));
        for (target, priority) in [(number, 10), (number + PEERS, 20)] {
            plan.srv(
                &service,
                priority,
                0,
                8448,
                &format!("t{target}.example.org"),
            )
            .ttl(86_400);
            plan.a(&format!("t{target}.example.org"), &address(target))
                .ttl(86_400);
        }
    }
    let world = Arc::new(plan.start().expect("a world on the loopback device"));
    let client = client(&world);
    let (mut servers, mut stops) = (JoinSet::new(), Vec::new());
    for target in 0..2 * PEERS {
        let (stop, stopped) = oneshot::channel();
        // Of each second name the first target dies
        let is_mortal = target < PEERS && target.is_multiple_of(2);
        servers.spawn(live(world.clone(), target, PEERS, is_mortal, stopped));
        stops.push(stop);
    }
    sleep(Duration::from_secs(1)).await;
    let mut requests = JoinSet::new();
    let mut tick = interval(Duration::from_millis(10));
    for number in 0..seconds * 1_000 {
        if number % 10 == 0 {
            tick.tick().await;
        }
        let uri = format!("https://{}/{number}", name(number % PEERS));
        requests.spawn(send(client.clone(), uri));
    }
    let failed: Vec<_> = requests.join_all().await.into_iter().flatten().collect();
    drop(stops);
    let mut seen: Vec<_> = servers.join_all().await.into_iter().flatten().collect();
    seen.sort_unstable();
    let twice = seen.windows(2).filter(|pair| pair[0] == pair[1]).count();
    let lost = failed.iter().filter(|failed| **failed == Failed::Before);
    let (sent, lost) = (seconds * 1_000, lost.count());
    let cut = failed.len() - lost;
    println!(
        "among servers that die: {sent} sent, {cut} on the wire when their server died, {lost} failed \
         though a live one could have served them, {twice} came twice"
    );
    lost + twice == 0
}

/// Whether a request failed before it was sent, or after
async fn send(client: Client, uri: String) -> Option<Failed> {
    let request = Request::put(uri).body(Full::<Bytes>::from("{}"));
    let response = match client.request(request.expect("a request")).await {
        Ok(response) => response,
        Err(error) if error.is_connect() => return Some(Failed::Before),
        Err(_) => return Some(Failed::After),
    };
    let read = response.into_body().collect().await;
    read.err().map(|_| Failed::After)
}

#[derive(PartialEq)]
enum Failed {
    After,
    Before,
}

/// A server that is there all the time, or one that dies once a minute and comes back; gives what it has seen
async fn live(
    world: Arc<World>,
    target: usize,
    peers: usize,
    is_mortal: bool,
    mut stopped: oneshot::Receiver<Infallible>,
) -> Vec<String> {
    let mut seen = Vec::new();
    let meant = format!("{}:8448", address(target));
    let certified = name(target % peers);
    let start = || Peer::start(&world, &meant, &certified, target % 4 < 2);
    let mut alive = Some(start().await);
    // Not all at once
    let mut next = Duration::from_millis(600 * (target as u64 / 2 % 100));
    loop {
        if is_mortal {
            let _ = timeout(next, &mut stopped).await;
        } else {
            let _ = (&mut stopped).await;
        }
        let is_last = matches!(stopped.try_recv(), Err(TryRecvError::Closed));
        next = Duration::from_secs(if alive.is_some() { 20 } else { 40 });
        match alive.take() {
            Some(mortal) => {
                let book = mortal.kill().await.into_iter();
                seen.extend(book.map(|seen| seen.target));
            }
            None => alive = Some(start().await),
        }
        if is_last {
            return seen;
        }
    }
}

async fn at_rest() {
    const PEERS: usize = 2_000;
    let world = world(PEERS);
    let mut peers = Vec::new();
    for number in 0..PEERS {
        peers.push(peer(&world, number, number % 2 == 0).await);
    }
    let client = client(&world);
    let before = resident();
    for number in 0..PEERS {
        let uri = format!("https://{}/a", name(number));
        let request = Request::get(uri).body(Full::<Bytes>::default());
        let response = client
            .request(request.expect("a request"))
            .await
            .expect("a response");
        response.into_body().collect().await.expect("a body");
    }
    let (kept, more) = (client.kept(), resident().saturating_sub(before) / 1_024);
    println!(
        "at rest: {kept} connections kept, {more} KiB more than before, both ends of them together"
    );
}

/// The CPU time of this process so far (proc(5): `utime` and `stime`, in ticks of a hundredth of a second)
fn cpu() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(") ").next().unwrap_or_default();
    let fields = after_name.split(' ').skip(11).take(2);
    let ticks: u64 = fields.filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

/// The resident memory of this process, in bytes (proc(5))
fn resident() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or_default() * 4_096
}

/// Requests a round
const REQUESTS: usize = 4_000;
