//! How operations fail.

use shapes::cloudtrail::{
    InvalidEventCategoryException, InvalidLookupAttributesException, InvalidMaxResultsException,
    InvalidNextTokenException, InvalidTimeRangeException,
};
use smithy::OperationError;
use store::StoreError;

#[derive(Debug)]
pub(crate) enum CloudTrailError {
    InvalidLookupAttributes(String),
    InvalidMaxResults(String),
    InvalidTimeRange(String),
    InvalidNextToken(String),
    InvalidEventCategory(String),
    /// Too many requests of one kind.
    Throttled,
    Store(StoreError),
}

impl From<StoreError> for CloudTrailError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<CloudTrailError> for OperationError {
    fn from(error: CloudTrailError) -> Self {
        use CloudTrailError as E;
        match error {
            E::InvalidLookupAttributes(message) => InvalidLookupAttributesException::new(message).into(),
            E::InvalidMaxResults(message) => InvalidMaxResultsException::new(message).into(),
            E::InvalidTimeRange(message) => InvalidTimeRangeException::new(message).into(),
            E::InvalidNextToken(message) => InvalidNextTokenException::new(message).into(),
            E::InvalidEventCategory(message) => InvalidEventCategoryException::new(message).into(),
            E::Throttled => OperationError::Throttled("Rate exceeded".to_owned()),
            E::Store(StoreError::NoRoom(reason)) => OperationError::Unavailable(reason),
            E::Store(error) => OperationError::internal(error),
        }
    }
}
