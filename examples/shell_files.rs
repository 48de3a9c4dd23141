//! Manual pages and completions of the programs, from their own command lines.
//!
//!     cargo run --example shell_files -- build/shell
//!
//! `man build/shell/bpa-verify.1` shows a page; `source build/shell/bpa.bash` completes words in bash, and there are files
//! for zsh, fish and others.

use std::error::Error;
use std::fs;
use std::path::Path;

use bpa_engine::cli::commands;
use clap_complete::Shell;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).ok_or("expected a folder")?;
    write(Path::new(&folder))
}

/// Writes all of them into the folder, which is made where it is not there.
pub fn write(folder: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(folder)?;
    for mut command in commands() {
        clap_mangen::generate_to(command.clone(), folder)?;
        let name = command.get_name().to_owned();
        for shell in [
            Shell::Bash,
            Shell::Zsh,
            Shell::Fish,
            Shell::PowerShell,
            Shell::Elvish,
        ] {
            clap_complete::generate_to(shell, &mut command, &name, folder)?;
        }
    }
    Ok(())
}
