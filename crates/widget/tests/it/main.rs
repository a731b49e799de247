//! Pictures compared with those in `tests/golden/`. `BLESS=1` rewrites them; look at the difference.

mod golden;
mod robust;
mod samples;
