//! The runtimes that a suite runs on.

use std::fmt::Debug;
use std::future::Future;
use std::net::IpAddr;

use fedway_driver::Io;

/// Makes the tests of a module, which stand below as generic functions; a runtime more is a line more
#[macro_export]
macro_rules! on_every_runtime {
    ($($test:ident,)+) => {
        mod smol { $( #[test] fn $test() { super::$test::<$crate::runtime::Smol>(); } )+ }
        mod tokio { $( #[test] fn $test() { super::$test::<$crate::runtime::Tokio>(); } )+ }
    };
}

/// A runtime to test
pub trait Runtime: 'static {
    /// Its sockets and timers
    type Io: Io<Tls: Debug> + Debug;

    /// Those that its users get
    fn io() -> Self::Io;

    /// The same, with sockets that come from this address of the machine's
    fn io_from(ip: IpAddr) -> Self::Io;

    /// Runs a future to its end, on the thread that calls
    fn block_on<F: Future>(future: F) -> F::Output;

    /// Runs futures to their ends on several threads
    fn on_threads<F: Future<Output: Send> + Send + 'static>(futures: Vec<F>) -> Vec<F::Output>;
}

/// smol, as its users have it
#[derive(Debug)]
pub struct Smol;

impl Runtime for Smol {
    type Io = fedway_smol::Sockets;

    fn io() -> Self::Io {
        fedway_smol::Sockets::default()
    }

    fn io_from(ip: IpAddr) -> Self::Io {
        fedway_smol::Sockets::default().bind(ip)
    }

    fn block_on<F: Future>(future: F) -> F::Output {
        smol::block_on(future)
    }

    fn on_threads<F: Future<Output: Send> + Send + 'static>(futures: Vec<F>) -> Vec<F::Output> {
        let run = |future| std::thread::spawn(move || smol::block_on(future));
        let threads: Vec<_> = futures.into_iter().map(run).collect();
        let ends = threads.into_iter().map(|thread| thread.join());
        ends.map(|end| end.expect("no future panics")).collect()
    }
}

/// tokio, on one thread
#[derive(Debug)]
pub struct Tokio;

impl Runtime for Tokio {
    type Io = fedway_tokio::Sockets;

    fn io() -> Self::Io {
        fedway_tokio::Sockets::default()
    }

    fn io_from(ip: IpAddr) -> Self::Io {
        fedway_tokio::Sockets::default().bind(ip)
    }

    fn block_on<F: Future>(future: F) -> F::Output {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().build();
        runtime
            .expect("the system has sockets for a runtime")
            .block_on(future)
    }

    fn on_threads<F: Future<Output: Send> + Send + 'static>(futures: Vec<F>) -> Vec<F::Output> {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(4).enable_all().build();
        let runtime = runtime.expect("the system has threads and sockets for a runtime");
        let tasks: Vec<_> = futures.into_iter().map(|it| runtime.spawn(it)).collect();
        runtime.block_on(async {
            let mut ends = Vec::new();
            for task in tasks {
                ends.push(task.await.expect("no future panics"));
            }
            ends
        })
    }
}
