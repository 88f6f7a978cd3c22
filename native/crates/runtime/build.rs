//! Links the runtime binary statically, so that starting it maps one file and relocates once.
//!
//! `-C target-feature=+crt-static` in a shared cargo configuration would do the same but forbids
//! every procedural macro in the workspace, so the linker is pointed at the static archives here.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// What rustc asks for by `-l`, and the static archives that answer.
const SCRIPTS: [(&str, &str); 7] = [
    ("gcc_s", "INPUT(-l:libgcc_eh.a -l:libgcc.a)\n"),
    ("c", "GROUP(-l:libc.a -l:libgcc_eh.a -l:libgcc.a)\n"),
    ("m", "INPUT(-l:libc.a)\n"),
    ("util", "INPUT(-l:libc.a)\n"),
    ("rt", "INPUT(-l:libc.a)\n"),
    ("dl", "INPUT(-l:libc.a)\n"),
    ("pthread", "INPUT(-l:libc.a)\n"),
];

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    let glibc = env::var("CARGO_CFG_TARGET_ENV").is_ok_and(|env| env == "gnu");
    if !glibc {
        return Ok(());
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?);
    write_scripts(&out)?;
    println!("cargo:rustc-link-arg-bins=-L{}", out.display());
    println!("cargo:rustc-link-arg-bins=-static-pie");
    Ok(())
}

fn write_scripts(dir: &Path) -> io::Result<()> {
    for (library, script) in SCRIPTS {
        fs::write(dir.join(format!("lib{library}.so")), script)?;
    }
    Ok(())
}
