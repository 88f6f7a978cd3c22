//! The program as a whole, on archives made by hand.

mod exact;
mod fuzz;
mod hostile;
mod support;
