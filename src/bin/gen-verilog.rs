//! Emits the Verilog of an engine; see `gen-verilog --help`.

fn main() -> std::process::ExitCode {
    bpa_engine::cli::gen_verilog::main()
}
