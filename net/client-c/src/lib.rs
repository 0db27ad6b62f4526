//! The C interface of the client.
