//! The program as a whole, on archives made by hand.

mod copy;
mod erofs;
mod exact;
mod fuzz;
mod hostile;
mod support;
