//! The container's program in the start bench: does nothing.

fn main() {}
