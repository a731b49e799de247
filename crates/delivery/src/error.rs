//! How SNS operations fail, and what clients are told.

use std::borrow::Cow;

use catalog::{CatalogError, CommitError, UpdateError};
use shapes::sns as api;
use smithy::OperationError;

/// A failure of an SNS operation. Texts are AWS's, letter for letter, where they are known
/// (`spec/notifications.md` §1–§6).
#[derive(Debug, thiserror::Error)]
pub(crate) enum SnsError {
    #[error("Invalid parameter: {0}")]
    InvalidParameter(Cow<'static, str>),
    /// `InvalidParameter` whose text has no such beginning.
    #[error("{0}")]
    Invalid(Cow<'static, str>),
    #[error("{0}")]
    ParameterValueInvalid(String),
    #[error("Topic does not exist")]
    TopicMissing,
    #[error("Subscription does not exist")]
    SubscriptionMissing,
    #[error("Resource does not exist")]
    ResourceMissing,
    #[error("{0}")]
    NotAuthorized(String),
    #[error("Limit of {0} topics per account and Region exceeded")]
    TooManyTopics(usize),
    #[error("Limit of {0} subscriptions per topic exceeded")]
    TooManySubscriptions(usize),
    #[error("Could not complete request: tag quota of per resource exceeded")]
    TooManyTags,
    #[error("{0}")]
    TooManyFilterPolicies(&'static str),
    #[error("The batch request doesn't contain any entries.")]
    EmptyBatch,
    #[error("The batch request contains more entries than permissible.")]
    TooManyEntries,
    #[error("Two or more batch entries in the request have the same Id.")]
    EntryIdsNotDistinct,
    #[error("The Id of a batch entry in a batch request doesn't abide by the specification.")]
    InvalidEntryId,
    #[error("The length of all the messages put together is more than the limit.")]
    BatchTooLong,
    /// More is waiting to be delivered than this server keeps.
    #[error("Rate exceeded")]
    OutboxFull,
    /// Other requests changed the same things again and again.
    #[error("Multiple requests to update the same resource were in conflict")]
    Conflict,
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}

impl SnsError {
    /// `Invalid parameter: …`.
    pub(crate) fn invalid(text: impl Into<Cow<'static, str>>) -> Self {
        Self::InvalidParameter(text.into())
    }

    /// Whether the client is at fault, for entries of a batch.
    pub(crate) fn is_sender_fault(&self) -> bool {
        !matches!(self, Self::OutboxFull | Self::Conflict | Self::Catalog(_))
    }

    /// The code an entry of a batch fails with.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::ParameterValueInvalid(_) => "ParameterValueInvalid",
            Self::OutboxFull => "Throttled",
            Self::Conflict | Self::Catalog(_) => "InternalError",
            _ => "InvalidParameter",
        }
    }
}

impl From<SnsError> for OperationError {
    fn from(error: SnsError) -> Self {
        let message = error.to_string();
        match error {
            SnsError::InvalidParameter(_) | SnsError::Invalid(_) => {
                api::InvalidParameterException::new(message).into()
            }
            SnsError::ParameterValueInvalid(_) => api::InvalidParameterValueException::new(message).into(),
            SnsError::TopicMissing | SnsError::SubscriptionMissing => {
                api::NotFoundException::new(message).into()
            }
            SnsError::ResourceMissing => api::ResourceNotFoundException::new(message).into(),
            SnsError::NotAuthorized(_) => api::AuthorizationErrorException::new(message).into(),
            SnsError::TooManyTopics(_) => api::TopicLimitExceededException::new(message).into(),
            SnsError::TooManySubscriptions(_) => api::SubscriptionLimitExceededException::new(message).into(),
            SnsError::TooManyTags => api::TagLimitExceededException::new(message).into(),
            SnsError::TooManyFilterPolicies(_) => {
                api::FilterPolicyLimitExceededException::new(message).into()
            }
            SnsError::EmptyBatch => api::EmptyBatchRequestException::new(message).into(),
            SnsError::TooManyEntries => api::TooManyEntriesInBatchRequestException::new(message).into(),
            SnsError::EntryIdsNotDistinct => api::BatchEntryIdsNotDistinctException::new(message).into(),
            SnsError::InvalidEntryId => api::InvalidBatchEntryIdException::new(message).into(),
            SnsError::BatchTooLong => api::BatchRequestTooLongException::new(message).into(),
            SnsError::OutboxFull => OperationError::Throttled(message),
            SnsError::Conflict => OperationError::Unavailable(message),
            SnsError::Catalog(CatalogError::Unwritable(_) | CatalogError::Closed) => {
                OperationError::Unavailable(message)
            }
            SnsError::Catalog(error) => OperationError::internal(error),
        }
    }
}

/// A commit whose conflicts the caller has no better answer to.
impl From<CommitError> for SnsError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Failed(error) => Self::Catalog(error),
            CommitError::Exists { .. } | CommitError::Missing { .. } | CommitError::Conflict { .. } => {
                Self::Conflict
            }
        }
    }
}

/// An update of a topic's record.
impl From<UpdateError<SnsError>> for SnsError {
    fn from(error: UpdateError<SnsError>) -> Self {
        match error {
            UpdateError::Missing => Self::TopicMissing,
            UpdateError::Refused(error) => error,
            UpdateError::Failed(error) => Self::Catalog(error),
        }
    }
}
