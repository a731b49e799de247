//! How operations fail, and what the client sees of it.

use shapes::cloudwatch::{
    InvalidNextToken, InvalidParameterCombinationException, InvalidParameterValueException,
    MissingRequiredParameterException,
};
use smithy::OperationError;
use store::StoreError;

/// A failure of a CloudWatch operation.
#[derive(Debug, thiserror::Error)]
pub enum CloudWatchError {
    #[error("{0}")]
    InvalidParameterValue(String),
    #[error("{0}")]
    InvalidParameterCombination(String),
    #[error("{0}")]
    MissingParameter(String),
    #[error("{0}")]
    InvalidNextToken(String),
    /// `ValidationError`, for operations that don't model the exceptions above.
    #[error("{0}")]
    Validation(String),
    #[error("the metric store failed")]
    Store(#[from] StoreError),
}

impl CloudWatchError {
    /// `The value … for parameter … is invalid.`
    pub(crate) fn invalid_value(value: impl std::fmt::Display, parameter: impl std::fmt::Display) -> Self {
        Self::InvalidParameterValue(format!("The value {value} for parameter {parameter} is invalid."))
    }

    /// The same failure from an operation whose model has no exception for it.
    pub(crate) fn into_validation(self) -> Self {
        match self {
            Self::InvalidParameterValue(message)
            | Self::InvalidParameterCombination(message)
            | Self::MissingParameter(message) => Self::Validation(message),
            other => other,
        }
    }
}

impl From<CloudWatchError> for OperationError {
    fn from(error: CloudWatchError) -> Self {
        match error {
            CloudWatchError::InvalidParameterValue(m) => InvalidParameterValueException::new(m).into(),
            CloudWatchError::InvalidParameterCombination(m) => {
                InvalidParameterCombinationException::new(m).into()
            }
            CloudWatchError::MissingParameter(m) => MissingRequiredParameterException::new(m).into(),
            CloudWatchError::InvalidNextToken(m) => InvalidNextToken::new(m).into(),
            CloudWatchError::Validation(m) => OperationError::Validation(m),
            CloudWatchError::Store(StoreError::NoRoom(m)) => OperationError::Unavailable(m),
            CloudWatchError::Store(StoreError::Cancelled) => {
                OperationError::Unavailable("shutting down".to_owned())
            }
            CloudWatchError::Store(error) => OperationError::internal(error),
        }
    }
}
