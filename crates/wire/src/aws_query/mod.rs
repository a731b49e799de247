//! AWS Query: form-encoded requests, XML answers.
//! Source: <https://smithy.io/2.0/aws/protocols/aws-query-protocol.html>.

mod form;
mod protocol;
mod reader;
mod xml;

pub use form::{Form, Tree};
pub(crate) use protocol::AwsQuery;
pub use reader::QueryReader;
pub(crate) use reader::{parse_boolean, parse_double, parse_integer};
pub use xml::XmlWriter;
