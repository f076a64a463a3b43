//! Runs a search without std: a dependency that links std fails the build with E0152, twice defined.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::sync::Arc;
use core::alloc::{GlobalAlloc, Layout};
use core::ffi::{c_int, c_void};

use fedway_core::{Action, Config, Discovery, Instant, Machine, ServerName, Step};

/// Searches for a literal, and exits with 0 if the search asks to connect there
#[unsafe(no_mangle)]
pub extern "C" fn main() -> c_int {
    let Ok(name) = ServerName::parse("9.9.9.9:8449") else {
        return 1;
    };
    let config = Arc::new(Config::default());
    let mut search = Discovery::connect(&name, &config, 0, Instant::ORIGIN);
    let Step::Act(Action::Connect(connect)) = search.poll() else {
        return 2;
    };
    if connect.address().port() != 8449 {
        return 3;
    }
    search.handle(connect.reply(Ok(None)), Instant::ORIGIN);
    match search.poll() {
        Step::Done(Ok(_)) => 0,
        _ => 4,
    }
}

struct Libc;

// SAFETY: malloc aligns to 16 bytes, more than the core asks for, and free takes what malloc gave.
unsafe impl GlobalAlloc for Libc {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        unsafe { malloc(layout.size()).cast() }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, _: Layout) {
        unsafe { free(pointer.cast()) }
    }
}

#[global_allocator]
static ALLOCATOR: Libc = Libc;

#[link(name = "c")]
unsafe extern "C" {
    fn abort() -> !;
    fn free(pointer: *mut c_void);
    fn malloc(size: usize) -> *mut c_void;
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    unsafe { abort() }
}

// The precompiled `alloc` refers to the unwinder, which never runs with `panic = "abort"`
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() {}
