use crate::Failure;
use std::process::ExitCode;
pub(crate) fn run() -> Result<ExitCode, Failure> {
    Err(Failure::machine("not yet"))
}
