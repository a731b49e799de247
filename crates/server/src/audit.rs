//! Which API calls are recorded. The server only observes; which calls are kept and what a record looks
//! like is CloudTrail's business.

/// Asked with the event source (`logs.amazonaws.com`) and the operation name.
#[derive(Debug, Clone, Copy)]
pub struct AuditRules {
    /// Whether calls of the operation are recorded at all.
    pub is_recorded: fn(&str, &str) -> bool,
    /// Whether the operation only reads; its output is then not part of the record.
    pub is_read_only: fn(&str, &str) -> bool,
}

impl AuditRules {
    /// Records nothing: for servers without an audit trail, in tests.
    pub const NONE: AuditRules = AuditRules { is_recorded: |_, _| false, is_read_only: |_, _| true };
}
