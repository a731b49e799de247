//! A server with a small service of its own, spoken to over raw sockets: what clients do wrong, on
//! purpose or not, and what each of them must get for an answer.

mod audit;
mod daemon;
mod limits;
mod protocols;
mod signatures;
mod support;
mod tls;
