//! A client of Tiltyard servers.
