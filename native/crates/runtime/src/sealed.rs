//! Protection of the runtime's own process and binary from what it starts. A process that enters a
//! container is in sight of those in there: they must not trace it (CVE-2016-9962), so it and every
//! process cloned from it is undumpable. And (CVE-2019-5736) a container that gets hold of
//! /proc/PID/exe of a process of ours must not be able to write to the file behind it.
//!
//! The runtime runs itself again from a read-only, detached mount of its own file, which costs one
//! exec and no copy. Where the kernel refuses that, from a sealed copy in memory. A caller that
//! already starts it from a read-only mount or a sealed memfd pays nothing.

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;

use rustix::fs::{
    CWD, MemfdFlags, SealFlags, StatVfsMountFlags, fcntl_add_seals, fcntl_get_seals, fstatvfs,
    memfd_create,
};
use rustix::mount::{OpenTreeFlags, open_tree};
use rustix::process::{DumpableBehavior, set_dumpable_behavior};

use crate::error::{Result, Step};
use crate::sys;

const EXE: &str = "/proc/self/exe";

/// Returns when this process runs from a file that nobody can write through it, and can be traced
/// by nobody.
pub fn ensure() -> Result<()> {
    // Before any clone: a child is in the container's sight from its first moment.
    set_dumpable_behavior(DumpableBehavior::NotDumpable).step("forbid tracing")?;
    let exe = File::open(EXE).step("open /proc/self/exe")?;
    if is_protected(&exe) {
        return Ok(());
    }
    let sealed = match readonly_mount() {
        Ok(mount) => mount,
        Err(_) => sealed_copy(exe).step("copy the runtime's binary into memory")?,
    };
    Err(run_again(&sealed)).step("run again from a protected binary")
}

fn is_protected(exe: &File) -> bool {
    let readonly = fstatvfs(exe).is_ok_and(|fs| fs.f_flag.contains(StatVfsMountFlags::RDONLY));
    readonly || fcntl_get_seals(exe).is_ok_and(|seals| seals.contains(SealFlags::WRITE))
}

/// In no mount namespace, so nobody can remount it writable.
fn readonly_mount() -> io::Result<OwnedFd> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let mount = open_tree(CWD, EXE, flags)?;
    sys::mount_setattr(
        mount.as_fd(),
        false,
        libc::MOUNT_ATTR_RDONLY,
        0,
        libc::MS_PRIVATE,
    )?;
    Ok(mount)
}

fn sealed_copy(mut exe: File) -> io::Result<OwnedFd> {
    let memory = memfd_create(
        "gantry-runtime",
        MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING,
    )?;
    let mut file = File::from(memory);
    io::copy(&mut exe, &mut file)?;
    let seals = SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE;
    fcntl_add_seals(&file, seals)?;
    Ok(file.into())
}

fn run_again(binary: &OwnedFd) -> io::Error {
    let strings = |values: Vec<std::ffi::OsString>| -> Vec<CString> {
        values
            .into_iter()
            .filter_map(|value| CString::new(value.into_vec()).ok())
            .collect()
    };
    let argv = strings(std::env::args_os().collect());
    let envp = strings(
        std::env::vars_os()
            .map(|(mut name, value)| {
                name.push("=");
                name.push(value);
                name
            })
            .collect(),
    );
    let pointers = |values: &[CString]| {
        let mut pointers: Vec<_> = values.iter().map(|value| value.as_ptr()).collect();
        pointers.push(std::ptr::null());
        pointers
    };
    sys::fexecve(binary.as_fd(), &pointers(&argv), &pointers(&envp))
}
