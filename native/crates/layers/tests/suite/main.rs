//! The program as a whole, on archives made by hand.

mod exact;
mod hostile;
mod support;
