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
}
