//! What one process is given before it runs the user's program: identity, limits, terminal, labels.

pub mod capabilities;
pub mod credentials;
pub mod exec;
pub mod labels;
pub mod limits;
pub mod relay;
pub mod scheduling;
pub mod sysctl;
pub mod terminal;
