//! Keeping the heap small. A monitor shares the launcher's pages until either writes to them, so
//! what the launcher's heap holds on to would become every monitor's own when the launcher goes.

use nix::libc;

/// Larger buffers are mapped for themselves and returned as soon as they are freed.
const MAPPED_FROM_BYTES: i32 = 32 * 1024;

/// Has the allocator return memory early. Call it first of all.
pub fn return_early() {
    // SAFETY: mallopt takes two integers; nothing else runs yet in this single-threaded process.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, MAPPED_FROM_BYTES);
        libc::mallopt(libc::M_TRIM_THRESHOLD, MAPPED_FROM_BYTES);
    }
}

/// Gives free pages back. In a forked child that also lets go of the parent's free pages.
pub fn trim() {
    // SAFETY: malloc_trim touches only memory that the allocator holds as free.
    unsafe { libc::malloc_trim(0) };
}
