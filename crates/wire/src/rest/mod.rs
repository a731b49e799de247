//! Members that REST protocols carry outside the body: in the path, the query and headers.

mod reader;
mod writer;

pub(crate) use reader::RestReader;
pub(crate) use writer::BoundMembers;
