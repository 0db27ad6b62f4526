//! A bad network in a box.
