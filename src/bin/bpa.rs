//! Simulates, checks and estimates an engine; see `bpa --help`.

fn main() -> std::process::ExitCode {
    bpa_engine::cli::bpa::main()
}
