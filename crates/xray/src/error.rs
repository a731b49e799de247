//! How X-Ray's operations fail.

use shapes::xray::{InvalidRequestException, ThrottledException};
use signals::SinkError;
use smithy::OperationError;
use store::StoreError;

#[derive(Debug, thiserror::Error)]
pub enum XRayError {
    #[error("{0}")]
    InvalidRequest(String),
    #[error("{0}")]
    Throttled(String),
    #[error("a stored segment document cannot be read")]
    Document(#[from] ingest::segment_document::ViewError),
    #[error("a stored segment document cannot be rewritten")]
    Json(#[from] serde_json::Error),
    #[error("storage failed")]
    Store(#[source] StoreError),
}

impl From<StoreError> for XRayError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NoRoom(reason) => Self::Throttled(reason),
            error => Self::Store(error),
        }
    }
}

impl From<XRayError> for OperationError {
    fn from(error: XRayError) -> Self {
        match error {
            XRayError::InvalidRequest(message) => InvalidRequestException { message: Some(message) }.into(),
            XRayError::Throttled(message) => ThrottledException { message: Some(message) }.into(),
            error => OperationError::internal(error),
        }
    }
}

impl From<XRayError> for SinkError {
    fn from(error: XRayError) -> Self {
        match error {
            XRayError::InvalidRequest(reason) => Self::Rejected(reason),
            XRayError::Throttled(reason) => Self::Overloaded(reason),
            error => Self::Storage(Box::new(error)),
        }
    }
}
