//! placeholder
use crate::cli::PackageOptions;
use anyhow::Result;
use std::process::ExitCode;
use toolchain::Toolchain;
pub(crate) fn run(_: &Toolchain, _: &PackageOptions) -> Result<ExitCode> {
    Ok(ExitCode::SUCCESS)
}
