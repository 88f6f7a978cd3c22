//! The last step: finding the program inside the container and becoming it.

use std::ffi::CString;
use std::io;
use std::path::Path;

use rustix::fs::{Access, FileType};

use crate::error::{Error, Result, Step};
use crate::fail;
use crate::files;
use crate::spec::Process;
use crate::sys;

const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The image's file is read no further.
const PASSWD_MAX: usize = 1 << 20;

/// A program with its arguments and environment, checked and in the kernel's form.
pub struct Program {
    path: CString,
    argv: Vec<CString>,
    envp: Vec<CString>,
}

/// Refuses what no program can be started with.
pub fn validate(process: &Process) -> Result<()> {
    if process.args.first().is_none_or(String::is_empty) {
        fail!("process.args must name a program");
    }
    if !process.cwd.starts_with('/') {
        fail!("process.cwd {:?} must be absolute", process.cwd);
    }
    for (field, values) in [("args", &process.args), ("env", &process.env)] {
        if values.iter().any(|value| value.contains('\0')) {
            fail!("process.{field} contains a NUL byte");
        }
    }
    Ok(())
}

/// Enters process.cwd. A directory outside this root must never become it (CVE-2024-21626), which
/// getcwd tells by a path that is not absolute.
pub fn enter_cwd(cwd: &str) -> Result<()> {
    rustix::process::chdir(cwd).step_with(|| format!("enter process.cwd {cwd}"))?;
    let current = rustix::process::getcwd(Vec::new()).step("check process.cwd")?;
    if !current.as_bytes().starts_with(b"/") {
        fail!("process.cwd {cwd} lies outside the container's root filesystem");
    }
    Ok(())
}

impl Program {
    /// Looks the program up as the container's user would, so that a mistake is told at create.
    pub fn find(process: &Process) -> Result<Self> {
        let strings = |values: &[String]| -> Result<Vec<CString>> {
            values
                .iter()
                .map(|v| CString::new(v.as_str()).step("process.args and env"))
                .collect()
        };
        let name = process
            .args
            .first()
            .ok_or_else(|| Error::new("process.args is empty"))?;
        let path = if name.contains('/') {
            name.clone()
        } else {
            search(name, &process.env)?
        };
        check(&path)?;
        let path = CString::new(path).step("process.args")?;
        let (argv, mut envp) = (strings(&process.args)?, strings(&process.env)?);
        if !process
            .env
            .iter()
            .any(|variable| variable.starts_with("HOME="))
        {
            let home = format!("HOME={}", home(process.user.uid));
            envp.push(CString::new(home).step("find the home directory")?);
        }
        Ok(Self { path, argv, envp })
    }

    /// Becomes the program; returns only when the kernel refuses.
    pub fn exec(&self) -> Error {
        let pointers = |values: &[CString]| {
            let mut pointers: Vec<_> = values.iter().map(|value| value.as_ptr()).collect();
            pointers.push(std::ptr::null());
            pointers
        };
        let error = sys::execve(&self.path, &pointers(&self.argv), &pointers(&self.envp));
        Error::new(format!("exec {:?}: {}", self.path, explain(&error)))
    }
}

fn explain(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(libc::ENOEXEC) => format!("{error}; is it built for another architecture?"),
        Some(libc::ENOENT) => format!("{error}; is its interpreter missing in the image?"),
        _ => error.to_string(),
    }
}

fn search(name: &str, env: &[String]) -> Result<String> {
    let path = env
        .iter()
        .find_map(|variable| variable.strip_prefix("PATH="));
    let path = path.unwrap_or(DEFAULT_PATH);
    path.split(':')
        .map(|dir| format!("{}/{name}", if dir.is_empty() { "." } else { dir }))
        .find(|candidate| check(candidate).is_ok())
        .ok_or_else(|| {
            Error::new(format!(
                "exec: {name:?}: executable file not found in $PATH ({path})"
            ))
        })
}

fn check(path: &str) -> Result<()> {
    let stat = rustix::fs::stat(path).step_with(|| format!("exec: {path:?}"))?;
    if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
        fail!("exec: {path:?}: is a directory");
    }
    rustix::fs::access(path, Access::EXEC_OK).step_with(|| format!("exec: {path:?}"))
}

/// The home directory of `uid` by the container's passwd file, for an environment without HOME.
fn home(uid: u32) -> String {
    let passwd = files::read_foreign(Path::new("/etc/passwd"), PASSWD_MAX).unwrap_or_default();
    passwd
        .lines()
        .filter_map(|line| {
            let fields: Vec<&str> = line.split(':').collect();
            (fields.get(2)?.parse() == Ok(uid)).then(|| fields.get(5).map(ToString::to_string))?
        })
        .find(|home| home.starts_with('/'))
        .unwrap_or_else(|| "/".to_owned())
}
