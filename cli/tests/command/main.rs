//! The command line as a contract (DESIGN §11): what is written where, and with which exit status.
//!
//! `resolve` of a name with a port needs DNS only, so that it runs against the loopback world as it is;
//! what `check` finds is for the drivers' suites and the demo.

mod cache;
mod names;
mod output;
mod results;
mod rig;
mod usage;
mod well_known;
mod why;
