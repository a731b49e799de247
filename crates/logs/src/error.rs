//! How Logs operations fail, and what clients are told.

use std::borrow::Cow;

use catalog::{CatalogError, CommitError, UpdateError};
use shapes::logs as api;
use smithy::OperationError;
use store::StoreError;

/// A failure of a Logs operation. Texts are AWS's, letter for letter, where they are known
/// (`spec/logs-api.md` §1).
#[derive(Debug, thiserror::Error)]
pub(crate) enum LogsError {
    #[error("{0}")]
    InvalidParameter(Cow<'static, str>),
    #[error("{0}")]
    Validation(Cow<'static, str>),
    #[error("The specified log group does not exist.")]
    GroupMissing,
    #[error("The specified log stream does not exist.")]
    StreamMissing,
    #[error("{0}")]
    NotFound(Cow<'static, str>),
    #[error("The specified log group already exists")]
    GroupExists,
    #[error("The specified log stream already exists")]
    StreamExists,
    /// A resource other than a group or stream.
    #[error("{0}")]
    Exists(Cow<'static, str>),
    #[error("{0}")]
    InvalidOperation(Cow<'static, str>),
    #[error("{0}")]
    Conflict(Cow<'static, str>),
    #[error("Resource limit exceeded.")]
    LimitExceeded,
    /// As [`LogsError::LimitExceeded`], in the operations that came later.
    #[error("{0}")]
    QuotaExceeded(Cow<'static, str>),
    #[error("Multiple requests to update the same resource were in conflict.")]
    Aborted,
    #[error("The resource {0} would have more than 50 tags.")]
    TooManyTags(String),
    #[error("{message}")]
    MalformedQuery { message: String, place: Option<(usize, usize)> },
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl LogsError {
    pub(crate) fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Self::InvalidParameter(message.into())
    }

    pub(crate) fn bad_token() -> Self {
        Self::invalid("The specified nextToken is invalid.")
    }
}

impl From<LogsError> for OperationError {
    fn from(error: LogsError) -> Self {
        let message = error.to_string();
        match error {
            LogsError::InvalidParameter(_) => api::InvalidParameterException::new(message).into(),
            LogsError::Validation(_) => api::ValidationException::new(message).into(),
            LogsError::GroupMissing | LogsError::StreamMissing | LogsError::NotFound(_) => {
                api::ResourceNotFoundException::new(message).into()
            }
            LogsError::GroupExists | LogsError::StreamExists | LogsError::Exists(_) => {
                api::ResourceAlreadyExistsException::new(message).into()
            }
            LogsError::InvalidOperation(_) => api::InvalidOperationException::new(message).into(),
            LogsError::Conflict(_) => api::ConflictException::new(message).into(),
            LogsError::QuotaExceeded(_) => api::ServiceQuotaExceededException::new(message).into(),
            LogsError::LimitExceeded => api::LimitExceededException::new(message).into(),
            LogsError::Aborted => api::OperationAbortedException::new(message).into(),
            LogsError::TooManyTags(resource) => api::TooManyTagsException {
                resource_name: Some(resource),
                ..api::TooManyTagsException::new(message)
            }
            .into(),
            LogsError::MalformedQuery { place, .. } => malformed_query(message, place).into(),
            LogsError::Catalog(CatalogError::Unwritable(_) | CatalogError::Closed)
            | LogsError::Store(StoreError::NoRoom(_) | StoreError::Cancelled) => {
                OperationError::Unavailable(message)
            }
            LogsError::Catalog(error) => OperationError::internal(error),
            LogsError::Store(error) => OperationError::internal(error),
            LogsError::Internal(error) => OperationError::Internal(error),
        }
    }
}

fn malformed_query(message: String, place: Option<(usize, usize)>) -> api::MalformedQueryException {
    let offset = |at: usize| i32::try_from(at).ok();
    let location = place.map(|(start, end)| api::QueryCompileErrorLocation {
        start_char_offset: offset(start),
        end_char_offset: offset(end),
    });
    let error = api::QueryCompileError { location, message: Some(message.clone()) };
    api::MalformedQueryException {
        query_compile_error: Some(error),
        ..api::MalformedQueryException::new(message)
    }
}

/// An update of a log group's record.
impl From<UpdateError<LogsError>> for LogsError {
    fn from(error: UpdateError<LogsError>) -> Self {
        match error {
            UpdateError::Missing => Self::GroupMissing,
            UpdateError::Refused(error) => error,
            UpdateError::Failed(error) => Self::Catalog(error),
        }
    }
}

/// A commit whose conflicts the caller has no better answer to.
impl From<CommitError> for LogsError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Failed(error) => Self::Catalog(error),
            CommitError::Exists { .. } | CommitError::Missing { .. } | CommitError::Conflict { .. } => {
                Self::Aborted
            }
        }
    }
}
