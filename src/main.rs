//! Arguments to the window or to a headless command; nothing else.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    whybench::cli::main(whybench::app::run)
}
