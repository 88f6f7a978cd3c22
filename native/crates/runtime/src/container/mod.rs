//! A container's life: the parent role that prepares and records (`launch`), the child role that
//! becomes the container (`init`), and the typed messages between them (`channel`).

pub mod channel;
pub mod hooks;
pub mod init;
pub mod join;
pub mod launch;
pub mod namespaces;
pub mod rootless;
pub mod spawn;
pub mod state;
pub mod undo;
pub mod validate;
