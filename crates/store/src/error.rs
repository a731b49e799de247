//! Why the store could not do what it was asked.

/// Storage failures, by what the caller can do about them.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk is full, or a queue is: nothing was stored, try again later.
    #[error("no room: {0}")]
    NoRoom(String),
    /// Bytes on disk are not what was written. They are never served as data.
    #[error("{what} is damaged: {detail}")]
    Damaged { what: String, detail: String },
    #[error("i/o on {what} failed")]
    Io {
        what: String,
        #[source]
        source: std::io::Error,
    },
    #[error("object store failed on {what}")]
    Object {
        what: String,
        #[source]
        source: object_store::Error,
    },
    #[error("{what} could not be encoded or decoded")]
    Format {
        what: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The caller went away or the server is shutting down.
    #[error("cancelled")]
    Cancelled,
}

impl StoreError {
    pub fn io(what: impl Into<String>, source: std::io::Error) -> Self {
        // ENOSPC and EDQUOT: the writer may try again when there is room.
        match source.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                Self::NoRoom(source.to_string())
            }
            _ => Self::Io { what: what.into(), source },
        }
    }

    pub fn object(what: impl Into<String>, source: object_store::Error) -> Self {
        Self::Object { what: what.into(), source }
    }

    pub fn format(
        what: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Format { what: what.into(), source: source.into() }
    }

    pub fn damaged(what: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Damaged { what: what.into(), detail: detail.into() }
    }
}
