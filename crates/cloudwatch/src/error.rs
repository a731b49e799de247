//! How operations fail, and what the client sees of it.

use catalog::{CatalogError, CommitError, UpdateError};
use shapes::cloudwatch::{
    ConflictException, DashboardInvalidInputError, DashboardNotFoundError, InvalidNextToken,
    InvalidParameterCombinationException, InvalidParameterValueException, LimitExceededException,
    MissingRequiredParameterException, ResourceNotFoundException,
};
use smithy::OperationError;
use store::StoreError;

use crate::dashboard::check::Finding;

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
    /// The resource's type and id, as far as the operation tells them.
    #[error("{message}")]
    NotFound { kind: Option<&'static str>, id: Option<String>, message: String },
    #[error("{0}")]
    LimitExceeded(String),
    #[error("{0}")]
    Conflict(String),
    /// A dashboard's body that is refused, with what is wrong where.
    #[error("{message}")]
    DashboardInvalidInput { message: String, findings: Vec<Finding> },
    #[error("{0}")]
    DashboardNotFound(String),
    #[error("a picture could not be drawn")]
    Drawing(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the metric store failed")]
    Store(#[from] StoreError),
    #[error("the catalog failed")]
    Catalog(#[from] CatalogError),
}

impl CloudWatchError {
    /// `The value … for parameter … is invalid.`
    pub(crate) fn invalid_value(value: impl std::fmt::Display, parameter: impl std::fmt::Display) -> Self {
        Self::InvalidParameterValue(format!("The value {value} for parameter {parameter} is invalid."))
    }

    /// `ResourceNotFoundException` with nothing but a message.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::NotFound { kind: None, id: None, message: message.into() }
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
            CloudWatchError::NotFound { kind, id, message } => ResourceNotFoundException {
                resource_type: kind.map(str::to_owned),
                resource_id: id,
                ..ResourceNotFoundException::new(message)
            }
            .into(),
            CloudWatchError::DashboardInvalidInput { message, findings } => {
                let messages = findings.iter().map(crate::operations::dashboards::message).collect();
                DashboardInvalidInputError {
                    dashboard_validation_messages: Some(messages),
                    ..DashboardInvalidInputError::new(message)
                }
                .into()
            }
            CloudWatchError::Drawing(error) => OperationError::internal(error),
            CloudWatchError::DashboardNotFound(m) => DashboardNotFoundError::new(m).into(),
            CloudWatchError::LimitExceeded(m) => LimitExceededException::new(m).into(),
            CloudWatchError::Conflict(m) => ConflictException::new(m).into(),
            CloudWatchError::Catalog(error @ (CatalogError::Unwritable(_) | CatalogError::Closed)) => {
                OperationError::Unavailable(error.to_string())
            }
            CloudWatchError::Catalog(error) => OperationError::internal(error),
            CloudWatchError::Store(StoreError::NoRoom(m)) => OperationError::Unavailable(m),
            CloudWatchError::Store(StoreError::Cancelled) => {
                OperationError::Unavailable("shutting down".to_owned())
            }
            CloudWatchError::Store(error) => OperationError::internal(error),
        }
    }
}

/// A commit whose conflicts the caller has no better answer to: another request was faster.
impl From<CommitError> for CloudWatchError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Failed(error) => Self::Catalog(error),
            CommitError::Exists { .. } | CommitError::Missing { .. } | CommitError::Conflict { .. } => {
                Self::Conflict("The resource was changed by another request.".to_owned())
            }
        }
    }
}

/// An update of a record that is not there any more.
impl From<UpdateError<CloudWatchError>> for CloudWatchError {
    fn from(error: UpdateError<CloudWatchError>) -> Self {
        match error {
            UpdateError::Missing => Self::not_found("The resource does not exist."),
            UpdateError::Refused(error) => error,
            UpdateError::Failed(error) => Self::Catalog(error),
        }
    }
}
