//! Fetches, verifies and unpacks one OCI image layer in a single pass: the blob is received, saved and
//! hashed, decompressed, hashed again (diffID) and written as an overlayfs lower directory by threads
//! that hand chunks to each other. Nouns: *blob* (the compressed bytes), *layer* (what it unpacks to),
//! *ingest* (a layer in the making), *refusal* (why a layer was not accepted, with a stable code).
//!
//! It trusts nothing in an archive: paths are resolved beneath the layer's own directory, and names, links,
//! devices, extended attributes, sizes and counts outside the policy are refused. What is refused leaves
//! nothing behind. It knows no image, only one layer at a time, and asks of a network what it is told to: which
//! registry, with which credentials and how often is decided by its caller.

pub mod apply;
pub mod archive;
pub mod compose;
pub mod copy;
pub mod decode;
pub mod erofs;
pub mod feed;
pub mod fetch;
pub mod policy;
pub mod probe;
pub mod refusal;
pub mod remove;
pub mod root;
pub mod store;
pub mod transfer;
pub mod usage;
pub mod verify;
