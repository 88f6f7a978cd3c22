//! Gantry's OCI runtime: makes one process tree from a bundle, with the command line of runc.
//!
//! Its nouns: a *bundle* (a directory with `config.json`), a *container* (its record below
//! `--root`, its cgroups, its first process), the *parent* role that prepares and the *child* role
//! that becomes the container. It refuses what it cannot keep: limits without a controller, labels
//! without a security module, sysctls of the host, containers without a mount namespace. It is
//! synchronous and has one thread, because namespaces are entered by threads.
//!
//! Beside the specification it obeys four annotations: `dev.gantry.rootfs.lower` (layers, topmost
//! first, joined by colons), `.upper` and `.work`, of which it mounts the root as an overlay in the
//! container's own mount namespace, or `.directory`, which it mounts there as it is. With a user
//! namespace these are id-mapped: on disk every file keeps the owner that the container sees
//! (docs/user-namespaces.md).

pub mod cgroup;
pub mod cli;
pub mod commands;
pub mod container;
pub mod error;
pub mod files;
pub mod log;
pub mod process;
pub mod rootfs;
pub mod sealed;
pub mod seccomp;
pub mod spec;
pub mod sys;
