//! What every generated schema must satisfy, and samples of shapes reading what they wrote.

mod document_codec;
mod round_trip;
mod schemas;
