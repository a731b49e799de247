//! The worked vectors of the OTLP trace mapping, through the public face of the crate.

mod otlp_traces;
