//! User, groups, capabilities and no_new_privs, in the one order that works.

use rustix::process::{Gid, Uid};
use rustix::thread::{
    capabilities, set_capabilities, set_keep_capabilities, set_no_new_privs, set_thread_gid,
    set_thread_groups, set_thread_uid,
};

use super::capabilities::Sets;
use crate::error::{Result, Step};
use crate::spec::User;
use crate::sys;

/// Becomes `user` with these sets. The caller is single-threaded, so per-thread calls suffice.
pub fn apply(user: &User, sets: Option<&Sets>) -> Result<()> {
    if let Some(sets) = sets {
        // Dropping needs CAP_SETPCAP, which the next steps may take away.
        sets.apply_bounding()?;
        // Leaving root would clear the permitted set before we chose what remains of it.
        set_keep_capabilities(true).step("keep capabilities")?;
    }
    let groups: Vec<Gid> = user
        .additional_gids
        .iter()
        .map(|&gid| Gid::from_raw(gid))
        .collect();
    match set_thread_groups(&groups) {
        // An ordinary user who maps its own id alone may not drop groups, and need not add any.
        Err(rustix::io::Errno::PERM) if groups.is_empty() && groups_are_denied() => {}
        answer => answer.step("set process.user.additionalGids")?,
    }
    // Groups before the user: afterwards we may no longer change them.
    set_thread_gid(Gid::from_raw(user.gid)).step("set process.user.gid")?;
    set_thread_uid(Uid::from_raw(user.uid)).step("set process.user.uid")?;
    if let Some(sets) = sets {
        set_keep_capabilities(false).step("stop keeping capabilities")?;
        sets.apply()?;
    }
    Ok(())
}

fn groups_are_denied() -> bool {
    crate::files::read("/proc/self/setgroups").is_ok_and(|text| text.trim_end() == "deny")
}

/// Runs `deed` with files reached as this host user, and with all capabilities that we have.
pub fn with_filesystem_ids<T>(uid: u32, gid: u32, deed: impl FnOnce() -> Result<T>) -> Result<T> {
    let sets = capabilities(None).step("read own capabilities")?;
    let become_user = |uid, gid| {
        sys::set_filesystem_ids(uid, gid).step("set file system ids")?;
        // Leaving root took away those of files; coming back returns no others.
        set_capabilities(None, sets).step("keep capabilities")
    };
    let done = become_user(uid, gid).and_then(|()| deed());
    become_user(0, 0)?;
    done
}

/// Gives the container a session keyring of its own, in place of the one that its caller shares
/// with everything else on the host.
pub fn join_keyring(container: &str) -> Result<()> {
    let name = std::ffi::CString::new(format!("_ses.{container}")).step("name the keyring")?;
    sys::join_session_keyring(&name).step("join a session keyring")
}

/// From here on no program gains privileges by set-user-ID bits or file capabilities.
pub fn no_new_privileges() -> Result<()> {
    set_no_new_privs(true).step("set no_new_privs")
}
