//! How operations on alarms fail.

use catalog::{CatalogError, CommitError};
use shapes::cloudwatch::{InvalidFormatFault, LimitExceededFault, ResourceConflict, ResourceNotFound};
use smithy::OperationError;

use crate::CloudWatchError;

/// A failure of an operation on alarms or mute rules.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AlarmError {
    /// `ResourceNotFound`, whose text AWS leaves away.
    #[error("")]
    NotFound,
    #[error("{0}")]
    InvalidFormat(String),
    #[error("{0}")]
    ResourceConflict(String),
    #[error("{0}")]
    LimitExceeded(String),
    #[error(transparent)]
    Other(#[from] CloudWatchError),
}

impl AlarmError {
    /// `ValidationError` with this text.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::Other(CloudWatchError::Validation(message.into()))
    }

    /// Whether another transaction was faster, so that the operation may begin again.
    pub(crate) fn is_conflict(error: &CommitError) -> bool {
        !matches!(error, CommitError::Failed(_))
    }
}

impl From<CatalogError> for AlarmError {
    fn from(error: CatalogError) -> Self {
        Self::Other(error.into())
    }
}

impl From<CommitError> for AlarmError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Failed(error) => error.into(),
            // Nothing in the models says it; the client may try again.
            _ => Self::invalid("The alarm was changed by another request."),
        }
    }
}

impl From<AlarmError> for OperationError {
    fn from(error: AlarmError) -> Self {
        match error {
            AlarmError::NotFound => ResourceNotFound { message: None }.into(),
            AlarmError::InvalidFormat(m) => InvalidFormatFault::new(m).into(),
            AlarmError::ResourceConflict(m) => ResourceConflict::new(m).into(),
            AlarmError::LimitExceeded(m) => LimitExceededFault::new(m).into(),
            AlarmError::Other(error) => error.into(),
        }
    }
}
