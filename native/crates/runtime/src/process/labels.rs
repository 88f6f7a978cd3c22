//! AppArmor profiles and SELinux labels, where the kernel has them.

use std::fs;
use std::path::Path;

use crate::error::{Result, Step};
use crate::fail;
use crate::spec::Process;

/// Whether AppArmor is enabled in this kernel.
pub fn has_apparmor() -> bool {
    fs::read_to_string("/sys/module/apparmor/parameters/enabled").is_ok_and(|t| t.starts_with('Y'))
}

/// Whether SELinux is enabled in this kernel.
pub fn has_selinux() -> bool {
    Path::new("/sys/fs/selinux/enforce").exists()
}

/// Refuses a label that this kernel would silently not enforce.
pub fn validate(process: &Process) -> Result<()> {
    if let Some(profile) = wanted(process.apparmor_profile.as_deref())
        && !has_apparmor()
    {
        fail!("process.apparmorProfile {profile:?}: this kernel runs without AppArmor");
    }
    if let Some(label) = wanted(process.selinux_label.as_deref())
        && !has_selinux()
    {
        fail!("process.selinuxLabel {label:?}: this kernel runs without SELinux");
    }
    Ok(())
}

/// Sets what takes effect at the coming exec. Needs a /proc, checked to be the kernel's own.
pub fn apply(process: &Process) -> Result<()> {
    if let Some(profile) = wanted(process.apparmor_profile.as_deref()) {
        let value = format!("exec {profile}");
        let file = "/proc/self/attr/apparmor/exec";
        let file = if Path::new(file).exists() {
            file
        } else {
            "/proc/self/attr/exec"
        };
        write(file, &value).step("set process.apparmorProfile")?;
    }
    if let Some(label) = wanted(process.selinux_label.as_deref()) {
        write("/proc/self/attr/exec", label).step("set process.selinuxLabel")?;
    }
    Ok(())
}

fn wanted(value: Option<&str>) -> Option<&str> {
    value.filter(|value| !value.is_empty() && *value != "unconfined")
}

/// An image that covers /proc could swallow the label (CVE-2019-16884).
fn write(path: &str, value: &str) -> Result<()> {
    use std::os::fd::AsFd;
    let mut file = fs::OpenOptions::new()
        .write(true)
        .open(path)
        .step_with(|| path.to_owned())?;
    if !crate::rootfs::is_kernel_filesystem(file.as_fd()) {
        fail!("{path} of the container is not the kernel's");
    }
    std::io::Write::write_all(&mut file, value.as_bytes()).step_with(|| format!("write {path}"))
}
