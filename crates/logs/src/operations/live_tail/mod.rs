//! Live tail.

mod start_live_tail;

pub(super) use start_live_tail::start_live_tail;
