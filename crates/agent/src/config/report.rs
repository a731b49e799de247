//! What became of every member of a configuration.

use std::fmt;

use super::walk::Member;

/// What is done with a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    Honoured,
    /// Harmless: nothing is lost.
    Ignored,
    /// What it asks for is not collected.
    Refused,
}

/// One member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub verdict: Verdict,
    pub member: String,
    pub note: String,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::Honoured => "honoured",
            Verdict::Ignored => "ignored ",
            Verdict::Refused => "refused ",
        };
        write!(f, "{verdict} {}", self.member)?;
        if self.note.is_empty() { Ok(()) } else { write!(f, "  {}", self.note) }
    }
}

/// All members, in the file's order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    pub lines: Vec<Line>,
}

impl Report {
    pub fn has_refusals(&self) -> bool {
        self.lines.iter().any(|line| line.verdict == Verdict::Refused)
    }

    pub(super) fn honoured(&mut self, member: &Member<'_>) {
        self.add(Verdict::Honoured, member, "");
    }

    pub(super) fn ignored(&mut self, member: &Member<'_>, note: &str) {
        self.add(Verdict::Ignored, member, note);
    }

    pub(super) fn refused(&mut self, member: &Member<'_>, note: &str) {
        self.add(Verdict::Refused, member, note);
    }

    fn add(&mut self, verdict: Verdict, member: &Member<'_>, note: &str) {
        self.lines.push(Line { verdict, member: member.path.clone(), note: note.to_owned() });
    }
}
